use consensus::{Rule, Rules};

/// Rules that can't be seen at work, or whose absence breaks no promise, each with the reason. Every other
/// rule has a counterexample in scenarios/without.
pub const UNSHOWN: &[(Rule, &str)] = &[
    (
        Rule::NeverTruncateCommitted,
        "it is an assertion: as long as the other rules hold, nothing ever tries to remove what is committed",
    ),
    (
        Rule::OnlyMismatchBacksUp,
        "a refusal for the term always tells a newer one, at which the leader steps down before it could go back",
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
