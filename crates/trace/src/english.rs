//! Events in English, as the server itself would tell them.

mod identity;
mod links;
mod members;

use crate::record::{Answer, Event, Io, Laboratory, Process, Record, State, Wish};
use crate::shown;
use consensus::event::{Check, Problem, What};
use consensus::{
    AppendOutcome, Chunk, HardState, Index, LogPosition, Message, RoleKind, Rule, SnapshotOutcome, Term,
};
use identity::{found_words, identity_words, refusal_words};
use links::way;
use members::{change_words, profile_words};

/// What happened, in one sentence without a full stop. Says neither when, where nor by which rule. It is safe for a
/// terminal, whatever others have said in the record.
pub fn sentence(record: &Record) -> String {
    shown(&told(record)).into_owned()
}

fn told(record: &Record) -> String {
    match &record.event {
        Event::Decision(decision) => decision_sentence(record, decision.rule, &decision.what),
        Event::Io(io) => io_sentence(io),
        Event::Process(process) => process_sentence(process),
        Event::Laboratory(laboratory) => self::laboratory(laboratory),
    }
}

fn decision_sentence(record: &Record, rule: Option<Rule>, what: &What) -> String {
    let term = record.term;
    match what {
        What::Role { role: RoleKind::Follower, was: None } => "start as a follower".to_owned(),
        What::Role { role: RoleKind::Follower, was: Some(was) } => {
            format!("become a follower, a {was} no longer")
        }
        What::Role { role: RoleKind::PreCandidate, .. } => {
            "become a pre-candidate: ask before I run".to_owned()
        }
        What::Role { role: RoleKind::Candidate, .. } => "become a candidate".to_owned(),
        What::Role { role: RoleKind::Leader, .. } => format!("a majority: become the leader of term {term}"),
        What::Term { was } if rule == Some(Rule::NewerTermWins) => {
            format!("term {term} is newer than mine ({was}): adopt it")
        }
        What::Term { was } => format!("raise my term from {was} to {term}"),
        What::Timer { timeout_us } => {
            let timeout = milliseconds(*timeout_us);
            match rule {
                None if *timeout_us == 0 => "somebody lets my election timer run out".to_owned(),
                None => format!("somebody sets my election timer to {timeout}"),
                Some(Rule::PreVote) => format!("give the others {timeout} to answer"),
                Some(Rule::CandidateRestartsTimer) => format!("give this election {timeout}"),
                Some(Rule::FullDiskDoesNotLead) => {
                    format!(
                        "no leader heard in time, but my disk is full: start no election, wait {timeout} more"
                    )
                }
                Some(_) => format!("wait {timeout} for a leader"),
            }
        }
        What::Timeout { role: RoleKind::PreCandidate } => "not enough answers in time: ask again".to_owned(),
        What::Timeout { role: RoleKind::Candidate } => "no winner in time: hold another election".to_owned(),
        What::Timeout { .. } => "no leader heard in time: hold an election".to_owned(),
        What::Check { check, holds } => check_sentence(term, check, *holds),
        What::NoVoter => "no leader heard in time, but I am no voter: stay quiet".to_owned(),
        What::PreVote { candidate, granted: true } => {
            format!("I would vote for {candidate}: tell it")
        }
        What::PreVote { granted: false, .. } if rule == Some(Rule::LeaderStickiness) => {
            "I hear a leader: I would not vote for another".to_owned()
        }
        What::PreVote { granted: false, .. } => "I would not vote for it".to_owned(),
        What::PreTally { voter, granted, votes, needed, of_new } => {
            let answer = match (*voter == record.node, granted) {
                (true, _) => "I would vote for myself".to_owned(),
                (_, true) => format!("{voter} would vote for me"),
                (_, false) => format!("{voter} would not vote for me"),
            };
            format!(
                "{answer}: {votes} of the {needed} that I need before I run{}",
                members::and_of_new(of_new)
            )
        }
        What::Vote { candidate, granted: true } if *candidate == record.node => "vote for myself".to_owned(),
        What::Vote { granted: true, .. } => "grant: save the vote, then answer yes".to_owned(),
        What::Vote { granted: false, .. } if rule == Some(Rule::LeaderStickiness) => {
            "I may just have heard a leader: refuse vote and term".to_owned()
        }
        What::Vote { granted: false, .. } => "refuse the vote".to_owned(),
        What::Tally { voter, granted, votes, needed, of_new } => {
            let answer = match (*voter == record.node, rule, granted) {
                (true, _, _) => "my own vote is saved".to_owned(),
                (_, Some(Rule::CountEachVoterOnce), _) => format!("{voter} has been counted already"),
                (_, _, true) => format!("{voter} says yes"),
                (_, _, false) => format!("{voter} says no"),
            };
            format!("{answer}: {votes} of the {needed} votes that I need{}", members::and_of_new(of_new))
        }
        What::Leader { leader } => format!("{leader} leads term {term}: follow it"),
        What::QuorumLost { heard, needed } => {
            format!(
                "heard only {heard} of the {needed} voters that I need, for a whole election timeout: step down"
            )
        }
        What::ConnectionLost { leader, timeout_us } => {
            format!(
                "the connection to {leader} broke: unless I hear it, ask the others in {}",
                micro_words(*timeout_us)
            )
        }
        What::ConnectionMade { peer, timeout_us } => {
            format!(
                "{peer} has connected: unless I hear a leader, ask the others in {}",
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
        What::Appended { first, last } => {
            let entries = entries_words(*first, last.index);
            match rule {
                Some(Rule::NoOpOnElection) => {
                    format!("begin my term with an entry that says nothing: {entries}")
                }
                Some(Rule::LeaderAppendOnly) => format!("add to my log: {entries}"),
                Some(Rule::JointMajorities) => {
                    format!("add to my log, on the way to the new members: {entries}")
                }
                _ if *first == last.index => format!("it fits my log: take over {entries}"),
                _ => format!("they fit my log: take over {entries}"),
            }
        }
        What::Truncated { first, last } => {
            let entries = entries_words(*first, last.index);
            match rule {
                Some(Rule::LeaderAppendOnly) => {
                    format!("remove {entries}: not committed, as far as I know")
                }
                _ if *first == last.index => format!("remove {entries}: the leader's takes its place"),
                _ => format!("remove {entries}: the leader's take their place"),
            }
        }
        What::Mismatch { prev, own } => {
            let own = match own.index.0 {
                0 => "my log is empty".to_owned(),
                _ => format!("my log ends at {}", log_end(*own)),
            };
            format!("no entry {} here, {own}: take nothing", log_end(*prev))
        }
        What::Matched { follower, index } if *follower == record.node => {
            format!("count myself: my own disk has my log up to {index}")
        }
        What::Matched { follower, index } => format!("{follower} has my log up to {index}"),
        What::BackedUp { follower, next: Index(1) } => {
            format!("go back to the beginning of my log for {follower}")
        }
        What::BackedUp { follower, next } => {
            format!("go back: does {follower} have my log up to {}?", next.previous())
        }
        What::Unanswered { follower } => format!("{follower} has not answered: ask again"),
        What::Committed { index } if rule == Some(Rule::CommitByMajority) => {
            format!("a majority has entry {index}: all up to it is committed")
        }
        What::Committed { index } => format!("the leader vouches for it: all up to {index} is committed"),
        What::Waits { entry } => {
            format!("a majority has entry {}: wait for one of my own term", log_end(*entry))
        }
        What::ReadWaits => "no entry of my own term is committed yet: the client must wait".to_owned(),
        What::RoundBegun { round, index, reads } => {
            let reads = if *reads == 1 { String::new() } else { format!(" for {reads} reads") };
            format!("ask all whether I still lead: round {round}{reads}, committed up to {index}")
        }
        What::RoundWon { round, index } => {
            format!("a majority has answered round {round}: all up to {index} may be read")
        }
        What::LeaseGained { lasts_us } => {
            format!(
                "a majority has promised to elect nobody else: my lease lasts {}",
                milliseconds(*lasts_us)
            )
        }
        What::LeaseRead { index } => format!("my lease holds: all up to {index} may be read"),
        What::SnapshotTaken { last_included, begins_after } => {
            let held = match begins_after.index.0 {
                0 => "my log stays whole for now".to_owned(),
                _ => format!("my log begins after {}", begins_after.index),
            };
            format!("my snapshot of all up to {} is on disk: {held}", last_included.index)
        }
        What::SnapshotNeeded { follower, next, last_included } => {
            format!(
                "{follower} needs entry {next}, which my log holds no more: send it my snapshot of all up to {}",
                last_included.index
            )
        }
        What::SnapshotNotNeeded { last_included } => {
            format!("I have all up to {} already: no need for the snapshot", last_included.index)
        }
        What::SnapshotInstalled { last_included, removed } => {
            let behind = match removed {
                None => String::new(),
                Some(last) => format!(
                    ", without {}, which did not fit behind it",
                    entries_words(last_included.index.next(), *last)
                ),
            };
            format!("the snapshot takes the place of all up to {}{behind}", last_included.index)
        }
        What::Refused { leader, stale_term } => {
            format!("term {stale_term} is over: refuse {leader}, tell it of term {term}")
        }
        What::Ignored { from, answer_term } if *answer_term < term => {
            format!("{from} answers in the old term {answer_term}: ignore it")
        }
        What::Ignored { from, .. } => format!("{from} answers too late to matter: ignore it"),
        What::Rejected { from, problem } => {
            format!("throw away a message of {from}: {}", problem_words(*problem))
        }
        What::RefusedBy { .. }
        | What::Founded { .. }
        | What::Joined { .. }
        | What::LostEntries { .. }
        | What::Retired { .. } => identity_words(what),
    }
}

/// What is wrong with a message, as its receiver would say it.
fn problem_words(problem: Problem) -> String {
    let words = match problem {
        Problem::LostEntries { had } => {
            return format!("it has lost entries up to {had} that it had acknowledged");
        }
        Problem::UnknownSender => "that is my own name",
        Problem::TermTooHigh => "no honest server reaches such a term",
        Problem::SecondLeader => "this term has another leader",
        Problem::OwnTerm => "I lead this very term myself",
        Problem::ImpossibleEntries => "no log holds such entries",
        Problem::ContradictsCommitted => "it would replace what is committed",
        Problem::ImpossibleMatch => "it claims to have entries that I don't have",
        Problem::BrokenSnapshot => "what it sends adds up to no snapshot",
        Problem::OtherCluster => "it belongs to another cluster",
        Problem::OtherData => "my cluster knows this server by another data folder",
        Problem::EarlierStart => "I have seen a later start of its data folder",
        Problem::OtherFounders => "it would found a cluster with others, or with other data",
    };
    words.to_owned()
}

fn check_sentence(term: Term, check: &Check, holds: bool) -> String {
    match check {
        Check::TermIsCurrent { requested } => format!("its term {requested} is older than mine ({term})"),
        Check::NoOtherVote { voted_for: None } => format!("no vote yet in term {term}"),
        Check::NoOtherVote { voted_for: Some(holder) } if holds => {
            format!("{holder} has my vote in term {term} already")
        }
        Check::NoOtherVote { voted_for: Some(holder) } => {
            format!("my vote in term {term} has gone to {holder}")
        }
        Check::LogUpToDate { candidate, own } if *candidate == LogPosition::default() && candidate == own => {
            "its log is empty, as mine is: not behind".to_owned()
        }
        Check::LogUpToDate { candidate, own } => {
            let verdict = if holds { "is not behind" } else { "is behind" };
            format!("its log ({}) {verdict} mine ({})", log_end(*candidate), log_end(*own))
        }
        Check::GoesBefore { equal_logs: false, .. } => {
            "we both ask, and its log is ahead: let it go first".to_owned()
        }
        Check::GoesBefore { .. } if holds => {
            "we both ask, with equal logs, and my number is lower: go on".to_owned()
        }
        Check::GoesBefore { .. } => {
            "we both ask, with equal logs, and its number is lower: let it go first".to_owned()
        }
        Check::NotYetLetGoFirst { candidate } => {
            format!("I have waited for {candidate} before: wait no longer for it")
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
                covered => format!("found on disk: {found}, with a snapshot of all up to {covered}"),
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
            format!("write a snapshot of all that is applied, up to {}", last_included.index)
        }
        Io::SnapshotPutOff { being_sent } => {
            format!("the snapshot up to {} is still being sent: take no newer one yet", being_sent.index)
        }
        Io::Applied { index } => format!("the state machine has all up to {index}"),
        Io::Step { state, .. } => state_words(state),
    }
}

fn answer_words(request: u64, answer: &Answer) -> String {
    match answer {
        Answer::Done { index } => format!("answer request {request}: done, it is entry {index}"),
        Answer::Replaced => format!("answer request {request}: not done, a later leader overruled it"),
        Answer::Uncertain => {
            format!("answer request {request}: I can't tell what became of it, nor will I hear")
        }
        Answer::MayRead { applied } => format!("request {request} may read what I have: all up to {applied}"),
        Answer::Changed { index } => {
            format!("answer request {request}: the change has begun, with entry {index}")
        }
        Answer::HandsOver => format!("answer request {request}: I am handing over"),
        Answer::Refused { reason } => format!("answer request {request}: no, {reason}"),
        Answer::NotLeader { leader: Some(leader) } => {
            format!("answer request {request}: ask {leader}, who leads")
        }
        Answer::NotLeader { leader: None } => format!("answer request {request}: I don't lead"),
    }
}

fn state_words(state: &State) -> String {
    let vote = state.voted_for.map_or("no vote".to_owned(), |candidate| format!("vote for {candidate}"));
    let log = log_end(state.last_log);
    format!("after this step: {}, {vote}, log ends at {log}, commit index {}", state.role, state.commit_index)
}

/// A message by its name in the paper, with what matters of it.
pub fn message_words(message: &Message) -> String {
    match message {
        Message::PreVote(request) => {
            let log = log_words(request.last_log());
            format!("PreVote for term {}, {log}", request.term.0.saturating_add(1))
        }
        Message::PreVoteReply(reply) => {
            let answer = if reply.would_vote { "yes" } else { "no" };
            let asked_for = reply.asked_in.0.saturating_add(1);
            format!("PreVote answer for term {asked_for}: {answer}, term {}", reply.term)
        }
        Message::TimeoutNow(request) => format!("TimeoutNow term {}: take over", request.term),
        Message::Found(found) => found_words(found),
        Message::Refusal(refusal) => refusal_words(refusal),
        Message::RequestVote(request) => {
            let log = log_words(request.last_log());
            let why = if request.by_transfer { ", asked to by the leader" } else { "" };
            format!("RequestVote term {}, {log}{why}", request.term)
        }
        Message::RequestVoteReply(reply) => {
            let answer = if reply.vote_granted { "yes" } else { "no" };
            format!("RequestVote answer: {answer}, term {}", reply.term)
        }
        Message::AppendEntries(request) => {
            let entries = match request.entries.len() {
                0 => "heartbeat".to_owned(),
                _ => entries_words(request.prev_log_index.next(), request.last_index()),
            };
            let after = match request.prev_log_index.0 {
                0 => String::new(),
                _ => format!(" after {}", log_end(request.prev_log())),
            };
            let round = if request.entries.is_empty() { round_words(request.round) } else { String::new() };
            format!("AppendEntries term {}, {entries}{after}{round}", request.term)
        }
        Message::AppendEntriesReply(reply) => {
            let answer = match &reply.outcome {
                AppendOutcome::Refused => "no".to_owned(),
                AppendOutcome::Matched { match_index } => format!("yes up to {match_index}"),
                AppendOutcome::Mismatch { prev_log_index, .. } => {
                    format!("no entry {prev_log_index} like yours")
                }
            };
            format!("AppendEntries answer: {answer}, term {}{}", reply.term, round_words(reply.round))
        }
        Message::InstallSnapshot(request) => {
            let Chunk { last_included, offset, is_last, .. } = &request.chunk;
            let piece = match (offset, is_last) {
                (0, true) => "whole".to_owned(),
                (0, false) => format!("bytes 0 to {}", request.chunk.end()),
                (_, true) => format!("bytes {offset} to the end"),
                (_, false) => format!("bytes {offset} to {}", request.chunk.end()),
            };
            format!("InstallSnapshot term {}, all up to {}, {piece}", request.term, log_end(*last_included))
        }
        Message::InstallSnapshotReply(reply) => {
            let answer = match &reply.outcome {
                SnapshotOutcome::Refused => "no".to_owned(),
                SnapshotOutcome::Received { bytes } => format!("I have {bytes} bytes"),
                SnapshotOutcome::Installed => format!("I have all up to {}", reply.last_included.index),
            };
            format!("InstallSnapshot answer: {answer}, term {}", reply.term)
        }
    }
}

/// The round of questions that a message belongs to, if there has been one in its term.
fn round_words(round: u64) -> String {
    if round == 0 { String::new() } else { format!(", round {round}") }
}

fn entries_words(first: Index, last: Index) -> String {
    if first == last { format!("entry {first}") } else { format!("entries {first} to {last}") }
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
        _ => format!("log ends at {}", log_end(last)),
    }
}

fn log_end(position: LogPosition) -> String {
    match position.index.0 {
        0 => "empty".to_owned(),
        index => format!("{index} of term {}", position.term),
    }
}

fn process_sentence(process: &Process) -> String {
    match process {
        Process::Started { pid, address } => format!("process {pid} runs and listens at {address}"),
        Process::Stopped => "stop".to_owned(),
        Process::Garbage { from, problem } => {
            format!("closed a connection from {from}: {problem}")
        }
        Process::CutOff { what } => what.clone(),
        Process::DiskFull { why: Some(why) } => format!("no room on the disk, waiting until there is: {why}"),
        Process::DiskFull { why: None } => "the disk has room again".to_owned(),
        Process::SlowDisk { slow: Some(slow) } => format!("{slow}: {}", slow.help()),
        Process::SlowDisk { slow: None } => {
            "the disk is fast enough for the election timeout again".to_owned()
        }
        Process::Missed { events } => {
            format!("{events} events are missing here: they came faster than they were read")
        }
    }
}

/// What the keeper of the servers did or saw, in one sentence without a full stop.
pub fn laboratory(laboratory: &Laboratory) -> String {
    match laboratory {
        Laboratory::Died { signal, status, last_words } => {
            let how = match (signal, status) {
                (Some(9), _) => "killed (SIGKILL)".to_owned(),
                (Some(signal), _) => format!("killed by signal {signal}"),
                (None, Some(status)) => format!("the process ended with status {status}"),
                (None, None) => "the process ended".to_owned(),
            };
            let last_words = last_words.replace('\n', "; ");
            if last_words.is_empty() { how } else { format!("{how}: {last_words}") }
        }
        Laboratory::Paused => "paused (SIGSTOP): it hears and does nothing".to_owned(),
        Laboratory::Resumed => "resumed (SIGCONT): it does not know that time has passed".to_owned(),
        Laboratory::Speed { millionths } => {
            format!("all servers' clocks run at {} of real time", *millionths as f64 / 1e6)
        }
        Laboratory::LinksCut { links } => format!("nothing passes {} any more", way(links)),
        Laboratory::LinksMended { links } => format!("messages pass again {}", way(links)),
        Laboratory::LinksDelayed { links, delay_us: 0 } => {
            format!("messages {} are not held any more", way(links))
        }
        Laboratory::LinksDelayed { links, delay_us } => {
            format!("messages {} are held for {}", way(links), milliseconds(*delay_us))
        }
        Laboratory::LinksLossy { links, percent: 0 } => {
            format!("messages {} are not lost any more", way(links))
        }
        Laboratory::LinksLossy { links, percent } => {
            format!("{percent} of 100 messages {} are lost, at random", way(links))
        }
        Laboratory::LinksHealed => "all links are whole again: nothing is cut, held or lost".to_owned(),
        Laboratory::ClientAsks { client, what, again: false } => format!("client c{client} asks: {what}"),
        Laboratory::ClientAsks { client, what, again: true } => {
            format!("client c{client} got no answer, and asks again: {what}")
        }
        Laboratory::ClientHears { client, answer } => format!("client c{client} is told: {answer}"),
        Laboratory::Violated { property, what_happened } => format!("VIOLATED: {property}: {what_happened}"),
    }
}

/// A short time, as `4.2 ms`.
fn micro_words(micros: u64) -> String {
    format!("{:.1} ms", micros as f64 / 1000.0)
}

/// Microseconds as `231 ms`.
pub fn milliseconds(micros: u64) -> String {
    format!("{} ms", (micros + 500) / 1000)
}
