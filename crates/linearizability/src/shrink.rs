//! From a long history that no order explains to a few operations that no order explains.
//!
//! What is left out must leave a true story: if the rest can't be explained, then the whole can't either.
//!
//! * What was called after the unexplained answer may go: it can't have affected it. (Only if the answer is a
//!   value that nobody had asked to write yet, that later write belongs to the story.)
//! * A read may go, and so may a compare-and-swap that changed nothing: an order that explains the whole also
//!   explains the whole without it.
//! * What sets a value may go if none of the remaining steps can have seen it. In an order that explains the
//!   whole, leave it out: the register keeps the value before until the next is set, and nobody looks.
//! * What sets a value that may have been seen must stay. Without it the read would be of a value out of
//!   nowhere: a violation, but not the one that happened. Of several that set the same value, those may go
//!   that had been followed by another before anyone looked, and those that came after all had looked.
//! * What a compare-and-swap that must stay expected may be ignored, so that it is like a write: an order
//!   that explains more explains less. Otherwise each would need the one before it, back to the very first.

use crate::register::{ABSENT, Content, Demand, Step};
use crate::search::{Budget, Finding, search};
use crate::seen::Seen;
use std::collections::BTreeSet;
use std::iter;
use std::ops::Range;

/// Number of steps in the shortest end of a history that is tried.
const SHORTEST_END: usize = 32;

/// Steps that no order explains.
#[derive(Debug, Clone)]
pub(crate) struct Bad {
    /// In the order of their calls, each with its place in the whole.
    pub(crate) steps: Vec<(usize, Step)>,
    /// The first whose answer no order explains, by its place in the whole.
    pub(crate) unexplained: usize,
}

/// The fewest of these steps that could be found, until the budget is used up, that no order explains either.
pub(crate) fn shrink(steps: &[Step], unexplained: usize, budget: &mut Budget) -> Bad {
    let whole = steps.iter().copied().enumerate().collect();
    let mut bad = bad_end(up_to_unexplained(whole, unexplained), budget);
    let mut piece = bad.steps.len().div_ceil(2);
    while piece > 0 && budget.0 > 0 {
        let before = weight(&bad.steps);
        bad = leave_out_pieces(bad, piece, budget);
        if piece > 1 || weight(&bad.steps) == before {
            piece /= 2;
        }
    }
    take_into_account_again(steps, bad, budget)
}

/// What must become smaller.
fn weight(steps: &[(usize, Step)]) -> usize {
    steps.len() + steps.iter().filter(|(_, step)| step.demand != Demand::Nothing).count()
}

/// What contradicts an answer usually happened shortly before. So tries an end of the history, with the steps
/// that must stay of the rest: if no order explains that, the rest need not be searched again and again.
fn bad_end(bad: Bad, budget: &mut Budget) -> Bad {
    let all = bad.steps.len();
    let lengths = iter::successors(Some(SHORTEST_END), |length| Some(4 * length));
    lengths
        .take_while(|&length| length < all)
        .find_map(|length| if_bad(without(&bad.steps, 0..all - length), budget))
        .unwrap_or(bad)
}

fn leave_out_pieces(mut bad: Bad, piece: usize, budget: &mut Budget) -> Bad {
    // From the end: less depends on it.
    let mut end = bad.steps.len();
    while end > 0 && budget.0 > 0 {
        let start = end.saturating_sub(piece);
        let candidates = [without(&bad.steps, start..end), expecting_nothing(&bad.steps, start..end)];
        let mut lighter = candidates.into_iter().filter(|candidate| weight(candidate) < weight(&bad.steps));
        if let Some(lighter) = lighter.find_map(|candidate| if_bad(candidate, budget)) {
            bad = lighter;
        }
        end = start.min(bad.steps.len());
    }
    bad
}

fn if_bad(steps: Vec<(usize, Step)>, budget: &mut Budget) -> Option<Bad> {
    match search_these(&steps, budget) {
        Finding::Unexplained(place) => {
            let unexplained = steps[place].0;
            Some(up_to_unexplained(steps, unexplained))
        }
        Finding::Linearizable | Finding::Undecided(_) => None,
    }
}

fn search_these(steps: &[(usize, Step)], budget: &mut Budget) -> Finding {
    let steps: Vec<Step> = steps.iter().map(|(_, step)| *step).collect();
    search(&steps, budget)
}

/// Without what was called after the unexplained answer, and without reads that returned later: the search
/// did not need them. But each value and version that is left keeps a write, however late that came.
fn up_to_unexplained(steps: Vec<(usize, Step)>, unexplained: usize) -> Bad {
    let is_unexplained = |(place, _): &&(usize, Step)| *place == unexplained;
    let end = steps.iter().find(is_unexplained).and_then(|(_, step)| step.returned);
    let is_early =
        |(_, step): &(usize, Step)| Some(step.called) <= end && (step.sets.is_some() || step.returned <= end);
    let (mut left, mut others): (Vec<_>, Vec<_>) = steps.into_iter().partition(is_early);
    let contents = left.iter().filter_map(|(_, step)| step.sets);
    let mut set: BTreeSet<Content> = contents.flat_map(Content::tellings).collect();
    set.insert(ABSENT);
    let mut next = 0;
    while let Some(&(_, step)) = left.get(next) {
        next += 1;
        if let Demand::Is(found) = step.demand
            && set.insert(found)
        {
            let is_its_version = |version| version > 0 && version == found.version;
            let sets_it = |content: Content| content.is(found) || is_its_version(content.version);
            let write = others.iter().position(|(_, other)| other.sets.is_some_and(sets_it));
            left.extend(write.map(|write| others.remove(write)));
        }
    }
    left.sort_unstable_by_key(|(place, _)| *place);
    Bad { steps: left, unexplained }
}

/// The steps without this range of them. What must stay of it stays as one that expects nothing.
fn without(steps: &[(usize, Step)], piece: Range<usize>) -> Vec<(usize, Step)> {
    let (before, after) = (&steps[..piece.start], &steps[piece.end..]);
    let seen = Seen::by(before.iter().chain(after).map(|(_, step)| step));
    let staying = steps[piece].iter().filter(|(_, step)| seen.needs(step));
    let staying = staying.map(|&(place, step)| (place, Step { demand: Demand::Nothing, ..step }));
    before.iter().copied().chain(staying).chain(after.iter().copied()).collect()
}

/// The steps, of which those in this range that set a value do so whatever it was before.
fn expecting_nothing(steps: &[(usize, Step)], piece: Range<usize>) -> Vec<(usize, Step)> {
    let mut steps = steps.to_vec();
    for (_, step) in steps[piece].iter_mut().filter(|(_, step)| step.sets.is_some()) {
        step.demand = Demand::Nothing;
    }
    steps
}

/// What a compare-and-swap expected counts again if it fits the story: if everything that it may have seen is
/// still there, and if the others can be explained as before.
fn take_into_account_again(whole: &[Step], mut bad: Bad, budget: &mut Budget) -> Bad {
    for number in 0..bad.steps.len() {
        let step = whole[bad.steps[number].0];
        if bad.steps[number].1.demand != step.demand && has_all_it_saw(&step, whole, &bad) {
            let mut fuller = bad.clone();
            fuller.steps[number].1 = step;
            let mut others = fuller.steps.clone();
            others.retain(|(place, _)| *place != bad.unexplained);
            if search_these(&others, budget) == Finding::Linearizable {
                bad = fuller;
            }
        }
    }
    bad
}

fn has_all_it_saw(step: &Step, whole: &[Step], bad: &Bad) -> bool {
    let kept: BTreeSet<usize> = bad.steps.iter().map(|(place, _)| *place).collect();
    let blind = |&(_, step): &(usize, Step)| Step { demand: Demand::Nothing, ..step };
    let steps: Vec<Step> = bad.steps.iter().map(blind).chain([*step]).collect();
    let seen = Seen::by(steps.iter());
    !whole.iter().enumerate().any(|(place, other)| !kept.contains(&place) && seen.needs(other))
}
