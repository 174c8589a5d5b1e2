use super::{Breach, Machine, Moment, Promise, Property, Step};
use consensus::{Message, NodeId, RoleKind, Term};
use std::collections::BTreeMap;
use std::time::Duration;
use trace::{Event, Io};

/// With check-quorum, a leader that hears too few of the others does not stay.
#[derive(Debug, Default)]
pub(crate) struct LeadersAreHeard {
    /// Since when each leader leads this term, and when it last heard each other server in it.
    heard: BTreeMap<NodeId, Heard>,
}

#[derive(Debug)]
struct Heard {
    term: Term,
    since: Duration,
    when: BTreeMap<NodeId, Duration>,
}

/// How long a reply may take, also by a slow clock, in longest election timeouts.
const PATIENCE: u32 = 12;

static PROMISE: Promise = Promise {
    name: "a leader hears from a majority (thesis §6.2)",
    meaning: "With check-quorum, a leader that hears from no majority soon steps down. Otherwise its \
              clients wait for something that it can never do.",
};

impl<M: Machine> Property<M> for LeadersAreHeard {
    fn promise(&self) -> Promise {
        PROMISE
    }

    fn check(&mut self, moment: &Moment<'_, M>, step: &Step<'_>) -> Option<Breach> {
        let (node, now) = (step.node, moment.now);
        if node.role() != RoleKind::Leader || !node.config().profile.check_quorum {
            self.heard.remove(&node.id());
            return None;
        }
        let fresh = || Heard { term: step.term(), since: now, when: BTreeMap::new() };
        let heard = self.heard.entry(node.id()).or_insert_with(fresh);
        if heard.term != step.term() {
            *heard = fresh();
        }
        for record in step.records {
            if let Event::Io(Io::Received { from, message }) = &record.event
                && matches!(message, Message::AppendEntriesReply(_) | Message::InstallSnapshotReply(_))
            {
                heard.when.insert(*from, now);
            }
        }
        let patience = moment.timing.election_timeout_max() * PATIENCE;
        let is_heard = |id: NodeId| {
            let last = heard.when.get(&id).copied().unwrap_or(heard.since);
            id == node.id() || now.saturating_sub(last.max(heard.since)) < patience
        };
        let voters = &node.membership().voters;
        let (count, needed) = voters.counts(is_heard).find(|(count, needed)| count < needed)?;
        let what_happened = format!(
            "{} keeps leading, but has heard from only {count} of the {needed} voters it needs for {patience:.0?}",
            node.id()
        );
        Some(what_happened.into())
    }
}
