//! The guarantees of storage, tested on a real folder and on a disk that breaks.

extern crate raft_for_beginners_storage as storage;

mod crash;
mod damage;
mod folder;
mod full_disk;
mod identity;
mod inspecting;
mod known;
mod last_save;
mod log_damage;
mod memory_disk;
mod model_disk;
mod random;
mod snapshots;
mod tearing;
mod versions;

use consensus::{Append, Batch, Entry, HardState, Index, LogPosition, NodeId, Payload, Term};
use storage::Identity;

fn identity() -> Identity {
    Identity { cluster: "local".into(), node: NodeId(2), voters: [1, 2, 3].map(NodeId).into() }
}

fn hard_state(current_term: u64, voted_for: Option<u64>) -> HardState {
    HardState { current_term: Term(current_term), voted_for: voted_for.map(NodeId) }
}

fn no_op(term: u64) -> Entry {
    Entry { term: Term(term), payload: Payload::NoOp }
}

/// An entry with a command of this length, none of whose bytes is zero.
fn command(term: u64, length: usize) -> Entry {
    let bytes: Vec<u8> = (0..length).map(|at| (at % 255) as u8 + 1).collect();
    Entry { term: Term(term), payload: Payload::Command(bytes.into()) }
}

fn saves(hard_state: HardState) -> Batch {
    Batch { hard_state: Some(hard_state), ..Batch::default() }
}

fn appends(first: u64, entries: impl Into<Vec<Entry>>) -> Batch {
    Batch { append: Some(Append { first: Index(first), entries: entries.into() }), ..Batch::default() }
}

fn position(index: u64, term: u64) -> LogPosition {
    LogPosition { index: Index(index), term: Term(term) }
}

fn begins_after(position: LogPosition) -> Batch {
    Batch { begins_after: Some(position), ..Batch::default() }
}

/// A server's saves, with everything there is: votes, entries without and with commands, replaced and removed
/// entries, saves of less than a sector and of many.
fn life() -> Vec<Batch> {
    vec![
        saves(hard_state(1, Some(2))),
        appends(1, [no_op(1)]),
        appends(2, [command(1, 0), command(1, 1), command(1, 100)]),
        Batch { hard_state: Some(hard_state(2, None)), ..appends(4, [no_op(2), command(2, 600)]) },
        appends(6, []),
        appends(4, []),
        saves(hard_state(3, Some(1))),
        appends(3, [command(3, 2000), no_op(3), command(3, 31)]),
        saves(hard_state(4, None)),
        appends(6, [command(4, 32), command(4, 33)]),
        appends(8, [no_op(4)]),
    ]
}

/// A segment size that splits a [`life`] into several segments.
const SMALL_SEGMENTS: u64 = 1024;
