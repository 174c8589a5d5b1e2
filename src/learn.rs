//! `raft learn`

mod choices;
mod class;
mod commands;
mod console;
mod lesson;
mod printed;
mod progress;
mod question;
mod quiz;
mod stage;
mod task;

use crate::lab::Served;
use crate::paragraph::counted;
use crate::replay::end_signals;
use crate::scenarios::most_similar;
use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, Args};
use class::Class;
use command::{Failure, ended_by, page_address, say, write_file, written};
use console::{Console, Left};
use course::{Chapter, all, chapters};
use progress::Progress;
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use signal_hook::consts::SIGINT;
use std::ffi::OsStr;
use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use trace::shown;

/// The word for the first chapter that is not done.
const NEXT: &str = "next";
/// The page's port: the letters RAFT on the keys of a telephone. It is the same each time, because a browser keeps the
/// progress for an address with its port. Systems don't give out ports that low by themselves.
const PORT: u16 = 7238;

/// Take the course: predict what happens, do it yourself, and see why
///
/// Twelve chapters of about ten minutes, with a quiz before them and another
/// one after. Without a name, the course opens in your browser. With one, the
/// chapter is played here in the terminal.
///
///   raft learn
///   raft learn before
///   raft learn 3
///   raft learn next
///
/// Your progress stays on this machine. The page and the terminal each keep
/// their own; --export and --import bring them together.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct LearnArguments {
    /// A chapter's number or name; before or after for a quiz; next for the first chapter that is not done
    #[arg(value_name = "CHAPTER", value_parser = ChapterParser, hide_possible_values = true)]
    chapter: Option<String>,

    /// List the chapters, and what you have done
    #[arg(long, group = "what", conflicts_with = "chapter")]
    list: bool,

    /// Print the chapter or the quiz as a page in HTML, to be printed on paper: the questions alone
    #[arg(long, group = "what", requires = "chapter")]
    print: bool,

    /// With --print: the answers, the rubrics and the points, too
    #[arg(long, requires = "print")]
    key: bool,

    /// Show a class's results: a table for each quiz, and one of the learners. The files come from --export or from the
    /// page
    #[arg(long, value_name = "FILE", num_args = 1.., group = "what", conflicts_with = "chapter")]
    score: Vec<PathBuf>,

    /// Write your results into a file, for a teacher or for the page
    #[arg(long, value_name = "FILE", group = "what", conflicts_with = "chapter")]
    export: Option<PathBuf>,

    /// With --export: your name, if you want it to be in the file
    #[arg(long, requires = "export", default_value = "", hide_default_value = true)]
    name: String,

    /// Add results that were exported by the page or on another machine. What you have done here stays. Of each
    /// exercise the better result counts; of a mystery, your first answer
    #[arg(long, value_name = "FILE", group = "what", conflicts_with = "chapter")]
    import: Option<PathBuf>,

    /// Delete what you have done here
    #[arg(long, group = "what", conflicts_with = "chapter")]
    delete: bool,

    /// Show the chapter, or the course, on the page at this address of this machine [default: 127.0.0.1:7238, or a
    /// free port if that one is taken]
    #[arg(long, value_name = "HOST:PORT", num_args = 0..=1, require_equals = true)]
    #[arg(value_parser = page_address, conflicts_with = "what")]
    web: Option<Option<SocketAddr>>,

    /// Print the page's address, but don't open it in the browser
    #[arg(long, conflicts_with = "what")]
    no_open: bool,
}

/// Takes any word. A shell completes the names of chapters.
#[derive(Debug, Clone)]
struct ChapterParser;

impl TypedValueParser for ChapterParser {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(names().chain([NEXT]).map(PossibleValue::new)))
    }
}

pub(crate) fn run(arguments: LearnArguments) -> Result<ExitCode, Failure> {
    if arguments.list {
        return written(io::stdout().write_all(list(&Progress::open()?).as_bytes()));
    }
    if !arguments.score.is_empty() {
        return score(&arguments.score);
    }
    if let Some(file) = &arguments.export {
        let results = course::Results { learner: arguments.name, ..Progress::open()?.results };
        write_file(file, &progress::json(&results))?;
        say(format_args!("Your results are in {}", file.display()));
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(file) = &arguments.import {
        return import(file);
    }
    if arguments.delete {
        say(match progress::delete()? {
            Some(file) => format!("Deleted: {}", file.display()),
            None => "There was nothing to delete".to_owned(),
        });
        return Ok(ExitCode::SUCCESS);
    }
    let chapter = arguments.chapter.as_deref();
    match (chapter, arguments.web) {
        (Some(name), _) if arguments.print => {
            let page = printed::page(find(name, &Progress::open()?)?, arguments.key);
            written(io::stdout().write_all(page.as_bytes()))
        }
        (Some(name), None) => {
            let progress = Progress::open()?;
            play(find(name, &progress)?, progress)
        }
        (chapter, address) => {
            let chapter = chapter.map(|name| find(name, &Progress::open()?)).transpose()?;
            serve(chapter, address.flatten(), !arguments.no_open)
        }
    }
}

fn names() -> impl Iterator<Item = &'static str> {
    all().map(|chapter| chapter.name.as_str())
}

/// The name of a chapter, such as two-leaders of 05-two-leaders.
fn without_number(chapter: &Chapter) -> &str {
    chapter.name.split_once('-').map_or(&chapter.name, |(_, name)| name)
}

/// The chapter that is meant.
fn find(name: &str, progress: &Progress) -> Result<&'static Chapter, Failure> {
    if name == NEXT {
        let is_done = |chapter: &Chapter| progress.results.done(chapter) == chapter.cards.len();
        let next = chapters().iter().find(|chapter| !is_done(chapter));
        return next.ok_or_else(|| {
            Failure::usage("you have done all chapters", "`raft learn after` is the quiz after the course")
        });
    }
    let number = name.parse().ok().and_then(|number: usize| chapters().get(number.checked_sub(1)?));
    let named = || all().find(|chapter| chapter.name == name || without_number(chapter) == name);
    number.or_else(named).ok_or_else(|| {
        let likeness = |known: &str| strsim::jaro_winkler(known, name);
        let likenesses = all().map(|chapter| {
            (likeness(&chapter.name).max(likeness(without_number(chapter))), chapter.name.as_str())
        });
        let meant = most_similar(likenesses).map(|name| format!("did you mean {name}? ")).unwrap_or_default();
        Failure::usage(
            format_args!("there is no chapter \"{}\"", shown(name)),
            format!("{meant}`raft learn --list` lists the chapters"),
        )
    })
}

/// Plays a chapter or a quiz in the terminal.
fn play(chapter: &Chapter, mut progress: Progress) -> Result<ExitCode, Failure> {
    leave_politely()?;
    match play_on(&Console::open(), &mut progress, chapter) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(Left::Quit) => {
            say(FAREWELL);
            Ok(ExitCode::SUCCESS)
        }
        Err(Left::Interrupted) => {
            say(FAREWELL);
            Ok(ended_by(SIGINT))
        }
        Err(Left::Output(error)) => written(Err(error)),
        Err(Left::Failed(failure)) => Err(failure),
    }
}

/// Plays a chapter or a quiz, and those after it if the learner wants to go on.
fn play_on(console: &Console, progress: &mut Progress, chapter: &Chapter) -> Result<(), Left> {
    let later = all().skip_while(|other| other.name != chapter.name);
    for chapter in later {
        match chapter.points() > 0 {
            true => quiz::take(console, progress, chapter)?,
            false => lesson::play(console, progress, chapter)?,
        }
        let is_last = all().last().is_some_and(|last| last.name == chapter.name);
        if is_last || !console.is_interactive() {
            return Ok(());
        }
        console.ask("Press Enter to go on with it, or type `quit`: ")?;
        console.print("\n")?;
    }
    Ok(())
}

const FAREWELL: &str = "Your answers are saved. Run the same command to continue.";

/// A signal, such as that of Ctrl+C, ends the program with a word. Everything was kept as soon as it was answered.
fn leave_politely() -> Result<(), Failure> {
    let mut signals = end_signals()?;
    let settings = tcgetattr(io::stdin()).ok();
    thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            // A line may be just being edited.
            if let Some(settings) = settings {
                let _ = tcsetattr(io::stdin(), OptionalActions::Now, &settings);
            }
            say(format_args!("\n{FAREWELL}"));
            std::process::exit(128 + signal);
        }
    });
    Ok(())
}

/// Serves the page's course until a signal ends it: at this address, if one was chosen.
fn serve(chapter: Option<&Chapter>, address: Option<SocketAddr>, opens: bool) -> Result<ExitCode, Failure> {
    let chapter = chapter.map(|chapter| format!("={}", chapter.name)).unwrap_or_default();
    let fragment = format!("#learn{chapter}");
    let course = Served { what: "course", command: "raft learn", link: "", fragment: &fragment };
    // Who reads the address on a terminal has a browser nearby; a program that starts this one may have none.
    let opens = opens && io::stderr().is_terminal();
    match address {
        Some(address) => course.at(address, opens),
        None => course.at_usual_port(
            PORT,
            &format!(
                "Port {PORT} is taken, perhaps by another `raft learn`. A browser keeps progress for each address: to take \
                 yours along, choose Export at the other one, and Import here."
            ),
            opens,
        ),
    }
}

/// Shows the results of a class. Files with faults are named, and the others count.
fn score(files: &[PathBuf]) -> Result<ExitCode, Failure> {
    let class = Class::of(files);
    written(io::stdout().write_all(class.tables().as_bytes()))?;
    for (file, fault) in &class.faults {
        say(shown(&format!("{}: {fault}", file.display())));
    }
    Ok(if class.faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn import(file: &Path) -> Result<ExitCode, Failure> {
    let results = progress::read(file).map_err(|error| {
        Failure::of(
            format_args!("can't read {}: {error}", file.display()),
            "choose a file that the page or `raft learn --export FILE` has written",
        )
    })?;
    let added = Progress::open()?.add(results)?;
    say(format_args!("Added: {}", counted(added as u64, "result")));
    Ok(ExitCode::SUCCESS)
}

/// The chapters, and what is done of them.
fn list(progress: &Progress) -> String {
    let mut text = String::from(
        "`raft learn` opens the course in your browser; `raft learn 1` plays a chapter here.\n\n",
    );
    for chapter in all() {
        let number = chapters().iter().position(|other| other.name == chapter.name);
        let number = number.map_or_else(|| chapter.name.clone(), |place| (place + 1).to_string());
        let state = state(progress, chapter);
        text += &format!("{number:>6}  {:<42} {:>2} min  {state}\n", chapter.title, chapter.minutes);
    }
    text
}

fn state(progress: &Progress, chapter: &Chapter) -> String {
    match (progress.results.points(chapter), progress.results.done(chapter)) {
        (Some(points), _) if chapter.points() > 0 => format!("{points:.1} of {} points", chapter.points()),
        (_, 0) => String::new(),
        (_, done) => format!("{done} of {} done", chapter.cards.len()),
    }
}
