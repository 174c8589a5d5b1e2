//! What a leader knows of a follower's log, and how it sends to it (Figure 2: nextIndex, matchIndex).

use crate::{Chunk, Incarnation, Index, Instant, Limits, LogPosition, Start};
use std::collections::VecDeque;
use std::time::Duration;

/// A leader's view of one follower's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// As far as this the follower's log is known to agree (matchIndex). It never falls.
    match_index: Index,
    /// The next entry to send (nextIndex).
    next_index: Index,
    sending: Sending,
    /// The latest round that the follower has answered.
    answered_round: u64,
    /// When it was last heard, or when the leader began to listen.
    heard: Instant,
    catching_up: CatchingUp,
    /// The start of the follower's data folder that spoke last.
    start: Option<Start>,
    /// The start in which it acknowledged `match_index`.
    matched_in: Option<Start>,
    /// It has lost entries that it had acknowledged, up to this one.
    lost: Option<Index>,
    /// From the beginning of a snapshot until the follower has been sent all of the log: the number of heartbeats since it
    /// last got further.
    stalled: Option<u32>,
    /// The server is no member any more: it is sent to until then, so that it learns of it.
    pub(crate) leaves: Option<Instant>,
}

/// Whether a follower keeps up, told by rounds (thesis §4.2.1): in each it gets what the log had when the round
/// began. The log grows meanwhile, but each round has less to do, if the follower is fast enough.
#[derive(Debug, Clone, PartialEq, Eq)]
struct CatchingUp {
    /// When the present round began, and where the log ended then.
    began: Instant,
    end: Index,
    /// Was the last round a short one?
    was_fast: bool,
}

/// How a leader sends to a follower.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Sending {
    /// Where the logs agree is not known: one message at a time, until one matches.
    Probe {
        /// A message is under way.
        waits: bool,
        /// It goes without entries: they would be thrown away if the logs do not agree there either.
        asks_only: bool,
    },
    /// The logs agree: messages follow each other without waiting, within bounds.
    Replicate {
        /// Of each that was not answered yet: the last index, and how many bytes of entries it carries.
        in_flight: VecDeque<(Index, usize)>,
        /// The bytes of all of them.
        bytes: usize,
    },
    /// The follower lacks entries that are gone: it gets a snapshot, one piece after the other.
    Snapshot {
        /// The last entry that the snapshot covers.
        last_included: LogPosition,
        /// Where the piece begins that is under way.
        offset: u64,
        /// So many heartbeats ago the piece was sent, or the one before was answered.
        heartbeats: u32,
    },
}

/// After so many heartbeats a piece of a snapshot is sent again. The follower must get it on its disk
/// before it can answer.
const PATIENCE: u32 = 10;

/// A follower that has not got further for this many heartbeats is not waited for.
const GIVE_UP: u32 = 10 * PATIENCE;

impl Progress {
    /// Nothing is known of the follower yet, but its log may well end where the leader's does.
    pub(crate) fn new(leader_last: Index, now: Instant) -> Progress {
        Progress {
            match_index: Index(0),
            next_index: leader_last.next(),
            sending: Sending::Probe { waits: false, asks_only: false },
            answered_round: 0,
            heard: now,
            catching_up: CatchingUp { began: now, end: leader_last, was_fast: false },
            start: None,
            matched_in: None,
            lost: None,
            stalled: None,
            leaves: None,
        }
    }

    /// The data folder that these are the replies of.
    pub fn incarnation(&self) -> Option<Incarnation> {
        self.start.map(|start| start.incarnation)
    }

    /// A reply comes from this start of the follower's data folder. With another folder it is another server, of which
    /// nothing is known yet.
    pub(crate) fn note_start(&mut self, start: Option<Start>, leader_last: Index, now: Instant) {
        let incarnation = start.map(|start| start.incarnation);
        if self.start.is_some() && self.incarnation() != incarnation {
            *self = Progress { leaves: self.leaves, ..Progress::new(leader_last, now) };
        }
        self.start = start;
    }

    /// If the follower has lost entries that it had acknowledged: the last of them.
    pub fn lost(&self) -> Option<Index> {
        self.lost
    }

    /// A later start of the follower's folder says that its log agrees only up to `may_agree` with what comes before
    /// `prev_log_index`. If an earlier start had acknowledged more, the follower has lost it. Tells whether it has.
    pub(crate) fn note_denial(&mut self, prev_log_index: Index, may_agree: Index) -> bool {
        let is_later = self.start.zip(self.matched_in).is_some_and(|(now, then)| now.number > then.number);
        let has_lost = is_later && prev_log_index >= self.match_index && may_agree < self.match_index;
        if has_lost {
            self.lost = Some(self.match_index);
            self.match_index = Index(0);
        }
        has_lost
    }

    /// When the follower was last heard, or when the leader began to listen.
    pub fn heard(&self) -> Instant {
        self.heard
    }

    pub(crate) fn note_heard(&mut self, now: Instant) {
        self.heard = now;
    }

    /// Did the follower need less than `patience` for the last round, and has the present one not lasted longer?
    pub(crate) fn has_caught_up(&self, now: Instant, patience: Duration) -> bool {
        self.catching_up.was_fast && now.since(self.catching_up.began) < patience
    }

    /// Looks whether a round is over; the leader's log ends at `last` now. Tells whether the follower has caught up
    /// by that, after it had not before.
    pub(crate) fn note_round_of_entries(&mut self, last: Index, now: Instant, patience: Duration) -> bool {
        if self.match_index < self.catching_up.end {
            return false;
        }
        let had = self.has_caught_up(now, patience);
        let was_fast = now.since(self.catching_up.began) < patience;
        self.catching_up = CatchingUp { began: now, end: last, was_fast };
        was_fast && !had
    }

    /// As far as this the follower's log is known to agree with the leader's.
    pub fn match_index(&self) -> Index {
        self.match_index
    }

    /// The next entry that the leader will send.
    pub fn next_index(&self) -> Index {
        self.next_index
    }

    /// The latest round in which the follower has said that it follows.
    pub(crate) fn answered_round(&self) -> u64 {
        self.answered_round
    }

    pub(crate) fn note_answer(&mut self, round: u64) {
        self.answered_round = self.answered_round.max(round);
    }

    /// Is there room for one more message with entries?
    pub(crate) fn may_send(&self, limits: &Limits) -> bool {
        match &self.sending {
            Sending::Probe { waits, .. } => !waits,
            Sending::Replicate { in_flight, bytes } => {
                in_flight.len() < limits.messages_in_flight && *bytes < limits.bytes_in_flight.max(1)
            }
            Sending::Snapshot { .. } => false,
        }
    }

    /// Should the next message go without entries, to ask where the logs agree?
    pub(crate) fn asks_only(&self) -> bool {
        matches!(self.sending, Sending::Probe { asks_only: true, .. })
    }

    /// A message that ends at `last`, with so many bytes of entries, is on its way. What it carries is taken for
    /// received until an answer tells otherwise, once the logs are known to agree.
    pub(crate) fn note_sent(&mut self, last: Index, size: usize) {
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

    /// A heartbeat interval is over. Has something been sent that was not answered yet, and should be sent
    /// again?
    pub(crate) fn is_overdue(&mut self) -> bool {
        if let Some(heartbeats) = &mut self.stalled {
            *heartbeats = heartbeats.saturating_add(1);
        }
        match &mut self.sending {
            Sending::Probe { waits, .. } => *waits,
            Sending::Replicate { in_flight, .. } => !in_flight.is_empty(),
            Sending::Snapshot { heartbeats, .. } => {
                *heartbeats += 1;
                *heartbeats % PATIENCE == 0
            }
        }
    }

    /// From now on the follower gets this snapshot.
    pub(crate) fn begin_snapshot(&mut self, last_included: LogPosition) {
        self.sending = Sending::Snapshot { last_included, offset: 0, heartbeats: 0 };
        self.stalled = Some(0);
    }

    /// Is a snapshot on its way to the follower, which gets on with it?
    pub(crate) fn is_taking_snapshot(&self) -> bool {
        self.is_getting_on() && self.snapshot().is_some()
    }

    /// If the follower has got a snapshot, and gets on with what comes after it in the log: what it has of that.
    pub(crate) fn has_since_snapshot(&self) -> Option<Index> {
        (self.is_getting_on() && self.snapshot().is_none()).then_some(self.match_index)
    }

    fn is_getting_on(&self) -> bool {
        self.stalled.is_some_and(|heartbeats| heartbeats < GIVE_UP)
    }

    fn note_getting_on(&mut self) {
        self.stalled = self.stalled.map(|_| 0);
    }

    /// All of the log has been sent. If the follower replicates it, it has all it needs, or it is on its way.
    pub(crate) fn note_all_sent(&mut self) {
        if matches!(self.sending, Sending::Replicate { .. }) {
            self.stalled = None;
        }
    }

    /// If the follower gets a snapshot: which one, and where the piece begins that is under way.
    pub fn snapshot(&self) -> Option<(LogPosition, u64)> {
        match &self.sending {
            Sending::Snapshot { last_included, offset, .. } => Some((*last_included, *offset)),
            _ => None,
        }
    }

    /// A piece was read and can be sent, if the follower still gets that snapshot. A snapshot that is
    /// shorter than was thought is read from its beginning.
    pub(crate) fn note_chunk_sent(&mut self, chunk: &Chunk) -> bool {
        match &mut self.sending {
            Sending::Snapshot { last_included, offset, .. } if *last_included == chunk.last_included => {
                *offset = chunk.offset;
                true
            }
            _ => false,
        }
    }

    /// The follower answers to the piece that began at `asked`: it has so many bytes. Tells whether that is
    /// about the piece that is under way, so that another one is to be sent.
    pub(crate) fn note_chunk_received(&mut self, about: LogPosition, asked: u64, bytes: u64) -> bool {
        match &mut self.sending {
            Sending::Snapshot { last_included, offset, heartbeats }
                if (*last_included, *offset) == (about, asked) && bytes != asked =>
            {
                (*offset, *heartbeats) = (bytes, 0);
                self.note_getting_on();
                true
            }
            _ => false,
        }
    }

    /// The answer to a probe may be lost: it may be sent again.
    pub(crate) fn retry(&mut self) {
        if let Sending::Probe { waits, .. } = &mut self.sending {
            *waits = false;
        }
    }

    /// The follower's log agrees up to `index`. Tells whether that is news.
    pub(crate) fn note_match(&mut self, index: Index) -> bool {
        let is_news = index > self.match_index;
        if is_news {
            self.matched_in = self.start;
            self.note_getting_on();
        }
        self.match_index = self.match_index.max(index);
        match &mut self.sending {
            // Another answer than the one to the probe that is under way tells nothing about it.
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
    /// Tells whether the leader goes back: an answer that is too old to matter changes nothing.
    pub(crate) fn note_mismatch(&mut self, prev_log_index: Index, may_agree: LogPosition) -> bool {
        let is_current = match &self.sending {
            Sending::Probe { .. } => prev_log_index == self.next_index.previous(),
            Sending::Replicate { .. } => true,
            Sending::Snapshot { .. } => false,
        };
        // Where it has agreed before, a follower that tells the truth has not found a mismatch since.
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
        progress.note_match(Index(match_index));
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
        progress.note_sent(Index(6), 10);
        assert!(!progress.may_send(&window(9)));
        assert_eq!(progress.next_index(), Index(6), "what a probe carries may not have been taken");
        progress.retry();
        assert!(progress.may_send(&window(9)));
        assert!(progress.note_match(Index(6)));
        assert_eq!((progress.match_index(), progress.next_index()), (Index(6), Index(7)));
    }

    #[test]
    fn replication_does_not_wait_but_has_bounds() {
        let mut progress = replicating(0);
        for index in 1..=3 {
            assert!(progress.may_send(&window(3)));
            progress.note_sent(Index(index), 10);
        }
        assert!(!progress.may_send(&window(3)));
        progress.note_match(Index(1));
        assert!(progress.may_send(&window(3)));
    }

    #[test]
    fn bytes_on_the_way_have_a_bound_that_one_message_may_pass() {
        let limits = Limits { bytes_in_flight: 25, ..Limits::default() };
        let mut progress = replicating(0);
        progress.note_sent(Index(1), 1_000);
        assert!(!progress.may_send(&limits));
        progress.note_match(Index(1));
        for index in 2..=4 {
            assert!(progress.may_send(&limits));
            progress.note_sent(Index(index), 10);
        }
        assert!(!progress.may_send(&limits));
        progress.note_match(Index(2));
        assert!(progress.may_send(&limits));
    }

    #[test]
    fn a_snapshot_goes_on_where_the_follower_says() {
        let piece =
            |offset: u64| Chunk { last_included: agree(9), offset, bytes: [0; 10].into(), is_last: false };
        let mut progress = Progress::new(Index(20), Instant::START);
        progress.begin_snapshot(agree(9));
        assert!(!progress.may_send(&window(9)));
        assert!(progress.note_chunk_sent(&piece(0)));
        assert!(progress.note_chunk_received(agree(9), 0, 10));
        assert!(!progress.note_chunk_received(agree(9), 0, 10), "that was said already");
        assert!(!progress.note_chunk_received(agree(8), 10, 20), "that is about another snapshot");
        assert_eq!(progress.snapshot(), Some((agree(9), 10)));
        assert!(progress.note_chunk_received(agree(9), 10, 0), "the follower has forgotten it");
        assert_eq!((1..=20).filter(|_| progress.is_overdue()).count(), 2);
        progress.note_match(Index(8));
        assert!(progress.snapshot().is_some());
        progress.note_match(Index(9));
        assert_eq!((progress.snapshot(), progress.next_index()), (None, Index(21)));
    }

    #[test]
    fn old_answers_change_nothing() {
        let mut progress = replicating(5);
        assert!(!progress.note_match(Index(3)));
        assert_eq!(progress.match_index(), Index(5));
        assert!(!progress.note_mismatch(Index(4), agree(2)), "as far as that the logs agree");
        let mut probe = Progress::new(Index(9), Instant::START);
        assert!(!probe.note_mismatch(Index(4), agree(2)), "that is not the probe that is under way");
        assert!(probe.note_mismatch(Index(9), agree(2)));
        assert_eq!(probe.next_index(), Index(3));
    }

    #[test]
    fn a_follower_that_takes_back_what_it_said_is_not_sent_to_without_end() {
        let mut progress = replicating(5);
        progress.note_sent(Index(8), 10);
        assert!(progress.note_mismatch(Index(8), agree(2)));
        progress.note_sent(Index(5), 10);
        assert!(!progress.note_mismatch(Index(5), agree(2)));
        assert!(!progress.may_send(&window(9)), "only a retry asks again");
    }

    #[test]
    fn a_mismatch_goes_back_but_not_behind_what_agrees() {
        let mut progress = replicating(5);
        progress.note_sent(Index(8), 10);
        assert!(progress.note_mismatch(Index(8), agree(3)));
        assert_eq!(progress.next_index(), Index(6));
        let mut probe = Progress::new(Index(9), Instant::START);
        probe.note_mismatch(Index(9), agree(9));
        assert_eq!(probe.next_index(), Index(9), "at least one further back, or it would never end");
        assert!(
            !Progress::new(Index(9), Instant::START).note_mismatch(Index(u64::MAX), agree(2)),
            "impossible"
        );
    }
}
