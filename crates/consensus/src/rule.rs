//! Every rule of Raft that this code obeys, as a thing with a name.
//!
//! To see where a rule is obeyed, look for references to its variant. To see what it is for, read
//! [`Rule::without_it`], or switch it off in the simulator.

use std::fmt;

/// What a rule protects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guards {
    /// Without it something wrong can happen.
    Safety,
    /// Without it something good may never happen.
    Liveness,
    /// Both.
    Both,
}

impl fmt::Display for Guards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Guards::Safety => "safety",
            Guards::Liveness => "liveness",
            Guards::Both => "safety and liveness",
        })
    }
}

/// Which rules hold. A server's set is [`EveryRule`]; only a simulator has use for another.
///
/// It is a type parameter of [`Node`](crate::Node): a server with a rule off would be a different
/// type, which no server constructs, and asking [`EveryRule`] costs nothing, because the compiler
/// knows the answer.
pub trait Rules {
    /// Does this rule hold? Asked where the rule says that something must be done.
    fn hold(&self, rule: Rule) -> bool;

    /// Does this rule allow it? Asked where the rule sets a condition.
    #[inline(always)]
    fn allow(&self, rule: Rule, condition: bool) -> bool {
        condition || !self.hold(rule)
    }
}

/// All of Raft.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct EveryRule;

impl Rules for EveryRule {
    #[inline(always)]
    fn hold(&self, _rule: Rule) -> bool {
        true
    }
}

/// Declares the rules in one table, so that none can lack a part.
macro_rules! rules {
    ($($variant:ident {
        id: $id:literal,
        paper: $paper:literal,
        thesis: $thesis:literal,
        guards: $guards:ident,
        statement: $statement:literal,
        without_it: $without_it:literal,
    })*) => {
        /// A rule of Raft.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[cfg_attr(feature = "ts", derive(ts_rs::TS))]
        pub enum Rule {
            $(
                #[doc = $statement]
                #[doc = ""]
                #[doc = concat!("Without it: ", $without_it, ".")]
                #[cfg_attr(feature = "serde", serde(rename = $id))]
                $variant,
            )*
        }

        impl Rule {
            /// Every rule, in the order in which a beginner best meets them.
            pub const ALL: &[Rule] = &[$(Rule::$variant),*];

            /// The rule's stable name, as in `one-vote-per-term`.
            pub fn id(self) -> &'static str {
                match self { $(Rule::$variant => $id),* }
            }

            /// The section of the Raft paper (extended version) that has it.
            pub fn paper(self) -> &'static str {
                match self { $(Rule::$variant => $paper),* }
            }

            /// The section of Ongaro's thesis that has it.
            pub fn thesis(self) -> &'static str {
                match self { $(Rule::$variant => $thesis),* }
            }

            /// What it protects.
            pub fn guards(self) -> Guards {
                match self { $(Rule::$variant => Guards::$guards),* }
            }

            /// The rule in one sentence.
            pub fn statement(self) -> &'static str {
                match self { $(Rule::$variant => $statement),* }
            }

            /// What goes wrong without it.
            pub fn without_it(self) -> &'static str {
                match self { $(Rule::$variant => $without_it),* }
            }
        }
    };
}

rules! {
    StartAsFollower {
        id: "start-as-follower",
        paper: "§5.2",
        thesis: "§3.4",
        guards: Safety,
        statement: "A server starts, and restarts, as a follower.",
        without_it: "a restarted server acts on an authority that it no longer has",
    }
    ElectionTimeout {
        id: "election-timeout",
        paper: "§5.2",
        thesis: "§3.4",
        guards: Liveness,
        statement: "A follower that hears from no leader and grants no vote for a whole election timeout starts an election.",
        without_it: "a dead leader is never replaced",
    }
    RandomisedTimeout {
        id: "randomised-timeout",
        paper: "§5.2",
        thesis: "§3.4",
        guards: Liveness,
        statement: "Each election timeout is drawn anew, at random from a range, so that one server usually wakes first.",
        without_it: "all servers wake together, split the votes, and do so again without end",
    }
    TimeoutAboveBroadcast {
        id: "timeout-above-broadcast",
        paper: "§5.6",
        thesis: "§3.9",
        guards: Liveness,
        statement: "Heartbeats come, and messages travel, much faster than any election timeout runs out.",
        without_it: "leaders that are well are deposed over and over",
    }
    CandidateIncrementsTerm {
        id: "candidate-increments-term",
        paper: "§5.2",
        thesis: "§3.4",
        guards: Safety,
        statement: "A candidacy begins by raising the current term.",
        without_it: "two candidacies share one term, and votes for the one count for the other",
    }
    CandidateVotesForItself {
        id: "candidate-votes-for-itself",
        paper: "§5.2",
        thesis: "§3.4",
        guards: Both,
        statement: "A candidate gives its own vote to itself, durably, and asks all other servers at once for theirs.",
        without_it: "its vote can be given twice, and two leaders are elected",
    }
    CandidateRestartsTimer {
        id: "candidate-restarts-timer",
        paper: "§5.2",
        thesis: "§3.4",
        guards: Liveness,
        statement: "Each candidacy starts the election timer anew; if it runs out without a winner, a new election begins.",
        without_it: "after one split or lost vote there is never a leader again",
    }
    MajorityWins {
        id: "majority-wins",
        paper: "§5.2",
        thesis: "§3.4",
        guards: Safety,
        statement: "A candidate leads only with the votes of a majority of all voting servers, up or down, in one term.",
        without_it: "two candidates can both win the same term",
    }
    CountEachVoterOnce {
        id: "count-each-voter-once",
        paper: "§5.2",
        thesis: "§3.4",
        guards: Safety,
        statement: "An answer that arrives twice is one vote.",
        without_it: "one voter, heard twice, makes a majority",
    }
    OneVotePerTerm {
        id: "one-vote-per-term",
        paper: "§5.2",
        thesis: "§3.4",
        guards: Safety,
        statement: "A server votes for at most one candidate in a term, first come, first served.",
        without_it: "two candidates both gather a majority in the same term",
    }
    UpToDateLog {
        id: "up-to-date-log",
        paper: "§5.4.1",
        thesis: "§3.6.1",
        guards: Safety,
        statement: "A server votes only for a candidate whose log is not behind its own.",
        without_it: "a leader is elected that lacks committed entries, and erases them",
    }
    CompareTermBeforeLength {
        id: "compare-term-before-length",
        paper: "§5.4.1",
        thesis: "§3.6.1",
        guards: Safety,
        statement: "Of two logs, the one whose last entry has the later term is ahead; only if those are equal, the longer one.",
        without_it: "a long log of old entries that were never committed beats a shorter one that holds committed entries",
    }
    NewerTermWins {
        id: "newer-term-wins",
        paper: "§5.1",
        thesis: "§3.3",
        guards: Both,
        statement: "A server that sees a newer term adopts it before anything else, and becomes a follower.",
        without_it: "a deposed leader goes on, and rightful candidates are refused",
    }
    RejectStaleTerm {
        id: "reject-stale-term",
        paper: "§5.1",
        thesis: "§3.3",
        guards: Safety,
        statement: "A request from an older term is refused, and the refusal tells the current one.",
        without_it: "a leader of the past is obeyed, and overwrites what its successors did",
    }
    IgnoreStaleAnswers {
        id: "ignore-stale-answers",
        paper: "§5.1",
        thesis: "§3.3",
        guards: Safety,
        statement: "An answer from an older term, or to a role that the server no longer has, changes nothing.",
        without_it: "votes of an old election elect a second leader",
    }
    RecogniseLeader {
        id: "recognise-leader",
        paper: "§5.2",
        thesis: "§3.4",
        guards: Both,
        statement: "A candidate that hears from a leader of its own or a newer term becomes its follower; an older one it refuses.",
        without_it: "a candidate that has lost goes on and disturbs the leader, or obeys one of the past",
    }
    ResetTimerOnLeader {
        id: "reset-timer-on-leader",
        paper: "§5.2",
        thesis: "§3.4",
        guards: Liveness,
        statement: "Each message from the current leader starts the election timer anew.",
        without_it: "a leader that is well is deposed",
    }
    ResetTimerOnGrantOnly {
        id: "reset-timer-on-grant-only",
        paper: "§5.2",
        thesis: "§3.4",
        guards: Liveness,
        statement: "Of all requests for a vote, only one that is granted starts the election timer anew; of a candidate that only asks, only the first.",
        without_it: "a candidate that can't win keeps on delaying the one that can",
    }
    PersistBeforeAnswer {
        id: "persist-before-answer",
        paper: "§5, Figure 2",
        thesis: "§3.8",
        guards: Safety,
        statement: "Term and vote are on disk before any message that rests on them leaves.",
        without_it: "a server that crashes and comes back votes a second time in one term",
    }
    HeartbeatAtOnce {
        id: "heartbeat-at-once",
        paper: "§5.2",
        thesis: "§3.4",
        guards: Liveness,
        statement: "A new leader sends heartbeats to all at once, and then again after every heartbeat interval.",
        without_it: "the others do not learn that the election is over, and hold another",
    }
    LeaderAppendOnly {
        id: "leader-append-only",
        paper: "§5.3, Figure 3",
        thesis: "§3.5",
        guards: Safety,
        statement: "A leader never changes or removes entries of its own log, it only adds to it.",
        without_it: "an entry that others have taken over is not the same everywhere any more",
    }
    ConsistencyCheck {
        id: "consistency-check",
        paper: "§5.3",
        thesis: "§3.5",
        guards: Safety,
        statement: "Entries are taken only if the log holds the leader's entry just before them: same index, same term.",
        without_it: "logs get holes, and the leader counts on entries that nobody has",
    }
    StopOnMismatch {
        id: "stop-on-mismatch",
        paper: "§5.3, Figure 2",
        thesis: "§3.5",
        guards: Safety,
        statement: "A request that does not fit the log changes nothing else either.",
        without_it: "entries are taken for committed that the leader never had",
    }
    TruncateOnlyOnConflict {
        id: "truncate-only-on-conflict",
        paper: "§5.3, Figure 2",
        thesis: "§3.5",
        guards: Safety,
        statement: "Entries are removed only from the first one on that contradicts the leader's.",
        without_it: "an old request that arrives late erases entries that were acknowledged since",
    }
    NeverTruncateCommitted {
        id: "never-truncate-committed",
        paper: "§5.4, Figure 3",
        thesis: "§3.6",
        guards: Safety,
        statement: "What is committed is never removed from a log.",
        without_it: "a client is told that its command is safe, and then it is gone",
    }
    CommitToLastNew {
        id: "commit-to-last-new",
        paper: "§5.3, Figure 2",
        thesis: "§3.5",
        guards: Safety,
        statement: "A follower takes for committed only what the leader has vouched for in the same request.",
        without_it: "a follower commits old entries of its own that the leader is about to replace",
    }
    MatchWhatWasSent {
        id: "match-what-was-sent",
        paper: "§5.3, Figure 2",
        thesis: "§3.5",
        guards: Safety,
        statement: "An agreement counts as far as the request that it answers reached, and no further.",
        without_it: "an entry is committed that only the leader has",
    }
    CommitByMajority {
        id: "commit-by-majority",
        paper: "§5.3",
        thesis: "§3.5",
        guards: Safety,
        statement: "An entry is committed when a majority of the voting servers has it on disk.",
        without_it: "an entry is committed that the next leader may lack",
    }
    CommitCurrentTermOnly {
        id: "commit-current-term-only",
        paper: "§5.4.2, Figure 8",
        thesis: "§3.6.2",
        guards: Safety,
        statement: "A leader commits only entries of its own term by counting; older ones are committed along with them.",
        without_it: "an entry that a majority has can still be replaced, although it was committed",
    }
    NoOpOnElection {
        id: "no-op-on-election",
        paper: "§8",
        thesis: "§6.4",
        guards: Liveness,
        statement: "A new leader begins with an entry of its own term that says nothing.",
        without_it: "entries of earlier terms stay in doubt until some client writes again",
    }
    OwnDiskCountsWhenSynced {
        id: "own-disk-counts-when-synced",
        paper: "§5.3",
        thesis: "§10.2.1",
        guards: Safety,
        statement: "A leader counts itself for an entry only once that is on its own disk.",
        without_it: "an entry counts as committed that too few disks hold",
    }
    ApplyInOrderOnce {
        id: "apply-in-order-once",
        paper: "§5.3, Figure 2",
        thesis: "§3.6",
        guards: Safety,
        statement: "Each committed command is applied once, in the order of the log.",
        without_it: "a command takes effect twice, and servers that should be alike differ",
    }
    BackUpOnMismatch {
        id: "back-up-on-mismatch",
        paper: "§5.3",
        thesis: "§3.5",
        guards: Liveness,
        statement: "When a follower's log does not fit, the leader goes back until it does.",
        without_it: "a follower that was away never catches up",
    }
    OnlyMismatchBacksUp {
        id: "only-mismatch-backs-up",
        paper: "§5.3, Figure 2",
        thesis: "§3.5",
        guards: Liveness,
        statement: "A refusal for the term alone says nothing about the log, so the leader does not go back.",
        without_it: "the leader sends again and again what its followers have",
    }
    RetryForever {
        id: "retry-forever",
        paper: "§5.3",
        thesis: "§3.5",
        guards: Liveness,
        statement: "A request without an answer is sent again, for as long as it takes.",
        without_it: "one lost message, and a follower never catches up",
    }
    AnswerForThisEntry {
        id: "answer-for-this-entry",
        paper: "§8",
        thesis: "§6.3",
        guards: Safety,
        statement: "A client is answered when its own entry is committed: the same index and the same term.",
        without_it: "a client hears that its command is done, and it was another's",
    }
    ReadAfterCommitInTerm {
        id: "read-after-commit-in-term",
        paper: "§8",
        thesis: "§6.4",
        guards: Safety,
        statement: "A leader lets nobody read before it has committed an entry of its own term.",
        without_it: "a new leader, which does not know yet how far its log is committed, shows an old state",
    }
    ReadConfirmsLeadership {
        id: "read-confirms-leadership",
        paper: "§8",
        thesis: "§6.4",
        guards: Safety,
        statement: "After a read has come, a majority must confirm that the leader still leads before it answers.",
        without_it: "a leader that was deposed without noticing it shows an old state",
    }
    ReadWaitsForApply {
        id: "read-waits-for-apply",
        paper: "§8",
        thesis: "§6.4",
        guards: Safety,
        statement: "A read takes place when all that was committed when it came has been applied.",
        without_it: "a client does not see what it wrote itself",
    }
    LeaseNeedsBoundedClocks {
        id: "lease-needs-bounded-clocks",
        paper: "§8",
        thesis: "§6.4.1",
        guards: Safety,
        statement: "A leader relies on the others' promise to elect nobody else for less time than they keep it: less by as much as its clock may be slower than theirs.",
        without_it: "a leader whose clock is slow still reads under a lease when others have elected the next one",
    }
    OncePerClientRequest {
        id: "once-per-client-request",
        paper: "§8",
        thesis: "§6.3",
        guards: Safety,
        statement: "A client numbers its requests, and a state machine executes each of them once, however often it comes.",
        without_it: "a request that is sent again, because its answer was lost, is executed twice",
    }
    SnapshotOnlyApplied {
        id: "snapshot-only-applied",
        paper: "§7",
        thesis: "§5.1",
        guards: Safety,
        statement: "A snapshot says that it covers the log up to the last entry that was applied, and no further.",
        without_it: "entries are thrown away that the state in the snapshot does not hold yet",
    }
    NoGoingBack {
        id: "no-going-back",
        paper: "§7",
        thesis: "§5.1",
        guards: Safety,
        statement: "A snapshot that holds nothing new is not installed.",
        without_it: "a late message takes the state machine back into the past",
    }
    KeepSuffix {
        id: "keep-suffix",
        paper: "§7, Figure 13",
        thesis: "§5.1",
        guards: Safety,
        statement: "If the log holds the last entry that an installed snapshot covers, the entries behind it stay.",
        without_it: "a follower forgets entries that the leader counts on",
    }
    KeepSnapshotBeingSent {
        id: "keep-snapshot-being-sent",
        paper: "§7",
        thesis: "§5.1",
        guards: Liveness,
        statement: "While a leader sends a snapshot, it takes no newer one, and keeps the log after it, within bounds.",
        without_it: "a follower that was away begins again and again, and never comes back while clients write",
    }
    LeaderStickiness {
        id: "leader-stickiness",
        paper: "§6",
        thesis: "§4.2.3",
        guards: Both,
        statement: "A server that has heard a leader within the shortest election timeout votes for nobody, and adopts no candidate's term.",
        without_it: "a server that has lost touch deposes a healthy leader, and leases are worth nothing",
    }
    PreVote {
        id: "pre-vote",
        paper: "§6",
        thesis: "§9.6",
        guards: Liveness,
        statement: "Before a server raises the term, it asks whether a majority would vote for it.",
        without_it: "a server that was cut off comes back with a high term, and deposes a healthy leader",
    }
    CheckQuorum {
        id: "check-quorum",
        paper: "§8",
        thesis: "§6.2",
        guards: Liveness,
        statement: "A leader that hears no majority for a whole election timeout steps down.",
        without_it: "a leader that is cut off stays one, and its clients wait without end",
    }
    TransferWhenCaughtUp {
        id: "transfer-when-caught-up",
        paper: "§6",
        thesis: "§3.10",
        guards: Liveness,
        statement: "A leader hands over only to a server that has all it has, and takes no commands until then.",
        without_it: "the leader is gone, and the one that was to follow it can't be elected",
    }
    FullDiskDoesNotLead {
        id: "full-disk-does-not-lead",
        paper: "§5, Figure 2",
        thesis: "§3.8",
        guards: Liveness,
        statement: "A server whose disk is full starts no election, and hands over its leadership if the others can commit without it.",
        without_it: "what a leader can't save piles up in its memory, and a vote that can't be saved deposes a leader later",
    }
    UseLatestConfiguration {
        id: "use-latest-configuration",
        paper: "§6",
        thesis: "§4.1",
        guards: Safety,
        statement: "A server goes by the latest configuration in its log, committed or not.",
        without_it: "some servers count majorities of the old members and some of the new, and the two need not meet",
    }
    JointMajorities {
        id: "joint-majorities",
        paper: "§6",
        thesis: "§4.3",
        guards: Safety,
        statement: "While more than one voter comes or goes, everything needs a majority of the old voters and one of the new.",
        without_it: "two leaders are elected in one term, one by the old members and one by the new",
    }
    OneChangeAtATime {
        id: "one-change-at-a-time",
        paper: "§6",
        thesis: "§4.1",
        guards: Safety,
        statement: "No change of the members begins before the last one is committed.",
        without_it: "two changes add up to one so large that majorities do not meet",
    }
    ChangeAfterCommitInTerm {
        id: "change-after-commit-in-term",
        paper: "§6",
        thesis: "§4.1",
        guards: Safety,
        statement: "A leader changes the members only after it has committed an entry of its own term.",
        without_it: "a change that an earlier leader began lives on unseen, and its majorities do not meet those of the new one",
    }
    LearnersCatchUpFirst {
        id: "learners-catch-up-first",
        paper: "§6",
        thesis: "§4.2.1",
        guards: Liveness,
        statement: "A server that comes gets the log before it votes.",
        without_it: "nothing is committed until the new server has got the whole log",
    }
    RemovedLeaderStepsDownOnCommit {
        id: "removed-leader-steps-down-on-commit",
        paper: "§6",
        thesis: "§4.2.2",
        guards: Liveness,
        statement: "A leader that is no member any more steps down as soon as that is committed.",
        without_it: "a server that does not belong to the cluster goes on leading it",
    }
    FoundTogether {
        id: "found-together",
        paper: "§5.1",
        thesis: "§3.8",
        guards: Safety,
        statement: "A new cluster begins only after every founder has saved which data folder each founder has.",
        without_it: "a founder that lost its disk founds the cluster a second time, and acknowledged entries are gone",
    }
    SameCluster {
        id: "same-cluster",
        paper: "§5.1",
        thesis: "§3.8",
        guards: Safety,
        statement: "A server hears only servers of its own cluster.",
        without_it: "a mistyped address merges two clusters, and one overwrites what the other has committed",
    }
    SameDataSameServer {
        id: "same-data-same-server",
        paper: "§5.1, Figure 2",
        thesis: "§3.8",
        guards: Safety,
        statement: "A vote or an acknowledgement counts only from the data folder that the configuration names.",
        without_it: "a server that comes back with an empty disk votes for a leader that lacks committed entries",
    }
    LatestStartOnly {
        id: "latest-start-only",
        paper: "§5.1, Figure 2",
        thesis: "§3.8",
        guards: Safety,
        statement: "A server that has seen a start of a data folder hears no earlier start of it, and no second copy.",
        without_it: "an older copy of a data folder, put back, votes as if it had never held what it acknowledged",
    }
    LostDataIsOut {
        id: "lost-data-is-out",
        paper: "§5.3, Figure 2",
        thesis: "§3.8",
        guards: Safety,
        statement: "A follower that denies entries that it acknowledged before its restart no longer counts, and stops.",
        without_it: "a server whose disk lost entries votes for a leader that lacks them",
    }
    RememberRemoval {
        id: "remember-removal",
        paper: "§6",
        thesis: "§4.2.2",
        guards: Liveness,
        statement: "A server that learns that its removal is committed remembers it on disk.",
        without_it: "a removed server restarts, runs in elections, and deposes the leader",
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id())
    }
}

/// There is no rule of this name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownRule(pub String);

impl fmt::Display for UnknownRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no rule \"{}\"", self.0)
    }
}

impl std::error::Error for UnknownRule {}

impl std::str::FromStr for Rule {
    type Err = UnknownRule;

    fn from_str(id: &str) -> Result<Rule, UnknownRule> {
        Rule::ALL.iter().copied().find(|rule| rule.id() == id).ok_or_else(|| UnknownRule(id.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_found_by_its_id() {
        for &rule in Rule::ALL {
            assert_eq!(rule.id().parse(), Ok(rule));
        }
        assert_eq!("no-such-rule".parse::<Rule>(), Err(UnknownRule("no-such-rule".to_owned())));
    }

    #[test]
    fn every_rule_is_one_whole_sentence() {
        for rule in Rule::ALL {
            assert!(rule.statement().ends_with('.'), "{rule}");
            assert!(rule.statement().starts_with(char::is_uppercase), "{rule}");
            assert!(!rule.without_it().ends_with('.'), "{rule}");
            assert!(rule.paper().starts_with('§') && rule.thesis().starts_with('§'), "{rule}");
        }
    }
}
