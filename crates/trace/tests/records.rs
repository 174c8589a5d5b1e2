//! Records as JSON and back, and the story that they make.

extern crate raft_for_beginners_trace as trace;

use consensus::event::{self, Check, Problem, Verdict, What};
use consensus::{
    AppendEntries, AppendEntriesReply, AppendOutcome, CannotChange, Entry, HardState, Index, LogPosition,
    Membership, Message, NodeId, Payload, Profile, Quorum, RequestVote, RequestVoteReply, Retirement,
    RoleKind, Rule, Term,
};
use std::sync::Arc;
use std::time::Duration;
use trace::{
    Answer, ClusterView, Event, EventId, Feed, Io, Laboratory, Process, ProgressView, Record, SlowDisk,
    Trouble, Unsynced, Wish,
};

fn record(node: u64, seq: u64, cause: Option<(u64, u64)>, event: Event) -> Record {
    let id = |(node, seq)| EventId { node: NodeId(node), life: 1, seq };
    let cause = cause.map(id);
    Record {
        t: seq * 1000,
        node: NodeId(node),
        life: 1,
        seq: Some(seq),
        cause,
        term: Term(5),
        event,
        content: None,
    }
}

fn decided(rule: Rule, what: What) -> Event {
    Event::Decision(event::Decision::new(Some(rule), what))
}

/// A learner's answer decided.
fn by_other_answer(rule: Rule, what: What) -> Event {
    Event::Decision(event::Decision { by_other_answer: true, ..event::Decision::new(Some(rule), what) })
}

fn heartbeat() -> Message {
    Message::AppendEntries(AppendEntries {
        term: Term(5),
        prev_log_index: Index(0),
        prev_log_term: Term(0),
        entries: Vec::new(),
        leader_commit: Index(0),
        round: 0,
    })
}

/// This number of a leader's entries, after entry 7.
fn entries(count: usize) -> Message {
    let entry = Entry { term: Term(5), payload: Payload::Command(b"x = 1".as_slice().into()) };
    Message::AppendEntries(AppendEntries {
        term: Term(5),
        prev_log_index: Index(7),
        prev_log_term: Term(4),
        entries: vec![entry; count],
        leader_commit: Index(7),
        round: 1,
    })
}

fn acknowledgement(outcome: AppendOutcome) -> Message {
    Message::AppendEntriesReply(AppendEntriesReply { term: Term(5), outcome, round: 1 })
}

fn request() -> Message {
    Message::RequestVote(RequestVote {
        term: Term(5),
        last_log_index: Index(7),
        last_log_term: Term(4),
        by_transfer: false,
    })
}

fn joint() -> Membership {
    let ids = |ids: [u64; 2]| ids.map(NodeId).into_iter().collect();
    Membership {
        voters: Quorum::Joint { old: ids([1, 2]), new: ids([2, 4]) },
        learners: [NodeId(5)].into(),
        addresses: [(NodeId(4), "127.0.0.1:4004".to_owned())].into(),
        ..Membership::default()
    }
}

fn membership(membership: Membership) -> Event {
    let what = What::Membership { index: Index(9), membership: membership.into() };
    decided(Rule::UseLatestConfiguration, what)
}

fn one_of_each() -> Vec<Event> {
    let log = LogPosition { index: Index(7), term: Term(4) };
    let hard_state = HardState { current_term: Term(5), voted_for: Some(NodeId(3)) };
    vec![
        decided(Rule::StartAsFollower, What::Role { role: RoleKind::Follower, was: None }),
        decided(Rule::NewerTermWins, What::Role { role: RoleKind::Follower, was: Some(RoleKind::Leader) }),
        decided(
            Rule::ElectionTimeout,
            What::Role { role: RoleKind::Candidate, was: Some(RoleKind::Follower) },
        ),
        decided(Rule::MajorityWins, What::Role { role: RoleKind::Leader, was: Some(RoleKind::Candidate) }),
        decided(Rule::PreVote, What::Role { role: RoleKind::PreCandidate, was: Some(RoleKind::Follower) }),
        decided(Rule::PreVote, What::PreVote { candidate: NodeId(3), granted: true }),
        decided(Rule::LeaderStickiness, What::PreVote { candidate: NodeId(3), granted: false }),
        decided(
            Rule::PreVote,
            What::PreTally { voter: NodeId(3), granted: true, votes: 2, needed: 2, of_new: None },
        ),
        Event::Decision(event::Decision::new(None, What::NoVoter)),
        decided(Rule::CheckQuorum, What::QuorumLost { heard: 1, needed: 2 }),
        Event::Decision(event::Decision::new(
            None,
            What::ConnectionLost { leader: NodeId(3), timeout_us: 4_200 },
        )),
        Event::Decision(event::Decision::new(
            None,
            What::ConnectionMade { peer: NodeId(3), timeout_us: 21_000 },
        )),
        Event::Decision(event::Decision::new(None, What::Profile { profile: Profile::PRODUCTION })),
        membership(Membership::of_voters([1, 2, 3].map(NodeId))),
        membership(joint()),
        decided(
            Rule::LearnersCatchUpFirst,
            What::ChangeRefused {
                reason: CannotChange::NotCaughtUp { learner: NodeId(4), has: Index(2), of: Index(9) },
            },
        ),
        decided(Rule::RemovedLeaderStepsDownOnCommit, What::Removed { index: Index(9) }),
        decided(Rule::LearnersCatchUpFirst, What::CaughtUp { learner: NodeId(4) }),
        decided(Rule::TransferWhenCaughtUp, What::TransferBegun { to: NodeId(3) }),
        decided(Rule::TransferWhenCaughtUp, What::AsksToTakeOver { to: NodeId(3) }),
        decided(Rule::TransferWhenCaughtUp, What::AskedToTakeOver { leader: NodeId(3) }),
        decided(Rule::TransferWhenCaughtUp, What::TransferFailed { to: NodeId(3) }),
        Event::Io(Io::Asked { wish: Wish::Change, requests: vec![1] }),
        Event::Io(Io::Answered { request: 1, answer: Answer::Changed { index: Index(9) } }),
        Event::Io(Io::Answered {
            request: 1,
            answer: Answer::Refused { reason: "another change".to_owned() },
        }),
        decided(Rule::NewerTermWins, What::Term { was: Term(4) }),
        decided(Rule::CandidateIncrementsTerm, What::Term { was: Term(4) }),
        decided(Rule::RandomisedTimeout, What::Timer { timeout_us: 231_400 }),
        Event::Decision(event::Decision::new(None, What::Timer { timeout_us: 0 })),
        Event::Decision(event::Decision::new(None, What::Timer { timeout_us: 300_000 })),
        Event::Decision(event::Decision::new(None, What::BackedUp { follower: NodeId(3), next: Index(9) })),
        decided(Rule::ElectionTimeout, What::Timeout { role: RoleKind::Follower }),
        decided(Rule::CandidateRestartsTimer, What::Timeout { role: RoleKind::Candidate }),
        decided(
            Rule::RejectStaleTerm,
            What::Check { check: Check::TermIsCurrent { requested: Term(3) }, holds: false },
        ),
        decided(
            Rule::OneVotePerTerm,
            What::Check { check: Check::NoOtherVote { voted_for: None }, holds: true },
        ),
        decided(
            Rule::UpToDateLog,
            What::Check { check: Check::LogUpToDate { candidate: log, own: log }, holds: true },
        ),
        decided(
            Rule::PreVote,
            What::Check { check: Check::GoesBefore { candidate: NodeId(3), equal_logs: true }, holds: false },
        ),
        decided(
            Rule::ResetTimerOnGrantOnly,
            What::Check { check: Check::NotYetLetGoFirst { candidate: NodeId(3) }, holds: false },
        ),
        decided(Rule::PersistBeforeAnswer, What::Vote { candidate: NodeId(3), granted: true }),
        decided(Rule::OneVotePerTerm, What::Vote { candidate: NodeId(3), granted: false }),
        decided(
            Rule::MajorityWins,
            What::Tally { voter: NodeId(3), granted: true, votes: 2, needed: 2, of_new: None },
        ),
        decided(
            Rule::CommitToLastNew,
            What::OtherAnswer { answer: Verdict::Index(Index(3)), of_raft: Verdict::Index(Index(0)) },
        ),
        decided(
            Rule::TruncateOnlyOnConflict,
            What::OtherAnswer { answer: Verdict::Place(Some(0)), of_raft: Verdict::Place(None) },
        ),
        by_other_answer(Rule::CommitByMajority, What::Committed { index: Index(7) }),
        by_other_answer(Rule::CommitCurrentTermOnly, What::Waits { entry: log }),
        by_other_answer(Rule::ConsistencyCheck, What::Appended { first: Index(6), last: log }),
        decided(Rule::RecogniseLeader, What::Leader { leader: NodeId(3) }),
        decided(Rule::HeartbeatAtOnce, What::Heartbeat),
        decided(Rule::RejectStaleTerm, What::Refused { leader: NodeId(3), stale_term: Term(4) }),
        decided(Rule::IgnoreStaleAnswers, What::Ignored { from: NodeId(3), answer_term: Term(4) }),
        Event::Decision(event::Decision::new(
            None,
            What::Rejected { from: NodeId(9), problem: Problem::SenderIsSelf },
        )),
        Event::Io(Io::Sent { to: NodeId(3), message: request() }),
        Event::Io(Io::Received { from: NodeId(3), message: heartbeat() }),
        Event::Io(Io::Received {
            from: NodeId(3),
            message: Message::RequestVoteReply(RequestVoteReply { term: Term(5), vote_granted: false }),
        }),
        Event::Io(Io::Received {
            from: NodeId(3),
            message: acknowledgement(AppendOutcome::Matched { match_index: Index(7) }),
        }),
        Event::Io(Io::Sent {
            to: NodeId(3),
            message: acknowledgement(AppendOutcome::Mismatch { prev_log_index: Index(9), may_agree: log }),
        }),
        Event::Io(Io::Sent { to: NodeId(3), message: acknowledgement(AppendOutcome::Refused) }),
        Event::Io(Io::Received { from: NodeId(3), message: entries(1) }),
        Event::Io(Io::Received { from: NodeId(3), message: entries(3) }),
        decided(Rule::NoOpOnElection, What::Appended { first: Index(7), last: log }),
        decided(Rule::LeaderAppendOnly, What::Appended { first: Index(6), last: log }),
        decided(Rule::ConsistencyCheck, What::Appended { first: Index(6), last: log }),
        decided(Rule::ConsistencyCheck, What::Mismatch { prev: log, own: LogPosition::default() }),
        decided(Rule::TruncateOnlyOnConflict, What::Truncated { first: Index(7), last: log }),
        decided(Rule::TruncateOnlyOnConflict, What::Truncated { first: Index(5), last: log }),
        decided(Rule::MatchWhatWasSent, What::Matched { follower: NodeId(3), index: Index(7) }),
        decided(Rule::BackUpOnMismatch, What::BackedUp { follower: NodeId(3), next: Index(4) }),
        decided(Rule::OwnDiskCountsWhenSynced, What::Matched { follower: NodeId(2), index: Index(7) }),
        decided(Rule::RetryForever, What::Unanswered { follower: NodeId(3) }),
        decided(Rule::ReadAfterCommitInTerm, What::ReadWaits),
        decided(Rule::CommitCurrentTermOnly, What::Waits { entry: log }),
        decided(Rule::CommitByMajority, What::Committed { index: Index(7) }),
        decided(Rule::CommitToLastNew, What::Committed { index: Index(7) }),
        decided(Rule::ReadConfirmsLeadership, What::RoundBegun { round: 2, index: Index(7), reads: 1 }),
        decided(Rule::ReadConfirmsLeadership, What::RoundBegun { round: 2, index: Index(7), reads: 9 }),
        decided(Rule::ReadConfirmsLeadership, What::RoundWon { round: 2, index: Index(7) }),
        Event::Io(Io::Restored { hard_state, log, snapshot: LogPosition::default(), terms: vec![log] }),
        Event::Io(Io::Saved { hard_state, log: LogPosition::default() }),
        Event::Io(Io::Applied { index: Index(7) }),
        Event::Process(Process::CutOff { what: "32 bytes from byte 96 on".to_owned() }),
        Event::Process(Process::DiskFull { why: Some("no space left".to_owned()) }),
        Event::Process(Process::DiskFull { why: None }),
        Event::Process(Process::SlowDisk {
            slow: SlowDisk::of(Duration::from_millis(500), Duration::from_millis(150)),
        }),
        Event::Process(Process::SlowDisk { slow: None }),
        Event::Process(Process::Started { pid: 4711, address: "127.0.0.1:4001".to_owned() }),
        Event::Process(Process::Stopped),
        Event::Process(Process::Garbage { from: "127.0.0.1:9".to_owned(), problem: "too long".to_owned() }),
        Event::Process(Process::Missed { events: 3 }),
        Event::Laboratory(Laboratory::Died {
            signal: Some(9),
            status: None,
            power_cut: None,
            last_words: String::new(),
        }),
        Event::Laboratory(Laboratory::Died {
            signal: None,
            status: Some(1),
            power_cut: None,
            last_words: "no disk".to_owned(),
        }),
        Event::Laboratory(Laboratory::Died {
            signal: None,
            status: None,
            power_cut: Some(Unsynced::Torn),
            last_words: String::new(),
        }),
        Event::Laboratory(Laboratory::Paused),
        Event::Laboratory(Laboratory::Resumed),
    ]
}

#[test]
fn each_event_survives_its_json() {
    for event in one_of_each() {
        let record = record(2, 1, Some((3, 9)), event);
        let json = record.to_json();
        let again = Record::from_json(&json).unwrap_or_else(|error| panic!("{error}: {json}"));
        assert_eq!(again, record, "{json}");
        assert!(!json.contains('\n'));
    }
}

#[test]
fn json_has_the_documented_fields() {
    let event =
        decided(Rule::MajorityWins, What::Role { role: RoleKind::Leader, was: Some(RoleKind::Candidate) });
    assert_eq!(
        record(2, 117, Some((3, 88)), event).to_json(),
        "{\"t\":117000,\"node\":2,\"life\":1,\"seq\":117,\"cause\":{\"node\":3,\"life\":1,\"seq\":88},\"term\":5,\
         \"rule\":\"majority-wins\",\"event\":\"role\",\"role\":\"leader\",\"was\":\"candidate\",\
         \"why\":\"a majority voted for me: become the leader of term 5\"}"
    );
}

#[test]
fn nonsense_is_no_record() {
    for line in
        ["", "{}", "null", "{\"t\":1}", "{\"t\":1,\"node\":1,\"life\":1,\"term\":1,\"event\":\"dance\"}"]
    {
        assert!(Record::from_json(line).is_err(), "{line}");
    }
}

#[test]
fn each_event_is_told_in_its_own_words() {
    let mut sentences: Vec<String> =
        one_of_each().into_iter().map(|event| trace::english::sentence(&record(2, 1, None, event))).collect();
    let count = sentences.len();
    sentences.sort();
    sentences.dedup();
    assert_eq!(sentences.len(), count, "two events are told alike");
    assert!(sentences.iter().all(|sentence| !sentence.ends_with('.')));
}

#[test]
fn of_what_a_learner_decided_only_facts_are_told() {
    let words = |event| {
        let record = record(1, 2, None, event);
        assert_eq!(record.rule(), None, "Raft's rule has not decided");
        trace::english::sentence(&record)
    };
    let (behind, own) = (position(3, 2), position(2, 4));
    let check = |candidate, holds| What::Check { check: Check::LogUpToDate { candidate, own }, holds };
    assert_eq!(
        words(by_other_answer(Rule::CompareTermBeforeLength, check(behind, true))),
        "its log (entry 3, term 2) is behind mine (entry 2, term 4)"
    );
    assert_eq!(
        words(by_other_answer(Rule::CompareTermBeforeLength, check(position(4, 4), false))),
        "its log (entry 4, term 4) is ahead of mine (entry 2, term 4)"
    );
    let voted = What::Check { check: Check::NoOtherVote { voted_for: Some(NodeId(1)) }, holds: true };
    assert_eq!(words(by_other_answer(Rule::OneVotePerTerm, voted)), "my vote in term 5 went to n1");
    let told = |answer, of_raft| {
        trace::english::sentence(&record(
            1,
            2,
            None,
            decided(Rule::OneVotePerTerm, What::OtherAnswer { answer, of_raft }),
        ))
    };
    assert_eq!(told(Verdict::Bool(true), Verdict::Bool(false)), "your answer says yes where Raft says no");
    assert_eq!(
        told(Verdict::Index(Index(3)), Verdict::Index(Index(0))),
        "your answer says entry 3 where Raft says no entry"
    );
}

#[test]
fn a_power_cut_is_not_a_kill() {
    for (fields, words, lost_power) in [
        (r#""signal":9"#, "killed (SIGKILL): what it wrote to its disk stays there", false),
        (r#""status":1,"last_words":"no disk""#, "the process exited with status 1: no disk", false),
        (r#""power_cut":"lost""#, "power lost: everything not yet synced to disk is gone", true),
        (r#""power_cut":"kept""#, "power lost: what was not yet synced had reached the disk anyway", true),
        (r#""power_cut":"torn""#, "power lost: only part of what was not yet synced reached the disk", true),
    ] {
        let json = format!(r#"{{"t":1,"node":1,"life":1,"term":1,"event":"died",{fields}}}"#);
        let died = Record::from_json(&json).unwrap();
        assert_eq!(trace::english::sentence(&died), words);
        assert!(died.to_json().contains(fields), "{}", died.to_json());
        let mut view = ClusterView::new([NodeId(1)]);
        view.apply(&died);
        assert_eq!(view.server(NodeId(1)).unwrap().lost_power, lost_power);
    }
}

fn story(feed: &mut Feed, records: &[Record]) -> String {
    records.iter().flat_map(|record| feed.tell(record)).map(|line| format!("{line}\n")).collect()
}

#[test]
fn the_feed_leaves_out_heartbeats_until_one_changes_something() {
    let received = |seq| {
        record(2, seq, Some((3, seq)), Event::Io(Io::Received { from: NodeId(3), message: heartbeat() }))
    };
    let restarted = |seq| {
        record(
            2,
            seq,
            Some((2, seq - 1)),
            decided(Rule::ResetTimerOnLeader, What::Timer { timeout_us: 200_000 }),
        )
    };
    let leader =
        record(2, 2, Some((2, 1)), decided(Rule::RecogniseLeader, What::Leader { leader: NodeId(3) }));
    let records = [received(1), leader, restarted(3), received(4), restarted(5)];
    assert_eq!(
        story(&mut Feed::new(), &records),
        "  0.001s n2  ←n3 AppendEntries term 5, heartbeat\n             \
         n3 leads term 5: follow it                                    recognise-leader\n"
    );
    assert_eq!(story(&mut Feed::with_routine(), &records).lines().count(), 5);
}

#[test]
fn what_happens_to_all_servers_is_not_told_of_one() {
    let lab = |seq, event| record(1, seq, None, Event::Laboratory(event));
    let records = [
        lab(1, Laboratory::Paused),
        lab(2, Laboratory::Speed { millionths: 50_000 }),
        lab(3, Laboratory::LinksHealed),
        lab(4, Laboratory::Resumed),
    ];
    let told = story(&mut Feed::new(), &records);
    let whom: Vec<&str> = told.lines().map(|line| &line[9..12]).collect();
    assert_eq!(whom, ["n1 ", "all", "all", "n1 "], "{told}");
    assert!(told.contains("all the servers' clocks run at 0.05× real time"), "{told}");
}

#[test]
fn the_feed_leaves_out_what_has_just_been_said_before() {
    let sent =
        |node, seq, message: Message| record(node, seq, None, Event::Io(Io::Sent { to: NodeId(1), message }));
    let agrees = |index| acknowledgement(AppendOutcome::Matched { match_index: Index(index) });
    let told = |records: &[Record]| story(&mut Feed::new(), records).lines().count();
    assert_eq!(told(&[sent(3, 1, entries(1)), sent(3, 2, entries(1))]), 1, "sent again");
    assert_eq!(told(&[sent(3, 1, entries(1)), sent(3, 2, entries(2))]), 2, "with more");
    let got =
        |seq, message| record(2, seq, Some((3, seq)), Event::Io(Io::Received { from: NodeId(3), message }));
    assert_eq!(told(&[got(1, entries(1)), got(2, entries(1))]), 1, "it comes again, and nothing follows");
    assert_eq!(told(&[got(1, entries(1)), got(2, entries(2))]), 2, "with more");
    assert_eq!(told(&[sent(2, 1, agrees(7)), sent(2, 2, agrees(7)), sent(2, 3, agrees(6))]), 1);
    assert_eq!(told(&[sent(2, 1, agrees(7)), sent(2, 2, agrees(8)), sent(4, 1, agrees(7))]), 3);
}

#[test]
fn a_view_follows_the_records() {
    let mut view = ClusterView::new([NodeId(1), NodeId(2), NodeId(3)]);
    assert_eq!(view.to_string(), "no leader: 0 of 3 running, an election needs 2");
    let mut apply = |node, life, event| {
        view.apply(&Record { life, ..record(node, 1, None, event) });
        view.to_string()
    };
    let started = || Event::Process(Process::Started { pid: 1, address: "127.0.0.1:1".to_owned() });
    let leads =
        || decided(Rule::MajorityWins, What::Role { role: RoleKind::Leader, was: Some(RoleKind::Candidate) });
    let died = || {
        Event::Laboratory(Laboratory::Died {
            signal: Some(9),
            status: None,
            power_cut: None,
            last_words: String::new(),
        })
    };
    apply(1, 1, started());
    assert_eq!(apply(2, 1, started()), "no leader: 2 of 3 running, an election needs 2");
    assert_eq!(apply(2, 1, leads()), "leader n2, term 5");
    assert_eq!(apply(1, 1, died()), "leader n2, term 5: but 1 of 3 running, a majority is 2");
    assert_eq!(
        apply(2, 1, Event::Laboratory(Laboratory::Paused)),
        "no leader: 0 of 3 running, an election needs 2"
    );
    assert_eq!(
        apply(2, 1, Event::Laboratory(Laboratory::Resumed)),
        "leader n2, term 5: but 1 of 3 running, a majority is 2"
    );
    apply(2, 1, died());
    assert_eq!(
        apply(2, 1, leads()),
        "no leader: 0 of 3 running, an election needs 2",
        "a dead server's last words do not bring it back"
    );
    assert_eq!(apply(2, 2, started()), "no leader: 1 of 3 running, an election needs 2");
}

#[test]
fn a_view_knows_whose_data_is_in_trouble() {
    let mut view = ClusterView::new([1, 2, 3].map(NodeId));
    let mut apply = |node, life, what| {
        let event = Event::Decision(event::Decision::new(None, what));
        view.apply(&Record { life, ..record(node, 1, None, event) });
        [1, 2, 3].map(|id| view.server(NodeId(id)).unwrap().trouble)
    };
    let refused_by = |by, problem| What::RefusedBy { by: NodeId(by), problem };
    let rejected = |from, problem| What::Rejected { from: NodeId(from), problem };
    let leads = || What::Role { role: RoleKind::Leader, was: Some(RoleKind::Candidate) };
    let follows = |leader| What::Leader { leader: NodeId(leader) };
    let names = |ids: [u64; 3]| {
        let membership = Arc::new(Membership::of_voters(ids.map(NodeId)));
        What::Membership { index: Index(9), membership }
    };
    let sound = [None, None, None];
    let third_is = |trouble| [None, None, Some(trouble)];
    let refused = third_is(Trouble::Refused);

    assert_eq!(apply(3, 1, refused_by(1, Problem::SecondLeader)), sound, "that is not about its data");
    assert_eq!(apply(1, 1, rejected(3, Problem::OtherData)), sound, "n1 does not lead");
    apply(1, 1, leads());
    apply(2, 1, follows(1));
    assert_eq!(apply(1, 1, refused_by(3, Problem::OtherCluster)), sound, "n1 leads");
    assert_eq!(apply(2, 1, refused_by(3, Problem::OtherCluster)), sound, "n2 has a leader");
    assert_eq!(apply(3, 1, refused_by(1, Problem::OtherData)), refused);
    assert_eq!(apply(3, 1, names([1, 2, 4])), refused, "it names others");
    assert_eq!(apply(3, 1, names([1, 2, 3])), sound, "a configuration names it again");
    assert_eq!(apply(1, 1, rejected(3, Problem::OtherFounders)), refused);
    assert_eq!(apply(3, 1, follows(1)), sound, "it hears a leader");
    assert_eq!(apply(1, 1, rejected(4, Problem::OtherData)), sound, "no n4 was heard of");

    let needs = What::SnapshotNeeded { follower: NodeId(3), next: Index(1), last_included: position(7, 1) };
    assert_eq!(apply(1, 1, needs.clone()), third_is(Trouble::FarBehind));
    let installed = What::SnapshotInstalled { last_included: position(7, 1), removed: None };
    assert_eq!(apply(3, 1, installed), sound);
    apply(1, 1, needs.clone());
    assert_eq!(apply(3, 1, What::Appended { first: Index(1), last: position(1, 1) }), sound);

    let lost = What::LostEntries { follower: NodeId(3), had: Index(9), has: Index(8) };
    assert_eq!(apply(1, 1, lost), third_is(Trouble::LostData));
    apply(3, 1, refused_by(1, Problem::OtherData));
    apply(1, 1, needs);
    apply(3, 1, names([1, 2, 3]));
    assert_eq!(apply(3, 1, follows(1)), third_is(Trouble::LostData), "its data is still lost");
    assert_eq!(apply(3, 2, What::NoVoter), sound, "it starts again");
    let older = What::Retired { retirement: Retirement::OlderCopy };
    assert_eq!(apply(3, 2, older), third_is(Trouble::OlderCopy));
    apply(3, 3, What::NoVoter);
    let lost = What::Retired { retirement: Retirement::LostEntries(Index(9)) };
    assert_eq!(apply(3, 3, lost), third_is(Trouble::LostData));
}

/// What is known about the logs of n1, n2 and n3, entry by entry, with a bar after the last committed one.
fn logs(view: &ClusterView) -> [String; 3] {
    [1, 2, 3].map(|id| {
        let log = &view.server(NodeId(id)).unwrap().log;
        let indexes = log.begins_after().0 + 1..=log.last_index().0;
        let entry = |index| {
            let bar = if log.commit_index() == Index(index) { "|" } else { "" };
            format!("{}{bar}", log.term_at(Index(index)).unwrap())
        };
        indexes.map(entry).collect::<Vec<String>>().join(" ")
    })
}

fn position(index: u64, term: u64) -> LogPosition {
    LogPosition { index: Index(index), term: Term(term) }
}

#[test]
fn a_view_knows_the_logs_and_what_the_leader_knows_of_them() {
    let mut view = ClusterView::new([1, 2, 3].map(NodeId));
    let mut apply = |node, event| {
        view.apply(&record(node, 1, None, event));
        view.clone()
    };
    let hard_state = HardState { current_term: Term(2), voted_for: None };
    let snapshot = LogPosition::default();
    let restored =
        |terms: &[LogPosition], log| Io::Restored { hard_state, log, snapshot, terms: terms.to_vec() };
    apply(1, Event::Io(restored(&[position(1, 1), position(3, 2)], position(4, 2))));
    let view_of_both = apply(2, Event::Io(restored(&[position(1, 1)], position(3, 1))));
    assert_eq!(logs(&view_of_both), ["1 1 2 2", "1 1 1", ""]);

    let leads = What::Role { role: RoleKind::Leader, was: Some(RoleKind::Candidate) };
    apply(1, decided(Rule::MajorityWins, leads));
    let no_op = What::Appended { first: Index(5), last: position(5, 5) };
    apply(1, decided(Rule::NoOpOnElection, no_op));
    let entry = |term| Entry { term: Term(term), payload: Payload::NoOp };
    let request = AppendEntries {
        term: Term(5),
        prev_log_index: Index(1),
        prev_log_term: Term(1),
        entries: [1, 2, 2, 5].map(entry).to_vec(),
        leader_commit: Index(2),
        round: 0,
    };
    let message = Message::AppendEntries(request);
    apply(1, Event::Io(Io::Sent { to: NodeId(2), message: message.clone() }));
    apply(2, Event::Io(Io::Received { from: NodeId(1), message }));
    let conflict = What::Truncated { first: Index(3), last: position(3, 1) };
    apply(2, decided(Rule::TruncateOnlyOnConflict, conflict));
    let taken = What::Appended { first: Index(3), last: position(5, 5) };
    apply(2, decided(Rule::ConsistencyCheck, taken));
    apply(2, decided(Rule::CommitToLastNew, What::Committed { index: Index(2) }));
    apply(2, Event::Io(Io::Applied { index: Index(1) }));
    let matched = What::Matched { follower: NodeId(2), index: Index(5) };
    apply(1, decided(Rule::MatchWhatWasSent, matched));
    let own = What::Matched { follower: NodeId(1), index: Index(5) };
    apply(1, decided(Rule::OwnDiskCountsWhenSynced, own));
    let back = What::BackedUp { follower: NodeId(3), next: Index(1) };
    let agreed = apply(1, decided(Rule::BackUpOnMismatch, back));
    assert_eq!(logs(&agreed), ["1 1 2 2 5", "1 1| 2 2 5", ""]);
    assert_eq!(agreed.server(NodeId(2)).unwrap().log.last_applied(), Index(1));
    let progress = |match_index, next_index| ProgressView {
        match_index: Index(match_index),
        next_index: Index(next_index),
    };
    let known = [(NodeId(2), progress(5, 6)), (NodeId(3), progress(0, 1))];
    assert_eq!(agreed.server(NodeId(1)).unwrap().progress, known.into());
}

#[test]
fn a_crash_takes_from_a_log_what_is_not_on_disk() {
    let mut view = ClusterView::new([1, 2, 3].map(NodeId));
    let mut apply = |life, event| {
        view.apply(&Record { life, ..record(1, 1, None, event) });
        logs(&view)[0].clone()
    };
    let hard_state = HardState { current_term: Term(5), voted_for: None };
    let appended = |first, last| {
        decided(Rule::LeaderAppendOnly, What::Appended { first: Index(first), last: position(last, 5) })
    };
    apply(1, appended(1, 2));
    apply(1, Event::Io(Io::Saved { hard_state, log: position(2, 5) }));
    apply(1, decided(Rule::CommitByMajority, What::Committed { index: Index(2) }));
    assert_eq!(apply(1, appended(3, 4)), "5 5| 5 5");
    let died = Laboratory::Died { signal: Some(9), status: None, power_cut: None, last_words: String::new() };
    assert_eq!(apply(1, Event::Laboratory(died)), "5 5|");
    let snapshot = LogPosition::default();
    let restored = Io::Restored { hard_state, log: position(3, 5), snapshot, terms: vec![position(1, 5)] };
    assert_eq!(
        apply(2, Event::Io(restored)),
        "5 5 5",
        "the third had come to the disk, and nobody had heard"
    );
}

#[test]
fn a_view_remembers_the_last_part_of_a_long_log_and_what_follows_a_gap() {
    let mut view = ClusterView::new([1, 2, 3].map(NodeId));
    let mut append = |first, last| {
        let appended = What::Appended { first: Index(first), last: position(last, 5) };
        view.apply(&record(1, 1, None, decided(Rule::LeaderAppendOnly, appended)));
        let log = &view.server(NodeId(1)).unwrap().log;
        (log.begins_after().0, log.last_index().0)
    };
    assert_eq!(append(1, 150), (0, 150));
    assert_eq!(append(151, 300), (100, 300));
    assert_eq!(append(310, 312), (309, 312), "of the entries between nothing was told");
    assert_eq!(logs(&view)[0], "5 5 5");
}

#[test]
fn a_view_knows_what_snapshots_cover() {
    let mut view = ClusterView::new([1, 2, 3].map(NodeId));
    let mut apply = |event| {
        view.apply(&record(1, 1, None, event));
        let log = &view.server(NodeId(1)).unwrap().log;
        (log.begins_after().0, logs(&view)[0].clone(), log.last_applied().0)
    };
    let hard_state = HardState { current_term: Term(5), voted_for: None };
    let (snapshot, terms) = (position(4, 1), vec![position(5, 1), position(6, 2)]);
    let restored = Event::Io(Io::Restored { hard_state, log: position(8, 2), snapshot, terms });
    assert_eq!(apply(restored), (4, "1 2 2 2".to_owned(), 4));
    apply(decided(Rule::CommitToLastNew, What::Committed { index: Index(7) }));
    let taken = What::SnapshotTaken { last_included: position(7, 2), begins_after: position(6, 2) };
    assert_eq!(apply(decided(Rule::SnapshotOnlyApplied, taken)), (6, "2| 2".to_owned(), 4));
    let installed = |last_included, removed| {
        decided(Rule::KeepSuffix, What::SnapshotInstalled { last_included, removed })
    };
    assert_eq!(apply(installed(position(7, 2), None)), (7, "2".to_owned(), 7));
    assert_eq!(apply(installed(position(8, 3), Some(Index(8)))), (8, String::new(), 8));
    let appended = What::Appended { first: Index(9), last: position(9, 5) };
    assert_eq!(apply(decided(Rule::NoOpOnElection, appended)), (8, "5".to_owned(), 8));
    assert_eq!(apply(installed(position(12, 5), None)), (12, String::new(), 12), "it was far behind");
}

#[test]
fn who_reports_runs_even_if_nobody_told_of_its_process() {
    let mut view = ClusterView::new([NodeId(1)]);
    let leads = What::Role { role: RoleKind::Leader, was: Some(RoleKind::Candidate) };
    view.apply(&record(1, 1, None, decided(Rule::MajorityWins, leads)));
    assert_eq!(view.to_string(), "leader n1, term 5");
}

#[test]
fn a_step_begins_with_what_comes_from_outside() {
    let begins = |event| record(1, 1, None, event).begins_step();
    assert!(begins(Event::Io(Io::Received { from: NodeId(3), message: request() })));
    assert!(begins(Event::Laboratory(Laboratory::Paused)));
    assert!(!begins(Event::Io(Io::Sent { to: NodeId(3), message: request() })));
    assert!(!begins(decided(Rule::MajorityWins, What::Leader { leader: NodeId(3) })));
    let back = What::BackedUp { follower: NodeId(3), next: Index(4) };
    assert!(!begins(decided(Rule::BackUpOnMismatch, back.clone())));
    assert!(begins(Event::Decision(event::Decision::new(None, back))));
}
