//! A server with its sockets, from its settings to its end.

use crate::broadcast::Broadcast;
use crate::error::ServerError;
use crate::http::{self, Service};
use crate::machine::{self, Machine};
use crate::remote::Remote;
use driver::TraceLevel;
use gate::Names;
use prometheus_client::metrics::histogram::Histogram;
use runtime::{Handle, Observer, Settings, Tcp};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use tokio::runtime::Runtime;
use trace::Record;

/// A server that is ready to run: it holds its port and its data folder.
pub struct Server {
    server: runtime::Server<Machine>,
    /// How long its syncs took.
    syncs: Histogram,
    /// The names under which clients may ask for it.
    names: Names,
    listener: TcpListener,
    address: SocketAddr,
    runtime: Runtime,
}

impl Server {
    /// Takes the port and the data folder. The port is `listen`, as HOST:PORT; port 0 lets the system choose.
    ///
    /// # Errors
    /// If either can't be had. Nothing has been changed in a folder that belongs to another server.
    pub fn open(listen: &str, data: &Path, mut settings: Settings) -> Result<Server, ServerError> {
        raise_limit_on_files();
        let listen_error = |source| runtime::ServerError::Listen { address: listen.to_owned(), source };
        let listener = TcpListener::bind(listen).map_err(listen_error)?;
        let address = listener.local_addr().map_err(listen_error)?;
        listener.set_nonblocking(true)?;
        // One that listens everywhere is to be found at many addresses.
        settings.address = (!address.ip().is_unspecified()).then(|| address.to_string());
        let (server, syncs) = machine::open(data, settings)?;
        let names = Names::default();
        for host in [gate::host_of(listen), &address.ip().to_string()] {
            names.add(host);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Server { server, syncs, names, listener, address, runtime })
    }

    /// A way to command the server while it runs.
    pub fn remote(&self) -> Remote {
        Remote::new(self.server.handle(), self.runtime.handle().clone())
    }

    /// Lets clients ask for it under this name too, or at this address. Under `localhost`, the loopback addresses, where it
    /// listens, and where the members expect it, they may anyway.
    pub fn answer_to(&self, host: &str) {
        self.names.add(host);
    }

    /// Runs until [`Command::Stop`](crate::Command::Stop). The observer is given every record, and should
    /// not keep the server waiting.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn run(self, observer: impl FnMut(Record)) -> Result<(), ServerError> {
        let Server { server, syncs, names, listener, address, runtime } = self;
        let events = Broadcast::new();
        let tcp = {
            let _in_runtime = runtime.enter();
            let tcp = Tcp::new(server.settings(), address.port(), server.origin(), server.inlet());
            let service =
                Service::new(server.settings(), server.handle(), tcp.clone(), events.clone(), syncs);
            let routes = http::routes(Arc::new(service), names.clone());
            let listener = tokio::net::TcpListener::from_std(listener)?;
            tcp.listen(listener, Some(Arc::new(routes)));
            tokio::spawn(keep_advertised(server.handle(), names));
            tcp
        };
        runtime.block_on(server.run(address.to_string(), tcp, Told { observer, events }))?;
        runtime.shutdown_background();
        Ok(())
    }
}

/// Files are open connections, too.
fn raise_limit_on_files() {
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

/// Clients are sent to where the members expect the server, so they may ask for it under that name.
async fn keep_advertised(handle: Handle<Machine>, names: Names) {
    let (id, mut leadership) = (handle.id(), handle.watch());
    drop(handle);
    loop {
        let own = leadership.borrow_and_update().members.addresses.get(&id).cloned();
        names.set_advertised(own.as_deref().map(gate::host_of));
        if leadership.changed().await.is_err() {
            return;
        }
    }
}

/// Passes records on to the observer, and to all who listen.
pub(crate) struct Told<O> {
    pub(crate) observer: O,
    pub(crate) events: Broadcast,
}

impl<O: FnMut(Record)> Observer for Told<O> {
    fn level(&self) -> TraceLevel {
        if self.events.is_heard() { TraceLevel::Events } else { TraceLevel::Essential }
    }

    fn record(&mut self, record: Record) {
        self.events.tell(&record);
        (self.observer)(record);
    }
}
