//! Records as the lines of a story.

use crate::english;
use crate::record::{Event, EventId, Io, Laboratory, Record};
use consensus::event::What;
use consensus::{AppendOutcome, Index, Message, NodeId, Rule, Term};
use std::collections::BTreeMap;
use std::fmt;

/// Turns records into lines, leaving out the routine: heartbeats that change nothing, and messages that
/// repeat what was said before.
#[derive(Debug, Default)]
pub struct Feed {
    tells_routine: bool,
    last_told: Option<NodeId>,
    sieve: Sieve,
}

/// Separates the story from the routine.
#[derive(Debug, Default)]
pub struct Sieve {
    /// The first record of each server's latest step, if it was left out: it is reported after all if
    /// something follows from it.
    untold: BTreeMap<NodeId, Record>,
    /// The term in which, and the index up to which, each server last said that its log matches the leader's.
    agreed: BTreeMap<NodeId, (Term, Index)>,
    /// For each pair of servers, how many founders' folders the one last said to the other that it knows, and
    /// whether it has saved them.
    founding: BTreeMap<(NodeId, NodeId), (usize, bool)>,
    /// The entries that each server last sent to each other one: in which term, after and up to which index.
    sent: BTreeMap<(NodeId, NodeId), (Term, Index, Index)>,
    /// The same for the entries that each server received from each other one.
    received: BTreeMap<(NodeId, NodeId), (Term, Index, Index)>,
}

/// What a record is to the story.
#[derive(Debug)]
pub struct Sifted {
    /// It happens all the time while nothing changes.
    pub is_routine: bool,
    /// An earlier record of the same server that seemed routine: this one shows why it matters.
    pub reason: Option<Record>,
}

/// A line of the story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedLine {
    /// Microseconds since the cluster's start.
    pub t: u64,
    /// The server that it happened to.
    pub node: NodeId,
    /// Does it continue what the line above began?
    pub continues: bool,
    /// What happened.
    pub text: String,
    /// The rule that decided, if one did.
    pub rule: Option<Rule>,
    /// The record, for views that colour it.
    pub record: Record,
}

impl Feed {
    /// A feed that leaves out the routine.
    pub fn new() -> Feed {
        Feed::default()
    }

    /// A feed that includes everything, each heartbeat too.
    pub fn with_routine() -> Feed {
        Feed { tells_routine: true, ..Feed::default() }
    }

    /// From now on, the routine is included, or left out.
    pub fn tell_routine(&mut self, tells_routine: bool) {
        self.tells_routine = tells_routine;
    }

    /// Something comes between the lines so far and the next one, which must name the time and the server
    /// again.
    pub fn interrupt(&mut self) {
        self.last_told = None;
    }

    /// The lines that this record adds: none, one, or two if it shows why a record that seemed routine
    /// matters.
    pub fn tell(&mut self, record: &Record) -> Vec<FeedLine> {
        if matches!(record.event, Event::Io(Io::Step { .. })) {
            // It sums up the records before it.
            return Vec::new();
        }
        let Sifted { is_routine, reason } = self.sieve.sift(record);
        if self.tells_routine {
            return vec![self.line(record)];
        }
        let told = reason.iter().chain((!is_routine).then_some(record));
        told.map(|record| self.line(record)).collect()
    }

    fn line(&mut self, record: &Record) -> FeedLine {
        let (of_one, before) = ((!record.is_of_all()).then_some(record.node), self.last_told);
        self.last_told = of_one;
        let continues = of_one.is_some() && before == of_one && !record.begins_step();
        FeedLine {
            t: record.t,
            node: record.node,
            continues,
            text: english::sentence(record),
            rule: record.rule(),
            record: record.clone(),
        }
    }
}

impl Sieve {
    /// Says what the next record is to the story.
    pub fn sift(&mut self, record: &Record) -> Sifted {
        let is_routine = self.is_routine(record);
        if is_routine {
            if record.begins_step() {
                self.untold.insert(record.node, record.clone());
            }
            return Sifted { is_routine, reason: None };
        }
        let reason = self.untold.remove(&record.node).filter(|untold| follows_from(untold, record));
        Sifted { is_routine, reason }
    }

    /// Does this happen all the time while nothing changes?
    fn is_routine(&mut self, record: &Record) -> bool {
        match &record.event {
            Event::Decision(decision) => match &decision.what {
                What::Heartbeat | What::Unanswered { .. } => true,
                What::Timer { .. } => decision.rule == Some(Rule::ResetTimerOnLeader),
                _ => false,
            },
            Event::Io(Io::Sent { to, message }) => !self.is_news(record.node, *to, message),
            Event::Io(Io::Received { from, message }) => match message {
                Message::AppendEntries(request) if request.entries.is_empty() => true,
                Message::AppendEntries(request) => {
                    let entries = (request.term, request.prev_log_index, request.last_index());
                    self.received.insert((*from, record.node), entries) == Some(entries)
                }
                Message::AppendEntriesReply(reply) => matches!(reply.outcome, AppendOutcome::Matched { .. }),
                Message::Found(_) => true,
                _ => false,
            },
            _ => false,
        }
    }

    /// Does a server say something that it has not just said before?
    fn is_news(&mut self, from: NodeId, to: NodeId, message: &Message) -> bool {
        match message {
            Message::AppendEntries(request) if request.entries.is_empty() => false,
            Message::AppendEntries(request) => {
                let entries = (request.term, request.prev_log_index, request.last_index());
                self.sent.insert((from, to), entries) != Some(entries)
            }
            Message::Found(found) => {
                let known = found.founders.iter().filter(|(_, incarnation)| incarnation.is_some()).count();
                let said = (known, found.is_saved);
                self.founding.insert((from, to), said) != Some(said)
            }
            Message::AppendEntriesReply(reply) => match reply.outcome {
                AppendOutcome::Matched { match_index } => {
                    let agreement = (reply.term, match_index);
                    let before = self.agreed.entry(from).or_default();
                    let is_news = agreement > *before;
                    *before = agreement.max(*before);
                    is_news
                }
                _ => true,
            },
            _ => true,
        }
    }
}

/// Does a record follow from the step that began with `first`? That is its server's latest step.
fn follows_from(first: &Record, record: &Record) -> bool {
    let first = first.id();
    let is_later = |cause: EventId| first.is_some_and(|first| cause >= first && cause.node == first.node);
    record.cause.is_some_and(is_later)
}

impl Record {
    /// Does something new happen to the server here, as opposed to following from what just happened to it?
    pub fn begins_step(&self) -> bool {
        match &self.event {
            Event::Decision(decision) => match decision.what {
                What::Timeout { .. } | What::Role { was: None, .. } => true,
                // A new leader sends the first ones as part of its election.
                What::Heartbeat => self.cause.is_none(),
                // Of its own accord a leader steps back because of a reply.
                What::BackedUp { .. } => decision.rule.is_none(),
                _ => false,
            },
            Event::Io(io) => matches!(io, Io::Received { .. } | Io::Asked { .. }),
            Event::Process(_) => true,
            Event::Laboratory(laboratory) => !matches!(laboratory, Laboratory::Violated { .. }),
        }
    }

    /// Is it about all servers, or the network, and not about the one that it names?
    fn is_of_all(&self) -> bool {
        let Event::Laboratory(laboratory) = &self.event else { return false };
        match laboratory {
            Laboratory::Speed { .. }
            | Laboratory::LinksCut { .. }
            | Laboratory::LinksMended { .. }
            | Laboratory::LinksDelayed { .. }
            | Laboratory::LinksLossy { .. }
            | Laboratory::LinksHealed
            | Laboratory::RuleSwitched { .. } => true,
            Laboratory::Died { .. }
            | Laboratory::Paused
            | Laboratory::Resumed
            | Laboratory::ClientAsks { .. }
            | Laboratory::ClientHears { .. }
            | Laboratory::Violated { .. } => false,
        }
    }
}

impl fmt::Display for FeedLine {
    /// The line without colours:
    ///
    /// ```text
    ///   1.204s n2  ←n3 RequestVote term 5, log ends at 7 of term 4
    ///              no vote yet in term 5                             one-vote-per-term
    /// ```
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.place(), self.text)?;
        if let Some(rule) = self.rule {
            write!(f, "{}{rule}", self.gap_before_rule(usize::MAX))?;
        }
        Ok(())
    }
}

/// The column of the rules, if there is enough room.
const RULE_COLUMN: usize = 75;

impl FeedLine {
    /// The space between the words and the rule in a terminal with this number of columns: rules are in a
    /// column of their own or, if that is too far right, directly after the words or on a line of their own.
    pub fn gap_before_rule(&self, columns: usize) -> String {
        let words = self.place().chars().count() + 1 + self.text.chars().count();
        let rule = self.rule.map_or(0, |rule| rule.id().len());
        if RULE_COLUMN.saturating_add(rule) <= columns {
            " ".repeat(RULE_COLUMN.saturating_sub(words).max(2))
        } else if words + 2 + rule <= columns {
            "  ".to_owned()
        } else {
            format!("\n{:1$}", "", columns.saturating_sub(rule))
        }
    }

    /// When and where: `  1.204s n2 `, or as many blanks on a line that continues another.
    pub fn place(&self) -> String {
        if self.continues {
            " ".repeat(12)
        } else {
            let whom = if self.record.is_of_all() { "all".to_owned() } else { self.node.to_string() };
            format!("{:>8} {whom:<3}", english::seconds(self.t))
        }
    }
}
