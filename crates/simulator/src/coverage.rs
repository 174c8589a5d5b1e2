//! What a run has tried, so that nobody takes "nothing was found" for more than it is.

use crate::action::{Action, Wish};
use consensus::event::What;
use consensus::{RoleKind, Rule, Term};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use trace::{Event, Record};

/// What has been tried.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// How much time has passed in the world.
    pub simulated: Duration,
    /// Steps of servers.
    pub steps: u64,
    /// Messages that arrived.
    pub messages: u64,
    /// Messages that were lost.
    pub lost: u64,
    /// Messages that arrived twice.
    pub doubled: u64,
    /// Elections that were started.
    pub elections: u64,
    /// Elections that were won.
    pub leaders: u64,
    /// Terms in which at least two servers ran and none won.
    pub split_votes: u64,
    /// What was done to the servers, by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// How often each rule decided something.
    pub rules: BTreeMap<Rule, u64>,
    /// The terms with candidates, with how many, while they may still get a leader.
    candidates: BTreeMap<Term, u64>,
    led: BTreeSet<Term>,
}

impl Coverage {
    pub(crate) fn note_action(&mut self, action: &Action) {
        if let Some(fault) = fault(action) {
            *self.faults.entry(fault).or_default() += 1;
        }
    }

    pub(crate) fn note_record(&mut self, record: &Record) {
        if let Some(rule) = record.rule() {
            *self.rules.entry(rule).or_default() += 1;
        }
        let Event::Decision(decision) = &record.event else { return };
        match decision.what {
            What::Timeout { .. } => {
                self.elections += 1;
                *self.candidates.entry(record.term).or_default() += 1;
            }
            What::Role { role: RoleKind::Leader, .. } => {
                self.leaders += 1;
                self.led.insert(record.term);
            }
            _ => {}
        }
    }

    /// The world has come to its end after so much time.
    pub(crate) fn finish(&mut self, simulated: Duration) {
        self.simulated += simulated;
        let is_split = |&(term, &candidates): &(&Term, &u64)| candidates > 1 && !self.led.contains(term);
        self.split_votes += self.candidates.iter().filter(is_split).count() as u64;
        self.candidates.clear();
        self.led.clear();
    }

    /// Adds what another world has tried.
    pub fn add(&mut self, other: &Coverage) {
        self.simulated += other.simulated;
        self.steps += other.steps;
        self.messages += other.messages;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.elections += other.elections;
        self.leaders += other.leaders;
        self.split_votes += other.split_votes;
        other.faults.iter().for_each(|(fault, count)| *self.faults.entry(fault).or_default() += count);
        other.rules.iter().for_each(|(&rule, count)| *self.rules.entry(rule).or_default() += count);
    }
}

/// The name of a fault; `None` if the action is not a fault, or mends one.
fn fault(action: &Action) -> Option<&'static str> {
    match action {
        Action::Cut(..) => Some("links cut, one way"),
        Action::Partition(_) => Some("partitions"),
        Action::Crash(..) => Some("power cuts"),
        Action::CrashInSave(..) => Some("power cuts within a save"),
        Action::Kill(_) | Action::KillInSave(..) => Some("processes killed"),
        Action::Pause(_) => Some("processes paused"),
        Action::FailNextSave(_) => Some("failed syncs"),
        Action::DamageLastSave(..) => Some("damaged saves"),
        Action::FillDisk(_) => Some("full disks"),
        Action::LoseDisk(..) => Some("disks lost"),
        Action::PutBack(..) => Some("disks replaced by an older copy"),
        Action::ForgetVote(_) | Action::ForgetEntries(..) => Some("disks that forget"),
        Action::Move(_) => Some("addresses changed"),
        Action::Stray(..) => Some("messages from another cluster"),
        Action::Snapshot(_) => Some("snapshots requested"),
        Action::Client(_, Wish::Retry, _) => Some("requests retried"),
        Action::SetClock(..) => Some("clocks too fast or too slow"),
        Action::JumpClock(..) => Some("clock jumps"),
        Action::Timeout(_) => Some("election timers made to run out"),
        Action::ChangeMembers(..) => Some("membership changes"),
        Action::Transfer(..) => Some("leadership transfers"),
        Action::LoseConnection(..) => Some("connections broken"),
        Action::MakeConnection(..) => Some("connections made"),
        Action::SetProfile(..) => Some("profile changes"),
        _ => None,
    }
}
