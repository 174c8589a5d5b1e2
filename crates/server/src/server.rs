//! A server with its sockets, from its options to its end.

use crate::broadcast::Broadcast;
use crate::error::ServerError;
use crate::http::{self, Service};
use crate::member::{Member, Remote};
use crate::network::{self, Acceptor, Name, Network};
use crate::options::Options;
use crate::transport::Transport;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use tokio::runtime::Runtime;
use trace::Record;

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
            let reception = Acceptor::new(
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
