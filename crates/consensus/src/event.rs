//! What a server reports of its decisions. Structured, never text: telling it in English is the
//! `trace` crate's part.

use crate::{
    CannotChange, ClusterId, Index, LogPosition, Membership, NodeId, Profile, Retirement, RoleKind, Rule,
    Term,
};
use std::sync::Arc;

/// One decision, and the rule that made it so.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Decision {
    /// The rule that decided. None where none did: an experimenter's hand set a timer, the network said something
    /// ([`What::ConnectionLost`], [`What::ConnectionMade`]), or it only tells what is so ([`What::NoVoter`],
    /// [`What::Profile`], [`What::SnapshotNeeded`], or a [`What::Rejected`], [`What::RefusedBy`] or
    /// [`What::ChangeRefused`] of which no rule speaks).
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub rule: Option<Rule>,
    /// What was decided.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub what: What,
}

/// What was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "serde", serde(tag = "event", rename_all = "snake_case"))]
pub enum What {
    /// The server has this role now.
    Role {
        /// The new role.
        role: RoleKind,
        /// The role before; none at the server's start.
        #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
        was: Option<RoleKind>,
    },
    /// The current term has risen.
    Term {
        /// The term before.
        was: Term,
    },
    /// The election timer was started anew.
    Timer {
        /// How long it runs, in microseconds of the server's clock.
        timeout_us: u64,
    },
    /// The election timer has run out.
    Timeout {
        /// The server's role at that moment.
        role: RoleKind,
    },
    /// One condition of a vote was looked at.
    Check {
        /// Which one.
        check: Check,
        /// Whether it is met.
        holds: bool,
    },
    /// A server that can't be elected, since it is no voter, starts no election although its election timer ran out.
    NoVoter,
    /// The question whether this server would vote for somebody was decided. No vote is given by that.
    PreVote {
        /// Who asked.
        candidate: NodeId,
        /// Whether it would get the vote.
        granted: bool,
    },
    /// A pre-candidate looked at an answer, its own included.
    PreTally {
        /// Whose answer.
        voter: NodeId,
        /// Whether it was a yes.
        granted: bool,
        /// How many would vote for it so far; in a joint configuration, of the old set.
        votes: usize,
        /// Votes that win.
        needed: usize,
        /// In a joint configuration: the same two of the new set.
        #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
        of_new: Option<(usize, usize)>,
    },
    /// A request for a vote was decided.
    Vote {
        /// Who asked.
        candidate: NodeId,
        /// Whether it gets the vote.
        granted: bool,
    },
    /// A candidate looked at an answer, its own vote included.
    Tally {
        /// Whose answer.
        voter: NodeId,
        /// Whether it was a yes.
        granted: bool,
        /// Votes for the candidate so far; in a joint configuration, of the old set.
        votes: usize,
        /// Votes that win.
        needed: usize,
        /// In a joint configuration: the same two of the new set.
        #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
        of_new: Option<(usize, usize)>,
    },
    /// A leader's first sign of life in its term.
    Leader {
        /// The leader.
        leader: NodeId,
    },
    /// A leader has not heard enough of the others for a whole election timeout.
    QuorumLost {
        /// How many of the voters it has heard, itself included if it is one.
        heard: usize,
        /// So many it should have.
        needed: usize,
    },
    /// The connection to the leader broke. The election timer runs out sooner, in case the leader died.
    ConnectionLost {
        /// The leader.
        leader: NodeId,
        /// How long the timer runs now, in microseconds of the server's clock.
        timeout_us: u64,
    },
    /// Another server has connected, and this one knows no leader. The election timer runs out sooner, in case there is none.
    ConnectionMade {
        /// The other server.
        peer: NodeId,
        /// How long the timer runs now, in microseconds of the server's clock.
        timeout_us: u64,
    },
    /// The server follows another profile from now on.
    Profile {
        /// That one.
        profile: Profile,
    },
    /// Another configuration counts from now on: it is the latest in the log.
    Membership {
        /// Where in the log it stands; that of a snapshot or of the beginning stands before the log.
        index: Index,
        /// The configuration.
        #[cfg_attr(feature = "ts", ts(as = "Membership"))]
        membership: Arc<Membership>,
    },
    /// A change of the members was refused.
    ChangeRefused {
        /// Why.
        reason: CannotChange,
    },
    /// A configuration is committed of which this server is no member any more.
    Removed {
        /// Where in the log it stands.
        index: Index,
    },
    /// A server that does not vote yet has caught up: it got what the log had, in less than an election timeout.
    CaughtUp {
        /// The server.
        learner: NodeId,
    },
    /// A leader begins to hand over its leadership: it takes no commands, until the other has all that it has.
    TransferBegun {
        /// To whom.
        to: NodeId,
    },
    /// A leader asks another server to take over.
    AsksToTakeOver {
        /// The other server.
        to: NodeId,
    },
    /// The leader asks this server to take over.
    AskedToTakeOver {
        /// The leader.
        leader: NodeId,
    },
    /// Nobody has taken over for a whole election timeout, so the leader goes on.
    TransferFailed {
        /// Who should have.
        to: NodeId,
    },
    /// The heartbeat interval is over: time to send heartbeats.
    Heartbeat,
    /// The log has grown.
    Appended {
        /// Where the first new entry stands.
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
    /// A leader has learned how far a follower's log agrees with its own, or how much of its own is on disk.
    Matched {
        /// The follower, or the leader itself.
        follower: NodeId,
        /// As far as this.
        index: Index,
    },
    /// A leader goes further back, to where a follower's log may agree.
    BackedUp {
        /// The follower.
        follower: NodeId,
        /// The next entry that it will be sent.
        next: Index,
    },
    /// A follower has not answered yet what it was sent. It is asked again.
    Unanswered {
        /// The follower.
        follower: NodeId,
    },
    /// More of the log is committed.
    Committed {
        /// As far as this.
        index: Index,
    },
    /// A majority has an entry of an earlier term, which waits until one of this term can be committed.
    /// Told once for each such entry.
    Waits {
        /// Where it stands, and its term.
        entry: LogPosition,
    },
    /// A client that wants to read must wait until an entry of this term is committed.
    ReadWaits,
    /// A leader asks all others whether it still leads, since clients want to read.
    RoundBegun {
        /// The round's number in this term.
        round: u64,
        /// What is committed when it begins.
        index: Index,
        /// For how many reads.
        reads: usize,
    },
    /// A majority has answered: the reads may take place.
    RoundWon {
        /// The round's number in this term.
        round: u64,
        /// They must see all up to here.
        index: Index,
    },
    /// A leader has a lease, after it had none: for a while nobody else can be elected.
    LeaseGained {
        /// How long it lasts if it is not renewed, in microseconds of the leader's clock.
        lasts_us: u64,
    },
    /// A read may take place because of the lease.
    LeaseRead {
        /// It must see all up to here.
        index: Index,
    },
    /// A snapshot of the state machine is on disk, and the log has lost what it need not hold any more.
    SnapshotTaken {
        /// The last entry that the snapshot covers.
        last_included: LogPosition,
        /// The log begins after this one.
        begins_after: LogPosition,
    },
    /// A follower lacks entries that the leader's log does not hold any more. It is sent a snapshot.
    SnapshotNeeded {
        /// The follower.
        follower: NodeId,
        /// The first entry that it lacks.
        next: Index,
        /// The last entry that the snapshot covers.
        last_included: LogPosition,
    },
    /// All that a leader's snapshot covers was here already.
    SnapshotNotNeeded {
        /// The last entry that it covers.
        last_included: LogPosition,
    },
    /// A leader's snapshot took the place of all that it covers.
    SnapshotInstalled {
        /// The last entry that it covers.
        last_included: LogPosition,
        /// The last of the entries behind it that went too, since they did not fit; none if they stay.
        #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
        removed: Option<Index>,
    },
    /// A leader's request was refused.
    Refused {
        /// Who sent it.
        leader: NodeId,
        /// The term in which it thinks to lead.
        stale_term: Term,
    },
    /// An answer came too late to count.
    Ignored {
        /// Who answered.
        from: NodeId,
        /// The term that it answered in.
        answer_term: Term,
    },
    /// A message that no server which follows the protocol sends, or that does not come from where it should. It
    /// changed nothing.
    Rejected {
        /// Who sent it.
        from: NodeId,
        /// What was wrong with it.
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
        /// It had acknowledged entries up to this one.
        had: Index,
        /// Its log agrees up to here at most.
        has: Index,
    },
    /// This server's data folder must not take part in the cluster any longer.
    Retired {
        /// Why.
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
    /// Nobody else has this server's vote in the current term.
    NoOtherVote {
        /// Who has it.
        voted_for: Option<NodeId>,
    },
    /// The candidate's log is not behind.
    LogUpToDate {
        /// Where the candidate's log ends.
        candidate: LogPosition,
        /// Where this server's log ends.
        own: LogPosition,
    },
    /// Of two servers that ask at the same time who would vote for them, this one goes first.
    GoesBefore {
        /// The other one.
        candidate: NodeId,
        /// Do their logs end alike? If not, the other's is ahead.
        equal_logs: bool,
    },
    /// A candidate has not been let go first before, since a leader was heard or the term began.
    NotYetLetGoFirst {
        /// Which one.
        candidate: NodeId,
    },
}

/// What can be wrong with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Problem {
    /// It claims to come from this server itself. In the trace's JSON it has the name that it had before.
    #[cfg_attr(feature = "serde", serde(rename = "unknown_sender"))]
    SenderIsSelf,
    /// Its term is further ahead than [`Term::FARTHEST_AHEAD`] allows.
    TermTooHigh,
    /// It claims to lead a term that is known to have another leader.
    SecondLeader,
    /// It claims to lead the very term that this server leads: one of the two has lost its disk, or lies.
    OwnTerm,
    /// Its entries can't stand in any log: their terms fall, or are newer than the leader's.
    ImpossibleEntries,
    /// It would replace what is committed.
    ContradictsCommitted,
    /// It claims to agree with entries that the leader does not have.
    ImpossibleMatch,
    /// It can't be a piece of a snapshot, or what has come of one adds up to none.
    BrokenSnapshot,
    /// It comes from another cluster.
    OtherCluster,
    /// It comes from another data folder than the one that this number stands for.
    OtherData,
    /// A later start of the same data folder has been seen, or a second copy of it.
    EarlierStart,
    /// Its sender has lost entries that it had acknowledged.
    LostEntries {
        /// It had acknowledged entries up to this one.
        had: Index,
    },
    /// Its sender would found a cluster with other servers or other data.
    OtherFounders,
}
