//! `raft rules`

use crate::arguments::rule_parser;
use crate::failure::{Failure, written};
use clap::Args;
use consensus::Rule;
use serde_json::json;
use std::io::{self, Write};
use std::process::ExitCode;

/// List the rules of Raft that the servers obey, or explain one.
///
/// Each rule has a name. The story that `raft up` tells names the rule behind each decision, and so
/// does the code: look for its variant of `Rule`.
#[derive(Debug, Args)]
pub(crate) struct RulesArguments {
    /// The rule to explain, for example one-vote-per-term
    #[arg(value_parser = rule_parser(), hide_possible_values = true)]
    rule: Option<Rule>,

    /// Print one JSON object a line, for programs
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: RulesArguments) -> Result<ExitCode, Failure> {
    let rules = arguments.rule.as_ref().map_or(Rule::ALL, std::slice::from_ref);
    let text = match (arguments.json, arguments.rule) {
        (true, _) => rules.iter().map(|&rule| as_json(rule)).collect(),
        (false, Some(rule)) => explain(rule),
        (false, None) => list(rules),
    };
    written(io::stdout().write_all(text.as_bytes()))
}

fn list(rules: &[Rule]) -> String {
    let entries: Vec<String> = rules.iter().map(|&rule| explain(rule)).collect();
    format!(
        "{} rules. §: the Raft paper (extended version); thesis: Ongaro's dissertation.\n\n{}",
        rules.len(),
        entries.join("\n")
    )
}

fn explain(rule: Rule) -> String {
    format!(
        "{id}  ({paper}; thesis {thesis}; guards {guards})\n{statement}\n{without}\n",
        id = rule.id(),
        paper = rule.paper(),
        thesis = rule.thesis(),
        guards = rule.guards(),
        statement = indented("", rule.statement()),
        without = indented("without it: ", rule.without_it()),
    )
}

/// A paragraph of at most 90 columns, four of them blank.
fn indented(label: &str, text: &str) -> String {
    let mut lines = vec![String::from("   ")];
    for word in label.split_whitespace().chain(text.split_whitespace()) {
        let line = lines.last().expect("there is always a line");
        if line.chars().count() + 1 + word.chars().count() > 90 {
            lines.push(String::from("   "));
        }
        let line = lines.last_mut().expect("there is always a line");
        line.push(' ');
        line.push_str(word);
    }
    lines.join("\n")
}

fn as_json(rule: Rule) -> String {
    let object = json!({
        "id": rule.id(),
        "paper": rule.paper(),
        "thesis": rule.thesis(),
        "guards": rule.guards().to_string(),
        "statement": rule.statement(),
        "without_it": rule.without_it(),
    });
    format!("{object}\n")
}
