//! `raft practice mystery`: a rule is off. Which one?

use super::exit_code;
use super::points::{self, Part};
use super::story::{scenes_of, story};
use crate::link::fragment_of;
use crate::paragraph::paragraph;
use clap::Args;
use command::{Failure, say, written};
use consensus::Rule;
use practice::Mystery;
use serde_json::json;
use server::monotonic_now;
use simulator::hunt;
use std::io::{self, BufRead, IsTerminal, Write};
use std::process::ExitCode;
use trace::shown;

/// Find the rule that is off in a cluster
///
/// You see a short run in which a promise of Raft breaks, without the names of the
/// rules that decided. Choose the rule that is off among four whose absence breaks
/// such promises.
///
///   raft practice mystery
///   raft practice mystery --seed 7 --rounds 5
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct MysteryArguments {
    /// The seed: the same one gives the same mysteries [default: another one each time]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// The number of mysteries
    #[arg(long, value_name = "N", default_value = "5", value_parser = clap::value_parser!(u64).range(1..=100))]
    rounds: u64,

    /// Print the points as JSON, in the form of Gradescope's results.json; everything else goes to standard error
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &MysteryArguments) -> Result<ExitCode, Failure> {
    let seed = arguments.seed.unwrap_or_else(|| u64::from(monotonic_now().subsec_nanos()));
    let mut answers = io::stdin().lock().lines();
    let mut parts = Vec::new();
    let tell = |text: &str| match arguments.json {
        true => written(io::stderr().write_all(text.as_bytes())),
        false => written(io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush())),
    };
    let mysteries = Mystery::draw(seed, arguments.rounds as usize);
    for (number, mystery) in (1..).zip(&mysteries) {
        tell(&format!("Mystery {number} of {}. Which rule is off in this cluster?\n\n", mysteries.len()))?;
        if io::stderr().is_terminal() {
            say(format_args!("looking for a run in which a promise breaks …"));
        }
        let Some((text, fragment)) = tale(mystery) else { continue };
        tell(&format!("{text}\n{}", choices(mystery)))?;
        let answer = loop {
            tell(&format!("\nThe rule that is off (1 to {}): ", mystery.choices.len()))?;
            let Some(Ok(line)) = answers.next() else { break None };
            match chosen(mystery, &line) {
                Some(rule) => break Some(rule),
                None => tell(&format!(
                    "\"{}\" is none of them. Type the number or the name of a rule.",
                    shown(line.trim())
                ))?,
            };
        };
        let Some(answer) = answer else {
            tell("\n")?;
            parts.extend(
                mysteries[number - 1..].iter().zip(number..).map(|(_, number)| part(number, 0, "no answer")),
            );
            break;
        };
        let is_right = answer == mystery.rule;
        tell(&explanation(mystery.rule, is_right, &fragment))?;
        parts.push(part(
            number,
            u32::from(is_right),
            &format!("{} was off, the answer was {answer}", mystery.rule),
        ));
    }
    let (score, out_of) = (points::points(&parts), points::out_of(&parts));
    tell(&format!("{score} of {out_of} points (raft practice mystery --seed {seed} --rounds {out_of})\n"))?;
    if arguments.json {
        let extra = json!({ "exercise": "mystery", "seed": seed, "max_score": out_of });
        written(writeln!(io::stdout(), "{:#}", points::results(&parts, "", extra)))?;
    }
    Ok(exit_code(score == out_of))
}

fn part(number: usize, points: u32, remark: &str) -> Part {
    let (name, title) = (format!("mystery-{number}"), "The rule that is off was named.".to_owned());
    Part { name, title, points, out_of: 1, remark: remark.to_owned(), details: String::new() }
}

/// A short run in which a promise breaks, and the fragment of a link to its end.
fn tale(mystery: &Mystery) -> Option<(String, String)> {
    let found = hunt::examine(&mystery.rounds(), None, |_, _| ()).finding?;
    let (shortest, _) = hunt::shortest(&found, |_, _| ());
    let scenes = scenes_of(&shortest.script);
    let position: usize = scenes.iter().map(|scene| scene.records.len()).sum();
    Some((story(&scenes, true), format!("{}&at={position}", fragment_of(&shortest.script.to_string()))))
}

fn choices(mystery: &Mystery) -> String {
    let choice =
        |(number, rule): (usize, &Rule)| format!("  {number}  {rule}\n{}\n", paragraph(5, rule.statement()));
    (1..).zip(&mystery.choices).map(choice).collect()
}

/// The rule of a number, or of a name.
fn chosen(mystery: &Mystery, line: &str) -> Option<Rule> {
    let by_name = mystery.choices.iter().find(|rule| rule.id() == line.trim()).copied();
    let place = || line.trim().parse::<usize>().ok()?.checked_sub(1);
    by_name.or_else(|| mystery.choices.get(place()?).copied())
}

fn explanation(rule: Rule, is_right: bool, fragment: &str) -> String {
    let verdict = if is_right { format!("Right: {rule}.") } else { format!("No, it is {rule}.") };
    format!(
        "\n{verdict}\n{}\n{}\n\n  explained       raft rules {rule}\n  another run     raft replay without/{rule}\n  this run        raft replay '{fragment}'\n\n",
        paragraph(0, rule.statement()),
        paragraph(0, &format!("Without it: {}.", rule.without_it()))
    )
}
