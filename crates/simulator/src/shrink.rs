//! From a long run that breaks a promise to a short one that breaks the same.
//!
//! Delta debugging (Zeller and Hildebrandt, 2002): leave something out, play again, keep what still
//! breaks the promise. Then make what is left simpler, and begin again, until nothing helps. A trial ends at
//! the first violation, or when it has become longer than the run that it is to replace.

use crate::action::{Action, Selection};
use crate::network::Weather;
use crate::properties::Promise;
use crate::rules::AllBut;
use crate::script::Script;
use crate::stage::{Stage, Trial};
use crate::world::{World, WorldOptions};
use consensus::{Change, HardState, LogPosition, NodeId, Profile, Rule, Term, Timing};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::AddAssign;
use std::time::Duration;
use trace::Unsynced;

/// Pairs of more actions than these are not tried: their number grows with the square.
const MOST_FOR_PAIRS: usize = 40;

/// The maximum length of a trial, as a multiple of the run that is made short.
const LONGEST_TRIAL: u64 = 2;

/// The cost of a search, in counts that are the same on every machine.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    /// The number of runs.
    pub runs: u64,
    /// The steps that servers took in them.
    pub steps: u64,
}

impl AddAssign for Effort {
    fn add_assign(&mut self, other: Effort) {
        self.runs += other.runs;
        self.steps += other.steps;
    }
}

/// A run that was made short.
#[derive(Debug, Clone)]
pub struct Shrunk {
    /// The shortest script that was found.
    pub script: Script,
    /// What that took.
    pub effort: Effort,
    /// Whether nothing else helps; otherwise more steps may make it shorter.
    pub is_done: bool,
}

/// The shortest script that was found from this one and still breaks the promise. The search for it ends after
/// `most_steps` steps of servers: steps, not time, so that the result is the same on every machine. Where the promise
/// can be broken without chance, the script says each single thing; otherwise it has troubles and times. After each
/// trial, `watch` sees the shortest so far, and the effort so far.
pub fn shrink(
    script: &Script,
    promise: Promise,
    most_steps: u64,
    watch: &mut dyn FnMut(&Script, Effort),
) -> Shrunk {
    shrink_on(World::new, script, promise, most_steps, watch)
}

/// [`shrink`] for a script that is played on this stage.
pub(crate) fn shrink_on(
    stage: impl Stage,
    script: &Script,
    promise: Promise,
    most_steps: u64,
    watch: &mut dyn FnMut(&Script, Effort),
) -> Shrunk {
    let mut shrinker = Shrinker::new(stage, script, promise, most_steps, watch);
    shrinker.advance(u64::MAX, watch);
    shrinker.shrunk
}

/// Makes a run shorter, trial by trial.
pub(crate) struct Shrinker<S> {
    stage: S,
    promise: Promise,
    /// The maximum number of steps in one trial.
    longest_trial: u64,
    /// The maximum number of steps of servers in all trials.
    most_steps: u64,
    /// The shortest script so far, and the effort so far.
    pub(crate) shrunk: Shrunk,
    /// The way that it tries, as a place in [`WAYS`], and where in it it is.
    way: usize,
    progress: Progress,
    /// The script that was the shortest when it began with this way.
    before: Script,
    /// The number of ways that have not helped since one did.
    in_vain: usize,
}

/// A way to make a script shorter or simpler.
enum Way {
    /// At each of these places: all of these candidates, each once or, where it helps, as often as it does.
    AtEach(fn(&Script) -> Vec<usize>, fn(&Script, usize) -> Vec<Script>),
    /// As many actions as possible are left out: first one half or the other, then smaller parts, in the end single actions.
    LeaveOutActions,
}

/// They are tried one after the other, until none of them helps any longer.
const WAYS: [Way; 8] = [
    Way::AtEach(|_| (0..LOOSER.len()).collect(), with_looser_selections),
    Way::AtEach(servers_from_the_end, without_a_server),
    Way::LeaveOutActions,
    Way::AtEach(|script| (0..simpler_worlds(&script.options).len()).collect(), with_simpler_world),
    Way::AtEach(actions_from_the_end, with_merged_runs),
    Way::AtEach(actions_from_the_end, without_a_term),
    Way::AtEach(actions_from_the_end, with_simpler_action),
    Way::AtEach(actions_from_the_end, without_a_pair),
];

fn servers_from_the_end(script: &Script) -> Vec<usize> {
    let WorldOptions { servers, spares, .. } = script.options;
    (0..(servers + spares) as usize).rev().collect()
}

/// From the end: there is less that rests on it.
fn actions_from_the_end(script: &Script) -> Vec<usize> {
    (0..script.actions.len()).rev().collect()
}

/// Where in a way it is.
enum Progress {
    AtEach {
        /// The places that come after this one.
        places: std::vec::IntoIter<usize>,
        place: usize,
        /// What is yet to be tried here.
        candidates: std::vec::IntoIter<Script>,
    },
    /// Parts of this length are left out. The next one ends here.
    LeaveOutActions { length: usize, end: usize },
}

impl Way {
    fn begin(&self, script: &Script) -> Progress {
        match self {
            Way::AtEach(places, _) => {
                let (places, candidates) = (places(script).into_iter(), Vec::new().into_iter());
                Progress::AtEach { places, place: 0, candidates }
            }
            Way::LeaveOutActions => {
                let actions = script.actions.len();
                Progress::LeaveOutActions { length: actions.div_ceil(2), end: actions }
            }
        }
    }

    /// What is to be tried next; `None` if that was all.
    fn next(&self, progress: &mut Progress, script: &Script) -> Option<Script> {
        match (self, progress) {
            (Way::AtEach(_, at), Progress::AtEach { places, place, candidates }) => loop {
                if let Some(candidate) = candidates.next() {
                    return Some(candidate);
                }
                *place = places.next()?;
                *candidates = at(script, *place).into_iter();
            },
            (_, Progress::LeaveOutActions { length, end }) => {
                while *end == 0 && *length > 0 {
                    (*length, *end) = (*length / 2, script.actions.len());
                }
                let mut candidate = (*length > 0).then(|| script.clone())?;
                // From the end here, too.
                candidate.actions.drain(end.saturating_sub(*length)..*end);
                Some(candidate)
            }
            _ => None,
        }
    }

    /// What was tried last has helped, or not. This is the shortest script now.
    fn learn(&self, progress: &mut Progress, helps: bool, script: &Script) {
        match (self, progress) {
            (Way::AtEach(_, at), Progress::AtEach { place, candidates, .. }) if helps => {
                *candidates = at(script, *place).into_iter();
            }
            (_, Progress::LeaveOutActions { length, end }) => {
                *end = end.saturating_sub(*length).min(script.actions.len());
            }
            _ => {}
        }
    }
}

impl<S: Stage> Shrinker<S> {
    pub(crate) fn new(
        stage: S,
        script: &Script,
        promise: Promise,
        most_steps: u64,
        watch: &mut dyn FnMut(&Script, Effort),
    ) -> Shrinker<S> {
        let trial = stage.try_out(script, u64::MAX);
        let longest_trial = trial.steps.saturating_mul(LONGEST_TRIAL);
        let mut journal = stage.journal(&trial.done);
        // Leases are about time, which a journal has none of. Where the promise breaks without them too, they are left out.
        journal.options.lease = None;
        let effort = Effort { runs: 1, steps: trial.steps };
        let (before, progress) = (trial.done.clone(), WAYS[0].begin(&trial.done));
        let shrunk = Shrunk { script: trial.done, effort, is_done: false };
        let (way, in_vain) = (0, 0);
        let mut shrinker =
            Shrinker { stage, promise, longest_trial, most_steps, shrunk, way, progress, before, in_vain };
        shrinker.try_instead(journal, watch);
        shrinker.begin(0);
        shrinker
    }

    /// Goes on until servers have taken this number of steps, or until it is over.
    pub(crate) fn advance(&mut self, steps: u64, watch: &mut dyn FnMut(&Script, Effort)) {
        let end = self.shrunk.effort.steps.saturating_add(steps);
        while !self.is_over() && self.shrunk.effort.steps < end {
            let way = &WAYS[self.way];
            let Some(candidate) = way.next(&mut self.progress, &self.shrunk.script) else {
                self.in_vain = if self.shrunk.script == self.before { self.in_vain + 1 } else { 0 };
                self.shrunk.is_done = self.in_vain == WAYS.len();
                self.begin((self.way + 1) % WAYS.len());
                continue;
            };
            let helps = self.try_instead(candidate, watch);
            way.learn(&mut self.progress, helps, &self.shrunk.script);
        }
    }

    /// Nothing else helps, or it has taken as many steps as it may.
    pub(crate) fn is_over(&self) -> bool {
        self.shrunk.is_done || self.is_exhausted()
    }

    fn begin(&mut self, way: usize) {
        self.way = way;
        self.before = self.shrunk.script.clone();
        self.progress = WAYS[way].begin(&self.before);
    }

    fn is_exhausted(&self) -> bool {
        self.shrunk.effort.steps >= self.most_steps
    }

    /// Plays a candidate. If it breaks the promise, it is the shortest from here on, up to where it does.
    fn try_instead(&mut self, candidate: Script, watch: &mut dyn FnMut(&Script, Effort)) -> bool {
        if candidate == self.shrunk.script
            || self.is_exhausted()
            || candidate.options.problem_with_beginning().is_some()
        {
            return false;
        }
        let trial = self.play(&candidate, self.longest_trial);
        let is_shorter = trial.broken == Some(self.promise) && self.is_about_the_rule(&trial.done);
        if is_shorter {
            self.shrunk.script = trial.done;
        }
        watch(&self.shrunk.script, self.shrunk.effort);
        is_shorter
    }

    fn play(&mut self, script: &Script, most_steps: u64) -> Trial {
        let trial = self.stage.try_out(script, most_steps);
        self.shrunk.effort += Effort { runs: 1, steps: trial.steps };
        trial
    }

    /// A script that would break a promise with all rules on, too, shows nothing about the rule that is off.
    fn is_about_the_rule(&mut self, script: &Script) -> bool {
        let Some(off) = script.options.rules.0 else { return true };
        let mut with_all_rules = script.clone();
        with_all_rules.options.rules = AllBut(None);
        if off == Rule::TimeoutAboveBroadcast {
            // It is the network that breaks this one.
            with_all_rules.options.weather = WorldOptions::default().weather;
        }
        let trial = self.play(&with_all_rules, self.most_steps);
        trial.broken.is_none() && trial.steps <= self.most_steps
    }
}

/// Ways to say less of which messages are meant: then more can be left out of what went before.
const LOOSER: [fn(&Selection) -> Selection; 3] = [
    |Selection { from, to, .. }| Selection { from: *from, to: *to, ..Selection::default() },
    |Selection { from, to, kind, .. }| Selection {
        from: *from,
        to: *to,
        kind: *kind,
        ..Selection::default()
    },
    |selection| Selection { term: None, ..selection.clone() },
];

/// The same with less said of all messages, in the way at this place.
fn with_looser_selections(script: &Script, place: usize) -> Vec<Script> {
    let mut looser = script.clone();
    for action in &mut looser.actions {
        if let Some(selection) = action.selection_mut() {
            *selection = LOOSER[place](selection);
        }
    }
    vec![looser]
}

/// The same without the server at this place, if another one is left.
fn without_a_server(script: &Script, place: usize) -> Vec<Script> {
    let WorldOptions { servers, spares, .. } = script.options;
    let gone = NodeId(place as u64 + 1);
    if gone.0 > servers + spares || (servers == 1 && gone.0 == 1) {
        return Vec::new();
    }
    let rename = |id: NodeId| NodeId(if id > gone { id.0 - 1 } else { id.0 });
    let logs = script.options.logs.iter().filter(|(id, _)| **id != gone);
    let logs: BTreeMap<_, _> = logs.map(|(&id, log)| (rename(id), log.clone())).collect();
    let memory = |(id, memory): (&NodeId, &HardState)| {
        let voted_for = memory.voted_for.filter(|id| *id != gone).map(rename);
        (*id != gone).then(|| (rename(*id), HardState { voted_for, ..*memory }))
    };
    let memories = script.options.memories.iter().filter_map(memory).collect();
    let (servers, spares) = if gone.0 > servers { (servers, spares - 1) } else { (servers - 1, spares) };
    let options = WorldOptions { servers, spares, logs, memories, ..script.options.clone() };
    let actions = script.actions.iter().filter_map(|action| renamed(action, gone, rename)).collect();
    vec![Script { options, actions }]
}

/// The action in a world in which one server is gone and others have other names; `None` if it was about
/// that one.
fn renamed(action: &Action, gone: NodeId, rename: impl Fn(NodeId) -> NodeId) -> Option<Action> {
    let one = |id: &NodeId| (*id != gone).then(|| rename(*id));
    let selection = |selection: &Selection| {
        let end = |end: Option<NodeId>| end.map_or(Some(None), |id| one(&id).map(Some));
        Some(Selection { from: end(selection.from)?, to: end(selection.to)?, ..selection.clone() })
    };
    Some(match action {
        Action::Run(_)
        | Action::SwitchRule(..)
        | Action::RunUntilLed
        | Action::Step
        | Action::Settle
        | Action::Heal
        | Action::Calm => action.clone(),
        Action::Tick(id) => Action::Tick(one(id)?),
        Action::Timeout(id) => Action::Timeout(one(id)?),
        Action::StepDown(id) => Action::StepDown(one(id)?),
        Action::Propose(None, _) | Action::Read(None) => action.clone(),
        Action::Read(Some(id)) => Action::Read(Some(one(id)?)),
        Action::Propose(Some(id), value) => Action::Propose(Some(one(id)?), *value),
        Action::Client(client, wish, server) => {
            Action::Client(*client, *wish, server.map_or(Some(None), |id| one(&id).map(Some))?)
        }
        Action::CheckHistory => Action::CheckHistory,
        Action::ChangeMembers(change, server) => {
            let rest = |ids: &BTreeSet<NodeId>| ids.iter().filter_map(one).collect();
            let add = change.add.keys().filter_map(one).map(|id| (id, String::new())).collect();
            let (promote, remove) = (rest(&change.promote), rest(&change.remove));
            let change = Change { add, promote, remove, ..Change::default() };
            Action::ChangeMembers(change, server.map_or(Some(None), |id| one(&id).map(Some))?)
        }
        Action::Transfer(to, server) => {
            Action::Transfer(one(to)?, server.map_or(Some(None), |id| one(&id).map(Some))?)
        }
        Action::LoseConnection(id, peer) => Action::LoseConnection(one(id)?, one(peer)?),
        Action::MakeConnection(id, peer) => Action::MakeConnection(one(id)?, one(peer)?),
        Action::SetNext(id, follower, next) => Action::SetNext(one(id)?, one(follower)?, *next),
        Action::SetProfile(id, profile) => Action::SetProfile(one(id)?, *profile),
        Action::Deliver(messages) => Action::Deliver(selection(messages)?),
        Action::Lose(messages) => Action::Lose(selection(messages)?),
        Action::Duplicate(messages) => Action::Duplicate(selection(messages)?),
        Action::Hold(messages) => Action::Hold(selection(messages)?),
        Action::Delay(messages, by) => Action::Delay(selection(messages)?, *by),
        Action::Link(Some((from, to)), weather) => {
            Action::Link(Some((one(from)?, one(to)?)), weather.clone())
        }
        Action::Link(None, _) => action.clone(),
        Action::Cut(from, to) => Action::Cut(one(from)?, one(to)?),
        Action::Mend(from, to) => Action::Mend(one(from)?, one(to)?),
        Action::Partition(group) => Action::Partition(group.iter().filter_map(one).collect()),
        Action::Crash(id, unsynced) => Action::Crash(one(id)?, *unsynced),
        Action::Kill(id) => Action::Kill(one(id)?),
        Action::Restart(id) => Action::Restart(one(id)?),
        Action::Pause(id) => Action::Pause(one(id)?),
        Action::Resume(id) => Action::Resume(one(id)?),
        Action::HoldSaves(id) => Action::HoldSaves(one(id)?),
        Action::Save(id) => Action::Save(one(id)?),
        Action::FinishSave(id) => Action::FinishSave(one(id)?),
        Action::HoldApplies(id) => Action::HoldApplies(one(id)?),
        Action::Apply(id) => Action::Apply(one(id)?),
        Action::Snapshot(id) => Action::Snapshot(one(id)?),
        Action::FailNextSave(id) => Action::FailNextSave(one(id)?),
        Action::CrashInSave(id, operations, unsynced) => {
            Action::CrashInSave(one(id)?, *operations, *unsynced)
        }
        Action::KillInSave(id, operations) => Action::KillInSave(one(id)?, *operations),
        Action::DamageLastSave(id, bit) => Action::DamageLastSave(one(id)?, *bit),
        Action::FillDisk(id) => Action::FillDisk(one(id)?),
        Action::LoseDisk(id, joins) => Action::LoseDisk(one(id)?, *joins),
        Action::CopyDisk(id) => Action::CopyDisk(one(id)?),
        Action::PutBack(id, only_log) => Action::PutBack(one(id)?, *only_log),
        Action::ForgetVote(id) => Action::ForgetVote(one(id)?),
        Action::ForgetEntries(id, entries) => Action::ForgetEntries(one(id)?, *entries),
        Action::Move(id) => Action::Move(one(id)?),
        Action::Stray(from, to, term) => Action::Stray(one(from)?, one(to)?, *term),
        Action::MendDisk(id) => Action::MendDisk(one(id)?),
        Action::SetClock(id, speed) => Action::SetClock(one(id)?, *speed),
        Action::JumpClock(id, by) => Action::JumpClock(one(id)?, *by),
    })
}

/// The same in the world at this place of [`simpler_worlds`].
fn with_simpler_world(script: &Script, place: usize) -> Vec<Script> {
    let simpler = simpler_worlds(&script.options).into_iter().nth(place);
    simpler.map(|options| Script { options, actions: script.actions.clone() }).into_iter().collect()
}

/// Worlds with less that is out of the ordinary. The list is always as long, so some may be the same as this one.
fn simpler_worlds(options: &WorldOptions) -> Vec<WorldOptions> {
    let usual = WorldOptions::default();
    let weather = &options.weather;
    let steady = Weather { latency: *weather.latency.end()..=*weather.latency.end(), ..weather.clone() };
    let mut simpler = vec![
        WorldOptions { memories: BTreeMap::new(), ..options.clone() },
        WorldOptions { logs: BTreeMap::new(), committed: LogPosition::default(), ..options.clone() },
        WorldOptions { timing: Timing::default(), ..options.clone() },
        WorldOptions { limits: usual.limits, ..options.clone() },
        WorldOptions { lease: None, ..options.clone() },
        WorldOptions { profile: Profile::PAPER, ..options.clone() },
        WorldOptions { profile: Profile { eager_election: false, ..options.profile }, ..options.clone() },
        WorldOptions { profile: Profile { check_quorum: false, ..options.profile }, ..options.clone() },
        WorldOptions {
            profile: Profile { pre_vote: false, eager_election: false, ..options.profile },
            ..options.clone()
        },
        WorldOptions { save_time: usual.save_time, ..options.clone() },
        WorldOptions { weather: usual.weather, ..options.clone() },
        WorldOptions { weather: Weather { loss: 0.0, ..weather.clone() }, ..options.clone() },
        WorldOptions { weather: Weather { duplication: 0.0, ..weather.clone() }, ..options.clone() },
        WorldOptions { weather: steady, ..options.clone() },
    ];
    simpler.extend([5, 10, 20].map(Duration::from_millis).map(|latency| {
        let is_shorter = latency < *weather.latency.end();
        let weather = if is_shorter { Weather::fair(latency) } else { weather.clone() };
        WorldOptions { weather, ..options.clone() }
    }));
    simpler.extend((1..10).map(|seed| {
        let seed = if seed < options.seed || options.seed == 0 { seed } else { options.seed };
        WorldOptions { seed, ..options.clone() }
    }));
    simpler
}

/// The same without the timer that runs out at this place, and later terms lower by one: it may have begun one.
fn without_a_term(script: &Script, place: usize) -> Vec<Script> {
    if !matches!(script.actions.get(place), Some(Action::Tick(_) | Action::Timeout(_))) {
        return Vec::new();
    }
    let mut candidate = script.clone();
    candidate.actions.remove(place);
    candidate.actions[place..].iter_mut().for_each(lower_term);
    vec![candidate]
}

fn lower_term(action: &mut Action) {
    if let Some(selection) = action.selection_mut() {
        selection.term = selection.term.map(|Term(term)| Term(term.saturating_sub(1)));
    }
}

/// The same with the time at this place and the next one as one.
fn with_merged_runs(script: &Script, place: usize) -> Vec<Script> {
    let Some([Action::Run(first), Action::Run(second)]) = script.actions.get(place..place + 2) else {
        return Vec::new();
    };
    let mut candidate = script.clone();
    candidate.actions.splice(place..place + 2, [Action::Run(*first + *second)]);
    vec![candidate]
}

/// The same without the action at this place and a later one, which make sense only together, such as a crash and a
/// restart: for each such pair, if there are not too many to try.
fn without_a_pair(script: &Script, first: usize) -> Vec<Script> {
    let actions = script.actions.len();
    if actions > MOST_FOR_PAIRS {
        return Vec::new();
    }
    let without = |second| {
        let mut candidate = script.clone();
        candidate.actions.remove(second);
        candidate.actions.remove(first);
        candidate
    };
    (first + 1..actions).map(without).collect()
}

/// The same with the action at this place made simpler, in each way.
fn with_simpler_action(script: &Script, place: usize) -> Vec<Script> {
    let with = |simpler| {
        let mut candidate = script.clone();
        candidate.actions[place] = simpler;
        candidate
    };
    script.actions.get(place).map(simpler_actions).unwrap_or_default().into_iter().map(with).collect()
}

fn simpler_actions(action: &Action) -> Vec<Action> {
    match action {
        Action::Deliver(selection) => simpler_selections(selection).map(Action::Deliver).collect(),
        Action::Duplicate(selection) => simpler_selections(selection).map(Action::Duplicate).collect(),
        Action::Crash(id, Unsynced::Kept | Unsynced::Torn) => vec![Action::Crash(*id, Unsynced::Lost)],
        Action::CrashInSave(id, operations, Unsynced::Lost) => {
            (0..*operations).map(|fewer| Action::CrashInSave(*id, fewer, Unsynced::Lost)).collect()
        }
        Action::CrashInSave(id, operations, _) => {
            vec![Action::CrashInSave(*id, *operations, Unsynced::Lost)]
        }
        Action::Run(duration) => rounder(*duration).map(Action::Run).collect(),
        _ => Vec::new(),
    }
}

fn simpler_selections(selection: &Selection) -> impl Iterator<Item = Selection> {
    let Selection { from, to, kind, term, .. } = selection.clone();
    let simpler = [
        Selection { from, to, ..Selection::default() },
        Selection { from, to, kind, ..Selection::default() },
        Selection { from, to, kind, term, ..Selection::default() },
        Selection { term: None, ..selection.clone() },
        Selection { prev: None, ..selection.clone() },
        Selection { last: None, ..selection.clone() },
        Selection { commit: None, ..selection.clone() },
        Selection { round: None, ..selection.clone() },
        Selection { answer: None, ..selection.clone() },
        Selection { life: None, ..selection.clone() },
        Selection { count: None, ..selection.clone() },
    ];
    let selection = selection.clone();
    simpler.into_iter().filter(move |simpler| *simpler != selection)
}

/// Shorter times with fewer digits.
fn rounder(duration: Duration) -> impl Iterator<Item = Duration> {
    let rounded = [1000, 500, 300, 200, 100, 50, 20, 10, 1].map(Duration::from_millis);
    rounded.into_iter().filter(move |rounded| *rounded < duration)
}
