//! What a server reports of its decisions. Structured, never text: telling it in English is the
//! `trace` crate's part.

use crate::{LogPosition, NodeId, RoleKind, Rule, Term};

/// One decision, and the rule that made it so.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Event {
    /// The rule that decided. None where an experimenter's hand did.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub rule: Option<Rule>,
    /// What was decided.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub what: What,
}

/// What was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
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
        /// Votes for the candidate so far.
        votes: usize,
        /// Votes that win.
        needed: usize,
    },
    /// A leader's first sign of life in its term.
    Leader {
        /// The leader.
        leader: NodeId,
    },
    /// The heartbeat interval is over: time to send heartbeats.
    Heartbeat,
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
    /// A message that no server which follows the protocol sends. It changed nothing.
    Rejected {
        /// Who sent it.
        from: NodeId,
        /// What was wrong with it.
        problem: Problem,
    },
}

/// A condition of a vote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
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
}

/// What can be wrong with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Problem {
    /// Its sender is no voting member of the cluster, or this server itself.
    UnknownSender,
    /// Its term is higher than [`Term::HIGHEST_BELIEVED`].
    TermTooHigh,
    /// It claims to lead a term that is known to have another leader.
    SecondLeader,
    /// It carries log entries, which servers of this version do not store.
    CarriesEntries,
}
