use super::{Breach, Machine, Moment, Promise, Property, Step};
use consensus::event::What;
use consensus::{Index, NodeId, RoleKind, Term};
use std::collections::BTreeMap;
use trace::Event;

/// Progress: a follower that gets a snapshot gets it to its end, however often the leader could take a newer one.
#[derive(Debug, Default)]
pub(crate) struct SnapshotsArrive {
    /// The leader, its term and the follower; how often a snapshot was begun for it in a calm, and what it had then.
    begun: BTreeMap<(NodeId, Term, NodeId), (u32, Index)>,
}

/// A follower that was sent a snapshot this often without getting any of them is kept away for good. Once, a
/// newer one may have been in preparation when the first was begun.
const MOST: u32 = 3;

static PROMISE: Promise = Promise {
    name: "snapshots arrive (§7)",
    meaning: "A snapshot that is being sent is not replaced by a newer one. Otherwise a follower that was \
              away starts over again and again, and never catches up while clients write.",
};

impl<M: Machine> Property<M> for SnapshotsArrive {
    fn promise(&self) -> Promise {
        PROMISE
    }

    fn check(&mut self, moment: &Moment<'_, M>, step: &Step<'_>) -> Option<Breach> {
        if moment.calm.is_none() {
            self.begun.clear();
        }
        if step.node.role() != RoleKind::Leader {
            return None;
        }
        let (id, term) = (step.id(), step.term());
        for record in step.records {
            if let Event::Decision(decision) = &record.event
                && let What::SnapshotNeeded { follower, .. } = decision.what
            {
                let has = step.node.progress()?.get(&follower)?.match_index();
                let begun = self.begun.entry((id, term, follower)).or_insert((0, has));
                *begun = if begun.1 == has { (begun.0 + 1, has) } else { (1, has) };
                if moment.calm.is_some() && begun.0 >= MOST {
                    let what_happened = format!(
                        "{id} has started to send {follower} a snapshot {} times, and none has arrived",
                        begun.0
                    );
                    return Some(Breach::by(record.id(), what_happened));
                }
            }
        }
        None
    }
}
