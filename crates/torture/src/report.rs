//! The reports of the torture.

use crate::nemesis::{Deeds, Story};
use crate::shared::Shared;
use crate::violation::Violation;
use command::Failure;
use indicatif::{ProgressBar, ProgressStyle};
use linearizability::{History, Outcome};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The file with what the clients did, in the data folder.
pub(crate) const HISTORY: &str = "history.jsonl";

/// The progress, on standard error: a bar on a terminal, and otherwise a line for each round.
pub(crate) struct Progress {
    bar: ProgressBar,
    is_timed: bool,
}

impl Progress {
    pub(crate) fn new(rounds: Option<u64>, time: Option<Duration>) -> Progress {
        let bar = ProgressBar::new(time.map_or(rounds.unwrap_or_default(), |time| time.as_secs()));
        let style =
            ProgressStyle::with_template("{wide_bar:.cyan} {percent}%\n{msg}").expect("it is a template");
        bar.set_style(style);
        Progress { bar, is_timed: time.is_some() }
    }

    /// Reports a round before its history is checked.
    pub(crate) fn report_round(&self, round: u64, story: &Story, history: &History, elapsed: Duration) {
        let operations = history.operations();
        let open = operations.iter().filter(|operation| operation.outcome == Outcome::Uncertain).count();
        let line = format!("round {round}: {story}; {} operations, {open} uncertain", operations.len());
        if self.bar.is_hidden() {
            eprintln!("{line}");
        }
        self.bar.set_position(if self.is_timed { elapsed.as_secs() } else { round });
        self.bar.set_message(line);
    }

    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

/// The result of a run.
pub(crate) struct Summary<'a> {
    pub(crate) seed: u64,
    pub(crate) servers: u64,
    pub(crate) clients: usize,
    pub(crate) rounds: u64,
    pub(crate) took: Duration,
    /// How long the clients worked.
    pub(crate) load: Duration,
    pub(crate) deeds: Deeds,
    pub(crate) undecided: u64,
    pub(crate) shared: &'a Shared,
}

impl Summary<'_> {
    pub(crate) fn text(&self) -> String {
        let Summary { seed, servers, clients, rounds, took, deeds, shared, .. } = self;
        let mut text = format!(
            "{servers} servers, {clients} clients, seed {seed}: {rounds} rounds in {:.0} s\n\n",
            took.as_secs_f64()
        );
        let mut line = |what: &str, figure: &str| {
            let _ = writeln!(text, "  {figure:>12}  {what}");
        };
        line("servers killed", &deeds.kills.to_string());
        line("servers paused", &deeds.pauses.to_string());
        line("servers isolated", &deeds.isolations.to_string());
        if deeds.joined + deeds.left + deeds.handovers > 0 {
            line("servers that joined", &deeds.joined.to_string());
            line("servers that left", &deeds.left.to_string());
            line("transfers of leadership", &deeds.handovers.to_string());
        }
        if deeds.disks_emptied + deeds.disks_set_back > 0 {
            line("disks lost", &deeds.disks_emptied.to_string());
            line("disks replaced by an older copy", &deeds.disks_set_back.to_string());
        }
        line("leaders elected", &shared.elections().to_string());
        let counts = &shared.counts;
        line("operations done", &get(&counts.done).to_string());
        if get(&counts.lease_reads) > 0 {
            line("of these, reads under a lease", &get(&counts.lease_reads).to_string());
        }
        line("certainly not done", &get(&counts.refused).to_string());
        line("uncertain", &get(&counts.uncertain).to_string());
        line("writes retried in a session", &get(&counts.retries).to_string());
        line("stale reads (not checked)", &get(&counts.stale_reads).to_string());
        line("operations per second under load", &format!("{:.0}", self.per_second()));
        let silence = format!("{:.2} s", shared.longest_silence().as_secs_f64());
        line("longest time without an acknowledged write", &silence);
        if self.undecided > 0 {
            line("rounds whose history was too long to check", &self.undecided.to_string());
        }
        text
    }

    pub(crate) fn json(&self, violation: Option<&Violation>) -> String {
        let counts = &self.shared.counts;
        let summary = serde_json::json!({
            "seed": self.seed,
            "servers": self.servers,
            "clients": self.clients,
            "rounds": self.rounds,
            "seconds": self.took.as_secs_f64(),
            "kills": self.deeds.kills,
            "pauses": self.deeds.pauses,
            "isolations": self.deeds.isolations,
            "joined": self.deeds.joined,
            "left": self.deeds.left,
            "handovers": self.deeds.handovers,
            "disks_lost": self.deeds.disks_emptied,
            "disks_set_back": self.deeds.disks_set_back,
            "elections": self.shared.elections(),
            "done": get(&counts.done),
            "not_done": get(&counts.refused),
            "uncertain": get(&counts.uncertain),
            "retries": get(&counts.retries),
            "lease_reads": get(&counts.lease_reads),
            "stale_reads": get(&counts.stale_reads),
            "per_second": self.per_second(),
            "longest_silence_seconds": self.shared.longest_silence().as_secs_f64(),
            "undecided_rounds": self.undecided,
            "violation": violation.map(|violation| &violation.what),
        });
        format!("{summary}\n")
    }

    fn per_second(&self) -> f64 {
        get(&self.shared.counts.done) as f64 / self.load.as_secs_f64().max(0.001)
    }
}

fn get(count: &AtomicU64) -> u64 {
    count.load(Ordering::Relaxed)
}

/// What was found, and where it is kept.
pub(crate) fn failure(violation: &Violation, folder: &Path, seed: u64) -> Failure {
    let Violation { what, picture, history } = violation;
    if !picture.is_empty() {
        eprintln!("\n{picture}\n");
    }
    let folder = folder.display();
    let history =
        history.as_ref().map_or(String::new(), |_| format!(", and what the clients did in {HISTORY}"));
    Failure::of(
        what,
        format!(
            "this is a bug: please report it. The servers' data is kept in {folder}{history}. \
             `raft torture --seed {seed}` draws the same trouble again"
        ),
    )
}
