use driver::SmallState;
use runtime::Replicated;

/// How a state gets into snapshots and out of them: [`Whole`] or [`Streamed`].
pub trait Form<M>: sealed::Sealed + Send + Sync + 'static {
    /// The state machine that the server has.
    type Machine: Replicated;

    /// The state in it.
    fn state(machine: &Self::Machine) -> &M;

    #[doc(hidden)]
    fn machine(state: M) -> Self::Machine;
}

/// The state is saved and loaded as a whole: a [`StateMachine`](crate::StateMachine). This is what
/// [`Raft::open`](crate::Raft::open) gives.
#[derive(Debug, Clone, Copy)]
pub enum Whole {}

/// The state is streamed, chunk by chunk: a [`StreamedStateMachine`](crate::StreamedStateMachine).
///
/// ```
/// use raft_for_beginners::{Raft, Settings, Streamed};
///
/// # async fn run() -> raft_for_beginners::Result<()> {
/// // `()` is a state machine without a state.
/// let opened = Raft::<(), Streamed>::open_streamed("data/n1", Settings::new("nothing", 1))?;
/// let server: Raft<(), Streamed> = opened.serve("127.0.0.1:5001").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
pub enum Streamed {}

impl<M: SmallState<Answer: Send> + Send + 'static> Form<M> for Whole {
    type Machine = driver::Whole<M>;

    fn state(machine: &driver::Whole<M>) -> &M {
        &machine.0
    }

    fn machine(state: M) -> driver::Whole<M> {
        driver::Whole(state)
    }
}

impl<M: Replicated> Form<M> for Streamed {
    type Machine = M;

    fn state(machine: &M) -> &M {
        machine
    }

    fn machine(state: M) -> M {
        state
    }
}

mod sealed {
    pub trait Sealed {}

    impl Sealed for super::Whole {}
    impl Sealed for super::Streamed {}
}
