//! Three servers in one process that speak over channels of ours, without a network: all that a transport has to do is
//! to hand in at one server what another one sends.

use raft_for_beginners::{Envelope, Index, Inlet, NodeId, Raft, Result, Settings, StateMachine, Transport};
use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

/// The latest of all commands.
#[derive(Default)]
struct Latest(Vec<u8>);

impl StateMachine for Latest {
    type Answer = Vec<u8>;

    /// Answers with what was the latest before.
    fn apply(&mut self, _: Index, command: &[u8]) -> Vec<u8> {
        std::mem::replace(&mut self.0, command.to_vec())
    }

    fn save(&self) -> Vec<u8> {
        self.0.clone()
    }

    fn load(bytes: &[u8]) -> Option<Latest> {
        Some(Latest(bytes.to_vec()))
    }
}

/// Knows where each server takes in messages. An inlet is a bounded queue: if it is full, the message is lost.
#[derive(Clone, Default)]
struct Switchboard(Arc<RwLock<BTreeMap<NodeId, Inlet>>>);

impl Transport for Switchboard {
    fn send(&self, envelope: Envelope) {
        if let Some(inlet) = self.0.read().expect("no thread panics with it").get(&envelope.to) {
            // A server that has ended hears nothing any longer.
            let _ = inlet.deliver(envelope);
        }
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let data = tempfile::tempdir()?;
    // Nobody calls these addresses.
    let voters = [(1, "n1:1"), (2, "n2:1"), (3, "n3:1")];
    let switchboard = Switchboard::default();
    let mut servers = Vec::new();
    for (id, _) in voters {
        let settings = Settings::new("latest", id).voters(voters)?;
        let opened = Raft::<Latest>::open(data.path().join(format!("n{id}")), settings)?;
        switchboard.0.write().expect("no thread panics with it").insert(NodeId(id), opened.inlet());
        servers.push(opened.run_over(switchboard.clone()));
    }
    for command in ["one", "two", "three"] {
        let before = loop {
            let leader = servers[0].leader().await?;
            match servers[leader.0 as usize - 1].propose(command).await {
                // Another server leads by now: ask that one.
                Err(error) if !error.may_have_happened() => tokio::task::yield_now().await,
                outcome => break outcome?,
            }
        };
        println!("{command} after {:?}", String::from_utf8_lossy(&before));
    }
    for server in servers {
        server.stop().await?;
    }
    Ok(())
}
