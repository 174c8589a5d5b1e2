//! What servers say to each other: the remote procedure calls of Figures 2 and 13, as one-way messages.

use crate::event::Problem;
use crate::{Entry, Incarnation, Index, LogPosition, NodeId, Start, Term};
use std::sync::Arc;

/// A message between two servers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Message {
    /// A pre-candidate asks whether it would get a vote.
    PreVote(PreVote),
    /// The answer to it.
    PreVoteReply(PreVoteReply),
    /// A candidate asks for a vote.
    RequestVote(RequestVote),
    /// The answer to it.
    RequestVoteReply(RequestVoteReply),
    /// A leader sends entries or, with none, a heartbeat.
    AppendEntries(AppendEntries),
    /// The answer to it.
    AppendEntriesReply(AppendEntriesReply),
    /// A leader sends a piece of its snapshot.
    InstallSnapshot(InstallSnapshot),
    /// The answer to it.
    InstallSnapshotReply(InstallSnapshotReply),
    /// A leader asks another server to take over.
    TimeoutNow(TimeoutNow),
    /// A server wants to found a cluster with the others, or replies to one that does.
    Found(Found),
    /// A server is told why it is not heard.
    Refusal(Refusal),
}

/// Found (ours): the servers of a new cluster tell each other which data folder each of them has
/// ([`Rule::FoundTogether`](crate::Rule::FoundTogether)).
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Found {
    /// The founders, each with its folder where the sender knows it.
    #[cfg_attr(feature = "serde", serde(deserialize_with = "crate::bounded::deserialize"))]
    pub founders: Vec<(NodeId, Option<Incarnation>)>,
    /// Are they all known to the sender, and on its disk?
    pub is_saved: bool,
    /// Is it the reply to such a message?
    pub is_reply: bool,
}

/// Refusal (ours): the sender does not hear the receiver, or does not count it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Refusal {
    /// The start that is refused: another one need not care.
    pub start: Start,
    /// Why.
    pub problem: Problem,
}

/// PreVote (thesis §9.6): would the receiver vote for the sender in the term after `term`? Nobody's term rises by
/// it, and nobody promises anything.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct PreVote {
    /// The sender's term. It would start an election in the next.
    pub term: Term,
    /// Where its log ends.
    pub last_log_index: Index,
    /// The term of its last entry.
    pub last_log_term: Term,
}

/// The answer to a [`PreVote`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct PreVoteReply {
    /// The answering server's term, so that a pre-candidate that is behind learns of it.
    pub term: Term,
    /// The request's term, so that the pre-candidate knows which request this is about.
    pub asked_in: Term,
    /// Whether the pre-candidate would get the vote.
    pub would_vote: bool,
}

/// RequestVote (§5.2, §5.4). The candidate is the sender.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct RequestVote {
    /// The candidate's term.
    pub term: Term,
    /// Where the candidate's log ends.
    pub last_log_index: Index,
    /// The term of its last entry.
    pub last_log_term: Term,
    /// Does it start this election because its leader has asked it to (thesis §3.10)? Then nobody protects that
    /// leader from it.
    #[cfg_attr(feature = "serde", serde(default))]
    pub by_transfer: bool,
}

/// The answer to a [`RequestVote`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct RequestVoteReply {
    /// The answering server's term, so that a candidate that is behind learns of it.
    pub term: Term,
    /// Whether the candidate gets the vote in that term.
    pub vote_granted: bool,
}

/// AppendEntries (§5.2, §5.3). The leader is the sender. Without entries it is a heartbeat.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct AppendEntries {
    /// The leader's term.
    pub term: Term,
    /// The index just before the entries.
    pub prev_log_index: Index,
    /// The term of the entry there.
    pub prev_log_term: Term,
    /// What to append; nothing in a heartbeat.
    #[cfg_attr(feature = "serde", serde(deserialize_with = "crate::bounded::deserialize"))]
    pub entries: Vec<Entry>,
    /// How far the leader's log is committed.
    pub leader_commit: Index,
    /// How many times the leader has asked, in this term, whether it still leads (thesis §6.4).
    pub round: u64,
}

/// The answer to an [`AppendEntries`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
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
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
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

/// InstallSnapshot (§7, Figure 13): for a follower that lacks entries which the leader, who is the sender,
/// has no more. One piece follows the answer to the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct InstallSnapshot {
    /// The leader's term.
    pub term: Term,
    /// The piece.
    pub chunk: Chunk,
}

/// A piece of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Chunk {
    /// The last entry that the snapshot covers. Snapshots of the same entries have the same bytes.
    pub last_included: LogPosition,
    /// Where in the snapshot the bytes belong.
    pub offset: u64,
    /// The bytes. Shared, never copied.
    #[cfg_attr(feature = "serde", serde(with = "crate::shared_bytes"))]
    #[cfg_attr(feature = "ts", ts(as = "Vec<u8>"))]
    pub bytes: Arc<[u8]>,
    /// Does the snapshot end with them?
    pub is_last: bool,
}

/// The answer to an [`InstallSnapshot`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct InstallSnapshotReply {
    /// The answering server's term, so that a deposed leader learns of it.
    pub term: Term,
    /// The last entry that the snapshot covers, so that the leader knows which one this is about.
    pub last_included: LogPosition,
    /// Where in it the piece began, so that the leader knows which piece this is about.
    pub offset: u64,
    /// What came of it.
    pub outcome: SnapshotOutcome,
}

/// What came of an [`InstallSnapshot`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum SnapshotOutcome {
    /// The sender does not lead this term.
    Refused,
    /// So much of the snapshot is on disk here: the next piece begins there. After a lost message, or when
    /// another leader goes on, it need not begin anew.
    Received {
        /// How many bytes.
        bytes: u64,
    },
    /// All that the snapshot covers is here.
    Installed,
}

/// TimeoutNow (thesis §3.10): the leader, who is the sender, asks the receiver to hold an election at once.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct TimeoutNow {
    /// The leader's term.
    pub term: Term,
}

impl Message {
    /// The sender's term: every message of Raft carries it (§5.1). The others have 0.
    pub fn term(&self) -> Term {
        match self {
            Message::PreVote(request) => request.term,
            Message::PreVoteReply(reply) => reply.term,
            Message::RequestVote(request) => request.term,
            Message::RequestVoteReply(reply) => reply.term,
            Message::AppendEntries(request) => request.term,
            Message::AppendEntriesReply(reply) => reply.term,
            Message::InstallSnapshot(request) => request.term,
            Message::InstallSnapshotReply(reply) => reply.term,
            Message::TimeoutNow(request) => request.term,
            Message::Found(_) | Message::Refusal(_) => Term(0),
        }
    }

    /// Is it the answer to a request?
    pub(crate) fn is_answer(&self) -> bool {
        match self {
            Message::PreVoteReply(_)
            | Message::RequestVoteReply(_)
            | Message::AppendEntriesReply(_)
            | Message::InstallSnapshotReply(_) => true,
            Message::PreVote(_)
            | Message::RequestVote(_)
            | Message::AppendEntries(_)
            | Message::InstallSnapshot(_)
            | Message::TimeoutNow(_)
            | Message::Found(_)
            | Message::Refusal(_) => false,
        }
    }
}

impl PreVote {
    /// How far the pre-candidate's log reaches.
    pub fn last_log(&self) -> LogPosition {
        LogPosition { index: self.last_log_index, term: self.last_log_term }
    }
}

impl RequestVote {
    /// How far the candidate's log reaches.
    pub fn last_log(&self) -> LogPosition {
        LogPosition { index: self.last_log_index, term: self.last_log_term }
    }
}

impl Chunk {
    /// Where in the snapshot its bytes end.
    pub fn end(&self) -> u64 {
        self.offset + self.bytes.len() as u64
    }
}

impl AppendEntriesReply {
    /// Is this a later reply to the same leader than one that has not left yet, and says all that matters of it? Then that
    /// one need not be sent. What it says that this one does not, this one says from now on.
    pub fn supersedes(&mut self, earlier: &AppendEntriesReply) -> bool {
        use AppendOutcome::{Matched, Mismatch, Refused};
        if self.term != earlier.term {
            // Nobody leads an earlier term any more, as far as this server knows. Messages may be lost.
            return self.term > earlier.term;
        }
        match (&mut self.outcome, &earlier.outcome) {
            // Within a term a follower goes on agreeing where it has agreed with its leader.
            (Matched { match_index }, Matched { match_index: before }) => {
                *match_index = (*match_index).max(*before);
            }
            (Matched { .. } | Mismatch { .. }, Mismatch { .. }) => {}
            // That is about the requests of an earlier term, and so is its round.
            (Refused, Refused) => return true,
            _ => return false,
        }
        self.round = self.round.max(earlier.round);
        true
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

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(term: u64, outcome: AppendOutcome, round: u64) -> AppendEntriesReply {
        AppendEntriesReply { term: Term(term), outcome, round }
    }

    #[test]
    fn a_reply_that_supersedes_another_one_says_what_that_one_said() {
        let matched = |match_index: u64| AppendOutcome::Matched { match_index: Index(match_index) };
        let mismatch =
            || AppendOutcome::Mismatch { prev_log_index: Index(9), may_agree: LogPosition::default() };
        let refused = || AppendOutcome::Refused;
        let cases = [
            // earlier, later, and what then is said; none if both must be sent
            (reply(2, matched(5), 7), reply(2, matched(3), 8), Some(reply(2, matched(5), 8))),
            (reply(2, matched(3), 8), reply(2, matched(5), 7), Some(reply(2, matched(5), 8))),
            (reply(2, mismatch(), 8), reply(2, matched(3), 7), Some(reply(2, matched(3), 8))),
            (reply(2, mismatch(), 8), reply(2, mismatch(), 7), Some(reply(2, mismatch(), 8))),
            (reply(2, matched(3), 7), reply(2, mismatch(), 8), None),
            (reply(2, refused(), 8), reply(2, refused(), 7), Some(reply(2, refused(), 7))),
            (reply(2, refused(), 8), reply(2, matched(3), 7), None),
            (reply(2, matched(3), 8), reply(2, refused(), 7), None),
            (reply(1, matched(9), 8), reply(2, matched(3), 7), Some(reply(2, matched(3), 7))),
            (reply(1, matched(9), 8), reply(2, mismatch(), 7), Some(reply(2, mismatch(), 7))),
            (reply(2, matched(3), 7), reply(1, matched(9), 8), None),
        ];
        for (earlier, later, said) in cases {
            let mut superseding = later.clone();
            assert_eq!(
                superseding.supersedes(&earlier).then_some(superseding),
                said,
                "{earlier:?}, {later:?}"
            );
        }
    }
}
