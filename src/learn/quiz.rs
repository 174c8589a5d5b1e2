//! The quiz: all questions first, without a word about the answers. Then the learner grades what was written.

use super::choices::Choices;
use super::console::{Console, Left};
use super::progress::Progress;
use super::question::{self, Asked};
use super::stage;
use crate::paragraph::counted;
use course::{Card, Challenge, Chapter, Kind, Question, Response, quiz_after, quiz_before};
use std::time::Instant;

/// Asks the questions that have no answer yet, and counts the points.
pub(super) fn take(console: &Console, progress: &mut Progress, quiz: &Chapter) -> Result<(), Left> {
    let is_open = |progress: &Progress, card: &Card| {
        progress.results.of(quiz, card).is_none_or(|result| result.tries == 0)
    };
    if quiz.cards.iter().any(|card| is_open(progress, card)) {
        console
            .say(&format!("Quiz: {}. About {} minutes. Don't look anything up.", quiz.title, quiz.minutes))?;
        if quiz.name == quiz_before().name {
            console.say(
                "Before the course it is normal to know little. Later you will see what you have learned.",
            )?;
        }
        console.say(
            "Your first answer counts, and you see your points at the end. `skip` leaves a question out.",
        )?;
    }
    let count = quiz.cards.len();
    for (number, (card, asked)) in (1..).zip(questions(quiz)) {
        if !is_open(progress, card) {
            continue;
        }
        console.print(&format!("Question {number} of {count}, {} points\n\n", card.points()))?;
        console.say(&card.say)?;
        let began = Instant::now();
        stage::show_given_logs(console, &asked.world)?;
        let choices = Choices::of(asked, &quiz.place_of(card), progress.results.seed);
        match question::answer(console, asked, &choices)? {
            Asked::Answered(response) => {
                let is_final = asked.kind != Kind::Text;
                progress.change(quiz, card, |result| {
                    question::note(result, response, began);
                    result.is_done = is_final;
                })?;
            }
            Asked::Skipped => progress.change(quiz, card, |result| {
                (result.tries, result.is_done) = (1, true);
            })?,
        }
        console.print("\n")?;
    }
    grade(console, progress, quiz)?;
    show_points(console, progress, quiz)
}

fn questions(quiz: &Chapter) -> impl Iterator<Item = (&Card, &Question)> {
    quiz.cards.iter().filter_map(|card| match &card.challenge {
        Challenge::Question(question) => Some((card, question)),
        Challenge::Task(_) => None,
    })
}

/// Lets the learner decide what their own words are worth.
fn grade(console: &Console, progress: &mut Progress, quiz: &Chapter) -> Result<(), Left> {
    for (card, question) in questions(quiz) {
        let result = progress.results.of(quiz, card).filter(|result| !result.is_done);
        let Some(Response::Written { words, .. }) = result.and_then(|result| result.first.clone()) else {
            continue;
        };
        console.say(&format!("Compare your answer with the rubric: {}", question.text))?;
        console.print("You wrote:\n")?;
        for line in words.lines() {
            console.item("| ", &trace::shown(line))?;
        }
        console.print("\n")?;
        console.say(&format!(
            "A model answer: {}. {}",
            question.answers[0].text, question.answers[0].correction
        ))?;
        let mut met = Vec::new();
        for line in &question.rubric {
            console.item(&format!("  {}: ", counted(line.points.into(), "point")), &line.text)?;
            if yes_or_no(console, "  Does your answer say that? (y or n) ")? {
                met.push(line.text.clone());
            }
        }
        console.print("\n")?;
        progress.change(quiz, card, |result| {
            result.first = Some(Response::Written { words, met });
            result.is_done = true;
        })?;
    }
    Ok(())
}

fn yes_or_no(console: &Console, question: &str) -> Result<bool, Left> {
    loop {
        match console.ask(question)?.to_lowercase().as_str() {
            "y" | "yes" => return Ok(true),
            "n" | "no" => return Ok(false),
            _ => console.say("Type y for yes, or n for no.")?,
        }
    }
}

fn show_points(console: &Console, progress: &Progress, quiz: &Chapter) -> Result<(), Left> {
    let results = &progress.results;
    for (number, (card, question)) in (1..).zip(questions(quiz)) {
        let most = card.points();
        let points = results.share(quiz, card).unwrap_or(0.0) * f64::from(most);
        console
            .item(&format!("  {points:>4.1} of {most:>2}  "), &format!("question {number} ({})", card.id))?;
        // The answers to the first quiz would help in the second one.
        if quiz.name == quiz_after().name && points < f64::from(most) {
            let right = question.answers.iter().filter(|answer| answer.is_right);
            let right: Vec<&str> = right.map(|answer| answer.text.as_str()).collect();
            console.item("              ", &format!("Right: {}. {}", right.join("; "), card.because))?;
        }
    }
    let points = results.points(quiz).unwrap_or(0.0);
    console.print("\n")?;
    console.say(&format!("{points:.1} of {} points.", quiz.points()))?;
    console.say(match quiz.name == quiz_before().name {
        true => "The answers come in the course. `raft learn 1`, its first chapter, is next.",
        false => {
            "`raft learn --list` compares both quizzes, and `raft learn --export FILE` saves your results."
        }
    })?;
    Ok(())
}
