//! What the records so far say about each server.

mod clients;
mod log;
mod network;
mod store;
mod trouble;

pub use clients::{OutcomeView, RequestView};
pub use log::{EntryView, LogView};
pub use network::{Faults, FaultyLink, NetworkView};
pub use store::StoreView;
pub use trouble::Trouble;

use crate::input::StepInput;
use crate::record::{Event, Io, Laboratory, Link, Process, Record};
use crate::slow_disk::SlowDisk;
use consensus::event::{Decision, What};
use consensus::{Index, LogPosition, Membership, Message, NodeId, Profile, Quorum, RoleKind, Rule, Term};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

/// The cluster, as known to an observer.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct ClusterView {
    servers: BTreeMap<NodeId, ServerView>,
    /// The configuration with which the cluster began.
    #[cfg_attr(feature = "ts", ts(as = "Membership"))]
    founders: Arc<Membership>,
    network: NetworkView,
    requests: Vec<RequestView>,
}

/// A server, as known to an observer.
#[derive(Debug, Clone, Default, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct ServerView {
    /// The state of its process.
    pub condition: Condition,
    /// Its start number.
    pub life: u64,
    /// Its process id, while it runs.
    pub pid: Option<u32>,
    /// Where it listens, as HOST:PORT.
    pub address: Option<String>,
    /// Its role; `None` before its first report and after its death.
    pub role: Option<RoleKind>,
    /// Its current term.
    pub term: Term,
    /// The server that has its vote in this term.
    pub voted_for: Option<NodeId>,
    /// The leader of the term, if this server knows it.
    pub leader: Option<NodeId>,
    /// Its election timer; a leader has none.
    pub timer: Option<ElectionTimer>,
    /// Its log; for a dead server, the log on its disk.
    pub log: LogView,
    /// Its store; `None` while its process does not run, and where the store was not recorded.
    pub store: Option<StoreView>,
    /// For a dead server: did its power fail, as opposed to its process being killed?
    pub lost_power: bool,
    /// The servers that voted for it, while it is a candidate.
    pub votes: Vec<NodeId>,
    /// What it knows, as a leader, about the others' logs.
    pub progress: BTreeMap<NodeId, ProgressView>,
    /// The latest configuration in its log, and its index; `None` while it is the one with which the cluster
    /// began.
    #[cfg_attr(feature = "ts", ts(as = "Option<(Index, Membership)>"))]
    pub membership: Option<(Index, Arc<Membership>)>,
    /// Does it know that it is no longer a member?
    pub is_removed: bool,
    /// Why it has no part in the cluster, or can't keep up with it, according to itself or its leader.
    pub trouble: Option<Trouble>,
    /// Why its disk is too slow for elections, if it is.
    pub slow_disk: Option<SlowDisk>,
    /// The server that it hands leadership over to.
    pub hands_over_to: Option<NodeId>,
    /// The last profile that it was given; `None` while it is the one with which it began.
    pub profile: Option<Profile>,
    /// Number of heartbeats sent since its last start (as a leader, one for each receiver).
    pub heartbeats_sent: u64,
    /// Number of heartbeats received since its last start.
    pub heartbeats_received: u64,
    /// The latest message that it sent or received.
    pub last_message: Option<(u64, Io)>,
}

/// A running election timer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct ElectionTimer {
    /// When it was reset: microseconds since the cluster's start.
    pub started_at: u64,
    /// How long it runs, in microseconds of the server's own clock.
    pub timeout_us: u64,
}

/// What a leader knows about a follower's log (Figure 2).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct ProgressView {
    /// matchIndex: highest index up to which it is known to match the leader's.
    pub match_index: Index,
    /// nextIndex: the next entry that the leader sends.
    pub next_index: Index,
}

/// The state of a server's process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// It has not reported yet.
    #[default]
    Starting,
    /// It runs.
    Running,
    /// It was halted.
    Paused,
    /// It is gone.
    Dead,
}

impl ClusterView {
    /// A cluster of these servers, about which nothing is known yet.
    pub fn new(ids: impl IntoIterator<Item = NodeId>) -> ClusterView {
        let servers: BTreeMap<NodeId, ServerView> =
            ids.into_iter().map(|id| (id, ServerView::default())).collect();
        let founders = Arc::new(Membership::of_voters(servers.keys().copied()));
        ClusterView { servers, founders, network: NetworkView::default(), requests: Vec::new() }
    }

    /// Processes a record, perhaps of a server that was unknown before.
    pub fn apply(&mut self, record: &Record) {
        if let Event::Laboratory(laboratory) = &record.event {
            self.network.apply(laboratory);
        }
        clients::note(&mut self.requests, record);
        self.servers.entry(record.node).or_default().apply(record);
        self.record_word_of_leader(record);
    }

    /// What a leader says about another server.
    fn record_word_of_leader(&mut self, record: &Record) {
        let Event::Decision(decision) = &record.event else { return };
        let leads = self.servers[&record.node].role == Some(RoleKind::Leader);
        let Some((id, trouble)) = Trouble::of_another(&decision.what).filter(|_| leads) else { return };
        if let Some(server) = self.servers.get_mut(&id) {
            server.trouble = server.trouble.max(Some(trouble));
        }
    }

    /// Forgets what was known about a server that has another data folder now: its starts are counted from 1
    /// again.
    pub fn forget(&mut self, id: NodeId) {
        self.servers.remove(&id);
    }

    /// The faults of links, and the speed of clocks.
    pub fn network(&self) -> &NetworkView {
        &self.network
    }

    /// The latest requests of clients, oldest first.
    pub fn requests(&self) -> &[RequestView] {
        &self.requests
    }

    /// All servers, ordered by id.
    pub fn servers(&self) -> impl Iterator<Item = (NodeId, &ServerView)> {
        self.servers.iter().map(|(&id, server)| (id, server))
    }

    /// One server.
    pub fn server(&self, id: NodeId) -> Option<&ServerView> {
        self.servers.get(&id)
    }

    /// The current leader: of the running servers that lead, the one with the newest term. An older one is
    /// deposed, but does not know it yet.
    pub fn leader(&self) -> Option<NodeId> {
        self.servers()
            .filter(|(_, server)| server.is_running() && server.role == Some(RoleKind::Leader))
            .max_by_key(|(_, server)| server.term)
            .map(|(id, _)| id)
    }

    /// Other running servers that believe they lead, and their terms.
    fn other_leaders(&self, leader: NodeId) -> impl Iterator<Item = (NodeId, Term)> {
        let leads = |server: &ServerView| server.is_running() && server.role == Some(RoleKind::Leader);
        let others = self.servers().filter(move |&(id, server)| id != leader && leads(server));
        others.map(|(id, server)| (id, server.term))
    }

    /// The servers with which a recorded run began: those in it that the first step names as voters or, where
    /// no steps were recorded, all.
    pub fn founders_of(records: &[&Record]) -> Vec<NodeId> {
        let started_with = |record: &&Record| match &record.event {
            Event::Io(Io::Step { input, .. }) => match &**input {
                StepInput::Start { start } => Some(start.membership.voters.voters()),
                StepInput::Input(_) => None,
            },
            _ => None,
        };
        let voters = records.iter().filter_map(started_with).find(|voters| !voters.is_empty());
        let is_founder = |id: &NodeId| voters.as_ref().is_none_or(|voters| voters.contains(id));
        let servers: BTreeSet<NodeId> = records.iter().map(|record| record.node).filter(is_founder).collect();
        servers.into_iter().collect()
    }

    /// The configuration in effect: the leader's or, without a leader, the latest in any log.
    pub fn membership(&self) -> &Arc<Membership> {
        let known = |server: &ServerView| server.membership.as_ref().map_or(Index(0), |(index, _)| *index);
        let leader = self.leader().and_then(|leader| self.server(leader));
        let knows_best = leader.or_else(|| self.servers.values().max_by_key(|server| known(server)));
        let latest = knows_best.and_then(|server| server.membership.as_ref());
        latest.map_or(&self.founders, |(_, membership)| membership)
    }

    /// For each set of voters that must agree: how many run, how many there are, and how many must agree. A
    /// joint configuration has two sets.
    pub fn quorums(&self) -> Vec<(usize, usize, usize)> {
        let voters = &self.membership().voters;
        let runs = |id| self.server(id).is_some_and(ServerView::is_running);
        let running = voters.counts(runs);
        let all = voters.counts(|_| true).map(|(all, _)| all);
        running.zip(all).map(|((running, majority), all)| (running, all, majority)).collect()
    }

    /// The servers to or from which the link is cut.
    pub fn cut_from(&self, id: NodeId) -> Vec<NodeId> {
        self.servers.keys().copied().filter(|&other| other != id && !self.are_linked(id, other)).collect()
    }

    fn are_linked(&self, one: NodeId, other: NodeId) -> bool {
        let link = Link { from: one, to: other };
        [link, link.back()].iter().all(|&link| !self.network.faults(link).cut)
    }

    /// For each set of voters that must agree: the number of running ones that the leader can reach, itself
    /// included; without a leader, those that the server with the best prospects can reach.
    fn within_reach(&self) -> Vec<usize> {
        let voters = &self.membership().voters;
        let runs = |id: NodeId| self.server(id).is_some_and(ServerView::is_running);
        let reached_by = |id: NodeId| {
            let reached = |other| runs(other) && (other == id || self.are_linked(id, other));
            voters.counts(reached).collect::<Vec<_>>()
        };
        let candidates = self
            .servers
            .keys()
            .copied()
            .filter(|&id| runs(id) && self.leader().is_none_or(|leader| leader == id));
        let prospects = |counts: &Vec<(usize, usize)>| {
            let to_spare = counts.iter().map(|&(reached, majority)| reached as i64 - majority as i64);
            (to_spare.clone().min(), to_spare.sum::<i64>())
        };
        let best = candidates.map(reached_by).max_by_key(prospects);
        best.map_or_else(
            || voters.counts(|_| false).map(|(none, _)| none).collect(),
            |counts| counts.into_iter().map(|(reached, _)| reached).collect(),
        )
    }

    /// Number of running servers.
    pub fn running(&self) -> usize {
        self.servers.values().filter(|server| server.is_running()).count()
    }

    /// Minimum number of votes that an election needs.
    pub fn majority(&self) -> usize {
        self.membership().voters.majority()
    }
}

/// Number of voters that run, and number that must: `2 of 3 running`, and if both sets must agree, `2 of 3
/// and 1 of 2 running`. If links are cut, also the number that can agree: `3 of 3 running, 2 connected`.
struct Quorums {
    voters: Vec<(usize, usize, usize)>,
    connected: Vec<usize>,
}

impl Quorums {
    fn suffice(&self) -> bool {
        self.voters.iter().zip(&self.connected).all(|((_, _, majority), connected)| connected >= majority)
    }

    fn running(&self) -> String {
        let running = joined(self.voters.iter().map(|(running, all, _)| format!("{running} of {all}")));
        let are_all_connected =
            self.voters.iter().zip(&self.connected).all(|((running, _, _), connected)| running == connected);
        if are_all_connected {
            return format!("{running} running");
        }
        format!("{running} running, {} connected", joined(self.connected.iter().map(usize::to_string)))
    }

    fn needed(&self) -> String {
        joined(self.voters.iter().map(|(_, _, majority)| majority.to_string()))
    }
}

fn joined(each: impl Iterator<Item = String>) -> String {
    each.collect::<Vec<_>>().join(" and ")
}

impl fmt::Display for ClusterView {
    /// The cluster in one line: `leader n2, term 4` or `no leader: 1 of 3 running, an election needs 2`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quorums = Quorums { voters: self.quorums(), connected: self.within_reach() };
        let (running, needed) = (quorums.running(), quorums.needed());
        match self.leader() {
            Some(leader) => {
                let term = self.servers[&leader].term;
                write!(f, "leader {leader}, term {term}")?;
                for (other, other_term) in self.other_leaders(leader) {
                    match other_term == term {
                        true => write!(f, "; {other} leads term {term} too")?,
                        false => write!(f, "; {other} still thinks that it leads term {other_term}")?,
                    }
                }
                if let Quorum::Joint { .. } = self.membership().voters {
                    write!(f, ", in a joint configuration: {}", self.membership())?;
                }
                if !quorums.suffice() {
                    write!(f, ": but {running}, a majority is {needed}")?;
                }
                Ok(())
            }
            None => write!(f, "no leader: {running}, an election needs {needed}"),
        }
    }
}

impl ServerView {
    /// Does its process run?
    pub fn is_running(&self) -> bool {
        self.condition == Condition::Running
    }

    fn apply(&mut self, record: &Record) {
        if record.life > self.life {
            *self = ServerView { life: record.life, address: self.address.take(), ..ServerView::default() };
        }
        if self.condition == Condition::Dead {
            // Late reports of a dead server change nothing.
            return;
        }
        if self.condition == Condition::Starting && record.seq.is_some() {
            // A server that reports runs. A script's servers, which are not processes, show it in no other
            // way.
            self.condition = Condition::Running;
        }
        if record.term > self.term {
            self.voted_for = None;
            self.leader = None;
            self.votes.clear();
        }
        self.term = record.term;
        if let Some(content) = record.content.as_deref().and_then(|content| content.store.as_ref()) {
            self.store.get_or_insert_default().note(content);
        }
        match &record.event {
            Event::Decision(decision) => self.apply_decision(record, decision),
            Event::Io(io) => self.apply_io(record, io),
            Event::Process(process) => self.apply_process(process),
            Event::Laboratory(laboratory) => self.apply_laboratory(laboratory),
        }
    }

    fn apply_decision(&mut self, record: &Record, decision: &Decision) {
        self.record_trouble(record.node, &decision.what);
        match &decision.what {
            What::Role { role, .. } => {
                self.role = Some(*role);
                self.leader = (*role == RoleKind::Leader).then_some(record.node);
                self.progress.clear();
                self.hands_over_to = None;
                self.votes.clear();
                if *role == RoleKind::Leader {
                    self.timer = None;
                }
            }
            What::Timer { timeout_us }
            | What::ConnectionLost { timeout_us, .. }
            | What::ConnectionMade { timeout_us, .. } => {
                self.timer = Some(ElectionTimer { started_at: record.t, timeout_us: *timeout_us });
            }
            What::NoVoter => self.timer = None,
            What::Membership { index, membership } => self.membership = Some((*index, membership.clone())),
            What::Removed { .. } => self.is_removed = true,
            What::TransferBegun { to } => self.hands_over_to = Some(*to),
            What::TransferFailed { .. } => self.hands_over_to = None,
            What::Profile { profile } => self.profile = Some(*profile),
            What::Vote { candidate, granted: true } => self.voted_for = Some(*candidate),
            What::Tally { voter, granted: true, .. } if !self.votes.contains(voter) => {
                self.votes.push(*voter)
            }
            What::Leader { leader } => self.leader = Some(*leader),
            What::Appended { first, last } => self.append(record, decision.rule, *first, *last),
            What::Truncated { first, .. } => self.log.truncate_from(*first),
            What::Committed { index } => self.log.record_committed(*index),
            What::SnapshotTaken { begins_after, .. } => self.log.compact_to(begins_after.index),
            What::SnapshotInstalled { last_included, removed } => {
                self.log.install(*last_included, removed.is_some());
            }
            What::Matched { follower, index } if *follower != record.node => {
                let progress = self.progress.entry(*follower).or_default();
                progress.match_index = *index;
                progress.next_index = progress.next_index.max(index.next());
            }
            What::BackedUp { follower, next } => {
                self.progress.entry(*follower).or_default().next_index = *next;
            }
            _ => {}
        }
    }

    /// What the server says about its own trouble. While it has a leader, a non-member may refuse it without
    /// any harm.
    fn record_trouble(&mut self, id: NodeId, what: &What) {
        let has_leader = self.leader.is_some();
        let told = Trouble::of_oneself(what).filter(|trouble| *trouble != Trouble::Refused || !has_leader);
        let has_trouble = self.trouble.filter(|trouble| !trouble.is_over(id, what));
        self.trouble = has_trouble.max(told);
    }

    fn append(&mut self, record: &Record, rule: Option<Rule>, first: Index, last: LogPosition) {
        let commands = commands_of(record);
        match &self.last_message {
            Some((_, Io::Received { message: Message::AppendEntries(request), .. }))
                if rule == Some(Rule::ConsistencyCheck) =>
            {
                self.log.append_from(request, first, commands);
            }
            _ => self.log.append_own(first, last, commands),
        }
    }

    fn apply_io(&mut self, record: &Record, io: &Io) {
        match io {
            Io::Sent { to, message: Message::AppendEntries(request) } => {
                self.heartbeats_sent += 1;
                // The leader's next message continues where this one ends.
                self.progress.entry(*to).or_default().next_index = request.last_index().next();
            }
            Io::Received { message: Message::AppendEntries(_), .. } => self.heartbeats_received += 1,
            Io::Restored { hard_state, log, snapshot, terms } => {
                self.voted_for = hard_state.voted_for;
                return self.log.restore(*snapshot, terms, *log, commands_of(record));
            }
            // By the time it is saved, the server may have voted in a later term.
            Io::Saved { log, .. } => return self.log.record_saved(*log),
            Io::Applied { index } => return self.log.record_applied(*index),
            Io::Asked { .. }
            | Io::Answered { .. }
            | Io::SnapshotBegun { .. }
            | Io::SnapshotPutOff { .. }
            | Io::Step { .. } => return,
            _ => {}
        }
        self.last_message = Some((record.t, io.clone()));
    }

    fn apply_process(&mut self, process: &Process) {
        match process {
            Process::Started { pid, address } => {
                self.condition = Condition::Running;
                self.pid = Some(*pid);
                self.address = Some(address.clone());
            }
            Process::Stopped => self.lose_process(),
            Process::SlowDisk { slow } => self.slow_disk = *slow,
            Process::Garbage { .. }
            | Process::CutOff { .. }
            | Process::DiskFull { .. }
            | Process::Missed { .. } => {}
        }
    }

    fn apply_laboratory(&mut self, laboratory: &Laboratory) {
        match laboratory {
            Laboratory::Died { power_cut, .. } => {
                self.lose_process();
                self.lost_power = power_cut.is_some();
            }
            Laboratory::Paused => self.condition = Condition::Paused,
            Laboratory::Resumed => self.condition = Condition::Running,
            _ => {}
        }
    }

    fn lose_process(&mut self) {
        self.condition = Condition::Dead;
        self.pid = None;
        self.role = None;
        self.leader = None;
        self.timer = None;
        self.slow_disk = None;
        self.store = None;
        self.votes.clear();
        self.progress.clear();
        self.log.lose_unsaved();
    }
}

/// The contents of the entries that a record is about, if they were recorded.
fn commands_of(record: &Record) -> &[Arc<str>] {
    record.content.as_deref().map_or(&[], |content| &content.entries)
}
