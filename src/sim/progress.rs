//! The progress of a search: a bar on standard error, if that is a terminal.

use indicatif::{ProgressBar, ProgressStyle};
use simulator::Script;
use simulator::hunt::{Examined, Round};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

fn bar(length: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{wide_bar:.cyan} {percent}%\n{msg}").expect("it is a template");
    ProgressBar::new(length).with_style(style)
}

/// The progress of finding a seed that breaks a promise.
pub(super) struct Finding {
    bar: ProgressBar,
    /// By time, in seconds, or by seeds?
    is_timed: bool,
}

impl Finding {
    pub(super) fn new(rounds: &[Round], time: Option<Duration>) -> Finding {
        let seeds = || rounds.iter().map(|round| round.seeds.end - round.seeds.start).sum();
        Finding { bar: bar(time.map_or_else(seeds, |time| time.as_secs())), is_timed: time.is_some() }
    }

    pub(super) fn show(&self, examined: &Examined, elapsed: Duration) {
        self.bar.set_position(if self.is_timed { elapsed.as_secs() } else { examined.seeds });
        if self.bar.is_hidden() || !examined.seeds.is_multiple_of(64) {
            return;
        }
        let seconds = elapsed.as_secs_f64().max(0.001);
        let coverage = &examined.coverage;
        self.bar.set_message(format!(
            "{} seeds · {:.1} hours simulated, {:.0} times real time · {:.0} steps/s · {:.0} elections/s",
            examined.seeds,
            coverage.simulated.as_secs_f64() / 3600.0,
            coverage.simulated.as_secs_f64() / seconds,
            coverage.steps as f64 / seconds,
            coverage.elections as f64 / seconds,
        ));
    }

    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

/// The progress of shortening runs, with the length of the shortest so far.
pub(super) struct Shrinking {
    bar: ProgressBar,
    shortest: AtomicUsize,
}

impl Shrinking {
    pub(super) fn new(most_steps: u64) -> Shrinking {
        Shrinking { bar: bar(most_steps), shortest: AtomicUsize::new(usize::MAX) }
    }

    /// Servers have taken this number of steps since the last call. The script is the shortest version of one
    /// run.
    pub(super) fn show(&self, script: &Script, steps: u64) {
        self.bar.inc(steps);
        let length = script.actions.len();
        if length < self.shortest.fetch_min(length, Ordering::Relaxed) {
            self.bar.set_message(format!("looking for a shorter run: {length} steps so far"));
        }
    }

    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
