//! Is an entry committed? A claim that it is, is refuted by a run in which the entry is lost.

use crate::beginning::has;
use crate::elections::{Election, Fate, Possible, Terms, log_of, written};
use crate::enact::{Run, acts, enact};
use crate::origin::{MOST_SERVERS, check_lengths};
use crate::world::WorldOptions;
use consensus::{Index, LogPosition, NodeId, Term};
use std::collections::{BTreeMap, HashSet};
use trace::english::names;

/// Maximum number of elections after which a refutation is looked for.
pub const MOST_ELECTIONS: u64 = 3;
/// The number of moments at which the search for a refutation gives up.
const MOST_MOMENTS: usize = 5_000;

/// The outcome of examining the claim that an entry is committed.
#[derive(Debug)]
pub struct Claim {
    /// The entry.
    pub entry: LogPosition,
    /// The servers that have it.
    pub holders: Vec<NodeId>,
    /// Whether it can be lost.
    pub verdict: Verdict,
}

impl Claim {
    /// What to write above a scenario of the run that refutes it.
    pub fn title(&self) -> String {
        format!("Entry {} of term {} is lost", self.entry.index, self.entry.term)
    }
}

/// Can an entry be lost?
#[derive(Debug)]
pub enum Verdict {
    /// In this run it is, for this reason.
    Refuted(String, Box<Run>),
    /// Never, for this reason.
    Safe(String),
    /// No run in which it is lost was found within this bound.
    NotRefuted(String),
}

/// Servers have these logs. Is the entry at this index committed, of this term or, without one, of the term that most logs
/// have there?
///
/// # Errors
/// If there is no such entry, if no run leads to such logs, or if they are too many or too long.
pub fn examine(logs: &[Vec<Term>], index: Index, term: Option<Term>) -> Result<Claim, String> {
    if logs.is_empty() || logs.len() as u64 > MOST_SERVERS {
        return Err(format!("give 1 to {MOST_SERVERS} logs"));
    }
    check_lengths(logs)?;
    let options = world(logs);
    if let Some(problem) = options.problem_with_beginning() {
        return Err(problem);
    }
    let logs: BTreeMap<NodeId, Terms> = (1..).map(NodeId).zip(logs.iter().cloned()).collect();
    let place = usize::try_from(index.0).unwrap_or(usize::MAX).wrapping_sub(1);
    let mut counts: BTreeMap<Term, usize> = BTreeMap::new();
    logs.values().filter_map(|log| log.get(place)).for_each(|term| *counts.entry(*term).or_default() += 1);
    let term = match term {
        Some(term) => counts
            .contains_key(&term)
            .then_some(term)
            .ok_or_else(|| format!("no log has an entry {index} of term {term}"))?,
        None => {
            let most = counts.into_iter().max_by_key(|(term, count)| (*count, *term));
            most.ok_or_else(|| format!("no log has an entry {index}"))?.0
        }
    };
    let entry = LogPosition { index, term };
    let holders = holders(&logs, place, term);
    let verdict = match why_safe(&logs, place, term) {
        Some(why) => Verdict::Safe(why),
        None => refute(&logs, place, term, options),
    };
    Ok(Claim { entry, holders, verdict })
}

/// The servers that have the entry of this term at this place.
fn holders(logs: &BTreeMap<NodeId, Terms>, place: usize, term: Term) -> Vec<NodeId> {
    logs.iter().filter(|(_, log)| has(log, place, term)).map(|(id, _)| *id).collect()
}

fn world(logs: &[Vec<Term>]) -> WorldOptions {
    WorldOptions {
        servers: logs.len() as u64,
        logs: (1..).map(NodeId).zip(logs.iter().map(|terms| log_of(terms))).collect(),
        ..WorldOptions::default()
    }
}

/// Why the entry of this term at this place can never be lost; `None` if that is not certain. It is safe if it, or one
/// after it, is on a majority and in every log that ends with a later term.
fn why_safe(logs: &BTreeMap<NodeId, Terms>, place: usize, term: Term) -> Option<String> {
    let with_it = logs.values().filter(|log| has(log, place, term));
    let later = with_it.flat_map(|log| (place..log.len()).map(|place| (place, log[place])));
    let mut candidates: Vec<(usize, Term)> = later.collect();
    candidates.sort_unstable();
    let is_safe = |(place, term): &(usize, Term)| {
        let is_later = |log: &&Terms| log.last() > Some(term);
        holders(logs, *place, *term).len() > logs.len() / 2
            && logs.values().filter(is_later).all(|log| has(log, *place, *term))
    };
    let (at, of) = candidates.into_iter().find(is_safe)?;
    let (all, index) = (names(&holders(logs, at, of)), at + 1);
    let first = if at == place {
        format!("{all} have it: a majority.")
    } else {
        format!("{all} have entry {index} of term {of}, which is after it: a majority.")
    };
    Some(format!(
        "{first} A candidate needs a vote of one of them, and gets it only if its own log ends with a later term than \
         {of}, or has entry {index}, too. Every log that ends with a later term has this entry. So every later leader \
         has it, and what is before it."
    ))
}

/// A moment, and the election that led to it from an earlier one.
type Moment = (Possible, Option<(Election, usize)>);

/// Looks for elections after which a server leads that lacks the entry.
fn refute(logs: &BTreeMap<NodeId, Terms>, place: usize, term: Term, options: WorldOptions) -> Verdict {
    let last = logs.values().filter_map(|log| log.last()).max().copied().unwrap_or_default();
    let mut moments: Vec<Moment> = vec![(Possible::new(logs.clone()), None)];
    let mut seen = HashSet::new();
    let mut begin = 0;
    for later in (last.0 + 1..=last.0 + MOST_ELECTIONS).map(Term) {
        let end = moments.len();
        for before in begin..end {
            let possible = moments[before].0.clone();
            for (leader, log) in possible.servers().flat_map(|id| possible.logs(id).map(move |log| (id, log)))
            {
                let with_own = [log.as_slice(), &[later]].concat();
                let election = Election { term: later, leader, had: log.len(), log: with_own };
                let Some(after) = possible.after(&election, |_, _| true) else { continue };
                if !has(log, place, term) {
                    // Who had the entry gets the leader's log; others keep theirs.
                    let had_it = |id| logs.get(&id).is_some_and(|log| has(log, place, term));
                    let is_wanted = |id, log: &[Term]| match id == leader || had_it(id) {
                        true => log == election.log,
                        false => possible.may_have(id, log),
                    };
                    if let Some(fates) = after.choose(is_wanted) {
                        let mut elections = chain(&moments, before);
                        elections.push((&possible, &election));
                        return refuted(&elections, fates, options);
                    }
                }
                if seen.insert((later, after.clone())) {
                    moments.push((after, Some((election, before))));
                }
                if moments.len() > MOST_MOMENTS {
                    return Verdict::NotRefuted(format!(
                        "{MOST_MOMENTS} ways through up to {MOST_ELECTIONS} elections, and there are more"
                    ));
                }
            }
        }
        begin = end;
    }
    Verdict::NotRefuted(format!("all runs with up to {MOST_ELECTIONS} elections, whatever is lost or late"))
}

/// The elections that led to this moment, each with the moment before it.
fn chain(moments: &[Moment], mut place: usize) -> Vec<(&Possible, &Election)> {
    let mut chain = Vec::new();
    while let Some((election, before)) = &moments[place].1 {
        chain.push((&moments[*before].0, election));
        place = *before;
    }
    chain.reverse();
    chain
}

/// The run of these elections. The last leader lacks the entry.
fn refuted(
    elections: &[(&Possible, &Election)],
    fates: BTreeMap<NodeId, Fate>,
    options: WorldOptions,
) -> Verdict {
    let (_, Election { term, leader, had, log }) = elections.last().expect("there is one");
    let vote = 1 << (elections.len() - 1);
    let voters = fates.iter().filter(|(id, (_, votes))| *id != leader && votes & vote != 0);
    let voters: Vec<&NodeId> = voters.map(|(id, _)| id).collect();
    let voters =
        if voters.is_empty() { String::new() } else { format!(" with the votes of {}", names(voters)) };
    let log = if *had == 0 {
        "its log is empty".to_owned()
    } else {
        format!("its log is {}", written(&log[..*had]))
    };
    let why = format!("{leader} can be elected for term {term}{voters}, and {log}.");
    Verdict::Refuted(why, Box::new(enact(options, &acts(elections, fates, |_| false))))
}
