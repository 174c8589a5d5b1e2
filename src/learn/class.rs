//! The results of a class: each question, and each learner.

use super::progress;
use course::{
    Card, Challenge, Chapter, Kind, Question, Response, Results, Task, chapters, quiz_after, quiz_before,
};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use trace::shown;

/// The results in files.
pub(super) struct Class {
    learners: Vec<Learner>,
    /// What is wrong with the files, each with the file: that it has no results, or that a task was not done as it says.
    pub(super) faults: Vec<(PathBuf, String)>,
}

struct Learner {
    name: String,
    results: Results,
    tasks_done: usize,
}

/// Maximum number of letters of a name.
const LONGEST_NAME: usize = 40;

impl Class {
    /// Reads the files.
    pub(super) fn of(files: &[PathBuf]) -> Class {
        let mut class = Class { learners: Vec::new(), faults: Vec::new() };
        for file in files {
            let mut add_fault = |fault: String| class.faults.push((file.clone(), fault));
            match progress::read(file) {
                Ok(results) => class.learners.push(Learner::of(file, results, &mut add_fault)),
                Err(error) => add_fault(format!("can't be read: {error}")),
            }
        }
        class
    }

    /// The tables: of each question of both quizzes, and of each learner.
    pub(super) fn tables(&self) -> String {
        let mut text = String::new();
        for quiz in [quiz_before(), quiz_after()] {
            text += &self.table_of(quiz);
        }
        text + &self.table_of_learners()
    }

    fn table_of(&self, quiz: &Chapter) -> String {
        let answered: Vec<&Results> =
            self.results().filter(|results| results.points(quiz).is_some()).collect();
        let mut text = format!("Quiz: {}, {} learners\n\n", quiz.title, answered.len());
        if answered.is_empty() {
            return text;
        }
        text += "  question          points   mean   right   the most common mistake\n";
        for card in &quiz.cards {
            let shares: Vec<f64> =
                answered.iter().map(|results| results.share(quiz, card).unwrap_or(0.0)).collect();
            let right = shares.iter().filter(|share| **share >= 1.0).count();
            let row = format!(
                "  {:<16}  {:>6}  {:>5.1}  {:>4.0} %   {}",
                card.id,
                card.points(),
                mean(&shares) * f64::from(card.points()),
                100.0 * right as f64 / shares.len() as f64,
                most_common_mistake(quiz, card, &answered).unwrap_or_default(),
            );
            let _ = writeln!(text, "{}", row.trim_end());
        }
        let points: Vec<f64> = answered.iter().filter_map(|results| results.points(quiz)).collect();
        text + &format!("  {:<16}  {:>6}  {:>5.1}\n\n", "total", quiz.points(), mean(&points))
    }

    fn table_of_learners(&self) -> String {
        let most = format!("of {}", quiz_before().points());
        let mut text = format!(
            "Learners\n\n  {:<24}  {:>6}  {:>6}  {:>6}  {:>9}  {:>5}\n",
            "name", "before", "after", "gain", "questions", "tasks"
        );
        let (questions, tasks) = (cards().filter(|(_, card)| is_question(card)).count(), tasks().count());
        let _ = writeln!(
            text,
            "  {:<24}  {most:>6}  {most:>6}  {:>6}  {:>9}  {:>5}",
            "",
            "",
            format!("of {questions}"),
            format!("of {tasks}")
        );
        for Learner { name, results, tasks_done } in &self.learners {
            let points = [quiz_before(), quiz_after()].map(|quiz| results.points(quiz));
            let gain = points[0].zip(points[1]).map(|(before, after)| format!("{:+.1}", after - before));
            let [before, after] = points.map(|points| points.map(|points| format!("{points:.1}")));
            let right = cards()
                .filter(|(chapter, card)| results.share(chapter, card).is_some_and(|share| share >= 1.0));
            let _ = writeln!(
                text,
                "  {:<24}  {:>6}  {:>6}  {:>6}  {:>9}  {tasks_done:>5}",
                shown(name),
                before.unwrap_or_default(),
                after.unwrap_or_default(),
                gain.unwrap_or_default(),
                right.count()
            );
        }
        text
    }

    fn results(&self) -> impl Iterator<Item = &Results> {
        self.learners.iter().map(|learner| &learner.results)
    }
}

impl Learner {
    fn of(file: &Path, results: Results, add_fault: &mut impl FnMut(String)) -> Learner {
        let of_file = || file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let name = if results.learner.is_empty() { of_file() } else { results.learner.clone() };
        let mut tasks_done = 0;
        for (chapter, card, task) in tasks() {
            let commands = results.of(chapter, card).map(|result| result.commands.as_slice());
            let Some(commands) = commands.filter(|commands| !commands.is_empty()) else { continue };
            // A file may claim anything, so they are played.
            match task.checked(commands) {
                Ok(checked) => tasks_done += usize::from(checked.iter().all(|checked| checked.holds)),
                Err(refused) => add_fault(format!("{}: {refused}", chapter.place_of(card))),
            }
        }
        Learner { name: name.chars().take(LONGEST_NAME).collect(), results, tasks_done }
    }
}

/// The cards of all chapters, without the quizzes.
fn cards() -> impl Iterator<Item = (&'static Chapter, &'static Card)> {
    chapters().iter().flat_map(|chapter| chapter.cards.iter().map(move |card| (chapter, card)))
}

fn tasks() -> impl Iterator<Item = (&'static Chapter, &'static Card, &'static Task)> {
    cards().filter_map(|(chapter, card)| match &card.challenge {
        Challenge::Task(task) => Some((chapter, card, task)),
        Challenge::Question(_) => None,
    })
}

fn is_question(card: &Card) -> bool {
    matches!(card.challenge, Challenge::Question(_))
}

/// The answer about which most learners were wrong, or the line of the rubric that most did not meet; in words.
fn most_common_mistake(quiz: &Chapter, card: &Card, answered: &[&Results]) -> Option<String> {
    let Challenge::Question(question) = &card.challenge else { return None };
    let responses = answered.iter().filter_map(|results| results.of(quiz, card)?.first.as_ref());
    let mut counted: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for mistake in responses.flat_map(|response| mistakes(question, response)) {
        *counted.entry(mistake).or_default() += 1;
    }
    // Of as common ones, the first.
    let ((what, text), times) = counted.into_iter().rev().max_by_key(|(_, times)| *times)?;
    Some(format!("{what} by {times}: {text}"))
}

/// What was wrong about a response, and what it is about.
fn mistakes<'a>(question: &'a Question, response: &Response) -> Vec<(&'static str, &'a str)> {
    if let Response::Written { met, .. } = response {
        let missing = question.rubric.iter().filter(|line| !met.contains(&line.text));
        return missing.map(|line| ("not said", line.text.as_str())).collect();
    }
    let Ok(mark) = question.mark(response) else { return Vec::new() };
    // Who chose another answer than the right one has left that out, of course.
    let told = mark.mistakes.iter().filter(|mistake| mistake.was_chosen || question.kind != Kind::One);
    let what = |was_chosen| if was_chosen { "chosen" } else { "not chosen" };
    told.map(|mistake| (what(mistake.was_chosen), mistake.answer.text.as_str())).collect()
}

fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}
