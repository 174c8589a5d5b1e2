//! How a hard state is written in the log: its term, and then `1` and the candidate, or `0` for no vote.

use crate::bytes::Bytes;
use consensus::{HardState, NodeId, Term};

const NO_VOTE: u8 = 0;
const VOTE: u8 = 1;

pub(crate) fn encode(hard_state: &HardState, to: &mut Vec<u8>) {
    to.extend(hard_state.current_term.0.to_le_bytes());
    match hard_state.voted_for {
        None => to.push(NO_VOTE),
        Some(NodeId(candidate)) => {
            to.push(VOTE);
            to.extend(candidate.to_le_bytes());
        }
    }
}

pub(crate) fn decode(from: &mut Bytes<'_>) -> Option<HardState> {
    let current_term = Term(from.u64()?);
    let voted_for = match from.u8()? {
        NO_VOTE => None,
        VOTE => Some(NodeId(from.u64()?)),
        _ => return None,
    };
    Some(HardState { current_term, voted_for })
}
