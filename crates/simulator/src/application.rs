//! What the servers of a world run, and who uses it.

use crate::action::Wish;
use crate::machine::Machine;
use crate::rules::AllBut;
use crate::store_clients::{Heard, Try};
use crate::world::Refusal;
use driver::{Outcomes, RequestId, StateMachine};
use linearizability::BadHistory;
use std::fmt;
use std::sync::Arc;

/// A state machine, and the clients that use it.
pub trait Application: fmt::Debug {
    /// What the servers run.
    type Machine: Machine;

    /// The command that [`Action::Propose`](crate::Action::Propose) stands for with this value, if there is one.
    fn command(&self, value: u64) -> Option<Arc<[u8]>>;

    /// A client of its own, c1, c2, …, wants something.
    ///
    /// # Errors
    /// If there is no such client, or it can't ask for that now.
    fn ask(&mut self, client: u64, wish: Wish, rules: AllBut) -> Result<Try, Refusal>;

    /// A server whose state machine this is has outcomes for clients. Those for its own clients it takes out; what these are told of
    /// them, it returns.
    fn hear(
        &mut self,
        outcomes: &mut Outcomes<<Self::Machine as StateMachine>::Answer>,
        machine: &Self::Machine,
    ) -> Vec<(RequestId, Heard)>;

    /// If what its own clients were told contradicts itself: how. To find out, about this number of steps is taken at most.
    ///
    /// # Errors
    /// If that is not enough.
    fn contradiction(&self, most_steps: u64) -> Result<Option<BadHistory>, Refusal>;
}
