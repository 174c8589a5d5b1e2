//! The search, on all cores.

use indicatif::{ProgressBar, ProgressStyle};
use simulator::{Coverage, Promise, Script, SearchOptions, Violation, draw, shrink};
use std::ops::Range;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// One seed of so many is run twice, to see whether it goes the same way.
const TWICE: u64 = 1_000;
/// With a rule off, so many runs that break a promise are made short, and the shortest is shown. They are
/// looked for among so many seeds.
const CANDIDATES: usize = 24;
const SEEDS_FOR_CANDIDATES: u64 = 20_000;

/// Which seeds are examined.
#[derive(Debug, Clone)]
pub(crate) struct Seeds {
    pub(crate) range: Range<u64>,
    /// Stop after so long.
    pub(crate) time: Option<Duration>,
}

/// What came of examining seeds.
#[derive(Debug, Default)]
pub(crate) struct Examined {
    pub(crate) seeds: u64,
    pub(crate) took: Duration,
    pub(crate) coverage: Coverage,
    /// The lowest seed that breaks a promise.
    pub(crate) finding: Option<Finding>,
    /// A seed that went differently the second time.
    pub(crate) differs: Option<u64>,
}

/// A seed that breaks a promise.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    pub(crate) seed: u64,
    pub(crate) script: Script,
    pub(crate) violation: Violation,
}

/// Examines seeds until one breaks a promise, none are left, or time is up. Whichever core is faster: of
/// several seeds that break one, the lowest is found.
pub(crate) fn examine(seeds: Seeds, options: &SearchOptions) -> Examined {
    let begin = Instant::now();
    let progress = Progress::new(&seeds);
    let next = AtomicU64::new(seeds.range.start);
    let lowest_found = AtomicU64::new(u64::MAX);
    let examined = Mutex::new(Examined::default());
    let is_time_up = || seeds.time.is_some_and(|time| begin.elapsed() >= time);
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.range.end || seed > lowest_found.load(Ordering::Relaxed) || is_time_up() {
                return;
            }
            let script = draw(seed, options);
            let ending = script.play();
            let differs =
                seed.is_multiple_of(TWICE) && script.trace_hash() != draw(seed, options).trace_hash();

            let mut examined = examined.lock().expect("no other search has panicked");
            examined.seeds += 1;
            examined.coverage.add(&ending.coverage);
            progress.show(&examined, begin.elapsed());
            if differs {
                examined.differs = Some(seed);
                lowest_found.store(0, Ordering::Relaxed);
            }
            if let Some(violation) = ending.violation
                && seed < lowest_found.fetch_min(seed, Ordering::Relaxed)
            {
                examined.finding = Some(Finding { seed, script, violation });
            }
        }
    };
    run_on_all_cores(work);
    progress.bar.finish_and_clear();
    let examined = examined.into_inner().expect("no search has panicked");
    Examined { took: begin.elapsed(), ..examined }
}

/// The shortest run that breaks a promise as this one does. With a rule off, others are looked at too: a
/// short one of them may be the better explanation.
pub(crate) fn shortest(finding: &Finding, options: &SearchOptions) -> Finding {
    let mut candidates = vec![finding.clone()];
    if options.without.is_some() {
        candidates.extend(findings_after(finding.seed, options));
    }
    let shrunk = on_all_cores(candidates, |candidate| {
        let script = shrink(&candidate.script, candidate.violation.promise);
        let violation = script.play().violation.expect("a shrunk run still breaks the promise");
        Finding { seed: candidate.seed, script, violation }
    });
    shrunk.into_iter().min_by_key(length).expect("there is at least the finding itself")
}

/// Some more seeds that break a promise.
fn findings_after(seed: u64, options: &SearchOptions) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seeds = seed + 1..seed + SEEDS_FOR_CANDIDATES;
    while findings.len() < CANDIDATES && !seeds.is_empty() {
        let batch: Vec<u64> = seeds.by_ref().take(256).collect();
        let found = on_all_cores(batch, |&seed| {
            let script = draw(seed, options);
            let violation = script.play().violation?;
            Some(Finding { seed, script, violation })
        });
        findings.extend(found.into_iter().flatten());
    }
    findings.sort_by_key(|finding| finding.seed);
    findings.truncate(CANDIDATES);
    findings
}

/// Does something with each item, in no order.
fn on_all_cores<T: Sync, U: Send>(items: Vec<T>, work: impl Fn(&T) -> U + Sync) -> Vec<U> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    let work_on_next = || {
        while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
            let result = work(item);
            results.lock().expect("no other worker has panicked").push(result);
        }
    };
    run_on_all_cores(work_on_next);
    results.into_inner().expect("no worker has panicked")
}

/// Runs this once on each core. A panic within a world is a finding, and not told here.
fn run_on_all_cores(work: impl Fn() + Sync) {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let ended = panic::catch_unwind(AssertUnwindSafe(|| {
        std::thread::scope(|scope| (0..cores).for_each(|_| drop(scope.spawn(&work))));
    }));
    panic::set_hook(hook);
    ended.expect("the search itself does not panic");
}

/// What makes a run short; of equally short ones the more telling promise counts. A panic tells least: any
/// other run goes before it.
fn length(finding: &Finding) -> (bool, usize, usize, u64, u64) {
    let promise = finding.violation.promise;
    let rank = Promise::all().position(|other| other == promise).unwrap_or(usize::MAX);
    let is_panic = Promise::all().last() == Some(promise);
    (is_panic, finding.script.lines(), rank, finding.script.options.servers, finding.seed)
}

/// A bar on standard error, if that is a terminal.
struct Progress {
    bar: ProgressBar,
    /// By time, in seconds, or by seeds?
    is_timed: bool,
}

impl Progress {
    fn new(seeds: &Seeds) -> Progress {
        let length = seeds.time.map_or(seeds.range.end - seeds.range.start, |time| time.as_secs());
        let bar = ProgressBar::new(length);
        let style =
            ProgressStyle::with_template("{wide_bar:.cyan} {percent}%\n{msg}").expect("it is a template");
        bar.set_style(style);
        Progress { bar, is_timed: seeds.time.is_some() }
    }

    fn show(&self, examined: &Examined, elapsed: Duration) {
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
}
