use super::{Breach, Machine, Moment, Promise, Property, Step};
use consensus::{Message, NodeId, Term};
use std::collections::BTreeMap;
use trace::{Event, EventId, Io, Record};

/// One vote a term: no server ever tells two candidates of one term that they have its vote, crashes in
/// between or not. A candidate that asks for votes has told of its own.
#[derive(Debug, Default)]
pub(crate) struct OneVotePerTerm {
    /// Whom each server has voted for in each term, and the event in which it first said so.
    votes: BTreeMap<(NodeId, Term), (NodeId, Option<EventId>)>,
}

static PROMISE: Promise = Promise {
    name: "one vote per term (§5.2)",
    meaning: "A server votes for at most one candidate per term, whatever happens in between. Two votes by \
              one server can complete two majorities, and so elect two leaders.",
};

impl<M: Machine> Property<M> for OneVotePerTerm {
    fn promise(&self) -> Promise {
        PROMISE
    }

    fn forget(&mut self, server: NodeId) {
        self.votes.retain(|(voter, _), _| *voter != server);
    }

    fn check(&mut self, _moment: &Moment<'_, M>, step: &Step<'_>) -> Option<Breach> {
        step.records.iter().find_map(|record| {
            let (term, candidate) = vote_told(record)?;
            let (first, contradicts) =
                *self.votes.entry((step.id(), term)).or_insert((candidate, record.id()));
            (first != candidate).then(|| {
                let what_happened =
                    format!("{} voted in term {term} for {first} and for {candidate}", step.id());
                Breach { what_happened, done: record.id(), contradicts }
            })
        })
    }
}

/// The vote that this record tells another server of: in which term, and for whom.
fn vote_told(record: &Record) -> Option<(Term, NodeId)> {
    match &record.event {
        Event::Io(Io::Sent { message: Message::RequestVote(request), .. }) => {
            Some((request.term, record.node))
        }
        Event::Io(Io::Sent { to, message: Message::RequestVoteReply(reply) }) if reply.vote_granted => {
            Some((reply.term, *to))
        }
        _ => None,
    }
}
