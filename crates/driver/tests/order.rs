//! Decide, save, then speak: whatever a driver says, the disk knows already.

use consensus::event::What;
use consensus::{
    AppendEntries, AppendOutcome, Chunk, Config, Credentials, Entry, EveryRule, Index, InstallSnapshot,
    Instant, Limits, LogPosition, Membership, Message, NodeId, Origin, Payload, Profile, RequestVote, Term,
    Timing,
};
use driver::{Driver, Effects, Envelope, Outcome, RequestId, Telling, WriteOutcome};
use std::collections::BTreeMap;
use std::sync::Arc;
use storage::Recovered;
use trace::{Event, EventId, Io, Record};

fn start(effects: &mut Effects<()>) -> Driver<()> {
    start_telling(Telling::Events, effects)
}

fn start_telling(telling: Telling, effects: &mut Effects<()>) -> Driver<()> {
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
    Driver::start(config, new, (), EveryRule, telling, effects)
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

/// So many entries of a leader, from the first on.
fn entries(term: Term, count: usize) -> Envelope {
    let entries = vec![Entry { term, payload: Payload::NoOp }; count];
    envelope(Message::AppendEntries(AppendEntries { entries, ..append_entries(term) }))
}

fn place(records: &[Record], is_it: impl Fn(&Io) -> bool) -> usize {
    let matches = |record: &Record| matches!(&record.event, Event::Io(io) if is_it(io));
    records.iter().position(matches).expect("it was recorded")
}

#[test]
fn a_vote_is_not_told_before_it_is_saved() {
    let mut effects = Effects::default();
    let mut driver = start(&mut effects);
    driver.receive(Instant::START, vote_request(), &mut effects);
    let batch = effects.save.take().expect("the vote is to be saved");
    assert_eq!(batch.hard_state.unwrap().voted_for, Some(NodeId(2)));
    assert!(effects.envelopes.is_empty(), "the answer waits for the disk");

    driver.saved(Instant::START, &mut effects);
    assert!(effects.save.is_none());
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
    driver.receive(Instant::START, vote_request(), &mut effects);
    effects.save.take().expect("the vote is to be saved");
    driver.receive(Instant::START, entries(Term(2), 1), &mut effects);
    driver.receive(Instant::START, entries(Term(2), 2), &mut effects);
    assert!(effects.save.is_none(), "one save at a time");

    driver.saved(Instant::START, &mut effects);
    assert_eq!(effects.envelopes.len(), 1, "the vote is on disk, the entries are not");
    let batch = effects.save.take().expect("now the entries are to be saved");
    assert_eq!(batch.hard_state.unwrap().current_term, Term(2));
    assert_eq!(batch.append.unwrap().entries.len(), 2, "together");
    driver.saved(Instant::START, &mut effects);
    assert_eq!(effects.envelopes.len(), 2);
}

/// The leader of a new term sends a snapshot that reaches into it, while the disk is busy. Were the snapshot on disk first, a crash
/// would leave a server with entries of a term that it does not know.
#[test]
fn a_snapshot_waits_until_its_term_is_saved() {
    let mut effects = Effects::default();
    let mut driver = start(&mut effects);
    driver.receive(Instant::START, vote_request(), &mut effects);
    effects.save.take().expect("the vote is to be saved");
    let last_included = LogPosition { index: Index(9), term: Term(2) };
    let bytes: Arc<[u8]> = vec![0; 3].into();
    let chunk = Chunk { last_included, offset: 0, bytes, is_last: false };
    let snapshot = InstallSnapshot { term: Term(2), chunk: chunk.clone() };
    driver.receive(Instant::START, envelope(Message::InstallSnapshot(snapshot)), &mut effects);
    assert_eq!(effects.store_chunk, None, "term 2 is not even on its way to the disk");

    driver.saved(Instant::START, &mut effects);
    let batch = effects.save.take().expect("now the new term is to be saved");
    assert_eq!(batch.hard_state.unwrap().current_term, Term(2));
    assert_eq!(effects.store_chunk, None, "it is on its way, and not there yet");
    driver.saved(Instant::START, &mut effects);
    assert_eq!(effects.store_chunk.take(), Some(chunk));
}

/// A save waits for room. What gives room must not wait for that save.
#[test]
fn on_a_full_disk_the_log_forgets_before_the_save_that_waits() {
    let mut effects = Effects::default();
    let mut driver = start(&mut effects);
    let term = lead(&mut driver, &mut effects);
    let now = driver.next_deadline();
    driver.saved(now, &mut effects);
    let matched = AppendOutcome::Matched { match_index: Index(1) };
    let reply = consensus::AppendEntriesReply { term, outcome: matched, round: 0 };
    driver.receive(now, envelope(Message::AppendEntriesReply(reply)), &mut effects);
    driver.apply(now, 99, &mut effects);
    effects.save = None;
    driver.propose(now, vec![(RequestId(1), b"x".as_slice().into())], &mut effects);
    assert!(effects.save.is_some());
    driver.disk_full(now, &mut effects);
    driver.take_snapshot(now, &mut effects);
    let (covered, _) = effects.take_snapshot.take().expect("a snapshot gives room");
    assert_eq!(covered, LogPosition { index: Index(1), term });
    driver.snapshot_taken(now, covered, &mut effects);
    assert_eq!(effects.forget, Some(covered));

    effects.save = None;
    driver.disk_has_room(now, &mut effects);
    driver.saved(now, &mut effects);
    assert_eq!(effects.save, None, "that is done");
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
    driver.receive(Instant::START, request(9, 0, 1), &mut effects);
    driver.receive(Instant::START, request(0, 3, 2), &mut effects);
    driver.receive(Instant::START, request(3, 2, 3), &mut effects);
    for round in 4..1000 {
        driver.receive(Instant::START, request(5, 0, round), &mut effects);
        // It comes late, and knows less.
        driver.receive(Instant::START, request(3, 1, 2), &mut effects);
        driver.receive(Instant::START, request(9, 0, round), &mut effects);
    }
    assert_eq!(answers(&effects), [], "nothing goes before what it rests on is saved");

    let mismatch = |may_agree: u64| AppendOutcome::Mismatch {
        prev_log_index: Index(9),
        may_agree: LogPosition { index: Index(may_agree), term: Term(u64::from(may_agree > 0)) },
    };
    driver.saved(Instant::START, &mut effects);
    assert_eq!(answers(&effects), [(mismatch(0), 1)], "the entries are not saved yet");
    effects.envelopes.clear();
    let batch = effects.save.take().expect("now the entries are to be saved");
    assert_eq!(batch.append.unwrap().entries.len(), 5);
    driver.saved(Instant::START, &mut effects);
    let matched = AppendOutcome::Matched { match_index: Index(5) };
    assert_eq!(answers(&effects), [(matched, 999), (mismatch(5), 999)], "the newest of each kind");
}

#[test]
fn a_client_is_answered_for_its_own_entry() {
    let mut effects = Effects::default();
    let mut driver = start(&mut effects);
    let command: Arc<[u8]> = b"x = 1".as_slice().into();
    driver.propose(Instant::START, vec![(RequestId(7), command.clone())], &mut effects);
    assert_eq!(
        effects.outcomes.pop(),
        Some((RequestId(7), Outcome::Write(WriteOutcome::NotLeader { leader: None })))
    );

    let term = lead(&mut driver, &mut effects);
    driver.propose(Instant::START, vec![(RequestId(8), command.clone())], &mut effects);
    driver.propose(Instant::START, vec![(RequestId(9), command)], &mut effects);
    assert!(effects.outcomes.is_empty());
    // Another leader keeps the first of the two, and replaces the second.
    let replaced = AppendEntries {
        prev_log_index: Index(2),
        prev_log_term: term,
        entries: vec![Entry { term: term.next(), payload: Payload::NoOp }],
        leader_commit: Index(3),
        ..append_entries(term.next())
    };
    driver.receive(Instant::START, envelope(Message::AppendEntries(replaced)), &mut effects);
    assert!(driver.needs_apply());
    driver.apply(Instant::START, 99, &mut effects);
    let done = WriteOutcome::Applied { index: Index(2), answer: () };
    let outcomes = [(8, done), (9, WriteOutcome::Replaced)];
    let outcomes = outcomes.map(|(id, outcome)| (RequestId(id), Outcome::Write(outcome)));
    assert_eq!(effects.outcomes, outcomes);
}

fn lead(driver: &mut Driver<()>, effects: &mut Effects<()>) -> Term {
    driver.tick(driver.next_deadline(), effects);
    effects.save.take().expect("a candidacy is saved");
    driver.saved(driver.next_deadline(), effects);
    let term = driver.node().hard_state().current_term;
    let yes = consensus::RequestVoteReply { term, vote_granted: true };
    driver.receive(driver.next_deadline(), envelope(Message::RequestVoteReply(yes)), effects);
    term
}

#[test]
fn every_effect_leads_back_to_its_cause() {
    let mut effects = Effects::default();
    let mut driver = start(&mut effects);
    driver.receive(Instant::START, vote_request(), &mut effects);
    driver.saved(Instant::START, &mut effects);

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
    driver.tick(driver.next_deadline(), &mut effects);
    assert_eq!(effects.records[begun].cause, timer);
}

/// A server that nobody watches writes hardly anything down, and still every message of it can be named as a cause.
#[test]
fn what_nobody_wants_to_know_keeps_its_name() {
    let told = [Telling::Least, Telling::Events].map(|telling| {
        let mut effects = Effects::default();
        let mut driver = start_telling(telling, &mut effects);
        driver.receive(Instant::START, vote_request(), &mut effects);
        effects.save.take().expect("the vote is to be saved");
        driver.saved(Instant::START, &mut effects);
        let in_its_own_name = Envelope { from: NodeId(1), ..vote_request() };
        driver.receive(Instant::START, in_its_own_name, &mut effects);
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
