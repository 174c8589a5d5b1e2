//! Elections of real processes.

use super::line::Line;
use super::{ElectionsArguments, Measured, Trial};
use crate::bench::failed;
use crate::bench::servers::{PAUSE, agreement, server, start_with, tells_of_leader, wait_for};
use crate::failure::Failure;
use crate::up::this_program;
use cluster::{Action, Cluster, Options};
use consensus::{NodeId, Profile, Term};
use driver::Speed;
use indicatif::ProgressBar;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use trace::Record;

/// If nobody leads for so long between two trials, one server is made to run: without any chance in the timeouts it might
/// take for ever.
const NUDGE_AFTER: Duration = Duration::from_secs(1);

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
    let options = Options {
        program: this_program()?,
        servers: (1..=arguments.nodes).map(NodeId).collect(),
        timing: line.timing(),
        seed: 1,
        speed: Speed::REAL_TIME,
        latency: *arguments.latency.start(),
        lease: None,
        profile: Profile::PAPER,
        snapshot_after: 64 << 20,
        data: None,
        base_port: None,
        tells_steps: false,
        is_quiet: true,
    };
    let mut subject = Subject { ids: options.servers.clone(), cluster: start_with(options)?, line };
    let mut trials = Vec::new();
    for _ in 0..arguments.trials(line) {
        trials.push(subject.measure(arguments.patience)?);
        progress.inc(1);
    }
    subject.cluster.stop();
    Ok(Measured { line, trials })
}

/// The servers whose leader crashes.
struct Subject {
    cluster: Cluster,
    ids: Vec<NodeId>,
    line: Line,
}

impl Subject {
    fn measure(&mut self, patience: Duration) -> Result<Trial, Failure> {
        let (leader, term) = self.await_calm()?;
        // All are as far as they can get, so the moment is no special one within the heartbeat interval.
        std::thread::sleep(self.line.timing().heartbeat_interval().mul_f64(fastrand::f64()));
        let crashed_at = self.cluster.now();
        self.perform(Action::Kill { node: leader })?;
        let deadline = Instant::now() + patience;
        let mut newest = term;
        let led_at = loop {
            let records = self.cluster.news(PAUSE);
            newest = records.iter().map(|record| record.term).max().unwrap_or(term).max(newest);
            let leads = |record: &&Record| record.term > term && tells_of_leader(&record.event);
            match records.iter().find(leads) {
                Some(record) => break Some(record.t),
                None if Instant::now() > deadline => break None,
                None => {}
            }
        };
        self.perform(Action::Restart { node: leader })?;
        let downtime = led_at.map(|at| Duration::from_micros(at.saturating_sub(crashed_at)));
        Ok(Trial { downtime, elections: newest.0 - term.0 })
    }

    /// Waits until one server has led all others for some heartbeats.
    fn await_calm(&mut self) -> Result<(NodeId, Term), Failure> {
        let mut servers = BTreeMap::new();
        for &id in &self.ids {
            servers.insert(id, server(&mut self.cluster, id)?);
        }
        let long = 4 * self.line.timing().heartbeat_interval();
        let (mut since, mut before) = (Instant::now(), None);
        let mut nudge_at = Instant::now() + NUDGE_AFTER;
        let cluster = &mut self.cluster;
        let runner = self.ids[0];
        wait_for("the servers don't come to rest", || {
            cluster.news(Duration::ZERO);
            let now = agreement(&servers);
            if now.is_none() && Instant::now() > nudge_at {
                // It may just have died; then another time.
                let _ = cluster.perform(&Action::ForceTimeout { node: runner });
                nudge_at = Instant::now() + NUDGE_AFTER;
            }
            if now.is_none() || now != before {
                since = Instant::now();
            }
            before = now;
            now.filter(|_| since.elapsed() >= long).map(|agreed| (agreed.leader, agreed.term))
        })
    }

    fn perform(&mut self, action: Action) -> Result<(), Failure> {
        self.cluster.perform(&action).map(drop).map_err(failed)
    }
}
