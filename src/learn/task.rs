//! A task: the learner types commands of the scenario language, until all checks hold.

use super::commands;
use super::console::{Console, Left};
use super::progress::Progress;
use super::question::reasons;
use super::stage::{Detail, Teller, show_servers};
use course::{Attempt, Card, Chapter, Checked, Task};
use simulator::Scenario;
use std::collections::BTreeSet;
use std::io;
use std::time::Instant;
use trace::{english, shown};

const WORDS: [(&str, &str); 11] = [
    ("hint", "a little help"),
    ("solution", "one way to do it"),
    ("checks", "what is to be done, and what is done"),
    ("servers", "each server's role, term and log"),
    ("story", "everything that has happened, line by line"),
    ("undo", "take the last command back"),
    ("again", "take all commands back"),
    ("skip", "go on to the next card"),
    ("quit", "leave; you can continue later"),
    ("?", "this help"),
    ("? COMMAND", "what a command does; `? term` explains a word"),
];

/// A task that is being done.
struct Bench<'a> {
    console: &'a Console,
    task: &'a Task,
    scenario: Scenario,
    teller: Teller,
    /// The learner's commands.
    commands: Vec<String>,
    /// The checks as they were shown last.
    checked: Vec<Checked<'a>>,
}

/// Lets the learner do a task of a chapter. Was it done?
pub(super) fn perform(
    console: &Console,
    progress: &mut Progress,
    chapter: &Chapter,
    card: &Card,
    task: &Task,
) -> Result<bool, Left> {
    let began = Instant::now();
    console.say(&format!("To do: {}", task.text))?;
    let mut bench = Bench {
        console,
        task,
        scenario: Scenario::default(),
        teller: Teller::new(None, Detail::Brief),
        commands: Vec::new(),
        checked: Vec::new(),
    };
    let told = bench.replay(Detail::Brief);
    if !told.is_empty() {
        console.print(&(told + "\n"))?;
    }
    show_servers(console, &mut bench.scenario)?;
    bench.show_checks()?;
    console.say("Type commands. Time passes only when a command says so, such as `run 100ms`. `?` lists the commands, `hint` helps.")?;
    loop {
        let line = console.command("> ")?;
        match line.as_str() {
            "" => {}
            "?" | "help" => bench.help()?,
            "hint" => console.say(&task.hint)?,
            "solution" => bench.show_solution()?,
            "checks" => bench.show_checks()?,
            "servers" => show_servers(console, &mut bench.scenario)?,
            "story" => console.print(&bench.replay(Detail::Full))?,
            "undo" => bench.undo()?,
            "again" => bench.again()?,
            "skip" => return Ok(false),
            _ => match line.strip_prefix("? ").or_else(|| line.strip_prefix("help ")) {
                Some(command) => bench.explain(command)?,
                None => {
                    progress.change(chapter, card, |result| result.tries = result.tries.saturating_add(1))?;
                    bench.command(&line)?;
                }
            },
        }
        if bench.is_done() {
            console.say("Done: all checks hold.")?;
            progress.change(chapter, card, |result| {
                if !result.is_done {
                    result.seconds = u32::try_from(began.elapsed().as_secs()).unwrap_or(u32::MAX);
                }
                result.is_done = true;
                result.commands = bench.commands;
            })?;
            reasons(console, card)?;
            return Ok(true);
        }
    }
}

impl Bench<'_> {
    /// Plays the world and the learner's commands from the beginning, and returns the story.
    fn replay(&mut self, detail: Detail) -> String {
        let attempt = Attempt { world: &self.task.world, commands: &self.commands };
        let (scenario, film) = attempt.open().expect("it was played before");
        (self.scenario, self.teller) = (scenario, Teller::new(film.without, Detail::Brief));
        self.teller.tell(&film.scenes);
        self.checked = self.task.checked(&self.commands).expect("it was played before");
        Teller::new(film.without, detail).tell(&film.scenes)
    }

    /// Plays one command more, and shows what comes of it.
    fn command(&mut self, line: &str) -> Result<(), Left> {
        let played = self.scenario.command(line);
        self.commands.push(line.to_owned());
        let checked = self.task.checked(&self.commands);
        match (played, checked) {
            (Ok(scene), Ok(checked)) => {
                let now = english::seconds(u64::try_from(scene.now.as_micros()).unwrap_or(u64::MAX));
                let told = self.teller.tell(&[scene]);
                // The learner has just read the command.
                let is_command = |line: &&str| line.starts_with('▸');
                let told: String = told.split_inclusive('\n').skip_while(is_command).collect();
                match told.is_empty() {
                    true => self.console.print(&format!("  {now} nothing to report\n"))?,
                    false => self.console.print(&told)?,
                }
                let holds = |checked: &[Checked]| checked.iter().map(|one| one.holds).collect::<Vec<_>>();
                let has_changed = holds(&checked) != holds(&self.checked);
                self.checked = checked;
                if has_changed {
                    self.show_checks()?;
                }
            }
            (played, checked) => {
                self.commands.pop();
                let why = played.err().or_else(|| Some(checked.err()?.to_string())).unwrap_or_default();
                self.refuse(line, &why)?;
                // A part of it may have been done.
                self.replay(Detail::Brief);
            }
        }
        Ok(())
    }

    fn refuse(&self, line: &str, why: &str) -> io::Result<()> {
        let name = line.split_whitespace().next().unwrap_or_default();
        if !why.starts_with("there is no command ") {
            return self.console.say(&format!(
                "That did not work: {}. `? {}` explains it.",
                shown(why),
                shown(name)
            ));
        }
        let meant =
            commands::similar(name).map(|name| format!(" Did you mean `{name}`?")).unwrap_or_default();
        self.console.say(&format!("There is no command \"{}\".{meant} `?` lists the commands.", shown(name)))
    }

    fn undo(&mut self) -> Result<(), Left> {
        let Some(command) = self.commands.pop() else {
            self.console.say("There is nothing to undo.")?;
            return Ok(());
        };
        self.replay(Detail::Brief);
        self.console.say(&format!("Taken back: {}", shown(&command)))?;
        Ok(())
    }

    fn again(&mut self) -> Result<(), Left> {
        self.commands.clear();
        self.replay(Detail::Brief);
        self.console.say("The world is as it was at the beginning.")?;
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.checked.iter().all(|checked| checked.holds)
    }

    fn show_checks(&self) -> io::Result<()> {
        for Checked { words, holds, .. } in &self.checked {
            self.console.item(if *holds { "  [x] " } else { "  [ ] " }, words)?;
        }
        self.console.print("\n")
    }

    fn show_solution(&self) -> io::Result<()> {
        self.console.print("One way, from the beginning (`again` leads there):\n")?;
        for command in &self.task.solution {
            self.console.item("  ", command)?;
        }
        self.console.print("\n")
    }

    fn help(&self) -> io::Result<()> {
        let name = |command: &String| command.split(' ').next().unwrap_or_default().to_owned();
        let needed: BTreeSet<String> = self.task.solution.iter().map(name).collect();
        let needed = needed.into_iter().collect::<Vec<_>>().join(", ");
        self.console.item("  ", &format!("Enough for this task: {needed}"))?;
        self.console.print("\n")?;
        for (section, names) in commands::names() {
            self.console.item("  ", &format!("{section}: {}", names.join(", ")))?;
        }
        self.console.print("\n")?;
        for (word, meaning) in WORDS {
            self.console.item(&format!("  {word:<10} "), meaning)?;
        }
        self.console.print("\n")
    }

    fn explain(&self, command: &str) -> io::Result<()> {
        match commands::show(self.console, command.trim())? {
            true => Ok(()),
            false => self.refuse(command, "there is no command "),
        }
    }
}
