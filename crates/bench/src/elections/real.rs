//! Elections of real processes.

use super::line::Line;
use super::{ElectionsArguments, Measured, Trial};
use crate::connection::{Connection, put};
use crate::failed;
use crate::servers::{Agreed, PAUSE, await_calm, options, servers_of, start_with, wait_for};
use api::Status;
use cluster::{Action, Cluster, Links, Options};
use command::Failure;
use consensus::{Index, NodeId, Profile, Term};
use driver::Speed;
use indicatif::ProgressBar;
use std::time::{Duration, Instant};
use trace::{Link, Record};

/// If there is no leader for this long between two trials, one server is made to start an election: without
/// any randomness in the timeouts it might take forever.
const NUDGE_AFTER: Duration = Duration::from_secs(1);

/// More bytes of entries than are ever written here.
const SNAPSHOT_AFTER: usize = 64 << 20;

/// The trials of all lines, one line after the other.
pub(super) fn measure(arguments: &ElectionsArguments) -> Result<Vec<Measured>, Failure> {
    let progress = arguments.progress();
    let lines = arguments.lines().iter();
    let measured = lines.map(|&line| measure_line(arguments, line, &progress)).collect();
    progress.finish_and_clear();
    measured
}

fn measure_line(
    arguments: &ElectionsArguments,
    line: Line,
    progress: &ProgressBar,
) -> Result<Measured, Failure> {
    let options =
        Options { profile: Profile::PAPER, ..options(arguments.nodes, line.timing(), SNAPSHOT_AFTER, None)? };
    let mut subject =
        Subject { ids: options.servers.clone(), cluster: start_with(options)?, arguments, line };
    let mut trials = Vec::new();
    for _ in 0..arguments.trials(line) {
        trials.push(subject.measure()?);
        progress.inc(1);
    }
    subject.cluster.stop();
    Ok(Measured { line, trials })
}

/// The servers whose leader crashes.
struct Subject<'a> {
    cluster: Cluster,
    ids: Vec<NodeId>,
    arguments: &'a ElectionsArguments,
    line: Line,
}

impl Subject<'_> {
    /// Makes the leader crash once. If another server became leader just before that, or the logs are not as
    /// they should be, the trial is void, and another one is made.
    fn measure(&mut self) -> Result<Trial, Failure> {
        wait_for("the servers are never ready for a crash", || self.try_once().transpose())?
    }

    fn try_once(&mut self) -> Result<Option<Trial>, Failure> {
        self.perform(Action::Heal)?;
        let agreed = self.await_calm()?;
        if !self.arguments.equal_logs {
            self.let_logs_differ(agreed)?;
        }
        self.hold_messages()?;
        self.perform(Action::SetSpeed { multiple: Speed::REAL_TIME.multiple() })?;
        let interval = self.line.timing().heartbeat_interval();
        std::thread::sleep(interval + *self.arguments.latency.start());
        if !self.is_ready(agreed)? {
            return Ok(None);
        }
        // The servers only exchange heartbeats, so no moment between two of them is special.
        std::thread::sleep(interval.mul_f64(fastrand::f64()));
        self.crash(agreed)
    }

    /// Makes the leader crash, and waits for the next one; `None` if a server started an election before
    /// that.
    fn crash(&mut self, Agreed { leader, term }: Agreed) -> Result<Option<Trial>, Failure> {
        let crashed_at = self.cluster.now();
        self.perform(Action::Kill { node: leader })?;
        let records = self.await_leader_after(term);
        let next = records.last().filter(|record| record.comes_to_lead());
        let newest = match next {
            Some(record) => record.term,
            None => {
                let followers = self.statuses_of_followers(leader)?;
                followers.iter().map(|status| status.term).max().unwrap_or(term)
            }
        };
        self.perform(Action::Restart { node: leader })?;
        let downtime = next.map(|record| Duration::from_micros(record.t.saturating_sub(crashed_at)));
        let is_sound = records.iter().all(|record| record.t >= crashed_at);
        Ok(is_sound.then_some(Trial { downtime, elections: newest.0 - term.0 }))
    }

    /// The records of terms later than this, until a server becomes leader or the time is over.
    fn await_leader_after(&mut self, term: Term) -> Vec<Record> {
        let deadline = Instant::now() + self.arguments.patience;
        let mut told = Vec::new();
        while Instant::now() <= deadline {
            for record in self.cluster.news(PAUSE) {
                if record.term > term {
                    let comes_to_lead = record.comes_to_lead();
                    told.push(record);
                    if comes_to_lead {
                        return told;
                    }
                }
            }
        }
        told
    }

    /// Makes the log of each follower end before that of the one before it: the last one misses all of some
    /// new entries, the one before it all but the first of them, and so on. After that the leader gets no
    /// replies, as in the simulator: it assumes that what it has sent has arrived, and the logs stay as they
    /// are under its heartbeats. If the leader changes meanwhile, nothing more is done.
    fn let_logs_differ(&mut self, Agreed { leader, term }: Agreed) -> Result<(), Failure> {
        // Clocks that nearly stand still: no election timer runs out meanwhile.
        self.perform(Action::SetSpeed { multiple: Speed::SLOWEST.multiple() })?;
        let servers = servers_of(&mut self.cluster, &self.ids)?;
        let end = servers[&leader].status().map_err(failed)?.last_log.index;
        let followers: Vec<NodeId> = self.followers_of(leader).collect();
        for (hearing, index) in (1..followers.len()).rev().zip(end.0 + 1..) {
            let (hearing, behind) = (&followers[..hearing], followers[hearing]);
            self.perform(Action::Cut { links: one_way(leader, behind) })?;
            // Nobody waits for the answer: what too few servers have is never acknowledged.
            let mut client = Connection::to(&servers[&leader].address).map_err(failed)?;
            client.send(&put("longer", 1)).map_err(failed)?;
            let has_it = |status: &Status| status.last_log.index >= Index(index);
            let is_led = wait_for("an entry does not arrive", || {
                let asked = hearing.iter().chain([&leader]).map(|id| servers[id].status().ok());
                let statuses = asked.collect::<Option<Vec<Status>>>()?;
                let is_led = statuses.iter().all(|status| status.term == term);
                (!is_led || statuses.iter().all(has_it)).then_some(is_led)
            })?;
            if !is_led {
                return Ok(());
            }
        }
        self.perform(Action::Cut { links: Links::Of(leader) })?;
        for &follower in &followers {
            self.perform(Action::Mend { links: one_way(leader, follower) })?;
        }
        Ok(())
    }

    fn followers_of(&self, leader: NodeId) -> impl Iterator<Item = NodeId> {
        self.ids.iter().copied().filter(move |&id| id != leader)
    }

    /// Delays all messages from now on as requested.
    fn hold_messages(&mut self) -> Result<(), Failure> {
        let delay_us = u64::try_from(self.arguments.latency.start().as_micros()).unwrap_or(u64::MAX);
        self.perform(Action::Delay { links: Links::All, delay_us })
    }

    /// Do all servers still follow this leader, and are their logs as they should be?
    fn is_ready(&mut self, Agreed { leader, term }: Agreed) -> Result<bool, Failure> {
        let followers = self.statuses_of_followers(leader)?;
        let follows = |status: &Status| status.term == term && status.leader == Some(leader);
        let differs = |(longer, shorter): (&Status, &Status)| longer.last_log.index > shorter.last_log.index;
        let have_logs_to_differ = followers.iter().zip(&followers[1..]).all(differs);
        Ok(followers.iter().all(follows) && (self.arguments.equal_logs || have_logs_to_differ))
    }

    fn statuses_of_followers(&mut self, leader: NodeId) -> Result<Vec<Status>, Failure> {
        let followers: Vec<NodeId> = self.followers_of(leader).collect();
        let servers = servers_of(&mut self.cluster, &followers)?;
        servers.values().map(|server| server.status().map_err(failed)).collect()
    }

    /// Waits until one server has led all others for some heartbeats.
    fn await_calm(&mut self) -> Result<Agreed, Failure> {
        let long = 4 * self.line.timing().heartbeat_interval();
        let mut nudge_at = Instant::now() + NUDGE_AFTER;
        await_calm(&mut self.cluster, &self.ids, long, |cluster| {
            if Instant::now() > nudge_at {
                // It may just have died, or its log may be too short; then another one, another time.
                let node = fastrand::choice(&self.ids).copied().expect("there are servers");
                let _ = cluster.perform(&Action::ForceTimeout { node });
                nudge_at = Instant::now() + NUDGE_AFTER;
            }
        })
    }

    fn perform(&mut self, action: Action) -> Result<(), Failure> {
        self.cluster.perform(&action).map(drop).map_err(failed)
    }
}

fn one_way(from: NodeId, to: NodeId) -> Links {
    Links::OneWay(Link { from, to })
}
