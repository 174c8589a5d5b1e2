//! The servers that a command talks to.

use clap::Args;
use client::{Cluster, Node, NotDone};
use cluster::{RunningCluster, find_running};
use command::{Failure, duration, host_and_port, say};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The cluster to ask, and the time that it may take.
#[derive(Debug, Args)]
pub(crate) struct ServersArguments {
    /// Some of the cluster's servers; the leader is found through them [default: those that you run on this
    /// machine with `raft up`]
    #[arg(long, value_name = "HOST:PORT,...", env = "RAFT_SERVERS")]
    #[arg(value_delimiter = ',', value_parser = host_and_port)]
    servers: Vec<String>,

    /// Ask the cluster that `raft up --data DIR` runs on this folder; overrides --servers
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// The longest time that this may take, retries included
    #[arg(long, value_name = "TIME", env = "RAFT_TIMEOUT", default_value = "15s", value_parser = duration)]
    pub(crate) timeout: Duration,
}

impl ServersArguments {
    /// A client of these servers, which reports the steps on the way to an answer on standard error.
    pub(crate) fn client(&self) -> Result<Cluster, Failure> {
        let mut cluster = Cluster::new(self.nodes()?);
        let mut told = BTreeSet::new();
        cluster.on_step(move |step| {
            // Repeated steps are reported once.
            if told.insert(step.to_string()) {
                say(step);
            }
        });
        Ok(cluster)
    }

    /// The servers, as far as they are currently known.
    pub(crate) fn nodes(&self) -> Result<Vec<Node>, Failure> {
        if self.data.is_none() && !self.servers.is_empty() {
            return Ok(self.servers.iter().map(Node::new).collect());
        }
        let mut running = running(self.data.as_deref())?;
        if running.len() > 1 {
            let folders: Vec<_> = running.iter().map(|it| it.folder.display().to_string()).collect();
            return Err(Failure::of(
                format_args!("{} clusters run on this machine", running.len()),
                format!("choose one with --data: {}", folders.join(", ")),
            ));
        }
        let addresses = running.remove(0).whereabouts.addresses;
        Ok(addresses.into_iter().map(|(id, address)| Node::named(id, address)).collect())
    }
}

/// The clusters that `raft up` runs on this folder or, without a folder, on this machine: at least one.
pub(crate) fn running(data: Option<&Path>) -> Result<Vec<RunningCluster>, Failure> {
    let running = find_running(data);
    if running.is_empty() {
        let place = data.map_or("this machine".to_owned(), |data| data.display().to_string());
        return Err(Failure::of(
            format_args!("no cluster runs on {place}"),
            "start one with `raft up`; or name a cluster's folder with --data, or its servers by their addresses, such as \
             127.0.0.1:4001 (see --help)",
        ));
    }
    Ok(running)
}

/// A write was certainly not done.
pub(crate) fn not_done(why: &NotDone) -> Failure {
    Failure::of(format_args!("not done: {why}"), help(why))
}

/// A read got no answer.
pub(crate) fn no_answer(why: &NotDone) -> Failure {
    Failure::of(why, help(why))
}

fn help(why: &NotDone) -> &str {
    why.help().unwrap_or("`raft status` shows which servers run; a majority of them is needed")
}
