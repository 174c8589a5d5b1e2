//! Recognising the sender: a server checks where a message comes from before it looks at its content (see
//! [`identity`](crate::Origin)). A number alone proves nothing: behind it may be another cluster, an empty
//! folder, or an older copy of one.

use crate::event::{Problem, What};
use crate::{
    ClusterId, Instant, Memory, Message, Node, NodeId, Origin, Output, Refusal, Retirement, RoleKind, Rule,
    Rules, Start,
};
use std::collections::BTreeMap;

/// Number of election timeouts after which a refusal is repeated.
const RARELY: u32 = 10;

/// A refusal that was sent, so that a server that sends again and again is not refused each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SentRefusal {
    start: Start,
    problem: Problem,
    when: Instant,
}

impl<R: Rules> Node<R> {
    /// Is this message accepted? If not, its sender gets a refusal, unless it got one just now.
    pub(crate) fn recognises(
        &mut self,
        now: Instant,
        from: NodeId,
        origin: Origin,
        message: &Message,
        output: &mut Output,
    ) -> bool {
        let problem = self.problem_with_origin(from, origin, message);
        if let Some(problem) = problem.or_else(|| self.problem_with_lost_data(from, origin, message)) {
            self.refuse(now, from, origin, problem, output);
            return false;
        }
        if let Some(start) = origin.start {
            self.record_start(from, start, output);
            // By now there is another server under this number.
            if self.refusals_sent.get(&from).is_some_and(|sent| sent.start != start) {
                self.refusals_sent.remove(&from);
            }
        }
        if self.memory.cluster.is_none()
            && let Some(cluster) = origin.cluster
            && self.membership.is_empty()
            && self.founding.is_none()
        {
            self.join(cluster, output);
        }
        true
    }

    /// Another server has connected, and states its origin. Is it accepted?
    pub(crate) fn meets(&mut self, now: Instant, peer: NodeId, origin: Origin, output: &mut Output) -> bool {
        if self.memory.retired.is_some() || peer == self.id() {
            return false;
        }
        if let Some(problem) = self.problem_with_sender(peer, origin) {
            self.refuse(now, peer, origin, problem, output);
            return false;
        }
        if let Some(start) = origin.start {
            self.record_start(peer, start, output);
        }
        true
    }

    fn problem_with_origin(&self, from: NodeId, origin: Origin, message: &Message) -> Option<Problem> {
        if let Some(problem) = self.problem_with_sender(from, origin) {
            return Some(problem);
        }
        // A request may come from a member of a newer configuration, which names another folder (§6). Only
        // replies count for anything.
        let is_known_data = !message.is_reply() || self.membership.is_data_of(from, origin.incarnation());
        (!self.rules.allow(Rule::SameDataSameServer, is_known_data)).then_some(Problem::OtherData)
    }

    fn problem_with_sender(&self, from: NodeId, origin: Origin) -> Option<Problem> {
        let is_own_cluster = self.memory.cluster.zip(origin.cluster).is_none_or(|(own, other)| own == other);
        if !self.rules.allow(Rule::SameCluster, is_own_cluster) {
            return Some(Problem::OtherCluster);
        }
        let start = origin.start?;
        let seen = self.memory.starts.get(&from).filter(|seen| seen.incarnation == start.incarnation);
        let is_latest = seen.is_none_or(|seen| origin.is_as_late_as(seen));
        (!self.rules.allow(Rule::LatestStartOnly, is_latest)).then_some(Problem::EarlierStart)
    }

    fn problem_with_lost_data(&self, from: NodeId, origin: Origin, message: &Message) -> Option<Problem> {
        let progress = self.progress()?.get(&from)?;
        let had = progress.lost().filter(|_| progress.incarnation() == origin.incarnation())?;
        message.is_reply().then_some(Problem::LostEntries { had })
    }

    /// Remembers the latest start of each member's folder, so that earlier ones are rejected.
    fn record_start(&mut self, from: NodeId, start: Start, output: &mut Output) {
        let seen = self.memory.starts.get(&from);
        let is_member =
            self.membership.contains(from) && self.membership.is_data_of(from, Some(start.incarnation));
        if is_member && seen != Some(&start) {
            let mut memory = self.memory.clone();
            memory.starts.insert(from, start);
            self.set_memory(memory, output);
        }
    }

    /// A server without a cluster takes the id of the first one that contacts it. From then on it accepts no
    /// other.
    fn join(&mut self, cluster: ClusterId, output: &mut Output) {
        self.set_memory(Memory { cluster: Some(cluster), ..self.memory.clone() }, output);
        output.decided(Rule::SameCluster, What::Joined { cluster });
    }

    /// Ignores a message, and tells its sender why. Repeating that at once would not help.
    pub(crate) fn refuse(
        &mut self,
        now: Instant,
        from: NodeId,
        origin: Origin,
        problem: Problem,
        output: &mut Output,
    ) {
        let Some(start) = origin.start else { return };
        let pause = RARELY * self.config.timing.election_timeout_max();
        let is_repeated = |sent: &SentRefusal| {
            (sent.start, sent.problem) == (start, problem) && now.since(sent.when) < pause
        };
        if self.refusals_sent.get(&from).is_some_and(is_repeated) {
            return;
        }
        // Members are few; of all others, which can use any number, the latest is enough.
        let membership = self.membership.clone();
        self.refusals_sent.retain(|id, _| membership.contains(*id));
        self.refusals_sent.insert(from, SentRefusal { start, problem, when: now });
        let what = What::Rejected { from, problem };
        match problem.rule() {
            Some(rule) => output.decided(rule, what),
            None => output.noted(what),
        }
        self.send(from, Message::Refusal(Refusal { start, problem }), output);
    }

    /// Another server ignores this one's messages. If it knows of a later start of this folder, or of entries
    /// that this folder has lost, then this server must no longer take part: it knows less than it once did.
    ///
    /// A folder that was rolled back may know none of today's members. It trusts them because of the cluster
    /// that they belong to.
    pub(crate) fn receive_refusal(
        &mut self,
        now: Instant,
        by: NodeId,
        origin: Origin,
        refusal: &Refusal,
        output: &mut Output,
    ) {
        // The refusal may have been sent to an earlier start.
        if self.config.credentials.start != Some(refusal.start) {
            return;
        }
        // The opinion of an unrelated server does not matter.
        let is_member = self.membership.contains(by);
        let is_founder = self.founding.as_ref().is_some_and(|founding| founding.is_one(by));
        let is_of_own_cluster = origin.cluster == self.memory.cluster;
        let is_relative = is_of_own_cluster && origin.cluster.is_some();
        if !is_member && !is_founder && !is_relative && !self.membership.is_empty() {
            return;
        }
        self.on_refusal(by, refusal.problem, output);
        let retirement = match refusal.problem {
            Problem::EarlierStart if is_relative || is_member => Retirement::OlderCopy,
            Problem::LostEntries { had } if is_member => Retirement::LostEntries(had),
            _ => return,
        };
        if is_of_own_cluster && self.memory.retired.is_none() {
            self.retire(now, retirement, output);
        }
    }

    /// Another server ignores this one's messages. Reported once, until the reason changes.
    pub(crate) fn on_refusal(&mut self, by: NodeId, problem: Problem, output: &mut Output) {
        if self.refused_by.insert(by, problem) != Some(problem) {
            output.noted(What::RefusedBy { by, problem });
        }
    }

    fn retire(&mut self, now: Instant, retirement: Retirement, output: &mut Output) {
        self.set_memory(Memory { retired: Some(retirement), ..self.memory.clone() }, output);
        self.report_retirement(output);
        if self.role() != RoleKind::Follower {
            self.become_follower(now, None, Some(retirement.rule()), output);
        }
    }

    /// Reports why this server no longer takes part, if so: it does this at each start.
    pub(crate) fn report_retirement(&self, output: &mut Output) {
        if let Some(retirement) = self.memory.retired {
            output.decided(retirement.rule(), What::Retired { retirement });
        }
    }

    /// Why this server has recently rejected messages of another one because of what that server is.
    pub fn refuses(&self, id: NodeId, now: Instant) -> Option<Problem> {
        let lately = 3 * RARELY * self.config.timing.election_timeout_max();
        let sent = self.refusals_sent.get(&id).filter(|sent| now.since(sent.when) < lately)?;
        Some(sent.problem)
    }

    /// The servers that ignore this one's messages, or do not count them, each with the reason.
    pub fn refused_by(&self) -> &BTreeMap<NodeId, Problem> {
        &self.refused_by
    }

    /// The only place that changes the memory, so that every change is saved.
    pub(crate) fn set_memory(&mut self, memory: Memory, output: &mut Output) {
        self.memory_version += 1;
        output.save.memory = Some(memory.clone());
        self.memory = memory;
    }
}

impl Retirement {
    /// The rule that excludes the folder.
    fn rule(self) -> Rule {
        match self {
            Retirement::LostEntries(_) => Rule::LostDataIsOut,
            Retirement::OlderCopy => Rule::LatestStartOnly,
        }
    }
}

impl Problem {
    /// The rule by which the message is rejected, if there is one.
    pub fn rule(self) -> Option<Rule> {
        match self {
            Problem::OtherCluster => Some(Rule::SameCluster),
            Problem::OtherData => Some(Rule::SameDataSameServer),
            Problem::EarlierStart => Some(Rule::LatestStartOnly),
            Problem::LostEntries { .. } => Some(Rule::LostDataIsOut),
            Problem::OtherFounders => Some(Rule::FoundTogether),
            _ => None,
        }
    }
}
