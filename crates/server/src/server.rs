//! A server with its sockets, from its options to its end.

use crate::http::{self, Broadcast, Service};
use crate::member::{Member, Options, Remote};
use crate::network::{self, Name, Network, Reception};
use crate::transport::Transport;
use driver::{BrokenSnapshot, UnreadableSnapshot};
use kv::RestoreError;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use storage::StorageError;
use tokio::runtime::Runtime;
use trace::Record;

/// Why a server did not start, or ended early.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// It can't listen where it should.
    #[error("can't listen on {address}: {source}")]
    Listen {
        /// Where, as HOST:PORT.
        address: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Its data folder can't be used, or failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Its snapshot is whole, and yet holds no store.
    #[error("the data folder's snapshot can't be used: {0}")]
    Snapshot(BrokenSnapshot<RestoreError>),
    /// The thread that owns its data folder has panicked, and has said why on standard error.
    #[error("the thread that writes to the disk has panicked")]
    DiskThread,
    /// The system did not give it what every program needs.
    #[error("the system refused: {0}")]
    System(#[from] std::io::Error),
}

impl ServerError {
    /// What the person who started the server can do about it.
    pub fn help(&self) -> String {
        match self {
            ServerError::Listen { source, .. } if source.kind() == std::io::ErrorKind::AddrInUse => {
                "another program listens there: stop it, or choose another port".to_owned()
            }
            ServerError::Listen { .. } => {
                "the address must be one of this machine's, as HOST:PORT, for example 127.0.0.1:4001"
                    .to_owned()
            }
            ServerError::Storage(error) => error.help(),
            ServerError::Snapshot(BrokenSnapshot::State(error)) => error.help().to_owned(),
            ServerError::Snapshot(BrokenSnapshot::NoMembership) => {
                "it was written by an older version or another program: start this server with an empty data folder, \
                 and let it join the cluster again"
                    .to_owned()
            }
            ServerError::DiskThread => {
                "this is a bug: please report it, with the lines above. Then start the server again: it finds out what \
                 was saved"
                    .to_owned()
            }
            ServerError::System(_) => "close other programs, or raise the limit on open files".to_owned(),
        }
    }
}

impl From<UnreadableSnapshot<RestoreError>> for ServerError {
    fn from(error: UnreadableSnapshot<RestoreError>) -> ServerError {
        match error {
            UnreadableSnapshot::Storage(error) => ServerError::Storage(error),
            UnreadableSnapshot::Broken(error) => ServerError::Snapshot(error),
        }
    }
}

/// A server that is ready to run: it holds its port and its data folder.
pub struct Server {
    member: Member,
    listener: TcpListener,
    address: SocketAddr,
    runtime: Runtime,
}

impl Server {
    /// Takes the port and the data folder. The port is `listen`, as HOST:PORT; port 0 lets the system choose.
    ///
    /// # Errors
    /// If either can't be had. Nothing has been changed in a folder that belongs to somebody else.
    pub fn open(listen: &str, options: Options) -> Result<Server, ServerError> {
        let listen_error = |source| ServerError::Listen { address: listen.to_owned(), source };
        let listener = TcpListener::bind(listen).map_err(listen_error)?;
        let address = listener.local_addr().map_err(listen_error)?;
        listener.set_nonblocking(true)?;
        let member = Member::open(options)?;
        for host in [gate::host_of(listen), &address.ip().to_string()] {
            member.names().add(host);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Server { member, listener, address, runtime })
    }

    /// A way to command the server while it runs.
    pub fn remote(&self) -> Remote {
        self.member.remote()
    }

    /// Lets clients ask for it under this name too, or at this address. Under `localhost`, the loopback addresses, where it
    /// listens, and where the members expect it, they may anyway.
    pub fn answer_to(&self, host: &str) {
        self.member.names().add(host);
    }

    /// Runs until [`Command::Stop`](crate::Command::Stop). The observer is given every record, and should
    /// not keep the server waiting.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn run(self, observer: impl FnMut(Record)) -> Result<(), ServerError> {
        let Server { member, listener, address, runtime } = self;
        let events = Broadcast::new();
        let network = {
            let _in_runtime = runtime.enter();
            let network =
                Network::new(Name::of(member.options(), address.port()), member.origin(), member.engine());
            let engine = member.engine();
            let service = Service::new(
                member.options().id,
                engine.clone(),
                network.clone(),
                events.clone(),
                member.options().lease.is_some(),
                member.syncs(),
            );
            let turned_away = service.turned_away.clone();
            let reception = Reception::new(
                network.clone(),
                engine,
                http::routes(Arc::new(service), member.names().clone()),
                turned_away,
            );
            let listener = tokio::net::TcpListener::from_std(listener)?;
            tokio::spawn(network::accept(listener, reception));
            network
        };
        for (&id, address) in &member.options().peers {
            if let Some(address) = address {
                network.set_address(id, address.clone());
            }
        }
        runtime.block_on(member.run(address.to_string(), network, observer, events))?;
        runtime.shutdown_background();
        Ok(())
    }
}
