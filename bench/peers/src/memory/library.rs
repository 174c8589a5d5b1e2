//! Three servers of the project's library in one thread, in memory, with a network of function calls.

use super::Cluster;
use anyhow::Context;
use raft_for_beginners::{Envelope, Index, Inlet, NodeId, Raft, Settings, StateMachine, Transport};
use std::collections::BTreeMap;
use std::sync::mpsc;
use std::sync::{Arc, RwLock};

/// Does nothing with a command.
#[derive(Default)]
struct Nothing;

impl StateMachine for Nothing {
    type Answer = ();

    fn apply(&mut self, _: Index, _: &[u8]) {}

    fn save(&self) -> Vec<u8> {
        Vec::new()
    }

    fn load(_: &[u8]) -> Option<Nothing> {
        Some(Nothing)
    }
}

/// Where each server takes in messages.
#[derive(Clone, Default)]
struct Calls(Arc<RwLock<BTreeMap<NodeId, Inlet>>>);

impl Transport for Calls {
    fn send(&self, envelope: Envelope) {
        if let Some(inlet) = self.0.read().expect("no thread panics with it").get(&envelope.to) {
            // At the end of a run the others may have ended.
            let _ = inlet.deliver(envelope);
        }
    }
}

/// The leader, for clients.
#[derive(Clone)]
pub struct Library {
    leader: Raft<Nothing>,
    command: Arc<[u8]>,
    /// The servers end with their last client.
    _servers: Arc<Vec<Raft<Nothing>>>,
}

impl Library {
    /// A cluster that lives as long as one of its clients.
    pub fn start(value_size: usize) -> anyhow::Result<Library> {
        let (tell, told) = mpsc::sync_channel(1);
        let work = move || -> anyhow::Result<()> {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let servers = serve()?;
                let leader = servers[0].leader().await?;
                let place =
                    servers.iter().position(|server| server.id() == leader).context("one of them leads")?;
                let ends: Vec<_> = servers.iter().map(Raft::watch).collect();
                tell.send((servers, place))?;
                for mut end in ends {
                    while end.changed().await.is_ok() {}
                }
                Ok(())
            })
        };
        std::thread::spawn(work);
        let (servers, place) = told.recv().context("the servers do not start")?;
        let leader = servers[place].clone();
        Ok(Library { leader, command: vec![7; value_size].into(), _servers: Arc::new(servers) })
    }
}

fn serve() -> anyhow::Result<Vec<Raft<Nothing>>> {
    // Nobody calls these addresses.
    let voters = [(1, "n1:1"), (2, "n2:1"), (3, "n3:1")];
    let calls = Calls::default();
    let start = |id: u64| {
        let settings =
            Settings::new("memory", id).voters(voters)?.snapshot_after(super::ours::SNAPSHOT_AFTER);
        let opened = Raft::<Nothing>::open_in_memory(settings)?;
        calls.0.write().expect("no thread panics with it").insert(NodeId(id), opened.inlet());
        Ok(opened.run_over(calls.clone()))
    };
    voters.iter().map(|&(id, _)| start(id)).collect()
}

impl Cluster for Library {
    async fn write(&self) {
        self.leader.propose(self.command.clone()).await.expect("the leader stays");
    }
}
