//! Everything that can be done to a world, each with the words that a scenario has for it.

use crate::network::LinkWeather;
use consensus::{
    AppendEntriesReply, AppendOutcome, Change, Index, Message, NodeId, PreVoteReply, Profile,
    RequestVoteReply, Rule, SnapshotOutcome, Term,
};
use driver::{Envelope, Speed};
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;
use trace::Unsynced;

/// One thing that is done to a world. Displayed as the scenario's command for it (docs/scenarios.md).
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Time passes: messages arrive, timers run out, disks finish.
    Run(Duration),
    /// Time passes until the same server has led for four of the longest election timeouts, or a promise
    /// is broken.
    RunUntilLed,
    /// Time passes until a single thing has happened: a message has arrived, a timer has run out, or a disk has finished.
    Step,
    /// The time jumps to the server's next deadline, and only this server notices: its election timer
    /// runs out or, if it leads, its next heartbeats are due.
    Tick(NodeId),
    /// The server's election timer runs out now, whatever it was drawn to.
    Timeout(NodeId),
    /// The server, which leads, stops leading without a reason, and waits for a leader as long as it can.
    StepDown(NodeId),
    /// A client wants this value in the log, and asks the server or, if none is named, each that leads.
    Propose(Option<NodeId>, u64),
    /// A client wants to read, and asks the server or, if none is named, each that leads.
    Read(Option<NodeId>),
    /// A client of the store, c1, c2, …, wants something, and asks the server or, if none is named, one that
    /// leads. What it asked for before, and got no answer to, it gives up.
    Client(u64, Wish, Option<NodeId>),
    /// The clients compare what they were told: was it like a single store?
    CheckHistory,
    /// An operator wants to change the members, and asks the server or, if none is named, each that leads.
    ChangeMembers(Change, Option<NodeId>),
    /// An operator wants the first server to lead, and asks the second or, if none is named, each that leads.
    Transfer(NodeId, Option<NodeId>),
    /// The first server's connection to the second breaks.
    LoseConnection(NodeId, NodeId),
    /// The second server connects to the first.
    MakeConnection(NodeId, NodeId),
    /// The first server, which leads, takes this for the next entry that the second one needs.
    SetNext(NodeId, NodeId, Index),
    /// The server follows this profile from now on.
    SetProfile(NodeId, Profile),
    /// No server obeys the rule from now on, or all do again.
    SwitchRule(Rule, bool),
    /// Messages in flight arrive.
    Deliver(Selection),
    /// Messages in flight arrive, and so do the messages that these cause, until none is in flight.
    Settle,
    /// Messages in flight are lost.
    Lose(Selection),
    /// Messages in flight are duplicated.
    Duplicate(Selection),
    /// Messages in flight are held: they do not arrive by themselves, but only when they are delivered by name.
    Hold(Selection),
    /// Messages in flight arrive that much later or, if they are held, that long from now.
    Delay(Selection, Duration),
    /// The link from the first server to the second, or each link, has this weather from now on. What is `None` in it is as
    /// the world began.
    Link(Option<(NodeId, NodeId)>, LinkWeather),
    /// The link from the first server to the second no longer carries anything.
    Cut(NodeId, NodeId),
    /// The link from the first server to the second works again.
    Mend(NodeId, NodeId),
    /// These servers are cut off from all others, both ways.
    Partition(Vec<NodeId>),
    /// All links work again as the world began.
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
    /// The server writes a snapshot of what it has applied.
    Snapshot(NodeId),
    /// The next sync of the server's disk fails.
    FailNextSave(NodeId),
    /// In the next save the power goes out after this number of disk operations: write, sync, and write the
    /// mark that all before it is durable. (So 2 is after the save, and before the server knows.) Where the
    /// save begins a new segment of the log, there are seven before these: create, write, sync, rename, sync
    /// the folder, write the seal of the old segment, and sync that.
    CrashInSave(NodeId, u32, Unsynced),
    /// Likewise, but only the server's process is killed: what it wrote stays.
    KillInSave(NodeId, u32),
    /// A bit of the last save on the dead server's disk flips.
    DamageLastSave(NodeId, u64),
    /// The server's disk is full.
    FillDisk(NodeId),
    /// A dead server's disk is replaced by an empty one. Told to join, it is then started as one that is to be added;
    /// otherwise as it was started first.
    LoseDisk(NodeId, bool),
    /// A copy is made of what the server's disk holds for good.
    CopyDisk(NodeId),
    /// A dead server's disk is replaced by the copy that was made of it; or of its files only those of the log and the
    /// snapshot, as if the disk had lost what was written since.
    PutBack(NodeId, bool),
    /// A dead server's disk has lost the vote of its latest term, although it was synced.
    ForgetVote(NodeId),
    /// A dead server's disk has lost this number of entries at the end of its log, although they were synced.
    ForgetEntries(NodeId, u64),
    /// A dead server gets another address. The others learn it when they hear from it.
    Move(NodeId),
    /// A server of another cluster, which has the first server's number and leads there in this term, sends the second
    /// its first entry.
    Stray(NodeId, NodeId, Term),
    /// The server's disk is as good as new: it has room, what it was to do wrong it won't, and what was damaged is not.
    MendDisk(NodeId),
    /// The server's clock runs at this speed.
    SetClock(NodeId, Speed),
    /// The server's clock jumps ahead.
    JumpClock(NodeId, Duration),
    /// The trouble is over: from here on the network loses nothing, and progress is owed.
    Calm,
}

impl Action {
    /// The messages in flight that it does something to. Where there are none, it does nothing.
    pub(crate) fn selection_mut(&mut self) -> Option<&mut Selection> {
        match self {
            Action::Deliver(selection)
            | Action::Lose(selection)
            | Action::Duplicate(selection)
            | Action::Hold(selection)
            | Action::Delay(selection, _) => Some(selection),
            _ => None,
        }
    }

    /// Does it do something to messages in flight, and nothing if there are none?
    pub(crate) fn is_about_messages(&self) -> bool {
        matches!(
            self,
            Action::Deliver(_) | Action::Lose(_) | Action::Duplicate(_) | Action::Hold(_) | Action::Delay(..)
        )
    }

    /// Does it make one thing happen to the servers themselves, rather than decide what the network, a
    /// clock or the scheduler will let happen?
    pub(crate) fn is_elementary(&self) -> bool {
        match self {
            Action::Run(_)
            | Action::RunUntilLed
            | Action::Step
            | Action::Settle
            | Action::Lose(_)
            | Action::Hold(_)
            | Action::Delay(..)
            | Action::Link(..)
            | Action::Cut(..)
            | Action::Mend(..)
            | Action::Partition(_)
            | Action::Heal
            | Action::Move(_)
            | Action::Pause(_)
            | Action::Resume(_)
            | Action::SetClock(..)
            | Action::JumpClock(..)
            | Action::Calm => false,
            Action::Client(_, _, server)
            | Action::Propose(server, _)
            | Action::Read(server)
            | Action::ChangeMembers(_, server)
            | Action::Transfer(_, server) => server.is_some(),
            Action::CheckHistory
            | Action::LoseConnection(..)
            | Action::MakeConnection(..)
            | Action::SetNext(..)
            | Action::SetProfile(..)
            | Action::SwitchRule(..)
            | Action::Tick(_)
            | Action::Timeout(_)
            | Action::StepDown(_)
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
            | Action::Snapshot(_)
            | Action::FailNextSave(_)
            | Action::CrashInSave(..)
            | Action::KillInSave(..)
            | Action::DamageLastSave(..)
            | Action::FillDisk(_)
            | Action::LoseDisk(..)
            | Action::CopyDisk(_)
            | Action::PutBack(..)
            | Action::ForgetVote(_)
            | Action::ForgetEntries(..)
            | Action::Stray(..)
            | Action::MendDisk(_) => true,
        }
    }
}

/// What a client of the store wants. Keys are letters, values numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// A session, so that it can ask again for what it gets no answer to.
    OpenSession,
    /// To know a key's value.
    Get(char),
    /// To give a key a value.
    Put(char, u64),
    /// To remove a key.
    Delete(char),
    /// To give a key the second value if it has the first.
    CompareAndSwap(char, u64, u64),
    /// To have an answer to what it has asked for.
    Retry,
}

impl Wish {
    /// The scenario's command for it, in two parts: the client's name stands between them.
    fn words(&self) -> (&'static str, String) {
        match self {
            Wish::OpenSession => ("open-session", String::new()),
            Wish::Get(key) => ("get", format!(" {key}")),
            Wish::Put(key, value) => ("put", format!(" {key} {value}")),
            Wish::Delete(key) => ("delete", format!(" {key}")),
            Wish::CompareAndSwap(key, expected, new) => ("swap", format!(" {key} {expected} {new}")),
            Wish::Retry => ("retry", String::new()),
        }
    }
}

/// Which messages in flight are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Those of this sender; `None` means any.
    pub from: Option<NodeId>,
    /// Those to this receiver; `None` means any.
    pub to: Option<NodeId>,
    /// Those of this kind; `None` means any.
    pub kind: Option<Kind>,
    /// Those with this term; `None` means any.
    pub term: Option<Term>,
    /// Those that carry entries after this index (or, of answers, that are about such); `None` means any.
    pub prev: Option<Index>,
    /// Those that reach this index; `None` means any.
    pub last: Option<Index>,
    /// Those that tell of this commit index; `None` means any.
    pub commit: Option<Index>,
    /// Those of this round of questions whether the leader still leads; `None` means any.
    pub round: Option<u64>,
    /// Of answers, those that say yes or those that say no; `None` means any.
    pub answer: Option<Answer>,
    /// Those with, or about, the chunk of a snapshot that begins at this byte; `None` means any.
    pub offset: Option<u64>,
    /// Of answers, those that have received this number of bytes of a snapshot; `None` means any.
    pub bytes: Option<u64>,
    /// Those that were sent in this life of their sender; `None` means any.
    pub life: Option<u64>,
    /// The number of messages that are left out, the oldest first; `None` means none.
    pub skip: Option<usize>,
    /// Maximum number of messages, the oldest first; `None` means all.
    pub count: Option<usize>,
}

/// What an answer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The vote is granted, the entries are taken.
    Yes,
    /// They are not.
    No,
    /// Who sent the entries does not lead that term.
    Refused,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Answer::Yes => "yes",
            Answer::No => "no",
            Answer::Refused => "refused",
        })
    }
}

impl FromStr for Answer {
    type Err = String;

    fn from_str(text: &str) -> Result<Answer, String> {
        let unknown = || format!("\"{text}\" is not what an answer says: yes, no, refused");
        [Answer::Yes, Answer::No, Answer::Refused]
            .into_iter()
            .find(|answer| answer.to_string() == text)
            .ok_or_else(unknown)
    }
}

/// A message's kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A pre-candidate asks whether it would get a vote.
    PreVote,
    /// The answer to it.
    PreVoteAnswer,
    /// A candidate asks for a vote.
    RequestVote,
    /// The answer to it.
    Vote,
    /// A leader's sign of life.
    AppendEntries,
    /// The answer to it.
    Ack,
    /// A leader's snapshot, or a chunk of it.
    InstallSnapshot,
    /// The answer to it.
    SnapshotAck,
    /// A leader asks another server to become leader.
    TimeoutNow,
    /// A server wants to found a cluster.
    Found,
    /// The answer to it.
    FoundAnswer,
    /// A server is told why it is not heard.
    Refusal,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 12] = [
        Kind::PreVote,
        Kind::PreVoteAnswer,
        Kind::RequestVote,
        Kind::Vote,
        Kind::AppendEntries,
        Kind::Ack,
        Kind::InstallSnapshot,
        Kind::SnapshotAck,
        Kind::TimeoutNow,
        Kind::Found,
        Kind::FoundAnswer,
        Kind::Refusal,
    ];

    pub(crate) fn of(message: &Message) -> Kind {
        match message {
            Message::PreVote(_) => Kind::PreVote,
            Message::PreVoteReply(_) => Kind::PreVoteAnswer,
            Message::RequestVote(_) => Kind::RequestVote,
            Message::RequestVoteReply(_) => Kind::Vote,
            Message::AppendEntries(_) => Kind::AppendEntries,
            Message::AppendEntriesReply(_) => Kind::Ack,
            Message::InstallSnapshot(_) => Kind::InstallSnapshot,
            Message::InstallSnapshotReply(_) => Kind::SnapshotAck,
            Message::TimeoutNow(_) => Kind::TimeoutNow,
            Message::Found(found) if found.is_reply => Kind::FoundAnswer,
            Message::Found(_) => Kind::Found,
            Message::Refusal(_) => Kind::Refusal,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::PreVote => "pre-vote",
            Kind::PreVoteAnswer => "pre-vote-answer",
            Kind::RequestVote => "request-vote",
            Kind::Vote => "vote",
            Kind::AppendEntries => "append-entries",
            Kind::Ack => "ack",
            Kind::InstallSnapshot => "install-snapshot",
            Kind::SnapshotAck => "snapshot-ack",
            Kind::TimeoutNow => "timeout-now",
            Kind::Found => "found",
            Kind::FoundAnswer => "found-answer",
            Kind::Refusal => "refusal",
        })
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Kind, String> {
        let unknown = || {
            let kinds = Kind::ALL.map(|kind| kind.to_string()).join(", ");
            format!("\"{text}\" is no kind of message: {kinds}")
        };
        Kind::ALL.into_iter().find(|kind| kind.to_string() == text).ok_or_else(unknown)
    }
}

impl Selection {
    /// This message, as exactly as a scenario can name it. Two that it can't tell apart say the same.
    pub(crate) fn of(envelope: &Envelope) -> Selection {
        let Envelope { from, to, sent_as, message, .. } = envelope;
        let selection = Selection {
            from: Some(*from),
            to: Some(*to),
            kind: Some(Kind::of(message)),
            term: Some(message.term()),
            // That of a first life goes without saying.
            life: Some(sent_as.life).filter(|life| *life > 1),
            count: Some(1),
            ..Selection::default()
        };
        match message {
            Message::PreVote(request) => Selection { last: Some(request.last_log_index), ..selection },
            Message::RequestVote(request) => Selection { last: Some(request.last_log_index), ..selection },
            Message::PreVoteReply(PreVoteReply { would_vote: granted, .. })
            | Message::RequestVoteReply(RequestVoteReply { vote_granted: granted, .. }) => {
                let answer = Some(if *granted { Answer::Yes } else { Answer::No });
                Selection { answer, ..selection }
            }
            Message::Found(found) => {
                let answer = Some(if found.is_saved { Answer::Yes } else { Answer::No });
                Selection { answer, ..selection }
            }
            Message::TimeoutNow(_) | Message::Refusal(_) => selection,
            Message::AppendEntries(request) => Selection {
                prev: Some(request.prev_log_index),
                last: Some(request.last_index()),
                commit: Some(request.leader_commit),
                round: Some(request.round),
                ..selection
            },
            Message::AppendEntriesReply(reply) => selection.with_outcome(reply),
            Message::InstallSnapshot(request) => Selection {
                last: Some(request.chunk.last_included.index),
                offset: Some(request.chunk.offset),
                ..selection
            },
            Message::InstallSnapshotReply(reply) => {
                let bytes = match reply.outcome {
                    SnapshotOutcome::Received { bytes } => Some(bytes),
                    _ => None,
                };
                let answer = Some(match reply.outcome {
                    SnapshotOutcome::Refused => Answer::Refused,
                    _ => Answer::Yes,
                });
                let (last, offset) = (Some(reply.last_included.index), Some(reply.offset));
                Selection { last, offset, bytes, answer, ..selection }
            }
        }
    }

    fn with_outcome(self, reply: &AppendEntriesReply) -> Selection {
        let round = Some(reply.round);
        match reply.outcome {
            AppendOutcome::Refused => Selection { answer: Some(Answer::Refused), round, ..self },
            AppendOutcome::Matched { match_index: last } => {
                Selection { last: Some(last), answer: Some(Answer::Yes), round, ..self }
            }
            AppendOutcome::Mismatch { prev_log_index: prev, may_agree } => {
                let (prev, last) = (Some(prev), Some(may_agree.index));
                Selection { prev, last, answer: Some(Answer::No), round, ..self }
            }
        }
    }

    pub(crate) fn matches(&self, envelope: &Envelope) -> bool {
        fn fits<T: PartialEq>(wanted: &Option<T>, found: &Option<T>) -> bool {
            wanted.is_none() || wanted == found
        }
        let message = Selection::of(envelope);
        fits(&self.from, &message.from)
            && fits(&self.to, &message.to)
            && fits(&self.kind, &message.kind)
            && fits(&self.term, &message.term)
            && fits(&self.prev, &message.prev)
            && fits(&self.last, &message.last)
            && fits(&self.commit, &message.commit)
            && fits(&self.round, &message.round)
            && fits(&self.answer, &message.answer)
            && fits(&self.offset, &message.offset)
            && fits(&self.bytes, &message.bytes)
            && fits(&self.life, &message.life)
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Selection {
            from,
            to,
            kind,
            term,
            prev,
            last,
            commit,
            round,
            answer,
            offset,
            bytes,
            life,
            skip,
            count,
        } = self;
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
        part("round", round.map(|round| round.to_string()))?;
        part("answer", answer.map(|answer| answer.to_string()))?;
        part("offset", offset.map(|offset| offset.to_string()))?;
        part("bytes", bytes.map(|bytes| bytes.to_string()))?;
        part("life", life.map(|life| life.to_string()))?;
        part("skip", skip.map(|skip| skip.to_string()))?;
        part("count", count.map(|count| count.to_string()))
    }
}

fn write_servers<'a>(
    f: &mut fmt::Formatter<'_>,
    key: &str,
    servers: impl IntoIterator<Item = &'a NodeId>,
) -> fmt::Result {
    let names: Vec<String> = servers.into_iter().map(NodeId::to_string).collect();
    if names.is_empty() { Ok(()) } else { write!(f, " {key}={}", names.join("/")) }
}

/// What a profile has, as a scenario says it: `paper`, `production`, or what is on, as in `pre-vote/check-quorum`.
pub(crate) fn profile_words(profile: Profile) -> String {
    match profile {
        Profile::PAPER => "paper".to_owned(),
        Profile::PRODUCTION => "production".to_owned(),
        Profile { pre_vote, check_quorum, eager_election } => {
            let all =
                [(pre_vote, "pre-vote"), (check_quorum, "check-quorum"), (eager_election, "eager-election")];
            let on: Vec<&str> = all.into_iter().filter_map(|(is_on, name)| is_on.then_some(name)).collect();
            on.join("/")
        }
    }
}

/// Reads what [`profile_words`] writes.
pub(crate) fn parse_profile(text: &str) -> Result<Profile, String> {
    match text {
        "paper" => return Ok(Profile::PAPER),
        "production" => return Ok(Profile::PRODUCTION),
        _ => {}
    }
    let mut profile = Profile::PAPER;
    for name in text.split('/') {
        match name {
            "pre-vote" => profile.pre_vote = true,
            "check-quorum" => profile.check_quorum = true,
            "eager-election" => profile.eager_election = true,
            _ => {
                return Err(format!(
                    "\"{name}\" is no profile: paper, production, or of pre-vote/check-quorum/eager-election"
                ));
            }
        }
    }
    Ok(profile)
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Action::Run(duration) => write!(f, "run {}", time(*duration)),
            Action::RunUntilLed => write!(f, "run-until-led"),
            Action::Step => write!(f, "step"),
            Action::Tick(node) => write!(f, "tick {node}"),
            Action::Timeout(node) => write!(f, "timeout {node}"),
            Action::StepDown(node) => write!(f, "step-down {node}"),
            Action::Propose(Some(node), value) => write!(f, "propose {value} {node}"),
            Action::Propose(None, value) => write!(f, "propose {value}"),
            Action::Read(Some(node)) => write!(f, "read {node}"),
            Action::Read(None) => write!(f, "read"),
            Action::Client(client, wish, server) => {
                let (command, what) = wish.words();
                write!(f, "{command} c{client}{what}")?;
                server.map_or(Ok(()), |server| write!(f, " at={server}"))
            }
            Action::CheckHistory => write!(f, "check-history"),
            Action::ChangeMembers(change, server) => {
                write!(f, "change")?;
                let Change { add, promote, remove, .. } = change;
                write_servers(f, "add", add.keys())?;
                write_servers(f, "promote", promote)?;
                write_servers(f, "remove", remove)?;
                server.map_or(Ok(()), |server| write!(f, " at={server}"))
            }
            Action::Transfer(to, server) => {
                write!(f, "transfer {to}")?;
                server.map_or(Ok(()), |server| write!(f, " at={server}"))
            }
            Action::LoseConnection(node, peer) => write!(f, "lose-connection {node} {peer}"),
            Action::MakeConnection(node, peer) => write!(f, "make-connection {node} {peer}"),
            Action::SetNext(node, follower, next) => write!(f, "set-next {node} {follower} {next}"),
            Action::SetProfile(node, profile) => write!(f, "profile {node} {}", profile_words(*profile)),
            Action::SwitchRule(rule, is_on) => write!(f, "rule {rule} {}", if *is_on { "on" } else { "off" }),
            Action::Deliver(selection) => write!(f, "deliver{selection}"),
            Action::Settle => write!(f, "settle"),
            Action::Lose(selection) => write!(f, "lose{selection}"),
            Action::Duplicate(selection) => write!(f, "duplicate{selection}"),
            Action::Hold(selection) => write!(f, "hold{selection}"),
            Action::Delay(selection, by) => write!(f, "delay{selection} by={}", time(*by)),
            Action::Link(link, LinkWeather { latency, loss, duplication }) => {
                write!(f, "link")?;
                link.map_or(Ok(()), |(from, to)| write!(f, " {from} {to}"))?;
                latency
                    .as_ref()
                    .map_or(Ok(()), |latency| write!(f, " latency={}", range_of_times(latency)))?;
                loss.map_or(Ok(()), |loss| write!(f, " loss={loss}"))?;
                duplication.map_or(Ok(()), |duplication| write!(f, " duplication={duplication}"))
            }
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
            Action::Snapshot(node) => write!(f, "snapshot {node}"),
            Action::FailNextSave(node) => write!(f, "fail-next-save {node}"),
            Action::CrashInSave(node, operations, Unsynced::Lost) => {
                write!(f, "crash-in-save {node} {operations}")
            }
            Action::CrashInSave(node, operations, unsynced) => {
                write!(f, "crash-in-save {node} {operations} unsynced={unsynced}")
            }
            Action::KillInSave(node, operations) => write!(f, "kill-in-save {node} {operations}"),
            Action::DamageLastSave(node, bit) => write!(f, "damage-last-save {node} {bit}"),
            Action::FillDisk(node) => write!(f, "fill-disk {node}"),
            Action::LoseDisk(node, false) => write!(f, "lose-disk {node}"),
            Action::LoseDisk(node, true) => write!(f, "lose-disk {node} then=join"),
            Action::CopyDisk(node) => write!(f, "copy-disk {node}"),
            Action::PutBack(node, false) => write!(f, "put-back {node}"),
            Action::PutBack(node, true) => write!(f, "put-back {node} only=log"),
            Action::ForgetVote(node) => write!(f, "forget {node} vote"),
            Action::ForgetEntries(node, entries) => write!(f, "forget {node} entries={entries}"),
            Action::Move(node) => write!(f, "move {node}"),
            Action::Stray(from, to, term) => write!(f, "stray {from} {to} term={term}"),
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

/// One time, or two with `..` between them.
pub(crate) fn range_of_times(range: &RangeInclusive<Duration>) -> String {
    let (min, max) = (time(*range.start()), time(*range.end()));
    if min == max { min } else { format!("{min}..{max}") }
}
