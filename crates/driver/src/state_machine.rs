//! What the committed commands act on.

use consensus::Index;

/// A state machine that is replicated: given the same commands in the same order, it goes through the
/// same states and gives the same answers, on every server (§2).
pub trait StateMachine {
    /// What a client gets for its command.
    type Answer;

    /// Does what the command says. It is the committed entry at this index; indexes rise from one
    /// command to the next, with gaps where entries hold no command.
    fn apply(&mut self, index: Index, command: &[u8]) -> Self::Answer;
}

/// For a driver of which only the consensus matters.
impl StateMachine for () {
    type Answer = ();

    fn apply(&mut self, _index: Index, _command: &[u8]) {}
}
