//! One thing that happened, and its JSON.

use crate::content::Content;
use crate::english;
use crate::input::StepInput;
use crate::slow_disk::SlowDisk;
use consensus::event::What;
use consensus::{HardState, Index, Instant, LogPosition, Membership, Message, NodeId, RoleKind, Rule, Term};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The id of an event: the server, its start number, and its sequence number there. Written `n2:117` after a
/// server's first start and `n2.3:117` after its third.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct EventId {
    /// The server that reported it.
    pub node: NodeId,
    /// The server's start number.
    pub life: u64,
    /// The event's sequence number since that start, from 1.
    pub seq: u64,
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.life {
            1 => write!(f, "{}:{}", self.node, self.seq),
            life => write!(f, "{}.{life}:{}", self.node, self.seq),
        }
    }
}

/// This is not the id of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownEvent(pub String);

impl fmt::Display for UnknownEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.0;
        write!(
            f,
            "\"{name}\" names no event; n2:117 is event 117 of n2's first start, n2.3:5 is event 5 of its third start"
        )
    }
}

impl std::error::Error for UnknownEvent {}

impl FromStr for EventId {
    type Err = UnknownEvent;

    fn from_str(text: &str) -> Result<EventId, UnknownEvent> {
        let parse = || {
            let (server, seq) = text.strip_prefix('n')?.split_once(':')?;
            let (node, life) = server.split_once('.').unwrap_or((server, "1"));
            Some(EventId {
                node: NodeId(node.parse().ok()?),
                life: life.parse().ok()?,
                seq: seq.parse().ok()?,
            })
        };
        parse().ok_or_else(|| UnknownEvent(text.to_owned()))
    }
}

/// One thing that happened to one server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Record {
    /// When: microseconds since the cluster's start, on the observer's clock.
    pub t: u64,
    /// The server that it happened to.
    pub node: NodeId,
    /// The server's start number, from 1.
    pub life: u64,
    /// The event's sequence number since that start, from 1. `None` if the event is reported about the
    /// server, not by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// The event that led to it, perhaps on another server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<EventId>,
    /// The server's current term after the event.
    pub term: Term,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
    /// The contents, in words, of the entries and the store that the event is about.
    // In a box, so that most records stay small.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Box<Content>>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(untagged)]
pub enum Event {
    /// The consensus core decided something.
    Decision(consensus::event::Decision),
    /// A message was sent or received, or a save was completed.
    Io(Io),
    /// A report of a server process about itself.
    Process(Process),
    /// The lab did something to a server, or something was observed from outside.
    Laboratory(Laboratory),
}

/// Messages and saves, as the driver sees them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Io {
    /// A message was sent; everything it depends on was on disk by then.
    Sent {
        /// The receiver.
        to: NodeId,
        /// The message.
        message: Message,
    },
    /// A message was received.
    Received {
        /// The sender.
        from: NodeId,
        /// The message.
        message: Message,
    },
    /// What a restarted server found on its disk.
    Restored {
        /// The hard state that was saved before.
        #[serde(flatten)]
        hard_state: HardState,
        /// The end of the log that was saved before.
        log: LogPosition,
        /// The last entry that its snapshot covers; index 0 if it has none.
        #[serde(default, skip_serializing_if = "is_none")]
        snapshot: LogPosition,
        /// The first entry of each term in the log after the snapshot. Entries of the same term follow each
        /// other, so this gives the term of each of them.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        terms: Vec<LogPosition>,
    },
    /// A save was completed.
    Saved {
        /// The hard state.
        #[serde(flatten)]
        hard_state: HardState,
        /// The end of the log.
        log: LogPosition,
    },
    /// Clients ask for something.
    Asked {
        /// What they want.
        wish: Wish,
        /// The numbers of their requests.
        requests: Vec<u64>,
    },
    /// A client gets its outcome.
    Answered {
        /// The number of its request.
        request: u64,
        /// The outcome.
        #[serde(flatten)]
        answer: Answer,
    },
    /// Committed commands were applied to the state machine.
    Applied {
        /// Highest index applied.
        index: Index,
    },
    /// A snapshot of the state machine begins: the current state is being written.
    SnapshotBegun {
        /// The last entry that it covers.
        last_included: LogPosition,
    },
    /// A newer snapshot is put off because a follower is still being sent this one. Recorded once for each.
    SnapshotPutOff {
        /// The last entry that the one being sent covers.
        being_sent: LogPosition,
    },
    /// The server has taken a step, and this record ends it. Included where a run is recorded: with all its
    /// steps it can be replayed.
    #[cfg_attr(feature = "ts", ts(skip))]
    Step {
        /// When, on the server's own clock.
        now: Instant,
        /// The step's input.
        input: Box<StepInput>,
        /// The server's state after the step.
        state: Box<State>,
    },
}

/// What a client wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    /// To write a command to the log.
    Write,
    /// To read the state machine.
    Read,
    /// To change the members.
    Change,
    /// To make another server lead.
    Transfer,
}

/// The outcome that a client gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// Its command is committed and applied.
    Done {
        /// Its index in the log.
        index: Index,
    },
    /// Another entry was committed in the place of its command, which never takes effect.
    Replaced,
    /// A snapshot covers the place of its command: this server can't know whether it was committed.
    Uncertain,
    /// It may read the current state of the state machine.
    MayRead {
        /// Highest index applied.
        applied: Index,
    },
    /// Its membership change has begun.
    Changed {
        /// Index of the configuration with which the change begins.
        index: Index,
    },
    /// The leader has begun to hand leadership over.
    HandsOver,
    /// Its request is refused.
    Refused {
        /// The reason, in English.
        reason: String,
    },
    /// This server does not lead, or does so no longer.
    NotLeader {
        /// The leader, if known.
        leader: Option<NodeId>,
    },
}

/// What a client knows about its request once it has the outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum OutcomeKind {
    /// It was done.
    Done,
    /// It was not done, and never will be.
    NotDone,
    /// It may have been done, or may still be done.
    Unknown,
}

impl fmt::Display for OutcomeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            OutcomeKind::Done => "done",
            OutcomeKind::NotDone => "not done",
            OutcomeKind::Unknown => "unknown",
        })
    }
}

pub(crate) fn is_none(snapshot: &LogPosition) -> bool {
    *snapshot == LogPosition::default()
}

/// The state of a server after a step. Its term is beside it, in [`Record::term`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Its role.
    pub role: RoleKind,
    /// The server that has its vote in the current term.
    pub voted_for: Option<NodeId>,
    /// The last entry of its log.
    pub last_log: LogPosition,
    /// Highest index that it knows to be committed.
    pub commit_index: Index,
    /// The configuration that it uses.
    pub membership: Membership,
}

/// What a server process reports about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Process {
    /// The process runs and listens.
    Started {
        /// Its process id.
        pid: u32,
        /// Where it listens, as HOST:PORT.
        address: String,
    },
    /// The process shuts down normally.
    Stopped,
    /// Bytes arrived that are not a message of this cluster. Reported once for each kind of problem, then
    /// only counted.
    Garbage {
        /// Where they came from, as HOST:PORT.
        from: String,
        /// What was wrong.
        problem: String,
    },
    /// The last save was incomplete, as after a power cut, and was cut off.
    CutOff {
        /// Where the log ends now, and what was cut off where.
        what: String,
    },
    /// The disk has no space for what must be saved. The server waits for some: meanwhile it neither votes
    /// nor accepts anything.
    DiskFull {
        /// The system's error; `None` once there is space again. In JSON `why` is the English.
        #[serde(rename = "problem", default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// The disk is too slow for the election timeout, or no longer is: reported when that changes.
    SlowDisk {
        /// The measurement; `None` if the disk is fast enough now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        slow: Option<SlowDisk>,
    },
    /// The reader of the trace was too slow, and events were left out.
    Missed {
        /// Number of events.
        events: u64,
    },
}

/// What the lab did, or what was observed from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Laboratory {
    /// The process ended without shutting down: it was killed, it failed, or (in the simulator) its power was
    /// cut.
    Died {
        /// The signal that killed it, if one did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signal: Option<i32>,
        /// If its power was cut: what happened to the data that was written and not yet synced. Unlike a
        /// process that is killed, a server without power can lose it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        power_cut: Option<Unsynced>,
        /// Its exit status, if it exited.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<i32>,
        /// The last line on its standard error.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        last_words: String,
    },
    /// The process was halted (SIGSTOP).
    Paused,
    /// The process continues (SIGCONT).
    Resumed,
    /// The clocks of all servers run at another speed from here on.
    Speed {
        /// In millionths of real time.
        millionths: u64,
    },
    /// Messages no longer pass these links.
    LinksCut {
        /// Which ones.
        links: Vec<Link>,
    },
    /// These links are no longer cut.
    LinksMended {
        /// Which ones.
        links: Vec<Link>,
    },
    /// Each message on these links is held for a while.
    LinksDelayed {
        /// Which ones.
        links: Vec<Link>,
        /// The delay, in microseconds of the servers' own time; 0 for none.
        delay_us: u64,
    },
    /// Messages on these links get lost at random.
    LinksLossy {
        /// Which ones.
        links: Vec<Link>,
        /// Percentage of messages that are lost; 0 for none.
        percent: u8,
    },
    /// No link is cut, slow or lossy any longer.
    LinksHealed,
    /// A rule was switched off or on, for all servers (in the simulator).
    RuleSwitched {
        /// Which one.
        rule: Rule,
        /// Do servers follow it from here on?
        is_on: bool,
    },
    /// A client of the store sends this server a request.
    ClientAsks {
        /// Which client.
        client: u64,
        /// What it wants, in words.
        what: String,
        /// Its command as an entry would hold it, in the words of [`Content::entries`]; `None` for a read.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        command: Option<String>,
        /// Has it sent the very same request before, without an answer?
        again: bool,
    },
    /// This server has told a client the outcome of its request.
    ClientHears {
        /// Which client.
        client: u64,
        /// The response, in words.
        answer: String,
        /// What the client knows because of it. `None` in traces of earlier versions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        outcome: Option<OutcomeKind>,
    },
    /// One of Raft's properties no longer holds; with all rules on, that is a bug.
    Violated {
        /// The property and where the paper has it, as in `election safety (§5.2, Figure 3)`.
        property: String,
        /// The property's meaning, and why it matters, for a beginner. Empty in traces of earlier versions.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        meaning: String,
        /// What happened instead, for a beginner.
        what_happened: String,
        /// The earlier event that this contradicts; the record's cause is the event that broke the promise.
        /// `None` if it contradicts no single event.
        // In a box, so that this rare kind of record makes no other larger.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        contradicts: Option<Box<EventId>>,
    },
}

/// What happens to data that was written and not yet synced when the power goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Unsynced {
    /// It is gone.
    #[default]
    Lost,
    /// It had reached the disk anyway.
    Kept,
    /// Names had reached the disk, and only the sectors in the first half of the new content.
    Torn,
}

impl Unsynced {
    /// Everything that can happen to it.
    pub const ALL: [Unsynced; 3] = [Unsynced::Lost, Unsynced::Kept, Unsynced::Torn];
}

impl fmt::Display for Unsynced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unsynced::Lost => "lost",
            Unsynced::Kept => "kept",
            Unsynced::Torn => "torn",
        })
    }
}

impl FromStr for Unsynced {
    type Err = String;

    fn from_str(text: &str) -> Result<Unsynced, String> {
        let unknown = || format!("unsynced data can be lost, kept, torn, but not \"{text}\"");
        Unsynced::ALL.into_iter().find(|unsynced| unsynced.to_string() == text).ok_or_else(unknown)
    }
}

/// The path of messages from one server to another. The path back is another link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Link {
    /// The sender.
    pub from: NodeId,
    /// The receiver.
    pub to: NodeId,
}

impl Link {
    /// The link in the other direction.
    pub fn back(self) -> Link {
        Link { from: self.to, to: self.from }
    }
}

impl Record {
    /// The event's id, if the server itself reported it.
    pub fn id(&self) -> Option<EventId> {
        self.seq.map(|seq| EventId { node: self.node, life: self.life, seq })
    }

    /// The decision of the consensus core, if this is one.
    pub fn decision(&self) -> Option<&What> {
        match &self.event {
            Event::Decision(decision) => Some(&decision.what),
            _ => None,
        }
    }

    /// Does the server become leader here?
    pub fn comes_to_lead(&self) -> bool {
        matches!(self.decision(), Some(What::Role { role: RoleKind::Leader, .. }))
    }

    /// Was something done to the links between servers here?
    pub fn is_about_links(&self) -> bool {
        matches!(
            self.event,
            Event::Laboratory(
                Laboratory::LinksCut { .. }
                    | Laboratory::LinksMended { .. }
                    | Laboratory::LinksDelayed { .. }
                    | Laboratory::LinksLossy { .. }
                    | Laboratory::LinksHealed
            )
        )
    }

    /// Was a promise of Raft broken here?
    pub fn is_violation(&self) -> bool {
        matches!(self.event, Event::Laboratory(Laboratory::Violated { .. }))
    }

    /// The rule that decided, if one did.
    pub fn rule(&self) -> Option<Rule> {
        match &self.event {
            Event::Decision(decision) => decision.rule.filter(|_| !decision.by_other_answer),
            Event::Io(Io::Applied { .. }) => Some(Rule::ApplyInOrderOnce),
            Event::Io(Io::Answered { answer: Answer::Done { .. } | Answer::Replaced, .. }) => {
                Some(Rule::AnswerForThisEntry)
            }
            Event::Laboratory(Laboratory::ClientAsks { again: true, .. }) => Some(Rule::OncePerClientRequest),
            Event::Io(Io::SnapshotBegun { .. }) => Some(Rule::SnapshotOnlyApplied),
            Event::Io(Io::SnapshotPutOff { .. }) => Some(Rule::KeepSnapshotBeingSent),
            Event::Io(Io::Answered { answer: Answer::MayRead { .. }, .. }) => Some(Rule::ReadWaitsForApply),
            _ => None,
        }
    }

    /// The record as one line of JSON, with the event in English as `why`.
    pub fn to_json(&self) -> String {
        #[derive(Serialize)]
        struct Line<'a> {
            #[serde(flatten)]
            record: &'a Record,
            /// A decision names its rule itself.
            #[serde(skip_serializing_if = "Option::is_none")]
            rule: Option<Rule>,
            why: String,
        }
        let rule = self.rule().filter(|_| !matches!(self.event, Event::Decision(_)));
        let line = Line { record: self, rule, why: english::sentence(self) };
        serde_json::to_string(&line).expect("a record has only string keys")
    }

    /// Reads a line that [`Record::to_json`] wrote.
    ///
    /// # Errors
    /// If the line is not the JSON of a record.
    pub fn from_json(line: &str) -> serde_json::Result<Record> {
        serde_json::from_str(line)
    }
}
