//! One server: what it knows, how it takes a step, and how it changes its role.

use crate::event::{Decision, Problem, What};
use crate::founding::Founding;
use crate::install_snapshot::Incoming;
use crate::membership::Memberships;
use crate::progress::Progress;
use crate::random::Random;
use crate::read::Reads;
use crate::recognition::SentRefusal;
use crate::role::{Candidate, Follower, Leader, PreCandidate, Role};
use crate::{
    AppendEntriesReply, AppendOutcome, Config, Credentials, Durability, EveryRule, HardState, Index, Input,
    InstallSnapshotReply, Instant, Log, LogPosition, Membership, Memory, Message, NodeId, Origin, Outgoing,
    Output, Payload, Profile, RequestVote, RoleKind, Rule, Rules, SnapshotOutcome, Term,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One Raft server as a state machine, without any I/O: see the [crate's tour](crate).
#[derive(Debug, Clone)]
pub struct Node<R: Rules = EveryRule> {
    pub(crate) config: Config,
    /// currentTerm and votedFor, as decided; the disk may still lag behind.
    pub(crate) hard_state: HardState,
    /// currentTerm and votedFor, as known to be on disk.
    persisted: HardState,
    pub(crate) log: Log,
    /// Highest index of the log that is known to be on disk.
    pub(crate) persisted_log: Index,
    /// commitIndex: highest index known to be committed. Never decreases.
    pub(crate) commit_index: Index,
    /// The last entry covered by the newest snapshot on disk.
    pub(crate) snapshot: LogPosition,
    /// A snapshot that is being received from a leader.
    pub(crate) incoming: Option<Incoming>,
    pub(crate) role: Role,
    /// Until this time the server assumes that its leader is alive (leader stickiness, §6). Where leaders
    /// have leases, it gives nobody its vote until then, not even itself.
    pub(crate) sticky_until: Instant,
    /// What it remembers besides term, vote and log, as decided.
    pub(crate) memory: Memory,
    /// How many times the memory has changed, and how many of the changes are on disk.
    pub(crate) memory_version: u64,
    persisted_memory: u64,
    /// The cluster that it is founding.
    pub(crate) founding: Option<Founding>,
    /// The candidates that it has let go first since it last heard a leader or learned of its term.
    pub(crate) let_go_first: BTreeSet<NodeId>,
    /// The servers that reject its messages, each with the reason.
    pub(crate) refused_by: BTreeMap<NodeId, Problem>,
    /// The last refusal sent to each server.
    pub(crate) refusals_sent: BTreeMap<NodeId, SentRefusal>,
    pub(crate) memberships: Memberships,
    /// The configuration in effect.
    pub(crate) membership: Arc<Membership>,
    /// True from joining the cluster until this server learns that it was removed.
    pub(crate) was_member: bool,
    /// The other members. A leader also counts removed servers that have yet to learn of their removal.
    pub(crate) peers: Vec<NodeId>,
    /// The disk is full: nothing can be saved.
    pub(crate) disk_is_full: bool,
    pub(crate) random: Random,
    pub(crate) rules: R,
}

impl<R: Rules> Node<R> {
    /// Starts, or restarts, a server from what is on its disk: an empty log and the default [`HardState`] if
    /// it is new. A log that does not begin with index 1 begins after the last entry that its snapshot
    /// covers. The clock is at [`Instant::START`].
    pub fn start(config: Config, hard_state: HardState, log: Log, rules: R, output: &mut Output) -> Node<R> {
        let mut memberships = Memberships::new(log.begins_after().index, config.membership.clone());
        for (index, entry) in log.entries() {
            if let Payload::Membership(membership) = &entry.payload {
                memberships.add(index, membership.clone());
            }
        }
        let mut node = Node {
            hard_state,
            persisted: hard_state,
            persisted_log: log.last().index,
            // What a snapshot covers was committed.
            commit_index: log.begins_after().index,
            snapshot: log.begins_after(),
            incoming: None,
            sticky_until: Instant::START,
            log,
            role: Role::Follower(Follower { leader: None, election_deadline: Instant::NEVER }),
            memberships,
            membership: Arc::default(),
            memory: config.credentials.memory.clone(),
            memory_version: 0,
            persisted_memory: 0,
            founding: None,
            let_go_first: BTreeSet::new(),
            refused_by: BTreeMap::new(),
            refusals_sent: BTreeMap::new(),
            was_member: false,
            peers: Vec::new(),
            disk_is_full: false,
            random: Random::from_seed(config.seed),
            rules,
            config,
        };
        output.decided(Rule::StartAsFollower, What::Role { role: RoleKind::Follower, was: None });
        node.membership = node.memberships.latest().1.clone();
        node.was_member = node.membership.contains(node.id());
        node.peers = node.membership.members().into_iter().filter(|&id| id != node.id()).collect();
        if node.remembers_removal() && node.rules.hold(Rule::RememberRemoval) {
            node.commit_index = node.commit_index.max(node.memory.removed_by.index);
        }
        if node.memberships.latest().0 > Index(0) {
            node.report_membership(output);
        }
        if node.remembers_removal() && node.rules.hold(Rule::RememberRemoval) {
            output.decided(Rule::RememberRemoval, What::Removed { index: node.memory.removed_by.index });
        }
        node.report_retirement(output);
        if node.config.profile != Profile::PAPER {
            output.noted(What::Profile { profile: node.config.profile });
        }
        // What it promised before a crash is not on its disk; but the term in which it did is.
        if hard_state.current_term > Term(0) && node.config.lease.is_some() {
            node.promise_to_stay(Instant::START);
        }
        node.restart_election_timer(Instant::START, Rule::RandomisedTimeout, output);
        node.begin_founding(output);
        if node.founding.is_some() {
            node.set_election_deadline(Instant::START);
        }
        let may_have_led = hard_state.voted_for == Some(node.config.id);
        if may_have_led && !node.rules.hold(Rule::StartAsFollower) {
            node.become_leader(Instant::START, None, output);
        }
        node
    }

    /// Processes one input. What must be done about it is added to `output`, which must have been emptied
    /// before, as described at [`Output`].
    ///
    /// `now` is the current time on the server's own clock. That clock may run faster or slower than others,
    /// or stand still, but never goes back from one call to the next. Nothing happens by itself: once
    /// [`next_deadline`](Node::next_deadline) is reached, the server needs an [`Input::Tick`]. A tick that
    /// comes too early does nothing.
    ///
    /// A step never blocks: no lock, no disk, no other server. Steps may run on any thread, one at a time.
    ///
    /// # Panics
    /// If the driver reports the impossible: that a snapshot chunk was stored that was never put out, for
    /// example. No message can make it panic, whatever its sender.
    pub fn step(&mut self, now: Instant, input: Input, output: &mut Output) {
        let term_before = self.hard_state.current_term;
        match input {
            Input::Tick => self.tick(now, output),
            Input::Message { from, origin, message } => self.receive(now, from, origin, message, output),
            Input::Propose { commands } => self.propose(commands, output),
            Input::Read { id, by } => self.read(now, id, by, output),
            Input::Persisted { memory, hard_state, log } => {
                self.on_saved(now, memory, hard_state, log, output);
            }
            Input::SnapshotTaken { last_included } => self.on_snapshot_taken(last_included, output),
            Input::ChunkRead { to, chunk } => self.on_chunk_read(to, chunk, output),
            Input::ChunkStored { last_included, end, whole } => {
                self.on_chunk_stored(now, last_included, end, whole, output);
            }
            Input::ChunkNotStored => self.incoming = None,
            Input::SnapshotBroken { from } => self.give_up_snapshot(from, output),
            Input::ChangeMembership { change } => self.change_membership(now, &change, output),
            Input::TransferLeadership { to } => self.transfer_leadership(now, to, output),
            Input::ConnectionLost { peer } => self.on_connection_lost(now, peer, output),
            Input::ConnectionMade { peer, origin } => self.on_connection_made(now, peer, origin, output),
            Input::DiskFull => self.on_disk_full(now, output),
            Input::DiskHasRoom => self.disk_is_full = false,
            Input::SetProfile(profile) => self.set_profile(profile, output),
            Input::SetElectionTimer { deadline } => self.set_election_timer(now, deadline, output),
            Input::SetNextIndex { follower, next } => self.set_next_index(follower, next, output),
        }
        assert!(self.hard_state.current_term >= term_before, "the current term went back");
    }

    /// When the server next wants an [`Input::Tick`].
    pub fn next_deadline(&self) -> Instant {
        match &self.role {
            Role::Follower(follower) => follower.election_deadline,
            Role::PreCandidate(candidate) => candidate.election_deadline,
            Role::Candidate(candidate) => candidate.election_deadline,
            Role::Leader(leader) => leader.heartbeat_deadline,
        }
    }

    /// This server.
    pub fn id(&self) -> NodeId {
        self.config.id
    }

    /// currentTerm and votedFor.
    pub fn hard_state(&self) -> HardState {
        self.hard_state
    }

    /// What it remembers besides term, vote and log.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// How many times the memory has changed since the start.
    pub fn memory_version(&self) -> u64 {
        self.memory_version
    }

    /// Where its messages come from, for their receivers.
    pub fn origin(&self) -> Origin {
        let Credentials { start, earlier_runs, .. } = self.config.credentials;
        Origin { cluster: self.memory.cluster, start, earlier_runs }
    }

    /// The server's current role.
    pub fn role(&self) -> RoleKind {
        self.role.kind()
    }

    /// The leader of the current term, if this server knows it.
    pub fn leader(&self) -> Option<NodeId> {
        match &self.role {
            Role::Follower(follower) => follower.leader,
            Role::PreCandidate(_) | Role::Candidate(_) => None,
            Role::Leader(_) => Some(self.config.id),
        }
    }

    /// The rules that it follows.
    pub fn rules(&self) -> &R {
        &self.rules
    }

    /// Its log.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Highest index known to be committed (Figure 2, commitIndex).
    pub fn commit_index(&self) -> Index {
        self.commit_index
    }

    /// Highest index of the log that is known to be on disk.
    pub fn persisted_log(&self) -> Index {
        self.persisted_log
    }

    /// The last entry covered by the newest snapshot on disk; index 0 if there is none.
    pub fn snapshot(&self) -> LogPosition {
        self.snapshot
    }

    /// Is this server receiving a snapshot that would bring something new?
    pub fn awaits_snapshot(&self) -> bool {
        self.incoming.as_ref().is_some_and(|incoming| incoming.is_still_needed(self.commit_index))
    }

    /// What a leader knows about each other server's log; `None` if this server does not lead.
    pub fn progress(&self) -> Option<&BTreeMap<NodeId, Progress>> {
        match &self.role {
            Role::Leader(leader) => Some(&leader.progress),
            _ => None,
        }
    }

    pub(crate) fn progress_of(&self, peer: NodeId) -> &Progress {
        let progress = self.progress().and_then(|progress| progress.get(&peer));
        progress.expect("only a leader asks, and only about its peers")
    }

    pub(crate) fn progress_of_mut(&mut self, peer: NodeId) -> &mut Progress {
        let Role::Leader(leader) = &mut self.role else { unreachable!("only a leader asks") };
        leader.progress.get_mut(&peer).expect("a leader knows all its peers")
    }

    /// Its settings.
    pub fn config(&self) -> &Config {
        &self.config
    }

    fn tick(&mut self, now: Instant, output: &mut Output) {
        if now < self.next_deadline() {
            return;
        }
        match self.role.kind() {
            _ if self.founding.is_some() => self.ask_founders(now, output),
            RoleKind::Follower if !self.rules.hold(Rule::ElectionTimeout) => {}
            RoleKind::Follower => self.campaign(now, Rule::ElectionTimeout, output),
            RoleKind::PreCandidate => self.campaign(now, Rule::CandidateRestartsTimer, output),
            // No vote has been requested yet: the requests wait for the disk. Another election would only
            // wait for it again, in a term ahead of everyone else's.
            RoleKind::Candidate if !self.is_persisted() => {
                self.restart_election_timer(now, Rule::CandidateRestartsTimer, output);
            }
            RoleKind::Candidate => self.campaign(now, Rule::CandidateRestartsTimer, output),
            RoleKind::Leader => {
                self.end_failed_transfer(now, output);
                self.hand_over_if_full(now, output);
                if !self.step_down_unheard(now, output) {
                    self.send_heartbeats(now, output);
                    self.name_unnamed(now, output);
                }
            }
        }
    }

    /// The election timer has run out.
    fn campaign(&mut self, now: Instant, rule: Rule, output: &mut Output) {
        if !self.may_campaign() {
            // The next leader that it hears from starts the timer again.
            self.set_election_deadline(Instant::NEVER);
            return output.noted(What::NoVoter);
        }
        if self.must_not_run() {
            return self.restart_election_timer(now, Rule::FullDiskDoesNotLead, output);
        }
        output.decided(rule, What::Timeout { role: self.role() });
        if self.uses_pre_vote() {
            self.start_pre_vote(now, output);
        } else {
            self.start_election(now, rule, false, output);
        }
    }

    /// A leader that has not heard from a majority for an election timeout steps down (thesis §6.2): it could
    /// commit nothing, and its clients would wait for it. Returns whether it has.
    fn step_down_unheard(&mut self, now: Instant, output: &mut Output) -> bool {
        if !self.config.profile.check_quorum || !self.rules.hold(Rule::CheckQuorum) {
            return false;
        }
        let Some((heard, needed)) = self.missing_majority(&self.membership.voters, now) else { return false };
        output.decided(Rule::CheckQuorum, What::QuorumLost { heard, needed });
        self.become_follower(now, None, Some(Rule::CheckQuorum), output);
        true
    }

    fn set_profile(&mut self, profile: Profile, output: &mut Output) {
        self.config.profile = profile;
        output.noted(What::Profile { profile });
    }

    /// Does it refuse candidates while it hears from a leader?
    fn sticks_to_leader(&self) -> bool {
        self.config.lease.is_some() || self.config.profile.check_quorum
    }

    /// Has this leader committed an entry of its own term?
    pub(crate) fn has_committed_in_term(&self) -> bool {
        self.log.term_at(self.commit_index) == Some(self.hard_state.current_term)
    }

    /// The one place where a message's term is compared with the server's (§5.1).
    fn receive(&mut self, now: Instant, from: NodeId, origin: Origin, message: Message, output: &mut Output) {
        if let Message::Refusal(refusal) = &message {
            return self.receive_refusal(now, from, origin, refusal, output);
        }
        if from == self.config.id {
            return output.noted(What::Rejected { from, problem: Problem::SenderIsSelf });
        }
        if self.memory.retired.is_some() || !self.recognises(now, from, origin, &message, output) {
            return;
        }
        if let Message::Found(found) = &message {
            return self.receive_found(now, from, origin, found, output);
        }
        if self.founding.is_some() {
            // Only a server that knows that all have saved the list starts an election: so the cluster has
            // been founded.
            if self.memory.cluster.is_none() || self.memory.cluster != origin.cluster {
                // The caller's cluster was founded without this folder, perhaps by servers that have left
                // since.
                if origin.cluster.is_some() {
                    self.on_refusal(from, Problem::OtherFounders, output);
                }
                return;
            }
            self.become_founded(now, output);
        }
        if let Some(problem) = self.problem_with(from, &message) {
            output.noted(What::Rejected { from, problem });
            if problem == Problem::TermTooHigh && self.membership.contains(from) {
                // Another server may have misled that member. After a step or two towards its term the two
                // understand each other again.
                self.adopt_term(now, self.hard_state.current_term.latest_believed(), output);
            }
            return;
        }
        // Requests are accepted from any server in the cluster: the sender may know a newer configuration
        // (§6).
        if message.is_reply() && !self.peers.contains(&from) {
            return self.ignore_answer(from, message.term(), output);
        }
        if matches!(message, Message::RequestVote(RequestVote { by_transfer: false, .. }))
            && self.sticks_to_leader()
            && !self.rules.allow(Rule::LeaderStickiness, !self.hears_leader(now))
        {
            return self.refuse_to_leave(now, from, output);
        }
        let is_newer = message.term() > self.hard_state.current_term;
        // A server that only asks whether it could win disturbs nobody, whatever its term.
        if is_newer && !matches!(message, Message::PreVote(_)) && self.rules.hold(Rule::NewerTermWins) {
            self.adopt_term(now, message.term(), output);
        }
        self.record_heard(now, from, origin, &message);
        match message {
            Message::PreVote(request) => self.receive_pre_vote(now, from, &request, output),
            Message::PreVoteReply(reply) => self.receive_pre_vote_reply(now, from, &reply, output),
            Message::RequestVote(request) => self.receive_request_vote(now, from, request, output),
            Message::RequestVoteReply(reply) => self.receive_request_vote_reply(now, from, reply, output),
            Message::AppendEntries(request) => self.receive_append_entries(now, from, request, output),
            Message::AppendEntriesReply(reply) => {
                self.receive_append_entries_reply(now, from, origin, reply, output);
            }
            Message::InstallSnapshot(request) => self.receive_install_snapshot(now, from, request, output),
            Message::InstallSnapshotReply(reply) => {
                self.receive_install_snapshot_reply(now, from, reply, output);
            }
            Message::TimeoutNow(request) => self.receive_timeout_now(now, from, request, output),
            Message::Found(_) | Message::Refusal(_) => unreachable!("these were handled before"),
        }
    }

    /// A server that replies to a leader in its term follows it.
    fn record_heard(&mut self, now: Instant, from: NodeId, origin: Origin, message: &Message) {
        let follows = match message {
            Message::AppendEntriesReply(reply) => reply.outcome != AppendOutcome::Refused,
            Message::InstallSnapshotReply(reply) => reply.outcome != SnapshotOutcome::Refused,
            _ => false,
        };
        if let Role::Leader(leader) = &mut self.role
            && follows
            && message.term() == self.hard_state.current_term
            && let Some(progress) = leader.progress.get_mut(&from)
        {
            progress.record_heard(now);
            let last = self.log.last().index;
            progress.record_start(origin.start, last, now);
        }
    }

    fn adopt_term(&mut self, now: Instant, term: Term, output: &mut Output) {
        let was = self.hard_state.current_term;
        self.set_hard_state(HardState { current_term: term, voted_for: None }, output);
        output.decided(Rule::NewerTermWins, What::Term { was });
        self.become_follower(now, None, Some(Rule::NewerTermWins), output);
    }

    /// Becomes, or stays, a follower. An election timer that is running already is not reset.
    pub(crate) fn become_follower(
        &mut self,
        now: Instant,
        leader: Option<NodeId>,
        rule: Option<Rule>,
        output: &mut Output,
    ) {
        self.refuse_reads(output);
        let was = self.role.kind();
        let election_deadline = self.election_deadline();
        self.role = Role::Follower(Follower {
            leader,
            election_deadline: election_deadline.unwrap_or(Instant::NEVER),
        });
        if was != RoleKind::Follower {
            let what = What::Role { role: RoleKind::Follower, was: Some(was) };
            output.decisions.push(Decision::new(rule, what));
        }
        if election_deadline.is_none() {
            self.restart_election_timer(now, Rule::RandomisedTimeout, output);
        }
    }

    pub(crate) fn become_pre_candidate(&mut self, output: &mut Output) {
        let was = self.role.kind();
        assert_ne!(was, RoleKind::Leader, "a leader never runs against itself");
        self.role = Role::PreCandidate(PreCandidate { votes: Vec::new(), election_deadline: Instant::NEVER });
        if was != RoleKind::PreCandidate {
            output.decided(Rule::PreVote, What::Role { role: RoleKind::PreCandidate, was: Some(was) });
        }
    }

    pub(crate) fn become_candidate(&mut self, rule: Rule, output: &mut Output) {
        let was = self.role.kind();
        assert_ne!(was, RoleKind::Leader, "a leader never runs against itself");
        self.role = Role::Candidate(Candidate { votes: Vec::new(), election_deadline: Instant::NEVER });
        if was != RoleKind::Candidate {
            output.decided(rule, What::Role { role: RoleKind::Candidate, was: Some(was) });
        }
    }

    /// Becomes leader, by this rule. Without one it has no majority: a rule is off.
    pub(crate) fn become_leader(&mut self, now: Instant, rule: Option<Rule>, output: &mut Output) {
        let was = self.role.kind();
        assert_ne!(was, RoleKind::Leader, "a leader is elected once a term");
        if !self.rules.hold(Rule::LeaderAppendOnly) {
            self.truncate_own_log(output);
            self.update_membership(now, output);
        }
        let last = self.log.last().index;
        let progress = self.peers.iter().map(|&peer| (peer, Progress::new(last, now))).collect();
        self.role = Role::Leader(Leader {
            heartbeat_deadline: Instant::NEVER,
            progress,
            blocked_by_term: Index(0),
            reads: Reads::default(),
            transfer: None,
        });
        let what = What::Role { role: RoleKind::Leader, was: Some(was) };
        output.decisions.push(Decision::new(rule, what));
        if self.rules.hold(Rule::NoOpOnElection) {
            self.append_no_op(output);
        }
        if self.rules.hold(Rule::HeartbeatAtOnce) {
            self.send_heartbeats(now, output);
        }
    }

    /// The only place that changes term and vote, so that every change is saved.
    pub(crate) fn set_hard_state(&mut self, hard_state: HardState, output: &mut Output) {
        if hard_state.current_term != self.hard_state.current_term {
            self.let_go_first.clear();
        }
        self.hard_state = hard_state;
        output.save.hard_state = Some(hard_state);
    }

    fn on_saved(
        &mut self,
        now: Instant,
        memory: u64,
        hard_state: HardState,
        log: LogPosition,
        output: &mut Output,
    ) {
        self.persisted = hard_state;
        self.persisted_memory = memory;
        // A log that ended there may have been truncated since. If it holds that entry, it holds all before
        // it.
        if log.index > self.persisted_log && self.log.contains(log) {
            self.persisted_log = log.index;
            if self.role() == RoleKind::Leader {
                let what = What::Matched { follower: self.id(), index: log.index };
                output.decided(Rule::OwnDiskCountsWhenSynced, what);
                self.advance_commit(now, output);
            }
        }
        if self.is_persisted() {
            self.count_own_vote(now, output);
        }
        self.go_on_founding(now, output);
    }

    /// currentTerm and votedFor, as known to be on disk.
    pub fn persisted_hard_state(&self) -> HardState {
        self.persisted
    }

    /// Is everything that this server says about its term and vote on disk?
    pub(crate) fn is_persisted(&self) -> bool {
        self.persisted == self.hard_state
    }

    /// Is the memory on disk?
    pub fn is_memory_persisted(&self) -> bool {
        self.persisted_memory == self.memory_version
    }

    pub(crate) fn send(&self, to: NodeId, message: Message, output: &mut Output) {
        let durability = self.durability_of(&message);
        let because_of = output.decisions.len().checked_sub(1);
        output.messages.push(Outgoing { to, message, durability, because_of });
    }

    /// What must be on disk before this message may be sent (§5, Figure 2).
    fn durability_of(&self, message: &Message) -> Durability {
        if !self.rules.hold(Rule::PersistBeforeAnswer) {
            return Durability::Nothing;
        }
        match message {
            Message::AppendEntriesReply(AppendEntriesReply {
                outcome: AppendOutcome::Matched { match_index },
                ..
            }) if *match_index > self.persisted_log => Durability::Log,
            Message::InstallSnapshotReply(InstallSnapshotReply {
                last_included,
                outcome: SnapshotOutcome::Installed,
                ..
            }) if last_included.index > self.persisted_log => Durability::Log,
            _ if self.is_persisted() => Durability::Nothing,
            _ => Durability::HardState,
        }
    }
}
