//! The headlines of a run: a sentence or two for each thing that matters, however many records it took.

use crate::english::{self, milliseconds, names};
use crate::record::{Event, Io, Laboratory, Process, Record};
use consensus::event::{Decision, What};
use consensus::{Index, Membership, Message, NodeId, Quorum, RoleKind, Rule, Term};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Maximum number of terms in a row without a winner that are reported one by one.
const TERMS_TOLD: u64 = 2;

/// What follows an election within this time still belongs to it, in microseconds: the old leader learns of it.
const A_MOMENT: u64 = 200_000;

/// Maximum number of episodes that are kept. Elections and broken promises are kept longest.
const REMEMBERED: usize = 2_000;

/// The episodes of a run so far.
#[derive(Debug, Clone, Default)]
pub struct Episodes {
    episodes: Vec<Episode>,
    /// Number of episodes so far, those no longer kept included.
    begun: u64,
    elections_won: usize,
    servers: BTreeMap<NodeId, Known>,
    /// The numbers of the episodes in which clients wait for their outcomes.
    waiting: BTreeMap<u64, u64>,
}

/// What happened in one go: what was done to servers, the election that followed, or what a leader did for
/// clients.
#[derive(Debug, Clone, Default)]
pub struct Episode {
    /// Its number, from 1: the number of episodes so far when it began.
    pub number: u64,
    /// When it began: microseconds since the cluster's start.
    pub t: u64,
    deeds: Vec<Deed>,
    campaigns: Vec<Campaign>,
    /// The term of the first try, which may no longer be kept.
    first_term: Option<Term>,
    /// The first winner of the election, and the term. Where a rule is off, there may be another.
    winner: Option<(NodeId, Term)>,
    /// When it was won, in microseconds since the cluster's start.
    won_at: u64,
    work: Option<Work>,
    remarks: Vec<Remark>,
    is_violation: bool,
}

/// What was done to servers.
#[derive(Debug, Clone)]
struct Deed {
    servers: BTreeSet<NodeId>,
    what: String,
}

/// Something else that its headline says.
#[derive(Debug, Clone)]
struct Remark {
    /// The leader that steps down, if it is about that.
    deposed: Option<NodeId>,
    text: String,
}

/// A server's try to become leader.
#[derive(Debug, Clone)]
struct Campaign {
    candidate: NodeId,
    term: Term,
    waited: Option<Wait>,
    asked: BTreeSet<NodeId>,
    votes: usize,
    has_won: bool,
}

/// How long a server had waited for a leader when it started an election.
#[derive(Debug, Clone, Copy)]
struct Wait {
    /// In microseconds of the server's own clock.
    time: u64,
    /// What it had waited for in vain.
    missed: &'static str,
}

/// What a leader did for clients.
#[derive(Debug, Clone)]
struct Work {
    leader: NodeId,
    committed: Option<(Index, Index)>,
    /// The latest request, in words, and its outcome.
    request: Option<(String, Option<String>)>,
    requests: usize,
}

/// What must be known about a server to report an election.
#[derive(Debug, Clone, Default)]
struct Known {
    /// Its election timer, in microseconds of its own clock; `None` if the timer was made to run out.
    timer: Option<u64>,
    waited: Option<Wait>,
    leader: Option<NodeId>,
    role: Option<RoleKind>,
    commit_index: Index,
}

impl Episodes {
    /// All that are kept, in order.
    pub fn all(&self) -> &[Episode] {
        &self.episodes
    }

    /// The one with this number, if it is kept.
    pub fn get(&self, number: u64) -> Option<&Episode> {
        self.place_of(number).map(|place| &self.episodes[place])
    }

    /// Number of elections with a winner.
    pub fn elections_won(&self) -> usize {
        self.elections_won
    }

    /// Is an election in progress?
    pub fn is_electing(&self) -> bool {
        self.episodes.last().is_some_and(Episode::is_electing)
    }

    /// Processes a record. Returns the number of the episode whose text may have changed.
    pub fn observe(&mut self, record: &Record) -> Option<u64> {
        match &record.event {
            Event::Laboratory(Laboratory::ClientHears { client, answer, .. }) => {
                return self.record_answer(*client, answer);
            }
            Event::Decision(decision) => {
                if let Some(number) = self.record_decision(record, decision) {
                    return Some(number);
                }
            }
            Event::Io(Io::Sent { to, message: Message::RequestVote(_) }) => {
                if let Some(campaign) = self.campaign_of(record.node, record.term) {
                    campaign.asked.insert(*to);
                }
            }
            Event::Process(process) => self.record_process(record, process),
            Event::Laboratory(laboratory) => self.record_laboratory(record, laboratory),
            Event::Io(_) => return None,
        }
        self.episodes.last().map(|latest| latest.number)
    }

    /// Returns the number of the episode whose text may have changed, if that is not the latest.
    fn record_decision(&mut self, record: &Record, decision: &Decision) -> Option<u64> {
        let server = self.servers.entry(record.node).or_default();
        match &decision.what {
            What::Timer { timeout_us } => {
                server.timer = decision.rule.map(|_| *timeout_us);
                // A server that is made to join an election is one of its candidates, not a new episode.
                if decision.rule.is_none() && !self.is_electing() {
                    self.record_deed(record, "was made to time out");
                }
            }
            What::Timeout { role } => {
                let missed = match role {
                    RoleKind::Follower if server.leader.is_some() => "a heartbeat",
                    RoleKind::Follower => "a leader",
                    _ => "a winner",
                };
                server.waited = server.timer.map(|time| Wait { time, missed });
            }
            What::Leader { leader } => server.leader = Some(*leader),
            What::Term { .. } if decision.rule == Some(Rule::CandidateIncrementsTerm) => {
                self.record_campaign(record);
            }
            What::Role { role, was } => {
                server.role = Some(*role);
                return self.record_role(record, *role, *was);
            }
            What::Tally { votes, .. } => {
                if let Some(campaign) = self.campaign_of(record.node, record.term) {
                    campaign.votes = *votes;
                }
            }
            What::Committed { index } => {
                let before = std::mem::replace(&mut server.commit_index, *index);
                if server.role == Some(RoleKind::Leader) {
                    self.record_commit(record, before, *index);
                }
            }
            What::Membership { index, membership }
                if server.role == Some(RoleKind::Leader) && index.0 > 0 =>
            {
                let words = format!("{} appended entry {index}: {}.", record.node, decides(membership));
                self.begin(record).remark(words);
            }
            _ => {}
        }
        None
    }

    /// A server asks for votes in a new term of its own.
    fn record_campaign(&mut self, record: &Record) {
        let server = self.servers.entry(record.node).or_default();
        server.leader = None;
        let waited = server.waited.take();
        let campaign = Campaign {
            candidate: record.node,
            term: record.term,
            waited,
            asked: BTreeSet::new(),
            votes: 0,
            has_won: false,
        };
        let episode = self.go_on(record, |last| last.is_only_deeds() || last.is_electing());
        episode.first_term.get_or_insert(record.term);
        episode.campaigns.retain(|earlier| earlier.term.0 + TERMS_TOLD >= record.term.0);
        episode.campaigns.push(campaign);
    }

    /// Returns the number of the episode whose text may have changed, if that is not the latest.
    fn record_role(&mut self, record: &Record, role: RoleKind, was: Option<RoleKind>) -> Option<u64> {
        let id = record.node;
        match (role, was) {
            (RoleKind::Leader, _) => {
                self.elections_won += 1;
                let tried = |episode: &mut Episode| episode.campaign_of(id, record.term).is_some();
                // It need not be the latest: a promise may have been broken since it asked.
                let election = match self.episodes.iter_mut().rposition(tried) {
                    Some(place) => &mut self.episodes[place],
                    None => self.go_on(record, Episode::is_electing),
                };
                if let Some(campaign) = election.campaign_of(id, record.term) {
                    campaign.has_won = true;
                }
                election.winner.get_or_insert((id, record.term));
                // It stepped down before it won, which would be told after that.
                election.remarks.retain(|remark| remark.deposed != Some(id));
                election.won_at = record.t;
                return Some(election.number);
            }
            // Its timer is made to run out, and that is told.
            (RoleKind::Follower, Some(RoleKind::Leader)) if record.rule().is_none() => {}
            (RoleKind::Follower, Some(RoleKind::Leader)) => {
                let why = match record.rule() {
                    Some(Rule::NewerTermWins) => format!("learns of term {} and ", record.term),
                    Some(Rule::CheckQuorum) => "hears from no majority and ".to_owned(),
                    Some(Rule::RemovedLeaderStepsDownOnCommit) => "is no longer a member and ".to_owned(),
                    _ => String::new(),
                };
                let episode =
                    self.go_on(record, |last| last.is_electing() || last.has_just_been_won(record.t));
                episode.remarks.push(Remark { deposed: Some(id), text: format!("{id} {why}steps down.") });
            }
            _ => {}
        }
        None
    }

    /// The entry with which a leader starts its term belongs to its election.
    fn record_commit(&mut self, record: &Record, before: Index, index: Index) {
        let leader = record.node;
        let Some(last) = self.episodes.last_mut() else { return };
        if last.winner == Some((leader, record.term)) && last.work.is_none() {
            last.work = Some(Work::of(leader));
            return;
        }
        let first = Index(before.0 + 1);
        let work = self.work_of(record, leader);
        work.committed = Some((work.committed.map_or(first, |(first, _)| first), index));
    }

    /// What this leader does for clients now: it continues its last work if nothing else happened meanwhile.
    fn work_of(&mut self, record: &Record, leader: NodeId) -> &mut Work {
        let is_same = |last: &Episode| last.work.as_ref().is_some_and(|work| work.leader == leader);
        let episode = self.go_on(record, |last| last.is_only_work() && is_same(last));
        episode.work.get_or_insert(Work::of(leader))
    }

    fn record_process(&mut self, record: &Record, process: &Process) {
        match process {
            Process::Started { .. } if record.life > 1 => self.record_deed(record, "was restarted"),
            Process::Started { .. } => self.record_deed(record, "started"),
            Process::Stopped => self.record_deed(record, "stopped"),
            _ => {}
        }
    }

    fn record_laboratory(&mut self, record: &Record, laboratory: &Laboratory) {
        match laboratory {
            Laboratory::Died { power_cut: Some(_), .. } => self.record_deed(record, "lost power"),
            Laboratory::Died { signal: Some(_), .. } => self.record_deed(record, "was killed"),
            Laboratory::Died { .. } => self.record_deed(record, "exited"),
            Laboratory::Paused => self.record_deed(record, "was paused"),
            Laboratory::Resumed => self.record_deed(record, "was resumed"),
            Laboratory::LinksCut { .. }
            | Laboratory::LinksMended { .. }
            | Laboratory::LinksDelayed { .. }
            | Laboratory::LinksLossy { .. }
            | Laboratory::LinksHealed => {
                let words = format!("{}.", capitalised(&english::sentence(record)));
                self.begin(record).deeds.push(Deed { servers: BTreeSet::new(), what: words });
            }
            Laboratory::RuleSwitched { rule, is_on } => {
                let words = format!("{rule} was switched {}.", if *is_on { "on again" } else { "off" });
                self.begin(record).deeds.push(Deed { servers: BTreeSet::new(), what: words });
            }
            Laboratory::ClientAsks { client, what, .. } => {
                let work = self.work_of(record, record.node);
                work.request = Some((what.clone(), None));
                work.requests += 1;
                self.waiting.insert(*client, self.begun);
            }
            Laboratory::Violated { property, what_happened, .. } => {
                let episode = self.begin(record);
                episode.is_violation = true;
                episode.remark(format!("VIOLATED: {property}: {what_happened}."));
            }
            Laboratory::Speed { .. } | Laboratory::ClientHears { .. } => {}
        }
    }

    fn record_answer(&mut self, client: u64, answer: &str) -> Option<u64> {
        let number = self.waiting.remove(&client)?;
        let place = self.place_of(number)?;
        if let Some((_, heard)) = self.episodes[place].work.as_mut().and_then(|work| work.request.as_mut()) {
            *heard = Some(answer.to_owned());
        }
        Some(number)
    }

    /// The same action on several servers, with nothing in between, is one deed.
    fn record_deed(&mut self, record: &Record, what: &str) {
        let last = self.episodes.last_mut().filter(|last| last.is_only_deeds());
        if let Some(deed) = last.and_then(|last| last.deeds.last_mut()).filter(|deed| deed.what == what) {
            deed.servers.insert(record.node);
            return;
        }
        let deed = Deed { servers: BTreeSet::from([record.node]), what: what.to_owned() };
        // What is done at one time belongs together: a power cut, say, and an election that is forced.
        let episode = self.go_on(record, |last| last.is_only_deeds() && last.t == record.t);
        episode.deeds.push(deed);
    }

    fn begin(&mut self, record: &Record) -> &mut Episode {
        if self.episodes.len() == REMEMBERED {
            self.forget_one();
        }
        self.begun += 1;
        self.episodes.push(Episode { number: self.begun, t: record.t, ..Episode::default() });
        self.episodes.last_mut().expect("it was pushed just now")
    }

    /// Drops the oldest episode, if possible one that is neither an election nor a broken promise.
    fn forget_one(&mut self) {
        let is_minor = |episode: &Episode| !episode.is_election() && !episode.is_violation;
        let forgotten = self.episodes.remove(self.episodes.iter().position(is_minor).unwrap_or(0));
        self.waiting.retain(|_, number| *number != forgotten.number);
    }

    fn place_of(&self, number: u64) -> Option<usize> {
        self.episodes.binary_search_by_key(&number, |episode| episode.number).ok()
    }

    /// The latest episode, if this belongs to it, or else a new one.
    fn go_on(&mut self, record: &Record, belongs: impl Fn(&Episode) -> bool) -> &mut Episode {
        if !self.episodes.last().is_some_and(belongs) {
            return self.begin(record);
        }
        self.episodes.last_mut().expect("this belongs to it")
    }

    /// The try of this server in this term.
    fn campaign_of(&mut self, candidate: NodeId, term: Term) -> Option<&mut Campaign> {
        self.episodes.iter_mut().rev().find_map(|episode| episode.campaign_of(candidate, term))
    }
}

impl Work {
    fn of(leader: NodeId) -> Work {
        Work { leader, committed: None, request: None, requests: 0 }
    }
}

impl Episode {
    /// Was a promise of Raft broken?
    pub fn is_violation(&self) -> bool {
        self.is_violation
    }

    /// Did a server ask for votes?
    pub fn is_election(&self) -> bool {
        !self.campaigns.is_empty()
    }

    /// Did it begin with something that was done to servers?
    pub fn is_caused(&self) -> bool {
        !self.deeds.is_empty()
    }

    /// The leader that was elected, if one was.
    pub fn winner(&self) -> Option<NodeId> {
        self.winner.map(|(winner, _)| winner)
    }

    fn remark(&mut self, text: String) {
        self.remarks.push(Remark { deposed: None, text });
    }

    fn campaign_of(&mut self, candidate: NodeId, term: Term) -> Option<&mut Campaign> {
        self.campaigns.iter_mut().find(|campaign| campaign.candidate == candidate && campaign.term == term)
    }

    fn is_electing(&self) -> bool {
        self.is_election() && self.winner.is_none()
    }

    /// Is this an election that was won a moment ago, for the pace at which it went?
    fn has_just_been_won(&self, now: u64) -> bool {
        let took = self.won_at.saturating_sub(self.t);
        self.winner.is_some() && now.saturating_sub(self.won_at) <= took.max(A_MOMENT)
    }

    fn is_only_deeds(&self) -> bool {
        self.campaigns.is_empty() && self.work.is_none() && self.remarks.is_empty()
    }

    fn is_only_work(&self) -> bool {
        self.campaigns.is_empty() && self.deeds.is_empty() && self.remarks.is_empty()
    }

    /// Writes the failed tries, term by term, and the one that won or is in progress.
    fn write_elections(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Some(last_term) = self.campaigns.last().map(|campaign| campaign.term) else { return Ok(()) };
        let last_term = self.winner.map_or(last_term, |(_, term)| term);
        let of = |term: Term| self.campaigns.iter().filter(move |campaign| campaign.term == term);
        match self.first_term.filter(|&first| first < last_term) {
            Some(first) if first.0 + TERMS_TOLD < last_term.0 => {
                write!(f, " Nobody won the elections of terms {first} to {}.", last_term.0 - 1)?;
            }
            Some(first) => {
                for term in (first.0..last_term.0).map(Term).filter(|&term| of(term).next().is_some()) {
                    let candidates: BTreeSet<NodeId> = of(term).map(|campaign| campaign.candidate).collect();
                    write!(f, " {} asked for votes in term {term}; nobody won.", names(&candidates))?;
                }
            }
            None => {}
        }
        let mut campaigns: Vec<&Campaign> = of(last_term).collect();
        campaigns.sort_by_key(|campaign| (self.winner() != Some(campaign.candidate), !campaign.has_won));
        for campaign in campaigns {
            let Campaign { candidate, asked, votes, has_won, .. } = campaign;
            match self.winner() {
                None => write!(f, " {campaign}: term {last_term}, {} so far.", votes_in_words(*votes))?,
                Some(_) if !has_won => write!(f, " {candidate} asked too, and lost.")?,
                Some(winner) => {
                    let too = if winner == *candidate { "" } else { ", too" };
                    let asked = asked.len() + 1;
                    write!(f, " {campaign}, got {votes} of {asked} votes and leads term {last_term}{too}.")?;
                }
            }
        }
        Ok(())
    }
}

impl fmt::Display for Episode {
    /// In complete sentences.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let mut text = String::new();
        for Deed { servers, what } in &self.deeds {
            let sentence = if servers.is_empty() {
                what.clone()
            } else if servers.len() == 1 {
                format!("{} {what}.", names(servers))
            } else {
                format!("{} {}.", names(servers), what.replacen("was ", "were ", 1))
            };
            text += &format!(" {sentence}");
        }
        text += &fmt::from_fn(|f| self.write_elections(f)).to_string();
        if let Some(work) = self.work.as_ref().filter(|work| work.committed.is_some() || work.requests > 0) {
            text += &format!(" {work}");
        }
        for Remark { text: remark, .. } in &self.remarks {
            text += &format!(" {remark}");
        }
        f.write_str(text.trim_start())
    }
}

impl fmt::Display for Campaign {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if let Some(Wait { time, missed }) = self.waited {
            write!(f, "After {} without {missed} ", milliseconds(time))?;
        }
        write!(f, "{} asked {}", self.candidate, names(&self.asked))
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Work { leader, committed, request, requests } = self;
        let mut sentences = Vec::new();
        if let Some((what, _)) = request {
            let more =
                if *requests > 1 { format!(", the last of {requests} requests") } else { String::new() };
            sentences.push(format!("A client asked {leader} to {what}{more}."));
        }
        match committed {
            Some((first, last)) if first == last => {
                sentences.push(format!("{leader} committed entry {first}."))
            }
            Some((first, last)) => sentences.push(format!("{leader} committed entries {first} to {last}.")),
            None => {}
        }
        match request {
            Some((_, Some(answer))) => sentences.push(format!("The response: {answer}.")),
            Some((_, None)) => sentences.push("No response yet.".to_owned()),
            None => {}
        }
        f.write_str(&sentences.join(" "))
    }
}

/// The servers that decide with these members, from when the entry is in the log.
fn decides(membership: &Membership) -> String {
    let voters = match &membership.voters {
        Quorum::Simple(voters) => format!("a majority of {}", names(voters)),
        Quorum::Joint { old, new } => format!("a majority of {} and one of {}", names(old), names(new)),
    };
    match membership.learners.len() {
        0 => format!("from now on {voters} decides"),
        1 => format!("from now on {voters} decides; {} only learns", names(&membership.learners)),
        _ => format!("from now on {voters} decides; {} only learn", names(&membership.learners)),
    }
}

fn votes_in_words(count: usize) -> String {
    if count == 1 { "1 vote".to_owned() } else { format!("{count} votes") }
}

fn capitalised(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(t: u64, event: Laboratory) -> Record {
        let event = Event::Laboratory(event);
        Record { t, node: NodeId(1), life: 1, seq: None, cause: None, term: Term(1), content: None, event }
    }

    fn broken(t: u64) -> Record {
        let text = || "x".to_owned();
        let violated = Laboratory::Violated {
            property: text(),
            meaning: text(),
            what_happened: text(),
            contradicts: None,
        };
        record(t, violated)
    }

    #[test]
    fn a_long_run_forgets_its_oldest_episodes_and_broken_promises_last() {
        let mut episodes = Episodes::default();
        episodes.observe(&broken(1));
        let ask =
            |client| Laboratory::ClientAsks { client, what: "get x".to_owned(), command: None, again: false };
        let asked = episodes.observe(&record(2, ask(7)));
        assert_eq!(asked, Some(2));
        assert_eq!(episodes.observe(&record(3, Laboratory::LinksHealed)), Some(3));
        let answer = |client| Laboratory::ClientHears { client, answer: "x is 1".to_owned(), outcome: None };
        assert_eq!(
            episodes.observe(&record(4, answer(7))),
            asked,
            "it is the response in an earlier episode"
        );
        episodes.observe(&record(5, ask(8)));
        for t in 6..20_000 {
            episodes.observe(&record(t, Laboratory::LinksHealed));
        }
        assert_eq!(episodes.all().len(), REMEMBERED);
        assert!(episodes.all()[0].is_violation());
        assert!(episodes.get(2).is_none() && episodes.get(1).is_some());
        assert_eq!(episodes.observe(&record(20_000, answer(8))), None, "who waited is forgotten too");
        assert!(episodes.waiting.is_empty());
        for t in 0..2 * REMEMBERED as u64 {
            episodes.observe(&broken(30_000 + t));
        }
        assert_eq!(episodes.all().len(), REMEMBERED);
        assert!(episodes.all()[0].number > REMEMBERED as u64);
    }
}
