use driver::StateMachine;

/// A [`StateMachine`] that a server can run: it, its answers and its snapshots go from thread to thread.
pub trait Replicated: StateMachine<Answer: Send, Snapshot: Send + 'static> + Send + 'static {}

impl<M: StateMachine<Answer: Send, Snapshot: Send + 'static> + Send + 'static> Replicated for M {}
