//! Is there a run that leads to these logs? Answered with the run, or with the reason why there is none.
//!
//! The search goes through the terms, not through messages (see `elections.rs`). Each term of which an entry is left
//! had a leader, and the logs say which log that one had. In between there may have been leaders of whose entries
//! none is left: they may have brought older entries to servers that had to lack them earlier.

use crate::beginning::{Beginning, first};
use crate::elections::{Election, Fate, Possible, Terms, log_of, written};
use crate::enact::{Run, acts, enact};
use crate::world::WorldOptions;
use consensus::{LogPosition, NodeId, Term};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Maximum number of servers.
pub const MOST_SERVERS: u64 = 9;
/// Maximum number of entries in a log.
pub const MOST_ENTRIES: usize = 30;
/// The latest term that is tried.
pub const LATEST_TERM: Term = Term(30);
/// The number of moments at which a search gives up.
pub const MOST_MOMENTS: usize = 200_000;

/// What to write above a scenario of a run that was found.
pub const PROSE: &str = "How these logs come about\n\nNothing happens here but elections, commands, and messages that \
                         arrive or are lost.";

/// The answer to the question where logs come from.
#[derive(Debug)]
pub enum Answer {
    /// This run leads to them.
    Run(Box<Run>),
    /// No run leads to them, for this reason.
    Impossible(String),
    /// None was found within this bound, and there may be one.
    Undecided(String),
}

/// The search for a run that leads to some logs, a slice at a time.
#[derive(Debug)]
pub struct Search {
    servers: u64,
    /// The logs that are asked for. A server of which nothing is said may have any.
    logs: BTreeMap<NodeId, Terms>,
    /// For each term of which an entry is left: how many entries its leader had before, and its log with all of them.
    leaders: BTreeMap<Term, (usize, Terms)>,
    moments: Vec<Moment>,
    /// Which moments are to be looked at, by the number of terms whose entries are all gone. The last comes first.
    open: Vec<Vec<usize>>,
    seen: HashSet<(Term, Possible)>,
    /// Whether a server that has a log at the end of a term can have the log that is asked for in the end.
    can_end: HashMap<(NodeId, Term, Terms), bool>,
    /// The latest term that some moment has come to.
    furthest: Term,
    answer: Option<Answer>,
}

/// Before an election.
#[derive(Debug, Clone)]
struct Moment {
    term: Term,
    possible: Possible,
    /// The election that led here, and the moment before it.
    came_by: Option<(Election, usize)>,
    /// The number of elections so far of which no entry is left.
    gone: usize,
}

/// The terms of a log's entries, as in `1 1 3`; none for an empty log.
///
/// # Errors
/// If the text says something else, or if no log can be so: terms never fall, and there are no holes.
pub fn parse_log(text: &str) -> Result<Vec<Term>, String> {
    let mut terms = Vec::new();
    for (place, word) in text.split_whitespace().enumerate() {
        if word == "_" {
            return Err(format!("a log has no holes, but entry {} of \"{text}\" is missing", place + 1));
        }
        let term = word.parse().map_err(|_| format!("\"{word}\" is no term: write a log as in '1 1 3'"))?;
        terms.push(Term(term));
    }
    Ok(terms)
}

impl Search {
    /// The search for a run of this many servers after which n1, n2, and so on have these logs.
    ///
    /// # Errors
    /// If they are too many, too long, or of too late a term.
    pub fn new(logs: &[Vec<Term>], servers: u64) -> Result<Search, String> {
        if !(logs.len() as u64..=MOST_SERVERS).contains(&servers) || servers == 0 {
            return Err(format!("give 1 to {MOST_SERVERS} logs, for no more servers"));
        }
        check_lengths(logs)?;
        if logs.iter().flatten().any(|term| *term > LATEST_TERM) {
            return Err(format!("the latest term that is tried here is {LATEST_TERM}"));
        }
        let logs: BTreeMap<NodeId, Terms> = (1..).map(NodeId).zip(logs.iter().cloned()).collect();
        let answer = problem(&logs, servers).map(Answer::Impossible);
        let mut leaders: BTreeMap<Term, (usize, Terms)> = BTreeMap::new();
        for log in logs.values() {
            for &term in log {
                let had = first(log, term).expect("it is one of its terms");
                let end = log.iter().rposition(|other| *other == term).expect("likewise") + 1;
                let leader = leaders.entry(term).or_default();
                if end > leader.1.len() {
                    *leader = (had, log[..end].to_vec());
                }
            }
        }
        let possible = Possible::new((1..=servers).map(|id| (NodeId(id), Terms::new())));
        let mut search = Search {
            servers,
            logs,
            leaders,
            moments: Vec::new(),
            open: Vec::new(),
            seen: HashSet::new(),
            can_end: HashMap::new(),
            furthest: Term(0),
            answer,
        };
        search.add(Moment { term: Term(1), possible, came_by: None, gone: 0 });
        Ok(search)
    }

    /// Looks at this many moments more, or until there is an answer.
    pub fn advance(&mut self, moments: usize) {
        for _ in 0..moments {
            if self.answer.is_some() {
                return;
            }
            let Some(place) = self.open.iter_mut().find_map(Vec::pop) else {
                self.answer = Some(Answer::Impossible(self.why_not()));
                return;
            };
            if self.moments.len() > MOST_MOMENTS {
                self.answer = Some(Answer::Undecided(format!(
                    "{MOST_MOMENTS} ways through the terms were tried, and none leads to these logs; there are more"
                )));
                return;
            }
            self.look_at(place);
        }
    }

    /// The answer, when there is one.
    pub fn answer(&self) -> Option<&Answer> {
        self.answer.as_ref()
    }

    /// Searches to the end.
    pub fn finish(mut self) -> Answer {
        loop {
            match self.answer {
                Some(answer) => return answer,
                None => self.advance(usize::MAX),
            }
        }
    }

    fn last_term(&self) -> Term {
        self.leaders.keys().last().copied().unwrap_or_default()
    }

    fn add(&mut self, moment: Moment) {
        // A term without a leader changes nothing, and what was seen with fewer terms that are gone need not be looked at
        // again.
        if !self.seen.insert((moment.term, moment.possible.clone())) {
            return;
        }
        if self.open.len() <= moment.gone {
            self.open.resize_with(moment.gone + 1, Vec::new);
        }
        self.open[moment.gone].push(self.moments.len());
        self.moments.push(moment);
    }

    /// What can happen in the next term?
    fn look_at(&mut self, place: usize) {
        let Moment { term, possible, gone, .. } = self.moments[place].clone();
        self.furthest = self.furthest.max(term);
        if term > self.last_term() {
            let is_wanted = |id: NodeId, log: &[Term]| self.logs.get(&id).is_none_or(|wanted| wanted == log);
            if let Some(fates) = possible.choose(is_wanted) {
                self.answer = Some(Answer::Run(Box::new(self.run(place, fates))));
            }
            return;
        }
        let election = |leader, had, log| Election { term, leader, had, log };
        let mut elections = Vec::new();
        match self.leaders.get(&term) {
            Some((had, log)) => {
                let able = possible.servers().filter(|id| possible.may_have(*id, &log[..*had]));
                // The plainest story: a server that keeps its own entries.
                let keeps = |id: &NodeId| self.logs.get(id).is_some_and(|wanted| wanted.starts_with(log));
                let (keeping, others): (Vec<NodeId>, Vec<NodeId>) = able.partition(keeps);
                elections
                    .extend([keeping, others].concat().into_iter().map(|id| election(id, *had, log.clone())));
            }
            None => {
                for leader in possible.servers() {
                    let with_own = |log: &Terms| [log.as_slice(), &[term]].concat();
                    elections
                        .extend(possible.logs(leader).map(|log| election(leader, log.len(), with_own(log))));
                }
            }
        }
        let is_gone = usize::from(!self.leaders.contains_key(&term));
        // Of those that are added, the last is looked at first.
        for election in elections.into_iter().rev() {
            if let Some(after) = possible.after(&election, |id, log| self.can_end(id, term, log)) {
                let came_by = Some((election, place));
                self.add(Moment { term: term.next(), possible: after, came_by, gone: gone + is_gone });
            }
        }
        if is_gone == 1 {
            let came_by = self.moments[place].came_by.clone();
            self.add(Moment { term: term.next(), possible, came_by, gone });
        }
    }

    /// Can a server that has this log at the end of this term have the log in the end that is asked for? If in doubt, yes.
    fn can_end(&mut self, id: NodeId, term: Term, log: &[Term]) -> bool {
        let Some(wanted) = self.logs.get(&id) else { return true };
        if log == wanted {
            return true;
        }
        if let Some(known) = self.can_end.get(&(id, term, log.to_vec())) {
            return *known;
        }
        let wanted = wanted.clone();
        let later = (term.0 + 1..=self.last_term().0).map(Term);
        let mut can = false;
        for later in later {
            can |= match self.leaders.get(&later).cloned() {
                Some((had, leaders_log)) => {
                    let election = Election { term: later, leader: id, had, log: leaders_log };
                    election.received(log).any(|received| self.can_end(id, later, received))
                }
                // A leader that left nothing may have had any log.
                None => !wanted.is_empty(),
            };
            if can {
                break;
            }
        }
        self.can_end.insert((id, term, log.to_vec()), can);
        can
    }

    /// The run that leads to this moment, in which servers have these fates.
    fn run(&self, mut place: usize, fates: BTreeMap<NodeId, Fate>) -> Run {
        let mut elections = Vec::new();
        while let Some((election, before)) = &self.moments[place].came_by {
            elections.push((&self.moments[*before].possible, election));
            place = *before;
        }
        elections.reverse();
        let acts = acts(&elections, fates, |term| !self.leaders.contains_key(&term));
        enact(WorldOptions { servers: self.servers, ..WorldOptions::default() }, &acts)
    }

    /// Why the search was in vain.
    fn why_not(&self) -> String {
        let mut elections = self.leaders.range(self.furthest..);
        let (term, (had, log)) =
            elections.next().expect("after the last election all servers have their logs");
        let log =
            if *had == 0 { "an empty log".to_owned() } else { format!("the log {}", written(&log[..*had])) };
        format!(
            "no server can have been elected in term {term}: its leader had {log}. All orders of elections and messages \
             were tried, and wherever a majority can vote for it, some server can't get its log any longer. \
             (Each leader begins its term with an entry of its own: no-op-on-election)"
        )
    }
}

/// Is no log too long to be asked about?
pub(crate) fn check_lengths(logs: &[Terms]) -> Result<(), String> {
    match logs.iter().any(|log| log.len() > MOST_ENTRIES) {
        true => Err(format!("a log can have at most {MOST_ENTRIES} entries here")),
        false => Ok(()),
    }
}

/// A reason that is clear at once.
fn problem(logs: &BTreeMap<NodeId, Terms>, servers: u64) -> Option<String> {
    if let Some((id, _)) = logs.iter().find(|(_, log)| !log.is_sorted()) {
        return Some(format!(
            "terms never fall along a log, but they do in that of {id}: a leader appends entries of its own term, which is \
             newer than all before"
        ));
    }
    let logs = logs.iter().map(|(id, terms)| (*id, log_of(terms))).collect();
    Beginning::new(servers, &logs, LogPosition::default(), &BTreeMap::new()).problem()
}
