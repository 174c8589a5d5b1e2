//! Can servers begin with such logs? Only with those that some run of Raft leaves behind: on others the algorithm can keep no
//! promise, and what breaks then shows nothing.

use consensus::{Log, LogPosition, NodeId, Quorum, Term};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};

/// The logs with which servers begin, and up to where they are committed.
pub(crate) struct Beginning {
    voters: Quorum,
    /// The terms of each server's entries.
    logs: BTreeMap<NodeId, Vec<Term>>,
    committed: LogPosition,
}

impl Beginning {
    /// This many voters begin, with these logs or empty ones.
    pub(crate) fn new(voters: u64, logs: &BTreeMap<NodeId, Log>, committed: LogPosition) -> Beginning {
        let terms = |log: &Log| log.entries().map(|(_, entry)| entry.term).collect();
        let mut logs: BTreeMap<NodeId, Vec<Term>> = logs.iter().map(|(&id, log)| (id, terms(log))).collect();
        let voters: Vec<NodeId> = (1..=voters).map(NodeId).collect();
        for &id in &voters {
            logs.entry(id).or_default();
        }
        Beginning { voters: voters.into_iter().collect(), logs, committed }
    }

    /// Why no run of Raft can have led to this; `None` if one may have. Each reason is a sure one. Where a
    /// term lies between others and none of its entries is left, it may have moved entries about, and then
    /// this is lenient.
    pub(crate) fn problem(&self) -> Option<String> {
        self.problem_with_first_terms()
            .or_else(|| self.problem_between_logs())
            .or_else(|| self.problem_with_committed())
            .or_else(|| self.terms().into_iter().find_map(|term| self.problem_with_election(term)))
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

/// The place of the first entry of a term.
fn first(log: &[Term], term: Term) -> Option<usize> {
    log.iter().position(|&of_entry| of_entry == term)
}

fn has(log: &[Term], place: usize, term: Term) -> bool {
    log.get(place) == Some(&term)
}

fn place_of(position: LogPosition) -> usize {
    usize::try_from(position.index.0.saturating_sub(1)).unwrap_or(usize::MAX)
}

/// Is a log ahead of another one, as votes compare them (§5.4.1)?
fn is_ahead(log: &[Term], of: &[Term]) -> bool {
    (log.last(), log.len()) > (of.last(), of.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history;
    use consensus::{Entry, Index, Payload};
    use fastrand::Rng;

    fn logs(all: &[&[u64]]) -> BTreeMap<NodeId, Log> {
        let entry = |&term: &u64| Entry { term: Term(term), payload: Payload::NoOp };
        let log = |terms: &&[u64]| Log::new(LogPosition::default(), terms.iter().map(entry).collect());
        (1..).map(NodeId).zip(all.iter().map(log)).collect()
    }

    fn problem_with(all: &[&[u64]], (index, term): (u64, u64)) -> Option<String> {
        let committed = LogPosition { index: Index(index), term: Term(term) };
        Beginning::new(all.len() as u64, &logs(all), committed).problem()
    }

    fn problem(all: &[&[u64]]) -> String {
        problem_with(all, (0, 0)).unwrap_or_default()
    }

    #[test]
    fn terms_begin_with_1() {
        assert!(problem(&[&[0, 1], &[], &[]]).contains("the log of n1 begins with term 0"));
    }

    #[test]
    fn logs_with_the_same_entry_have_the_same_before_it() {
        assert!(
            problem(&[&[1, 3], &[2, 3], &[]])
                .contains("n1 and n2 both have an entry 2 of term 3, but differ in entry 1")
        );
        assert_eq!(problem(&[&[1, 1, 3], &[1, 2], &[1]]), "");
    }

    #[test]
    fn a_term_has_one_leader_and_that_one_log() {
        assert!(
            problem(&[&[2], &[1, 2], &[]]).contains("begin at 1 in the log of n1, but at 2 in that of n2")
        );
        assert!(problem(&[&[1, 1, 2], &[1, 2], &[]]).contains("the entries of term 2 begin at"));
    }

    #[test]
    fn the_leader_of_a_term_had_a_majority_of_votes() {
        // n1 to n3 had an entry each before term 2, and have appended nothing from its leader since.
        let refused = problem(&[&[1], &[1], &[1], &[2], &[]]);
        assert!(
            refused.contains("elected in term 2: the logs of n1, n2, n3 were more up to date"),
            "{refused}"
        );
        assert_eq!(problem(&[&[1], &[1], &[], &[2], &[]]), "");
        // A leader of term 3 may have given them the entry of term 1.
        assert_eq!(problem(&[&[1, 3], &[1], &[1], &[2], &[]]), "");
        // There may have been one, of which no entry is left.
        assert_eq!(problem(&[&[1], &[1], &[1], &[2, 4], &[2]]), "");
    }

    #[test]
    fn what_is_committed_stays() {
        let lost = |all: &[&[u64]], committed| problem_with(all, committed).unwrap_or_default();
        assert!(lost(&[&[1], &[], &[]], (1, 1)).contains("in the logs of a majority"));
        // The paper's Figure 8: entry 2 of term 2 is in a majority of the logs, and is not committed all the same.
        let figure_8: [&[u64]; 5] = [&[1, 2, 4], &[1, 2], &[1, 2], &[1], &[1, 3]];
        assert_eq!(problem(&figure_8), "");
        assert!(lost(&figure_8, (2, 2)).contains("can't be lost, but the leader of term 3"));
        assert_eq!(lost(&figure_8, (1, 1)), "");
        // An entry of term 4 after it has committed it.
        assert_eq!(lost(&[&[1, 2, 4], &[1, 2, 4], &[1, 2, 4], &[1], &[1, 3]], (2, 2)), "");
    }

    #[test]
    fn what_terms_of_raft_leave_is_possible() {
        for seed in 0..3_000 {
            let mut random = Rng::with_seed(seed);
            let servers = random.u64(1..=7);
            let drawn = history::draw(servers, &mut random);
            let problem = Beginning::new(servers, &drawn.logs, drawn.committed).problem();
            assert_eq!(problem, None, "seed {seed}: {:?}", drawn.logs);
        }
    }
}
