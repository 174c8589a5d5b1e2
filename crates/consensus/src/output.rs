//! What a server wants done.

use crate::event::{Event, What};
use crate::{HardState, Message, NodeId, Rule};

/// What one [`step`](crate::Node::step) asks its driver to do, in buffers that are reused.
#[derive(Debug, Default)]
pub struct Output {
    /// To be saved, durably; then the driver says [`Persisted`](crate::Input::Persisted).
    pub hard_state: Option<HardState>,
    /// To be sent, each not before its [`Durability`] is met.
    pub messages: Vec<Outgoing>,
    /// What was decided, in order.
    pub events: Vec<Event>,
}

/// A message on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The receiver.
    pub to: NodeId,
    /// What to tell it.
    pub message: Message,
    /// What must be on disk before the message may leave.
    pub durability: Durability,
    /// The decision that led to it: its place in [`Output::events`]. None where the input itself did.
    pub because_of: Option<usize>,
}

/// What a message rests on ([`Rule::PersistBeforeAnswer`]). If it left earlier, a crash could make
/// its sender forget what it has just said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Nothing that isn't on disk already.
    Nothing,
    /// The latest hard state that the server has put out.
    HardState,
}

impl Output {
    /// Notes what was decided, and the rule that decided it.
    pub(crate) fn decided(&mut self, rule: Rule, what: What) {
        self.events.push(Event { rule: Some(rule), what });
    }

    /// Notes what happened where no rule decided.
    pub(crate) fn noted(&mut self, what: What) {
        self.events.push(Event { rule: None, what });
    }
}
