//! From a long run that breaks a promise to a short one that breaks the same.
//!
//! Delta debugging (Zeller and Hildebrandt, 2002): leave something out, play again, keep what still
//! breaks the promise. Then make what is left simpler, and begin again, until nothing helps.

use crate::action::{Action, Selection};
use crate::network::Weather;
use crate::properties::Promise;
use crate::rules::AllBut;
use crate::script::Script;
use crate::world::WorldOptions;
use consensus::{Change, LogPosition, NodeId, Profile, Rule, Term, Timing};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use trace::Unsynced;

/// Pairs of more actions than these are not tried: their number grows with the square.
const MOST_FOR_PAIRS: usize = 40;

/// The shortest script that could be found from this one that still breaks the promise. Where it can be
/// broken without chance, that is a script in which each single thing is said; otherwise one of troubles
/// and times.
pub fn shrink(script: &Script, promise: &Promise) -> Script {
    let mut journal = script.journal();
    // Leases are about time, which a journal has none of. Where the promise breaks without them too, they are left out.
    journal.options.lease = None;
    let start = as_far_as_it_breaks(&journal, promise).or_else(|| script.up_to_violation(promise));
    let mut shortest = start.expect("what is shrunk breaks the promise");
    loop {
        let before = shortest.clone();
        shortest = leave_out_actions(shortest, promise);
        for candidates in [
            without_a_server,
            with_simpler_world,
            with_merged_runs,
            without_a_term,
            with_simpler_action,
            without_a_pair,
        ] {
            while let Some(shorter) =
                candidates(&shortest).iter().find_map(|candidate| as_far_as_it_breaks(candidate, promise))
            {
                shortest = shorter;
            }
        }
        if shortest == before {
            return shortest;
        }
    }
}

/// The script up to where it breaks the promise; none if it doesn't, or if it would break one with all
/// rules on too: then it shows nothing about the rule that is off.
fn as_far_as_it_breaks(script: &Script, promise: &Promise) -> Option<Script> {
    let breaking =
        script.options.problem_with_logs().is_none().then(|| script.up_to_violation(promise))??;
    let is_about_the_rule = script.options.rules.0.is_none_or(|off| keeps_promises_with(off, &breaking));
    is_about_the_rule.then_some(breaking)
}

/// Would all be well if the rule that is off were on?
fn keeps_promises_with(off: Rule, script: &Script) -> bool {
    let mut with_all_rules = script.clone();
    with_all_rules.options.rules = AllBut(None);
    if off == Rule::TimeoutAboveBroadcast {
        // It is the network that breaks this one.
        with_all_rules.options.weather = WorldOptions::default().weather;
    }
    with_all_rules.play().violation.is_none()
}

/// Leaves out as many actions as it can: first large pieces, then smaller ones, at last single actions.
fn leave_out_actions(script: Script, promise: &Promise) -> Script {
    let mut shortest = script;
    let mut piece = shortest.actions.len().div_ceil(2);
    while piece > 0 {
        // From the end: there is less that rests on it.
        let mut end = shortest.actions.len();
        while end > 0 {
            let start = end.saturating_sub(piece);
            let mut candidate = shortest.clone();
            candidate.actions.drain(start..end);
            if let Some(shorter) = as_far_as_it_breaks(&candidate, promise) {
                shortest = shorter;
            }
            end = start.min(shortest.actions.len());
        }
        piece /= 2;
    }
    shortest
}

/// The same with one server less, for each server.
fn without_a_server(script: &Script) -> Vec<Script> {
    let WorldOptions { servers, spares, .. } = script.options;
    let without = |gone: NodeId| {
        let rename = |id: NodeId| NodeId(if id > gone { id.0 - 1 } else { id.0 });
        let logs = script.options.logs.iter().filter(|(id, _)| **id != gone);
        let logs: BTreeMap<_, _> = logs.map(|(&id, log)| (rename(id), log.clone())).collect();
        let (servers, spares) = if gone.0 > servers { (servers, spares - 1) } else { (servers - 1, spares) };
        let options = WorldOptions { servers, spares, logs, ..script.options.clone() };
        let actions = script.actions.iter().filter_map(|action| renamed(action, gone, rename)).collect();
        Script { options, actions }
    };
    let first = if servers == 1 { 2 } else { 1 };
    (first..=servers + spares).map(NodeId).map(without).collect()
}

/// The action in a world in which one server is gone and others have other names; none if it was about
/// that one.
fn renamed(action: &Action, gone: NodeId, rename: impl Fn(NodeId) -> NodeId) -> Option<Action> {
    let one = |id: &NodeId| (*id != gone).then(|| rename(*id));
    let selection = |selection: &Selection| {
        let end = |end: Option<NodeId>| end.map_or(Some(None), |id| one(&id).map(Some));
        Some(Selection { from: end(selection.from)?, to: end(selection.to)?, ..selection.clone() })
    };
    Some(match action {
        Action::Run(_) | Action::RunUntilLed | Action::Settle | Action::Heal | Action::Calm => action.clone(),
        Action::Tick(id) => Action::Tick(one(id)?),
        Action::Timeout(id) => Action::Timeout(one(id)?),
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
        Action::SetProfile(id, profile) => Action::SetProfile(one(id)?, *profile),
        Action::Deliver(messages) => Action::Deliver(selection(messages)?),
        Action::Lose(messages) => Action::Lose(selection(messages)?),
        Action::Duplicate(messages) => Action::Duplicate(selection(messages)?),
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
        Action::DamageLastSave(id, bit) => Action::DamageLastSave(one(id)?, *bit),
        Action::FillDisk(id) => Action::FillDisk(one(id)?),
        Action::LoseDisk(id, joins) => Action::LoseDisk(one(id)?, *joins),
        Action::CopyDisk(id) => Action::CopyDisk(one(id)?),
        Action::PutBack(id, only_log) => Action::PutBack(one(id)?, *only_log),
        Action::Move(id) => Action::Move(one(id)?),
        Action::Stray(from, to, term) => Action::Stray(one(from)?, one(to)?, *term),
        Action::MendDisk(id) => Action::MendDisk(one(id)?),
        Action::SetClock(id, speed) => Action::SetClock(one(id)?, *speed),
        Action::JumpClock(id, by) => Action::JumpClock(one(id)?, *by),
    })
}

/// The same in a world with less that is out of the ordinary.
fn with_simpler_world(script: &Script) -> Vec<Script> {
    let options = &script.options;
    let usual = WorldOptions::default();
    let weather = &options.weather;
    let steady = Weather { latency: *weather.latency.end()..=*weather.latency.end(), ..weather.clone() };
    let mut simpler = vec![
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
    let round_latencies = [5, 10, 20].map(Duration::from_millis).into_iter();
    let round_latencies = round_latencies.filter(|latency| latency < weather.latency.end());
    simpler.extend(
        round_latencies.map(|latency| WorldOptions { weather: Weather::fair(latency), ..options.clone() }),
    );
    let small_seeds = 1..if options.seed == 0 { 10 } else { options.seed.min(10) };
    simpler.extend(small_seeds.map(|seed| WorldOptions { seed, ..options.clone() }));
    simpler.retain(|simpler| simpler != options);
    simpler.into_iter().map(|options| Script { options, actions: script.actions.clone() }).collect()
}

/// The same with one timer less that runs out, and later terms lower by one: each such timer may have
/// begun one.
fn without_a_term(script: &Script) -> Vec<Script> {
    let mut candidates = Vec::new();
    for (place, action) in script.actions.iter().enumerate() {
        if matches!(action, Action::Tick(_) | Action::Timeout(_)) {
            let mut candidate = script.clone();
            candidate.actions.remove(place);
            candidate.actions[place..].iter_mut().for_each(lower_term);
            candidates.push(candidate);
        }
    }
    candidates
}

fn lower_term(action: &mut Action) {
    if let Action::Deliver(selection) | Action::Lose(selection) | Action::Duplicate(selection) = action {
        selection.term = selection.term.map(|Term(term)| Term(term.saturating_sub(1)));
    }
}

/// The same with two neighbouring times as one, for each such pair.
fn with_merged_runs(script: &Script) -> Vec<Script> {
    let mut candidates = Vec::new();
    for (place, pair) in script.actions.windows(2).enumerate() {
        if let [Action::Run(first), Action::Run(second)] = pair {
            let mut candidate = script.clone();
            candidate.actions.splice(place..place + 2, [Action::Run(*first + *second)]);
            candidates.push(candidate);
        }
    }
    candidates
}

/// The same without two actions that make sense only together, such as a crash and a restart: for each
/// pair, if there are not too many to try.
fn without_a_pair(script: &Script) -> Vec<Script> {
    let actions = script.actions.len();
    if actions > MOST_FOR_PAIRS {
        return Vec::new();
    }
    let pairs = (0..actions).flat_map(|first| (first + 1..actions).map(move |second| (first, second)));
    let without = |(first, second)| {
        let mut candidate = script.clone();
        candidate.actions.remove(second);
        candidate.actions.remove(first);
        candidate
    };
    pairs.map(without).collect()
}

/// The same with one action made simpler, for each action and each way.
fn with_simpler_action(script: &Script) -> Vec<Script> {
    let mut candidates = Vec::new();
    for (place, action) in script.actions.iter().enumerate() {
        for simpler in simpler_actions(action) {
            let mut candidate = script.clone();
            candidate.actions[place] = simpler;
            candidates.push(candidate);
        }
    }
    candidates
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
