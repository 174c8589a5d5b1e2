use super::{Breach, Machine, Moment, Promise, Property, Step};
use consensus::event::What;
use consensus::{Instant, Message, NodeId, RoleKind, Rule, Term};
use std::collections::BTreeMap;
use std::time::Duration;
use trace::{Event, Io};

/// With pre-vote and check-quorum, a leader that a majority hears is not deposed.
#[derive(Debug, Default)]
pub(crate) struct HeardLeadersStay {
    /// Whom each server hears.
    heard: BTreeMap<NodeId, Hearing>,
}

/// A server hears the leader of a term.
#[derive(Debug)]
struct Hearing {
    term: Term,
    /// Without a pause of an election timeout since then, and last by then, by the server's own clock.
    since: Instant,
    last: Instant,
}

static PROMISE: Promise = Promise {
    name: "a leader that reaches a majority stays (§6; thesis §9.6)",
    meaning: "With pre-vote and check-quorum, no server raises the term while a majority hears from a \
              leader. Otherwise a single server that was cut off and comes back forces the whole cluster \
              into an election.",
};

impl<M: Machine> Property<M> for HeardLeadersStay {
    fn promise(&self) -> Promise {
        PROMISE
    }

    fn check(&mut self, moment: &Moment<'_, M>, step: &Step<'_>) -> Option<Breach> {
        let id = step.id();
        let own_time = |id: NodeId| moment.servers.get(&id)?.own_time(moment.now);
        let patience = moment.timing.election_timeout_min();
        let is_asked = step.records.iter().any(|record| {
            matches!(&record.event, Event::Decision(decision) if decision.rule == Some(Rule::TransferWhenCaughtUp))
        });
        let raises_term = step.last(|record| {
            matches!(record.decision(), Some(What::Term { .. }))
                && record.rule() == Some(Rule::CandidateIncrementsTerm)
        });
        for record in step.records {
            match &record.event {
                Event::Io(Io::Received { message: Message::AppendEntries(request), .. })
                    if request.term == step.term() =>
                {
                    let Some(now) = own_time(id) else { continue };
                    let before = self
                        .heard
                        .get(&id)
                        .filter(|hearing| hearing.term == request.term && now.since(hearing.last) < patience);
                    let since = before.map_or(now, |hearing| hearing.since);
                    self.heard.insert(id, Hearing { term: request.term, since, last: now });
                }
                // A server whose election timer was made to run out hears no leader, and neither does one
                // that has just started.
                Event::Decision(decision)
                    if matches!(
                        decision.what,
                        What::Timer { timeout_us: 0 } | What::Role { was: None, .. }
                    ) =>
                {
                    self.heard.remove(&id);
                }
                _ => {}
            }
        }
        if raises_term.is_none() || is_asked || moment.calm.is_none() {
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
        // What a voter says may have been in flight when it heard the leader last, or first.
        let way = moment.calm.map_or(Duration::ZERO, |calm| calm.latency * 2);
        let hears = |voter: NodeId| {
            let hearing = self.heard.get(&voter).filter(|it| it.term == leader.hard_state().current_term);
            let is_heard = hearing.zip(own_time(voter)).is_some_and(|(hearing, now)| {
                now.since(hearing.last) + way < patience && now.since(hearing.since) > patience
            });
            voter == leader.id() || (is_heard && moment.member(leader, voter).is_some())
        };
        let is_heard = leader.membership().voters.counts(hears).all(|(count, needed)| count >= needed);
        (all_ask && is_heard).then(|| {
            let what_happened =
                format!("{id} raised the term, although a majority hears from {}", leader.id());
            Breach::by(raises_term, what_happened)
        })
    }
}
