//! The search for a seed that breaks a promise, and for a short run that breaks it: on all cores, or a slice at a time where
//! there are no threads and no clock, as in a browser.

use crate::quiet::quietly;
use crate::shrink::Shrinker;
use crate::stage::Stage;
use crate::world::{World, WorldOptions};
use crate::{Coverage, Effort, Promise, Script, SearchOptions, Violation, draw};
use std::collections::VecDeque;
use std::fmt;
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

/// Where to search without a rule, or with a learner's answer.
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
                let differs = finding.is_none() && differs(stage, seed, options);

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

/// A search on one core, a slice at a time. It finds what [`examine`] finds.
#[derive(Debug)]
pub struct Search {
    rounds: VecDeque<Round>,
    examined: Examined,
}

impl Search {
    /// Where to search, without the first seeds: as many as were examined before.
    pub fn new(mut rounds: Vec<Round>, examined_before: u64) -> Search {
        let mut left = examined_before;
        for Round { seeds, .. } in &mut rounds {
            let skipped = left.min(seeds.end - seeds.start);
            seeds.start += skipped;
            left -= skipped;
        }
        let examined = Examined { seeds: examined_before - left, ..Examined::default() };
        Search { rounds: rounds.into(), examined }
    }

    /// Examines seeds until servers have taken this number of steps in them, or until it is over.
    pub fn advance(&mut self, steps: u64) {
        let end = self.examined.coverage.steps.saturating_add(steps);
        while !self.is_over() && self.examined.coverage.steps < end {
            let Some((seed, options)) = self.next_seed() else { return };
            let (coverage, finding) = play(&World::new, seed, &options);
            self.examined.seeds += 1;
            self.examined.coverage.add(&coverage);
            if finding.is_none() && differs(&World::new, seed, &options) {
                self.examined.differs = Some(seed);
            }
            if finding.is_some() {
                self.examined.seeds_until_found = self.examined.seeds;
            }
            self.examined.finding = finding;
        }
    }

    /// Was something found, or are no seeds left?
    pub fn is_over(&self) -> bool {
        let Examined { finding, differs, .. } = &self.examined;
        finding.is_some() || differs.is_some() || self.rounds.iter().all(|round| round.seeds.is_empty())
    }

    /// What was examined so far. It does not say how long that took.
    pub fn examined(&self) -> &Examined {
        &self.examined
    }

    fn next_seed(&mut self) -> Option<(u64, SearchOptions)> {
        while let Some(round) = self.rounds.front_mut() {
            if let Some(seed) = round.seeds.next() {
                return Some((seed, round.options.clone()));
            }
            self.rounds.pop_front();
        }
        None
    }
}

fn play(stage: &impl Stage, seed: u64, options: &SearchOptions) -> (Coverage, Option<Finding>) {
    let script = draw(seed, options);
    let ending = stage.play(&script);
    let steps = ending.coverage.steps;
    let options = options.clone();
    let finding = ending.violation.map(|violation| Finding { seed, options, script, violation, steps });
    (ending.coverage, finding)
}

/// Does a seed that is run twice go another way the second time?
fn differs(stage: &impl Stage, seed: u64, options: &SearchOptions) -> bool {
    let hash = || stage.trace_hash(&draw(seed, options));
    seed.is_multiple_of(TWICE) && hash() != hash()
}

/// The shortest run that breaks a promise as this one does, and what it took to find it. With a rule off, other seeds are
/// looked at too: a short one of them may be the better explanation. After each trial, `watch` sees the shortest script that
/// was made of one run, and the number of steps that servers took in the trial.
pub fn shortest(finding: &Finding, watch: impl Fn(&Script, u64) + Sync) -> (Finding, Effort) {
    let mut shortening = Shortening::new(finding);
    while !shortening.is_over() {
        let tasks =
            std::mem::take(&mut shortening.tasks).into_iter().map(|task| Mutex::new(Some(task))).collect();
        shortening.tasks = on_all_cores(tasks, |task| {
            let mut task =
                task.lock().expect("no worker has panicked").take().expect("each task has one worker");
            task.advance(u64::MAX, &watch);
            task
        });
        quietly(|| shortening.conclude());
    }
    (shortening.best, shortening.effort)
}

/// The way to the [`shortest`] run on one core, a slice at a time. It finds the same.
pub struct Shortening {
    best: Finding,
    /// What finished tasks took.
    effort: Effort,
    phase: Phase,
    /// What is to be done in this phase, in any order.
    tasks: Vec<Task>,
}

enum Phase {
    /// More seeds are looked at. These break a promise, too.
    Looking(Vec<Finding>),
    /// Some finds are made short.
    ShrinkingSome,
    /// The shortest of them is made even shorter.
    ShrinkingOne,
    Over,
}

impl fmt::Debug for Shortening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (best, effort) = (&self.best, self.effort());
        f.debug_struct("Shortening").field("best", best).field("effort", &effort).finish_non_exhaustive()
    }
}

impl Shortening {
    /// Begins with this run.
    pub fn new(finding: &Finding) -> Shortening {
        let best = finding.clone();
        let (phase, tasks) = match finding.options.subject() {
            None => (Phase::ShrinkingOne, vec![Task::shrink(best.clone(), STEPS_TO_SHRINK_A_BUG)]),
            Some(_) => (Phase::Looking(Vec::new()), look_after(finding.seed, &finding.options)),
        };
        Shortening { best, effort: Effort::default(), phase, tasks }
    }

    /// Goes on until servers have taken this number of steps, or until it is over.
    pub fn advance(&mut self, steps: u64) {
        let end = self.effort().steps.saturating_add(steps);
        while !self.is_over() && self.effort().steps < end {
            let left = end - self.effort().steps;
            match self.tasks.iter_mut().find(|task| !task.is_over()) {
                Some(task) => task.advance(left, &|_, _| ()),
                None => self.conclude(),
            }
        }
    }

    /// Is there nothing shorter to be found?
    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over)
    }

    /// The best find: when it is over, the shortest run.
    pub fn best(&self) -> &Finding {
        &self.best
    }

    /// The shortest script so far.
    pub fn shortest_so_far(&self) -> &Script {
        let scripts = self.tasks.iter().filter_map(Task::script).chain([&self.best.script]);
        scripts.min_by_key(|script| script.lines()).expect("there is the best find")
    }

    /// What it took so far.
    pub fn effort(&self) -> Effort {
        let mut effort = self.effort;
        self.tasks.iter().for_each(|task| effort += task.effort());
        effort
    }

    /// All tasks are done: what is next?
    fn conclude(&mut self) {
        self.effort = self.effort();
        let tasks = std::mem::take(&mut self.tasks);
        let last_seed = tasks.iter().filter_map(Task::seed).max();
        if let (Phase::Looking(findings), Some(last_seed)) = (&mut self.phase, last_seed) {
            findings.extend(tasks.into_iter().filter_map(Task::into_finding));
            if findings.len() < FINDS && self.effort.steps < STEPS_FOR_MORE_FINDS {
                self.tasks = look_after(last_seed, &self.best.options);
                return;
            }
            findings.push(self.best.clone());
            findings.sort_by_key(|find| (is_panic(find.violation.promise), find.steps, find.seed));
            findings.truncate(FINDS_TO_SHRINK);
            let shrink = |finding| Task::shrink(finding, STEPS_TO_SHRINK_EACH);
            self.tasks = std::mem::take(findings).into_iter().map(shrink).collect();
            self.phase = Phase::ShrinkingSome;
            return;
        }
        let shrunk = tasks.into_iter().filter_map(|task| Some((task.is_done(), task.into_finding()?)));
        let (is_done, best) =
            shrunk.min_by_key(|(_, find)| length(find)).expect("there was something to shrink");
        self.best = best;
        self.phase = match self.phase {
            Phase::ShrinkingSome if !is_done => {
                self.tasks = vec![Task::shrink(self.best.clone(), STEPS_TO_SHRINK_ONE)];
                Phase::ShrinkingOne
            }
            _ => Phase::Over,
        };
    }
}

/// Where finds are made short.
type MakeWorld = fn(WorldOptions) -> World;

/// Something to do on the way to the shortest run.
enum Task {
    /// To look whether a seed breaks a promise.
    Look { seed: u64, options: SearchOptions, played: Option<Box<(Coverage, Option<Finding>)>> },
    /// To make a find short. It begins when the task is worked on.
    Shrink { finding: Box<Finding>, most_steps: u64, shrinker: Option<Box<Shrinker<MakeWorld>>> },
}

/// The next seeds.
fn look_after(seed: u64, options: &SearchOptions) -> Vec<Task> {
    let look = |seed| Task::Look { seed, options: options.clone(), played: None };
    (seed + 1..).take(SEEDS_AT_A_TIME).map(look).collect()
}

impl Task {
    fn shrink(finding: Finding, most_steps: u64) -> Task {
        Task::Shrink { finding: Box::new(finding), most_steps, shrinker: None }
    }

    /// Goes on until servers have taken this number of steps, or until it is done.
    fn advance(&mut self, steps: u64, watch: &impl Fn(&Script, u64)) {
        match self {
            Task::Look { seed, options, played } => {
                *played = Some(Box::new(play(&World::new, *seed, options)))
            }
            Task::Shrink { finding, most_steps, shrinker } => {
                let mut shown = shrinker.as_ref().map_or(0, |shrinker| shrinker.shrunk.effort.steps);
                let watch = &mut |script: &Script, effort: Effort| {
                    watch(script, effort.steps - shown);
                    shown = effort.steps;
                };
                let (script, promise) = (&finding.script, finding.violation.promise);
                let begin =
                    || Box::new(Shrinker::new(World::new as MakeWorld, script, promise, *most_steps, watch));
                let shrinker = shrinker.get_or_insert_with(begin);
                shrinker.advance(steps, watch);
            }
        }
    }

    fn is_over(&self) -> bool {
        match self {
            Task::Look { played, .. } => played.is_some(),
            Task::Shrink { shrinker, .. } => shrinker.as_ref().is_some_and(|shrinker| shrinker.is_over()),
        }
    }

    /// Is this a run that nothing makes shorter?
    fn is_done(&self) -> bool {
        matches!(self, Task::Shrink { shrinker: Some(shrinker), .. } if shrinker.shrunk.is_done)
    }

    fn effort(&self) -> Effort {
        match self {
            Task::Look { played: Some(played), .. } => Effort { runs: 1, steps: played.0.steps },
            Task::Shrink { shrinker: Some(shrinker), .. } => shrinker.shrunk.effort,
            _ => Effort::default(),
        }
    }

    fn seed(&self) -> Option<u64> {
        match self {
            Task::Look { seed, .. } => Some(*seed),
            Task::Shrink { .. } => None,
        }
    }

    /// The shortest script that was made of a find.
    fn script(&self) -> Option<&Script> {
        match self {
            Task::Shrink { shrinker: Some(shrinker), .. } => Some(&shrinker.shrunk.script),
            _ => None,
        }
    }

    /// What has come of it.
    fn into_finding(self) -> Option<Finding> {
        match self {
            Task::Look { played, .. } => played?.1,
            Task::Shrink { finding, shrinker, .. } => {
                let script = shrinker?.shrunk.script;
                let violation = script.play().violation.expect("a shrunk run still breaks the promise");
                Some(Finding { script, violation, ..*finding })
            }
        }
    }
}

/// The maximum number of steps that servers take until the [`shortest`] run is found.
pub fn most_steps_to_shrink(finding: &Finding) -> u64 {
    match finding.options.subject() {
        None => STEPS_TO_SHRINK_A_BUG,
        Some(_) => FINDS_TO_SHRINK as u64 * STEPS_TO_SHRINK_EACH + STEPS_TO_SHRINK_ONE,
    }
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
