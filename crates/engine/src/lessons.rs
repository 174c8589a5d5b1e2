//! The course: what the page asks about it.

use crate::lab::Lab;
use crate::response::{AddedTold, CourseTold, GradesTold, Judged, Refused};
use course::{Card, Challenge, Chapter, Mark, Question, Response, Results, Task};
use std::iter;

fn quizzes() -> [&'static Chapter; 2] {
    [course::quiz_before(), course::quiz_after()]
}

/// All cards, each with its place: CHAPTER/CARD.
fn cards() -> impl Iterator<Item = (String, &'static Chapter, &'static Card)> {
    let cards_of = |chapter: &'static Chapter| iter::repeat(chapter).zip(&chapter.cards);
    course::all().flat_map(cards_of).map(|(chapter, card)| (chapter.place_of(card), chapter, card))
}

fn challenge(place: &str) -> Result<&'static Challenge, Refused> {
    let card = cards().find_map(|(other, _, card)| (other == place).then_some(card));
    card.map(|card| &card.challenge).ok_or_else(|| Refused::new(format!("the course has no card {place}")))
}

fn question(place: &str) -> Result<&'static Question, Refused> {
    match challenge(place)? {
        Challenge::Question(question) => Ok(question),
        Challenge::Task(_) => Err(Refused::new(format!("{place} is a task, not a question"))),
    }
}

fn task(place: &str) -> Result<&'static Task, Refused> {
    match challenge(place)? {
        Challenge::Task(task) => Ok(task),
        Challenge::Question(_) => Err(Refused::new(format!("{place} is a question, not a task"))),
    }
}

/// The course, with the answers mixed by this seed.
pub(crate) fn course(seed: u32) -> CourseTold {
    let mixed = cards().filter_map(|(place, _, card)| match &card.challenge {
        Challenge::Question(question) => {
            let texts = question.mixed(seed, &place).into_iter().map(|answer| answer.text.as_str());
            Some((place, texts.collect()))
        }
        Challenge::Task(_) => None,
    });
    let [before, after] = quizzes();
    CourseTold { chapters: course::chapters(), before, after, mixed: mixed.collect() }
}

/// How good this response to a card's question is.
pub(crate) fn mark(place: &str, response: &Response) -> Result<Mark<'static>, Refused> {
    question(place)?.mark(response).map_err(|unfit| Refused::new(unfit.to_string()))
}

/// Which checks of a card's task hold for what was done in this lab.
pub(crate) fn judge(place: &str, lab: &Lab) -> Result<Judged, Refused> {
    let task = task(place)?;
    let commands = lab.done_after(&task.world)?;
    let checks = task.checked(&commands).map_err(|refused| Refused::new(refused.to_string()))?;
    Ok(Judged { commands, checks })
}

/// What these results are worth.
pub(crate) fn grade(results: &Results) -> GradesTold {
    let share = |(place, chapter, card)| Some((place, results.share(chapter, card)?));
    let [before, after] = quizzes().map(|quiz| results.points(quiz));
    GradesTold { shares: cards().filter_map(share).collect(), before, after }
}

/// These results together with more of them.
pub(crate) fn add(mut results: Results, more: Results) -> AddedTold {
    let added = results.add(more);
    AddedTold { grades: grade(&results), results, added }
}
