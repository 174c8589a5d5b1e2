//! The course of Raft for Beginners: its chapters, its quiz, and the runs that show each answer right or wrong.
//!
//! * [`chapters`], [`quiz_before`], [`quiz_after`], [`puzzles`]: the texts in course/, which are built in;
//! * [`Chapter::parse`]: reads such a text, and says what is wrong with it and where;
//! * [`Attempt`]: plays commands in a card's world;
//! * [`Check`]: what must have happened there;
//! * [`Question::mark`], [`Task::checked`]: how good an answer is, and whether a task is done;
//! * [`Check::in_words`], [`expectation()`]: what they ask for, in English;
//! * [`Results`]: what a learner has done so far, which the page and the terminal export in one form.

mod attempt;
mod chapter;
mod check;
mod event;
mod expectation;
mod mark;
mod parse;
mod results;

pub use attempt::{Attempt, Refused};
pub use chapter::{Answer, Card, Challenge, Chapter, Kind, Question, RubricLine, Task};
pub use check::{Check, NoCheck};
pub use expectation::expectation;
pub use mark::{Checked, Mark, Mistake, Response, Unfit};
pub use parse::Fault;
pub use results::{CardResult, ExerciseResult, Form, Results};

use std::sync::LazyLock;

/// The texts of the files with these names below course/, to which `texts` is a link, so that packages have them.
macro_rules! texts {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../texts/", $name)))),*]
    };
}

static CHAPTERS: LazyLock<Vec<Chapter>> = LazyLock::new(|| {
    let texts = texts![
        "01-log-and-majority/chapter.txt",
        "02-first-election/chapter.txt",
        "03-one-vote/chapter.txt",
        "04-timers/chapter.txt",
        "05-two-leaders/chapter.txt",
        "06-logs/chapter.txt",
        "07-next-index/chapter.txt",
        "08-who-may-lead/chapter.txt",
        "09-committed/chapter.txt",
        "10-deposed-leader/chapter.txt",
        "11-disks/chapter.txt",
        "12-clients-and-members/chapter.txt",
    ];
    texts.map(built_in).into()
});

static QUIZ: LazyLock<[Chapter; 2]> =
    LazyLock::new(|| texts!["quiz/before.txt", "quiz/after.txt"].map(built_in));

static PUZZLES: LazyLock<Chapter> = LazyLock::new(|| {
    let [text] = texts!["save/chapter.txt"];
    built_in(text)
});

fn built_in((name, text): (&str, &str)) -> Chapter {
    Chapter::parse(name, text).unwrap_or_else(|fault| panic!("{fault}"))
}

/// The chapters, in learning order.
pub fn chapters() -> &'static [Chapter] {
    &CHAPTERS
}

/// The quiz before the course, the chapters, and the quiz after it.
pub fn all() -> impl Iterator<Item = &'static Chapter> {
    [quiz_before()].into_iter().chain(chapters()).chain([quiz_after()])
}

/// The quiz for those who are about to begin.
pub fn quiz_before() -> &'static Chapter {
    &QUIZ[0]
}

/// The quiz for those who have finished: other questions about the same ideas.
pub fn quiz_after() -> &'static Chapter {
    &QUIZ[1]
}

/// The puzzles of "save it", each a task. They are no part of the course.
pub fn puzzles() -> &'static Chapter {
    &PUZZLES
}
