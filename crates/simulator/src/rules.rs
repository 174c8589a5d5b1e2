use crate::substitute::{Condition, Question, Substitute};
use consensus::event::{Decision, Verdict, What};
use consensus::{Index, LogPosition, NodeId, Rule, Rules, Term};
use std::cell::{Cell, RefCell};
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

/// The rules of a world, which may change while its servers run: they all look here. Each server has a clone.
#[derive(Debug, Default, Clone)]
pub(crate) struct RulesOfWorld {
    rules: Rc<Cell<AllBut>>,
    substitute: Option<Substitute>,
    /// The answers that were not Raft's and are not recorded yet.
    other_answers: RefCell<Vec<Decision>>,
    /// The last question that got such an answer.
    last_question: RefCell<Option<Question>>,
}

impl RulesOfWorld {
    pub(crate) fn new(rules: AllBut, substitute: Option<Substitute>) -> RulesOfWorld {
        RulesOfWorld { rules: Rc::new(Cell::new(rules)), substitute, ..RulesOfWorld::default() }
    }

    pub(crate) fn now(&self) -> AllBut {
        self.rules.get()
    }

    pub(crate) fn change(&self, rules: AllBut) {
        self.rules.set(rules);
    }

    /// What answers about this condition, if it is not Raft.
    fn substitute_for(&self, condition: Condition) -> Option<&Substitute> {
        self.substitute.as_ref().filter(|substitute| substitute.condition() == condition)
    }

    fn says_yes(&self, other: &Substitute, question: Question) -> bool {
        self.ask(other, question) == Verdict::Bool(true)
    }

    fn index(&self, other: &Substitute, question: Question) -> Index {
        match self.ask(other, question) {
            Verdict::Index(index) => index,
            _ => unreachable!("answers of another kind are refused"),
        }
    }

    fn place(&self, other: &Substitute, question: Question) -> Option<usize> {
        match self.ask(other, question) {
            Verdict::Place(place) => place,
            _ => unreachable!("answers of another kind are refused"),
        }
    }

    /// Asks, and remembers an answer that is not Raft's.
    fn ask(&self, other: &Substitute, question: Question) -> Verdict {
        let (answer, of_raft) = (other.ask(&question), question.answer_of_raft());
        if answer == of_raft {
            return answer;
        }
        // How far entries are committed is asked with every heartbeat. That the answer is as before is no news.
        let is_repeated =
            matches!(answer, Verdict::Index(_)) && self.last_question.borrow().as_ref() == Some(&question);
        if !is_repeated {
            let what = What::OtherAnswer { answer, of_raft };
            self.other_answers.borrow_mut().push(Decision::new(Some(question.rule()), what));
        }
        self.last_question.replace(Some(question));
        answer
    }
}

impl Rules for RulesOfWorld {
    fn hold(&self, rule: Rule) -> bool {
        self.now().hold(rule)
    }

    fn take_other_answers(&self) -> Vec<Decision> {
        self.other_answers.take()
    }

    fn is_up_to_date(&self, candidate: LogPosition, own: LogPosition) -> bool {
        match self.substitute_for(Condition::IsUpToDate) {
            Some(other) => self.says_yes(other, Question::IsUpToDate { candidate, own }),
            None => self.now().is_up_to_date(candidate, own),
        }
    }

    fn may_vote(&self, voted_for: Option<NodeId>, candidate: NodeId) -> bool {
        match self.substitute_for(Condition::MayVote) {
            Some(other) => self.says_yes(other, Question::MayVote { voted_for, candidate }),
            None => self.now().may_vote(voted_for, candidate),
        }
    }

    fn restarts_timer(&self, granted: bool) -> bool {
        match self.substitute_for(Condition::RestartsTimer) {
            Some(other) => self.says_yes(other, Question::RestartsTimer { granted }),
            None => self.now().restarts_timer(granted),
        }
    }

    fn fits(&self, prev: LogPosition, own: Option<Term>) -> bool {
        match self.substitute_for(Condition::Fits) {
            Some(other) => self.says_yes(other, Question::Fits { prev, own }),
            None => self.now().fits(prev, own),
        }
    }

    fn first_conflict(
        &self,
        own: impl Iterator<Item = Term>,
        new: impl Iterator<Item = Term>,
    ) -> Option<usize> {
        match self.substitute_for(Condition::FirstConflict) {
            Some(other) => {
                self.place(other, Question::FirstConflict { own: own.collect(), new: new.collect() })
            }
            None => self.now().first_conflict(own, new),
        }
    }

    fn commit_of_follower(&self, leader_commit: Index, last_new: Index, last: Index) -> Index {
        match self.substitute_for(Condition::CommitOfFollower) {
            Some(other) => self.index(other, Question::CommitOfFollower { leader_commit, last_new, last }),
            None => self.now().commit_of_follower(leader_commit, last_new, last),
        }
    }

    fn reached_by_majority(&self, reached: impl ExactSizeIterator<Item = Index> + Clone) -> Index {
        match self.substitute_for(Condition::ReachedByMajority) {
            Some(other) => self.index(other, Question::ReachedByMajority { reached: reached.collect() }),
            None => self.now().reached_by_majority(reached),
        }
    }

    fn may_commit(&self, entry: Term, current: Term) -> bool {
        match self.substitute_for(Condition::MayCommit) {
            Some(other) => self.says_yes(other, Question::MayCommit { entry, current }),
            None => self.now().may_commit(entry, current),
        }
    }
}
