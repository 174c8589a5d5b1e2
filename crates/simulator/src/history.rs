//! Logs as an earlier life of a cluster may have left them.

use crate::chance::Chance as _;
use consensus::{Entry, Log, LogPosition, NodeId, Payload, Quorum, Term};
use fastrand::Rng;
use std::collections::BTreeMap;

/// What servers begin with, and up to where it is committed.
#[derive(Debug)]
pub(crate) struct History {
    pub(crate) logs: BTreeMap<NodeId, Log>,
    pub(crate) committed: LogPosition,
}

/// Plays a few terms of Raft, roughly: in each some majority elects one of its own whose log is not
/// behind, and the leader's new entries reach some of the others.
pub(crate) fn draw(servers: u64, random: &mut Rng) -> History {
    let majority = (1..=servers).map(NodeId).collect::<Quorum>().majority();
    let mut logs: Vec<Vec<Entry>> = vec![Vec::new(); servers as usize];
    let mut committed = LogPosition::default();
    for term in (1..=random.u64(1..=4)).map(Term) {
        let mut voters: Vec<usize> = (0..logs.len()).collect();
        random.mix(&mut voters);
        voters.truncate(majority);
        let leader =
            voters.into_iter().max_by_key(|&voter| end(&logs[voter])).expect("a majority is somebody");
        for _ in 0..random.u64(1..=2) {
            logs[leader].push(Entry { term, payload: Payload::NoOp });
        }
        let mut holders = 1;
        for server in (0..logs.len()).filter(|&server| server != leader) {
            if random.bool() {
                logs[server] = logs[leader].clone();
                holders += 1;
            }
        }
        if holders >= majority {
            committed = whole(logs[leader].clone()).last();
        }
    }
    let logs = logs.into_iter().zip(1..).map(|(log, id)| (NodeId(id), whole(log))).collect();
    History { logs, committed }
}

fn whole(log: Vec<Entry>) -> Log {
    Log::new(LogPosition::default(), log)
}

/// How far a log reaches, as votes compare it (§5.4.1).
fn end(log: &[Entry]) -> (Term, usize) {
    (log.last().map_or(Term(0), |entry| entry.term), log.len())
}
