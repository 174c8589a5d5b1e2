//! What servers say to each other: the two remote procedure calls of Figure 2, as one-way messages.

use crate::{Entry, Index, LogPosition, Term};

/// A message between two servers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Message {
    /// A candidate asks for a vote.
    RequestVote(RequestVote),
    /// The answer to it.
    RequestVoteReply(RequestVoteReply),
    /// A leader sends entries or, with none, a heartbeat.
    AppendEntries(AppendEntries),
    /// The answer to it.
    AppendEntriesReply(AppendEntriesReply),
}

/// RequestVote (§5.2, §5.4). The candidate is the sender.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RequestVote {
    /// The candidate's term.
    pub term: Term,
    /// Where the candidate's log ends.
    pub last_log_index: Index,
    /// The term of its last entry.
    pub last_log_term: Term,
}

/// The answer to a [`RequestVote`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RequestVoteReply {
    /// The answering server's term, so that a candidate that is behind learns of it.
    pub term: Term,
    /// Whether the candidate gets the vote in that term.
    pub vote_granted: bool,
}

/// AppendEntries (§5.2, §5.3). The leader is the sender. Without entries it is a heartbeat.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AppendEntries {
    /// The leader's term.
    pub term: Term,
    /// The index just before the entries.
    pub prev_log_index: Index,
    /// The term of the entry there.
    pub prev_log_term: Term,
    /// What to append; nothing in a heartbeat.
    pub entries: Vec<Entry>,
    /// How far the leader's log is committed.
    pub leader_commit: Index,
    /// How many times the leader has asked, in this term, whether it still leads (thesis §6.4).
    pub round: u64,
}

/// The answer to an [`AppendEntries`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AppendEntriesReply {
    /// The answering server's term, so that a deposed leader learns of it.
    pub term: Term,
    /// What came of the request.
    pub outcome: AppendOutcome,
    /// That of the request: an answer shows that its sender still followed the leader when this round
    /// had begun.
    pub round: u64,
}

/// What came of an [`AppendEntries`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum AppendOutcome {
    /// The sender does not lead this term.
    Refused,
    /// The log here agrees with the leader's up to this index: the end of what the request carried.
    Matched {
        /// The last index that is known to agree.
        match_index: Index,
    },
    /// The log here has no entry like the one before the request's entries, so nothing was done.
    Mismatch {
        /// The index before the request's entries, so that the leader knows which request this is about.
        prev_log_index: Index,
        /// The last entry here that may agree with the leader's log: at or before that index, and not of
        /// a later term. With it the leader goes back by whole terms (§5.3, thesis §3.5).
        may_agree: LogPosition,
    },
}

impl Message {
    /// The sender's term: every message carries it (§5.1).
    pub fn term(&self) -> Term {
        match self {
            Message::RequestVote(request) => request.term,
            Message::RequestVoteReply(reply) => reply.term,
            Message::AppendEntries(request) => request.term,
            Message::AppendEntriesReply(reply) => reply.term,
        }
    }
}

impl RequestVote {
    /// How far the candidate's log reaches.
    pub fn last_log(&self) -> LogPosition {
        LogPosition { index: self.last_log_index, term: self.last_log_term }
    }
}

impl AppendEntries {
    /// The index of the last entry that it carries, or of the one before if it carries none.
    pub fn last_index(&self) -> Index {
        Index(self.prev_log_index.0 + self.entries.len() as u64)
    }

    /// The place after which the entries belong.
    pub fn prev_log(&self) -> LogPosition {
        LogPosition { index: self.prev_log_index, term: self.prev_log_term }
    }
}
