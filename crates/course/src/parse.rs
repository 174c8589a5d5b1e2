//! Reads the texts in course/, whose README describes their form.

use crate::chapter::{Answer, Card, Challenge, Chapter, Kind, Question, RubricLine, Task};
use crate::check::Check;
use crate::event::parse_server;
use consensus::Rule;
use std::str::FromStr;

/// Why a text is no chapter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("course/{file}, line {line}: {problem}")]
pub struct Fault {
    /// The file's path below course/.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, and what to do.
    pub problem: String,
}

/// A problem, and the line that has it.
type Problem = (usize, String);

/// The keys that a line may begin with.
const KEYS: [&str; 19] = [
    "minutes", "goal", "belief", "points", "ask", "do", "world", "right", "wrong", "item", "so", "rubric",
    "check", "hint", "solution", "because", "rules", "paper", "again",
];
const MOST_SENTENCES: usize = 3;

/// A line with a key, and the lines that belong to it.
#[derive(Debug, Default)]
struct Field<'a> {
    line: usize,
    /// Empty for what stands below a heading.
    key: &'a str,
    /// The word after the key, as in `ask one`.
    kind: &'a str,
    text: &'a str,
    /// The lines of text after it.
    prose: Vec<&'a str>,
    /// The indented lines after it.
    commands: Vec<String>,
}

/// A heading, and the fields below it.
#[derive(Debug)]
struct Section<'a> {
    line: usize,
    heading: &'a str,
    fields: Vec<Field<'a>>,
}

impl Chapter {
    /// Reads a chapter, or a quiz. `file` is its path below course/.
    ///
    /// # Errors
    /// If the text has not the form that course/README.md describes.
    pub fn parse(file: &str, text: &str) -> Result<Chapter, Fault> {
        chapter(file, text).map_err(|(line, problem)| Fault { file: file.to_owned(), line, problem })
    }
}

fn chapter(file: &str, text: &str) -> Result<Chapter, Problem> {
    let mut sections = sections(text)?.into_iter();
    let head =
        sections.next().ok_or((1, "begin with the title, as in `# Two leaders at once`".to_owned()))?;
    let name = file.trim_end_matches("/chapter.txt").trim_start_matches("quiz/").trim_end_matches(".txt");
    let mut chapter = Chapter {
        name: name.to_owned(),
        title: head.heading.to_owned(),
        minutes: 0,
        goals: Vec::new(),
        beliefs: Vec::new(),
        cards: Vec::new(),
    };
    for field in head.fields {
        match field.key {
            "minutes" => chapter.minutes = number(&field)?,
            "goal" => chapter.goals.push(field.words()),
            "belief" => chapter.beliefs.push(field.words()),
            _ => return Err(field.misplaced("above the first card there are `minutes`, `goal` and `belief`")),
        }
    }
    if chapter.minutes == 0 {
        return Err((head.line, "say how long it takes, as in `minutes: 10`".to_owned()));
    }
    for section in sections {
        let (line, card) = (section.line, card(section)?);
        if chapter.cards.iter().any(|other| other.id == card.id) {
            return Err((line, format!("there is another card \"{}\": give it another name", card.id)));
        }
        chapter.cards.push(card);
    }
    if chapter.cards.is_empty() {
        return Err((
            head.line,
            "it has no card: write one below a heading, as in `## who-leads`".to_owned(),
        ));
    }
    Ok(chapter)
}

/// The headings, each with its fields: first the title, then the cards.
fn sections(text: &str) -> Result<Vec<Section<'_>>, Problem> {
    let mut sections: Vec<Section> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let heading = match sections.len() {
            0 => line.strip_prefix("# "),
            _ => line.strip_prefix("## "),
        };
        if let Some(heading) = heading {
            let fields = vec![Field { line: number, ..Field::default() }];
            sections.push(Section { line: number, heading: heading.trim(), fields });
            continue;
        }
        let Some(section) = sections.last_mut() else {
            return Err((number, "begin with the title, as in `# Two leaders at once`".to_owned()));
        };
        let field = section.fields.last_mut().expect("it begins with one");
        if line.trim().is_empty() {
            continue;
        } else if line.starts_with("    ") {
            field.commands.push(line.trim().to_owned());
        } else if let Some(new) = with_key(number, line)? {
            section.fields.push(new);
        } else {
            field.prose.push(line.trim());
        }
    }
    for section in &mut sections {
        section
            .fields
            .retain(|field| !field.key.is_empty() || !field.prose.is_empty() || !field.commands.is_empty());
    }
    Ok(sections)
}

/// The field that begins with this line; `None` if the line is text.
fn with_key(line: usize, words: &str) -> Result<Option<Field<'_>>, Problem> {
    let Some((before, text)) = words.split_once(':') else { return Ok(None) };
    let is_key = |character: char| character.is_ascii_lowercase() || character == ' ';
    if before.starts_with(' ') || !before.chars().all(is_key) || before.split(' ').count() > 2 {
        return Ok(None);
    }
    let (key, kind) = before.split_once(' ').unwrap_or((before, ""));
    if !KEYS.contains(&key) || (!kind.is_empty() && key != "ask") {
        return Err((line, format!("\"{before}\" is no key; there are: {}", KEYS.join(", "))));
    }
    Ok(Some(Field { line, key, kind, text: text.trim(), ..Field::default() }))
}

impl Field<'_> {
    /// All of its text.
    fn words(&self) -> String {
        let lines = [self.text].into_iter().chain(self.prose.iter().copied());
        lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
    }

    fn misplaced(&self, help: &str) -> Problem {
        (self.line, format!("`{}` has no meaning here: {help}", self.key))
    }
}

fn number(field: &Field) -> Result<u32, Problem> {
    field.text.parse().map_err(|_| {
        (field.line, format!("\"{}\" is no number: write one, as in `{}: 10`", field.text, field.key))
    })
}

fn parse<T: FromStr<Err: ToString>>(line: usize, words: &str) -> Result<T, Problem> {
    words.parse().map_err(|error: T::Err| (line, error.to_string()))
}

/// A card that is being read.
#[derive(Default)]
struct Draft {
    line: usize,
    say: String,
    /// The line of the question or the task, the kind of question, and its words.
    asks: Option<(usize, Option<Kind>, String)>,
    world: Vec<String>,
    /// Each with its line.
    answers: Vec<(usize, Answer)>,
    /// The items of an order.
    items: usize,
    checks: Vec<Check>,
    hint: String,
    solution: Vec<String>,
    points: Option<u32>,
    rubric: Vec<RubricLine>,
    because: String,
    rules: Vec<Rule>,
    paper: String,
    again: Option<String>,
}

fn card(section: Section) -> Result<Card, Problem> {
    let mut draft = Draft { line: section.line, ..Draft::default() };
    for field in section.fields {
        draft.take(field)?;
    }
    draft.card(section.heading)
}

impl Draft {
    fn take(&mut self, field: Field) -> Result<(), Problem> {
        let (line, words) = (field.line, field.words());
        if !field.commands.is_empty() && !["world", "right", "wrong", "item", "solution"].contains(&field.key)
        {
            let problem = "indented lines are commands: write them below `world:`, an answer, or `solution:`";
            return Err((line, problem.to_owned()));
        }
        match field.key {
            "" => self.say = words,
            "points" => self.points = Some(number(&field)?),
            "ask" => self.asks = Some((line, Some(kind(line, field.kind)?), words)),
            "do" => self.asks = Some((line, None, words)),
            "world" => self.world = field.commands,
            "right" | "wrong" | "item" => {
                self.items += usize::from(field.key == "item");
                let answer = Answer {
                    text: field.text.to_owned(),
                    is_right: field.key != "wrong",
                    correction: field.prose.join(" "),
                    commands: field.commands,
                    shows: Vec::new(),
                };
                self.answers.push((line, answer));
            }
            "so" => match self.answers.last_mut() {
                Some((_, answer)) => answer.shows.push(parse(line, &words)?),
                None => return Err(field.misplaced("write it below the answer that it is about")),
            },
            "rubric" => {
                let (points, text) = words.split_once(' ').unwrap_or((&words, ""));
                let points = points.parse().map_err(|_| {
                    (line, "write the points first, as in `rubric: 2 n1 is in term 1`".to_owned())
                })?;
                self.rubric.push(RubricLine { points, text: text.to_owned() });
            }
            "check" => {
                let check: Check = parse(line, field.text)?;
                let plain = field.prose.join(" ");
                self.checks.push(if plain.is_empty() { check } else { check.put_as(plain) });
            }
            "hint" => self.hint = words,
            "solution" => self.solution = field.commands,
            "because" => self.because = words,
            "rules" => {
                self.rules = words.split(", ").map(|rule| parse(line, rule)).collect::<Result<_, _>>()?;
            }
            "paper" => self.paper = words,
            "again" => self.again = Some(words),
            _ => return Err(field.misplaced("it belongs above the first card")),
        }
        Ok(())
    }

    fn card(self, id: &str) -> Result<Card, Problem> {
        let line = self.line;
        let lacks = |what: &str| Err((line, format!("the card \"{id}\" lacks {what}")));
        if sentences(&self.say) > MOST_SENTENCES {
            let problem = format!("say it in {MOST_SENTENCES} sentences at most, or make two cards of it");
            return Err((line, problem));
        }
        if self.because.is_empty() {
            return lacks("`because:`, the reason for the right answer");
        }
        if self.rules.is_empty() || self.paper.is_empty() {
            return lacks("`rules:` and `paper:`, where one can read on");
        }
        let Some((asked, kind, text)) = self.asks else { return lacks("`ask KIND:` or `do:`") };
        let challenge = match kind {
            None if self.checks.is_empty() || self.solution.is_empty() => {
                return lacks("`check:` and `solution:`, since it is a task");
            }
            None if self.answers.iter().any(|(_, answer)| answer.is_right) => {
                return Err((
                    self.answers[0].0,
                    "a task has no right answers: make it a question, with `ask`".to_owned(),
                ));
            }
            None => Challenge::Task(Task {
                text,
                world: self.world,
                checks: self.checks,
                hint: self.hint,
                solution: self.solution,
                tries: self.answers.into_iter().map(|(_, answer)| answer).collect(),
            }),
            Some(kind) => {
                let rubric_points = self.rubric.iter().map(|line| line.points).sum();
                if kind == Kind::Text && self.points != Some(rubric_points) {
                    let problem = format!(
                        "the lines of the rubric count {rubric_points} points together: so must `points:`"
                    );
                    return Err((asked, problem));
                }
                check_answers(asked, kind, self.items, &self.answers)?;
                Challenge::Question(Question {
                    kind,
                    text,
                    world: self.world,
                    answers: self.answers.into_iter().map(|(_, answer)| answer).collect(),
                    again: self.again,
                    points: self.points,
                    rubric: self.rubric,
                })
            }
        };
        Ok(Card {
            id: id.to_owned(),
            say: self.say,
            challenge,
            because: self.because,
            rules: self.rules,
            paper: self.paper,
        })
    }
}

/// Has a question of this kind answers of this kind, and does each show something?
fn check_answers(asked: usize, kind: Kind, items: usize, answers: &[(usize, Answer)]) -> Result<(), Problem> {
    let right = answers.iter().filter(|(_, answer)| answer.is_right).count();
    let wrong = answers.len() - right;
    let (is_complete, needed) = match kind {
        Kind::One => (right == 1 && wrong > 0, "one `right:` and some `wrong:`"),
        Kind::Several | Kind::Servers | Kind::Entries | Kind::Logs => {
            (right > 0 && wrong > 0, "`right:` and `wrong:` answers")
        }
        Kind::Order => (items > 2 && wrong == 0, "at least three `item:`, in the right order"),
        Kind::Text => (right == 1 && wrong == 0, "one `right:`, the model answer"),
    };
    if !is_complete || (kind != Kind::Order && items > 0) {
        return Err((asked, format!("a question of this kind has {needed}")));
    }
    for (line, answer) in answers {
        let (is_fitting, form) = match kind {
            Kind::Servers => (is_server(&answer.text), "a server, such as n1"),
            Kind::Entries => (is_entry(&answer.text), "an entry, such as `entry 2 (term 1)`"),
            Kind::Logs => (is_log(&answer.text), "the terms of a log, such as `1 1 3`"),
            _ => (!answer.text.is_empty(), "some words"),
        };
        if !is_fitting {
            return Err((
                *line,
                format!("\"{}\": an answer to this kind of question is {form}", answer.text),
            ));
        }
        let states = |command: &String| command.starts_with("expect ") || command.starts_with('!');
        if answer.shows.is_empty() && !answer.commands.iter().any(states) {
            let problem = "nothing shows it: play the world on, in indented lines, and end with what holds then, as in `expect leader n1`";
            return Err((*line, problem.to_owned()));
        }
    }
    Ok(())
}

fn kind(line: usize, word: &str) -> Result<Kind, Problem> {
    Ok(match word {
        "one" => Kind::One,
        "several" => Kind::Several,
        "servers" => Kind::Servers,
        "entries" => Kind::Entries,
        "logs" => Kind::Logs,
        "order" => Kind::Order,
        "text" => Kind::Text,
        _ => {
            let kinds = "one, several, servers, entries, logs, order, text";
            return Err((line, format!("\"{word}\" is no kind of question; there are: {kinds}")));
        }
    })
}

fn is_server(text: &str) -> bool {
    parse_server(text).is_ok()
}

fn is_entry(text: &str) -> bool {
    let numbers = text.strip_prefix("entry ").and_then(|rest| rest.strip_suffix(')')?.split_once(" (term "));
    numbers.is_some_and(|(index, term)| index.parse::<u64>().is_ok() && term.parse::<u64>().is_ok())
}

/// The terms of a log; `_` stands for an entry that is missing.
fn is_log(text: &str) -> bool {
    text.split(' ').all(|term| term == "_" || term.parse::<u64>().is_ok())
}

fn sentences(text: &str) -> usize {
    text.split_whitespace().filter(|word| word.ends_with(['.', '?', '!'])).count()
}
