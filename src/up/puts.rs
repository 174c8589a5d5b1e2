//! Puts values into the cluster's store over HTTP, as any client does.

use consensus::NodeId;
use std::fmt::Display;
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;
use trace::ClusterView;
use ureq::Agent;

/// So many may be under way: without a majority each waits for its outcome.
const MOST_UNDER_WAY: u64 = 100;
/// Longer than a server keeps a client waiting.
const PATIENCE: Duration = Duration::from_secs(15);

/// What came of it, or why it was not done, in a sentence.
type Outcome = Result<String, String>;

/// Puts x = 1, x = 2, …, each in a thread of its own: the view goes on meanwhile.
pub(crate) struct Puts {
    agent: Agent,
    last_value: u64,
    under_way: u64,
    sender: Sender<Outcome>,
    receiver: Receiver<Outcome>,
}

impl Puts {
    pub(crate) fn new() -> Puts {
        let (sender, receiver) = channel();
        // The servers are on this machine, where no proxy stands between.
        let config = Agent::config_builder().proxy(None);
        let config = config.timeout_global(Some(PATIENCE)).http_status_as_error(false);
        Puts { agent: config.build().into(), last_value: 0, under_way: 0, sender, receiver }
    }

    /// Asks the leader for the next value of x, and says so.
    pub(crate) fn begin(&mut self, view: &ClusterView) -> Outcome {
        let value = self.last_value + 1;
        let (leader, address) =
            leader_of(view).ok_or_else(|| format!("no leader: nobody to put x = {value} to"))?;
        if self.under_way == MOST_UNDER_WAY {
            return Err(format!("{MOST_UNDER_WAY} puts wait for their outcome: no more until one has it"));
        }
        self.last_value = value;
        self.under_way += 1;
        let (agent, sender) = (self.agent.clone(), self.sender.clone());
        std::thread::spawn(move || {
            // Nobody listens any more when the view has ended.
            let _ = sender.send(put(&agent, &address, value));
        });
        Ok(format!("put x = {value}: asked {leader}, who leads"))
    }

    /// What came of those that have ended since the last call.
    pub(crate) fn outcomes(&mut self) -> Vec<Outcome> {
        let outcomes: Vec<Outcome> = self.receiver.try_iter().collect();
        self.under_way -= outcomes.len() as u64;
        outcomes
    }
}

fn leader_of(view: &ClusterView) -> Option<(NodeId, String)> {
    let leader = view.leader()?;
    Some((leader, view.server(leader)?.address.clone()?))
}

fn put(agent: &Agent, address: &str, value: u64) -> Outcome {
    let not_done = |why: &dyn Display| Err(format!("put x = {value}: not done: {why}"));
    let uncertain = || Err(format!("put x = {value}: uncertain: it may have taken effect, or may still"));
    match agent.put(format!("http://{address}/kv/x")).send(value.to_string()) {
        Ok(answer) if answer.status().is_success() => {
            let version = answer.headers().get("raft-version").and_then(|version| version.to_str().ok());
            Ok(format!("put x = {value}: written, version {}", version.unwrap_or("unknown")))
        }
        Ok(mut refusal) => {
            let told = refusal.body_mut().read_to_string().unwrap_or_default();
            let told: serde_json::Value = serde_json::from_str(&told).unwrap_or_default();
            match (told["outcome"].as_str(), told["error"].as_str()) {
                (Some("not done"), Some(why)) => not_done(&why),
                _ => uncertain(),
            }
        }
        Err(ureq::Error::Io(error)) if error.kind() == io::ErrorKind::ConnectionRefused => not_done(&error),
        Err(_) => uncertain(),
    }
}
