use crate::Address;
use crate::inbound::Inbound;
use crate::lab::LabCommand;
use crate::requests::{ChangeError, ProposeError, ReadError, Request, TransferError, Unavailable};
use crate::view::{Leadership, View};
use consensus::{Change, NodeId, ReadBy};
use driver::StateMachine;
use std::fmt;
use std::sync::Arc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot, watch};

/// Maximum number of bytes in a command.
pub const LONGEST_COMMAND: usize = 3 << 20;

/// Asks a running server for something, from any thread or task. Clones ask the same server; when the last one is dropped,
/// the server stops.
///
/// Each request either is refused at once or has an outcome later. If you no longer wait for it, it is not taken back.
/// Put a [timeout](tokio::time::timeout) around it: a server without a majority waits for one as long as it runs.
///
/// ```
/// use raft_for_beginners_runtime::consensus::ReadBy;
/// use raft_for_beginners_runtime::{Server, Settings, Transport};
///
/// /// For a server that has nobody to speak to.
/// struct Alone;
///
/// impl Transport for Alone {
///     fn send(&self, _: driver::Envelope) {}
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// // `()` is a state machine without a state.
/// let server = Server::open(folder.path(), Settings::new("nothing", 1), ())?;
/// let handle = server.handle();
/// let running = tokio::spawn(server.run("nowhere".to_owned(), Alone, ()));
///
/// handle.watch().wait_for(|it| it.leader == Some(handle.id())).await?;
/// handle.propose(b"a command".as_slice()).await?;
/// handle.read(ReadBy::Round, |()| ()).await?;
/// assert_eq!(handle.look(|view| view.driver.last_applied().0).await?, 2, "the first entry of a term is empty");
///
/// handle.stop().await;
/// running.await??;
/// # Ok(())
/// # }
/// ```
pub struct Handle<M: StateMachine> {
    id: NodeId,
    requests: mpsc::Sender<Request<M>>,
    inbox: mpsc::Sender<Inbound>,
    leadership: watch::Receiver<Leadership>,
}

impl<M: StateMachine> Clone for Handle<M> {
    fn clone(&self) -> Handle<M> {
        let Handle { id, requests, inbox, leadership } = self;
        Handle { id: *id, requests: requests.clone(), inbox: inbox.clone(), leadership: leadership.clone() }
    }
}

impl<M: StateMachine> fmt::Debug for Handle<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("id", &self.id).finish_non_exhaustive()
    }
}

impl<M: StateMachine> Handle<M> {
    pub(crate) fn new(
        id: NodeId,
        requests: mpsc::Sender<Request<M>>,
        inbox: mpsc::Sender<Inbound>,
        leadership: watch::Receiver<Leadership>,
    ) -> Handle<M> {
        Handle { id, requests, inbox, leadership }
    }

    /// Which server this is.
    pub fn id(&self) -> NodeId {
        self.id
    }

    /// Has a command committed and applied. The result is the state machine's answer on this server.
    ///
    /// # Errors
    /// [`ProposeError`], which says whether the command may have been carried out.
    pub async fn propose(&self, command: impl Into<Arc<[u8]>>) -> Result<M::Answer, ProposeError> {
        let command = command.into();
        if command.len() > LONGEST_COMMAND {
            return Err(ProposeError::TooLong { length: command.len() });
        }
        let (answer, outcome) = oneshot::channel();
        self.ask(Request::Propose { command, answer })?;
        // The command was in the server's hands when it ended.
        outcome.await.unwrap_or(Err(ProposeError::Uncertain))
    }

    /// Reads the state machine when it has applied all that was committed when this was called (linearizable; §8). The
    /// closure runs in the server's task, which does nothing else meanwhile: copy what you need.
    ///
    /// # Errors
    /// [`ReadError`]. The closure has not run then.
    pub async fn read<T: Send + 'static>(
        &self,
        by: ReadBy,
        read: impl FnOnce(&M) -> T + Send + 'static,
    ) -> Result<T, ReadError> {
        let (answer, outcome) = oneshot::channel();
        let reader = move |machine: Result<&M, ReadError>| {
            if !answer.is_closed() {
                let _ = answer.send(machine.map(read));
            }
        };
        self.ask(Request::Read { by, reader: Box::new(reader) })?;
        outcome.await.unwrap_or(Err(ReadError::Stopped))
    }

    /// Looks at the server as it is at this moment, without asking others: its state machine may be old. The closure runs
    /// in the server's task.
    ///
    /// # Errors
    /// If the server takes no request now.
    pub async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&View<'_, M>) -> T + Send + 'static,
    ) -> Result<T, Unavailable> {
        let (answer, outcome) = oneshot::channel();
        let look = move |view: &View<'_, M>| {
            let _ = answer.send(look(view));
        };
        self.ask(Request::Look(Box::new(look)))?;
        outcome.await.map_err(|_| Unavailable::Stopped)
    }

    /// Changes the members of the cluster. It returns when the configuration is committed with which the change begins.
    ///
    /// # Errors
    /// [`ChangeError`], which says whether the members may have changed.
    pub async fn change_members(&self, change: Change) -> Result<(), ChangeError> {
        let (answer, outcome) = oneshot::channel();
        self.ask(Request::ChangeMembers { change, answer })?;
        outcome.await.unwrap_or(Err(ChangeError::Uncertain))
    }

    /// Begins to hand the leadership over to this server.
    ///
    /// # Errors
    /// [`TransferError`].
    pub async fn transfer(&self, to: NodeId) -> Result<(), TransferError> {
        let (answer, outcome) = oneshot::channel();
        self.ask(Request::Transfer { to, answer })?;
        outcome.await.unwrap_or(Err(TransferError::Uncertain))
    }

    /// Who leads and who belongs to the cluster, now and whenever that changes. It closes when the server has ended.
    pub fn watch(&self) -> watch::Receiver<Leadership> {
        self.leadership.clone()
    }

    /// Tells the server where another one is reached, for example when that has moved. It waits while the server has
    /// too much to do.
    pub async fn set_address(&self, id: NodeId, address: Address) {
        let _ = self.inbox.send(Inbound::Address(id, address)).await;
    }

    /// Has the lab's features do something, if the server [has](crate::Settings::lab) them. It waits while the server
    /// has too much to do.
    pub async fn lab(&self, command: LabCommand) {
        let _ = self.inbox.send(Inbound::Lab(command)).await;
    }

    /// Stops the server, and returns when it has ended. What it has acknowledged is on disk.
    pub async fn stop(&self) {
        let _ = self.inbox.send(Inbound::Stop).await;
        let mut leadership = self.watch();
        while leadership.changed().await.is_ok() {}
    }

    /// Gives the server a request, unless that has too much to do.
    fn ask(&self, request: Request<M>) -> Result<(), Unavailable> {
        self.requests.try_send(request).map_err(|error| match error {
            TrySendError::Full(_) => Unavailable::Busy,
            TrySendError::Closed(_) => Unavailable::Stopped,
        })
    }
}
