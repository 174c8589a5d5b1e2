//! The state machine of simulated servers.

use consensus::Index;
use driver::StateMachine;
use std::sync::Arc;

/// Remembers all commands that it was given, to be compared.
#[derive(Debug, Default)]
pub(crate) struct Applied(pub(crate) Vec<(Index, Arc<[u8]>)>);

impl StateMachine for Applied {
    type Answer = ();

    fn apply(&mut self, index: Index, command: &[u8]) {
        self.0.push((index, command.into()));
    }

    fn skip(&mut self, _index: Index) {}
}
