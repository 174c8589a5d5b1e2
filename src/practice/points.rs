//! Points, as people and autograders read them.

use crate::paragraph::paragraph;
use serde_json::{Value, json};

/// The points for one part of an exercise.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) name: String,
    pub(super) title: String,
    pub(super) points: u32,
    pub(super) out_of: u32,
    /// What went wrong, or why it was not tried; empty if nothing did.
    pub(super) remark: String,
    /// More about it, in lines.
    pub(super) details: String,
}

/// What is said about a part stands below its title.
const INDENT: usize = 11;

impl Part {
    /// What must be right, whether it is, and what went wrong.
    pub(super) fn text(&self) -> String {
        let Part { title, points, out_of, remark, details, .. } = self;
        let sign = if points == out_of { '✓' } else { '✗' };
        let mut text = format!("  {sign} {points} of {out_of}  {title}\n");
        if !remark.is_empty() {
            text += &format!("{}\n", paragraph(INDENT, remark));
        }
        for line in details.lines() {
            text += format!("{}{line}", " ".repeat(INDENT)).trim_end();
            text.push('\n');
        }
        text
    }
}

pub(super) fn points(parts: &[Part]) -> u32 {
    parts.iter().map(|part| part.points).sum()
}

pub(super) fn out_of(parts: &[Part]) -> u32 {
    parts.iter().map(|part| part.out_of).sum()
}

/// The form of Gradescope's results.json, which other autograders read too. What it has no place for is in `extra_data`.
pub(super) fn results(parts: &[Part], output: &str, extra: Value) -> Value {
    let test = |part: &Part| {
        json!({
            "name": part.name,
            "score": part.points,
            "max_score": part.out_of,
            "status": if part.points == part.out_of { "passed" } else { "failed" },
            "output": format!("{}\n{}\n{}", part.title, part.remark, part.details).trim_end(),
        })
    };
    json!({
        "score": points(parts),
        "output": output,
        "tests": parts.iter().map(test).collect::<Vec<_>>(),
        "extra_data": extra,
    })
}
