//! What is written can be read: the largest of each that a server can send fits into what its receiver takes.

use crate::wire::{self, Call, Handshake, Hello, Letter, Promise};
use crate::{BYTES_PER_MESSAGE, LONGEST_COMMAND};
use consensus::{
    AppendEntries, Chunk, ClusterId, Entry, Incarnation, Index, InstallSnapshot, Lease, Limits, LogPosition,
    Membership, Message, NodeId, Origin, Payload, Start, Term, TimeoutNow,
};
use driver::Envelope;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::bytes::BytesMut;
use trace::EventId;

/// A server whose number takes the most bytes.
const LAST: NodeId = NodeId(u64::MAX);

const LAST_START: Start = Start { incarnation: Incarnation(u64::MAX), number: u64::MAX, run: u64::MAX };

const END: LogPosition = LogPosition { index: Index(u64::MAX), term: Term(u64::MAX) };

/// Configurations of the largest size: one of numbers, and one that is a long text.
fn largest_memberships() -> [Membership; 2] {
    let empty = Membership::default();
    let learners = (Membership::LARGEST - empty.size()) as u64 / 8;
    let learners = (0..learners).map(|below| NodeId(LAST.0 - below)).collect();
    let named = Membership { addresses: [(LAST, String::new())].into(), ..empty.clone() };
    let addresses = [(LAST, "\"".repeat(Membership::LARGEST - named.size()))].into();
    let largest = [Membership { learners, ..empty }, Membership { addresses, ..named }];
    assert!(largest.iter().all(|membership| membership.size() > Membership::LARGEST - 8));
    largest
}

fn append(entries: Vec<Entry>) -> Message {
    Message::AppendEntries(AppendEntries {
        term: END.term,
        prev_log_index: END.index,
        prev_log_term: END.term,
        entries,
        leader_commit: END.index,
        round: u64::MAX,
    })
}

/// The largest messages that a leader sends: a single entry is sent however large it is, several only within bounds.
fn largest_messages() -> Vec<Message> {
    let alone = |payload| append(vec![Entry { term: END.term, payload }]);
    let [numbers, text] = largest_memberships().map(Arc::new).map(Payload::Membership).map(alone);
    let entry = Entry { term: END.term, payload: Payload::Command([1; 40].into()) };
    let count = (BYTES_PER_MESSAGE / entry.size()).min(Limits::default().entries_per_message);
    let bytes: Arc<[u8]> = vec![255; BYTES_PER_MESSAGE].into();
    let chunk = Chunk { last_included: END, offset: u64::MAX, bytes, is_last: true };
    let chunk = Message::InstallSnapshot(InstallSnapshot { term: END.term, chunk });
    let command = vec![1; LONGEST_COMMAND].into();
    vec![alone(Payload::Command(command)), numbers, text, append(vec![entry; count]), chunk]
}

fn envelope(message: Message) -> Envelope {
    let sent_as = EventId { node: LAST, life: u64::MAX, seq: u64::MAX };
    let origin =
        Origin { cluster: Some(ClusterId(u128::MAX)), start: Some(LAST_START), earlier_runs: [u64::MAX; 8] };
    Envelope { from: LAST, to: LAST, sent_as, origin, message }
}

#[test]
fn the_largest_messages_fit_into_a_frame() {
    for Envelope { sent_as, message, .. } in largest_messages().into_iter().map(envelope) {
        let sent = Letter { sent_as, message };
        let mut bytes = BytesMut::from(&wire::frame(&sent)[..]);
        let frame = wire::take_frame(&mut bytes, wire::LARGEST_FRAME).unwrap().expect("a whole frame");
        assert_eq!(wire::decode::<Letter>(&frame), Some(sent));
    }
}

/// A caller may not send longer frames before its handshake is complete.
#[test]
fn the_largest_introduction_is_short_enough() {
    let visitor = || Handshake::Peer {
        cluster: "x".repeat(storage::LONGEST_CLUSTER_NAME),
        from: LAST,
        to: LAST,
        port: u16::MAX,
        promise: Some(Promise {
            lease: Lease { clock_drift_percent: u8::MAX.into() },
            election_timeout_min: Duration::MAX,
        }),
        origin: envelope(Message::TimeoutNow(TimeoutNow { term: END.term })).origin,
    };
    let call = wire::frame(&Call { visitor: visitor(), proof: Some([255; 32]) });
    for introduction in [wire::frame(&Hello::new(visitor())), call] {
        let taken = wire::take_frame(&mut BytesMut::from(&introduction[..]), wire::LARGEST_INTRODUCTION);
        assert_eq!(taken.unwrap().unwrap().len(), introduction.len() - wire::LENGTH);
    }
}
