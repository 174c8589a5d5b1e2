//! Puts values into the cluster's store over HTTP, as any client does.

use client::{Failure, Node};
use consensus::NodeId;
use kv::{Answer, Write};
use std::fmt::Display;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;
use trace::ClusterView;

/// So many may be under way: without a majority each waits for its outcome.
const MOST_UNDER_WAY: u64 = 100;
/// Longer than a server keeps a client waiting.
const PATIENCE: Duration = Duration::from_secs(15);

/// What came of it, or why it was not done, in a sentence.
type Outcome = Result<String, String>;

/// Puts x = 1, x = 2, …, each in a thread of its own: the view goes on meanwhile.
pub(crate) struct Puts {
    last_value: u64,
    under_way: u64,
    sender: Sender<Outcome>,
    receiver: Receiver<Outcome>,
}

impl Puts {
    pub(crate) fn new() -> Puts {
        let (sender, receiver) = channel();
        Puts { last_value: 0, under_way: 0, sender, receiver }
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
        let sender = self.sender.clone();
        std::thread::spawn(move || {
            // Nobody listens any more when the view has ended.
            let _ = sender.send(put(&address, value));
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

/// One try: the view shows what comes of it, also if that is a change of leaders.
fn put(address: &str, value: u64) -> Outcome {
    let told = |what: &dyn Display| format!("put x = {value}: {what}");
    match Node::new(address).write(&Write::put(b"x", value.to_string().as_bytes()), PATIENCE) {
        Ok(answer @ Answer::Written { .. }) => Ok(told(&answer)),
        Ok(refused) => Err(told(&refused)),
        Err(Failure::NotDone(why)) => Err(told(&format_args!("not done: {why}"))),
        Err(uncertain @ Failure::Uncertain(_)) => Err(told(&uncertain)),
    }
}
