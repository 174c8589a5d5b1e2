//! What a server reports about its decisions. Structured, never text: the `trace` crate puts it into English.

use crate::{
    CannotChange, ClusterId, Index, LogPosition, Membership, NodeId, Profile, Retirement, RoleKind, Rule,
    Term,
};
use std::sync::Arc;

/// A decision, and the rule behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Decision {
    /// The rule that decided. `None` if no rule of Raft was involved: the lab set a timer, a connection
    /// changed ([`What::ConnectionLost`], [`What::ConnectionMade`]), a fact is stated ([`What::NoVoter`],
    /// [`What::Profile`], [`What::SnapshotNeeded`]), or a [`What::Rejected`], [`What::RefusedBy`] or
    /// [`What::ChangeRefused`] that no rule covers.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub rule: Option<Rule>,
    /// Did an answer decide that is not Raft's ([`What::OtherAnswer`])? Then the rule did not, though it is named.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "std::ops::Not::not"))]
    pub by_other_answer: bool,
    /// What was decided.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub what: What,
}

impl Decision {
    /// What was decided, by this rule or by none.
    pub fn new(rule: Option<Rule>, what: What) -> Decision {
        Decision { rule, by_other_answer: false, what }
    }
}

/// The answer to a condition of [`Rules`](crate::Rules).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Verdict {
    /// Yes or no.
    Bool(bool),
    /// An index in the log.
    Index(Index),
    /// A place in a list, counted from 0; `None` if there is none.
    Place(Option<usize>),
}

/// What was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "serde", serde(tag = "event", rename_all = "snake_case"))]
pub enum What {
    /// In a simulator, the condition of a rule was answered in place of Raft, and otherwise: by a learner.
    OtherAnswer {
        /// The answer.
        answer: Verdict,
        /// Raft's own.
        of_raft: Verdict,
    },
    /// The server has this role now.
    Role {
        /// The new role.
        role: RoleKind,
        /// The previous role; `None` at the server's start.
        #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
        was: Option<RoleKind>,
    },
    /// The current term has risen.
    Term {
        /// The previous term.
        was: Term,
    },
    /// The election timer was reset.
    Timer {
        /// How long it runs, in microseconds of the server's clock.
        timeout_us: u64,
    },
    /// The election timer has run out.
    Timeout {
        /// The server's role at that moment.
        role: RoleKind,
    },
    /// A condition of a vote was checked.
    Check {
        /// The condition.
        check: Check,
        /// Is it met?
        holds: bool,
    },
    /// A server that can't be elected, since it is not a voter, starts no election although its election
    /// timer ran out.
    NoVoter,
    /// This server decided whether it would vote for a pre-candidate. It gives no vote by that.
    PreVote {
        /// The pre-candidate.
        candidate: NodeId,
        /// Would it get the vote?
        granted: bool,
    },
    /// A pre-candidate counted a reply, its own included.
    PreTally {
        /// The server that replied.
        voter: NodeId,
        /// Was it a yes?
        granted: bool,
        /// Number of servers that would vote for it so far; in a joint configuration, in the old set.
        votes: usize,
        /// Number of votes needed to win.
        needed: usize,
        /// In a joint configuration: the same two numbers for the new set.
        #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
        of_new: Option<(usize, usize)>,
    },
    /// A request for a vote was decided.
    Vote {
        /// The candidate.
        candidate: NodeId,
        /// Does it get the vote?
        granted: bool,
    },
    /// A candidate counted a reply, its own vote included.
    Tally {
        /// The server that replied.
        voter: NodeId,
        /// Was it a yes?
        granted: bool,
        /// Number of votes for the candidate so far; in a joint configuration, in the old set.
        votes: usize,
        /// Number of votes needed to win.
        needed: usize,
        /// In a joint configuration: the same two numbers for the new set.
        #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
        of_new: Option<(usize, usize)>,
    },
    /// The first message from a leader in its term.
    Leader {
        /// The leader.
        leader: NodeId,
    },
    /// A leader has heard from too few others for a whole election timeout.
    QuorumLost {
        /// Number of voters heard from, itself included if it is one.
        heard: usize,
        /// Number needed.
        needed: usize,
    },
    /// The connection to the leader broke. The election timer was shortened, in case the leader died.
    ConnectionLost {
        /// The leader.
        leader: NodeId,
        /// How long the timer runs now, in microseconds of the server's clock.
        timeout_us: u64,
    },
    /// Another server connected, and this one knows no leader. The election timer was shortened, in case
    /// there is none.
    ConnectionMade {
        /// The other server.
        peer: NodeId,
        /// How long the timer runs now, in microseconds of the server's clock.
        timeout_us: u64,
    },
    /// The server follows another profile from now on.
    Profile {
        /// The new profile.
        profile: Profile,
    },
    /// Another configuration is in effect from now on: the latest in the log.
    Membership {
        /// Its index in the log; that of a snapshot or of the beginning lies before the log.
        index: Index,
        /// The configuration.
        #[cfg_attr(feature = "ts", ts(as = "Membership"))]
        membership: Arc<Membership>,
    },
    /// A change of the members was refused.
    ChangeRefused {
        /// The reason.
        reason: CannotChange,
    },
    /// A configuration without this server is committed: it is no longer a member.
    Removed {
        /// Index of that configuration.
        index: Index,
    },
    /// A server that does not vote yet has caught up: it got what the log held in less than an election
    /// timeout.
    CaughtUp {
        /// The server.
        learner: NodeId,
    },
    /// A leader begins to hand leadership over: it accepts no commands until the other server has its whole
    /// log.
    TransferBegun {
        /// The other server.
        to: NodeId,
    },
    /// A leader asks another server to start an election at once.
    AsksToTakeOver {
        /// The other server.
        to: NodeId,
    },
    /// The leader asks this server to start an election at once.
    AskedToTakeOver {
        /// The leader.
        leader: NodeId,
    },
    /// The transfer has not succeeded within an election timeout, so the leader continues.
    TransferFailed {
        /// The server that should have become leader.
        to: NodeId,
    },
    /// The heartbeat interval is over: time to send heartbeats.
    Heartbeat,
    /// Entries were appended to the log.
    Appended {
        /// Index of the first new entry.
        first: Index,
        /// The last one.
        last: LogPosition,
    },
    /// Entries of an earlier leader that were never committed were removed.
    Truncated {
        /// The first that was removed.
        first: Index,
        /// The last that was removed.
        last: LogPosition,
    },
    /// The log has no entry like the leader's before its new ones.
    Mismatch {
        /// The leader's entry.
        prev: LogPosition,
        /// Where this server's log ends.
        own: LogPosition,
    },
    /// A leader has learned up to where a follower's log matches its own, or how much of its own is on disk.
    Matched {
        /// The follower, or the leader itself.
        follower: NodeId,
        /// Highest matching index.
        index: Index,
    },
    /// A leader steps back, to where a follower's log may match. Without a rule: the simulator changed the
    /// leader's nextIndex.
    BackedUp {
        /// The follower.
        follower: NodeId,
        /// The next entry that it will be sent.
        next: Index,
    },
    /// A follower has not replied yet to what it was sent. It is asked again.
    Unanswered {
        /// The follower.
        follower: NodeId,
    },
    /// More entries are committed.
    Committed {
        /// commitIndex.
        index: Index,
    },
    /// A majority has an entry of an earlier term, which waits until an entry of this term can be committed.
    /// Reported once for each such entry.
    Waits {
        /// Its position.
        entry: LogPosition,
    },
    /// A client that wants to read must wait until an entry of this term is committed.
    ReadWaits,
    /// A leader asks all others whether it still leads, since clients want to read.
    RoundBegun {
        /// The round's number in this term.
        round: u64,
        /// commitIndex at its beginning.
        index: Index,
        /// Number of reads that depend on it.
        reads: usize,
    },
    /// A majority has replied: the reads may take place.
    RoundWon {
        /// The round's number in this term.
        round: u64,
        /// They must include entries up to this index.
        index: Index,
    },
    /// A leader has gained a lease: for a while no other server can be elected.
    LeaseGained {
        /// How long it lasts if it is not renewed, in microseconds of the leader's clock.
        lasts_us: u64,
    },
    /// A read may take place because of the lease.
    LeaseRead {
        /// It must include entries up to this index.
        index: Index,
    },
    /// A snapshot of the state machine is on disk, and entries that are no longer needed were removed from
    /// the log.
    SnapshotTaken {
        /// The last entry that the snapshot covers.
        last_included: LogPosition,
        /// The log begins after this entry.
        begins_after: LogPosition,
    },
    /// A follower needs entries that the leader's log no longer holds. It is sent a snapshot.
    SnapshotNeeded {
        /// The follower.
        follower: NodeId,
        /// The first entry that it lacks.
        next: Index,
        /// The last entry that the snapshot covers.
        last_included: LogPosition,
    },
    /// Everything that a leader's snapshot covers was here already.
    SnapshotNotNeeded {
        /// The last entry that it covers.
        last_included: LogPosition,
    },
    /// A leader's snapshot replaced everything that it covers.
    SnapshotInstalled {
        /// The last entry that it covers.
        last_included: LogPosition,
        /// The last of the entries after it that were removed too, since they did not match; `None` if they
        /// stay.
        #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
        removed: Option<Index>,
    },
    /// A leader's request was refused.
    Refused {
        /// Its sender.
        leader: NodeId,
        /// The term that the sender claims to lead.
        stale_term: Term,
    },
    /// A reply came too late to count.
    Ignored {
        /// The server that replied.
        from: NodeId,
        /// The term of the reply.
        answer_term: Term,
    },
    /// A message that no server which follows the protocol sends, or whose origin is wrong. It changed
    /// nothing.
    Rejected {
        /// Its sender.
        from: NodeId,
        /// What was wrong.
        problem: Problem,
    },
    /// Another server rejects the messages of this one.
    RefusedBy {
        /// The other server.
        by: NodeId,
        /// What is wrong with them.
        problem: Problem,
    },
    /// All founders have saved who they are: the cluster has begun.
    Founded {
        /// Its id.
        cluster: ClusterId,
        /// The founders.
        founders: Vec<NodeId>,
    },
    /// A server that belonged to no cluster belongs to one now.
    Joined {
        /// The cluster's id.
        cluster: ClusterId,
    },
    /// A follower denies entries that it had acknowledged before it restarted: it has lost them.
    LostEntries {
        /// The follower.
        follower: NodeId,
        /// Highest index that it had acknowledged.
        had: Index,
        /// Highest index up to which its log may match now.
        has: Index,
    },
    /// This server's data folder must not take part in the cluster any longer.
    Retired {
        /// The reason.
        retirement: Retirement,
    },
}

/// A condition of a vote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Check {
    /// The request is of the current term, not an older one.
    TermIsCurrent {
        /// The request's term.
        requested: Term,
    },
    /// This server has voted for no other server in the current term.
    NoOtherVote {
        /// The server that has the vote.
        voted_for: Option<NodeId>,
    },
    /// The candidate's log is not behind.
    LogUpToDate {
        /// Where the candidate's log ends.
        candidate: LogPosition,
        /// Where this server's log ends.
        own: LogPosition,
    },
    /// Of two servers that ask at the same time who would vote for them, this one wins the tie.
    GoesBefore {
        /// The other one.
        candidate: NodeId,
        /// Do their logs end in the same entry? If not, the other's is ahead.
        equal_logs: bool,
    },
    /// The candidate has not been let go first before, since this server last heard from a leader or the term
    /// began.
    NotYetLetGoFirst {
        /// The candidate.
        candidate: NodeId,
    },
}

/// What is wrong with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Problem {
    /// It claims to come from this very server. In the trace's JSON it keeps its earlier name.
    #[cfg_attr(feature = "serde", serde(rename = "unknown_sender"))]
    SenderIsSelf,
    /// Its term is further ahead than [`Term::FARTHEST_AHEAD`] allows.
    TermTooHigh,
    /// It claims to lead a term that is known to have another leader.
    SecondLeader,
    /// It claims to lead the very term that this server leads: one of the two has lost its disk, or lies.
    OwnTerm,
    /// Its entries can't be in any log: their terms decrease, or are newer than the leader's.
    ImpossibleEntries,
    /// It would replace committed entries.
    ContradictsCommitted,
    /// It claims to match entries that the leader does not have.
    ImpossibleMatch,
    /// It can't be a chunk of a snapshot, or the chunks received so far are no valid snapshot.
    BrokenSnapshot,
    /// It comes from another cluster.
    OtherCluster,
    /// It comes from another data folder than the one known under this number.
    OtherData,
    /// A later start of the same data folder has been seen, or a second copy of it.
    EarlierStart,
    /// Its sender has lost entries that it had acknowledged.
    LostEntries {
        /// Highest index that it had acknowledged.
        had: Index,
    },
    /// Its sender would found a cluster with other servers or other data.
    OtherFounders,
}
