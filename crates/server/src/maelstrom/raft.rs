//! What Raft says to other nodes, so that people can read it in Maelstrom's diagrams.
//!
//! The fields are those of the messages, with the paper's names. Only what is bytes is written otherwise:
//! in base64, and a command also in words, which are for people and are not read back.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use consensus::{
    AppendEntries, AppendEntriesReply, Chunk, Entry, Found, Index, InstallSnapshot, InstallSnapshotReply,
    LogPosition, Membership, Message, NodeId, Origin, Payload, PreVote, PreVoteReply, Refusal, RequestVote,
    RequestVoteReply, Term, TimeoutNow,
};
use driver::Envelope;
use serde::{Deserialize, Serialize};
use trace::EventId;

/// The body of a message from one Raft node to another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct RaftBody {
    #[serde(flatten)]
    says: Says,
    /// The event in which the sender sent it, such as n2:117.
    sent_as: String,
    /// The sender's cluster and data folder.
    origin: Origin,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Says {
    PreVote(PreVote),
    PreVoteReply(PreVoteReply),
    RequestVote(RequestVote),
    RequestVoteReply(RequestVoteReply),
    AppendEntries {
        term: Term,
        prev_log_index: Index,
        prev_log_term: Term,
        entries: Vec<ToldEntry>,
        leader_commit: Index,
        round: u64,
    },
    AppendEntriesReply(AppendEntriesReply),
    InstallSnapshot {
        term: Term,
        last_included: LogPosition,
        offset: u64,
        #[serde(with = "as_base64")]
        bytes: Vec<u8>,
        is_last: bool,
    },
    InstallSnapshotReply(InstallSnapshotReply),
    TimeoutNow(TimeoutNow),
    Found(Found),
    Refusal(Refusal),
}

/// An entry. A new leader's first one holds nothing, others a command or a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ToldEntry {
    term: Term,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    command: Option<ToldCommand>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    membership: Option<Membership>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct ToldCommand {
    /// In words, perhaps shortened.
    #[serde(skip_deserializing)]
    says: String,
    /// The whole of it.
    #[serde(with = "as_base64")]
    bytes: Vec<u8>,
}

impl RaftBody {
    pub(super) fn of(envelope: Envelope) -> RaftBody {
        let Envelope { sent_as, origin, message, .. } = envelope;
        RaftBody { says: Says::from(message), sent_as: sent_as.to_string(), origin }
    }

    /// The message, as from one node to another; `None` if it names no event in which it was sent.
    pub(super) fn envelope(self, from: NodeId, to: NodeId) -> Option<Envelope> {
        let sent_as: EventId = self.sent_as.parse().ok()?;
        Some(Envelope { from, to, sent_as, origin: self.origin, message: self.says.into() })
    }
}

impl From<Message> for Says {
    fn from(message: Message) -> Says {
        match message {
            Message::PreVote(request) => Says::PreVote(request),
            Message::PreVoteReply(reply) => Says::PreVoteReply(reply),
            Message::RequestVote(request) => Says::RequestVote(request),
            Message::RequestVoteReply(reply) => Says::RequestVoteReply(reply),
            Message::AppendEntries(AppendEntries {
                term,
                prev_log_index,
                prev_log_term,
                entries,
                leader_commit,
                round,
            }) => {
                let entries = entries.into_iter().map(ToldEntry::from).collect();
                Says::AppendEntries { term, prev_log_index, prev_log_term, entries, leader_commit, round }
            }
            Message::AppendEntriesReply(reply) => Says::AppendEntriesReply(reply),
            Message::InstallSnapshot(InstallSnapshot { term, chunk }) => {
                let Chunk { last_included, offset, bytes, is_last } = chunk;
                Says::InstallSnapshot { term, last_included, offset, bytes: bytes.to_vec(), is_last }
            }
            Message::InstallSnapshotReply(reply) => Says::InstallSnapshotReply(reply),
            Message::TimeoutNow(request) => Says::TimeoutNow(request),
            Message::Found(found) => Says::Found(found),
            Message::Refusal(refusal) => Says::Refusal(refusal),
        }
    }
}

impl From<Says> for Message {
    fn from(says: Says) -> Message {
        match says {
            Says::PreVote(request) => Message::PreVote(request),
            Says::PreVoteReply(reply) => Message::PreVoteReply(reply),
            Says::RequestVote(request) => Message::RequestVote(request),
            Says::RequestVoteReply(reply) => Message::RequestVoteReply(reply),
            Says::AppendEntries { term, prev_log_index, prev_log_term, entries, leader_commit, round } => {
                let entries = entries.into_iter().map(Entry::from).collect();
                Message::AppendEntries(AppendEntries {
                    term,
                    prev_log_index,
                    prev_log_term,
                    entries,
                    leader_commit,
                    round,
                })
            }
            Says::AppendEntriesReply(reply) => Message::AppendEntriesReply(reply),
            Says::InstallSnapshot { term, last_included, offset, bytes, is_last } => {
                let chunk = Chunk { last_included, offset, bytes: bytes.into(), is_last };
                Message::InstallSnapshot(InstallSnapshot { term, chunk })
            }
            Says::InstallSnapshotReply(reply) => Message::InstallSnapshotReply(reply),
            Says::TimeoutNow(request) => Message::TimeoutNow(request),
            Says::Found(found) => Message::Found(found),
            Says::Refusal(refusal) => Message::Refusal(refusal),
        }
    }
}

impl From<Entry> for ToldEntry {
    fn from(entry: Entry) -> ToldEntry {
        let mut told = ToldEntry { term: entry.term, command: None, membership: None };
        match entry.payload {
            Payload::NoOp => {}
            Payload::Command(bytes) => {
                let says = kv::Command::decode(&bytes);
                let says = says.map_or_else(|problem| problem.to_string(), |command| command.to_string());
                told.command = Some(ToldCommand { says, bytes: bytes.to_vec() });
            }
            Payload::Membership(membership) => told.membership = Some(Membership::clone(&membership)),
        }
        told
    }
}

impl From<ToldEntry> for Entry {
    fn from(told: ToldEntry) -> Entry {
        let payload = match (told.command, told.membership) {
            (Some(command), _) => Payload::Command(command.bytes.into()),
            (None, Some(membership)) => Payload::Membership(membership.into()),
            (None, None) => Payload::NoOp,
        };
        Entry { term: told.term, payload }
    }
}

mod as_base64 {
    use super::*;
    use serde::{Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use consensus::{AppendOutcome, ClusterId, Incarnation, SnapshotOutcome, Start};
    use serde_json::json;
    use std::sync::Arc;

    fn round_trip(message: Message) -> serde_json::Value {
        let sent_as = EventId { node: NodeId(0), life: 2, seq: 17 };
        let start = Start { incarnation: Incarnation(10), number: 2, run: 11 };
        let origin = Origin { cluster: Some(ClusterId(12)), start: Some(start), earlier_runs: [5; 8] };
        let envelope = Envelope { from: NodeId(0), to: NodeId(1), sent_as, origin, message };
        let json = serde_json::to_value(RaftBody::of(envelope.clone())).unwrap();
        let body: RaftBody = serde_json::from_str(&json.to_string()).unwrap();
        assert_eq!(body.envelope(NodeId(0), NodeId(1)), Some(envelope));
        json
    }

    #[test]
    fn entries_can_be_read_and_come_through() {
        let put = kv::Command::Write(kv::Write::put(b"0", b"[3]")).encode().unwrap();
        let entry = |payload| Entry { term: Term(2), payload };
        let message = Message::AppendEntries(AppendEntries {
            term: Term(2),
            prev_log_index: Index(7),
            prev_log_term: Term(1),
            entries: vec![
                entry(Payload::NoOp),
                entry(Payload::Command(put.into())),
                entry(Payload::Command(Arc::from(*b"\xff\x00"))),
            ],
            leader_commit: Index(6),
            round: 4,
        });
        let expected = json!({
            "type": "append_entries", "sent_as": "n0.2:17", "origin": {
                "cluster": "0000000000000000000000000000000c",
                "start": {"incarnation": "000000000000000a", "number": 2, "run": 11},
                "earlier_runs": [5, 5, 5, 5, 5, 5, 5, 5],
            }, "term": 2, "prev_log_index": 7, "prev_log_term": 1,
            "leader_commit": 6, "round": 4, "entries": [
                {"term": 2},
                {"term": 2, "command": {"says": "put 0 = [3]", "bytes": "AQEBMAADWzNdAAA="}},
                {"term": 2, "command": {
                    "says": "the command's format is version 255, and this program reads version 1",
                    "bytes": "/wA=",
                }},
            ],
        });
        assert_eq!(round_trip(message), expected);
    }

    #[test]
    fn all_other_messages_come_through() {
        let (term, last_included) = (Term(3), LogPosition { index: Index(9), term: Term(2) });
        let chunk = Chunk { last_included, offset: 4, bytes: Arc::from([0u8, 255, 7]), is_last: true };
        let may_agree = last_included;
        let outcome = AppendOutcome::Mismatch { prev_log_index: Index(1), may_agree };
        for message in [
            Message::RequestVote(RequestVote {
                term,
                last_log_index: Index(9),
                last_log_term: Term(2),
                by_transfer: true,
            }),
            Message::RequestVoteReply(RequestVoteReply { term, vote_granted: true }),
            Message::AppendEntriesReply(AppendEntriesReply { term, outcome, round: 1 }),
            Message::InstallSnapshot(InstallSnapshot { term, chunk }),
            Message::InstallSnapshotReply(InstallSnapshotReply {
                term,
                last_included,
                offset: 4,
                outcome: SnapshotOutcome::Received { bytes: 12 },
            }),
        ] {
            round_trip(message);
        }
    }

    #[test]
    fn nonsense_is_no_message() {
        let vote = json!({"type": "request_vote_reply", "term": 1, "vote_granted": true, "sent_as": "n1:1",
            "origin": {"cluster": null, "start": null, "earlier_runs": [0, 0, 0, 0, 0, 0, 0, 0]}});
        assert!(serde_json::from_value::<RaftBody>(vote.clone()).is_ok());
        for (field, value) in [
            ("type", json!("vote")),
            ("term", json!(-1)),
            ("vote_granted", json!("yes")),
            ("sent_as", json!(null)),
        ] {
            let mut broken = vote.clone();
            broken[field] = value;
            assert!(serde_json::from_value::<RaftBody>(broken).is_err(), "{field}");
        }
        let bytes = json!({"type": "install_snapshot", "term": 1, "last_included": {"index": 1, "term": 1},
            "offset": 0, "bytes": "no base64!", "is_last": true, "sent_as": "n1:1"});
        assert!(serde_json::from_value::<RaftBody>(bytes).is_err());
    }
}
