//! A question: predict, see what happens, and read why.

use super::choices::Choices;
use super::commands;
use super::console::{Console, Left};
use super::progress::Progress;
use super::stage::{self, Detail};
use course::{Answer, Card, CardResult, Chapter, Kind, Mark, Mistake, Question, Response, expectation};
use std::io;
use std::time::Instant;
use trace::shown;

const HELP: &str = "Type the number or the name in front of an answer, and press Enter. `skip` leaves the question out, \
                    `? term` explains a word or a command, and `quit` leaves the course. Your answers are saved.";
const HELP_AFTERWARDS: &str = "Press Enter to continue. Type one answer, as you did before, to see its run. `story` changes \
                               between the short form of a run and every line of it, `? term` explains a word or a command, and `quit` leaves.";

/// How a learner has reacted to a question.
pub(super) enum Asked {
    Answered(Response),
    Skipped,
}

/// Asks a question of a chapter, plays the answer on, and says why. Was it answered?
pub(super) fn ask(
    console: &Console,
    progress: &mut Progress,
    chapter: &Chapter,
    card: &Card,
    question: &Question,
) -> Result<bool, Left> {
    let choices = Choices::of(question, &chapter.place_of(card), progress.results.seed);
    let began = Instant::now();
    stage::show_given_logs(console, &question.world)?;
    let Asked::Answered(response) = answer(console, question, &choices)? else { return Ok(false) };
    let mark = question.mark(&response).expect("it was checked when it was given");
    progress.change(chapter, card, |result| note(result, response.clone(), began))?;
    show(console, question, &mark)?;
    reasons(console, card)?;
    progress.change(chapter, card, |result| result.is_done = true)?;
    play_more(console, question, &choices)?;
    Ok(true)
}

/// Notes a response in the result of its card. The first one counts.
pub(super) fn note(result: &mut CardResult, response: Response, began: Instant) {
    result.tries = result.tries.saturating_add(1);
    if result.first.is_none() {
        result.seconds = u32::try_from(began.elapsed().as_secs()).unwrap_or(u32::MAX);
        result.first = Some(response);
    }
}

/// Asks until there is an answer.
pub(super) fn answer(console: &Console, question: &Question, choices: &Choices) -> Result<Asked, Left> {
    console.say(&question.text)?;
    if question.kind == Kind::Text {
        return write(console);
    }
    if question.kind == Kind::Servers {
        let servers: Vec<&str> = choices.iter().map(|(key, _)| key).collect();
        console.item("  ", &servers.join(" "))?;
    } else {
        for (key, answer) in choices.iter() {
            console.item(&format!("  {:<5} ", format!("{key})")), &answer.text)?;
        }
    }
    console.print("\n")?;
    loop {
        let line = console.ask(&choices.prompt())?;
        match line.as_str() {
            "" | "?" | "help" => console.say(HELP)?,
            "skip" => return Ok(Asked::Skipped),
            keys if keys.starts_with("? ") => explain(console, keys)?,
            keys => {
                let fits = choices.response(keys).and_then(|response| {
                    question.mark(&response).map(|_| response).map_err(|unfit| unfit.to_string())
                });
                match fits {
                    Ok(response) => return Ok(Asked::Answered(response)),
                    Err(problem) => console.say(&format!("Not understood: {problem}. `?` is for help."))?,
                }
            }
        }
    }
}

/// Explains the word after a question mark.
fn explain(console: &Console, word: &str) -> io::Result<()> {
    match commands::show(console, word.trim_start_matches(['?', ' ']))? {
        true => Ok(()),
        false => console.say("There is no such command, and the glossary does not have the word. `raft rules` lists the rules."),
    }
}

/// Lets the learner write an answer. Which lines of the rubric it meets is asked later.
fn write(console: &Console) -> Result<Asked, Left> {
    console.say("Write your answer. An empty line ends it, and `undo` takes the last line back.")?;
    let mut words: Vec<String> = Vec::new();
    loop {
        match console.line("| ")?.as_str() {
            "" if words.is_empty() => console.say("Write a few words, or `skip`.")?,
            "" => return Ok(Asked::Answered(Response::Written { words: words.join("\n"), met: Vec::new() })),
            "undo" => match words.pop() {
                Some(line) => console.say(&format!("Taken back: {}", shown(&line)))?,
                None => console.say("There is nothing to take back.")?,
            },
            "skip" if words.is_empty() => return Ok(Asked::Skipped),
            "quit" if words.is_empty() => return Err(Left::Quit),
            line => words.push(line.to_owned()),
        }
    }
}

/// Shows whether the prediction was right, by playing it on.
fn show(console: &Console, question: &Question, mark: &Mark) -> Result<(), Left> {
    console.print("\n")?;
    let play = |answer: &Answer, with_world| {
        stage::play_on(console, question, answer, with_world, Detail::Brief)?;
        console.say(&answer.correction)
    };
    let mut played: Vec<Vec<&str>> = Vec::new();
    if mark.is_right() {
        console.say("Right.")?;
        let right = question.answers.iter().find(|answer| answer.is_right);
        match (question.kind, right) {
            (Kind::One, Some(right)) => play(right, true)?,
            (Kind::Servers | Kind::Entries, _) => stage::show_end_of_world(console, &question.world)?,
            _ => {}
        }
        return Ok(());
    }
    // Of one answer, the right one is said later. Of an order the first mistake is played: the others follow from it.
    let (is_one, is_order) = (question.kind == Kind::One, question.kind == Kind::Order);
    let mistakes: Vec<&Mistake> =
        mark.mistakes.iter().filter(|mistake| mistake.was_chosen || !is_one).collect();
    console.say(&match mistakes.len() {
        _ if is_one => "Not right. See what happens:".to_owned(),
        wrong => {
            let all = question.answers.len();
            format!("You were right about {} of {all}. See what happens:", all - wrong)
        }
    })?;
    for (place, Mistake { answer, was_chosen }) in mistakes.into_iter().enumerate() {
        // Several answers may have the same run.
        let is_played = place == 0 || *was_chosen && !is_order && !played.contains(&actions(answer));
        if is_played && place > 0 && console.is_interactive() {
            console.ask("Press Enter to see the next one. ")?;
        }
        let what = match (question.kind, was_chosen) {
            (Kind::One, _) => "Your answer",
            (Kind::Order, _) => "In the wrong position",
            (_, true) => "Chosen, but wrong",
            (_, false) => "Right, but not chosen",
        };
        console.say(&format!("{what}: {}", answer.text))?;
        if is_played {
            play(answer, place == 0)?;
            played.push(actions(answer));
        } else {
            console.say(&answer.correction)?;
        }
    }
    console.print("The right answer:\n")?;
    for (number, answer) in (1..).zip(question.answers.iter().filter(|answer| answer.is_right)) {
        let head = if is_order { format!("  {number}. ") } else { "  ".to_owned() };
        console.item(&head, &answer.text)?;
        if is_one {
            console.item("  ", &answer.correction)?;
        }
    }
    console.print("\n")?;
    Ok(())
}

/// The commands of its run that do something.
fn actions(answer: &Answer) -> Vec<&str> {
    let commands = answer.commands.iter().map(|command| command.trim_start_matches('!'));
    commands.filter(|command| expectation(command).is_none()).collect()
}

/// The reason, the rules, and where to read on.
pub(super) fn reasons(console: &Console, card: &Card) -> Result<(), Left> {
    console.say(&format!("Why: {}", card.because))?;
    for rule in &card.rules {
        console.item("  ", &format!("raft rules {rule}"))?;
    }
    console.item("  ", &format!("more: paper {}", card.paper))?;
    console.print("\n")?;
    Ok(())
}

/// Plays any answer, until the learner goes on.
fn play_more(console: &Console, question: &Question, choices: &Choices) -> Result<(), Left> {
    let mut detail = Detail::Brief;
    loop {
        let line = console.ask("Press Enter to continue, or type an answer to see its run: ")?;
        match line.as_str() {
            "" | "skip" => return Ok(console.print("\n")?),
            "?" | "help" => console.say(HELP_AFTERWARDS)?,
            word if word.starts_with("? ") => explain(console, word)?,
            "story" => {
                let (other, news) = match detail {
                    Detail::Brief => (Detail::Full, "Now a run is shown line by line."),
                    Detail::Full => (Detail::Brief, "Now a run is shown in its short form."),
                };
                detail = other;
                console.say(news)?;
            }
            keys => match choices.find_all(keys) {
                Ok(answers) => {
                    console.print("\n")?;
                    for answer in answers {
                        console.say(&answer.text)?;
                        stage::play_on(console, question, answer, true, detail)?;
                        console.say(&answer.correction)?;
                    }
                }
                Err(problem) => console.say(&format!("Not understood: {problem}. `?` is for help."))?,
            },
        }
    }
}
