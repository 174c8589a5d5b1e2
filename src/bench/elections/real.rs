//! Elections of real processes.

use super::line::Line;
use super::{ElectionsArguments, Measured, Trial};
use crate::bench::failed;
use crate::bench::servers::{Agreed, PAUSE, await_calm, options, start_with};
use crate::failure::Failure;
use cluster::{Action, Cluster, Options};
use consensus::{NodeId, Profile};
use indicatif::ProgressBar;
use std::time::{Duration, Instant};
use trace::Record;

/// If nobody leads for so long between two trials, one server is made to run: without any chance in the timeouts it might
/// take for ever.
const NUDGE_AFTER: Duration = Duration::from_secs(1);

/// So many bytes of entries are never written here.
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
    let options = Options {
        latency: *arguments.latency.start(),
        profile: Profile::PAPER,
        ..options(arguments.nodes, line.timing(), SNAPSHOT_AFTER, None)?
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
        let Agreed { leader, term } = self.await_calm()?;
        // All are as far as they can get, so the moment is no special one within the heartbeat interval.
        std::thread::sleep(self.line.timing().heartbeat_interval().mul_f64(fastrand::f64()));
        let crashed_at = self.cluster.now();
        self.perform(Action::Kill { node: leader })?;
        let deadline = Instant::now() + patience;
        let mut newest = term;
        let led_at = loop {
            let records = self.cluster.news(PAUSE);
            newest = records.iter().map(|record| record.term).max().unwrap_or(term).max(newest);
            let leads = |record: &&Record| record.term > term && record.comes_to_lead();
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
    fn await_calm(&mut self) -> Result<Agreed, Failure> {
        let (long, runner) = (4 * self.line.timing().heartbeat_interval(), self.ids[0]);
        let mut nudge_at = Instant::now() + NUDGE_AFTER;
        await_calm(&mut self.cluster, &self.ids, long, |cluster| {
            if Instant::now() > nudge_at {
                // It may just have died; then another time.
                let _ = cluster.perform(&Action::ForceTimeout { node: runner });
                nudge_at = Instant::now() + NUDGE_AFTER;
            }
        })
    }

    fn perform(&mut self, action: Action) -> Result<(), Failure> {
        self.cluster.perform(&action).map(drop).map_err(failed)
    }
}
