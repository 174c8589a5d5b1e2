use consensus::{Rule, Rules};
use std::cell::Cell;
use std::rc::Rc;

/// Rules that can't be seen at work, or whose absence breaks no promise, each with the reason. Every other
/// rule has a counterexample in scenarios/without.
pub const UNSHOWN: &[(Rule, &str)] = &[
    (
        Rule::NeverTruncateCommitted,
        "it only checks the other rules. While they hold, no server ever tries to remove a committed entry",
    ),
    (
        Rule::OnlyMismatchBacksUp,
        "a rejection because of an old term always brings a newer term, and the leader steps down at once",
    ),
];

/// Rules without which random search finds no broken promise in good time, each with the reason. Their counterexamples in
/// scenarios/without were written by hand.
pub const NOT_FOUND_BY_CHANCE: &[(Rule, &str)] = &[
    (
        Rule::ChangeAfterCommitInTerm,
        "two leaders must each begin a change that the other does not see, and both must find a majority",
    ),
    (
        Rule::FoundTogether,
        "a disk must be lost while the cluster is being founded, and the simulator draws no such loss",
    ),
    (
        Rule::LostDataIsOut,
        "a disk must lose what only the leader could miss, and the simulator draws no such loss",
    ),
];

/// Why a search for what breaks without this rule would be in vain; `None` if it would not.
pub fn why_in_vain(rule: Rule) -> Option<&'static str> {
    let all = UNSHOWN.iter().chain(NOT_FOUND_BY_CHANCE);
    all.filter(|(known, _)| *known == rule).map(|(_, reason)| *reason).next()
}

/// The rules of Raft, or all but one, to see what that one is for.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct AllBut(pub Option<Rule>);

impl Rules for AllBut {
    fn hold(&self, rule: Rule) -> bool {
        self.0 != Some(rule)
    }
}

/// The rules of a world, which may change while its servers run: they all look here.
#[derive(Debug, Default, Clone)]
pub(crate) struct RulesOfWorld(Rc<Cell<AllBut>>);

impl RulesOfWorld {
    pub(crate) fn new(rules: AllBut) -> RulesOfWorld {
        RulesOfWorld(Rc::new(Cell::new(rules)))
    }

    pub(crate) fn now(&self) -> AllBut {
        self.0.get()
    }

    pub(crate) fn change(&self, rules: AllBut) {
        self.0.set(rules);
    }
}

impl Rules for RulesOfWorld {
    fn hold(&self, rule: Rule) -> bool {
        self.now().hold(rule)
    }
}
