//! What is done to the servers in a round: the seed draws it, and the clock lets it happen.

use super::clients::RECOVERY;
use super::shared::Shared;
use super::violation::Violation;
use cluster::{Action, Cluster};
use consensus::NodeId;
use fastrand::Rng;
use rustix::process::Signal;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::time::{Duration, Instant};
use trace::{Event, Laboratory};

/// How long it waits for news of the servers before it looks at the clock again.
const TICK: Duration = Duration::from_millis(5);

/// Something that is done to servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blow {
    /// SIGKILL; started again after so long.
    Kill(Duration),
    /// SIGSTOP; SIGCONT after so long.
    Pause(Duration),
}

/// To whom it is done.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Whom {
    Leader,
    /// These places in the list of servers.
    These(Vec<usize>),
}

/// What is to happen in a round, each at so long after its begin.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    blows: Vec<(Duration, Whom, Blow)>,
    /// When the trouble is over.
    end: Duration,
}

impl Plan {
    /// Draws some blows that overlap at times.
    pub(super) fn draw(random: &mut Rng, servers: usize) -> Plan {
        let mut at = millis(random, 200..600);
        let mut blows = Vec::new();
        for _ in 0..random.u32(1..=5) {
            let whom = match random.u8(..10) {
                0..5 => Whom::Leader,
                5..8 => Whom::These(vec![random.usize(..servers)]),
                8 => Whom::These(random.choose_multiple(0..servers, servers.div_ceil(2))),
                _ => Whom::These((0..servers).collect()),
            };
            let blow = match random.u8(..10) {
                // Started again at once, or when the others have gone on.
                0..3 => Blow::Kill(millis(random, 0..50)),
                3..6 => Blow::Kill(millis(random, 200..1500)),
                // For less than an election timeout, or for a whole election.
                6 => Blow::Pause(millis(random, 20..200)),
                _ => Blow::Pause(millis(random, 300..1500)),
            };
            blows.push((at, whom, blow));
            at += millis(random, 20..1200);
        }
        Plan { blows, end: at }
    }
}

fn millis(random: &mut Rng, range: Range<u64>) -> Duration {
    Duration::from_millis(random.u64(range))
}

/// How often what was done.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Blows {
    pub(super) kills: u64,
    pub(super) pauses: u64,
}

/// The hand that strikes the servers.
pub(super) struct Nemesis<'a> {
    cluster: &'a mut Cluster,
    shared: &'a Shared,
    servers: Vec<NodeId>,
    /// What is to be mended, and when.
    to_mend: BTreeMap<NodeId, (Instant, Action)>,
    random: Rng,
    pub(super) blows: Blows,
    /// What was done, for people.
    pub(super) story: Story,
}

/// What was done in a round, in words.
#[derive(Debug, Default)]
pub(super) struct Story(Vec<String>);

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(", "))
    }
}

impl<'a> Nemesis<'a> {
    pub(super) fn new(cluster: &'a mut Cluster, shared: &'a Shared, random: Rng) -> Nemesis<'a> {
        let servers = cluster.view().servers().map(|(id, _)| id).collect();
        let (to_mend, blows, story) = (BTreeMap::new(), Blows::default(), Story::default());
        Nemesis { cluster, shared, servers, to_mend, random, blows, story }
    }

    /// Does what is planned, and mends all at the end. `is_interrupted` ends it early.
    pub(super) fn act(&mut self, plan: &Plan, is_interrupted: impl Fn() -> bool) {
        let begin = Instant::now();
        let mut blows = plan.blows.iter().peekable();
        while begin.elapsed() < plan.end && !is_interrupted() && !self.shared.has_complaint() {
            while let Some((_, whom, blow)) = blows.next_if(|(at, ..)| *at <= begin.elapsed()) {
                self.strike(whom, *blow);
            }
            self.mend(Instant::now());
            self.watch();
        }
        while !self.to_mend.is_empty() {
            // Whoever was started again may just have been drawn to be killed once more.
            let latest = self.to_mend.values().map(|(due, _)| *due).max();
            self.mend(latest.unwrap_or_else(Instant::now));
            self.watch();
        }
        self.wait_until_all_run();
    }

    fn wait_until_all_run(&mut self) {
        let deadline = Instant::now() + RECOVERY;
        while self.cluster.view().running() < self.servers.len() && !self.shared.has_complaint() {
            if Instant::now() > deadline {
                let what = format!("a server does not start: {}", self.cluster.view());
                return self.shared.complain(Violation::told(what));
            }
            self.watch();
        }
    }

    fn strike(&mut self, whom: &Whom, blow: Blow) {
        let leader = self.shared.leader().unwrap_or(self.servers[0]);
        let them: Vec<NodeId> = match whom {
            Whom::Leader => vec![leader],
            Whom::These(places) => places.iter().map(|&place| self.servers[place]).collect(),
        };
        for id in them {
            self.strike_one(id, blow, id == leader);
        }
    }

    fn strike_one(&mut self, id: NodeId, blow: Blow, leads: bool) {
        let (action, mending, after) = match blow {
            Blow::Kill(after) => (Action::Kill { node: id }, Action::Restart { node: id }, after),
            Blow::Pause(after) => (Action::Pause { node: id }, Action::Resume { node: id }, after),
        };
        // The dead can't be struck; who is paused already can only be killed.
        let is_down = self.to_mend.contains_key(&id);
        if (is_down && matches!(blow, Blow::Pause(_))) || self.cluster.perform(&action).is_err() {
            return;
        }
        let star = if leads { "★" } else { "" };
        let told = match blow {
            Blow::Kill(_) => format!("killed {id}{star}"),
            Blow::Pause(_) => format!("paused {id}{star}"),
        };
        self.story.0.push(told);
        match blow {
            Blow::Kill(_) => self.blows.kills += 1,
            Blow::Pause(_) => self.blows.pauses += 1,
        }
        self.to_mend.insert(id, (Instant::now() + after, mending));
    }

    /// Mends what is due by then.
    fn mend(&mut self, by: Instant) {
        let due: Vec<NodeId> =
            self.to_mend.iter().filter(|(_, (due, _))| *due <= by).map(|(id, _)| *id).collect();
        for id in due {
            let Some((_, mending)) = self.to_mend.remove(&id) else { continue };
            if let Err(refusal) = self.cluster.perform(&mending) {
                self.shared.complain(Violation::told(refusal));
            }
            // At times it dies again while it is still recovering.
            if matches!(mending, Action::Restart { node: _ }) && self.random.u8(..4) == 0 {
                std::thread::sleep(millis(&mut self.random, 1..60));
                self.strike_one(id, Blow::Kill(Duration::ZERO), false);
            }
        }
    }

    /// Hears what the servers' processes do. None of them may end by itself.
    pub(super) fn watch(&mut self) {
        for record in self.cluster.news(TICK) {
            if let Event::Laboratory(Laboratory::Died { signal, status, last_words }) = &record.event
                && *signal != Some(Signal::KILL.as_raw())
            {
                let how = status.map_or("a signal".to_owned(), |status| format!("status {status}"));
                let what = format!("{} ended by itself, with {how}", record.node);
                let picture = last_words.clone();
                self.shared.complain(Violation { picture, ..Violation::told(what) });
            }
        }
        for (id, server) in self.cluster.view().servers() {
            if let Some(address) = &server.address {
                self.shared.set_address(id, address);
            }
        }
    }
}
