//! The search: every explanation of the answers so far, carried along through time.

use crate::register::{ABSENT, Content, Step, Value};
use crate::timeline::{Event, Timeline};
use fixedbitset::FixedBitSet;
use std::collections::{BTreeMap, VecDeque};

/// Any value that can no longer be distinguished from others.
const UNTOLD: Value = Value::MAX;

/// The result of the search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finding {
    Linearizable,
    /// Nothing explains the answer of this step.
    Unexplained(usize),
    /// The budget was used up after this number of answers had been explained.
    Undecided(usize),
}

/// The number of possibilities and open steps that may still be looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget(pub(crate) u64);

impl Budget {
    fn spend(&mut self, work: usize) {
        self.0 = self.0.saturating_sub(work as u64);
    }
}

/// One explanation of all answers so far: what has happened to the register, and to the steps that are still
/// open.
#[derive(Debug, Clone)]
struct Possibility {
    content: Content,
    /// The highest version that was written.
    version: u64,
    /// The open steps that must still take effect before they return. Others may.
    owed: FixedBitSet,
    /// The open steps that have set the value, and can't do so again.
    spent: FixedBitSet,
    /// When the value was last overwritten. Anything that was open then may have happened directly before
    /// that.
    overwritten: Option<u64>,
}

/// Possibilities by content, none of which makes another superfluous.
#[derive(Debug, Default)]
struct Possibilities(BTreeMap<Content, Vec<Possibility>>);

struct Search<'a> {
    steps: &'a [Step],
    timeline: &'a Timeline,
    now: u64,
    /// The steps that were called and have not ended.
    open: Vec<usize>,
    /// The slots of those that one which overwrites them can hide.
    hideable: FixedBitSet,
    possibilities: Possibilities,
    budget: &'a mut Budget,
}

/// Is there an order of the steps that respects their times and explains all answers?
pub(crate) fn search(steps: &[Step], budget: &mut Budget) -> Finding {
    let timeline = Timeline::new(steps);
    let mut search = Search::new(steps, &timeline, budget);
    let mut explained = 0;
    for &(now, event) in &timeline.events {
        search.now = now;
        match event {
            Event::Called(place) => search.begin(place),
            Event::Returned(place) => search.answer(place),
            Event::Forgotten(place) => search.forget(place),
        }
        if search.budget.0 == 0 {
            return Finding::Undecided(explained);
        }
        if let Event::Returned(place) = event {
            if search.possibilities.0.is_empty() {
                return Finding::Unexplained(place);
            }
            explained += 1;
        }
    }
    Finding::Linearizable
}

impl<'a> Search<'a> {
    fn new(steps: &'a [Step], timeline: &'a Timeline, budget: &'a mut Budget) -> Search<'a> {
        let none = FixedBitSet::with_capacity(timeline.slot_count);
        let start = Possibility {
            content: ABSENT,
            version: 0,
            owed: none.clone(),
            spent: none.clone(),
            overwritten: None,
        };
        let possibilities = Possibilities(BTreeMap::from([(ABSENT, vec![start])]));
        Search { steps, timeline, now: 0, open: Vec::new(), hideable: none, possibilities, budget }
    }

    fn slot(&self, place: usize) -> usize {
        self.timeline.slots[place]
    }

    /// A step is called. From now on it may take effect; if it is certain, it must.
    fn begin(&mut self, place: usize) {
        let (step, slot) = (&self.steps[place], self.slot(place));
        self.open.push(place);
        self.hideable.set(slot, step.can_be_hidden());
        if step.returned.is_some() {
            for possibility in self.possibilities.0.values_mut().flatten() {
                possibility.owed.set(slot, !step.is_read_of(possibility.content));
            }
        }
    }

    /// A step returns: if it still owes its effect, it must take effect now. If it doesn't, it may: this is
    /// the last chance.
    fn answer(&mut self, place: usize) {
        let slot = self.slot(place);
        let may_be_seen = |content: Content| self.timeline.can_be_seen(content.value, self.now);
        let is_of_use = self.steps[place].sets.is_some_and(may_be_seen);
        let mut explained = Possibilities::default();
        let mut undone = Vec::new();
        for possibility in self.possibilities.take() {
            let is_owed = possibility.owed.contains(slot);
            if is_owed || (is_of_use && !possibility.spent.contains(slot)) {
                undone.push(possibility.clone());
            }
            if !is_owed {
                self.keep(&mut explained, possibility, place);
            }
        }
        for possibility in &undone {
            for hidden in self.hidden_effects(possibility, place) {
                self.keep(&mut explained, self.after_hidden(possibility, hidden), place);
            }
        }
        self.explain_now(undone, place, &mut explained);
        self.possibilities = explained;
        self.close(place);
    }

    /// Lets open steps take effect, one after the other, in every useful order, until this one has done so.
    fn explain_now(&mut self, undone: Vec<Possibility>, place: usize, explained: &mut Possibilities) {
        let mut seen = Possibilities::default();
        let mut queue = VecDeque::from(undone);
        while let Some(possibility) = queue.pop_front() {
            self.budget.spend(self.open.len());
            for effect in self.useful_effects(&possibility, place) {
                let after = self.after(&possibility, effect);
                let is_read = self.steps[place].sets.is_none() && !after.owed.contains(self.slot(place));
                if effect == place || is_read {
                    self.keep(explained, after, place);
                } else if seen.add(&after, self.budget) {
                    queue.push_back(after);
                }
            }
            if self.budget.0 == 0 {
                return;
            }
        }
    }

    /// From now on it makes no difference whether this uncertain step takes effect.
    fn forget(&mut self, place: usize) {
        let mut kept = Possibilities::default();
        for possibility in self.possibilities.take() {
            self.keep(&mut kept, possibility, place);
        }
        self.possibilities = kept;
        self.close(place);
    }

    fn close(&mut self, place: usize) {
        self.open.retain(|&open| open != place);
        self.hideable.set(self.slot(place), false);
    }

    /// Keeps a possibility, now that this step has ended.
    fn keep(&mut self, kept: &mut Possibilities, mut possibility: Possibility, ended: usize) {
        let slot = self.slot(ended);
        possibility.owed.set(slot, false);
        possibility.spent.set(slot, false);
        possibility.content = self.as_told(possibility.content);
        kept.add(&possibility, self.budget);
    }

    /// The content, as far as it matters from now on.
    fn as_told(&self, content: Content) -> Content {
        if self.timeline.can_be_told(content.value, self.now) {
            content
        } else {
            Content { value: UNTOLD, ..content }
        }
    }

    /// The effects that may come next and lead to one that is owed: to the answer of this step, or to a read
    /// or compare-and-swap that is still open.
    ///
    /// An overwriting step that would only serve other reads is left out: it can still be inserted before the
    /// next one that overwrites, when the reads return. Unless one comes in between that neither overwrites
    /// nor says exactly what it found.
    fn useful_effects(&self, possibility: &Possibility, answering: usize) -> Vec<usize> {
        let is_goal = |&place: &usize| {
            let is_owed = possibility.owed.contains(self.slot(place));
            place == answering || (is_owed && !self.steps[place].can_be_hidden())
        };
        let (mut goals, others): (Vec<usize>, Vec<usize>) =
            self.open.iter().partition(|place| is_goal(place));
        let is_left = |&place: &usize| !possibility.spent.contains(self.slot(place));
        let mut others: Vec<usize> = others.into_iter().filter(is_left).collect();
        let may_be_too_late = self.open.iter().any(|&place| self.steps[place].destroys());
        let mut effects = Vec::new();
        while let Some(goal) = goals.pop() {
            if self.steps[goal].sets.is_some() {
                effects.push(goal);
            }
            let needs_it_now = goal == answering || self.steps[goal].sets.is_some() || may_be_too_late;
            let helps = |place: &mut usize| {
                let step = &self.steps[*place];
                let is_seen = step.sets.is_some_and(|content| self.steps[goal].sees(content));
                is_seen && (needs_it_now || !step.can_be_hidden())
            };
            goals.extend(others.extract_if(.., helps));
        }
        effects.retain(|&place| self.is_possible(possibility, place));
        self.first_to_end(effects)
    }

    /// Does it meet the content that it demands? Does a write with a version come after those with lower
    /// ones?
    fn is_possible(&self, possibility: &Possibility, effect: usize) -> bool {
        let step = &self.steps[effect];
        let version = step.version();
        let is_left_behind = |&place: &usize| {
            place != effect
                && possibility.owed.contains(self.slot(place))
                && self.steps[place].precedes(version)
        };
        step.demand.allows(possibility.content)
            && (version == 0 || version > possibility.version)
            && !self.open.iter().any(is_left_behind)
    }

    /// The effects that explain this step's answer if they came directly before the value was last
    /// overwritten, so that nothing is left of them.
    fn hidden_effects(&self, possibility: &Possibility, answering: usize) -> Vec<usize> {
        let step = &self.steps[answering];
        if Some(step.called) > possibility.overwritten || step.version() > 0 {
            return Vec::new();
        }
        let explains = |&place: &usize| {
            let effect = &self.steps[place];
            place == answering || effect.sets.is_some_and(|content| step.sees(content))
        };
        let is_possible = |&place: &usize| {
            self.steps[place].can_be_hidden()
                && Some(self.steps[place].called) <= possibility.overwritten
                && !possibility.spent.contains(self.slot(place))
        };
        self.first_to_end(self.open.iter().copied().filter(explains).filter(is_possible).collect())
    }

    /// Of effects that are identical, only the one that ends first: the others can do later what it can't.
    fn first_to_end(&self, mut effects: Vec<usize>) -> Vec<usize> {
        let kind = |place: usize| {
            let step = &self.steps[place];
            (step.demand, step.sets.map(|content| self.as_told(content)))
        };
        effects.sort_unstable_by_key(|&place| {
            let returned = self.steps[place].returned;
            (kind(place), returned.is_none(), returned, place)
        });
        effects.dedup_by_key(|place| kind(*place));
        effects
    }

    /// The possibility after this effect.
    fn after(&self, possibility: &Possibility, effect: usize) -> Possibility {
        let step = &self.steps[effect];
        let mut after = possibility.clone();
        let content = step.sets.expect("what has an effect sets a value");
        after.content = content;
        after.version = content.version.max(after.version);
        after.spent.insert(self.slot(effect));
        after.owed.set(self.slot(effect), false);
        if step.overwrites() {
            // Others may have come directly before it.
            after.owed.difference_with(&self.hideable);
            after.overwritten = Some(self.now);
        }
        self.explain_reads(&mut after, step, Some(self.now));
        after
    }

    /// The possibility if this effect came directly before the value was last overwritten.
    fn after_hidden(&self, possibility: &Possibility, effect: usize) -> Possibility {
        let mut after = possibility.clone();
        after.spent.insert(self.slot(effect));
        self.explain_reads(&mut after, &self.steps[effect], possibility.overwritten);
        after
    }

    /// A value is set at a time: every open read of it may take place at once. A read changes nothing, so it
    /// can never do harm.
    fn explain_reads(&self, possibility: &mut Possibility, effect: &Step, at: Option<u64>) {
        for &place in &self.open {
            let read = &self.steps[place];
            if Some(read.called) <= at && effect.sets.is_some_and(|content| read.is_read_of(content)) {
                possibility.owed.set(self.slot(place), false);
            }
        }
    }
}

impl Possibilities {
    fn take(&mut self) -> impl Iterator<Item = Possibility> + use<> {
        std::mem::take(&mut self.0).into_values().flatten()
    }

    /// Adds a possibility, unless it is superfluous, and drops those that it makes superfluous. Was it added?
    fn add(&mut self, new: &Possibility, budget: &mut Budget) -> bool {
        let alike = self.0.entry(new.content).or_default();
        budget.spend(1 + alike.len());
        if alike.iter().any(|old| old.makes_superfluous(new)) {
            return false;
        }
        alike.retain(|old| !new.makes_superfluous(old));
        alike.push(new.clone());
        true
    }
}

impl Possibility {
    /// Can anything that follows the other follow this one too?
    fn makes_superfluous(&self, other: &Possibility) -> bool {
        self.content == other.content
            && self.version <= other.version
            && self.overwritten >= other.overwritten
            && self.owed.is_subset(&other.owed)
            && self.spent.is_subset(&other.spent)
    }
}
