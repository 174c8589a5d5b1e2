//! Leadership transfer (thesis §3.10): for example before a leader is stopped for maintenance, so that the
//! others need not wait for an election timeout.

use crate::event::What;
use crate::role::Role;
use crate::types::write_not_leader;
use crate::{Index, Instant, Message, Node, NodeId, Output, RoleKind, Rule, Rules, TimeoutNow};
use std::fmt;

/// A transfer of leadership in progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Transfer {
    to: NodeId,
    /// When it counts as failed.
    deadline: Instant,
    /// Has the other server been asked to start an election?
    is_asked: bool,
}

/// Why leadership can't be transferred.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum CannotTransfer {
    /// This server does not lead.
    NotLeader {
        /// The leader, if known.
        leader: Option<NodeId>,
    },
    /// Leadership is already being handed over to this server.
    UnderWay(NodeId),
    /// This server already leads.
    LeadsAlready(NodeId),
    /// This server is not a voter, and can't lead.
    NoVoter(NodeId),
}

impl fmt::Display for CannotTransfer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CannotTransfer::NotLeader { leader } => write_not_leader(f, *leader),
            CannotTransfer::UnderWay(to) => write!(f, "leadership is already being transferred to {to}"),
            CannotTransfer::LeadsAlready(id) => write!(f, "{id} is already the leader"),
            CannotTransfer::NoVoter(id) => write!(f, "{id} is not a voter, so it can't lead"),
        }
    }
}

impl std::error::Error for CannotTransfer {}

impl<R: Rules> Node<R> {
    /// A client wants another server to lead.
    pub(crate) fn transfer_leadership(&mut self, now: Instant, to: NodeId, output: &mut Output) {
        output.transferred = Some(self.objection_to_transfer(to).map_or(Ok(()), Err));
        if output.transferred != Some(Ok(())) {
            return;
        }
        self.begin_transfer(now, to, Rule::TransferWhenCaughtUp, output);
    }

    /// Begins to hand leadership over to a voter that does not lead, for the reason that `rule` gives.
    pub(crate) fn begin_transfer(&mut self, now: Instant, to: NodeId, rule: Rule, output: &mut Output) {
        let deadline = now + self.config.timing.election_timeout_max();
        let Role::Leader(leader) = &mut self.role else { unreachable!("only a leader hands over") };
        leader.transfer = Some(Transfer { to, deadline, is_asked: false });
        output.decided(rule, What::TransferBegun { to });
        self.go_on_with_transfer(output);
    }

    fn objection_to_transfer(&self, to: NodeId) -> Option<CannotTransfer> {
        let Role::Leader(leader) = &self.role else {
            return Some(CannotTransfer::NotLeader { leader: self.leader() });
        };
        if let Some(Transfer { to, .. }) = leader.transfer {
            return Some(CannotTransfer::UnderWay(to));
        }
        if to == self.id() {
            return Some(CannotTransfer::LeadsAlready(to));
        }
        (!self.membership().voters.contains(to)).then_some(CannotTransfer::NoVoter(to))
    }

    /// Is this leader handing leadership over? Then it accepts no commands: the other would never catch up
    /// with them.
    pub(crate) fn is_handing_over(&self) -> bool {
        matches!(&self.role, Role::Leader(leader) if leader.transfer.is_some())
    }

    /// Asks the other server to start an election as soon as it has the leader's whole log.
    pub(crate) fn go_on_with_transfer(&mut self, output: &mut Output) {
        let last = self.log.last().index;
        let Role::Leader(leader) = &mut self.role else { return };
        let Some(transfer @ Transfer { is_asked: false, .. }) = &mut leader.transfer else { return };
        let to = transfer.to;
        let has = leader.progress.get(&to).map_or(Index(0), |progress| progress.match_index());
        if self.rules.allow(Rule::TransferWhenCaughtUp, has == last) {
            transfer.is_asked = true;
            // The other server's election is not bound by anyone's promise to this leader, so the promises
            // are worth nothing from now on, even if it is asked very late.
            leader.reads.give_up_lease();
            self.ask_to_take_over(to, output);
        }
    }

    pub(crate) fn ask_to_take_over(&self, to: NodeId, output: &mut Output) {
        output.decided(Rule::TransferWhenCaughtUp, What::AsksToTakeOver { to });
        self.send(to, Message::TimeoutNow(TimeoutNow { term: self.hard_state.current_term }), output);
    }

    /// A leader that still leads an election timeout later continues as before.
    pub(crate) fn end_failed_transfer(&mut self, now: Instant, output: &mut Output) {
        let Role::Leader(leader) = &mut self.role else { return };
        let Some(Transfer { to, deadline, .. }) = leader.transfer else { return };
        if now >= deadline || !self.membership.voters.contains(to) {
            leader.transfer = None;
            output.decided(Rule::TransferWhenCaughtUp, What::TransferFailed { to });
        }
    }

    /// The leader asks this server to start an election at once. Terms have been compared already: the
    /// request's is not newer than the server's.
    pub(crate) fn receive_timeout_now(
        &mut self,
        now: Instant,
        leader: NodeId,
        request: TimeoutNow,
        output: &mut Output,
    ) {
        if request.term != self.hard_state.current_term || self.role() == RoleKind::Leader {
            return output.decided(Rule::RejectStaleTerm, What::Refused { leader, stale_term: request.term });
        }
        output.decided(Rule::TransferWhenCaughtUp, What::AskedToTakeOver { leader });
        if self.may_campaign() && !self.must_not_run() {
            self.start_election(now, Rule::TransferWhenCaughtUp, true, output);
        }
    }
}
