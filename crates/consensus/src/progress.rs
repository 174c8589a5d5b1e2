//! What a leader knows about a follower's log, and how it sends to it (Figure 2: nextIndex, matchIndex).

use crate::{Chunk, Incarnation, Index, Instant, Limits, LogPosition, Start};
use std::collections::VecDeque;
use std::time::Duration;

/// A leader's view of one follower's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// matchIndex: highest index up to which the follower's log is known to match. Never decreases.
    match_index: Index,
    /// nextIndex: the next entry to send.
    next_index: Index,
    sending: Sending,
    /// The latest round that the follower has replied to.
    replied_round: u64,
    /// When the leader last heard from the follower, or began to listen.
    heard: Instant,
    catching_up: CatchingUp,
    /// The start of the follower's data folder that sent the last reply.
    start: Option<Start>,
    /// The start in which it acknowledged `match_index`.
    matched_in: Option<Start>,
    /// The follower has lost entries that it had acknowledged, up to this one.
    lost: Option<Index>,
    /// Number of heartbeats since the follower last made progress. Counted from the beginning of a snapshot
    /// until all of the log has been sent.
    stalled: Option<u32>,
    /// For a removed server: how long it is still replicated to, so that it learns of its removal.
    pub(crate) leaves: Option<Instant>,
}

/// Whether a follower keeps up, measured in rounds (thesis §4.2.1): in each round it gets what the log held
/// when the round began. The log grows meanwhile, but each round has less to do if the follower is fast
/// enough.
#[derive(Debug, Clone, PartialEq, Eq)]
struct CatchingUp {
    /// When the current round began, and where the log ended then.
    began: Instant,
    end: Index,
    /// Was the last round short enough?
    was_fast: bool,
}

/// How a leader sends to a follower.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Sending {
    /// It is not known where the logs agree: one message at a time, until one matches.
    Probe {
        /// A message is in flight.
        waits: bool,
        /// It carries no entries: they would be dropped if the logs do not agree there either.
        asks_only: bool,
    },
    /// The logs agree: messages follow each other without waiting, within limits.
    Replicate {
        /// For each message without a reply yet: its last index, and the size of its entries in bytes.
        in_flight: VecDeque<(Index, usize)>,
        /// The sum of these sizes.
        bytes: usize,
    },
    /// The follower needs entries that are gone: it is sent a snapshot, one chunk after the other.
    Snapshot {
        /// The last entry that the snapshot covers.
        last_included: LogPosition,
        /// Offset of the chunk in flight.
        offset: u64,
        /// Number of heartbeats since the chunk was sent, or the one before was acknowledged.
        heartbeats: u32,
    },
}

/// A snapshot chunk is resent if it is still unanswered after this many heartbeats. The follower must have it
/// on its disk before it can reply.
const RESEND_AFTER: u32 = 10;

/// Number of heartbeats without progress after which a leader no longer waits for a follower.
const STALLED_AFTER: u32 = 10 * RESEND_AFTER;

impl Progress {
    /// Nothing is known about the follower yet, but its log may well end where the leader's does.
    pub(crate) fn new(leader_last: Index, now: Instant) -> Progress {
        Progress {
            match_index: Index(0),
            next_index: leader_last.next(),
            sending: Sending::Probe { waits: false, asks_only: false },
            replied_round: 0,
            heard: now,
            catching_up: CatchingUp { began: now, end: leader_last, was_fast: false },
            start: None,
            matched_in: None,
            lost: None,
            stalled: None,
            leaves: None,
        }
    }

    /// The data folder that sent these replies.
    pub fn incarnation(&self) -> Option<Incarnation> {
        self.start.map(|start| start.incarnation)
    }

    /// A reply comes from this start of the follower's data folder. Another folder means another server,
    /// about which nothing is known yet.
    pub(crate) fn record_start(&mut self, start: Option<Start>, leader_last: Index, now: Instant) {
        let incarnation = start.map(|start| start.incarnation);
        if self.start.is_some() && self.incarnation() != incarnation {
            *self = Progress { leaves: self.leaves, ..Progress::new(leader_last, now) };
        }
        self.start = start;
    }

    /// The last of the entries that the follower had acknowledged and then lost, if it did.
    pub fn lost(&self) -> Option<Index> {
        self.lost
    }

    /// A later start of the follower's folder says that its log matches only up to `may_agree`, although it
    /// was asked about `prev_log_index`. If an earlier start had acknowledged more, the follower has lost it.
    /// Returns whether it has.
    pub(crate) fn record_denial(&mut self, prev_log_index: Index, may_agree: Index) -> bool {
        let is_later = self.start.zip(self.matched_in).is_some_and(|(now, then)| now.number > then.number);
        let has_lost = is_later && prev_log_index >= self.match_index && may_agree < self.match_index;
        if has_lost {
            self.lost = Some(self.match_index);
            self.match_index = Index(0);
        }
        has_lost
    }

    /// When the leader last heard from the follower, or began to listen.
    pub fn heard(&self) -> Instant {
        self.heard
    }

    pub(crate) fn record_heard(&mut self, now: Instant) {
        self.heard = now;
    }

    /// Did the last round take less than `limit`, and has the current one not taken longer so far?
    pub(crate) fn has_caught_up(&self, now: Instant, limit: Duration) -> bool {
        self.catching_up.was_fast && now.since(self.catching_up.began) < limit
    }

    /// Ends the round if the follower has what it had to get; the leader's log ends at `last` now. Returns
    /// whether the follower has caught up just now.
    pub(crate) fn record_round_of_entries(&mut self, last: Index, now: Instant, limit: Duration) -> bool {
        if self.match_index < self.catching_up.end {
            return false;
        }
        let had = self.has_caught_up(now, limit);
        let was_fast = now.since(self.catching_up.began) < limit;
        self.catching_up = CatchingUp { began: now, end: last, was_fast };
        was_fast && !had
    }

    /// Highest index up to which the follower's log is known to match the leader's.
    pub fn match_index(&self) -> Index {
        self.match_index
    }

    /// The next entry that the leader will send.
    pub fn next_index(&self) -> Index {
        self.next_index
    }

    /// From now on the leader takes this for the next entry to send. It may be wrong, so the next message
    /// is a probe.
    pub(crate) fn set_next_index(&mut self, next: Index) {
        self.next_index = next;
        self.sending = Sending::Probe { waits: false, asks_only: false };
    }

    /// The latest round in which the follower confirmed that it follows.
    pub(crate) fn replied_round(&self) -> u64 {
        self.replied_round
    }

    pub(crate) fn record_reply(&mut self, round: u64) {
        self.replied_round = self.replied_round.max(round);
    }

    /// May one more message with entries be sent?
    pub(crate) fn may_send(&self, limits: &Limits) -> bool {
        match &self.sending {
            Sending::Probe { waits, .. } => !waits,
            Sending::Replicate { in_flight, bytes } => {
                in_flight.len() < limits.messages_in_flight && *bytes < limits.bytes_in_flight.max(1)
            }
            Sending::Snapshot { .. } => false,
        }
    }

    /// Should the next message carry no entries, and only ask where the logs agree?
    pub(crate) fn asks_only(&self) -> bool {
        matches!(self.sending, Sending::Probe { asks_only: true, .. })
    }

    /// A message that ends at `last`, with `size` bytes of entries, was sent. Once the logs are known to
    /// agree, its entries are assumed to have arrived until a reply says otherwise.
    pub(crate) fn record_sent(&mut self, last: Index, size: usize) {
        match &mut self.sending {
            Sending::Probe { waits, .. } => *waits = true,
            Sending::Replicate { in_flight, bytes } if last >= self.next_index => {
                in_flight.push_back((last, size));
                *bytes += size;
                self.next_index = last.next();
            }
            Sending::Replicate { .. } | Sending::Snapshot { .. } => {}
        }
    }

    /// A heartbeat interval is over. Is there something without a reply that should be sent again?
    pub(crate) fn is_overdue(&mut self) -> bool {
        if let Some(heartbeats) = &mut self.stalled {
            *heartbeats = heartbeats.saturating_add(1);
        }
        match &mut self.sending {
            Sending::Probe { waits, .. } => *waits,
            Sending::Replicate { in_flight, .. } => !in_flight.is_empty(),
            Sending::Snapshot { heartbeats, .. } => {
                *heartbeats += 1;
                *heartbeats % RESEND_AFTER == 0
            }
        }
    }

    /// From now on the follower is sent this snapshot.
    pub(crate) fn begin_snapshot(&mut self, last_included: LogPosition) {
        self.sending = Sending::Snapshot { last_included, offset: 0, heartbeats: 0 };
        self.stalled = Some(0);
    }

    /// Is a snapshot being sent to the follower, and does it make progress?
    pub(crate) fn is_taking_snapshot(&self) -> bool {
        self.is_getting_on() && self.snapshot().is_some()
    }

    /// If the follower has got a snapshot, and makes progress with the entries after it: its last matching
    /// entry.
    pub(crate) fn has_since_snapshot(&self) -> Option<Index> {
        (self.is_getting_on() && self.snapshot().is_none()).then_some(self.match_index)
    }

    fn is_getting_on(&self) -> bool {
        self.stalled.is_some_and(|heartbeats| heartbeats < STALLED_AFTER)
    }

    fn record_progress(&mut self) {
        self.stalled = self.stalled.map(|_| 0);
    }

    /// All of the log has been sent. A follower that replicates has everything it needs, or it is in flight.
    pub(crate) fn record_all_sent(&mut self) {
        if matches!(self.sending, Sending::Replicate { .. }) {
            self.stalled = None;
        }
    }

    /// If the follower is being sent a snapshot: which one, and the offset of the chunk in flight.
    pub fn snapshot(&self) -> Option<(LogPosition, u64)> {
        match &self.sending {
            Sending::Snapshot { last_included, offset, .. } => Some((*last_included, *offset)),
            _ => None,
        }
    }

    /// A chunk was read and can be sent, if the follower still needs that snapshot. A snapshot that is
    /// shorter than expected is read from its beginning.
    pub(crate) fn record_chunk_sent(&mut self, chunk: &Chunk) -> bool {
        match &mut self.sending {
            Sending::Snapshot { last_included, offset, .. } if *last_included == chunk.last_included => {
                *offset = chunk.offset;
                true
            }
            _ => false,
        }
    }

    /// The follower replies to the chunk at offset `asked`: it has `bytes` bytes of the snapshot. Returns
    /// whether the reply is about the chunk in flight, so that the next one must be sent.
    pub(crate) fn record_chunk_received(&mut self, about: LogPosition, asked: u64, bytes: u64) -> bool {
        match &mut self.sending {
            Sending::Snapshot { last_included, offset, heartbeats }
                if (*last_included, *offset) == (about, asked) && bytes != asked =>
            {
                (*offset, *heartbeats) = (bytes, 0);
                self.record_progress();
                true
            }
            _ => false,
        }
    }

    /// The reply to a probe may be lost: send it again.
    pub(crate) fn retry(&mut self) {
        if let Sending::Probe { waits, .. } = &mut self.sending {
            *waits = false;
        }
    }

    /// The follower's log matches up to `index`. Returns whether that was not known before.
    pub(crate) fn record_match(&mut self, index: Index) -> bool {
        let is_news = index > self.match_index;
        if is_news {
            self.matched_in = self.start;
            self.record_progress();
        }
        self.match_index = self.match_index.max(index);
        match &mut self.sending {
            // A reply to anything but the probe in flight says nothing about it.
            Sending::Probe { .. } if index.next() < self.next_index => {}
            Sending::Snapshot { last_included, .. } if index < last_included.index => {}
            Sending::Probe { .. } | Sending::Snapshot { .. } => {
                self.sending = Sending::Replicate { in_flight: VecDeque::new(), bytes: 0 };
            }
            Sending::Replicate { in_flight, bytes } => {
                while let Some((_, size)) = in_flight.pop_front_if(|(last, _)| *last <= index) {
                    *bytes -= size;
                }
            }
        }
        self.next_index = self.next_index.max(self.match_index.next());
        is_news
    }

    /// The follower has no entry like the leader's at `prev_log_index`, and may agree up to `may_agree`.
    /// Returns whether the leader steps back: a reply that is too old changes nothing.
    pub(crate) fn record_mismatch(&mut self, prev_log_index: Index, may_agree: LogPosition) -> bool {
        let is_current = match &self.sending {
            Sending::Probe { .. } => prev_log_index == self.next_index.previous(),
            Sending::Replicate { .. } => true,
            Sending::Snapshot { .. } => false,
        };
        // An honest follower never denies what it has once matched.
        let is_current = is_current && prev_log_index > self.match_index;
        if is_current {
            self.next_index = may_agree.index.min(prev_log_index.previous()).max(self.match_index).next();
            self.sending = Sending::Probe { waits: false, asks_only: true };
        }
        is_current
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Term;

    fn replicating(match_index: u64) -> Progress {
        let mut progress = Progress::new(Index(match_index), Instant::START);
        progress.record_match(Index(match_index));
        progress
    }

    fn window(messages_in_flight: usize) -> Limits {
        Limits { messages_in_flight, ..Limits::default() }
    }

    fn agree(index: u64) -> LogPosition {
        LogPosition { index: Index(index), term: Term(1) }
    }

    #[test]
    fn a_probe_waits_for_its_answer_or_a_retry() {
        let mut progress = Progress::new(Index(5), Instant::START);
        assert!(progress.may_send(&window(9)));
        progress.record_sent(Index(6), 10);
        assert!(!progress.may_send(&window(9)));
        assert_eq!(progress.next_index(), Index(6), "what a probe carries may not have been taken");
        progress.retry();
        assert!(progress.may_send(&window(9)));
        assert!(progress.record_match(Index(6)));
        assert_eq!((progress.match_index(), progress.next_index()), (Index(6), Index(7)));
    }

    #[test]
    fn replication_does_not_wait_but_has_bounds() {
        let mut progress = replicating(0);
        for index in 1..=3 {
            assert!(progress.may_send(&window(3)));
            progress.record_sent(Index(index), 10);
        }
        assert!(!progress.may_send(&window(3)));
        progress.record_match(Index(1));
        assert!(progress.may_send(&window(3)));
    }

    #[test]
    fn bytes_on_the_way_have_a_bound_that_one_message_may_pass() {
        let limits = Limits { bytes_in_flight: 25, ..Limits::default() };
        let mut progress = replicating(0);
        progress.record_sent(Index(1), 1_000);
        assert!(!progress.may_send(&limits));
        progress.record_match(Index(1));
        for index in 2..=4 {
            assert!(progress.may_send(&limits));
            progress.record_sent(Index(index), 10);
        }
        assert!(!progress.may_send(&limits));
        progress.record_match(Index(2));
        assert!(progress.may_send(&limits));
    }

    #[test]
    fn a_snapshot_goes_on_where_the_follower_says() {
        let chunk =
            |offset: u64| Chunk { last_included: agree(9), offset, bytes: [0; 10].into(), is_last: false };
        let mut progress = Progress::new(Index(20), Instant::START);
        progress.begin_snapshot(agree(9));
        assert!(!progress.may_send(&window(9)));
        assert!(progress.record_chunk_sent(&chunk(0)));
        assert!(progress.record_chunk_received(agree(9), 0, 10));
        assert!(!progress.record_chunk_received(agree(9), 0, 10), "that was said already");
        assert!(!progress.record_chunk_received(agree(8), 10, 20), "that is about another snapshot");
        assert_eq!(progress.snapshot(), Some((agree(9), 10)));
        assert!(progress.record_chunk_received(agree(9), 10, 0), "the follower has forgotten it");
        assert_eq!((1..=20).filter(|_| progress.is_overdue()).count(), 2);
        progress.record_match(Index(8));
        assert!(progress.snapshot().is_some());
        progress.record_match(Index(9));
        assert_eq!((progress.snapshot(), progress.next_index()), (None, Index(21)));
    }

    #[test]
    fn old_answers_change_nothing() {
        let mut progress = replicating(5);
        assert!(!progress.record_match(Index(3)));
        assert_eq!(progress.match_index(), Index(5));
        assert!(!progress.record_mismatch(Index(4), agree(2)), "the logs agree up to there");
        let mut probe = Progress::new(Index(9), Instant::START);
        assert!(!probe.record_mismatch(Index(4), agree(2)), "that is not the probe in flight");
        assert!(probe.record_mismatch(Index(9), agree(2)));
        assert_eq!(probe.next_index(), Index(3));
    }

    #[test]
    fn a_follower_that_takes_back_what_it_said_is_not_sent_to_without_end() {
        let mut progress = replicating(5);
        progress.record_sent(Index(8), 10);
        assert!(progress.record_mismatch(Index(8), agree(2)));
        progress.record_sent(Index(5), 10);
        assert!(!progress.record_mismatch(Index(5), agree(2)));
        assert!(!progress.may_send(&window(9)), "only a retry asks again");
    }

    #[test]
    fn a_mismatch_steps_back_but_not_below_what_matches() {
        let mut progress = replicating(5);
        progress.record_sent(Index(8), 10);
        assert!(progress.record_mismatch(Index(8), agree(3)));
        assert_eq!(progress.next_index(), Index(6));
        let mut probe = Progress::new(Index(9), Instant::START);
        probe.record_mismatch(Index(9), agree(9));
        assert_eq!(probe.next_index(), Index(9), "at least one further back, or it would never end");
        assert!(
            !Progress::new(Index(9), Instant::START).record_mismatch(Index(u64::MAX), agree(2)),
            "impossible"
        );
    }
}
