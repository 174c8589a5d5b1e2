//! What the committed entries act on.

use consensus::Index;

/// A state machine that is replicated: given the same commands in the same order, it goes through the
/// same states and gives the same answers, on every server (§2).
///
/// It is told of every committed entry, in order: the indexes have no gaps.
pub trait StateMachine {
    /// What a client gets for its command.
    type Answer;

    /// Does what the command says, which the committed entry at this index holds.
    fn apply(&mut self, index: Index, command: &[u8]) -> Self::Answer;

    /// Goes past the committed entry at this index, which holds no command.
    fn skip(&mut self, index: Index);
}

/// For a driver of which only the consensus matters.
impl StateMachine for () {
    type Answer = ();

    fn apply(&mut self, _index: Index, _command: &[u8]) {}

    fn skip(&mut self, _index: Index) {}
}
