//! Events in English, in the words of the server itself.

mod identity;
mod links;
mod members;

use crate::record::{Answer, Event, Io, Laboratory, Process, Record, State, Unsynced, Wish};
use crate::shown;
use consensus::event::{Check, Decision, Problem, Verdict, What};
use consensus::{
    AppendOutcome, Chunk, HardState, Index, LogPosition, Message, NodeId, RoleKind, Rule, SnapshotOutcome,
    Term,
};
use identity::{found_words, identity_words, refusal_words};
use links::way;
use members::{change_words, profile_words};

/// What happened, in one sentence without a full stop. It names neither the time, the server nor the rule. It
/// is safe to print on a terminal, whatever text the record carries.
///
/// A line of the trace has room for 60 characters before the rule: keep sentences with a rule shorter than
/// that.
pub fn sentence(record: &Record) -> String {
    shown(&words(record)).into_owned()
}

fn words(record: &Record) -> String {
    match &record.event {
        Event::Decision(decision) if decision.by_other_answer => by_other_answer(record, decision),
        Event::Decision(decision) => decision_sentence(record, decision.rule, &decision.what),
        Event::Io(io) => io_sentence(io),
        Event::Process(process) => process_sentence(process),
        Event::Laboratory(laboratory) => self::laboratory(laboratory),
    }
}

/// What was decided by an answer that is not Raft's. Raft's reasons for such decisions may not hold, so only facts are told.
fn by_other_answer(record: &Record, decision: &Decision) -> String {
    match &decision.what {
        What::Check { check, .. } => {
            let is_ahead =
                matches!(check, Check::LogUpToDate { candidate, own } if is_ahead(*candidate, *own));
            check_sentence(record.term, check, is_ahead)
        }
        What::Appended { first, last } => format!("append {}", entries_words(*first, last.index)),
        What::Truncated { first, last } => format!("remove {}", entries_words(*first, last.index)),
        What::Mismatch { .. } => "append nothing".to_owned(),
        What::Committed { index } => format!("mark {} as committed", up_to(*index)),
        What::Waits { entry } => format!("don't commit {} yet", entry_of_term(*entry)),
        what => decision_sentence(record, decision.rule, what),
    }
}

/// Is the log that ends there more up to date (§5.4.1)?
fn is_ahead(candidate: LogPosition, own: LogPosition) -> bool {
    (candidate.term, candidate.index) > (own.term, own.index)
}

fn decision_sentence(record: &Record, rule: Option<Rule>, what: &What) -> String {
    let term = record.term;
    match what {
        What::OtherAnswer { answer, of_raft } => {
            format!("your answer says {} where Raft says {}", verdict_words(*answer), verdict_words(*of_raft))
        }
        What::Role { role: RoleKind::Follower, was: None } => "start as a follower".to_owned(),
        What::Role { role: RoleKind::Follower, was: Some(was) } => {
            format!("step down from {was} to follower")
        }
        What::Role { role: RoleKind::PreCandidate, .. } => {
            "become a pre-candidate: ask first whether I could win".to_owned()
        }
        What::Role { role: RoleKind::Candidate, .. } => "become a candidate".to_owned(),
        What::Role { role: RoleKind::Leader, .. } if rule == Some(Rule::MajorityWins) => {
            format!("a majority voted for me: become the leader of term {term}")
        }
        // A rule is off.
        What::Role { role: RoleKind::Leader, was: Some(RoleKind::Candidate) } => {
            format!("too few votes: become the leader of term {term} anyway")
        }
        What::Role { role: RoleKind::Leader, .. } => {
            format!("I voted for myself in term {term}: start as its leader")
        }
        What::Term { was } if rule == Some(Rule::NewerTermWins) => {
            format!("term {term} is newer than mine ({was}): adopt it")
        }
        What::Term { was } => format!("raise my term from {was} to {term}"),
        What::Timer { timeout_us } => {
            let timeout = milliseconds(*timeout_us);
            match rule {
                None if *timeout_us == 0 => "my election timer was made to run out".to_owned(),
                None => format!("my election timer was set to {timeout}"),
                Some(Rule::PreVote) => format!("wait up to {timeout} for replies"),
                Some(Rule::CandidateRestartsTimer) => {
                    format!("wait {timeout} for a winner, then try again")
                }
                Some(Rule::FullDiskDoesNotLead) => {
                    format!("my election timer ran out, but my disk is full: wait {timeout}")
                }
                Some(_) => format!("wait {timeout} for a leader"),
            }
        }
        What::Timeout { role: RoleKind::PreCandidate } => "too few replies in time: ask again".to_owned(),
        What::Timeout { role: RoleKind::Candidate } => "no winner in time: start another election".to_owned(),
        What::Timeout { .. } => "my election timer ran out: start an election".to_owned(),
        What::Check { check, holds } => check_sentence(term, check, *holds),
        What::NoVoter => "my election timer ran out, but I am not a voter: stay quiet".to_owned(),
        What::PreVote { candidate, granted: true } => format!("I would vote for {candidate}: reply yes"),
        What::PreVote { candidate, granted: false } if rule == Some(Rule::LeaderStickiness) => {
            format!("there may be a leader: I would not vote for {candidate}")
        }
        What::PreVote { candidate, granted: false } => format!("I would not vote for {candidate}: reply no"),
        What::PreTally { voter, granted, votes, needed, of_new } => {
            let reply = match (*voter == record.node, granted) {
                (true, _) => "I would vote for myself".to_owned(),
                (_, true) => format!("{voter} would vote for me"),
                (_, false) => format!("{voter} would not vote for me"),
            };
            let tally = members::tally(*votes, *needed, of_new, " before I run");
            format!("{reply}: {tally}")
        }
        What::Vote { candidate, granted: true } if *candidate == record.node => "vote for myself".to_owned(),
        What::Vote { granted: true, .. } => "grant my vote: save it, then reply yes".to_owned(),
        What::Vote { granted: false, .. } if rule == Some(Rule::LeaderStickiness) => {
            "there may be a leader: refuse the vote and keep my term".to_owned()
        }
        What::Vote { granted: false, .. } => "refuse the vote: reply no".to_owned(),
        What::Tally { voter, granted, votes, needed, of_new } => {
            let reply = match (*voter == record.node, rule, granted) {
                (true, _, _) => "my own vote is saved".to_owned(),
                (_, Some(Rule::CountEachVoterOnce), _) => format!("{voter} was counted already"),
                (_, _, true) => format!("{voter} says yes"),
                (_, _, false) => format!("{voter} says no"),
            };
            format!("{reply}: {}", members::tally(*votes, *needed, of_new, ""))
        }
        What::Leader { leader } => format!("{leader} leads term {term}: follow it"),
        What::QuorumLost { heard, needed } => {
            format!("heard from only {heard} of the {needed} voters I need: step down")
        }
        What::ConnectionLost { leader, timeout_us } => {
            format!("the connection to {leader} broke: my timer runs out in {}", micro_words(*timeout_us))
        }
        What::ConnectionMade { peer, timeout_us } => {
            format!(
                "{peer} connected, and I know no leader: my timer runs out in {}",
                micro_words(*timeout_us)
            )
        }
        What::Profile { profile } => profile_words(profile),
        What::Membership { .. }
        | What::ChangeRefused { .. }
        | What::Removed { .. }
        | What::CaughtUp { .. }
        | What::TransferBegun { .. }
        | What::AsksToTakeOver { .. }
        | What::AskedToTakeOver { .. }
        | What::TransferFailed { .. } => change_words(what),
        What::Heartbeat => "send heartbeats to all".to_owned(),
        What::Appended { first, last } => appended_words(rule, *first, last.index),
        What::Truncated { first, last } => {
            let entries = entries_words(*first, last.index);
            match rule {
                Some(Rule::LeaderAppendOnly) => format!("remove {entries}: I think it is not committed"),
                _ if *first == last.index => format!("remove {entries}: it conflicts with the leader's"),
                _ => format!("remove {entries}: they conflict with the leader's"),
            }
        }
        What::Mismatch { prev, own } if own.index.0 == 0 => {
            format!("I have no entry {} (my log is empty): append nothing", prev.index)
        }
        What::Mismatch { prev, own } if own.index < prev.index => {
            format!("I have no entry {} (my last is {}): append nothing", prev.index, own.index)
        }
        What::Mismatch { prev, .. } => {
            format!("my entry {} is not from term {}: append nothing", prev.index, prev.term)
        }
        What::Matched { follower, index } if *follower == record.node => {
            format!("entry {index} is on my disk: count my copy")
        }
        What::Matched { follower, index } => format!("{follower}'s log matches mine up to entry {index}"),
        What::BackedUp { follower, next } if rule.is_none() => {
            format!("my nextIndex for {follower} was set to {next}")
        }
        What::BackedUp { follower, next: Index(1) } => {
            format!("step back: send {follower} my log from entry 1 on")
        }
        What::BackedUp { follower, next } => {
            format!("step back: does {follower}'s log match mine up to {}?", next.previous())
        }
        What::Unanswered { follower } => format!("{follower} has not replied: send it again"),
        What::Committed { index } if rule == Some(Rule::CommitByMajority) => {
            let these = if *index == Index(1) { "it".to_owned() } else { up_to(*index) };
            format!("a majority has entry {index}: commit {these}")
        }
        What::Committed { index } => format!("mark {} as committed, like the leader", up_to(*index)),
        What::Waits { entry } => {
            format!("no commit yet: a majority has entry {}, but it is from term {}", entry.index, entry.term)
        }
        What::ReadWaits => "reads must wait: no entry of my own term is committed yet".to_owned(),
        What::RoundBegun { round, index, reads } => {
            let reads = if *reads == 1 { String::new() } else { format!(", {reads} reads") };
            format!("ask all if I still lead: round {round}{reads}, commit index {index}")
        }
        What::RoundWon { round, index } => {
            format!("a majority replied to round {round}: reads see up to entry {index}")
        }
        What::LeaseGained { lasts_us } => {
            format!("a majority will elect no one else: my lease lasts {}", milliseconds(*lasts_us))
        }
        What::LeaseRead { index } => format!("my lease holds: reads see up to entry {index}"),
        What::SnapshotTaken { last_included, begins_after } => {
            let kept = match begins_after.index.0 {
                0 => "my log stays whole".to_owned(),
                after => format!("my log starts after {after}"),
            };
            format!("my snapshot up to {} is on disk: {kept}", last_included.index)
        }
        What::SnapshotNeeded { follower, next, last_included } => {
            format!(
                "{follower} needs entry {next}, gone from my log: send my snapshot up to {}",
                last_included.index
            )
        }
        What::SnapshotNotNeeded { last_included } => {
            format!("I already have entries up to {}: ignore the snapshot", last_included.index)
        }
        What::SnapshotInstalled { last_included, removed: None } => {
            format!("the snapshot replaces my log up to entry {}", last_included.index)
        }
        What::SnapshotInstalled { last_included, removed: Some(last) } => {
            let entries = entries_words(last_included.index.next(), *last);
            format!("the snapshot replaces my whole log, {entries} too")
        }
        What::Refused { leader, stale_term } => {
            format!("term {stale_term} is over: reject {leader}'s request, reply with term {term}")
        }
        What::Ignored { from, answer_term } if *answer_term < term => {
            format!("{from}'s reply is from old term {answer_term}: ignore it")
        }
        What::Ignored { from, .. } => format!("{from}'s reply is too late to matter: ignore it"),
        What::Rejected { from, problem } => {
            format!("drop a message from {from}: {}", problem_words(*problem))
        }
        What::RefusedBy { .. }
        | What::Founded { .. }
        | What::Joined { .. }
        | What::LostEntries { .. }
        | What::Retired { .. } => identity_words(what),
    }
}

fn appended_words(rule: Option<Rule>, first: Index, last: Index) -> String {
    let entries = entries_words(first, last);
    match rule {
        Some(Rule::NoOpOnElection) => format!("start my term with no-op {entries} (no command)"),
        Some(Rule::LeaderAppendOnly) => format!("append {entries} to my log"),
        Some(Rule::JointMajorities) => format!("append {entries}, the joint configuration, to my log"),
        _ if first == Index(1) => format!("no previous entry to check: append {entries}"),
        _ => format!("the previous entry matches: append {entries}"),
    }
}

/// What is wrong with a message, in the words of its receiver.
fn problem_words(problem: Problem) -> &'static str {
    match problem {
        Problem::LostEntries { .. } => "it lost entries that it acknowledged",
        Problem::SenderIsSelf => "it claims to come from me",
        Problem::TermTooHigh => "its term is impossibly high",
        Problem::SecondLeader => "this term already has another leader",
        Problem::OwnTerm => "I am the leader of this term",
        Problem::ImpossibleEntries => "no log can hold such entries",
        Problem::ContradictsCommitted => "it would replace committed entries",
        Problem::ImpossibleMatch => "it claims to have entries that I don't have",
        Problem::BrokenSnapshot => "its chunks don't make up a snapshot",
        Problem::OtherCluster => "it belongs to another cluster",
        Problem::OtherData => "it has an unknown data folder",
        Problem::EarlierStart => "a newer start of its folder is known",
        Problem::OtherFounders => "it would found a cluster with others, or with other data",
    }
}

fn check_sentence(term: Term, check: &Check, holds: bool) -> String {
    match check {
        Check::TermIsCurrent { requested } => format!("its term {requested} is older than mine ({term})"),
        Check::NoOtherVote { voted_for: None } => format!("I have not voted in term {term} yet"),
        Check::NoOtherVote { voted_for: Some(holder) } if holds => {
            format!("{holder} already has my vote in term {term}")
        }
        Check::NoOtherVote { voted_for: Some(holder) } => format!("my vote in term {term} went to {holder}"),
        Check::LogUpToDate { candidate, own } if candidate == own => match own.index.0 {
            0 => "not behind: its log is empty, like mine".to_owned(),
            _ => format!("not behind: its log ends like mine ({})", log_end(*own)),
        },
        Check::LogUpToDate { candidate, own } => {
            let (its, mine) = (log_end(*candidate), log_end(*own));
            match (is_ahead(*candidate, *own), holds) {
                (true, true) => format!("its log ({its}) is ahead of mine ({mine})"),
                (false, false) => format!("its log ({its}) is behind mine ({mine})"),
                // A rule is off.
                (true, false) => format!("its log ({its}) is ahead of mine ({mine}): refuse it anyway"),
                (false, true) => format!("its log ({its}) is behind mine ({mine}): accept it anyway"),
            }
        }
        Check::GoesBefore { equal_logs: false, .. } => {
            "we both ask, and its log is ahead: it goes first".to_owned()
        }
        Check::GoesBefore { .. } if holds => {
            "we both ask with equal logs: my id is lower, I go first".to_owned()
        }
        Check::GoesBefore { .. } => "we both ask with equal logs: its id is lower, it goes first".to_owned(),
        Check::NotYetLetGoFirst { candidate } => {
            format!("I waited for {candidate} once already: don't wait again")
        }
    }
}

fn io_sentence(io: &Io) -> String {
    match io {
        Io::Sent { to, message } => format!("→{to} {}", message_words(message)),
        Io::Received { from, message } => format!("←{from} {}", message_words(message)),
        Io::Restored { hard_state, log, snapshot, .. } => {
            let found = saved_words(hard_state, *log);
            match snapshot.index.0 {
                0 => format!("found on disk: {found}"),
                covered => format!("found on disk: {found}, snapshot up to {covered}"),
            }
        }
        Io::Saved { hard_state, log } => format!("safe on disk: {}", saved_words(hard_state, *log)),
        Io::Asked { wish, requests } => {
            let who = if requests.len() == 1 {
                "a client wants".to_owned()
            } else {
                format!("{} clients want", requests.len())
            };
            let what = match wish {
                Wish::Write => "to write",
                Wish::Read => "to read",
                Wish::Change => "to change the members",
                Wish::Transfer => "another leader",
            };
            format!("{who} {what}")
        }
        Io::Answered { request, answer } => answer_words(*request, answer),
        Io::SnapshotBegun { last_included } => {
            format!("start a snapshot of all applied entries, up to {}", last_included.index)
        }
        Io::SnapshotPutOff { being_sent } => {
            format!("still sending the snapshot up to {}: take no newer one yet", being_sent.index)
        }
        Io::Applied { index } => format!("apply {} to the state machine", up_to(*index)),
        Io::Step { state, .. } => state_words(state),
    }
}

fn answer_words(request: u64, answer: &Answer) -> String {
    let respond = format!("respond to request {request}");
    match answer {
        Answer::Done { index } => format!("{respond}: done, it is entry {index}"),
        Answer::Replaced => format!("{respond}: not done, a newer leader replaced it"),
        Answer::Uncertain => format!("{respond}: unknown, I can't learn its outcome"),
        Answer::MayRead { applied } => {
            format!("respond to read {request} with my state up to entry {applied}")
        }
        Answer::Changed { index } => format!("{respond}: the change has begun, with entry {index}"),
        Answer::HandsOver => format!("{respond}: the transfer has begun"),
        Answer::Refused { reason } => format!("{respond}: refused, {reason}"),
        Answer::NotLeader { leader: Some(leader) } => format!("{respond}: ask {leader}, the leader"),
        Answer::NotLeader { leader: None } => format!("{respond}: I am not the leader"),
    }
}

fn state_words(state: &State) -> String {
    let vote = state.voted_for.map_or("no vote".to_owned(), |candidate| format!("vote for {candidate}"));
    let log = log_end(state.last_log);
    format!("after this step: {}, {vote}, last entry: {log}, commit index {}", state.role, state.commit_index)
}

/// A message by its name in the paper, with its important fields.
pub fn message_words(message: &Message) -> String {
    match message {
        Message::PreVote(request) => {
            format!(
                "PreVote for term {}, {}",
                request.term.0.saturating_add(1),
                log_words(request.last_log())
            )
        }
        Message::PreVoteReply(reply) => {
            let asked_for = reply.asked_in.0.saturating_add(1);
            format!(
                "PreVote reply for term {asked_for}: {}, my term is {}",
                yes_no(reply.would_vote),
                reply.term
            )
        }
        Message::TimeoutNow(request) => {
            format!("TimeoutNow term {}: start an election at once", request.term)
        }
        Message::Found(found) => found_words(found),
        Message::Refusal(refusal) => refusal_words(refusal),
        Message::RequestVote(request) => {
            let log = log_words(request.last_log());
            let why = if request.by_transfer { ", by transfer" } else { "" };
            format!("RequestVote term {}, {log}{why}", request.term)
        }
        Message::RequestVoteReply(reply) => {
            format!("RequestVote reply term {}: {}", reply.term, yes_no(reply.vote_granted))
        }
        Message::AppendEntries(request) => {
            let entries = match request.entries.len() {
                0 => "heartbeat".to_owned(),
                _ => entries_words(request.prev_log_index.next(), request.last_index()),
            };
            let after = match request.prev_log_index.0 {
                0 => String::new(),
                _ => format!(" after {}", entry_of_term(request.prev_log())),
            };
            let round = if request.entries.is_empty() { round_words(request.round) } else { String::new() };
            format!("AppendEntries term {}, {entries}{after}{round}", request.term)
        }
        Message::AppendEntriesReply(reply) => {
            let answer = match &reply.outcome {
                AppendOutcome::Refused => "no, you don't lead this term".to_owned(),
                AppendOutcome::Matched { match_index } => format!("yes, up to entry {match_index}"),
                AppendOutcome::Mismatch { prev_log_index, .. } => {
                    format!("no, I don't have your entry {prev_log_index}")
                }
            };
            format!("AppendEntries reply term {}: {answer}{}", reply.term, round_words(reply.round))
        }
        Message::InstallSnapshot(request) => {
            let Chunk { last_included, offset, is_last, .. } = &request.chunk;
            let chunk = match (offset, is_last) {
                (0, true) => "in one chunk".to_owned(),
                (0, false) => format!("bytes 0 to {}", request.chunk.end()),
                (_, true) => format!("bytes {offset} to the end"),
                (_, false) => format!("bytes {offset} to {}", request.chunk.end()),
            };
            format!("InstallSnapshot term {}, up to {}, {chunk}", request.term, entry_of_term(*last_included))
        }
        Message::InstallSnapshotReply(reply) => {
            let answer = match &reply.outcome {
                SnapshotOutcome::Refused => "no, you don't lead this term".to_owned(),
                SnapshotOutcome::Received { bytes } => format!("I have {bytes} bytes"),
                SnapshotOutcome::Installed => {
                    format!("done, I have entries up to {}", reply.last_included.index)
                }
            };
            format!("InstallSnapshot reply term {}: {answer}", reply.term)
        }
    }
}

fn verdict_words(verdict: Verdict) -> String {
    match verdict {
        Verdict::Bool(yes) => yes_no(yes).to_owned(),
        Verdict::Index(Index(0)) => "no entry".to_owned(),
        Verdict::Index(index) => format!("entry {index}"),
        Verdict::Place(None) => "none".to_owned(),
        Verdict::Place(Some(place)) => format!("place {place}"),
    }
}

fn yes_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

/// The round of leadership checks that a message belongs to, if there was one in its term.
fn round_words(round: u64) -> String {
    if round == 0 { String::new() } else { format!(", round {round}") }
}

fn entries_words(first: Index, last: Index) -> String {
    if first == last { format!("entry {first}") } else { format!("entries {first} to {last}") }
}

/// All entries up to this one.
fn up_to(index: Index) -> String {
    if index == Index(1) { "entry 1".to_owned() } else { format!("entries up to {index}") }
}

fn saved_words(hard_state: &HardState, log: LogPosition) -> String {
    let vote = hard_state.voted_for.map_or("no vote".to_owned(), |candidate| format!("vote for {candidate}"));
    let term = hard_state.current_term;
    match log.index.0 {
        0 => format!("term {term}, {vote}"),
        index => format!("term {term}, {vote}, log up to {index}"),
    }
}

fn log_words(last: LogPosition) -> String {
    match last.index.0 {
        0 => "empty log".to_owned(),
        _ => format!("log ends with {}", entry_of_term(last)),
    }
}

/// An entry within a sentence: `entry 7 (term 4)`.
fn entry_of_term(position: LogPosition) -> String {
    format!("entry {} (term {})", position.index, position.term)
}

/// An entry within brackets: `entry 7, term 4`.
fn log_end(position: LogPosition) -> String {
    match position.index.0 {
        0 => "empty".to_owned(),
        index => format!("entry {index}, term {}", position.term),
    }
}

fn process_sentence(process: &Process) -> String {
    match process {
        Process::Started { pid, address } => format!("process {pid} is running and listens on {address}"),
        Process::Stopped => "stop".to_owned(),
        Process::Garbage { from, problem } => {
            format!("closed a connection from {from}: {problem}")
        }
        Process::CutOff { what } => what.clone(),
        Process::DiskFull { why: Some(why) } => format!("the disk is full, wait for free space: {why}"),
        Process::DiskFull { why: None } => "the disk has free space again".to_owned(),
        Process::SlowDisk { slow: Some(slow) } => format!("{slow}: {}", slow.help()),
        Process::SlowDisk { slow: None } => {
            "the disk is fast enough for the election timeout again".to_owned()
        }
        Process::Missed { events } => {
            format!("{events} events are missing here: they came faster than they were read")
        }
    }
}

/// What was done to a server or the network, or observed from outside, in one sentence without a full stop.
pub fn laboratory(laboratory: &Laboratory) -> String {
    match laboratory {
        Laboratory::Died { signal, status, power_cut, last_words } => {
            let how = match (power_cut, signal, status) {
                (Some(unsynced), _, _) => power_cut_words(*unsynced).to_owned(),
                (None, Some(9), _) => "killed (SIGKILL): what it wrote to its disk stays there".to_owned(),
                (None, Some(signal), _) => format!("killed by signal {signal}"),
                (None, None, Some(status)) => format!("the process exited with status {status}"),
                (None, None, None) => "the process exited".to_owned(),
            };
            let last_words = last_words.replace('\n', "; ");
            if last_words.is_empty() { how } else { format!("{how}: {last_words}") }
        }
        Laboratory::Paused => "paused (SIGSTOP): it does nothing, and messages wait".to_owned(),
        Laboratory::Resumed => "resumed (SIGCONT): it does not know that time has passed".to_owned(),
        Laboratory::Speed { millionths } => {
            format!("the servers' clocks run at {}× real time", *millionths as f64 / 1e6)
        }
        Laboratory::LinksCut { links } => format!("no messages get through {}", way(links)),
        Laboratory::LinksMended { links } => format!("messages get through again {}", way(links)),
        Laboratory::LinksDelayed { links, delay_us: 0 } => {
            format!("messages {} are no longer delayed", way(links))
        }
        Laboratory::LinksDelayed { links, delay_us } => {
            format!("messages {} are delayed by {}", way(links), milliseconds(*delay_us))
        }
        Laboratory::LinksLossy { links, percent: 0 } => {
            format!("messages {} are no longer lost at random", way(links))
        }
        Laboratory::LinksLossy { links, percent } => {
            format!("{percent}% of the messages {} are lost at random", way(links))
        }
        Laboratory::LinksHealed => "all links work again: nothing is cut, delayed or lost".to_owned(),
        Laboratory::RuleSwitched { rule, is_on: false } => {
            format!("{rule} is switched off: no server follows it from here on")
        }
        Laboratory::RuleSwitched { rule, is_on: true } => {
            format!("{rule} is switched on again: all servers follow it from here on")
        }
        Laboratory::ClientAsks { client, what, again: false, .. } => format!("client c{client} asks: {what}"),
        Laboratory::ClientAsks { client, what, again: true, .. } => {
            format!("client c{client} asks again: {what}")
        }
        Laboratory::ClientHears { client, answer, .. } => {
            format!("client c{client} gets the response: {answer}")
        }
        Laboratory::Violated { property, what_happened, .. } => {
            format!("VIOLATED: {property}: {what_happened}")
        }
    }
}

fn power_cut_words(unsynced: Unsynced) -> &'static str {
    match unsynced {
        Unsynced::Lost => "power lost: everything not yet synced to disk is gone",
        Unsynced::Kept => "power lost: what was not yet synced had reached the disk anyway",
        Unsynced::Torn => "power lost: only part of what was not yet synced reached the disk",
    }
}

/// Servers as `n1, n2 and n3`; `nobody` if there are none.
pub fn names<'a>(servers: impl IntoIterator<Item = &'a NodeId>) -> String {
    let names: Vec<String> = servers.into_iter().map(NodeId::to_string).collect();
    match names.split_last() {
        None => "nobody".to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}

/// A short time, as `4.2 ms`.
fn micro_words(micros: u64) -> String {
    format!("{:.1} ms", micros as f64 / 1000.0)
}

/// A time, in microseconds, as `1.250s`.
pub fn seconds(micros: u64) -> String {
    format!("{:.3}s", micros as f64 / 1e6)
}

/// Microseconds as `231 ms`.
pub fn milliseconds(micros: u64) -> String {
    format!("{} ms", (micros + 500) / 1000)
}
