//! A chapter, card by card.

use super::console::{Console, Left};
use super::progress::Progress;
use super::{question, task};
use course::{Card, Challenge, Chapter, chapters};

/// Plays a chapter, from the first card that is not done. If all are, it begins again.
pub(super) fn play(console: &Console, progress: &mut Progress, chapter: &Chapter) -> Result<(), Left> {
    begin(console, chapter)?;
    let is_done = |card: &Card| progress.results.of(chapter, card).is_some_and(|result| result.is_done);
    let first = chapter.cards.iter().position(|card| !is_done(card)).unwrap_or(0);
    if first > 0 {
        console.say(&format!("Continuing with card {}.", first + 1))?;
    }
    let count = chapter.cards.len();
    for (number, card) in (1..).zip(&chapter.cards).skip(first) {
        console.print(&format!("Card {number} of {count}: {}\n\n", card.id))?;
        if let Some(before) = met_before(chapter, card) {
            console.say(&format!("You have met this idea before, in {before}."))?;
        }
        console.say(&card.say)?;
        let is_done = match &card.challenge {
            Challenge::Question(asked) => question::ask(console, progress, chapter, card, asked)?,
            Challenge::Task(given) => {
                let is_done = task::perform(console, progress, chapter, card, given)?;
                if is_done && number < count {
                    while !console.ask("Press Enter to continue. ")?.is_empty() {
                        console.say("This task is done.")?;
                    }
                    console.print("\n")?;
                }
                is_done
            }
        };
        if !is_done {
            console.say("You can come back to this card later.")?;
        }
    }
    end(console, progress, chapter)
}

fn begin(console: &Console, chapter: &Chapter) -> Result<(), Left> {
    console.say(&chapter.title)?;
    console.say(&format!("About {} minutes. What you will learn:", chapter.minutes))?;
    for goal in &chapter.goals {
        console.item("* ", goal)?;
    }
    console.print("\n")?;
    console.say("`?` helps, `? term` explains a word, and `quit` leaves. You can continue later.")?;
    Ok(())
}

fn end(console: &Console, progress: &Progress, chapter: &Chapter) -> Result<(), Left> {
    let questions = chapter.cards.iter().filter(|card| matches!(card.challenge, Challenge::Question(_)));
    let is_right = |card: &&Card| progress.results.share(chapter, card).is_some_and(|share| share >= 1.0);
    let (questions, right): (Vec<&Card>, _) =
        (questions.clone().collect(), questions.filter(is_right).count());
    console.say(&format!(
        "This is the end of the chapter. {} of {} cards are done, and {right} of {} questions were right the first time.",
        progress.results.done(chapter),
        chapter.cards.len(),
        questions.len()
    ))?;
    let place = chapters().iter().position(|other| other.name == chapter.name);
    match place.and_then(|place| Some((place + 2, chapters().get(place + 1)?))) {
        Some((number, next)) => console.say(&format!("`raft learn {number}` is next: {}.", next.title))?,
        None => {
            console.say("`raft practice mystery` asks which rule is off in a cluster.")?;
            console.say("`raft learn after` is the quiz after the course.")?;
        }
    }
    Ok(())
}

/// The card that leads to this one, as the same idea in another form.
fn met_before(chapter: &Chapter, card: &Card) -> Option<String> {
    let place = chapter.place_of(card);
    let leads_here = |other: &Card| match &other.challenge {
        Challenge::Question(question) => question.again.as_ref() == Some(&place),
        Challenge::Task(_) => false,
    };
    let chapter = |number, chapter: &Chapter| {
        let card = chapter.cards.iter().find(|card| leads_here(card))?;
        Some(format!("chapter {number} ({})", card.id))
    };
    (1..).zip(chapters()).find_map(|(number, other)| chapter(number, other))
}
