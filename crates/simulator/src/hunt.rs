//! The search on all cores: for a seed that breaks a promise, and for a short run that breaks it.

use crate::quiet::quietly;
use crate::stage::Stage;
use crate::world::World;
use crate::{Coverage, Effort, Promise, Script, SearchOptions, Shrunk, Violation, draw, shrink};
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Of this number of seeds, one is run twice, to see whether it goes the same way.
const TWICE: u64 = 1_000;

/// Without a rule, small worlds come first: they are played faster, and their stories are shorter. Some rules matter only
/// where there are more servers.
const ROUNDS: [(Option<u64>, Range<u64>); 4] =
    [(Some(3), 0..256), (None, 0..192), (Some(3), 256..4_096), (None, 192..1_000_000)];

/// After the first find without a rule, more seeds are examined, up to this number of finds, or of steps that servers
/// take in them.
const FINDS: usize = 12;
const STEPS_FOR_MORE_FINDS: u64 = 300_000;
const SEEDS_AT_A_TIME: usize = 8;

/// The number of finds to shrink, those with the fewest steps first; the maximum number of steps that servers take to
/// shrink each; and, if that was not enough, the maximum for the shortest of them.
const FINDS_TO_SHRINK: usize = 3;
const STEPS_TO_SHRINK_EACH: u64 = 300_000;
const STEPS_TO_SHRINK_ONE: u64 = 1_500_000;

/// The same with all rules on: then a broken promise is a bug, and worth more.
const STEPS_TO_SHRINK_A_BUG: u64 = 100_000_000;

/// Seeds, and the worlds that are drawn from them.
#[derive(Debug, Clone)]
pub struct Round {
    /// The worlds.
    pub options: SearchOptions,
    /// The seeds.
    pub seeds: Range<u64>,
}

/// Where to search without a rule.
pub fn small_worlds_first(options: &SearchOptions) -> Vec<Round> {
    let round = |(servers, seeds)| Round { options: SearchOptions { servers, ..options.clone() }, seeds };
    ROUNDS.into_iter().map(round).collect()
}

/// The outcome of examining seeds.
#[derive(Debug, Default)]
pub struct Examined {
    /// The number of seeds.
    pub seeds: u64,
    /// The time that it took.
    pub took: Duration,
    /// What happened in their worlds.
    pub coverage: Coverage,
    /// The lowest seed that breaks a promise, in the first round that has one.
    pub finding: Option<Finding>,
    /// The number of seeds up to that one, in all rounds.
    pub seeds_until_found: u64,
    /// A seed that went differently the second time.
    pub differs: Option<u64>,
}

/// A seed that breaks a promise.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The seed.
    pub seed: u64,
    /// The worlds from which it was drawn.
    pub options: SearchOptions,
    /// The run.
    pub script: Script,
    /// How it breaks the promise.
    pub violation: Violation,
    /// The number of steps that servers took until then.
    steps: u64,
}

/// Examines seeds, round by round, until one breaks a promise, none are left, or time is up. Whichever core is faster: of
/// several seeds that break one, the lowest is found. After each seed, `watch` sees what was examined so far, and the time
/// since the beginning.
pub fn examine(
    rounds: &[Round],
    time: Option<Duration>,
    watch: impl Fn(&Examined, Duration) + Sync,
) -> Examined {
    examine_on(&World::new, rounds, time, watch)
}

/// [`examine`] for runs that are played on this stage.
pub(crate) fn examine_on(
    stage: &(impl Stage + Sync),
    rounds: &[Round],
    time: Option<Duration>,
    watch: impl Fn(&Examined, Duration) + Sync,
) -> Examined {
    let begin = Instant::now();
    let is_time_up = || time.is_some_and(|time| begin.elapsed() >= time);
    let examined = Mutex::new(Examined::default());
    let mut seeds_until_found = 0;
    for Round { options, seeds } in rounds {
        let next = AtomicU64::new(seeds.start);
        let lowest_found = AtomicU64::new(u64::MAX);
        run_on_all_cores(|| {
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= seeds.end || seed > lowest_found.load(Ordering::Relaxed) || is_time_up() {
                    return;
                }
                let (coverage, finding) = play(stage, seed, options);
                let hash = || stage.trace_hash(&draw(seed, options));
                let differs = finding.is_none() && seed.is_multiple_of(TWICE) && hash() != hash();

                let mut examined = examined.lock().expect("no other search has panicked");
                examined.seeds += 1;
                examined.coverage.add(&coverage);
                watch(&examined, begin.elapsed());
                if differs {
                    examined.differs = Some(seed);
                    lowest_found.store(0, Ordering::Relaxed);
                }
                if finding.is_some() && seed < lowest_found.fetch_min(seed, Ordering::Relaxed) {
                    examined.finding = finding;
                }
            }
        });
        let lowest_found = lowest_found.into_inner();
        if lowest_found < u64::MAX {
            seeds_until_found += lowest_found.saturating_sub(seeds.start) + 1;
            break;
        }
        if is_time_up() {
            break;
        }
        seeds_until_found += seeds.end - seeds.start;
    }
    let examined = examined.into_inner().expect("no search has panicked");
    Examined { took: begin.elapsed(), seeds_until_found, ..examined }
}

fn play(stage: &impl Stage, seed: u64, options: &SearchOptions) -> (Coverage, Option<Finding>) {
    let script = draw(seed, options);
    let ending = stage.play(&script);
    let steps = ending.coverage.steps;
    let options = options.clone();
    let finding = ending.violation.map(|violation| Finding { seed, options, script, violation, steps });
    (ending.coverage, finding)
}

/// The shortest run that breaks a promise as this one does, and what it took to find it. With a rule off, other seeds are
/// looked at too: a short one of them may be the better explanation. After each trial, `watch` sees the shortest script that
/// was made of one run, and the number of steps that servers took in the trial.
pub fn shortest(finding: &Finding, watch: impl Fn(&Script, u64) + Sync) -> (Finding, Effort) {
    if finding.options.without.is_none() {
        let shrunk = shrunk(vec![finding.clone()], STEPS_TO_SHRINK_A_BUG, &watch);
        return (shrunk.finding, shrunk.effort);
    }
    let mut looking = Effort::default();
    let mut finds = findings_after(finding, &mut looking);
    finds.push(finding.clone());
    finds.sort_by_key(|find| (is_panic(find.violation.promise), find.steps, find.seed));
    finds.truncate(FINDS_TO_SHRINK);
    let mut best = shrunk(finds, STEPS_TO_SHRINK_EACH, &watch);
    best.effort += looking;
    if !best.is_done {
        let effort = best.effort;
        best = shrunk(vec![best.finding], STEPS_TO_SHRINK_ONE, &watch);
        best.effort += effort;
    }
    (best.finding, best.effort)
}

/// The maximum number of steps that servers take until the [`shortest`] run is found.
pub fn most_steps_to_shrink(finding: &Finding) -> u64 {
    match finding.options.without {
        None => STEPS_TO_SHRINK_A_BUG,
        Some(_) => FINDS_TO_SHRINK as u64 * STEPS_TO_SHRINK_EACH + STEPS_TO_SHRINK_ONE,
    }
}

/// The shortest of several runs that were made short.
struct Best {
    finding: Finding,
    is_done: bool,
    /// What all of them took.
    effort: Effort,
}

fn shrunk(finds: Vec<Finding>, most_steps: u64, watch: &(impl Fn(&Script, u64) + Sync)) -> Best {
    let shrunk = on_all_cores(finds, |find| {
        let mut shown = 0;
        let watch = &mut |script: &Script, effort: Effort| {
            watch(script, effort.steps - shown);
            shown = effort.steps;
        };
        let Shrunk { script, effort, is_done } =
            shrink(&find.script, find.violation.promise, most_steps, watch);
        let violation = script.play().violation.expect("a shrunk run still breaks the promise");
        Best { finding: Finding { script, violation, ..find.clone() }, is_done, effort }
    });
    let mut effort = Effort::default();
    shrunk.iter().for_each(|one| effort += one.effort);
    let best = shrunk.into_iter().min_by_key(|one| length(&one.finding));
    Best { effort, ..best.expect("there is something to shrink") }
}

/// More seeds that break a promise.
fn findings_after(finding: &Finding, effort: &mut Effort) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seeds = finding.seed + 1..;
    while findings.len() < FINDS && effort.steps < STEPS_FOR_MORE_FINDS {
        let some = seeds.by_ref().take(SEEDS_AT_A_TIME).collect();
        for (coverage, finding) in on_all_cores(some, |&seed| play(&World::new, seed, &finding.options)) {
            *effort += Effort { runs: 1, steps: coverage.steps };
            findings.extend(finding);
        }
    }
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
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| (0..cores).for_each(|_| drop(scope.spawn(|| quietly(&work)))));
}

/// What makes a run short; of equally short ones the more telling promise counts. A panic tells least: any
/// other run goes before it.
fn length(finding: &Finding) -> (bool, usize, usize, u64, u64) {
    let promise = finding.violation.promise;
    let rank = Promise::all().position(|other| other == promise).unwrap_or(usize::MAX);
    (is_panic(promise), finding.script.lines(), rank, finding.script.options.servers, finding.seed)
}

fn is_panic(promise: Promise) -> bool {
    Promise::all().last() == Some(promise)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why_in_vain;
    use consensus::Rule;

    #[test]
    fn without_each_rule_a_short_run_is_found_with_little_effort() {
        for &rule in Rule::ALL.iter().filter(|rule| why_in_vain(**rule).is_none()) {
            let options = SearchOptions { without: Some(rule), ..SearchOptions::default() };
            let examined = examine(&small_worlds_first(&options), None, |_, _| ());
            let found = examined.finding.unwrap_or_else(|| panic!("nothing breaks without {rule}"));
            assert!(examined.coverage.steps < 3_000_000, "{rule}: {} to find it", examined.coverage.steps);
            let (shortest, effort) = shortest(&found, |_, _| ());
            assert!(effort.steps < 4_000_000, "{rule}: {effort:?} to shrink it");
            assert!(shortest.script.actions.len() <= 100, "{rule}: {} steps", shortest.script.actions.len());
        }
    }
}
