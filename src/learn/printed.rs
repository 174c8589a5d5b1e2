//! A quiz or a chapter on paper, as a page in HTML: the questions alone, or with the key for the teacher.

use crate::paragraph::counted;
use course::{Card, Challenge, Chapter, Kind, Question, Task};
use std::fmt::Write as _;

/// Mixes the answers: all sheets are the same, so that one key fits all.
const SEED: u32 = 1;

const STYLE: &str = "\
@page { margin: 18mm }
body { font: 11pt/1.45 Georgia, 'Times New Roman', serif; color: #000; background: #fff; max-width: 46em; margin: 2em auto }
h1 { font-size: 16pt; margin: 0 0 .2em } h2 { font-size: 12pt; margin: 1.6em 0 .3em }
h1, h2 { display: flow-root } .name { font-size: 12pt }
section { break-inside: avoid } p { margin: .4em 0 }
table { border-collapse: collapse; margin: .6em 0; font: 10pt ui-monospace, Consolas, monospace }
td, th { border: 1px solid #777; min-width: 1.6em; padding: .15em .5em; text-align: center; font-weight: normal }
th { border: 0 } th:first-child { text-align: left }
ul { list-style: none; padding: 0; margin: .4em 0 } li { margin: .25em 0; padding-left: 1.25em; text-indent: -1.25em }
.line { border-bottom: 1px solid #999; height: 1.9em } .points, .name { float: right; font-weight: normal }
.key { border-left: 3px solid #000; padding-left: .8em } code { font: 10pt ui-monospace, Consolas, monospace }
@media screen and (prefers-color-scheme: dark) { body { color: #eee; background: #161616 } .key { border-color: #eee } }
@media screen and (max-width: 50em) { body { margin: 1em } table { display: block; overflow-x: auto } .name { float: none; display: block } }
@media print { body { margin: 0; max-width: none } }
";

/// How logs are written.
const LOGS: &str =
    " A log is written as a list of its entries' terms: 1 1 2 is two entries of term 1 and one of term 2.";

/// The page. With the key it has the answers, the rubrics and the reasons, too.
pub(super) fn page(chapter: &Chapter, has_key: bool) -> String {
    let of = if has_key { "Key: " } else { "" };
    let title = escaped(&format!("{of}{}", chapter.title));
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n\
         <h1>{title}{}</h1>\n<p>{}</p>\n",
        if has_key { "" } else { "<span class=\"name\">Name: ____________________</span>" },
        head(chapter),
    );
    for (number, card) in (1..).zip(&chapter.cards) {
        html += &section(chapter, card, number, has_key);
    }
    html
}

fn head(chapter: &Chapter) -> String {
    let points = match chapter.points() {
        0 => String::new(),
        points => format!(", {points} points"),
    };
    format!("{} minutes{points}.{}", chapter.minutes, if has_logs(chapter) { LOGS } else { "" })
}

/// Does it show logs, or is it about them?
fn has_logs(chapter: &Chapter) -> bool {
    chapter.cards.iter().any(|card| match &card.challenge {
        Challenge::Question(question) => question.kind == Kind::Logs || !logs(&question.world).is_empty(),
        Challenge::Task(_) => false,
    })
}

fn section(chapter: &Chapter, card: &Card, number: usize, has_key: bool) -> String {
    let points = match card.points() {
        0 => String::new(),
        points => format!("<span class=\"points\">____ / {points}</span>"),
    };
    let what = match card.challenge {
        Challenge::Question(_) => "Question",
        Challenge::Task(_) => "Task",
    };
    // A name may give away an answer.
    let name = if has_key { format!(" ({})", escaped(&card.id)) } else { String::new() };
    let mut html = format!("<section>\n<h2>{what} {number}{name}{points}</h2>\n");
    if !card.say.is_empty() {
        let _ = writeln!(html, "<p>{}</p>", in_html(&card.say));
    }
    html += &match &card.challenge {
        Challenge::Question(question) => asked(question, &chapter.place_of(card), has_key),
        Challenge::Task(task) => given(task, has_key),
    };
    if has_key {
        let rules: Vec<&str> = card.rules.iter().map(|rule| rule.id()).collect();
        let _ = writeln!(
            html,
            "<p class=\"key\">{} ({}; {})</p>",
            in_html(&card.because),
            escaped(&card.paper),
            rules.join(", ")
        );
    }
    html + "</section>\n"
}

fn asked(question: &Question, place: &str, has_key: bool) -> String {
    let mut html = format!("<p>{}</p>\n{}", in_html(&question.text), logs(&question.world));
    if question.kind == Kind::Text {
        return html + &if has_key { rubric(question) } else { "<div class=\"line\"></div>\n".repeat(7) };
    }
    let _ = write!(html, "<p><em>{}</em></p>\n<ul>\n", instruction(question.kind));
    for answer in question.mixed(SEED, place) {
        let position = question.answers.iter().position(|other| other == answer).map_or(0, |place| place + 1);
        let mark = match (question.kind, has_key) {
            (Kind::Order, true) => format!("{position}."),
            (Kind::Order, false) => "__".to_owned(),
            (_, true) if answer.is_right => "&#9746;".to_owned(),
            _ => "&#9744;".to_owned(),
        };
        let correction = match &*answer.correction {
            correction if has_key && !correction.is_empty() => format!(" <em>{}</em>", in_html(correction)),
            _ => String::new(),
        };
        let _ = writeln!(html, "<li>{mark} {}{correction}</li>", in_html(&answer.text));
    }
    html + "</ul>\n"
}

fn instruction(kind: Kind) -> &'static str {
    match kind {
        Kind::One => "One answer is right.",
        Kind::Order => "Number them: 1 is the first.",
        Kind::Text => "Answer in your own words.",
        Kind::Several | Kind::Servers | Kind::Entries | Kind::Logs => "Mark all that are right.",
    }
}

/// The logs that a question begins with, as a table.
fn logs(world: &[String]) -> String {
    let logs = world.iter().filter_map(|command| command.strip_prefix("log "));
    let logs: Vec<Vec<&str>> = logs.map(|log| log.split(' ').collect()).collect();
    let longest = logs.iter().map(|log| log.len() - 1).max().unwrap_or(0);
    if longest == 0 {
        return String::new();
    }
    let indexes: String = (1..=longest).map(|index| format!("<th>{index}</th>")).collect();
    let mut html = format!("<table>\n<tr><th>index</th>{indexes}</tr>\n");
    for log in logs {
        let terms: String = log[1..].iter().map(|term| format!("<td>{term}</td>")).collect();
        let _ = writeln!(html, "<tr><th>{}</th>{terms}</tr>", log[0]);
    }
    html + "</table>\n"
}

fn rubric(question: &Question) -> String {
    let model = &question.answers[0];
    let mut html =
        format!("<p class=\"key\">{}. {}</p>\n<ul>\n", in_html(&model.text), in_html(&model.correction));
    for line in &question.rubric {
        let points = counted(line.points.into(), "point");
        let _ = writeln!(html, "<li>&#9744; {points}: {}</li>", in_html(&line.text));
    }
    html + "</ul>\n"
}

fn given(task: &Task, has_key: bool) -> String {
    let mut html = format!("<p>{}</p>\n<ul>\n", in_html(&task.text));
    for check in &task.checks {
        let _ = writeln!(html, "<li>&#9744; {}</li>", in_html(&check.in_words()));
    }
    html += "</ul>\n";
    if has_key {
        let commands: Vec<String> =
            task.solution.iter().map(|command| format!("<code>{}</code>", escaped(command))).collect();
        let _ = writeln!(html, "<p class=\"key\">{}</p>", commands.join("; "));
    }
    html
}

/// The text in HTML. What stands in backticks is code.
fn in_html(text: &str) -> String {
    let parts = text.split('`').enumerate();
    parts
        .map(|(place, part)| match place % 2 {
            1 => format!("<code>{}</code>", escaped(part)),
            _ => escaped(part),
        })
        .collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
