//! From a seed to a run: how the world is, and what befalls it.

use crate::action::{Action, Wish};
use crate::chance::Chance as _;
use crate::history;
use crate::network::Weather;
use crate::rules::AllBut;
use crate::script::Script;
use crate::substitute::Substitute;
use crate::world::WorldOptions;
use consensus::{Change, Lease, Limits, NodeId, Profile, Quorum, Rule, Term, Timing};
use driver::Speed;
use fastrand::Rng;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;
use trace::Unsynced;

/// What runs are drawn.
#[derive(Debug, Clone, Default)]
pub struct SearchOptions {
    /// How many servers; none draws 1 to 7.
    pub servers: Option<u64>,
    /// What may go wrong.
    pub faults: Faults,
    /// The rule that is off.
    pub without: Option<Rule>,
    /// What answers about one of the conditions in the place of Raft.
    pub substitute: Option<Substitute>,
}

impl SearchOptions {
    /// The rule that is on trial: runs are drawn in which it matters.
    pub(crate) fn subject(&self) -> Option<Rule> {
        self.without.or_else(|| self.substitute.as_ref().map(|other| other.condition().rule()))
    }
}

/// What may go wrong. Of what may, each run draws what does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Faults {
    /// Messages are lost and doubled, links are cut.
    pub network: bool,
    /// Servers crash, are killed, are halted.
    pub crash: bool,
    /// Disks are slow, fail, and fill up.
    pub disk: bool,
    /// Clocks run too fast or too slowly, and jump.
    pub clock: bool,
}

impl Faults {
    /// Nothing goes wrong. Messages still overtake each other.
    pub const NONE: Faults = Faults { network: false, crash: false, disk: false, clock: false };
    /// Everything goes wrong that can.
    pub const ALL: Faults = Faults { network: true, crash: true, disk: true, clock: true };
}

impl Default for Faults {
    fn default() -> Faults {
        Faults::ALL
    }
}

impl FromStr for Faults {
    type Err = String;

    /// Reads `none`, `all`, or kinds with commas between them: `network,disk`.
    fn from_str(text: &str) -> Result<Faults, String> {
        match text {
            "none" => return Ok(Faults::NONE),
            "all" => return Ok(Faults::ALL),
            _ => {}
        }
        let mut faults = Faults::NONE;
        for kind in text.split(',') {
            match kind {
                "network" => faults.network = true,
                "crash" => faults.crash = true,
                "disk" => faults.disk = true,
                "clock" => faults.clock = true,
                _ => {
                    return Err(format!(
                        "there are no faults \"{kind}\": choose none, all, or some of network,crash,disk,clock"
                    ));
                }
            }
        }
        Ok(faults)
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Faults::NONE => return f.write_str("none"),
            Faults::ALL => return f.write_str("all"),
            _ => {}
        }
        let Faults { network, crash, disk, clock } = *self;
        let kinds = [(network, "network"), (crash, "crash"), (disk, "disk"), (clock, "clock")];
        let kinds: Vec<&str> = kinds.into_iter().filter(|(is_on, _)| *is_on).map(|(_, kind)| kind).collect();
        f.write_str(&kinds.join(","))
    }
}

/// The run of this seed: the same seed and options, the same run.
pub fn draw(seed: u64, options: &SearchOptions) -> Script {
    Draw::new(seed, options).script(seed, options)
}

/// Draws a run.
struct Draw {
    random: Rng,
    servers: u64,
    faults: Faults,
    timing: Timing,
    lease: Option<Lease>,
    /// Servers that are yet to join.
    spares: u64,
    profile: Profile,
    /// How many disks are lost, or rolled back.
    lost: u64,
    /// Is the cluster yet to be founded?
    founds: bool,
    /// What happens when, in no order yet.
    troubles: Vec<(Duration, Action)>,
}

impl Draw {
    fn new(seed: u64, options: &SearchOptions) -> Draw {
        let mut random = Rng::with_seed(seed);
        let servers = random.u64(1..=7);
        let servers = options.servers.unwrap_or(servers);
        let timing = draw_timing(&mut random);
        // A run without a kind of fault goes where one with all of them never gets.
        let is_quiet = random.u8(0..8) == 0;
        let mut is_on = |is_allowed: bool| random.bool() && is_allowed && !is_quiet;
        let Faults { network, crash, disk, clock } = options.faults;
        let faults =
            Faults { network: is_on(network), crash: is_on(crash), disk: is_on(disk), clock: is_on(clock) };
        // Drawn apart, so that it changes nothing else.
        let has_lease = needs_lease(options.subject()) || Rng::with_seed(!seed).u8(0..6) == 0;
        let lease = has_lease.then_some(BOUNDED_CLOCKS);
        // So are these.
        let mut apart = Rng::with_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let has_changes = needs_changes(options.subject()) || (faults != Faults::NONE && apart.u8(0..3) == 0);
        let spares = if has_changes { apart.u64(1..=3) } else { 0 };
        let profile = match needed_profile(options.subject()) {
            Some(profile) => profile,
            None => draw_profile(&mut apart),
        };
        let founds = options.subject() == Some(Rule::FoundTogether) || apart.u8(0..8) == 0;
        let troubles = Vec::new();
        Draw { random, servers, faults, timing, lease, spares, profile, lost: 0, founds, troubles }
    }

    fn script(mut self, seed: u64, options: &SearchOptions) -> Script {
        let world = self.world(seed, options);
        let mut end = Duration::ZERO;
        if self.faults != Faults::NONE {
            let most_timeouts = if needs_late_snapshots(options.subject()) { 5 } else { 25 };
            end = self.timing.election_timeout_max() * self.random.u32(3..=most_timeouts);
            self.draw_troubles(end);
            if needs_late_snapshots(options.subject()) {
                self.draw_bursts(end);
            } else if needs_lease(options.subject()) {
                self.draw_coups(end);
            } else {
                self.draw_load(end);
                self.draw_store_load(end);
                self.draw_changes(end);
            }
            if options.subject() == Some(Rule::OneChangeAtATime) {
                self.draw_rush(end);
            }
            self.draw_connections(seed, end);
            self.draw_identities(seed, end, options.subject());
            self.draw_damage(seed, end);
        }
        let mut actions = Vec::new();
        let mut now = Duration::ZERO;
        self.troubles.sort_by_key(|&(at, _)| at);
        for (at, trouble) in std::mem::take(&mut self.troubles) {
            let at = at.min(end);
            if at > now {
                actions.push(Action::Run(at - now));
                now = at;
            }
            actions.push(trouble);
        }
        self.mend_all(seed, options, &mut actions);
        Script { options: world, actions }
    }

    fn world(&mut self, seed: u64, options: &SearchOptions) -> WorldOptions {
        let min = self.timing.election_timeout_min();
        let is_slow = options.subject() == Some(Rule::TimeoutAboveBroadcast);
        let is_late = needs_late_snapshots(options.subject());
        let (shortest, longest) = match self.up_to(min / 15) {
            _ if is_slow => (self.timing.election_timeout_max(), self.timing.election_timeout_max() * 2),
            _ if is_late => (Duration::ZERO, self.up_to(min / 3)),
            longest => (self.up_to(longest), longest),
        };
        let (has_loss, has_duplication) = (self.random.bool(), self.random.bool());
        let weather = Weather {
            latency: shortest..=longest.max(shortest),
            loss: self.share(has_loss && self.faults.network),
            duplication: self.share(has_duplication && self.faults.network),
        };
        let slowest_save = self.up_to(min / 15);
        let has_slow_disks = self.faults.disk && self.random.bool();
        let entries_per_message = self.random.one_of(&[1, 2, 1024]);
        let needs_single_entries = needs_diverging_logs(options.subject()) || is_late;
        let entries_per_message = if needs_single_entries { 1 } else { entries_per_message };
        let mut world = WorldOptions {
            servers: self.servers,
            spares: self.spares,
            profile: self.profile,
            timing: self.timing,
            limits: self.limits(entries_per_message),
            lease: self.lease,
            seed,
            rules: AllBut(options.without),
            substitute: options.substitute.clone(),
            weather,
            save_time: Duration::ZERO..=if has_slow_disks { slowest_save } else { Duration::ZERO },
            disk_size: self.disk_size(seed),
            ..WorldOptions::default()
        };
        if self.random.u8(0..6) == 0 || needs_diverging_logs(options.subject()) {
            let history = history::draw(self.servers, &mut self.random);
            (world.logs, world.committed) = (history.logs, history.committed);
            self.founds = false;
        }
        world.founds = self.founds;
        world
    }

    /// Some disks are so small that logs must be compacted all the time. Drawn apart, so that it changes nothing else.
    fn disk_size(&self, seed: u64) -> Option<usize> {
        let mut apart = Rng::with_seed(!seed.rotate_left(24));
        (self.faults.disk && apart.u8(0..6) == 0).then(|| apart.u64(6_000..20_000) as usize)
    }

    /// Logs forget all that they may, or hold back a little; snapshots are sent whole, or in many chunks.
    fn limits(&mut self, entries_per_message: usize) -> Limits {
        let bytes_behind_snapshot = self.random.one_of(&[0, 0, 50, 200]);
        let bytes_per_message = self.random.one_of(&[40, 100, 256 << 10]);
        let messages_in_flight = self.random.one_of(&[1, 3, 64]);
        Limits {
            entries_per_message,
            bytes_per_message,
            messages_in_flight,
            bytes_behind_snapshot,
            ..Limits::default()
        }
    }

    /// A share of up to 30 %, in whole percent, if anything.
    fn share(&mut self, is_any: bool) -> f64 {
        if is_any { f64::from(self.random.u8(1..=30)) / 100.0 } else { 0.0 }
    }

    fn draw_troubles(&mut self, end: Duration) {
        let longest = self.timing.election_timeout_max();
        let gap = longest / 20 + self.up_to(longest * 2);
        let mut at = self.up_to(gap);
        while at < end {
            self.draw_trouble(at);
            at += self.up_to(gap * 2);
        }
    }

    /// Clients that write and read now and then, and servers that take snapshots.
    fn draw_load(&mut self, end: Duration) {
        for value in 0..self.random.u64(0..=60) {
            let at = end.mul_f64(self.random.f64());
            let writes = self.random.u8(0..3) > 0;
            self.at(at, if writes { Action::Propose(None, value) } else { Action::Read(None) });
        }
        let most_snapshots = if self.random.bool() { 20 } else { 0 };
        for _ in 0..self.random.u64(0..=most_snapshots) {
            let (at, server) = (end.mul_f64(self.random.f64()), self.server());
            self.at(at, Action::Snapshot(server));
        }
    }

    /// Clients of the store, who ask again if they have no answer after a while.
    fn draw_store_load(&mut self, end: Duration) {
        let clients = self.random.u64(0..=4);
        for client in 1..=clients {
            let at = end.mul_f64(self.random.f64() / 4.0);
            self.at(at, Action::Client(client, Wish::OpenSession, None));
        }
        for value in 1..=10 * clients {
            let (client, at) = (self.random.u64(1..=clients), end.mul_f64(self.random.f64()));
            let wish = self.wish(value);
            self.at(at, Action::Client(client, wish, None));
            if self.random.bool() {
                let later = at + self.up_to(self.timing.election_timeout_max() * 2);
                self.at(later, Action::Client(client, Wish::Retry, None));
            }
        }
    }

    fn wish(&mut self, value: u64) -> Wish {
        let key = if self.random.bool() { 'x' } else { 'y' };
        match self.random.u8(0..8) {
            0..3 => Wish::Get(key),
            3..6 => Wish::Put(key, value),
            6 => Wish::Delete(key),
            _ => Wish::CompareAndSwap(key, self.random.u64(1..=value), value),
        }
    }

    /// Members that come and go, leaders that hand over, connections that break, and profiles that change.
    fn draw_changes(&mut self, end: Duration) {
        if self.spares == 0 {
            return;
        }
        for _ in 0..self.random.u64(1..=12) {
            let (at, a_while) = (end.mul_f64(self.random.f64()), self.timing.election_timeout_max());
            let (one, other) = (self.server(), self.server());
            let asked = (self.random.u8(0..4) == 0).then_some(other);
            match self.random.u8(0..10) {
                0..2 => {
                    // As a person would: first a learner, a little later a voter.
                    let later = at + self.up_to(a_while);
                    self.at(at, Action::ChangeMembers(adding(&[one]), asked));
                    self.at(later, Action::ChangeMembers(promoting(&[one], &[]), asked));
                }
                2 => {
                    let later = at + self.up_to(a_while);
                    self.at(at, Action::ChangeMembers(adding(&[one]), asked));
                    self.at(later, Action::ChangeMembers(promoting(&[one], &[other]), asked));
                }
                3..5 => self.at(at, Action::ChangeMembers(promoting(&[], &[one]), asked)),
                5 => self.at(at, Action::ChangeMembers(promoting(&[one, other], &[]), asked)),
                6 => self.at(at, Action::ChangeMembers(promoting(&[], &[one, other]), asked)),
                7 => self.at(at, Action::Transfer(one, asked)),
                8 => self.at(at, Action::LoseConnection(one, other)),
                _ => {
                    let profile = draw_profile(&mut self.random);
                    self.at(at, Action::SetProfile(one, profile));
                }
            }
        }
    }

    /// What [`Rule::OneChangeAtATime`] is against: learners that become voters one right after the other, while they and the
    /// leader, n1, are parted from all others.
    fn draw_rush(&mut self, end: Duration) {
        let (leader, a_while) = (NodeId(1), self.timing.election_timeout_max());
        let learners: Vec<NodeId> = self.all().skip(self.servers as usize).collect();
        let at = end.saturating_sub(a_while * 7).mul_f64(self.random.f64());
        let parted = at + a_while * 3;
        self.at(at, Action::Timeout(leader));
        self.at(at + a_while, Action::ChangeMembers(adding(&learners), Some(leader)));
        self.at(parted, Action::Partition([&[leader], &learners[..]].concat()));
        for learner in learners {
            self.at(parted, Action::ChangeMembers(promoting(&[learner], &[]), Some(leader)));
        }
        self.at(parted + a_while * 4, Action::Heal);
    }

    /// Connections that are made, where that means something.
    fn draw_connections(&mut self, seed: u64, end: Duration) {
        if !self.profile.eager_election && self.spares == 0 {
            return;
        }
        // Drawn apart, too.
        let mut apart = Rng::with_seed(!seed.rotate_left(32));
        for _ in 0..apart.u64(1..=12) {
            let at = end.mul_f64(apart.f64());
            let mut server = || NodeId(apart.u64(1..=self.servers + self.spares));
            let (one, other) = (server(), server());
            if one != other {
                self.at(at, Action::MakeConnection(one, other));
            }
        }
    }

    /// Disks that are lost or rolled back, servers that move, and servers of other clusters that call. Drawn apart, too.
    fn draw_identities(&mut self, seed: u64, end: Duration, without: Option<Rule>) {
        let mut apart = Rng::with_seed(seed.rotate_left(16) ^ 0x1de7);
        let is_about_it = needs_identities(without);
        if !is_about_it && apart.u8(0..4) != 0 {
            return;
        }
        let Faults { network, disk, .. } = self.faults;
        let may_lose = if self.spares == 0 { (self.servers - 1) / 2 } else { (self.servers - 1) / 2 / 2 };
        for _ in 0..apart.u64(1..=6) {
            let (at, later) = (end.mul_f64(apart.f64()), end.mul_f64(apart.f64() / 4.0));
            let server = NodeId(apart.u64(1..=self.servers));
            match apart.u8(0..4) {
                0 if (disk || is_about_it) && self.lost < may_lose && !self.founds => {
                    self.lost += 1;
                    self.lose_disk(server, at, later, apart.bool());
                }
                1 if (disk || is_about_it) && self.lost < may_lose && !self.founds => {
                    self.lost += 1;
                    self.set_back(server, at, later);
                }
                2 if network || is_about_it => {
                    self.at(at, Action::Crash(server, Unsynced::Lost));
                    self.at(at, Action::Move(server));
                    self.at(at + later, Action::Restart(server));
                    self.meet_all(server, at + later);
                }
                3 if network || is_about_it => {
                    let other = NodeId(apart.u64(1..=self.servers));
                    self.at(at, Action::Stray(server, other, Term(apart.u64(1..=9))));
                }
                _ => {}
            }
        }
        // The only leader that a lost disk can give a chance is one that lacks what the others have.
        if without == Some(Rule::SameDataSameServer) || without == Some(Rule::LatestStartOnly) {
            self.draw_wipes(&mut apart, end);
        }
    }

    /// A server is away while the others write, then all but it are gone, and one of them comes back without its data.
    fn draw_wipes(&mut self, apart: &mut Rng, end: Duration) {
        let a_while = self.timing.election_timeout_max() * 3;
        let mut at = Duration::ZERO;
        let (away, wiped) = (NodeId(apart.u64(1..=self.servers)), NodeId(apart.u64(1..=self.servers)));
        self.at(at, Action::CopyDisk(wiped));
        self.at(at, Action::Crash(wiped, Unsynced::Lost));
        self.at(at, Action::Restart(wiped));
        self.meet_all(wiped, at);
        at += a_while;
        self.at(at, Action::Crash(away, Unsynced::Lost));
        for value in 0..5 {
            let when = at + a_while + self.up_to(a_while);
            self.at(when, Action::Propose(None, 5_000 + value));
        }
        at += a_while * 3;
        for server in self.all() {
            self.at(at, Action::Crash(server, Unsynced::Lost));
        }
        let replaced =
            if apart.bool() { Action::LoseDisk(wiped, apart.bool()) } else { Action::PutBack(wiped, false) };
        self.at(at, replaced);
        self.at(at, Action::Restart(wiped));
        self.at(at, Action::Restart(away));
        self.at(end.min(at + a_while * 2), Action::Heal);
    }

    fn lose_disk(&mut self, server: NodeId, at: Duration, later: Duration, joins: bool) {
        self.at(at, Action::Crash(server, Unsynced::Lost));
        self.at(at, Action::LoseDisk(server, joins));
        self.at(at + later, Action::Restart(server));
        if joins && self.spares > 0 {
            // The operator lets it in again.
            let pause = self.timing.election_timeout_max() * 2;
            let changes = [promoting(&[], &[server]), adding(&[server]), promoting(&[server], &[])];
            for (place, change) in (1..).zip(changes) {
                self.at(at + later + pause * place, Action::ChangeMembers(change, None));
            }
        }
    }

    fn set_back(&mut self, server: NodeId, at: Duration, later: Duration) {
        self.at(at.mul_f64(0.5), Action::CopyDisk(server));
        for (when, is_put_back) in [(at, false), (at + later, true)] {
            self.at(when, Action::Crash(server, Unsynced::Lost));
            if is_put_back {
                self.at(when, Action::PutBack(server, false));
            }
            self.at(when, Action::Restart(server));
            self.meet_all(server, when);
        }
    }

    /// A server that starts connects to all others.
    fn meet_all(&mut self, server: NodeId, at: Duration) {
        for other in self.all().filter(|other| *other != server) {
            self.at(at, Action::MakeConnection(other, server));
        }
    }

    /// Dead servers whose last save is damaged.
    fn draw_damage(&mut self, seed: u64, end: Duration) {
        if !(self.faults.crash && self.faults.disk) {
            return;
        }
        // Drawn apart, too.
        let mut apart = Rng::with_seed(seed.rotate_left(17) ^ 0x64_61_6d_61_67_65);
        for _ in 0..apart.u64(0..=3) {
            let (at, dead_for) = (end.mul_f64(apart.f64()), self.timing.election_timeout_max());
            let server = NodeId(apart.u64(1..=self.servers + self.spares));
            let unsynced = if apart.bool() { Unsynced::Lost } else { Unsynced::Kept };
            self.at(at, Action::Crash(server, unsynced));
            self.at(at, Action::DamageLastSave(server, apart.u64(..)));
            self.at(at + dead_for.mul_f64(apart.f64()), Action::Restart(server));
        }
    }

    /// Many clients that write at once, and a leader, n1, that takes a snapshot soon after: the entries may still
    /// be on their way when it is sent.
    fn draw_bursts(&mut self, end: Duration) {
        self.at(Duration::ZERO, Action::Timeout(NodeId(1)));
        for burst in 0..20 {
            let at = end.mul_f64(self.random.f64());
            for value in 0..self.random.u64(2..=5) {
                self.at(at, Action::Propose(None, 10 * burst + value));
            }
            let soon = at + self.up_to(self.timing.election_timeout_min() / 3);
            self.at(soon, Action::Snapshot(NodeId(1)));
        }
    }

    /// A leader, n1, whose clock is slow, is cut off, and others, whose clocks are fast, would like to lead, while
    /// clients write and read.
    fn draw_coups(&mut self, end: Duration) {
        let min = self.timing.election_timeout_min();
        for server in self.all() {
            let speed = Speed::new(if server == NodeId(1) { SPEEDS.0 } else { SPEEDS.1 });
            self.at(Duration::ZERO, Action::SetClock(server, speed.expect("these are speeds")));
        }
        for coup in 0..5 {
            let (at, rival) = (end.mul_f64(self.random.f64()), self.server());
            let cut_off = at + min + self.up_to(min);
            let challenge = cut_off + self.up_to(min / 5);
            self.at(at, Action::Timeout(NodeId(1)));
            self.at(cut_off, Action::Partition(vec![NodeId(1)]));
            self.at(challenge, Action::Timeout(rival));
            for value in 0..10 {
                let (soon, later) = (cut_off + self.up_to(min), cut_off + self.up_to(min * 2));
                self.at(soon, Action::Propose(None, 10 * coup + value));
                self.at(later, Action::Read(None));
            }
            self.at(cut_off + min * 2, Action::Heal);
        }
    }

    /// One trouble, with its end.
    fn draw_trouble(&mut self, at: Duration) {
        let Faults { network, crash, disk, clock } = self.faults;
        let kinds: Vec<fn(&mut Draw, Duration)> = [
            (network, Draw::cut_one_way as fn(&mut Draw, Duration)),
            (network, Draw::cut_both_ways),
            (network, Draw::flap),
            (network, Draw::split),
            (crash, Draw::crash),
            (crash, Draw::crash_all),
            (crash, Draw::crash_in_save),
            (crash, Draw::kill),
            (crash, Draw::halt),
            (disk, Draw::fail_sync),
            (disk, Draw::fill_disk),
            (disk, Draw::hold_saves),
            (disk, Draw::hold_applies),
            (clock, Draw::run_clock_wrong),
            (clock, Draw::jump_clock),
            (clock, Draw::end_patience),
        ]
        .into_iter()
        .filter_map(|(is_on, kind)| is_on.then_some(kind))
        .collect();
        let kind = self.random.one_of(&kinds);
        kind(self, at);
    }

    fn cut_one_way(&mut self, at: Duration) {
        let (from, to) = (self.server(), self.server());
        let end = self.later(at);
        self.at(at, Action::Cut(from, to));
        self.at(end, Action::Mend(from, to));
    }

    fn cut_both_ways(&mut self, at: Duration) {
        let (one, other) = (self.server(), self.server());
        let end = self.later(at);
        for (from, to) in [(one, other), (other, one)] {
            self.at(at, Action::Cut(from, to));
            self.at(end, Action::Mend(from, to));
        }
    }

    /// A link that goes and comes.
    fn flap(&mut self, at: Duration) {
        let (from, to) = (self.server(), self.server());
        let mut at = at;
        for _ in 0..self.random.u8(2..=6) {
            self.at(at, Action::Cut(from, to));
            at += self.up_to(self.timing.election_timeout_min());
            self.at(at, Action::Mend(from, to));
            at += self.up_to(self.timing.election_timeout_min());
        }
    }

    fn split(&mut self, at: Duration) {
        let group: Vec<NodeId> = self.all().filter(|_| self.random.bool()).collect();
        let end = self.later(at);
        if !group.is_empty() {
            self.at(at, Action::Partition(group));
            self.at(end, Action::Heal);
        }
    }

    fn crash(&mut self, at: Duration) {
        let (server, unsynced, end) = (self.server(), self.unsynced(), self.later(at));
        self.at(at, Action::Crash(server, unsynced));
        self.at(end, Action::Restart(server));
    }

    fn crash_all(&mut self, at: Duration) {
        for server in self.all() {
            let (unsynced, end) = (self.unsynced(), self.later(at));
            self.at(at, Action::Crash(server, unsynced));
            self.at(end, Action::Restart(server));
        }
    }

    fn crash_in_save(&mut self, at: Duration) {
        let (server, operations, end) = (self.server(), self.random.u32(0..10), self.later(at));
        let unsynced = self.unsynced();
        self.at(at, Action::CrashInSave(server, operations, unsynced));
        self.at(end, Action::Restart(server));
    }

    fn kill(&mut self, at: Duration) {
        let (server, end) = (self.server(), self.later(at));
        self.at(at, Action::Kill(server));
        self.at(end, Action::Restart(server));
    }

    fn halt(&mut self, at: Duration) {
        let (server, end) = (self.server(), self.later(at));
        self.at(at, Action::Pause(server));
        self.at(end, Action::Resume(server));
    }

    fn fail_sync(&mut self, at: Duration) {
        let (server, end) = (self.server(), self.later(at));
        self.at(at, Action::FailNextSave(server));
        self.at(end, Action::Restart(server));
    }

    fn fill_disk(&mut self, at: Duration) {
        let (server, end) = (self.server(), self.later(at));
        self.at(at, Action::FillDisk(server));
        self.at(end, Action::MendDisk(server));
        self.at(end, Action::Restart(server));
    }

    fn hold_saves(&mut self, at: Duration) {
        let (server, end) = (self.server(), self.later(at));
        self.at(at, Action::HoldSaves(server));
        self.at(end, Action::Save(server));
    }

    fn hold_applies(&mut self, at: Duration) {
        let (server, end) = (self.server(), self.later(at));
        self.at(at, Action::HoldApplies(server));
        self.at(end, Action::Apply(server));
    }

    fn run_clock_wrong(&mut self, at: Duration) {
        let (server, end) = (self.server(), self.later(at));
        let speeds = [0.1, 0.5, 0.9, 1.1, 1.5, 2.0, 5.0];
        let speed: f64 = self.random.one_of(&speeds);
        let speed = if self.lease.is_some() { speed.clamp(SPEEDS.0, SPEEDS.1) } else { speed };
        let speed = Speed::new(speed).expect("these are speeds");
        self.at(at, Action::SetClock(server, speed));
        self.at(end, Action::SetClock(server, Speed::REAL_TIME));
    }

    fn jump_clock(&mut self, at: Duration) {
        let (server, by) = (self.server(), self.up_to(self.timing.election_timeout_max() * 3));
        // No lease can stand that.
        if self.lease.is_none() {
            self.at(at, Action::JumpClock(server, by));
        }
    }

    /// The timers of a few servers run out at nearly the same time.
    fn end_patience(&mut self, at: Duration) {
        for _ in 0..self.random.u8(1..=3) {
            let (server, a_little) = (self.server(), self.up_to(Duration::from_millis(10)));
            self.at(at + a_little, Action::Timeout(server));
        }
    }

    /// Disks that are slow for longer than an election timeout, or full, while nothing else is wrong: the cluster keeps its
    /// leader, and clients can read.
    fn draw_stall(&self, seed: u64, actions: &mut Vec<Action>) {
        // Drawn apart, so that it changes nothing else.
        let mut apart = Rng::with_seed(seed.rotate_left(16));
        let (longest, are_full) = (self.timing.election_timeout_max(), apart.bool());
        let stalled: Vec<NodeId> = self.all().filter(|_| apart.u8(0..3) > 0).collect();
        let begin = if are_full { Action::FillDisk } else { Action::HoldSaves };
        let end = if are_full { Action::MendDisk } else { Action::Save };
        actions.extend(stalled.iter().copied().map(begin));
        // This number of writes fills what is left of a simulated log's last file.
        let most_writes = if are_full { 30 } else { 3 };
        for value in 0..apart.u64(1..=most_writes) {
            actions.push(Action::Propose(None, 2_000 + value));
        }
        for _ in 0..apart.u64(2..=5) {
            actions.extend([Action::Read(None), Action::Run(longest.mul_f64(2.0 * apart.f64()))]);
            if apart.bool() {
                actions.push(Action::Propose(None, apart.u64(3_000..4_000)));
            }
        }
        actions.push(Action::Run(longest * 3));
        actions.extend(stalled.into_iter().map(end));
        actions.extend([Action::Calm, Action::RunUntilLed]);
    }

    /// A server that was away comes back and needs a snapshot, while clients write and all servers take newer ones.
    fn draw_return(&self, seed: u64, actions: &mut Vec<Action>) {
        let mut apart = Rng::with_seed(seed.rotate_left(48));
        let away = NodeId(apart.u64(1..=self.servers));
        let mut value = 4_000;
        let mut write = |actions: &mut Vec<Action>, count: u64| {
            actions.extend((0..count).map(|more| Action::Propose(None, value + more)));
            value += count;
        };
        actions.push(Action::Kill(away));
        actions.push(Action::Run(self.timing.election_timeout_max() * 4));
        write(actions, apart.u64(5..=10));
        actions.push(Action::Run(self.timing.election_timeout_max()));
        actions.extend(self.all().map(Action::Snapshot));
        actions.extend([Action::Restart(away), Action::Calm]);
        for _ in 0..apart.u64(10..=40) {
            write(actions, 1);
            actions.push(Action::Run(self.timing.heartbeat_interval().mul_f64(apart.f64())));
            actions.extend(self.all().map(Action::Snapshot));
        }
        actions.push(Action::RunUntilLed);
    }

    /// Ends all trouble, but for a minority that may stay dead.
    fn mend_all(&mut self, seed: u64, options: &SearchOptions, actions: &mut Vec<Action>) {
        let mut dead: Vec<NodeId> = self.all().collect();
        self.random.mix(&mut dead);
        let majority = (1..=self.servers).map(NodeId).collect::<Quorum>().majority();
        // Where members come and go, nobody knows here whom an election needs.
        let may_stay_dead = self.faults.crash && self.spares == 0;
        let most_dead =
            if may_stay_dead { (dead.len() - majority).saturating_sub(self.lost as usize) } else { 0 };
        dead.truncate(self.random.place_in(most_dead + 1));
        if self.faults != Faults::NONE {
            actions.push(Action::Heal);
            for server in self.all() {
                actions.extend([
                    Action::MendDisk(server),
                    Action::SetClock(server, Speed::REAL_TIME),
                    Action::Resume(server),
                ]);
                match dead.contains(&server) {
                    true => actions.push(Action::Crash(server, Unsynced::Lost)),
                    false => {
                        actions.extend([Action::Restart(server), Action::Save(server), Action::Apply(server)])
                    }
                }
            }
        }
        actions.push(Action::Calm);
        actions.push(Action::RunUntilLed);
        if self.faults.disk {
            self.draw_stall(seed, actions);
        }
        for value in 0..self.random.u64(0..=2) {
            actions.push(Action::Propose(None, 1_000 + value));
        }
        actions.push(Action::RunUntilLed);
        let is_apart = Rng::with_seed(!seed.rotate_left(48)).u8(0..4) == 0;
        let is_wanted = options.subject() == Some(Rule::KeepSnapshotBeingSent);
        if is_wanted || (is_apart && self.faults.crash && self.spares == 0) {
            self.draw_return(seed, actions);
        }
        actions.push(Action::CheckHistory);
    }

    fn at(&mut self, at: Duration, action: Action) {
        self.troubles.push((at, action));
    }

    fn server(&mut self) -> NodeId {
        NodeId(self.random.u64(1..=self.servers + self.spares))
    }

    fn all(&self) -> impl Iterator<Item = NodeId> + use<> {
        (1..=self.servers + self.spares).map(NodeId)
    }

    fn unsynced(&mut self) -> Unsynced {
        self.random.one_of(&Unsynced::ALL)
    }

    /// Some time after `at`: often soon, seldom much later.
    fn later(&mut self, at: Duration) -> Duration {
        let longest = self.timing.election_timeout_max() * 4;
        at + self.up_to(longest).mul_f64(self.random.f64())
    }

    /// A time of up to `longest`, in whole microseconds.
    fn up_to(&mut self, longest: Duration) -> Duration {
        let longest = u64::try_from(longest.as_micros()).expect("timeouts are at most a day");
        Duration::from_micros(self.random.u64(0..=longest))
    }
}

/// Where leaders have leases, clocks run as slowly and as fast as this, and leases allow for that.
const SPEEDS: (f64, f64) = (0.5, 2.0);
const BOUNDED_CLOCKS: Lease = Lease { clock_drift_percent: 300 };

/// Is this a rule that only matters where leaders have leases?
fn needs_lease(without: Option<Rule>) -> bool {
    matches!(without, Some(Rule::LeaderStickiness | Rule::LeaseNeedsBoundedClocks))
}

/// Is this a rule that only matters where logs have come apart, and are brought together in small steps?
/// Chance alone would lead there too seldom.
fn needs_diverging_logs(without: Option<Rule>) -> bool {
    matches!(
        without,
        Some(Rule::CompareTermBeforeLength | Rule::CommitCurrentTermOnly | Rule::CommitToLastNew)
    )
}

/// Is this a rule that only matters where a snapshot comes later than what was sent after it? That takes
/// messages that overtake each other, and many snapshots.
fn needs_late_snapshots(without: Option<Rule>) -> bool {
    matches!(without, Some(Rule::KeepSuffix | Rule::NoGoingBack))
}

/// Is this a rule that only matters where members come and go, or leaders hand over?
fn needs_changes(without: Option<Rule>) -> bool {
    matches!(
        without,
        Some(
            Rule::TransferWhenCaughtUp
                | Rule::UseLatestConfiguration
                | Rule::JointMajorities
                | Rule::OneChangeAtATime
                | Rule::ChangeAfterCommitInTerm
                | Rule::LearnersCatchUpFirst
                | Rule::RemovedLeaderStepsDownOnCommit
        )
    )
}

/// Is this a rule that only matters where servers are not who they say they are?
fn needs_identities(without: Option<Rule>) -> bool {
    matches!(
        without,
        Some(Rule::SameCluster | Rule::SameDataSameServer | Rule::LatestStartOnly | Rule::FoundTogether)
    )
}

/// The profile without which a rule does not matter.
fn needed_profile(without: Option<Rule>) -> Option<Profile> {
    match without? {
        Rule::PreVote | Rule::CheckQuorum => Some(Profile { eager_election: false, ..Profile::PRODUCTION }),
        _ => None,
    }
}

fn draw_profile(random: &mut Rng) -> Profile {
    match random.u8(0..4) {
        0..2 => Profile::PAPER,
        2 => Profile::PRODUCTION,
        _ => {
            let (pre_vote, check_quorum) = (random.bool(), random.bool());
            Profile { pre_vote, check_quorum, eager_election: pre_vote && random.bool() }
        }
    }
}

fn adding(learners: &[NodeId]) -> Change {
    Change { add: learners.iter().map(|&id| (id, String::new())).collect(), ..Change::default() }
}

fn promoting(voters: &[NodeId], gone: &[NodeId]) -> Change {
    let [promote, remove] = [voters, gone].map(|ids| ids.iter().copied().collect());
    Change { promote, remove, ..Change::default() }
}

/// The paper's timing, or one of another proportion.
fn draw_timing(random: &mut Rng) -> Timing {
    if random.bool() {
        return Timing::default();
    }
    let heartbeat = random.u64(5..=50);
    let min = heartbeat * random.u64(4..=10);
    let max = min * random.u64(15..=30) / 10;
    let [heartbeat, min, max] = [heartbeat, min, max].map(Duration::from_millis);
    Timing::new(heartbeat, min, max).expect("it is drawn in order")
}
