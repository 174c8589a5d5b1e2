use driver::StateMachine;

/// A [`StateMachine`] that a server can run: it, its answers and its snapshots go from thread to thread.
pub trait Replicated:
    StateMachine<Answer: Send, Snapshot: Send + 'static, Restore: Send> + Send + 'static
{
}

impl<M> Replicated for M where
    M: StateMachine<Answer: Send, Snapshot: Send + 'static, Restore: Send> + Send + 'static
{
}
