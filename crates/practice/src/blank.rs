//! The blanks: conditions of Raft that learners fill in.

use crate::check::{CHECKS, Check};
use simulator::Condition;
use std::fmt;
use std::str::FromStr;

/// A condition of Raft that a learner fills in.
#[derive(Debug, PartialEq, Eq)]
pub struct Blank {
    /// The condition.
    pub condition: Condition,
    /// Its name, as in `up-to-date`.
    pub id: &'static str,
    /// The question in a few words.
    pub title: &'static str,
    /// What is asked for.
    pub task: &'static str,
    /// The section of the Raft paper (extended version) that answers it.
    pub paper: &'static str,
    /// The function in Rust, without its body.
    pub signature: &'static str,
    /// How `main` of a learner's project calls the function.
    pub(crate) call: &'static str,
    /// What an expression may name, in words.
    pub names: &'static str,
}

/// Where a log ends, as functions in Rust get it.
pub(crate) const LOG_POSITION: &str = "\
/// A place in a log: the index of an entry, and its term. Both are 0 for the end of an empty log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogPosition {
    pub index: u64,
    pub term: u64,
}
";

impl Blank {
    /// All of them, in learning order.
    pub const ALL: &[Blank] = &[
        Blank {
            condition: Condition::MayVote,
            id: Condition::MayVote.id(),
            title: "May this server vote for the candidate?",
            task: "A candidate asks this server for its vote. `voted_for` is the candidate that has this server's vote in \
                   the current term already, or none. May `candidate` have it? (Whether the candidate's log is good enough \
                   is checked elsewhere.)",
            paper: "§5.2",
            signature: "pub fn may_vote(voted_for: Option<u64>, candidate: u64) -> bool",
            call: "practice::may_vote(question.maybe(\"voted_for\"), question.number(\"candidate\"))",
            names: "voted_for (a number or none), candidate",
        },
        Blank {
            condition: Condition::RestartsTimer,
            id: Condition::RestartsTimer.id(),
            title: "Does a vote request reset the election timer?",
            task: "A candidate has asked this server for its vote. `granted` says whether the server has granted it. Is its \
                   election timer reset?",
            paper: "§5.2, and Figure 2, Rules for Servers: Followers",
            signature: "pub fn restarts_timer(granted: bool) -> bool",
            call: "practice::restarts_timer(question.yes(\"granted\"))",
            names: "granted",
        },
        Blank {
            condition: Condition::IsUpToDate,
            id: Condition::IsUpToDate.id(),
            title: "Is the candidate's log at least as up to date as mine?",
            task: "A candidate asks this server for its vote. The candidate's log ends at `candidate`, this server's log at \
                   `own`. Is the candidate's log at least as up to date as this server's?",
            paper: "§5.4.1",
            signature: "pub fn is_up_to_date(candidate: LogPosition, own: LogPosition) -> bool",
            call: "practice::is_up_to_date(\n            practice::LogPosition { index: question.number(\"candidate_index\"), term: \
                   question.number(\"candidate_term\") },\n            practice::LogPosition { index: question.number(\"own_index\"), \
                   term: question.number(\"own_term\") },\n        )",
            names: "candidate.index, candidate.term, own.index, own.term",
        },
        Blank {
            condition: Condition::Fits,
            id: Condition::Fits.id(),
            title: "Do the new entries fit my log?",
            task: "The leader sends entries that come after its entry `prev`. At that index this follower has an entry of \
                   the term `own`, or none. Do the new entries fit this follower's log? (Entry 0 of term 0 is where every \
                   log begins.)",
            paper: "§5.3, and Figure 2, AppendEntries RPC, receiver step 2",
            signature: "pub fn fits(prev: LogPosition, own: Option<u64>) -> bool",
            call: "practice::fits(\n            practice::LogPosition { index: question.number(\"prev_index\"), term: \
                   question.number(\"prev_term\") },\n            question.maybe(\"own\"),\n        )",
            names: "prev.index, prev.term, own (a number or none)",
        },
        Blank {
            condition: Condition::FirstConflict,
            id: Condition::FirstConflict.id(),
            title: "Which is the first new entry that my log lacks or contradicts?",
            task: "The new entries fit, and have the terms `new`. From the same index on, this follower's log has entries \
                   of the terms `own`, perhaps fewer or more. From which place in `new` on must the follower replace its \
                   entries with the new ones? Places count from 0. The answer is none if it has all of the new entries \
                   already. All of its entries from that place on are removed.",
            paper: "§5.3, and Figure 2, AppendEntries RPC, receiver steps 3 and 4",
            signature: "pub fn first_conflict(own: &[u64], new: &[u64]) -> Option<usize>",
            call: "practice::first_conflict(&question.list(\"own\"), &question.list(\"new\"))",
            names: "own (a number or none) and new: the terms at one place; the first place where the expression is true is \
                    the answer",
        },
        Blank {
            condition: Condition::CommitOfFollower,
            id: Condition::CommitOfFollower.id(),
            title: "Up to which entry may a follower commit?",
            task: "The leader has committed entries up to `leader_commit`. Its request ended with the entry `last_new`, and \
                   the follower's log agrees with the leader's up to there. The follower's log ends at `last`. Up to which \
                   index are the follower's entries committed?",
            paper: "§5.3, and Figure 2, AppendEntries RPC, receiver step 5",
            signature: "pub fn commit_of_follower(leader_commit: u64, last_new: u64, last: u64) -> u64",
            call: "practice::commit_of_follower(\n            question.number(\"leader_commit\"),\n            \
                   question.number(\"last_new\"),\n            question.number(\"last\"),\n        )",
            names: "leader_commit, last_new, last",
        },
        Blank {
            condition: Condition::ReachedByMajority,
            id: Condition::ReachedByMajority.id(),
            title: "Up to which entry does a majority have the log?",
            task: "Each voter, the leader included, has the leader's log up to an index: `reached` has one for each, in any \
                   order. What is the highest index that a majority of the voters has reached?",
            paper: "§5.3, and Figure 2, Rules for Servers: Leaders, matchIndex",
            signature: "pub fn reached_by_majority(reached: &[u64]) -> u64",
            call: "practice::reached_by_majority(&question.list(\"reached\"))",
            names: "count and voters: of all voters, count have reached an index; the highest index for which the expression \
                    is true is the answer",
        },
        Blank {
            condition: Condition::MayCommit,
            id: Condition::MayCommit.id(),
            title: "May the leader commit this entry by counting?",
            task: "A majority of the voters has an entry of the term `entry`. The leader leads the term `current`. May it \
                   commit the entry for that reason?",
            paper: "§5.4.2, and Figure 8",
            signature: "pub fn may_commit(entry: u64, current: u64) -> bool",
            call: "practice::may_commit(question.number(\"entry\"), question.number(\"current\"))",
            names: "entry, current",
        },
    ];

    /// What is checked with directed scenarios, in order. After these come random runs, for the rest of the points.
    pub fn checks(&self) -> &'static [Check] {
        let checks = CHECKS.iter().find(|(condition, _)| *condition == self.condition);
        checks.expect("each condition has checks").1
    }

    /// The name of the function in Rust.
    pub fn function(&self) -> &'static str {
        let name = self.signature.strip_prefix("pub fn ").and_then(|rest| rest.split('(').next());
        name.expect("a signature begins with the function's name")
    }
}

impl fmt::Display for Blank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id)
    }
}

/// There is no blank of this name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownBlank(String);

impl fmt::Display for UnknownBlank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<&str> = Blank::ALL.iter().map(|blank| blank.id).collect();
        write!(f, "there is no exercise \"{}\": choose one of {}", self.0, ids.join(", "))
    }
}

impl std::error::Error for UnknownBlank {}

impl FromStr for &'static Blank {
    type Err = UnknownBlank;

    fn from_str(id: &str) -> Result<&'static Blank, UnknownBlank> {
        Blank::ALL.iter().find(|blank| blank.id == id).ok_or_else(|| UnknownBlank(id.to_owned()))
    }
}
