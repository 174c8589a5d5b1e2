//! A client that asks servers for a write over and over, until one has done it.

use crate::client::Client;
use crate::members::{System, TIMEOUT, last};
use anyhow::bail;
use hyper::body::Bytes;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

/// The value, in bytes.
const VALUE: [u8; 256] = [b'x'; 256];

/// Sends a request to each of some servers at a fixed interval, and does not wait for an answer before the
/// next one: a request sent while there was no leader may never be answered.
pub struct Prober {
    servers: Vec<Arc<Server>>,
    interval: Duration,
}

struct Server {
    system: System,
    address: String,
    /// Clients that may send: they wait for no answer, or need not.
    idle: Mutex<Vec<Client>>,
}

impl Prober {
    /// A prober of these servers, with this interval.
    pub fn of(system: System, addresses: Vec<String>, interval: Duration) -> Prober {
        let server = |address| Arc::new(Server { system, address, idle: Mutex::default() });
        Prober { servers: addresses.into_iter().map(server).collect(), interval }
    }

    /// Sends each server one request, so that there are connections.
    pub async fn connect(&self) {
        for server in &self.servers {
            // A server that is not ready yet is asked again soon.
            let _ = server.clone().ask().await;
        }
    }

    /// The time of the first completed write, of those requested from now on.
    ///
    /// # Errors
    /// If none completes for a long time.
    pub async fn first_write(&self) -> anyhow::Result<Instant> {
        let deadline = tokio::time::sleep(TIMEOUT);
        tokio::pin!(deadline);
        let mut ticks = tokio::time::interval(self.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut asked = JoinSet::new();
        let mut failure = None;
        loop {
            tokio::select! {
                Some(answer) = asked.join_next() => {
                    match answer? {
                        Ok(done_at) => return Ok(done_at),
                        Err(error) => failure = Some(error),
                    }
                }
                _ = ticks.tick() => self.servers.iter().for_each(|server| {
                    asked.spawn(server.clone().ask());
                }),
                () = &mut deadline => bail!(
                    "no server did a write within {TIMEOUT:?}{}; close other programs and try again",
                    last(failure.as_ref())
                ),
            }
        }
    }
}

impl Server {
    /// Requests a write, and returns when it completed.
    ///
    /// # Errors
    /// If the server was not reached, or refused it.
    async fn ask(self: Arc<Server>) -> anyhow::Result<Instant> {
        let idle = self.idle().pop();
        let mut client = match idle {
            Some(client) => client,
            None => Client::connect(self.system, &self.address).await?,
        };
        let another = client.another();
        let is_shared = another.is_some();
        self.idle().extend(another);
        let done = client.put("probe", &Bytes::from_static(&VALUE)).await;
        let done_at = done.map(|()| Instant::now());
        if !is_shared && client.is_usable() {
            self.idle().push(client);
        }
        done_at
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Client>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
