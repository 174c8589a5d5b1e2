//! What must hold whatever happens. Each property has a file of its own, and is checked after every
//! step of every server.
//!
//! Safety properties hold always. Those of progress are owed only in a [`Calm`]: when nothing is
//! lost any longer, a majority runs, and nobody does anything to the servers.

mod applied_once;
mod committed_cant_be_lost;
mod committed_stays;
mod disks;
pub(crate) mod durability;
mod election_safety;
mod fresh_reads;
mod full_disks_do_not_lead;
mod heard_leaders_stay;
mod heirs_have_it_all;
mod leader_append_only;
mod leader_completeness;
mod leader_elected;
mod leader_in_health_stays;
mod leader_is_elected_one;
mod leaders_are_heard;
pub(crate) mod linearizable;
mod log_matching;
mod logs_agree_at_last;
mod majority_has_it;
mod match_index_is_true;
mod new_voters_keep_up;
pub(crate) mod no_panic;
mod nobody_waits_for_ever;
mod nothing_impossible;
mod one_vote_per_term;
mod own_answer;
pub(crate) mod own_invariant;
mod patience_has_an_end;
mod removed_do_not_lead;
mod removed_stay_quiet;
pub(crate) mod replicas_agree;
mod slow_disks_are_heard;
mod snapshots_arrive;
mod terms_never_fall;

use crate::clients::Answered;
use crate::machine::{Machine, StoreMachine};
use crate::rules::RulesOfWorld;
use crate::server::Server;
use consensus::event::What;
use consensus::{Index, LogPosition, Membership, Node, NodeId, RoleKind, Term, Timing};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use trace::{Event, EventId, Io, Record};

/// Something that Raft promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Promise {
    /// Its name and where the paper has it, as in `election safety (§5.2, Figure 3)`.
    pub name: &'static str,
    /// What it says, and why that matters, for a beginner.
    pub meaning: &'static str,
}

/// A promise that was not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The promise.
    pub promise: Promise,
    /// The server in whose step it was broken.
    pub node: NodeId,
    /// What happened instead, for a beginner.
    pub what_happened: String,
    /// The event that broke it; `None` if it was broken by what did not happen.
    pub done: Option<EventId>,
    /// The earlier event that this contradicts, if it is a single one.
    pub contradicts: Option<EventId>,
}

impl Violation {
    /// A violation that no single event shows.
    pub(crate) fn without_events(promise: Promise, node: NodeId, what_happened: String) -> Violation {
        Violation { promise, node, what_happened, done: None, contradicts: None }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.promise.name, self.what_happened)
    }
}

/// How a step has broken a promise.
#[derive(Debug)]
pub(crate) struct Breach {
    /// What happened instead, for a beginner.
    pub(crate) what_happened: String,
    /// The event that did it; `None` if it was broken by what did not happen.
    pub(crate) done: Option<EventId>,
    /// The earlier event that it contradicts, if it is a single one.
    pub(crate) contradicts: Option<EventId>,
}

impl From<String> for Breach {
    fn from(what_happened: String) -> Breach {
        Breach { what_happened, done: None, contradicts: None }
    }
}

impl Breach {
    /// One by this event, which contradicts no single other one.
    fn by(done: Option<EventId>, what_happened: String) -> Breach {
        Breach { what_happened, done, contradicts: None }
    }
}

/// A time without trouble.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Calm {
    pub(crate) since: Duration,
    /// Maximum time that a message is in flight.
    pub(crate) latency: Duration,
    /// No disk has been held up or filled since.
    pub(crate) have_disks_worked: bool,
}

/// The world at one moment.
pub(crate) struct Moment<'a, M: Machine> {
    pub(crate) now: Duration,
    pub(crate) timing: &'a Timing,
    pub(crate) calm: Option<&'a Calm>,
    /// A calm in which disks may be slow or full.
    pub(crate) calm_network: Option<&'a Calm>,
    pub(crate) servers: &'a BTreeMap<NodeId, Server<M>>,
    /// Up to here logs are committed: no leader may lack this entry.
    pub(crate) committed: LogPosition,
}

/// Does the server count in this configuration: as a member, with the data folder that stands for it?
pub(crate) fn is_part_of(node: &Node<RulesOfWorld>, membership: &Membership) -> bool {
    membership.contains(node.id())
        && membership.is_data_of(node.id(), node.origin().incarnation())
        && node.memory().retired.is_none()
        && node.awaited_founders().is_none()
}

/// A server's step.
pub(crate) struct Step<'a> {
    /// The server as it is after the step.
    pub(crate) node: &'a Node<RulesOfWorld>,
    /// What it reported of the step.
    pub(crate) records: &'a [Record],
    /// The commands that it has applied in this life, each with its index.
    pub(crate) applied: &'a [(Index, Arc<[u8]>)],
    /// What it tells clients.
    pub(crate) answers: &'a [Answered],
    /// Its disk was replaced by an older copy of itself: what it had said before does not bind it.
    pub(crate) is_set_back: bool,
}

impl Step<'_> {
    pub(crate) fn id(&self) -> NodeId {
        self.node.id()
    }

    pub(crate) fn term(&self) -> Term {
        self.node.hard_state().current_term
    }

    /// The last event of the step that is such a one.
    fn last(&self, is_it: impl Fn(&Record) -> bool) -> Option<EventId> {
        self.records.iter().rev().find(|record| is_it(record)).and_then(Record::id)
    }

    /// The last decision of the step that is such a one.
    fn last_decision(&self, is_it: impl Fn(&What) -> bool) -> Option<EventId> {
        self.last(|record| record.decision().is_some_and(&is_it))
    }

    /// The promise was broken in this step.
    pub(crate) fn breaks(&self, promise: Promise, breach: Breach) -> Violation {
        let Breach { what_happened, done, contradicts } = breach;
        Violation { promise, node: self.id(), what_happened, done, contradicts }
    }
}

/// Is a state machine another one from here on: did it apply something, or load a snapshot?
fn changes_state(record: &Record) -> bool {
    matches!(&record.event, Event::Io(Io::Applied { .. } | Io::Restored { .. }))
        || matches!(record.decision(), Some(What::SnapshotInstalled { .. }))
}

fn is_commit(record: &Record) -> bool {
    matches!(record.decision(), Some(What::Committed { .. }))
}

fn is_append(record: &Record) -> bool {
    matches!(record.decision(), Some(What::Appended { .. }))
}

fn is_truncation(record: &Record) -> bool {
    matches!(record.decision(), Some(What::Truncated { .. }))
}

/// Does a server hear a leader of its term for the first time?
fn is_word_of_leader(record: &Record) -> bool {
    matches!(record.decision(), Some(What::Leader { .. }))
}

impl<'a, M: Machine> Moment<'a, M> {
    /// The servers that run, as their cores are now.
    fn running(&self) -> impl Iterator<Item = &'a Node<RulesOfWorld>> {
        self.servers.values().filter_map(Server::node)
    }

    /// Have all running members the leader's log, and know that all of it is committed?
    pub(crate) fn all_agree(&self) -> bool {
        let Some(leader) = self.leader() else { return false };
        let last = leader.log().last();
        let mut members = self.members(leader);
        members.all(|node| node.log().last() == last && node.commit_index() == last.index)
    }

    /// The running servers that have a part in the leader's cluster.
    pub(crate) fn members(
        &self,
        leader: &'a Node<RulesOfWorld>,
    ) -> impl Iterator<Item = &'a Node<RulesOfWorld>> {
        self.running().filter(|node| self.has_part(node, leader))
    }

    /// The server with this number, and its core, if it runs and has a part in the leader's cluster.
    pub(crate) fn member(
        &self,
        leader: &Node<RulesOfWorld>,
        id: NodeId,
    ) -> Option<(&'a Server<M>, &'a Node<RulesOfWorld>)> {
        let server = self.servers.get(&id).filter(|server| server.is_running())?;
        server.node().filter(|node| self.has_part(node, leader)).map(|node| (server, node))
    }

    fn has_part(&self, node: &Node<RulesOfWorld>, leader: &Node<RulesOfWorld>) -> bool {
        is_part_of(node, leader.membership()) && !self.servers[&node.id()].is_set_back()
    }

    /// The leader of the newest term that any server of its cluster knows, if there is one. What a server knows that
    /// came back without its data does not matter: nobody hears it.
    fn leader(&self) -> Option<&'a Node<RulesOfWorld>> {
        let term = |node: &Node<RulesOfWorld>| node.hard_state().current_term;
        let leaders = self.running().filter(|node| node.role() == RoleKind::Leader);
        let leader = leaders.max_by_key(|node| term(node))?;
        let is_newest =
            |node: &Node<RulesOfWorld>| term(node) <= term(leader) || !is_part_of(node, leader.membership());
        self.running().all(is_newest).then_some(leader)
    }
}

impl Promise {
    /// All promises that are watched over, the most telling ones first, and that no server panics last.
    pub fn all() -> impl Iterator<Item = Promise> {
        all::<StoreMachine>().into_iter().map(|property| property.promise()).chain([
            linearizable::promise(),
            durability::promise(),
            no_panic::promise(),
        ])
    }
}

/// Watches over one promise.
pub(crate) trait Property<M: Machine>: fmt::Debug {
    fn promise(&self) -> Promise;

    /// The server's disk was replaced: it is another server now, and what it said before does not bind it.
    fn forget(&mut self, _server: NodeId) {}

    /// Looks at a step, and remembers what it needs for the next. If the promise is broken: how.
    fn check(&mut self, moment: &Moment<'_, M>, step: &Step<'_>) -> Option<Breach>;

    /// Looks at a moment at which nothing happens. If the promise is broken: by whom, and how.
    fn check_time(&mut self, _moment: &Moment<'_, M>) -> Option<(NodeId, String)> {
        None
    }
}

/// All properties.
pub(crate) fn all<M: Machine>() -> Vec<Box<dyn Property<M>>> {
    vec![
        Box::<election_safety::ElectionSafety>::default(),
        Box::<committed_stays::StateMachineSafety>::default(),
        Box::<leader_completeness::LeaderCompleteness>::default(),
        Box::<log_matching::LogMatching>::default(),
        Box::<leader_append_only::LeaderAppendOnly>::default(),
        Box::<applied_once::AppliedOnce>::default(),
        Box::<own_answer::OwnAnswer>::default(),
        Box::<fresh_reads::FreshReads>::default(),
        Box::<majority_has_it::MajorityHasIt>::default(),
        Box::<committed_cant_be_lost::CommittedCantBeLost>::default(),
        Box::<leader_is_elected_one::LeaderIsElectedOne>::default(),
        Box::<one_vote_per_term::OneVotePerTerm>::default(),
        Box::<terms_never_fall::TermsNeverFall>::default(),
        Box::<nothing_impossible::NothingImpossible>::default(),
        Box::<match_index_is_true::MatchIndexIsTrue>::default(),
        Box::<removed_do_not_lead::RemovedDoNotLead>::default(),
        Box::<removed_stay_quiet::RemovedStayQuiet>::default(),
        Box::<heirs_have_it_all::HeirsHaveItAll>::default(),
        Box::<new_voters_keep_up::NewVotersKeepUp>::default(),
        Box::<leaders_are_heard::LeadersAreHeard>::default(),
        Box::<heard_leaders_stay::HeardLeadersStay>::default(),
        Box::<slow_disks_are_heard::SlowDisksAreHeard>::default(),
        Box::<full_disks_do_not_lead::FullDisksDoNotLead>::default(),
        Box::<snapshots_arrive::SnapshotsArrive>::default(),
        Box::<leader_elected::LeaderElected>::default(),
        Box::<logs_agree_at_last::LogsAgreeAtLast>::default(),
        Box::<nobody_waits_for_ever::NobodyWaitsForEver>::default(),
        Box::<leader_in_health_stays::LeaderInHealthStays>::default(),
        Box::<patience_has_an_end::PatienceHasAnEnd>::default(),
    ]
}
