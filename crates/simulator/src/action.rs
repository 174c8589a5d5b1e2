//! Everything that can be done to a world, each with the words that a scenario has for it.

use crate::disk::Unsynced;
use consensus::{AppendOutcome, Index, Message, NodeId, Term};
use driver::{Envelope, Speed};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// One thing that is done to a world. Displayed as the scenario's command for it (docs/scenarios.md).
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Time passes: messages arrive, timers run out, disks finish.
    Run(Duration),
    /// Time passes until the same server has led for four of the longest election timeouts, or a promise
    /// is broken.
    RunUntilLed,
    /// The time jumps to the server's next deadline, and only this server notices: its election timer
    /// runs out or, if it leads, its next heartbeats are due.
    Tick(NodeId),
    /// The server's election timer runs out now, whatever it was drawn to.
    Timeout(NodeId),
    /// A client wants this value in the log, and asks the server or, if none is named, each that leads.
    Propose(Option<NodeId>, u64),
    /// A client wants to read, and asks the server or, if none is named, each that leads.
    Read(Option<NodeId>),
    /// Messages under way arrive.
    Deliver(Selection),
    /// What is under way arrives, and what comes of that, until nothing is under way.
    Settle,
    /// Messages under way are lost.
    Lose(Selection),
    /// Messages under way are doubled.
    Duplicate(Selection),
    /// The link from the first server to the second carries nothing any more.
    Cut(NodeId, NodeId),
    /// The link from the first server to the second works again.
    Mend(NodeId, NodeId),
    /// These servers are cut off from all others, both ways.
    Partition(Vec<NodeId>),
    /// All links work again.
    Heal,
    /// The server's power goes out: memory is gone, and so may be what was not synced.
    Crash(NodeId, Unsynced),
    /// The server's process is killed. What it wrote is still in the system's memory.
    Kill(NodeId),
    /// A dead server is started.
    Restart(NodeId),
    /// The server's process is halted.
    Pause(NodeId),
    /// A halted process goes on.
    Resume(NodeId),
    /// From now on the server's disk is so slow that nothing is saved, until [`Action::Save`].
    HoldSaves(NodeId),
    /// What waits to be saved is saved, and what is decided later at once.
    Save(NodeId),
    /// What the server's disk is busy with is saved. What was decided since it began is next.
    FinishSave(NodeId),
    /// From now on the server's state machine is so slow that nothing is applied, until
    /// [`Action::Apply`].
    HoldApplies(NodeId),
    /// What waits to be applied is applied, and what is committed later at once.
    Apply(NodeId),
    /// The next sync of the server's disk fails.
    FailNextSave(NodeId),
    /// In the next save the power goes out after so many of its disk operations: write, sync, and write the
    /// mark that all before it is durable. (So 2 is after the save, and before the server knows.) Where the
    /// save begins a new segment of the log, there are seven before these: create, write, sync, rename, sync
    /// the folder, write the seal of the old segment, and sync that.
    CrashInSave(NodeId, u32, Unsynced),
    /// The server's disk is full.
    FillDisk(NodeId),
    /// The server's disk is as good as new: it has room, and what it was to do wrong it won't.
    MendDisk(NodeId),
    /// The server's clock runs at this speed.
    SetClock(NodeId, Speed),
    /// The server's clock jumps ahead.
    JumpClock(NodeId, Duration),
    /// The trouble is over: from here on the network loses nothing, and progress is owed.
    Calm,
}

impl Action {
    /// Does it do something to messages under way, and nothing if there are none?
    pub(crate) fn is_about_messages(&self) -> bool {
        matches!(self, Action::Deliver(_) | Action::Lose(_) | Action::Duplicate(_))
    }

    /// Does it make one thing happen to the servers themselves, rather than decide what the network, a
    /// clock or the scheduler will let happen?
    pub(crate) fn is_elementary(&self) -> bool {
        match self {
            Action::Run(_)
            | Action::RunUntilLed
            | Action::Settle
            | Action::Lose(_)
            | Action::Cut(..)
            | Action::Mend(..)
            | Action::Partition(_)
            | Action::Heal
            | Action::Pause(_)
            | Action::Resume(_)
            | Action::SetClock(..)
            | Action::JumpClock(..)
            | Action::Calm => false,
            Action::Propose(server, _) | Action::Read(server) => server.is_some(),
            Action::Tick(_)
            | Action::Timeout(_)
            | Action::Deliver(_)
            | Action::Duplicate(_)
            | Action::Crash(..)
            | Action::Kill(_)
            | Action::Restart(_)
            | Action::HoldSaves(_)
            | Action::Save(_)
            | Action::FinishSave(_)
            | Action::HoldApplies(_)
            | Action::Apply(_)
            | Action::FailNextSave(_)
            | Action::CrashInSave(..)
            | Action::FillDisk(_)
            | Action::MendDisk(_) => true,
        }
    }
}

/// Which messages under way are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Those of this sender; none means any.
    pub from: Option<NodeId>,
    /// Those to this receiver; none means any.
    pub to: Option<NodeId>,
    /// Those of this kind; none means any.
    pub kind: Option<Kind>,
    /// Those with this term; none means any.
    pub term: Option<Term>,
    /// Those that carry entries after this index (or, of answers, that are about such); none means any.
    pub prev: Option<Index>,
    /// Those that reach this index; none means any.
    pub last: Option<Index>,
    /// Those that tell of this commit index; none means any.
    pub commit: Option<Index>,
    /// Only so many, the oldest first; none means all.
    pub count: Option<usize>,
}

/// What a message says of places in the log: before its entries, at their end, and up to where all is
/// committed.
fn places(message: &Message) -> (Option<Index>, Option<Index>, Option<Index>) {
    match message {
        Message::RequestVote(request) => (None, Some(request.last_log_index), None),
        Message::RequestVoteReply(_) => (None, None, None),
        Message::AppendEntries(request) => {
            (Some(request.prev_log_index), Some(request.last_index()), Some(request.leader_commit))
        }
        Message::AppendEntriesReply(reply) => match &reply.outcome {
            AppendOutcome::Refused => (None, None, None),
            AppendOutcome::Matched { match_index } => (None, Some(*match_index), None),
            AppendOutcome::Mismatch { prev_log_index, may_agree } => {
                (Some(*prev_log_index), Some(may_agree.index), None)
            }
        },
    }
}

/// A message's kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A candidate asks for a vote.
    RequestVote,
    /// The answer to it.
    Vote,
    /// A leader's sign of life.
    AppendEntries,
    /// The answer to it.
    Ack,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 4] = [Kind::RequestVote, Kind::Vote, Kind::AppendEntries, Kind::Ack];

    pub(crate) fn of(message: &Message) -> Kind {
        match message {
            Message::RequestVote(_) => Kind::RequestVote,
            Message::RequestVoteReply(_) => Kind::Vote,
            Message::AppendEntries(_) => Kind::AppendEntries,
            Message::AppendEntriesReply(_) => Kind::Ack,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::RequestVote => "request-vote",
            Kind::Vote => "vote",
            Kind::AppendEntries => "append-entries",
            Kind::Ack => "ack",
        })
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Kind, String> {
        let unknown = || format!("\"{text}\" is no kind of message: request-vote, vote, append-entries, ack");
        Kind::ALL.into_iter().find(|kind| kind.to_string() == text).ok_or_else(unknown)
    }
}

impl FromStr for Unsynced {
    type Err = String;

    fn from_str(text: &str) -> Result<Unsynced, String> {
        let unknown = || format!("\"{text}\" is not what can become of unsynced data: lost, kept, torn");
        Unsynced::ALL.into_iter().find(|unsynced| unsynced.to_string() == text).ok_or_else(unknown)
    }
}

impl Selection {
    /// This message, as exactly as a scenario can name it. Two that it can't tell apart say the same.
    pub(crate) fn of(envelope: &Envelope) -> Selection {
        let (prev, last, commit) = places(&envelope.message);
        Selection {
            from: Some(envelope.from),
            to: Some(envelope.to),
            kind: Some(Kind::of(&envelope.message)),
            term: Some(envelope.message.term()),
            prev,
            last,
            commit,
            count: Some(1),
        }
    }

    pub(crate) fn matches(&self, envelope: &Envelope) -> bool {
        self.from.is_none_or(|from| from == envelope.from)
            && self.to.is_none_or(|to| to == envelope.to)
            && self.kind.is_none_or(|kind| kind == Kind::of(&envelope.message))
            && self.term.is_none_or(|term| term == envelope.message.term())
            && {
                let (prev, last, commit) = places(&envelope.message);
                (self.prev.is_none() || self.prev == prev)
                    && (self.last.is_none() || self.last == last)
                    && (self.commit.is_none() || self.commit == commit)
            }
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Selection { from, to, kind, term, prev, last, commit, count } = self;
        let mut part = |key: &str, value: Option<String>| match value {
            Some(value) => write!(f, " {key}={value}"),
            None => Ok(()),
        };
        part("from", from.map(|from| from.to_string()))?;
        part("to", to.map(|to| to.to_string()))?;
        part("kind", kind.map(|kind| kind.to_string()))?;
        part("term", term.map(|term| term.to_string()))?;
        part("prev", prev.map(|prev| prev.to_string()))?;
        part("last", last.map(|last| last.to_string()))?;
        part("commit", commit.map(|commit| commit.to_string()))?;
        part("count", count.map(|count| count.to_string()))
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Action::Run(duration) => write!(f, "run {}", time(*duration)),
            Action::RunUntilLed => write!(f, "run-until-led"),
            Action::Tick(node) => write!(f, "tick {node}"),
            Action::Timeout(node) => write!(f, "timeout {node}"),
            Action::Propose(Some(node), value) => write!(f, "propose {value} {node}"),
            Action::Propose(None, value) => write!(f, "propose {value}"),
            Action::Read(Some(node)) => write!(f, "read {node}"),
            Action::Read(None) => write!(f, "read"),
            Action::Deliver(selection) => write!(f, "deliver{selection}"),
            Action::Settle => write!(f, "settle"),
            Action::Lose(selection) => write!(f, "lose{selection}"),
            Action::Duplicate(selection) => write!(f, "duplicate{selection}"),
            Action::Cut(from, to) => write!(f, "cut {from} {to}"),
            Action::Mend(from, to) => write!(f, "mend {from} {to}"),
            Action::Partition(group) => {
                write!(f, "partition")?;
                group.iter().try_for_each(|node| write!(f, " {node}"))
            }
            Action::Heal => write!(f, "heal"),
            Action::Crash(node, Unsynced::Lost) => write!(f, "crash {node}"),
            Action::Crash(node, unsynced) => write!(f, "crash {node} unsynced={unsynced}"),
            Action::Kill(node) => write!(f, "kill {node}"),
            Action::Restart(node) => write!(f, "restart {node}"),
            Action::Pause(node) => write!(f, "pause {node}"),
            Action::Resume(node) => write!(f, "resume {node}"),
            Action::HoldSaves(node) => write!(f, "hold-saves {node}"),
            Action::Save(node) => write!(f, "save {node}"),
            Action::FinishSave(node) => write!(f, "finish-save {node}"),
            Action::HoldApplies(node) => write!(f, "hold-applies {node}"),
            Action::Apply(node) => write!(f, "apply {node}"),
            Action::FailNextSave(node) => write!(f, "fail-next-save {node}"),
            Action::CrashInSave(node, operations, Unsynced::Lost) => {
                write!(f, "crash-in-save {node} {operations}")
            }
            Action::CrashInSave(node, operations, unsynced) => {
                write!(f, "crash-in-save {node} {operations} unsynced={unsynced}")
            }
            Action::FillDisk(node) => write!(f, "fill-disk {node}"),
            Action::MendDisk(node) => write!(f, "mend-disk {node}"),
            Action::SetClock(node, speed) => write!(f, "clock {node} {speed}"),
            Action::JumpClock(node, by) => write!(f, "jump-clock {node} {}", time(*by)),
            Action::Calm => write!(f, "calm"),
        }
    }
}

/// A time as scenarios write it, without spaces: `1s500ms`.
pub(crate) fn time(duration: Duration) -> String {
    humantime::format_duration(duration).to_string().replace(' ', "")
}
