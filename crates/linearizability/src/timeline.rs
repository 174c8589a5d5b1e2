//! What begins and ends when, and until when it makes a difference.

use crate::register::{ABSENT, Demand, Step, Value};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// What happens to a step, which is given by its place among the steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Event {
    Called(usize),
    Returned(usize),
    /// It is uncertain and may still take effect, but that no longer makes a difference.
    Forgotten(usize),
}

/// The steps in time.
pub(crate) struct Timeline {
    /// What happens, in order. Of things at the same time, calls come first: that leaves most open.
    pub(crate) events: Vec<(u64, Event)>,
    /// For each step its number in a set of open steps. The number is given to another step when this one has
    /// ended.
    pub(crate) slots: Vec<usize>,
    /// How many such numbers there are.
    pub(crate) slot_count: usize,
    last_seen: LastSeen,
}

impl Timeline {
    pub(crate) fn new(steps: &[Step]) -> Timeline {
        let last_seen = LastSeen::new(steps);
        let mut events = Vec::with_capacity(2 * steps.len());
        for (place, step) in steps.iter().enumerate() {
            match (step.returned, last_seen.of_what_it_sets(step)) {
                (Some(returned), _) => {
                    events.extend([(step.called, Event::Called(place)), (returned, Event::Returned(place))])
                }
                (None, Some(seen)) => {
                    events.extend([(step.called, Event::Called(place)), (seen, Event::Forgotten(place))]);
                }
                (None, None) => {}
            }
        }
        events.sort_unstable();
        let (slots, slot_count) = slots(&events, steps.len());
        Timeline { events, slots, slot_count, last_seen }
    }

    /// Can an operation that returns now or later show that the register had this value, or some value other
    /// than another?
    pub(crate) fn can_be_seen(&self, value: Value, now: u64) -> bool {
        self.last_seen.of(value) >= Some(now)
    }

    /// Can an operation that returns now or later distinguish this value from others?
    pub(crate) fn can_be_told(&self, value: Value, now: u64) -> bool {
        self.last_seen.told.get(&value) >= Some(&now)
    }
}

fn slots(events: &[(u64, Event)], steps: usize) -> (Vec<usize>, usize) {
    let (mut slots, mut slot_count, mut free) = (vec![0; steps], 0, Vec::new());
    for &(_, event) in events {
        match event {
            Event::Called(place) => {
                slots[place] = free.pop().unwrap_or_else(|| {
                    slot_count += 1;
                    slot_count - 1
                });
            }
            Event::Returned(place) | Event::Forgotten(place) => free.push(slots[place]),
        }
    }
    (slots, slot_count)
}

/// When the last operation returns that can say something about a value.
#[derive(Default)]
struct LastSeen {
    /// That the register had it.
    by_value: BTreeMap<Value, u64>,
    /// That it had some value other than another: that may be any.
    any: Option<u64>,
    /// That it had it, or that it had some other.
    told: BTreeMap<Value, u64>,
}

impl LastSeen {
    fn new(steps: &[Step]) -> LastSeen {
        let mut last_seen = LastSeen::default();
        for step in steps {
            if let Some(returned) = step.returned {
                last_seen.note(step.demand, returned);
            }
        }
        // An uncertain compare-and-swap demands its value only if what it sets is seen, perhaps by another
        // one of its kind.
        let uncertain: Vec<&Step> = steps.iter().filter(|step| step.returned.is_none()).collect();
        let mut is_complete = false;
        while !is_complete {
            is_complete = true;
            for step in &uncertain {
                if let Some(seen) = last_seen.of_what_it_sets(step) {
                    is_complete &= !last_seen.note(step.demand, seen);
                }
            }
        }
        last_seen
    }

    /// Returns whether that was new.
    fn note(&mut self, demand: Demand, at: u64) -> bool {
        match demand {
            Demand::Nothing | Demand::Impossible => false,
            Demand::Is(content) => {
                put_off(self.told.entry(content.value), at);
                put_off(self.by_value.entry(content.value), at)
            }
            Demand::IsNot(content) => {
                let is_news = self.any < Some(at);
                self.any = self.any.max(Some(at));
                put_off(self.told.entry(content.value), at) || is_news
            }
            Demand::IsUntraced => self.note(Demand::IsNot(ABSENT), at),
        }
    }

    fn of(&self, value: Value) -> Option<u64> {
        self.by_value.get(&value).copied().max(self.any)
    }

    /// When the value that the step sets is seen last, if that is after its call.
    fn of_what_it_sets(&self, step: &Step) -> Option<u64> {
        self.of(step.sets?.value).filter(|&seen| seen >= step.called)
    }
}

/// Returns whether that was new.
fn put_off(last: Entry<'_, Value, u64>, at: u64) -> bool {
    match last {
        Entry::Vacant(last) => {
            last.insert(at);
            true
        }
        Entry::Occupied(mut last) => at > last.insert(at.max(*last.get())),
    }
}
