//! Raft without messages: which logs servers can have, term by term.
//!
//! What a server does in a term depends on what happens in that term and in earlier ones only, since no message takes
//! a server to an earlier term. So whatever a run leaves behind, a run leaves too in which each term is over before
//! the next one begins. In a term at most one server is elected, by a majority of servers whose logs are not ahead of
//! its own (§5.4.1). It appends entries of its term. A server that hears it ends with the leader's log up to some
//! entry, which is after the last that the two had in common; any other server keeps its log.

use crate::beginning::is_ahead;
use consensus::{Entry, Log, LogPosition, NodeId, Payload, Term};
use std::collections::BTreeMap;

/// A log, as the terms of its entries.
pub(crate) type Terms = Vec<Term>;

/// A log whose entries have these terms, and no commands.
pub(crate) fn log_of(terms: &[Term]) -> Log {
    let entry = |term: &Term| Entry { term: *term, payload: Payload::NoOp };
    Log::new(LogPosition::default(), terms.iter().map(entry).collect())
}

/// As it is written: `1 1 3`.
pub(crate) fn written(terms: &[Term]) -> String {
    let terms: Vec<String> = terms.iter().map(Term::to_string).collect();
    terms.join(" ")
}

/// A term that has a leader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Election {
    pub(crate) term: Term,
    pub(crate) leader: NodeId,
    /// The number of entries that the leader had when it was elected.
    pub(crate) had: usize,
    /// The leader's log at the end of its term.
    pub(crate) log: Terms,
}

impl Election {
    /// What a server with this log can have at the end of the term, if it hears the leader.
    pub(crate) fn received(&self, log: &[Term]) -> impl Iterator<Item = &[Term]> {
        (common(log, &self.log) + 1..=self.log.len()).map(|end| &self.log[..end])
    }

    /// Does a server with this log vote for the leader?
    fn wins_vote_of(&self, log: &[Term]) -> bool {
        !is_ahead(log, &self.log[..self.had])
    }
}

/// The number of entries at the beginning of two logs that are the same in both.
fn common(one: &[Term], other: &[Term]) -> usize {
    one.iter().zip(other).take_while(|(term, other)| term == other).count()
}

/// In which elections so far a server has voted for the winner: a bit for each.
pub(crate) type Votes = u64;

/// The logs that each server may have at one moment, each with the votes that it can have given then. Which it is
/// depends on which messages of leaders have reached that server: so it can be chosen for each server without regard
/// to the others, but each election must have had its majority.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Possible {
    servers: BTreeMap<NodeId, BTreeMap<Terms, Vec<Votes>>>,
    /// The number of elections so far.
    elections: u32,
}

/// What happens to a server: it has this log now, and has given these votes.
pub(crate) type Fate = (Terms, Votes);

impl Possible {
    /// Servers with these logs, before any election.
    pub(crate) fn new(logs: impl IntoIterator<Item = (NodeId, Terms)>) -> Possible {
        let servers = logs.into_iter().map(|(id, log)| (id, BTreeMap::from([(log, vec![0])]))).collect();
        Possible { servers, elections: 0 }
    }

    pub(crate) fn servers(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.servers.keys().copied()
    }

    pub(crate) fn logs(&self, id: NodeId) -> impl Iterator<Item = &Terms> {
        self.servers[&id].keys()
    }

    pub(crate) fn may_have(&self, id: NodeId, log: &[Term]) -> bool {
        self.servers[&id].contains_key(log)
    }

    /// The logs that servers may have at the end of a term, of those that are worth having; `None` if then no majority
    /// can have voted for its leader, or for an earlier one.
    pub(crate) fn after(
        &self,
        election: &Election,
        mut is_worth_having: impl FnMut(NodeId, &[Term]) -> bool,
    ) -> Option<Possible> {
        let vote = 1 << self.elections;
        let mut servers = BTreeMap::new();
        for (id, logs) in &self.servers {
            let mut later: BTreeMap<Terms, Vec<Votes>> = BTreeMap::new();
            let mut add = |log: &[Term], votes| {
                if is_worth_having(*id, log) {
                    add_votes(later.entry(log.to_vec()).or_default(), votes);
                }
            };
            if *id == election.leader {
                let all_votes = logs.get(&election.log[..election.had])?;
                all_votes.iter().for_each(|votes| add(&election.log, votes | vote));
            } else {
                for (log, all_votes) in logs {
                    let own = if election.wins_vote_of(log) { vote } else { 0 };
                    for votes in all_votes.iter().map(|votes| votes | own) {
                        add(log, votes);
                        election.received(log).for_each(|received| add(received, votes));
                    }
                }
            }
            servers.insert(*id, later);
        }
        let after = Possible { servers, elections: self.elections + 1 };
        after.can_have_majorities().then_some(after)
    }

    /// Is each election still possible, looked at alone?
    fn can_have_majorities(&self) -> bool {
        let votes =
            |logs: &BTreeMap<Terms, Vec<Votes>>| logs.values().flatten().fold(0, |all, votes| all | votes);
        let all: Vec<Votes> = self.servers.values().map(votes).collect();
        (0..self.elections).all(|election| self.is_majority(all.iter().copied(), election))
            && self.servers.values().all(|logs| !logs.is_empty())
    }

    fn is_majority(&self, votes: impl Iterator<Item = Votes>, election: u32) -> bool {
        votes.filter(|votes| votes & (1 << election) != 0).count() > self.servers.len() / 2
    }

    /// A fate for each server in which it has a log that it may end with, and each election had its majority.
    pub(crate) fn choose(
        &self,
        is_wanted: impl Fn(NodeId, &[Term]) -> bool,
    ) -> Option<BTreeMap<NodeId, Fate>> {
        let mut fates: Vec<Vec<Fate>> = Vec::new();
        for (id, logs) in &self.servers {
            let wanted = logs.iter().filter(|(log, _)| is_wanted(*id, log));
            let mut best: Vec<Fate> = Vec::new();
            for (log, votes) in wanted.flat_map(|(log, all)| all.iter().map(move |votes| (log, *votes))) {
                if !best.iter().any(|(_, other)| other & votes == votes) {
                    best.retain(|(_, other)| other & votes != *other);
                    best.push((log.clone(), votes));
                }
            }
            fates.push(best);
        }
        let chosen = self.choose_from(&fates, &mut Vec::new())?;
        Some(self.servers().zip(chosen).collect())
    }

    fn choose_from(&self, fates: &[Vec<Fate>], chosen: &mut Vec<Fate>) -> Option<Vec<Fate>> {
        let open = fates.get(chosen.len()..).unwrap_or_default();
        let at_most = open.iter().map(|fates| fates.iter().fold(0, |all, (_, votes)| all | votes));
        let votes = chosen.iter().map(|(_, votes)| *votes).chain(at_most);
        if !(0..self.elections).all(|election| self.is_majority(votes.clone(), election)) {
            return None;
        }
        let Some(next) = open.first() else { return Some(chosen.clone()) };
        for fate in next {
            chosen.push(fate.clone());
            let all = self.choose_from(fates, chosen);
            if all.is_some() {
                return all;
            }
            chosen.pop();
        }
        None
    }

    /// The fate of a server before this election, if this is its fate by the end of the term.
    pub(crate) fn before(&self, election: &Election, id: NodeId, (log, votes): &Fate) -> Fate {
        let vote = 1 << self.elections;
        if id == election.leader {
            return (election.log[..election.had].to_vec(), votes & !vote);
        }
        let has_voted = votes & vote != 0;
        let fits = |(before, all): &(&Terms, &Vec<Votes>)| {
            election.wins_vote_of(before) == has_voted && all.contains(&(votes & !vote))
        };
        let mut able = self.servers[&id].iter().filter(fits).map(|(before, _)| before);
        let keeps = able.clone().find(|before| *before == log);
        let receives = || able.find(|before| election.received(before).any(|received| received == log));
        (keeps.or_else(receives).expect("what is possible came from something").clone(), votes & !vote)
    }
}

/// Of several ways to come to a log, one that has given all votes of another one is at least as good.
fn add_votes(all: &mut Vec<Votes>, votes: Votes) {
    if !all.iter().any(|other| other & votes == votes) {
        all.retain(|other| other & votes != *other);
        all.push(votes);
    }
}
