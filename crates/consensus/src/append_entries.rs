//! Replication (§5.3, §5.4.2): how all logs become copies of the leader's, and how the same messages keep a
//! leader in power (§5.2).

use crate::event::{Problem, What};
use crate::role::Role;
use crate::{
    Append, AppendEntries, AppendEntriesReply, AppendOutcome, Entry, Index, Instant, LogPosition, Message,
    Node, NodeId, Origin, Output, Payload, Proposed, RoleKind, Rule, Rules,
};
use std::sync::Arc;

impl<R: Rules> Node<R> {
    /// Clients want these commands in the log.
    pub(crate) fn propose(&mut self, commands: Vec<Arc<[u8]>>, output: &mut Output) {
        if self.role() != RoleKind::Leader || self.is_handing_over() {
            // While it hands leadership over, no server accepts commands.
            let leader = self.leader().filter(|_| !self.is_handing_over());
            output.proposed = Some(Proposed::NotLeader { leader });
            return;
        }
        let first = LogPosition { index: self.log.last().index.next(), term: self.hard_state.current_term };
        output.proposed = Some(Proposed::At(first));
        self.append_own(commands.into_iter().map(Payload::Command), Rule::LeaderAppendOnly, output);
        self.replicate_to_all(output);
    }

    /// A new leader's first entry: with it, the entries of earlier terms are committed too (§8).
    pub(crate) fn append_no_op(&mut self, output: &mut Output) {
        self.append_own([Payload::NoOp], Rule::NoOpOnElection, output);
    }

    pub(crate) fn append_own(
        &mut self,
        payloads: impl IntoIterator<Item = Payload>,
        rule: Rule,
        output: &mut Output,
    ) {
        let term = self.hard_state.current_term;
        let entries: Vec<Entry> = payloads.into_iter().map(|payload| Entry { term, payload }).collect();
        let first = self.log.last().index.next();
        self.append(first, entries, output);
        output.decided(rule, What::Appended { first, last: self.log.last() });
    }

    /// What a leader must not do ([`Rule::LeaderAppendOnly`]): removes entries that it does not know to be
    /// committed.
    pub(crate) fn truncate_own_log(&mut self, output: &mut Output) {
        let first = self.commit_index.next();
        if first <= self.log.last().index {
            self.truncate_conflict(first, Rule::LeaderAppendOnly, output);
            output.save.append = Some(Append { first, entries: Vec::new() });
        }
    }

    /// The only place where the log grows.
    fn append(&mut self, first: Index, entries: Vec<Entry>, output: &mut Output) {
        let mut index = first;
        for entry in &entries {
            if let Payload::Membership(membership) = &entry.payload {
                self.memberships.add(index, membership.clone());
            }
            index = index.next();
        }
        self.log.append(entries.iter().cloned());
        match &mut output.save.append {
            Some(append) => append.entries.extend(entries),
            None => output.save.append = Some(Append { first, entries }),
        }
    }

    /// Sends each other server the entries it lacks, as far as the limits on messages in flight allow.
    pub(crate) fn replicate_to_all(&mut self, output: &mut Output) {
        for place in 0..self.peers.len() {
            self.replicate_to(self.peers[place], output);
        }
    }

    pub(crate) fn replicate_to(&mut self, peer: NodeId, output: &mut Output) {
        if self.lacks_what_is_gone(peer) {
            return self.begin_snapshot_for(peer, output);
        }
        let last = self.log.last().index;
        while self.progress_of(peer).next_index() <= last && self.may_send(peer) {
            let entries = match self.progress_of(peer).asks_only() {
                true => Vec::new(),
                false => self.batch_after(self.progress_of(peer).next_index().previous()),
            };
            self.send_append(peer, entries, output);
        }
        if self.progress_of(peer).next_index() > last {
            self.progress_of_mut(peer).record_all_sent();
        }
    }

    /// Is the next entry for this follower gone, and no snapshot being sent that has it?
    fn lacks_what_is_gone(&self, peer: NodeId) -> bool {
        let progress = self.progress_of(peer);
        progress.snapshot().is_none() && progress.next_index() <= self.log.begins_after().index
    }

    fn may_send(&self, peer: NodeId) -> bool {
        self.progress_of(peer).may_send(&self.config.limits)
    }

    /// As many entries after this index as one message may carry.
    fn batch_after(&self, index: Index) -> Vec<Entry> {
        let limits = self.config.limits;
        let mut bytes = 0;
        let fits = |entry: &&Entry| {
            let is_first = bytes == 0;
            bytes += entry.size();
            is_first || bytes <= limits.bytes_per_message
        };
        let entries = self.log.after(index);
        let count = entries.iter().take(limits.entries_per_message).take_while(fits).count();
        entries[..count].to_vec()
    }

    /// Sends these entries, which follow what the receiver is believed to have; without any, it is a
    /// heartbeat.
    pub(crate) fn send_append(&mut self, peer: NodeId, entries: Vec<Entry>, output: &mut Output) {
        // Even without entries it asks whether the logs agree there: that is how lost messages are noticed.
        let asks = !entries.is_empty() || self.rules.hold(Rule::RetryForever);
        let progress = self.progress_of(peer);
        let index = if asks { progress.next_index().previous() } else { progress.match_index() };
        let prev_log = match self.log.term_at(index) {
            Some(term) => LogPosition { index, term },
            // What the follower needs is gone. At the place before the first entry all logs agree.
            None => LogPosition::default(),
        };
        let request = AppendEntries {
            term: self.hard_state.current_term,
            prev_log_index: prev_log.index,
            prev_log_term: prev_log.term,
            entries,
            leader_commit: self.commit_index,
            round: self.round(),
        };
        let (last, size) = (request.last_index(), request.entries.iter().map(Entry::size).sum());
        self.send(peer, Message::AppendEntries(request), output);
        self.progress_of_mut(peer).record_sent(last, size);
    }

    /// Sends a heartbeat to every other server and sets the time for the next ones. A server that has not
    /// replied is sent again what it may have missed.
    pub(crate) fn send_heartbeats(&mut self, now: Instant, output: &mut Output) {
        self.drop_removed(now);
        let interval = self.config.timing.heartbeat_interval();
        let Role::Leader(leader) = &mut self.role else { unreachable!("only a leader sends heartbeats") };
        leader.heartbeat_deadline = now + interval;
        self.renew_lease(now, output);
        output.decided(Rule::HeartbeatAtOnce, What::Heartbeat);
        for place in 0..self.peers.len() {
            let peer = self.peers[place];
            if self.progress_of_mut(peer).is_overdue() && self.rules.hold(Rule::RetryForever) {
                self.progress_of_mut(peer).retry();
                output.decided(Rule::RetryForever, What::Unanswered { follower: peer });
                self.want_chunk(peer, output);
            }
            if self.lacks_what_is_gone(peer) {
                self.begin_snapshot_for(peer, output);
            }
            let lacks = self.log.last().index >= self.progress_of(peer).next_index();
            if lacks && self.may_send(peer) {
                self.replicate_to(peer, output);
            } else {
                self.send_append(peer, Vec::new(), output);
            }
        }
    }

    /// Asks every other server whether this one still leads. That is no reason to resend what is in flight:
    /// many reads mean many questions.
    pub(crate) fn ask_all(&mut self, output: &mut Output) {
        for place in 0..self.peers.len() {
            self.send_append(self.peers[place], Vec::new(), output);
        }
    }

    /// A leader sends a heartbeat, perhaps with entries. Terms have been compared already: the request's is
    /// not newer than the server's.
    pub(crate) fn receive_append_entries(
        &mut self,
        now: Instant,
        leader: NodeId,
        request: AppendEntries,
        output: &mut Output,
    ) {
        let is_current = request.term >= self.hard_state.current_term;
        if !self.rules.allow(Rule::RejectStaleTerm, is_current) {
            output.decided(Rule::RejectStaleTerm, What::Refused { leader, stale_term: request.term });
            return self.answer_append_entries(leader, request.round, AppendOutcome::Refused, output);
        }
        if matches!(self.role(), RoleKind::Candidate | RoleKind::PreCandidate)
            && !self.rules.hold(Rule::RecogniseLeader)
        {
            return self.answer_append_entries(leader, request.round, AppendOutcome::Refused, output);
        }
        self.follow(now, leader, output);
        self.promise_to_stay(now);
        let (round, last_before) = (request.round, self.log.last());
        let outcome = self.append_if_consistent(request, output);
        self.on_membership_committed(now, output);
        if self.log.last() == last_before {
            self.answer_before_the_disk(leader, round, &outcome, output);
        }
        self.answer_append_entries(leader, round, outcome, output);
        if self.rules.hold(Rule::ResetTimerOnLeader) {
            self.restart_election_timer(now, Rule::ResetTimerOnLeader, output);
        }
    }

    pub(crate) fn follow(&mut self, now: Instant, leader: NodeId, output: &mut Output) {
        self.let_go_first.clear();
        if self.leader() != Some(leader) {
            self.become_follower(now, Some(leader), Some(Rule::RecogniseLeader), output);
            output.decided(Rule::RecogniseLeader, What::Leader { leader });
        }
    }

    /// Makes the log match the leader's, as far as the request reaches (Figure 2, AppendEntries 2–5).
    fn append_if_consistent(&mut self, request: AppendEntries, output: &mut Output) -> AppendOutcome {
        let prev = request.prev_log();
        // What a snapshot covers is committed, and so the same in all logs.
        let is_covered = prev.index < self.log.begins_after().index;
        let fits = is_covered || self.rules.fits(prev, self.log.term_at(prev.index));
        if !self.rules.allow(Rule::ConsistencyCheck, fits) {
            output.decided(Rule::StopOnMismatch, What::Mismatch { prev, own: self.log.last() });
            if !self.rules.hold(Rule::StopOnMismatch) {
                self.commit_to(request.leader_commit.min(self.log.last().index), output);
            }
            let may_agree = self.log.find_conflict_by_term(prev);
            return AppendOutcome::Mismatch { prev_log_index: prev.index, may_agree };
        }
        let last_new = request.last_index();
        let known = self.count_known(&request);
        if known < request.entries.len() {
            let first = Index(prev.index.0 + known as u64).next();
            self.truncate_conflict(first, Rule::TruncateOnlyOnConflict, output);
            let mut entries = request.entries;
            entries.drain(..known);
            self.append(first, entries, output);
            output.decided(Rule::ConsistencyCheck, What::Appended { first, last: self.log.last() });
        }
        let last = self.log.last().index;
        let committed = self.rules.commit_of_follower(request.leader_commit, last_new, last);
        self.commit_to(committed.min(last), output);
        AppendOutcome::Matched { match_index: last_new }
    }

    /// Number of the request's first entries that are in the log already.
    fn count_known(&self, request: &AppendEntries) -> usize {
        let gone = self.log.begins_after().index;
        let covered =
            gone.0.saturating_sub(request.prev_log_index.0).min(request.entries.len() as u64) as usize;
        let term = |entry: &Entry| entry.term;
        let own = self.log.after(request.prev_log_index.max(gone)).iter().map(term);
        let new = request.entries[covered..].iter().map(term);
        self.rules.first_conflict(own, new).map_or(request.entries.len(), |conflict| covered + conflict)
    }

    /// Removes the entries where new ones belong: a leader of an earlier term wrote them, and they were never
    /// committed.
    fn truncate_conflict(&mut self, first: Index, rule: Rule, output: &mut Output) {
        let last = self.log.last();
        if first <= last.index {
            let is_uncommitted = first > self.commit_index;
            assert!(
                self.rules.allow(Rule::NeverTruncateCommitted, is_uncommitted),
                "what is committed is never removed"
            );
            self.log.truncate_from(first);
            self.memberships.truncate_from(first);
            self.persisted_log = self.persisted_log.min(first.previous());
            output.decided(rule, What::Truncated { first, last });
        }
    }

    /// The leader says that entries up to here are committed.
    fn commit_to(&mut self, index: Index, output: &mut Output) {
        if index > self.commit_index {
            self.commit_index = index;
            output.decided(Rule::CommitToLastNew, What::Committed { index });
        }
    }

    /// If the whole reply must wait for the disk, this one goes ahead, and says what is saved by now: neither
    /// a heartbeat nor the round of a read needs the disk. It is for requests that bring nothing new. A
    /// request with new entries gets a single reply, once they are saved; if that takes long, the leader's
    /// next heartbeat brings nothing new.
    fn answer_before_the_disk(
        &self,
        leader: NodeId,
        round: u64,
        outcome: &AppendOutcome,
        output: &mut Output,
    ) {
        let saved = self.persisted_log;
        if matches!(outcome, AppendOutcome::Matched { match_index } if *match_index > saved) {
            let outcome = AppendOutcome::Matched { match_index: saved };
            self.answer_append_entries(leader, round, outcome, output);
        }
    }

    fn answer_append_entries(&self, leader: NodeId, round: u64, outcome: AppendOutcome, output: &mut Output) {
        let reply = AppendEntriesReply { term: self.hard_state.current_term, outcome, round };
        self.send(leader, Message::AppendEntriesReply(reply), output);
    }

    /// A follower replied. If it knew a newer term, the leader has stepped down by now.
    pub(crate) fn receive_append_entries_reply(
        &mut self,
        now: Instant,
        from: NodeId,
        origin: Origin,
        reply: AppendEntriesReply,
        output: &mut Output,
    ) {
        if reply.term != self.hard_state.current_term || self.role() != RoleKind::Leader {
            return self.ignore_answer(from, reply.term, output);
        }
        if self.denies_what_it_had(now, from, origin, &reply, output) {
            return;
        }
        match reply.outcome {
            // A rejection because of the term says nothing about the log.
            AppendOutcome::Refused => {
                if !self.rules.hold(Rule::OnlyMismatchBacksUp) {
                    let prev_log_index = self.progress_of(from).next_index().previous();
                    self.back_up(from, prev_log_index, LogPosition::default(), output);
                }
            }
            AppendOutcome::Matched { match_index } => self.record_match(now, from, match_index, output),
            AppendOutcome::Mismatch { prev_log_index, may_agree } => {
                if self.rules.hold(Rule::BackUpOnMismatch) {
                    self.back_up(from, prev_log_index, may_agree, output);
                }
            }
        }
        self.record_catching_up(now, from, output);
        if self.role() != RoleKind::Leader {
            return;
        }
        self.replicate_to(from, output);
        // The rejected request was of an earlier term, and so was its round.
        if reply.outcome != AppendOutcome::Refused {
            self.record_round(now, from, reply.round, output);
        }
        self.go_on_with_transfer(output);
    }

    /// Does a restarted follower deny entries that it had acknowledged before? Then its disk has lost them,
    /// and nothing that it says counts any longer.
    fn denies_what_it_had(
        &mut self,
        now: Instant,
        from: NodeId,
        origin: Origin,
        reply: &AppendEntriesReply,
        output: &mut Output,
    ) -> bool {
        let AppendOutcome::Mismatch { prev_log_index, may_agree } = reply.outcome else { return false };
        let had = self.progress_of(from).match_index();
        if !self.rules.hold(Rule::LostDataIsOut)
            || !self.progress_of_mut(from).record_denial(prev_log_index, may_agree.index)
        {
            return false;
        }
        let what = What::LostEntries { follower: from, had, has: may_agree.index };
        output.decided(Rule::LostDataIsOut, what);
        self.refuse(now, from, origin, Problem::LostEntries { had }, output);
        true
    }

    pub(crate) fn record_catching_up(&mut self, now: Instant, from: NodeId, output: &mut Output) {
        let (last, timeout) = (self.log.last().index, self.config.timing.election_timeout_min());
        let votes = self.membership().voters.contains(from);
        let Role::Leader(leader) = &mut self.role else { return };
        let progress = leader.progress.get_mut(&from).expect("a leader knows all its peers");
        if progress.record_round_of_entries(last, now, timeout) && !votes {
            output.decided(Rule::LearnersCatchUpFirst, What::CaughtUp { learner: from });
        }
    }

    pub(crate) fn record_match(
        &mut self,
        now: Instant,
        follower: NodeId,
        match_index: Index,
        output: &mut Output,
    ) {
        let index = if self.rules.hold(Rule::MatchWhatWasSent) { match_index } else { self.log.last().index };
        if self.progress_of_mut(follower).record_match(index) {
            output.decided(Rule::MatchWhatWasSent, What::Matched { follower, index });
            self.advance_commit(now, output);
        }
    }

    fn back_up(&mut self, follower: NodeId, prev_log_index: Index, hint: LogPosition, output: &mut Output) {
        // What the follower may agree with, this log may not have.
        let may_agree = self.log.find_conflict_by_term(hint);
        if self.progress_of_mut(follower).record_mismatch(prev_log_index, may_agree) {
            let next = self.progress_of(follower).next_index();
            output.decided(Rule::BackUpOnMismatch, What::BackedUp { follower, next });
        }
    }

    /// The simulator changes what this leader guesses about a follower. On any other server this does nothing.
    pub(crate) fn set_next_index(&mut self, follower: NodeId, next: Index, output: &mut Output) {
        let end = self.log.last().index.next();
        let Role::Leader(leader) = &mut self.role else { return };
        let Some(progress) = leader.progress.get_mut(&follower) else { return };
        let next = next.clamp(Index(1), end);
        progress.set_next_index(next);
        output.noted(What::BackedUp { follower, next });
    }

    /// Commits what a majority has on disk, if it is of this term: older entries are committed with it,
    /// and never by counting (§5.4.2).
    pub(crate) fn advance_commit(&mut self, now: Instant, output: &mut Output) {
        let own = if self.rules.hold(Rule::OwnDiskCountsWhenSynced) {
            self.persisted_log
        } else {
            self.log.last().index
        };
        let reached =
            |id: NodeId| if id == self.config.id { own } else { self.progress_of(id).match_index() };
        let voters = &self.membership().voters;
        let index = if self.rules.hold(Rule::CommitByMajority) {
            voters.least_of_sets(|set| self.rules.reached_by_majority(set.iter().map(|&id| reached(id))))
        } else {
            voters.voters().into_iter().map(reached).max().unwrap_or_default()
        };
        if index <= self.commit_index {
            return;
        }
        let term = self.log.term_at(index).expect("a majority has only what the leader has");
        let may_commit = self.rules.may_commit(term, self.hard_state.current_term);
        if self.rules.allow(Rule::CommitCurrentTermOnly, may_commit) {
            self.commit_index = index;
            output.decided(Rule::CommitByMajority, What::Committed { index });
            self.serve_reads(now, output);
            self.on_membership_committed(now, output);
        } else {
            self.wait_with(LogPosition { index, term }, output);
        }
    }

    fn wait_with(&mut self, entry: LogPosition, output: &mut Output) {
        let Role::Leader(leader) = &mut self.role else { unreachable!("only a leader commits by counting") };
        if entry.index > leader.blocked_by_term {
            leader.blocked_by_term = entry.index;
            output.decided(Rule::CommitCurrentTermOnly, What::Waits { entry });
        }
    }
}
