//! What storage promises, put to the test on a real folder and on a disk that breaks.

mod crash;
mod damage;
mod folder;
mod identity;
mod model_disk;

use consensus::{HardState, NodeId, Term};
use storage::Identity;

fn identity() -> Identity {
    Identity { cluster: "local".into(), node: NodeId(2), voters: [1, 2, 3].map(NodeId).into() }
}

fn hard_state(current_term: u64, voted_for: Option<u64>) -> HardState {
    HardState { current_term: Term(current_term), voted_for: voted_for.map(NodeId) }
}
