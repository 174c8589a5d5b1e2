//! The file with what a server remembers besides term, vote and log. It changes rarely, so it is rewritten
//! completely each time.

use crate::text_file::{TextFile, field};
use consensus::{ClusterId, Incarnation, Index, LogPosition, Memory, NodeId, Retirement, Start, Term};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Stands for a missing value.
const NONE: &str = "none";
const YES: &str = "yes";
const NO: &str = "no";

impl TextFile for Memory {
    const FILE: &'static str = "memory";

    fn lines(&self) -> String {
        let cluster = self.cluster.map_or(NONE.to_owned(), |cluster| cluster.to_string());
        let founders = self.founders.iter().map(|(id, incarnation)| {
            let incarnation = incarnation.map_or(NONE.to_owned(), |incarnation| incarnation.to_string());
            format!(" {}={incarnation}", id.0)
        });
        let retired = match self.retired {
            None => NONE.to_owned(),
            Some(Retirement::OlderCopy) => "older copy".to_owned(),
            Some(Retirement::LostEntries(Index(had))) => format!("lost entries {had}"),
        };
        let LogPosition { index, term } = self.removed_by;
        let mut lines = format!(
            "cluster {cluster}\nfounders{}\nfounded {}\nremoved by entry {index} term {term}\nretired {retired}\n",
            founders.collect::<String>(),
            if self.is_founded { YES } else { NO },
        );
        for (id, Start { incarnation, number, run }) in &self.starts {
            let _ =
                writeln!(lines, "server {} incarnation {incarnation} start {number} run {run:016x}", id.0);
        }
        lines
    }

    fn parse(lines: &str) -> Option<Memory> {
        let mut lines = lines.lines();
        let cluster = match field(&mut lines, "cluster")? {
            NONE => None,
            id => Some(id.parse::<ClusterId>().ok()?),
        };
        let founders =
            lines.next()?.strip_prefix("founders")?.split_whitespace().map(founder).collect::<Option<_>>()?;
        let is_founded = match field(&mut lines, "founded")? {
            YES => true,
            NO => false,
            _ => return None,
        };
        let (index, term) = field(&mut lines, "removed by entry")?.split_once(" term ")?;
        let removed_by = LogPosition { index: Index(index.parse().ok()?), term: Term(term.parse().ok()?) };
        let retired = match field(&mut lines, "retired")? {
            NONE => None,
            "older copy" => Some(Retirement::OlderCopy),
            other => Some(Retirement::LostEntries(Index(other.strip_prefix("lost entries ")?.parse().ok()?))),
        };
        let starts: BTreeMap<NodeId, Start> = lines.map(start).collect::<Option<_>>()?;
        Some(Memory { cluster, founders, is_founded, removed_by, retired, starts })
    }
}

fn founder(text: &str) -> Option<(NodeId, Option<Incarnation>)> {
    let (id, incarnation) = text.split_once('=')?;
    let incarnation = match incarnation {
        NONE => None,
        incarnation => Some(incarnation.parse().ok()?),
    };
    Some((NodeId(id.parse().ok()?), incarnation))
}

fn start(line: &str) -> Option<(NodeId, Start)> {
    let words: Vec<&str> = line.split(' ').collect();
    let ["server", id, "incarnation", incarnation, "start", number, "run", run] = words[..] else {
        return None;
    };
    let run = u64::from_str_radix(run, 16).ok()?;
    let start = Start { incarnation: incarnation.parse().ok()?, number: number.parse().ok()?, run };
    Some((NodeId(id.parse().ok()?), start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_read_as_it_was_written() {
        let start = Start { incarnation: Incarnation(u64::MAX), number: 7, run: 3 };
        let full = Memory {
            cluster: Some(ClusterId(9)),
            founders: BTreeMap::from([(NodeId(1), Some(Incarnation(1))), (NodeId(2), None)]),
            is_founded: true,
            removed_by: LogPosition { index: Index(17), term: Term(3) },
            retired: Some(Retirement::LostEntries(Index(5))),
            starts: BTreeMap::from([(NodeId(2), start), (NodeId(3), Start { number: 1, ..start })]),
        };
        let retired = Memory { retired: Some(Retirement::OlderCopy), ..Memory::default() };
        for memory in [Memory::default(), full, retired] {
            assert_eq!(Memory::parse(&memory.lines()), Some(memory));
        }
    }
}
