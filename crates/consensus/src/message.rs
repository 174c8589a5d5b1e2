//! What servers send each other: the remote procedure calls of Figures 2 and 13, as one-way messages.

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
    /// The reply to a `PreVote`.
    PreVoteReply(PreVoteReply),
    /// A candidate asks for a vote.
    RequestVote(RequestVote),
    /// The reply to a `RequestVote`.
    RequestVoteReply(RequestVoteReply),
    /// A leader sends entries or, without any, a heartbeat.
    AppendEntries(AppendEntries),
    /// The reply to an `AppendEntries`.
    AppendEntriesReply(AppendEntriesReply),
    /// A leader sends a chunk of its snapshot.
    InstallSnapshot(InstallSnapshot),
    /// The reply to an `InstallSnapshot`.
    InstallSnapshotReply(InstallSnapshotReply),
    /// A leader asks another server to start an election at once.
    TimeoutNow(TimeoutNow),
    /// A server wants to found a cluster with the others, or replies to one that does.
    Found(Found),
    /// A server tells another one why it ignores its messages.
    Refusal(Refusal),
}

/// Found (ours): the servers of a new cluster tell each other which data folder each of them has
/// ([`Rule::FoundTogether`](crate::Rule::FoundTogether)).
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Found {
    /// The founders, each with its folder if the sender knows it.
    #[cfg_attr(feature = "serde", serde(deserialize_with = "crate::bounded::deserialize"))]
    pub founders: Vec<(NodeId, Option<Incarnation>)>,
    /// Does the sender know them all, and have the list on disk?
    pub is_saved: bool,
    /// Is it the reply to such a message?
    pub is_reply: bool,
}

/// Refusal (ours): the sender ignores the receiver's messages, or does not count its replies.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Refusal {
    /// The start that is refused: other starts may ignore this.
    pub start: Start,
    /// Why.
    pub problem: Problem,
}

/// PreVote (thesis §9.6): would the receiver vote for the sender in the term after `term`? No term rises
/// because of it, and nobody promises anything.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct PreVote {
    /// The sender's term. It would start an election in the next one.
    pub term: Term,
    /// Where its log ends.
    pub last_log_index: Index,
    /// The term of its last entry.
    pub last_log_term: Term,
}

/// The reply to a [`PreVote`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct PreVoteReply {
    /// The replying server's term, so that a pre-candidate that lags behind learns of it.
    pub term: Term,
    /// The request's term, so that the pre-candidate knows which request this reply is about.
    pub asked_in: Term,
    /// Would the pre-candidate get the vote?
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
    /// Did its leader ask it to start this election (thesis §3.10)? Then leader stickiness does not apply.
    #[cfg_attr(feature = "serde", serde(default))]
    pub by_transfer: bool,
}

/// The reply to a [`RequestVote`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct RequestVoteReply {
    /// The replying server's term, so that a candidate that lags behind learns of it.
    pub term: Term,
    /// Does the candidate get the vote in that term?
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
    /// Entries to append; empty in a heartbeat.
    #[cfg_attr(feature = "serde", serde(deserialize_with = "crate::bounded::deserialize"))]
    pub entries: Vec<Entry>,
    /// The leader's commitIndex.
    pub leader_commit: Index,
    /// Number of rounds so far in which the leader has asked, in this term, whether it still leads (thesis
    /// §6.4).
    pub round: u64,
}

/// The reply to an [`AppendEntries`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct AppendEntriesReply {
    /// The replying server's term, so that a deposed leader learns of it.
    pub term: Term,
    /// The outcome.
    pub outcome: AppendOutcome,
    /// The round of the request: the reply shows that its sender still followed the leader when this round
    /// began.
    pub round: u64,
}

/// The outcome of an [`AppendEntries`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum AppendOutcome {
    /// The sender does not lead this term.
    Refused,
    /// The receiver's log matches the leader's up to this index: the end of what the request carried.
    Matched {
        /// Highest index known to match.
        match_index: Index,
    },
    /// The receiver's log has no entry like the one before the request's entries, so nothing was changed.
    Mismatch {
        /// The index before the request's entries, so that the leader knows which request this reply is
        /// about.
        prev_log_index: Index,
        /// The last entry that may match the leader's log: at or before that index, and not of a later term.
        /// It lets the leader step back by whole terms (§5.3, thesis §3.5).
        may_agree: LogPosition,
    },
}

/// InstallSnapshot (§7, Figure 13): for a follower that needs entries which are no longer in the log of the
/// leader, who is the sender. Each chunk is sent after the reply to the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct InstallSnapshot {
    /// The leader's term.
    pub term: Term,
    /// The chunk.
    pub chunk: Chunk,
}

/// A chunk of a snapshot.
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
    /// Is this the last chunk?
    pub is_last: bool,
}

/// The reply to an [`InstallSnapshot`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct InstallSnapshotReply {
    /// The replying server's term, so that a deposed leader learns of it.
    pub term: Term,
    /// The last entry that the snapshot covers, so that the leader knows which snapshot this reply is about.
    pub last_included: LogPosition,
    /// Offset of the chunk, so that the leader knows which chunk this reply is about.
    pub offset: u64,
    /// The outcome.
    pub outcome: SnapshotOutcome,
}

/// The outcome of an [`InstallSnapshot`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum SnapshotOutcome {
    /// The sender does not lead this term.
    Refused,
    /// The beginning of the snapshot is on disk; the next chunk follows it. After a lost message, or when
    /// another leader continues, it need not start again.
    Received {
        /// Number of bytes on disk.
        bytes: u64,
    },
    /// The receiver has everything that the snapshot covers.
    Installed,
}

/// TimeoutNow (thesis §3.10): the leader, who is the sender, asks the receiver to start an election at once.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct TimeoutNow {
    /// The leader's term.
    pub term: Term,
}

impl Message {
    /// The sender's term: every message of Raft carries it (§5.1). For the others it is 0.
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

    /// Is it a reply to a request?
    pub(crate) fn is_reply(&self) -> bool {
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
    /// Where the pre-candidate's log ends.
    pub fn last_log(&self) -> LogPosition {
        LogPosition { index: self.last_log_index, term: self.last_log_term }
    }
}

impl RequestVote {
    /// Where the candidate's log ends.
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
    /// Does this reply make an earlier one to the same leader, which has not been sent yet, unnecessary? If
    /// so, it also takes on what only the earlier one says.
    pub fn supersedes(&mut self, earlier: &AppendEntriesReply) -> bool {
        use AppendOutcome::{Matched, Mismatch, Refused};
        if self.term != earlier.term {
            // To its sender's knowledge, nobody leads the earlier term any longer. Messages may be lost.
            return self.term > earlier.term;
        }
        match (&mut self.outcome, &earlier.outcome) {
            // Within a term, what a follower has once agreed on with its leader stays agreed.
            (Matched { match_index }, Matched { match_index: before }) => {
                *match_index = (*match_index).max(*before);
            }
            (Matched { .. } | Mismatch { .. }, Mismatch { .. }) => {}
            // It is about requests of an earlier term, and so is its round.
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

    /// The position after which the entries belong.
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
            // earlier, later, and the merged reply; `None` if both must be sent
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
