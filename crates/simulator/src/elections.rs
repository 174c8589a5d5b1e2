//! Raft without messages: which logs servers can have, term by term.
//!
//! What a server does in a term depends on what happens in that term and in earlier ones only, since no message takes
//! a server to an earlier term. So whatever a run leaves behind, a run leaves too in which each term is over before
//! the next one begins. In a term at most one server is elected, by a majority of servers whose logs are not ahead of
//! its own (§5.4.1). It appends entries of its term. A server that hears it ends with the leader's log up to some
//! entry, which is after the last that the two had in common; any other server keeps its log.

use crate::beginning::is_ahead;
use consensus::{NodeId, Term};
use std::collections::{BTreeMap, BTreeSet};

/// A log, as the terms of its entries.
pub(crate) type Terms = Vec<Term>;

/// A term that has a leader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Election {
    pub(crate) term: Term,
    pub(crate) leader: NodeId,
    /// The other servers whose votes it needs: no more than make a majority with its own.
    pub(crate) voters: Vec<NodeId>,
    /// The number of entries that it had when it was elected.
    pub(crate) had: usize,
    /// Its log at the end of its term.
    pub(crate) log: Terms,
}

impl Election {
    /// What a server with this log can have at the end of the term, if it hears the leader.
    pub(crate) fn received(&self, log: &[Term]) -> impl Iterator<Item = &[Term]> {
        (common(log, &self.log) + 1..=self.log.len()).map(|end| &self.log[..end])
    }

    /// Does a server with this log vote for the leader?
    pub(crate) fn wins_vote_of(&self, log: &[Term]) -> bool {
        !is_ahead(log, &self.log[..self.had])
    }
}

/// The number of entries at the beginning of two logs that are the same in both.
fn common(one: &[Term], other: &[Term]) -> usize {
    one.iter().zip(other).take_while(|(term, other)| term == other).count()
}

/// The logs that each server may have at one moment. Which it is depends on which messages of leaders so far have
/// reached that server: so it can be chosen for each server without regard to the others.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Possible(BTreeMap<NodeId, BTreeSet<Terms>>);

impl Possible {
    /// Servers with these logs.
    pub(crate) fn new(logs: impl IntoIterator<Item = (NodeId, Terms)>) -> Possible {
        Possible(logs.into_iter().map(|(id, log)| (id, BTreeSet::from([log]))).collect())
    }

    pub(crate) fn servers(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.0.keys().copied()
    }

    pub(crate) fn logs(&self, id: NodeId) -> &BTreeSet<Terms> {
        &self.0[&id]
    }

    /// All ways to elect this server in this term, where its log ends after `had` of these entries.
    pub(crate) fn elections(&self, term: Term, leader: NodeId, had: usize, log: &[Term]) -> Vec<Election> {
        let election = Election { term, leader, voters: Vec::new(), had, log: log.to_vec() };
        let others = || self.0.iter().filter(|(id, _)| **id != leader);
        let votes = |log: &Terms| election.wins_vote_of(log);
        let certain: Vec<NodeId> =
            others().filter(|(_, logs)| logs.iter().all(votes)).map(|(id, _)| *id).collect();
        // To vote, these must not have got some of the logs that they may have.
        let asked = others().filter(|(id, logs)| !certain.contains(id) && logs.iter().any(votes));
        let asked: Vec<NodeId> = asked.map(|(id, _)| *id).collect();
        let needed = self.0.len() / 2;
        let missing = needed.saturating_sub(certain.len());
        let certain = &certain[..needed - missing];
        let with = |more: Vec<NodeId>| Election { voters: [certain, &more].concat(), ..election.clone() };
        choices(&asked, missing).into_iter().map(with).collect()
    }

    /// The logs that servers may have at the end of the term, of those that are worth having.
    pub(crate) fn after(
        &self,
        election: &Election,
        mut is_worth_having: impl FnMut(NodeId, &[Term]) -> bool,
    ) -> Possible {
        let mut after = BTreeMap::new();
        for (id, logs) in &self.0 {
            let mut later = BTreeSet::new();
            if *id == election.leader {
                later.insert(election.log.clone());
            } else {
                let must_vote = election.voters.contains(id);
                for log in logs.iter().filter(|log| !must_vote || election.wins_vote_of(log)) {
                    later.insert(log.clone());
                    later.extend(election.received(log).map(<[Term]>::to_vec));
                }
            }
            later.retain(|log| is_worth_having(*id, log));
            after.insert(*id, later);
        }
        Possible(after)
    }

    /// Which log a server had before this election, so that it has this one after it.
    pub(crate) fn before<'a>(&'a self, election: &'a Election, id: NodeId, after: &[Term]) -> &'a [Term] {
        let logs = &self.0[&id];
        if id == election.leader {
            return &election.log[..election.had];
        }
        let voted = |log: &&Terms| !election.voters.contains(&id) || election.wins_vote_of(log);
        let mut able = logs.iter().filter(voted);
        let keeps = able.clone().find(|log| *log == after);
        let receives = || able.find(|log| election.received(log).any(|received| received == after));
        keeps.or_else(receives).expect("what is possible came from something")
    }
}

/// All ways to choose this number of servers.
fn choices(servers: &[NodeId], number: usize) -> Vec<Vec<NodeId>> {
    if number == 0 {
        return vec![Vec::new()];
    }
    let Some((last, others)) = servers.split_last() else { return Vec::new() };
    let mut all = choices(others, number);
    all.extend(choices(others, number - 1).into_iter().map(|chosen| [chosen, vec![*last]].concat()));
    all
}
