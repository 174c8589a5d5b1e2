//! The servers' logs as a table, as the paper draws them in its Figures 7 and 8.

use crate::machine::Machine;
use crate::server::Server;
use consensus::{Index, Log, NodeId};
use std::collections::BTreeMap;
use std::fmt;

/// Stands for an entry that a snapshot has replaced.
pub(crate) const FORGOTTEN: &str = "·";

/// All servers' logs at one moment.
#[derive(Debug)]
pub(crate) struct Logs(Vec<(NodeId, Row)>);

#[derive(Debug)]
struct Row {
    terms: Vec<String>,
    /// Highest index that the server has marked as committed; `None` if it is dead.
    commit_index: Option<Index>,
}

impl Logs {
    pub(crate) fn of<'a, M: Machine + 'a>(
        servers: impl Iterator<Item = (&'a NodeId, &'a Server<M>)>,
    ) -> Logs {
        let row = |server: &Server<M>| Row {
            terms: term_words(&server.log()),
            commit_index: server.node().map(|node| node.commit_index()),
        };
        Logs(servers.map(|(&id, server)| (id, row(server))).collect())
    }

    /// The logs with which this many servers are to begin. Of no entry any of them knows yet that it is committed.
    pub(crate) fn before_the_start(servers: u64, logs: &BTreeMap<NodeId, Log>) -> Logs {
        let terms = |id: &NodeId| logs.get(id).map(term_words).unwrap_or_default();
        let row = |id: NodeId| (id, Row { terms: terms(&id), commit_index: Some(Index(0)) });
        Logs((1..=servers).map(NodeId).map(row).collect())
    }
}

impl fmt::Display for Logs {
    /// A line for each server: the terms of its entries below their indexes, a point for each that a snapshot
    /// has replaced, and a bar after the last that it has marked as committed.
    ///
    /// ```text
    /// index   1   2   3   4
    /// n1      ·   1|  2   4
    /// n2      1   1           dead
    /// ```
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Logs(rows) = self;
        let longest = rows.iter().map(|(_, row)| row.terms.len()).max().unwrap_or_default();
        let heads = (1..=longest).map(|index| (index.to_string(), false));
        writeln!(f, "{}", line("index", longest, heads, ""))?;
        for (id, Row { terms, commit_index }) in rows {
            let is_last_committed = |index: u64| *commit_index == Some(Index(index));
            let cells = (1..).zip(terms).map(|(index, term)| (term.clone(), is_last_committed(index)));
            let remark = if commit_index.is_none() { "dead" } else { "" };
            writeln!(f, "{}", line(&id.to_string(), longest, cells, remark))?;
        }
        Ok(())
    }
}

/// The terms of a log's entries, from index 1 on; a point for each that it has forgotten.
pub(crate) fn term_words(log: &Log) -> Vec<String> {
    let forgotten = (0..log.begins_after().index.0).map(|_| FORGOTTEN.to_owned());
    forgotten.chain(log.entries().map(|(_, entry)| entry.term.to_string())).collect()
}

/// A line with this number of columns: of each cell the text, and whether a bar follows it.
fn line(head: &str, columns: usize, cells: impl Iterator<Item = (String, bool)>, remark: &str) -> String {
    let cells: String =
        cells.map(|(text, has_bar)| format!("{text:>3}{}", if has_bar { '|' } else { ' ' })).collect();
    format!("{head:<5} {cells:<width$}  {remark}", width = columns * 4).trim_end().to_owned()
}
