use super::disks::Disks;
use super::{Breach, Machine, Moment, Promise, Property, Step, is_commit};
use consensus::event::What;
use consensus::{NodeId, RoleKind, Rule};
use trace::{Event, Record};

/// What a leader commits is on the disks of a majority at that moment.
#[derive(Debug, Default)]
pub(crate) struct MajorityHasIt {
    disks: Disks,
}

static PROMISE: Promise = Promise {
    name: "a majority has every committed entry (§5.3)",
    meaning: "When a leader marks an entry as committed, a majority has it on disk. Only then does every \
              later majority include a server that has the entry, no matter which servers crash.",
};

impl<M: Machine> Property<M> for MajorityHasIt {
    fn promise(&self) -> Promise {
        PROMISE
    }

    fn check(&mut self, _moment: &Moment<'_, M>, step: &Step<'_>) -> Option<Breach> {
        self.disks.note(step);
        let index = step.node.commit_index();
        let term = step.node.log().term_at(index)?;
        if step.node.role() != RoleKind::Leader || term != step.term() || !step.records.iter().any(commits) {
            return None;
        }
        let membership = step.node.membership();
        let voters = &membership.voters;
        let has_it = |id: &NodeId| self.disks.has(membership, *id, index, term);
        let holders: Vec<NodeId> = voters.voters().into_iter().filter(has_it).collect();
        (!voters.is_majority(&holders)).then(|| {
            let what_happened = format!(
                "{} marked entry {index} (term {term}) as committed, but only {} of {} servers have it on disk",
                step.id(),
                holders.len(),
                voters.voters().len()
            );
            Breach::by(step.last(is_commit), what_happened)
        })
    }
}

/// Does a leader mark more entries as committed here?
fn commits(record: &Record) -> bool {
    let Event::Decision(decision) = &record.event else { return false };
    matches!(decision.what, What::Committed { .. }) && decision.rule == Some(Rule::CommitByMajority)
}
