//! Can servers begin with such logs, and remember such terms and votes? Only with those that some run of Raft leaves behind:
//! on others the algorithm can keep no promise, and what breaks then shows nothing.

use consensus::{HardState, Log, LogPosition, NodeId, Quorum, Term};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};

/// The logs with which servers begin, and up to where they are committed.
pub(crate) struct Beginning {
    voters: Quorum,
    /// The terms of each server's entries.
    logs: BTreeMap<NodeId, Vec<Term>>,
    committed: LogPosition,
    /// What servers remember of terms and votes, where that is said.
    memories: BTreeMap<NodeId, HardState>,
}

impl Beginning {
    /// This many voters begin, with these logs or empty ones.
    pub(crate) fn new(
        voters: u64,
        logs: &BTreeMap<NodeId, Log>,
        committed: LogPosition,
        memories: &BTreeMap<NodeId, HardState>,
    ) -> Beginning {
        let terms = |log: &Log| log.entries().map(|(_, entry)| entry.term).collect();
        let mut logs: BTreeMap<NodeId, Vec<Term>> = logs.iter().map(|(&id, log)| (id, terms(log))).collect();
        let voters: Vec<NodeId> = (1..=voters).map(NodeId).collect();
        for &id in &voters {
            logs.entry(id).or_default();
        }
        Beginning { voters: voters.into_iter().collect(), logs, committed, memories: memories.clone() }
    }

    /// Why no run of Raft can have led to this; `None` if one may have. Each reason is a sure one. Where a
    /// term lies between others and none of its entries is left, it may have moved entries about, and then
    /// this is lenient.
    pub(crate) fn problem(&self) -> Option<String> {
        self.problem_with_first_terms()
            .or_else(|| self.problem_between_logs())
            .or_else(|| self.problem_with_committed())
            .or_else(|| self.terms().into_iter().find_map(|term| self.problem_with_election(term)))
            .or_else(|| self.memories.iter().find_map(|(id, memory)| self.problem_with_memory(*id, *memory)))
            .or_else(|| self.terms().into_iter().find_map(|term| self.problem_with_votes(term)))
    }

    /// What a server remembers of itself.
    fn problem_with_memory(&self, id: NodeId, memory: HardState) -> Option<String> {
        let HardState { current_term: term, .. } = memory;
        if term == Term(0) {
            return Some(format!("{id} can't remember term 0: the first term is 1"));
        }
        let last = *self.logs.get(&id)?.last()?;
        (term < last).then(|| {
            format!("{id} can't remember only term {term}: its log has an entry of term {last}, so it knows of that term")
        })
    }

    /// The leader of a term had the votes of a majority, and nobody else can have them.
    fn problem_with_votes(&self, term: Term) -> Option<String> {
        // Of servers of which nothing is said it is open how they voted.
        let may_have_voted = |voter: NodeId, leader| {
            self.memories.get(&voter).is_none_or(|memory| is_spent(*memory, term, leader))
        };
        if !self.is_led_by_one(may_have_voted) {
            return Some(format!(
                "no server can have been elected in term {term}, of which there is an entry: no majority remembers a vote for \
                 the same server in it, or a later term"
            ));
        }
        let (early, memory) = self.memories.iter().find(|(_, memory)| memory.current_term < term)?;
        let latest = self.terms().last().copied().unwrap_or_default();
        let beginning = HardState { current_term: latest, voted_for: None };
        let memory_of = |voter| self.memories.get(&voter).copied().unwrap_or(beginning);
        let is_over = self.is_led_by_one(|voter, leader| is_spent(memory_of(voter), term, leader));
        (!is_over).then(|| {
            format!(
                "{early} remembers only term {}, so it could be elected in term {term}, which had a leader: say for which \
                 server a majority voted in it, as in `memory n2 term={term} voted-for=n3`",
                memory.current_term
            )
        })
    }

    /// Is there a server for which this holds of a majority?
    fn is_led_by_one(&self, holds: impl Fn(NodeId, NodeId) -> bool) -> bool {
        self.logs.keys().any(|leader| {
            let those: Vec<NodeId> =
                self.logs.keys().copied().filter(|voter| holds(*voter, *leader)).collect();
            self.voters.is_majority(&those)
        })
    }

    fn problem_with_first_terms(&self) -> Option<String> {
        let (id, _) = self.logs.iter().find(|(_, log)| log.first() == Some(&Term(0)))?;
        Some(format!("the log of {id} begins with term 0: the first term is 1"))
    }

    /// All terms of which an entry is left.
    fn terms(&self) -> BTreeSet<Term> {
        self.logs.values().flatten().copied().collect()
    }

    /// A term has one leader, which appends its entries to one log, in a row.
    fn problem_between_logs(&self) -> Option<String> {
        for (one, log) in &self.logs {
            for (other, other_log) in self.logs.range(..one) {
                if let Some(problem) = problem_between((other, other_log.as_slice()), (one, log.as_slice())) {
                    return Some(problem);
                }
            }
        }
        None
    }

    /// What is committed was committed by an entry of its leader's own term: itself, or one after it. A majority
    /// has that one forever, and so has every later leader.
    fn problem_with_committed(&self) -> Option<String> {
        if self.committed == LogPosition::default() {
            return None;
        }
        let committed = |log: &[Term]| has(log, place_of(self.committed), self.committed.term);
        if !self.is_majority(|log| committed(log)) {
            return Some(
                "a committed entry is in the logs of a majority of the servers, and this one is not"
                    .to_owned(),
            );
        }
        let terms = self.terms();
        let lost_in = |place, term| {
            let mut later = terms.range((Excluded(term), Unbounded));
            later.find(|&&later| !has(self.before(later), place, term))
        };
        let is_safe = self
            .logs
            .values()
            .filter(|log| committed(log))
            .flat_map(|log| (place_of(self.committed)..log.len()).map(move |place| (place, log[place])))
            .any(|(place, term)| {
                self.is_majority(|log| has(log, place, term)) && lost_in(place, term).is_none()
            });
        let lost_in = lost_in(place_of(self.committed), self.committed.term).filter(|_| !is_safe)?;
        Some(format!(
            "a committed entry can't be lost, but the leader of term {lost_in} did not have this one"
        ))
    }

    /// The leader of a term had the votes of a majority: of servers whose logs were not ahead of its own.
    fn problem_with_election(&self, term: Term) -> Option<String> {
        let terms = self.terms();
        let last = *terms.last()?;
        let has_gap = (terms.range(term..).count() as u64) <= last.0 - term.0;
        let refuses = |log: &[Term]| !self.may_have_come_since(term, log) && is_ahead(log, self.before(term));
        if has_gap || self.is_majority(|log| !refuses(log)) {
            return None;
        }
        let ahead = self.logs.iter().filter(|(id, log)| self.voters.contains(**id) && refuses(log));
        let ahead: Vec<String> = ahead.map(|(id, _)| id.to_string()).collect();
        Some(format!(
            "no server can have been elected in term {term}: the logs of {} were more up to date, and their entries can't \
             have come later",
            ahead.join(", ")
        ))
    }

    /// Can a server have got all of this log from the leader of this term, or from a later one?
    fn may_have_come_since(&self, term: Term, log: &[Term]) -> bool {
        log.last().is_none_or(|last| *last >= term)
            || self.terms().range(term..).any(|&later| self.before(later).starts_with(log))
    }

    /// The log of a term's leader when it was elected.
    fn before(&self, term: Term) -> &[Term] {
        let with_it = self.logs.values().find_map(|log| Some((log, first(log, term)?)));
        with_it.map_or(&[], |(log, first)| &log[..first])
    }

    fn is_majority(&self, holds: impl Fn(&[Term]) -> bool) -> bool {
        let those: Vec<NodeId> = self.logs.iter().filter(|(_, log)| holds(log)).map(|(&id, _)| id).collect();
        self.voters.is_majority(&those)
    }
}

fn problem_between((one, log): (&NodeId, &[Term]), (other, other_log): (&NodeId, &[Term])) -> Option<String> {
    let differs = log.iter().zip(other_log).position(|(term, other_term)| term != other_term)?;
    let alike = (differs..log.len().min(other_log.len())).find(|&place| log[place] == other_log[place]);
    if let Some(alike) = alike {
        return Some(format!(
            "{one} and {other} both have an entry {} of term {}, but differ in entry {}: logs with the same entry have the \
             same entries before it (log matching)",
            alike + 1,
            log[alike],
            differs + 1
        ));
    }
    let shared =
        log.iter().find(|term| first(log, **term) != first(other_log, **term) && other_log.contains(term))?;
    Some(format!(
        "the entries of term {shared} begin at {} in the log of {one}, but at {} in that of {other}: a term has one leader, \
         which appends its entries to one log",
        first(log, *shared)? + 1,
        first(other_log, *shared)? + 1
    ))
}

/// Has who remembers this no vote left in the term for any server but this one?
fn is_spent(memory: HardState, term: Term, leader: NodeId) -> bool {
    memory.current_term > term || (memory.current_term == term && memory.voted_for == Some(leader))
}

/// The place of the first entry of a term.
pub(crate) fn first(log: &[Term], term: Term) -> Option<usize> {
    log.iter().position(|&of_entry| of_entry == term)
}

pub(crate) fn has(log: &[Term], place: usize, term: Term) -> bool {
    log.get(place) == Some(&term)
}

fn place_of(position: LogPosition) -> usize {
    usize::try_from(position.index.0.saturating_sub(1)).unwrap_or(usize::MAX)
}

/// Is a log ahead of another one, as votes compare them (§5.4.1)?
pub(crate) fn is_ahead(log: &[Term], of: &[Term]) -> bool {
    (log.last(), log.len()) > (of.last(), of.len())
}
