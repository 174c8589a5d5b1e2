//! Decide, save, then send: whatever a driver sends is on disk already.

extern crate raft_for_beginners_driver as driver;

use consensus::event::What;
use consensus::{
    AppendEntries, AppendOutcome, Batch, Chunk, Config, Credentials, Entry, EveryRule, Index,
    InstallSnapshot, Instant, Limits, LogPosition, Membership, Message, NodeId, Origin, Payload, Profile,
    RequestVote, Term, Timing,
};
use driver::{DiskJob, Driver, Effects, Envelope, Input, Outcomes, RequestId, TraceLevel, WriteOutcome};
use std::collections::BTreeMap;
use std::sync::Arc;
use storage::Recovered;
use trace::{Event, EventId, Io, Record};

fn start(effects: &mut Effects<()>) -> Driver<()> {
    start_at_level(TraceLevel::Events, effects)
}

fn start_at_level(trace_level: TraceLevel, effects: &mut Effects<()>) -> Driver<()> {
    let config = Config {
        id: NodeId(1),
        membership: Membership::of_voters((1..=3).map(NodeId)).into(),
        credentials: Credentials::default(),
        timing: Timing::default(),
        limits: Limits { bytes_behind_snapshot: 0, ..Limits::default() },
        lease: None,
        profile: Profile::PAPER,
        seed: 1,
    };
    let new = Recovered { life: 1, ..Recovered::default() };
    Driver::start(config, new, (), EveryRule, trace_level, effects)
}

fn envelope(message: Message) -> Envelope {
    let sent_as = EventId { node: NodeId(2), life: 1, seq: 9 };
    Envelope { from: NodeId(2), to: NodeId(1), sent_as, origin: Origin::default(), message }
}

fn vote_request() -> Envelope {
    let request =
        RequestVote { term: Term(1), last_log_index: Index(0), last_log_term: Term(0), by_transfer: false };
    envelope(Message::RequestVote(request))
}

fn append_entries(term: Term) -> AppendEntries {
    let (prev_log_index, prev_log_term) = (Index(0), Term(0));
    let (entries, leader_commit) = (Vec::new(), Index(0));
    AppendEntries { term, prev_log_index, prev_log_term, entries, leader_commit, round: 0 }
}

/// This number of entries from a leader, beginning with the first.
fn entries(term: Term, count: usize) -> Envelope {
    let entries = vec![Entry { term, payload: Payload::NoOp }; count];
    envelope(Message::AppendEntries(AppendEntries { entries, ..append_entries(term) }))
}

/// Takes out the batch that must be saved.
fn save(effects: &mut Effects<()>) -> Option<Batch> {
    let place = effects.disk.iter().position(|job| matches!(job, DiskJob::Save(_)))?;
    let DiskJob::Save(batch) = effects.disk.remove(place) else { unreachable!("that is there") };
    Some(batch)
}

/// Takes out the chunk of a leader's snapshot that must be stored.
fn chunk_to_store(effects: &mut Effects<()>) -> Option<Chunk> {
    let place = effects.disk.iter().position(|job| matches!(job, DiskJob::Store(_)))?;
    let DiskJob::Store(chunk) = effects.disk.remove(place) else { unreachable!("that is there") };
    Some(chunk)
}

fn place(records: &[Record], is_it: impl Fn(&Io) -> bool) -> usize {
    let matches = |record: &Record| matches!(&record.event, Event::Io(io) if is_it(io));
    records.iter().position(matches).expect("it was recorded")
}

#[test]
fn a_vote_is_not_sent_before_it_is_saved() {
    let mut effects = Effects::default();
    let mut driver = start(&mut effects);
    driver.step(Instant::START, vote_request().into(), &mut effects);
    let batch = save(&mut effects).expect("the vote is to be saved");
    assert_eq!(batch.hard_state.unwrap().voted_for, Some(NodeId(2)));
    assert!(effects.envelopes.is_empty(), "the answer waits for the disk");

    driver.step(Instant::START, Input::Saved, &mut effects);
    assert_eq!(save(&mut effects), None);
    let answers: Vec<NodeId> = effects.envelopes.iter().map(|envelope| envelope.to).collect();
    assert_eq!(answers, [NodeId(2)]);
    let saved = place(&effects.records, |io| matches!(io, Io::Saved { .. }));
    let sent = place(&effects.records, |io| matches!(io, Io::Sent { .. }));
    assert!(saved < sent);
}

#[test]
fn what_is_decided_during_a_save_waits_for_the_next_one() {
    let mut effects = Effects::default();
    let mut driver = start(&mut effects);
    driver.step(Instant::START, vote_request().into(), &mut effects);
    save(&mut effects).expect("the vote is to be saved");
    driver.step(Instant::START, entries(Term(2), 1).into(), &mut effects);
    driver.step(Instant::START, entries(Term(2), 2).into(), &mut effects);
    assert_eq!(save(&mut effects), None, "one save at a time");

    driver.step(Instant::START, Input::Saved, &mut effects);
    assert_eq!(effects.envelopes.len(), 1, "the vote is on disk, the entries are not");
    let batch = save(&mut effects).expect("now the entries are to be saved");
    assert_eq!(batch.hard_state.unwrap().current_term, Term(2));
    assert_eq!(batch.append.unwrap().entries.len(), 2, "together");
    driver.step(Instant::START, Input::Saved, &mut effects);
    assert_eq!(effects.envelopes.len(), 2);
}

/// The leader of a new term sends a snapshot that reaches into it, while the disk is busy. If the snapshot
/// were on disk first, a crash would leave a server with entries of a term that it does not know.
#[test]
fn a_snapshot_waits_until_its_term_is_saved() {
    let mut effects = Effects::default();
    let mut driver = start(&mut effects);
    driver.step(Instant::START, vote_request().into(), &mut effects);
    save(&mut effects).expect("the vote is to be saved");
    let last_included = LogPosition { index: Index(9), term: Term(2) };
    let bytes: Arc<[u8]> = vec![0; 3].into();
    let chunk = Chunk { last_included, offset: 0, bytes, is_last: false };
    let snapshot = InstallSnapshot { term: Term(2), chunk: chunk.clone() };
    driver.step(Instant::START, envelope(Message::InstallSnapshot(snapshot)).into(), &mut effects);
    assert_eq!(chunk_to_store(&mut effects), None, "term 2 is not even on its way to the disk");

    driver.step(Instant::START, Input::Saved, &mut effects);
    let batch = save(&mut effects).expect("now the new term is to be saved");
    assert_eq!(batch.hard_state.unwrap().current_term, Term(2));
    assert_eq!(chunk_to_store(&mut effects), None, "it is on its way, and not there yet");
    driver.step(Instant::START, Input::Saved, &mut effects);
    assert_eq!(chunk_to_store(&mut effects), Some(chunk));
}

/// A save waits for space. What frees space must not wait for that save.
#[test]
fn on_a_full_disk_the_log_forgets_before_the_save_that_waits() {
    let mut effects = Effects::default();
    let mut driver = start(&mut effects);
    let term = lead(&mut driver, &mut effects);
    let now = driver.next_deadline();
    driver.step(now, Input::Saved, &mut effects);
    let matched = AppendOutcome::Matched { match_index: Index(1) };
    let reply = consensus::AppendEntriesReply { term, outcome: matched, round: 0 };
    driver.step(now, envelope(Message::AppendEntriesReply(reply)).into(), &mut effects);
    driver.step(now, Input::Apply { at_most: 99 }, &mut effects);
    effects.disk.clear();
    driver.step(now, Input::propose([(RequestId(1), b"x".as_slice().into())]), &mut effects);
    assert!(save(&mut effects).is_some());
    driver.step(now, Input::DiskFull, &mut effects);
    driver.step(now, Input::TakeSnapshot, &mut effects);
    let covered = LogPosition { index: Index(1), term };
    let jobs: Vec<DiskJob<()>> = effects.disk.drain(..).collect();
    assert!(
        matches!(jobs[..], [DiskJob::Snapshot { last_included, .. }] if last_included == covered),
        "a snapshot gives room: {jobs:?}"
    );
    driver.step(now, Input::SnapshotTaken { last_included: covered }, &mut effects);
    let jobs: Vec<DiskJob<()>> = effects.disk.drain(..).collect();
    assert!(matches!(jobs[..], [DiskJob::Forget(position)] if position == covered), "{jobs:?}");

    driver.step(now, Input::DiskHasRoom, &mut effects);
    driver.step(now, Input::Saved, &mut effects);
    assert_eq!(save(&mut effects), None, "that is done");
    assert_eq!(driver.node().persisted_log(), Index(2));
}

fn answers(effects: &Effects<()>) -> Vec<(AppendOutcome, u64)> {
    let answer = |envelope: &Envelope| match &envelope.message {
        Message::AppendEntriesReply(answer) => Some((answer.outcome.clone(), answer.round)),
        _ => None,
    };
    effects.envelopes.iter().filter_map(answer).collect()
}

#[test]
fn a_disk_that_stands_still_gathers_no_answers() {
    let mut effects = Effects::default();
    let mut driver = start(&mut effects);
    let request = |prev: u64, count: usize, round: u64| {
        let (prev_log_index, prev_log_term) = (Index(prev), Term(u64::from(prev > 0)));
        let entries = vec![Entry { term: Term(1), payload: Payload::NoOp }; count];
        envelope(Message::AppendEntries(AppendEntries {
            prev_log_index,
            prev_log_term,
            entries,
            round,
            ..append_entries(Term(1))
        }))
    };
    // The first save has the term and three entries; two more wait for the next one, with the heartbeats.
    driver.step(Instant::START, request(9, 0, 1).into(), &mut effects);
    driver.step(Instant::START, request(0, 3, 2).into(), &mut effects);
    driver.step(Instant::START, request(3, 2, 3).into(), &mut effects);
    for round in 4..1000 {
        driver.step(Instant::START, request(5, 0, round).into(), &mut effects);
        // It arrives late, and knows less.
        driver.step(Instant::START, request(3, 1, 2).into(), &mut effects);
        driver.step(Instant::START, request(9, 0, round).into(), &mut effects);
    }
    assert_eq!(answers(&effects), [], "nothing goes before what it rests on is saved");

    let mismatch = |may_agree: u64| AppendOutcome::Mismatch {
        prev_log_index: Index(9),
        may_agree: LogPosition { index: Index(may_agree), term: Term(u64::from(may_agree > 0)) },
    };
    assert_eq!(save(&mut effects).expect("the term is to be saved").append, None);
    driver.step(Instant::START, Input::Saved, &mut effects);
    assert_eq!(answers(&effects), [(mismatch(0), 1)], "the entries are not saved yet");
    effects.envelopes.clear();
    let batch = save(&mut effects).expect("now the entries are to be saved");
    assert_eq!(batch.append.unwrap().entries.len(), 5);
    driver.step(Instant::START, Input::Saved, &mut effects);
    let matched = AppendOutcome::Matched { match_index: Index(5) };
    assert_eq!(answers(&effects), [(matched, 999), (mismatch(5), 999)], "the newest of each kind");
}

#[test]
fn a_client_is_answered_for_its_own_entry() {
    let mut effects = Effects::default();
    let mut driver = start(&mut effects);
    let command: Arc<[u8]> = b"x = 1".as_slice().into();
    driver.step(Instant::START, Input::propose([(RequestId(7), command.clone())]), &mut effects);
    let refused = vec![(RequestId(7), WriteOutcome::NotLeader { leader: None })];
    assert_eq!(std::mem::take(&mut effects.outcomes), Outcomes { writes: refused, ..Outcomes::default() });

    let term = lead(&mut driver, &mut effects);
    driver.step(Instant::START, Input::propose([(RequestId(8), command.clone())]), &mut effects);
    driver.step(Instant::START, Input::propose([(RequestId(9), command)]), &mut effects);
    assert_eq!(effects.outcomes, Outcomes::default());
    // Another leader keeps the first of the two, and replaces the second.
    let replaced = AppendEntries {
        prev_log_index: Index(2),
        prev_log_term: term,
        entries: vec![Entry { term: term.next(), payload: Payload::NoOp }],
        leader_commit: Index(3),
        ..append_entries(term.next())
    };
    driver.step(Instant::START, envelope(Message::AppendEntries(replaced)).into(), &mut effects);
    assert!(driver.needs_apply());
    driver.step(Instant::START, Input::Apply { at_most: 99 }, &mut effects);
    let done = WriteOutcome::Applied { index: Index(2), answer: () };
    let writes = vec![(RequestId(8), done), (RequestId(9), WriteOutcome::Replaced)];
    assert_eq!(effects.outcomes, Outcomes { writes, ..Outcomes::default() });
}

fn lead(driver: &mut Driver<()>, effects: &mut Effects<()>) -> Term {
    driver.step(driver.next_deadline(), Input::Tick, effects);
    save(effects).expect("a candidacy is saved");
    driver.step(driver.next_deadline(), Input::Saved, effects);
    let term = driver.node().hard_state().current_term;
    let yes = consensus::RequestVoteReply { term, vote_granted: true };
    driver.step(driver.next_deadline(), envelope(Message::RequestVoteReply(yes)).into(), effects);
    term
}

#[test]
fn every_effect_leads_back_to_its_cause() {
    let mut effects = Effects::default();
    let mut driver = start(&mut effects);
    driver.step(Instant::START, vote_request().into(), &mut effects);
    driver.step(Instant::START, Input::Saved, &mut effects);

    let records: BTreeMap<EventId, &Record> = effects
        .records
        .iter()
        .map(|record| (record.id().expect("the driver names its events"), record))
        .collect();
    assert_eq!(records.len(), effects.records.len(), "names are unique");
    let mut event = effects.envelopes[0].sent_as;
    while let Some(record) = records.get(&event) {
        event = record.cause.expect("only the request itself has no cause here");
    }
    assert_eq!(event, vote_request().sent_as);
}

#[test]
fn a_timeout_is_caused_by_the_timer_that_ran_out() {
    let mut effects = Effects::default();
    let mut driver = start(&mut effects);
    let timer = effects.records.last().unwrap().id();
    let begun = effects.records.len();
    driver.step(driver.next_deadline(), Input::Tick, &mut effects);
    assert_eq!(effects.records[begun].cause, timer);
}

/// A server without watchers records hardly anything, and still each of its messages can be named as a cause.
#[test]
fn what_is_not_recorded_keeps_its_id() {
    let told = [TraceLevel::Essential, TraceLevel::Events].map(|trace_level| {
        let mut effects = Effects::default();
        let mut driver = start_at_level(trace_level, &mut effects);
        driver.step(Instant::START, vote_request().into(), &mut effects);
        save(&mut effects).expect("the vote is to be saved");
        driver.step(Instant::START, Input::Saved, &mut effects);
        let in_its_own_name = Envelope { from: NodeId(1), ..vote_request() };
        driver.step(Instant::START, in_its_own_name.into(), &mut effects);
        (effects.envelopes, effects.records)
    });
    let [(unwatched, least), (watched, all)] = told;
    assert_eq!(unwatched, watched);
    let is_least = |record: &&Record| match &record.event {
        Event::Decision(decision) => matches!(decision.what, What::Role { .. } | What::Rejected { .. }),
        _ => false,
    };
    assert_eq!(least.iter().collect::<Vec<_>>(), all.iter().filter(is_least).collect::<Vec<_>>());
    assert_eq!(least.len(), 2, "it begins as a follower, and rejects what somebody says in its name");
}
