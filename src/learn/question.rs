//! A question: predict, see what happens, and read why.

use super::choices::Choices;
use super::console::{Console, Left};
use super::progress::Progress;
use super::stage;
use course::{Card, Chapter, Kind, Mark, Mistake, Question, Response};
use std::time::Instant;
use trace::shown;

const HELP: &str = "Choose by the keys before the answers, and press Enter. `skip` goes on without an answer, and `quit` \
                    leaves. What you have answered is kept.";

/// What became of a question.
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
    explain(console, card, question)?;
    progress.change(chapter, card, |result| result.is_done = true)?;
    play_more(console, question, &choices)?;
    Ok(true)
}

/// Notes a response in the result of its card. The first one counts.
pub(super) fn note(result: &mut course::CardResult, response: Response, began: Instant) {
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
            console.item(&format!("  {key:<4} "), &answer.text)?;
        }
    }
    console.print("\n")?;
    loop {
        let line = console.ask(&choices.prompt())?;
        match line.as_str() {
            "" | "?" | "help" => console.say(HELP)?,
            "skip" => return Ok(Asked::Skipped),
            keys => {
                let fits = choices.response(keys).and_then(|response| {
                    question.mark(&response).map(|_| response).map_err(|unfit| unfit.to_string())
                });
                match fits {
                    Ok(response) => return Ok(Asked::Answered(response)),
                    Err(problem) => console.say(&format!("{problem}. `?` is for help."))?,
                }
            }
        }
    }
}

/// Lets the learner write an answer. Which lines of the rubric it meets is asked later.
fn write(console: &Console) -> Result<Asked, Left> {
    console.say("Write your answer. An empty line ends it.")?;
    let mut words = Vec::new();
    loop {
        match console.line("| ")?.as_str() {
            "" if words.is_empty() => console.say("Write a few words, or `skip`.")?,
            "" => return Ok(Asked::Answered(Response::Written { words: words.join("\n"), met: Vec::new() })),
            "skip" if words.is_empty() => return Ok(Asked::Skipped),
            "quit" if words.is_empty() => return Err(Left::Quit),
            line => words.push(line.to_owned()),
        }
    }
}

/// Shows whether the prediction was right, by playing it on.
fn show(console: &Console, question: &Question, mark: &Mark) -> Result<(), Left> {
    console.print("\n")?;
    if mark.is_right() {
        console.say("Right.")?;
        let right = question.answers.iter().find(|answer| answer.is_right);
        if let (Kind::One, Some(answer)) = (question.kind, right) {
            console.say("This is what happens:")?;
            stage::play_on(console, question, answer, true)?;
            console.say(&answer.correction)?;
        }
        return Ok(());
    }
    let is_order = question.kind == Kind::Order;
    console.say(&match mark.mistakes.as_slice() {
        _ if question.kind == Kind::One => "Not right. See what happens:".to_owned(),
        mistakes => format!("{} of {} are wrong. See what happens:", mistakes.len(), question.answers.len()),
    })?;
    // Of an order the first mistake, since the others follow from it.
    let is_played = |place: usize, mistake: &Mistake| place == 0 || mistake.was_chosen && !is_order;
    for (place, mistake) in mark.mistakes.iter().enumerate() {
        let Mistake { answer, was_chosen } = mistake;
        let what = match (question.kind, was_chosen) {
            (Kind::One, true) => "Your answer",
            (Kind::One, false) => "The right answer",
            (Kind::Order, _) => "Not in its place",
            (_, true) => "Chosen, and not right",
            (_, false) => "Right, and not chosen",
        };
        console.say(&format!("{what}: {}", answer.text))?;
        if is_played(place, mistake) {
            stage::play_on(console, question, answer, place == 0)?;
        }
        console.say(&answer.correction)?;
    }
    Ok(())
}

/// Says why the right answer is right.
fn explain(console: &Console, card: &Card, question: &Question) -> Result<(), Left> {
    let right = question.answers.iter().filter(|answer| answer.is_right);
    if question.kind == Kind::Order {
        console.print("The right order:\n")?;
        for (number, answer) in (1..).zip(right) {
            console.item(&format!("  {number}. "), &answer.text)?;
        }
        console.print("\n")?;
    } else {
        let right: Vec<&str> = right.map(|answer| answer.text.as_str()).collect();
        console.say(&format!("Right: {}", right.join("; ")))?;
    }
    reasons(console, card)
}

/// The reason, the rules, and where to read on.
pub(super) fn reasons(console: &Console, card: &Card) -> Result<(), Left> {
    console.say(&card.because)?;
    for rule in &card.rules {
        console.item("  ", &format!("raft rules {rule}"))?;
    }
    console.say(&format!("  The paper: {}", card.paper))?;
    Ok(())
}

/// Plays other answers, until the learner goes on.
fn play_more(console: &Console, question: &Question, choices: &Choices) -> Result<(), Left> {
    loop {
        let line = console.ask("Enter goes on. The key of an answer plays it: ")?;
        if line.is_empty() || line == "skip" {
            console.print("\n")?;
            return Ok(());
        }
        match choices.find(&line) {
            Some(answer) => {
                stage::play_on(console, question, answer, false)?;
                console.say(&answer.correction)?;
            }
            None => console.say(&format!("\"{}\" is no key of an answer.", shown(&line)))?,
        }
    }
}
