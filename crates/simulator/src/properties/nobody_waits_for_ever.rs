use super::{Breach, Machine, Moment, Promise, Property, Step};
use consensus::NodeId;
use std::collections::BTreeMap;
use std::time::Duration;

/// Progress: in a calm, when all logs agree, every client soon has an answer.
#[derive(Debug, Default)]
pub(crate) struct NobodyWaitsForEver {
    /// When each server last owed no answer, or not yet.
    last_free: BTreeMap<NodeId, Duration>,
}

/// How long it may take to ask all whether the leader still leads, in longest election timeouts.
const PATIENCE: u32 = 2;

static PROMISE: Promise = Promise {
    name: "every client gets a response (§8)",
    meaning: "Once no messages are lost, and all entries in the logs are committed, every client soon \
              learns the outcome of its request. Otherwise the client does not know whether to retry, and \
              its request takes up space forever.",
};

impl<M: Machine> Property<M> for NobodyWaitsForEver {
    fn promise(&self) -> Promise {
        PROMISE
    }

    fn check(&mut self, moment: &Moment<'_, M>, _step: &Step<'_>) -> Option<Breach> {
        self.check_time(moment).map(|(_, how)| how.into())
    }

    fn check_time(&mut self, moment: &Moment<'_, M>) -> Option<(NodeId, String)> {
        let calm = moment.calm?;
        let all_agree = moment.all_agree();
        moment.servers.iter().find_map(|(&id, server)| {
            let waiting = server.waiting_requests();
            let is_owed = all_agree && waiting > 0;
            if !is_owed {
                self.last_free.insert(id, moment.now);
            }
            let since = self.last_free.get(&id).copied().unwrap_or_default().max(calm.since);
            let is_overdue =
                moment.now.saturating_sub(since) >= moment.timing.election_timeout_max() * PATIENCE;
            (is_owed && is_overdue && !server.needs_apply()).then(|| {
                (id, format!("all entries are committed, and {id} still owes {waiting} clients a response"))
            })
        })
    }
}
