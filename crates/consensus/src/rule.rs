//! Every rule of Raft that this code follows, as a value with a name.
//!
//! To see where a rule is followed, look for references to its variant. To see what it is for, read
//! [`Rule::without_it`], or switch it off in the simulator.

use std::fmt;

/// What a rule protects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protects {
    /// Without it something wrong can happen.
    Safety,
    /// Without it something good may never happen.
    Liveness,
    /// Both.
    Both,
}

impl fmt::Display for Protects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Protects::Safety => "safety",
            Protects::Liveness => "liveness",
            Protects::Both => "safety and liveness",
        })
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
            /// Every rule, in the best order for a beginner.
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
            pub fn guards(self) -> Protects {
                match self { $(Rule::$variant => Protects::$guards),* }
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
        statement: "A server always starts as a follower, even after a restart.",
        without_it: "a restarted server acts as leader although others may have elected a new one",
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
        statement: "Each election timeout is a fresh random value, so one server usually times out before the others.",
        without_it: "all servers time out together and split the votes, again and again",
    }
    TimeoutAboveBroadcast {
        id: "timeout-above-broadcast",
        paper: "§5.6",
        thesis: "§3.9",
        guards: Liveness,
        statement: "Message delays and the heartbeat interval must be far shorter than the shortest election timeout.",
        without_it: "healthy leaders are deposed over and over",
    }
    CandidateIncrementsTerm {
        id: "candidate-increments-term",
        paper: "§5.2",
        thesis: "§3.4",
        guards: Safety,
        statement: "A candidate starts each election by increasing its current term.",
        without_it: "two elections share one term, and votes in one count in the other",
    }
    CandidateVotesForItself {
        id: "candidate-votes-for-itself",
        paper: "§5.2",
        thesis: "§3.4",
        guards: Both,
        statement: "A candidate votes for itself, saves that vote, and asks all other servers for theirs at once.",
        without_it: "it can also vote for another candidate in the same term, and two leaders are elected",
    }
    CandidateRestartsTimer {
        id: "candidate-restarts-timer",
        paper: "§5.2",
        thesis: "§3.4",
        guards: Liveness,
        statement: "A candidate resets its election timer; if the timer runs out before anyone has won, it starts a new election.",
        without_it: "after one split or lost vote there is never a leader again",
    }
    MajorityWins {
        id: "majority-wins",
        paper: "§5.2",
        thesis: "§3.4",
        guards: Safety,
        statement: "A candidate becomes leader only with votes, given in its term, from a majority of all voters, running or not.",
        without_it: "two candidates can win the same term",
    }
    CountEachVoterOnce {
        id: "count-each-voter-once",
        paper: "§5.2",
        thesis: "§3.4",
        guards: Safety,
        statement: "Each voter counts once, even if its reply arrives twice.",
        without_it: "one voter, heard twice, makes a majority",
    }
    OneVotePerTerm {
        id: "one-vote-per-term",
        paper: "§5.2",
        thesis: "§3.4",
        guards: Safety,
        statement: "A server votes for at most one candidate per term, first come, first served.",
        without_it: "two candidates both get a majority in the same term",
    }
    UpToDateLog {
        id: "up-to-date-log",
        paper: "§5.4.1",
        thesis: "§3.6.1",
        guards: Safety,
        statement: "A server votes only for a candidate whose log is at least as up to date as its own.",
        without_it: "a server that lacks committed entries becomes leader and overwrites them",
    }
    CompareTermBeforeLength {
        id: "compare-term-before-length",
        paper: "§5.4.1",
        thesis: "§3.6.1",
        guards: Safety,
        statement: "The log whose last entry has the later term is more up to date; length decides only between equal terms.",
        without_it: "a long log of old, uncommitted entries beats a shorter one with committed entries",
    }
    NewerTermWins {
        id: "newer-term-wins",
        paper: "§5.1",
        thesis: "§3.3",
        guards: Both,
        statement: "A server that sees a newer term adopts it and becomes a follower before it does anything else.",
        without_it: "a deposed leader carries on, and eligible candidates are refused",
    }
    RejectStaleTerm {
        id: "reject-stale-term",
        paper: "§5.1",
        thesis: "§3.3",
        guards: Safety,
        statement: "A request from an older term is rejected, and the reply carries the current term.",
        without_it: "a deposed leader is obeyed, and overwrites its successors' entries",
    }
    IgnoreStaleAnswers {
        id: "ignore-stale-answers",
        paper: "§5.1",
        thesis: "§3.3",
        guards: Safety,
        statement: "A reply from an older term, or for a role that the server no longer has, changes nothing.",
        without_it: "votes from an old election elect a second leader",
    }
    RecogniseLeader {
        id: "recognise-leader",
        paper: "§5.2",
        thesis: "§3.4",
        guards: Both,
        statement: "A server follows a leader of its own term or a newer one, and rejects a leader of an older term.",
        without_it: "a candidate that has lost keeps disturbing the leader, or obeys a deposed one",
    }
    ResetTimerOnLeader {
        id: "reset-timer-on-leader",
        paper: "§5.2",
        thesis: "§3.4",
        guards: Liveness,
        statement: "Every message from the current leader resets the election timer.",
        without_it: "a healthy leader is deposed",
    }
    ResetTimerOnGrantOnly {
        id: "reset-timer-on-grant-only",
        paper: "§5.2",
        thesis: "§3.4",
        guards: Liveness,
        statement: "A vote request resets the election timer only if it is granted; a granted pre-vote does so once per candidate.",
        without_it: "a candidate that can't win keeps delaying the one that can",
    }
    PersistBeforeAnswer {
        id: "persist-before-answer",
        paper: "§5, Figure 2",
        thesis: "§3.8",
        guards: Safety,
        statement: "Term and vote are synced to disk before any message that depends on them is sent.",
        without_it: "a server that crashes and restarts votes a second time in one term",
    }
    HeartbeatAtOnce {
        id: "heartbeat-at-once",
        paper: "§5.2",
        thesis: "§3.4",
        guards: Liveness,
        statement: "A new leader sends heartbeats to all servers at once, and again after every heartbeat interval.",
        without_it: "the others don't learn that the election is over, and start another",
    }
    LeaderAppendOnly {
        id: "leader-append-only",
        paper: "§5.3, Figure 3",
        thesis: "§3.5",
        guards: Safety,
        statement: "A leader only appends to its own log; it never changes or removes entries.",
        without_it: "an entry that followers already have is no longer the same everywhere",
    }
    ConsistencyCheck {
        id: "consistency-check",
        paper: "§5.3",
        thesis: "§3.5",
        guards: Safety,
        statement: "A follower appends entries only if its log has the leader's preceding entry: same index, same term.",
        without_it: "logs get holes, and the leader counts on entries that no follower has",
    }
    StopOnMismatch {
        id: "stop-on-mismatch",
        paper: "§5.3, Figure 2",
        thesis: "§3.5",
        guards: Safety,
        statement: "A request whose preceding entry does not match changes neither the log nor the commit index.",
        without_it: "a follower marks entries as committed that the leader never had",
    }
    TruncateOnlyOnConflict {
        id: "truncate-only-on-conflict",
        paper: "§5.3, Figure 2",
        thesis: "§3.5",
        guards: Safety,
        statement: "A follower removes entries only if they conflict with the leader's, starting at the first conflict.",
        without_it: "an old request that arrives late erases entries acknowledged since",
    }
    NeverTruncateCommitted {
        id: "never-truncate-committed",
        paper: "§5.4, Figure 3",
        thesis: "§3.6",
        guards: Safety,
        statement: "A committed entry is never removed from a log.",
        without_it: "a client is told that its command is safe, and then the command is gone",
    }
    CommitToLastNew {
        id: "commit-to-last-new",
        paper: "§5.3, Figure 2",
        thesis: "§3.5",
        guards: Safety,
        statement: "A follower marks an entry as committed only if this very request showed that its log matches the leader's up to there.",
        without_it: "a follower commits old entries of its own that the leader is about to replace",
    }
    MatchWhatWasSent {
        id: "match-what-was-sent",
        paper: "§5.3, Figure 2",
        thesis: "§3.5",
        guards: Safety,
        statement: "A follower's \"yes\" counts only up to the last entry in the request that it replies to.",
        without_it: "an entry is committed that only the leader has",
    }
    CommitByMajority {
        id: "commit-by-majority",
        paper: "§5.3",
        thesis: "§3.5",
        guards: Safety,
        statement: "An entry of the leader's own term is committed once a majority of the voters has it on disk.",
        without_it: "an entry is committed that the next leader may lack",
    }
    CommitCurrentTermOnly {
        id: "commit-current-term-only",
        paper: "§5.4.2, Figure 8",
        thesis: "§3.6.2",
        guards: Safety,
        statement: "By counting copies, a leader commits only entries of its own term; older entries are committed along with them.",
        without_it: "an entry that a leader called committed can still be replaced, although a majority has it",
    }
    NoOpOnElection {
        id: "no-op-on-election",
        paper: "§8",
        thesis: "§6.4",
        guards: Liveness,
        statement: "A new leader starts its term with a no-op entry, which carries no command.",
        without_it: "entries from earlier terms stay uncommitted until a client writes again",
    }
    OwnDiskCountsWhenSynced {
        id: "own-disk-counts-when-synced",
        paper: "§5.3",
        thesis: "§10.2.1",
        guards: Safety,
        statement: "A leader counts its own copy of an entry only once it is synced to its disk.",
        without_it: "an entry counts as committed although too few disks hold it",
    }
    ApplyInOrderOnce {
        id: "apply-in-order-once",
        paper: "§5.3, Figure 2",
        thesis: "§3.6",
        guards: Safety,
        statement: "Each committed command is applied exactly once, in log order.",
        without_it: "a command takes effect twice, and the servers' states differ",
    }
    BackUpOnMismatch {
        id: "back-up-on-mismatch",
        paper: "§5.3",
        thesis: "§3.5",
        guards: Liveness,
        statement: "If a follower's log does not match, the leader moves nextIndex back until it does.",
        without_it: "a follower that was away never catches up",
    }
    OnlyMismatchBacksUp {
        id: "only-mismatch-backs-up",
        paper: "§5.3, Figure 2",
        thesis: "§3.5",
        guards: Liveness,
        statement: "A rejection because of an old term says nothing about the follower's log, so the leader does not move nextIndex back.",
        without_it: "the leader keeps resending entries that its followers already have",
    }
    RetryForever {
        id: "retry-forever",
        paper: "§5.3",
        thesis: "§3.5",
        guards: Liveness,
        statement: "A request without a reply is sent again until a reply arrives.",
        without_it: "one lost message, and a follower never catches up",
    }
    AnswerForThisEntry {
        id: "answer-for-this-entry",
        paper: "§8",
        thesis: "§6.3",
        guards: Safety,
        statement: "A client gets its response when its own entry is committed: same index and same term.",
        without_it: "a client hears that its command is done, but another client's was",
    }
    ReadAfterCommitInTerm {
        id: "read-after-commit-in-term",
        paper: "§8",
        thesis: "§6.4",
        guards: Safety,
        statement: "A leader serves reads only after it has committed an entry of its own term.",
        without_it: "a new leader does not know yet what is committed, and returns old values",
    }
    ReadConfirmsLeadership {
        id: "read-confirms-leadership",
        paper: "§8",
        thesis: "§6.4",
        guards: Safety,
        statement: "After a read arrives, the leader confirms with a majority that it still leads, and only then responds.",
        without_it: "a deposed leader that has not noticed it yet returns old values",
    }
    ReadWaitsForApply {
        id: "read-waits-for-apply",
        paper: "§8",
        thesis: "§6.4",
        guards: Safety,
        statement: "A read waits until everything committed before it arrived has been applied.",
        without_it: "a client does not see its own write",
    }
    LeaseNeedsBoundedClocks {
        id: "lease-needs-bounded-clocks",
        paper: "§8",
        thesis: "§6.4.1",
        guards: Safety,
        statement: "A leader trusts its lease for less time than its followers promised, because its clock may run slower than theirs.",
        without_it: "a leader with a slow clock still trusts its lease after others have elected a new leader",
    }
    OncePerClientRequest {
        id: "once-per-client-request",
        paper: "§8",
        thesis: "§6.3",
        guards: Safety,
        statement: "Clients number their requests, and the state machine executes each request once, however often it arrives.",
        without_it: "a request that is sent again because its response was lost is executed twice",
    }
    SnapshotOnlyApplied {
        id: "snapshot-only-applied",
        paper: "§7",
        thesis: "§5.1",
        guards: Safety,
        statement: "A snapshot covers the log only up to the last applied entry.",
        without_it: "entries are discarded whose effects the snapshot does not contain yet",
    }
    NoGoingBack {
        id: "no-going-back",
        paper: "§7",
        thesis: "§5.1",
        guards: Safety,
        statement: "A server does not install a snapshot that brings nothing new.",
        without_it: "a late message takes the state machine back in time",
    }
    KeepSuffix {
        id: "keep-suffix",
        paper: "§7, Figure 13",
        thesis: "§5.1",
        guards: Safety,
        statement: "If the log has the last entry that an installed snapshot covers, the entries after it stay.",
        without_it: "a follower forgets entries that the leader counts on",
    }
    KeepSnapshotBeingSent {
        id: "keep-snapshot-being-sent",
        paper: "§7",
        thesis: "§5.1",
        guards: Liveness,
        statement: "While a leader sends a snapshot, it takes no newer one and keeps the log after it, within limits.",
        without_it: "a follower that was away starts over again and again, and never catches up while clients write",
    }
    LeaderStickiness {
        id: "leader-stickiness",
        paper: "§6",
        thesis: "§4.2.3",
        guards: Both,
        statement: "A server that heard from a leader within the shortest election timeout neither votes nor adopts a candidate's term.",
        without_it: "a server that lost contact deposes a healthy leader, and leases are worthless",
    }
    PreVote {
        id: "pre-vote",
        paper: "§6",
        thesis: "§9.6",
        guards: Liveness,
        statement: "Before it increases its term, a server asks whether a majority would vote for it.",
        without_it: "a server that was cut off returns with a high term and deposes a healthy leader",
    }
    CheckQuorum {
        id: "check-quorum",
        paper: "§8",
        thesis: "§6.2",
        guards: Liveness,
        statement: "A leader that hears from no majority for a whole election timeout steps down.",
        without_it: "a leader that is cut off keeps its role, and its clients wait forever",
    }
    TransferWhenCaughtUp {
        id: "transfer-when-caught-up",
        paper: "§6",
        thesis: "§3.10",
        guards: Liveness,
        statement: "A leader hands over only to a server that has its whole log, and accepts no new commands meanwhile.",
        without_it: "the old leader is gone, and the server it chose can't be elected",
    }
    FullDiskDoesNotLead {
        id: "full-disk-does-not-lead",
        paper: "§5, Figure 2",
        thesis: "§3.8",
        guards: Liveness,
        statement: "A server with a full disk starts no election, and hands over leadership if the others can commit without it.",
        without_it: "unsaved entries pile up in the leader's memory, and an unsaved vote deposes a leader later",
    }
    UseLatestConfiguration {
        id: "use-latest-configuration",
        paper: "§6",
        thesis: "§4.1",
        guards: Safety,
        statement: "A server uses the latest configuration in its log, committed or not.",
        without_it: "some servers count majorities of the old members, some of the new, and these need not overlap",
    }
    JointMajorities {
        id: "joint-majorities",
        paper: "§6",
        thesis: "§4.3",
        guards: Safety,
        statement: "While more than one voter is added or removed, every decision needs two majorities: one of the old voters and one of the new.",
        without_it: "two leaders are elected in one term, one by the old voters and one by the new",
    }
    OneChangeAtATime {
        id: "one-change-at-a-time",
        paper: "§6",
        thesis: "§4.1",
        guards: Safety,
        statement: "A membership change begins only after the previous one is committed.",
        without_it: "two changes add up to one so large that majorities need not overlap",
    }
    ChangeAfterCommitInTerm {
        id: "change-after-commit-in-term",
        paper: "§6",
        thesis: "§4.1",
        guards: Safety,
        statement: "A leader changes the members only after it has committed an entry of its own term.",
        without_it: "an earlier leader's unfinished change lives on unseen, and its majorities need not overlap the new ones",
    }
    LearnersCatchUpFirst {
        id: "learners-catch-up-first",
        paper: "§6",
        thesis: "§4.2.1",
        guards: Liveness,
        statement: "A new server must receive the log before it may vote.",
        without_it: "nothing is committed until the new server has the whole log",
    }
    RemovedLeaderStepsDownOnCommit {
        id: "removed-leader-steps-down-on-commit",
        paper: "§6",
        thesis: "§4.2.2",
        guards: Liveness,
        statement: "A leader that is no longer a member steps down as soon as its removal is committed.",
        without_it: "a server that no longer belongs to the cluster keeps leading it",
    }
    FoundTogether {
        id: "found-together",
        paper: "§5.1",
        thesis: "§3.8",
        guards: Safety,
        statement: "A new cluster begins only after every founder has saved which data folder each founder has.",
        without_it: "a founder that lost its disk founds the cluster again, and acknowledged entries are gone",
    }
    SameCluster {
        id: "same-cluster",
        paper: "§5.1",
        thesis: "§3.8",
        guards: Safety,
        statement: "A server accepts messages only from servers of its own cluster.",
        without_it: "a mistyped address merges two clusters, and one overwrites the other's committed entries",
    }
    SameDataSameServer {
        id: "same-data-same-server",
        paper: "§5.1, Figure 2",
        thesis: "§3.8",
        guards: Safety,
        statement: "A vote or an acknowledgement counts only if it comes from the data folder that the configuration names.",
        without_it: "a server that returns with an empty disk votes for a leader that lacks committed entries",
    }
    LatestStartOnly {
        id: "latest-start-only",
        paper: "§5.1, Figure 2",
        thesis: "§3.8",
        guards: Safety,
        statement: "A server that has seen a start of a data folder ignores earlier starts and second copies of it.",
        without_it: "an old copy of a data folder votes as if it had never held what it acknowledged",
    }
    LostDataIsOut {
        id: "lost-data-is-out",
        paper: "§5.3, Figure 2",
        thesis: "§3.8",
        guards: Safety,
        statement: "A follower that lacks entries it acknowledged before its restart no longer counts, and stops taking part.",
        without_it: "a server whose disk lost entries votes for a leader that lacks them",
    }
    RememberRemoval {
        id: "remember-removal",
        paper: "§6",
        thesis: "§4.2.2",
        guards: Liveness,
        statement: "A server that learns that its removal is committed remembers this on disk.",
        without_it: "a removed server restarts, starts elections, and deposes the leader",
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
    fn every_rule_is_one_short_sentence() {
        for rule in Rule::ALL {
            assert!(rule.statement().ends_with('.'), "{rule}");
            assert!(rule.statement().starts_with(char::is_uppercase), "{rule}");
            assert!(!rule.statement().contains(". "), "{rule}: one sentence");
            assert!(!rule.without_it().ends_with('.'), "{rule}");
            let words = |text: &str| text.split_whitespace().count();
            assert!(words(rule.statement()) <= 25, "{rule}: {} words", words(rule.statement()));
            assert!(words(rule.without_it()) <= 20, "{rule}: {} words", words(rule.without_it()));
            assert!(rule.paper().starts_with('§') && rule.thesis().starts_with('§'), "{rule}");
        }
    }
}
