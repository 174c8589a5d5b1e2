use super::{Moment, Promise, Property, Step};
use consensus::event::What;
use consensus::{Message, NodeId, RoleKind, Rule, Term};
use std::collections::BTreeMap;
use std::time::Duration;
use trace::{Event, Io};

/// With pre-vote and check-quorum, a leader that a majority hears is not deposed.
#[derive(Debug, Default)]
pub(crate) struct HeardLeadersStay {
    /// When each server last heard the leader of this term.
    heard: BTreeMap<NodeId, (Term, Duration)>,
}

static PROMISE: Promise = Promise {
    name: "a leader that is heard stays (§6; thesis §9.6)",
    meaning: "With pre-vote and check-quorum, nobody raises the term while a majority hears a leader. Otherwise one \
              server that was cut off and comes back stops the whole cluster for an election.",
};

impl Property for HeardLeadersStay {
    fn promise(&self) -> &'static Promise {
        &PROMISE
    }

    fn check(&mut self, moment: &Moment<'_>, step: &Step<'_>) -> Option<String> {
        let (id, now) = (step.id(), moment.now);
        let is_asked = step.records.iter().any(|record| {
            matches!(&record.event, Event::Decision(decision) if decision.rule == Some(Rule::TransferWhenCaughtUp))
        });
        let raises_term = step.records.iter().any(|record| {
            matches!(&record.event, Event::Decision(decision)
                if matches!(decision.what, What::Term { .. }) && decision.rule == Some(Rule::CandidateIncrementsTerm))
        });
        for record in step.records {
            match &record.event {
                Event::Io(Io::Received { message: Message::AppendEntries(request), .. })
                    if request.term == step.term() =>
                {
                    self.heard.insert(id, (request.term, now));
                }
                // Whoever is made to lose patience hears nobody, and neither does who has just started.
                Event::Decision(decision)
                    if matches!(decision.what, What::Timer { timeout_us: 0 } | What::Role { was: None, .. }) =>
                {
                    self.heard.remove(&id);
                }
                _ => {}
            }
        }
        if !raises_term || is_asked || moment.calm.is_none() {
            return None;
        }
        // In a calm no promise is lifted by a broken connection, and every clock is true.
        let leader = moment.running().find(|node| {
            node.role() == RoleKind::Leader && node.hard_state().current_term.next() == step.term()
        })?;
        let all_ask = moment.running().all(|node| {
            let profile = node.config().profile;
            profile.pre_vote && profile.check_quorum
        });
        let patience = moment.timing.election_timeout_min();
        let hears = |voter: NodeId| {
            voter == leader.id()
                || self.heard.get(&voter).is_some_and(|(term, when)| {
                    *term == leader.hard_state().current_term
                        && now.saturating_sub(*when)
                            + moment.calm.map_or(Duration::ZERO, |calm| calm.latency * 2)
                            < patience
                })
        };
        let is_heard = leader.membership().voters.counts(hears).all(|(count, needed)| count >= needed);
        (all_ask && is_heard)
            .then(|| format!("{id} raises the term, although a majority hears {}", leader.id()))
    }
}
