use consensus::{Rule, Rules};

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

/// The rules of Raft, or all but one, to see what that one is for.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct AllBut(pub Option<Rule>);

impl Rules for AllBut {
    fn hold(&self, rule: Rule) -> bool {
        self.0 != Some(rule)
    }
}
