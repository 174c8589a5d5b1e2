use consensus::{Rule, Rules};

/// The rules of Raft, or all but one, to see what that one is for.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct AllBut(pub Option<Rule>);

impl Rules for AllBut {
    fn hold(&self, rule: Rule) -> bool {
        self.0 != Some(rule)
    }
}
