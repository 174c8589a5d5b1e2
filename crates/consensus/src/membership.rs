//! Who belongs to the cluster, and how that changes (§6; thesis §4).
//!
//! A configuration is an entry of the log like any other, with one exception: it is in effect as soon as it
//! is in a server's log, committed or not, and until it is truncated ([`Rule::UseLatestConfiguration`]).
//!
//! If one voter is added or removed, every majority before shares a server with every majority after, so the
//! new configuration can replace the old one at once. If more are, two majorities may have no server in
//! common. Then there is a joint configuration in between, in which every decision needs both majorities
//! ([`Rule::JointMajorities`]).
//!
//! ```text
//!  the log    … x x  old+new  y y  new  z z …
//!                    │             │
//!                    │             appended by the leader once old+new is committed
//!                    from here on both majorities are needed, until `new` is in the log
//! ```

use crate::event::{Decision, What};
use crate::progress::Progress;
use crate::role::Role;
use crate::types::write_not_leader;
use crate::{
    ClusterId, Incarnation, Index, Instant, LogPosition, Memory, Node, NodeId, Output, Payload, Quorum,
    RoleKind, Rule, Rules,
};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

/// The members of a cluster: what the paper calls a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Membership {
    /// Who votes, and whose disks count for a commit.
    pub voters: Quorum,
    /// Servers that get the log too, but don't count (thesis §4.2.1).
    pub learners: BTreeSet<NodeId>,
    /// The members' addresses, if known: the core only stores them.
    #[cfg_attr(feature = "serde", serde(with = "crate::pairs"))]
    #[cfg_attr(feature = "ts", ts(as = "Vec<(NodeId, String)>"))]
    pub addresses: BTreeMap<NodeId, String>,
    /// The cluster's id, once it has one.
    #[cfg_attr(feature = "serde", serde(default))]
    pub cluster: Option<ClusterId>,
    /// The data folder of each voter. A vote or an acknowledgement from another folder does not count
    /// ([`Rule::SameDataSameServer`]). A server that is not listed may have any folder: a learner, which is
    /// listed when it becomes a voter, and the members of an old cluster, until a leader has heard from them.
    #[cfg_attr(feature = "serde", serde(default, with = "crate::pairs"))]
    #[cfg_attr(feature = "ts", ts(as = "Vec<(NodeId, Incarnation)>"))]
    pub incarnations: BTreeMap<NodeId, Incarnation>,
}

/// A change of the membership. It is made as a whole or not at all.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default))]
pub struct Change {
    /// Servers to add as learners, with their addresses.
    #[cfg_attr(feature = "serde", serde(with = "crate::pairs"))]
    pub add: BTreeMap<NodeId, String>,
    /// Learners to make voters.
    pub promote: BTreeSet<NodeId>,
    /// Members to remove.
    pub remove: BTreeSet<NodeId>,
    /// Members whose address changes.
    #[cfg_attr(feature = "serde", serde(with = "crate::pairs"))]
    pub relocate: BTreeMap<NodeId, String>,
}

/// Why a [`Change`] is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum CannotChange {
    /// This server does not lead.
    NotLeader {
        /// The leader, if known.
        leader: Option<NodeId>,
    },
    /// The previous change is not committed yet ([`Rule::OneChangeAtATime`]), or leadership is being handed
    /// over.
    UnderWay,
    /// The leader has not committed an entry of its term yet ([`Rule::ChangeAfterCommitInTerm`]).
    NothingCommittedInTerm,
    /// The change would change nothing.
    Nothing,
    /// This server is already a member.
    AlreadyMember(NodeId),
    /// This server is not a member.
    UnknownServer(NodeId),
    /// This server is already a voter.
    AlreadyVoter(NodeId),
    /// No voter would be left.
    NobodyLeft,
    /// There would be too many members. Until the change is done, removed members count too.
    TooManyMembers {
        /// Number of members there would be.
        members: usize,
        /// Maximum number of members.
        at_most: usize,
    },
    /// Too many learners would still need most of the log.
    TooManyLearners {
        /// Number of learners there would be that have not caught up.
        learners: usize,
        /// Maximum number of such learners.
        at_most: usize,
    },
    /// This server's address is too long.
    AddressTooLong {
        /// The server.
        server: NodeId,
        /// Length of the address in bytes.
        bytes: usize,
        /// Maximum length of an address in bytes.
        at_most: usize,
    },
    /// The configuration would be too large.
    TooLarge {
        /// Its size in bytes.
        bytes: usize,
        /// Maximum size of a configuration in bytes.
        at_most: usize,
    },
    /// This learner lacks too much of the log ([`Rule::LearnersCatchUpFirst`]).
    NotCaughtUp {
        /// The learner.
        learner: NodeId,
        /// Highest index up to which its log is known to match.
        has: Index,
        /// Last index of the leader's log.
        of: Index,
    },
    /// The leader hears from too few of the new voters: nothing could be committed afterwards.
    NoQuorum {
        /// Number of new voters heard from within an election timeout, the leader included if it is one.
        heard: usize,
        /// Number needed.
        needed: usize,
    },
}

impl CannotChange {
    /// The rule that refuses the change, if one does.
    pub fn rule(&self) -> Option<Rule> {
        match self {
            CannotChange::UnderWay => Some(Rule::OneChangeAtATime),
            CannotChange::NothingCommittedInTerm => Some(Rule::ChangeAfterCommitInTerm),
            CannotChange::NotCaughtUp { .. } => Some(Rule::LearnersCatchUpFirst),
            _ => None,
        }
    }
}

impl fmt::Display for CannotChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CannotChange::NotLeader { leader } => write_not_leader(f, *leader),
            CannotChange::UnderWay => write!(f, "another change is in progress"),
            CannotChange::NothingCommittedInTerm => {
                write!(f, "no entry of the leader's own term is committed yet")
            }
            CannotChange::Nothing => write!(f, "that changes nothing"),
            CannotChange::AlreadyMember(id) => write!(f, "{id} is already a member"),
            CannotChange::UnknownServer(id) => write!(f, "{id} is not a member"),
            CannotChange::AlreadyVoter(id) => write!(f, "{id} is already a voter"),
            CannotChange::NobodyLeft => write!(f, "no voter would be left"),
            CannotChange::TooManyMembers { members, at_most } => {
                write!(f, "a cluster has at most {at_most} members, and there would be {members}")
            }
            CannotChange::TooManyLearners { learners, at_most } => {
                write!(f, "at most {at_most} learners may catch up at a time, and there would be {learners}")
            }
            CannotChange::AddressTooLong { server, bytes, at_most } => {
                write!(f, "the address of {server} has {bytes} bytes, and at most {at_most} are allowed")
            }
            CannotChange::TooLarge { bytes, at_most } => {
                write!(f, "a configuration has at most {at_most} bytes, and this one would have {bytes}")
            }
            CannotChange::NotCaughtUp { learner, has, of } => {
                write!(f, "{learner} has not caught up: it has {has} of {of} entries")
            }
            CannotChange::NoQuorum { heard, needed } => {
                write!(f, "the new voters would have no quorum: {heard} heard, {needed} needed")
            }
        }
    }
}

impl std::error::Error for CannotChange {}

impl Membership {
    /// Maximum number of members.
    pub const MOST_MEMBERS: usize = 99;
    /// Maximum number of learners that have not caught up: each takes as much of its leader's time as a
    /// follower that was away.
    pub const MOST_BEHIND: usize = 8;
    /// Maximum length of a member's address in bytes: those of a host name, a colon and a port.
    pub const LONGEST_ADDRESS: usize = 255 + 6;
    /// Maximum [size](Membership::size) in bytes. Everything that stores or sends a configuration has room
    /// for this.
    pub const LARGEST: usize = 32 << 10;

    /// A configuration with these voters.
    pub fn of_voters(voters: impl IntoIterator<Item = NodeId>) -> Membership {
        Membership { voters: voters.into_iter().collect(), ..Membership::default() }
    }

    /// Is this server a member, as a voter or as a learner?
    pub fn contains(&self, id: NodeId) -> bool {
        self.voters.contains(id) || self.learners.contains(&id)
    }

    /// Are there no members, as in the configuration of a server that is yet to join a cluster?
    pub fn is_empty(&self) -> bool {
        self.voters.is_empty() && self.learners.is_empty()
    }

    /// All members, each once, in ascending order.
    pub fn members(&self) -> BTreeSet<NodeId> {
        let mut members = self.voters.voters();
        members.extend(&self.learners);
        members
    }

    /// Is that the data folder under which this configuration knows the server? If it knows none, any folder
    /// will do.
    pub fn is_data_of(&self, id: NodeId, incarnation: Option<Incarnation>) -> bool {
        let named = self.incarnations.get(&id);
        named.zip(incarnation).is_none_or(|(named, incarnation)| *named == incarnation)
    }

    /// Size on disk in bytes (`storage::encode_membership`).
    pub fn size(&self) -> usize {
        let list = |ids: &BTreeSet<NodeId>| 8 + 8 * ids.len();
        let voters = match &self.voters {
            Quorum::Simple(voters) => list(voters),
            Quorum::Joint { old, new } => list(old) + list(new),
        };
        let addresses: usize = self.addresses.values().map(|address| 8 + 4 + address.len()).sum();
        let identities = 1 + self.cluster.map_or(0, |_| 16) + 8 + 16 * self.incarnations.len();
        // A marker of the format's version comes first.
        8 + voters + 1 + list(&self.learners) + 8 + addresses + identities
    }

    /// Why this change, whose next configuration would be `next`, would make the members too many or the
    /// configuration too large.
    ///
    /// A change that adds nobody is never refused here. That is the way back for a cluster that grew before
    /// there were such limits.
    fn objection_to_size(change: &Change, next: &Membership) -> Option<CannotChange> {
        let is_too_long = |(_, address): &(&NodeId, &String)| address.len() > Membership::LONGEST_ADDRESS;
        if let Some((&server, address)) = change.add.iter().chain(&change.relocate).find(is_too_long) {
            let (bytes, at_most) = (address.len(), Membership::LONGEST_ADDRESS);
            return Some(CannotChange::AddressTooLong { server, bytes, at_most });
        }
        let (members, bytes) = (next.members().len(), next.size());
        if change.add.is_empty() && change.relocate.is_empty() {
            None
        } else if members > Membership::MOST_MEMBERS {
            Some(CannotChange::TooManyMembers { members, at_most: Membership::MOST_MEMBERS })
        } else {
            let at_most = Membership::LARGEST;
            (bytes > at_most).then_some(CannotChange::TooLarge { bytes, at_most })
        }
    }

    /// The final configuration after a change of this one.
    pub(crate) fn changed_by(&self, change: &Change) -> Result<Membership, CannotChange> {
        let Quorum::Simple(voters) = &self.voters else { return Err(CannotChange::UnderWay) };
        let Change { add, promote, remove, relocate } = change;
        if let Some(&id) = add.keys().find(|id| self.contains(**id)) {
            return Err(CannotChange::AlreadyMember(id));
        }
        if let Some(&id) = promote.iter().find(|id| voters.contains(id)) {
            return Err(CannotChange::AlreadyVoter(id));
        }
        let mut asked_for = promote.iter().chain(remove).chain(relocate.keys());
        if let Some(&id) = asked_for.find(|id| !self.contains(**id) && !add.contains_key(id)) {
            return Err(CannotChange::UnknownServer(id));
        }
        let stays = |id: &NodeId| !remove.contains(id);
        let new: BTreeSet<NodeId> = voters.union(promote).copied().filter(stays).collect();
        if new.is_empty() {
            return Err(CannotChange::NobodyLeft);
        }
        let learners = self.learners.iter().chain(add.keys()).copied();
        let learners = learners.filter(|id| stays(id) && !promote.contains(id)).collect();
        let known = self.addresses.iter().chain(add).chain(relocate);
        let addresses = known.filter(|(id, _)| stays(id)).map(|(id, at)| (*id, at.clone())).collect();
        let incarnations =
            self.incarnations.iter().filter(|(id, _)| stays(id)).map(|(id, of)| (*id, *of)).collect();
        let changed = Membership {
            voters: Quorum::Simple(new),
            learners,
            addresses,
            cluster: self.cluster,
            incarnations,
        };
        if changed == *self { Err(CannotChange::Nothing) } else { Ok(changed) }
    }

    /// The joint configuration on the way from this one to `new`; `None` if at most one voter is added or
    /// removed, so that none is needed.
    pub(crate) fn joint_with(&self, new: &Membership) -> Option<Membership> {
        let (Quorum::Simple(before), Quorum::Simple(after)) = (&self.voters, &new.voters) else {
            return None;
        };
        if before.symmetric_difference(after).count() <= 1 {
            return None;
        }
        let mut addresses = self.addresses.clone();
        addresses.extend(new.addresses.clone());
        let mut incarnations = self.incarnations.clone();
        incarnations.extend(&new.incarnations);
        let voters = Quorum::Joint { old: before.clone(), new: after.clone() };
        Some(Membership {
            voters,
            learners: new.learners.clone(),
            addresses,
            incarnations,
            cluster: self.cluster,
        })
    }

    /// C_new if this configuration is joint, otherwise `None`.
    pub(crate) fn leads_to(&self) -> Option<Membership> {
        let Quorum::Joint { new, .. } = &self.voters else { return None };
        let stays = |id: &NodeId| new.contains(id) || self.learners.contains(id);
        let mut goal = Membership { voters: Quorum::Simple(new.clone()), ..self.clone() };
        goal.addresses.retain(|id, _| stays(id));
        goal.incarnations.retain(|id, _| stays(id));
        Some(goal)
    }
}

impl Default for Membership {
    /// The configuration of a server that is yet to join a cluster: empty.
    fn default() -> Membership {
        Membership {
            voters: Quorum::Simple(BTreeSet::new()),
            learners: BTreeSet::new(),
            addresses: BTreeMap::new(),
            cluster: None,
            incarnations: BTreeMap::new(),
        }
    }
}

impl fmt::Display for Membership {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.voters.fmt(f)?;
        let learners: Vec<String> = self.learners.iter().map(NodeId::to_string).collect();
        if learners.is_empty() { Ok(()) } else { write!(f, ", learners {}", learners.join(" ")) }
    }
}

/// The configurations that a server knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Memberships {
    /// The configuration of the snapshot or, without one, of the cluster's beginning; with the index that the
    /// snapshot covers.
    base: (Index, Arc<Membership>),
    /// The configurations in the log after it, in order.
    in_log: Vec<(Index, Arc<Membership>)>,
}

impl Memberships {
    pub(crate) fn new(covered: Index, base: Arc<Membership>) -> Memberships {
        Memberships { base: (covered, base), in_log: Vec::new() }
    }

    /// The latest, with its index.
    pub(crate) fn latest(&self) -> &(Index, Arc<Membership>) {
        self.in_log.last().unwrap_or(&self.base)
    }

    /// The one before the latest, if it is still known.
    pub(crate) fn before_latest(&self) -> &(Index, Arc<Membership>) {
        self.in_log.iter().rev().nth(1).unwrap_or(&self.base)
    }

    /// The one in effect at this index, which no snapshot goes beyond.
    pub(crate) fn at(&self, index: Index) -> &(Index, Arc<Membership>) {
        self.in_log.iter().rev().find(|(place, _)| *place <= index).unwrap_or(&self.base)
    }

    /// An entry of the log holds this configuration.
    pub(crate) fn add(&mut self, index: Index, membership: Arc<Membership>) {
        assert!(index > self.latest().0, "configurations stand in the log in order");
        self.in_log.push((index, membership));
    }

    /// The entries from `first` on were removed.
    pub(crate) fn truncate_from(&mut self, first: Index) {
        self.in_log.retain(|(index, _)| *index < first);
    }

    /// A snapshot covers entries up to `covered`.
    pub(crate) fn cover(&mut self, covered: Index) {
        self.base = (covered, self.at(covered).1.clone());
        self.in_log.retain(|(index, _)| *index > covered);
    }

    /// A leader's snapshot was installed, which covers entries up to `covered` and holds this configuration.
    pub(crate) fn install(&mut self, covered: Index, membership: Arc<Membership>) {
        self.base = (covered, membership);
        self.in_log.retain(|(index, _)| *index > covered);
    }
}

impl<R: Rules> Node<R> {
    /// The configuration in effect.
    pub fn membership(&self) -> &Arc<Membership> {
        &self.membership
    }

    /// Is the configuration in effect known to be committed?
    pub fn is_membership_committed(&self) -> bool {
        self.memberships.latest().0 <= self.commit_index
    }

    /// The configuration in effect at this index, if no snapshot goes beyond it.
    pub fn membership_at(&self, index: Index) -> &Arc<Membership> {
        &self.memberships.at(index).1
    }

    /// May this server start elections? A voter may. A server that is being removed may too, as long as it
    /// does not know that the others can do without it (thesis §4.2.2).
    pub(crate) fn may_campaign(&self) -> bool {
        let own = self.incarnation();
        let votes_yet = |membership: &Membership| {
            let is_own_data = membership.is_data_of(self.id(), own);
            membership.voters.contains(self.id()) && self.rules.allow(Rule::SameDataSameServer, is_own_data)
        };
        let is_voter = votes_yet(&self.membership)
            || (!self.is_membership_committed() && votes_yet(&self.memberships.before_latest().1));
        is_voter && self.founding.is_none() && self.memory.retired.is_none()
    }

    /// A client wants to change the members.
    pub(crate) fn change_membership(&mut self, now: Instant, change: &Change, output: &mut Output) {
        match self.next_membership(now, change) {
            Ok(next) => {
                self.append_membership(now, next, output);
                output.changed = Some(Ok(self.log.last()));
                self.replicate_to_all(output);
                // If one server is a majority, this may commit it at once.
                self.advance_commit(now, output);
            }
            Err(objection) => {
                let (rule, what) = (objection.rule(), What::ChangeRefused { reason: objection.clone() });
                output.decisions.push(Decision::new(rule, what));
                output.changed = Some(Err(objection));
            }
        }
    }

    /// The configuration with which a change begins.
    fn next_membership(&self, now: Instant, change: &Change) -> Result<Membership, CannotChange> {
        if self.role() != RoleKind::Leader {
            return Err(CannotChange::NotLeader { leader: self.leader() });
        }
        let is_at_rest = self.is_membership_committed() && !self.is_handing_over();
        if !self.rules.allow(Rule::OneChangeAtATime, is_at_rest) {
            return Err(CannotChange::UnderWay);
        }
        if !self.rules.allow(Rule::ChangeAfterCommitInTerm, self.has_committed_in_term()) {
            return Err(CannotChange::NothingCommittedInTerm);
        }
        let mut goal = self.membership.changed_by(change)?;
        self.name_folders(&mut goal);
        let joint = self.membership.joint_with(&goal).filter(|_| self.rules.hold(Rule::JointMajorities));
        // A joint configuration holds everything that the final one does, and more.
        if let Some(objection) = Membership::objection_to_size(change, joint.as_ref().unwrap_or(&goal)) {
            return Err(objection);
        }
        if let Some(objection) = self.objection_to_learners(now, change, &goal) {
            return Err(objection);
        }
        if let Some((learner, has)) = self.lagging_learner(now, &goal) {
            return Err(CannotChange::NotCaughtUp { learner, has, of: self.log.last().index });
        }
        if let Some((heard, needed)) = self.missing_majority(&goal.voters, now) {
            return Err(CannotChange::NoQuorum { heard, needed });
        }
        Ok(joint.unwrap_or(goal))
    }

    /// Adds the data folder of each voter, if this leader knows it.
    fn name_folders(&self, membership: &mut Membership) {
        for id in membership.voters.voters() {
            let incarnation = match self.progress().and_then(|progress| progress.get(&id)) {
                _ if id == self.id() => self.incarnation(),
                progress => progress.and_then(Progress::incarnation),
            };
            if let Some(incarnation) = incarnation {
                membership.incarnations.entry(id).or_insert(incarnation);
            }
        }
    }

    /// An old cluster has no id, and its configuration does not name the members' data folders. Once the
    /// leader has heard from all members, it writes both into a new configuration.
    pub(crate) fn name_unnamed(&mut self, now: Instant, output: &mut Output) {
        let is_named = self.membership.cluster.is_some() || self.incarnation().is_none();
        let may_change = self.role() == RoleKind::Leader
            && self.is_membership_committed()
            && !self.is_handing_over()
            && self.has_committed_in_term()
            && matches!(self.membership.voters, Quorum::Simple(_));
        if is_named || !may_change {
            return;
        }
        let mut named = Membership::clone(&self.membership);
        self.name_folders(&mut named);
        if named.voters.voters().iter().all(|id| named.incarnations.contains_key(id)) {
            named.cluster = Some(ClusterId::of_founders(&named.incarnations));
            self.append_membership(now, named, output);
            self.replicate_to_all(output);
            self.advance_commit(now, output);
        }
    }

    /// The data folder of this server.
    pub(crate) fn incarnation(&self) -> Option<Incarnation> {
        self.config.credentials.start.map(|start| start.incarnation)
    }

    /// Sets the first configuration, before there is a log.
    pub(crate) fn begin_with(&mut self, first: Arc<Membership>, output: &mut Output) {
        self.memberships = Memberships::new(Index(0), first);
        self.update_membership(Instant::START, output);
    }

    /// Checks that a majority of these voters was heard within an election timeout. Returns (heard, needed)
    /// if not. This leader counts as heard if it is a voter.
    pub(crate) fn missing_majority(&self, voters: &Quorum, now: Instant) -> Option<(usize, usize)> {
        let timeout = self.config.timing.election_timeout_max();
        let progress = |id: NodeId| self.progress().and_then(|progress| progress.get(&id));
        let is_heard = |id: NodeId| {
            let is_fresh = |progress: &Progress| now.since(progress.heard()) < timeout;
            id == self.id() || progress(id).is_some_and(is_fresh)
        };
        voters.counts(is_heard).find(|(heard, needed)| heard < needed)
    }

    /// Why there would be too many learners that have not caught up. A change that only reduces their number
    /// is always allowed.
    fn objection_to_learners(
        &self,
        now: Instant,
        change: &Change,
        goal: &Membership,
    ) -> Option<CannotChange> {
        let timeout = self.config.timing.election_timeout_min();
        let progress = |id: &NodeId| self.progress().and_then(|progress| progress.get(id));
        let lags = |id: &&NodeId| !progress(id).is_some_and(|progress| progress.has_caught_up(now, timeout));
        let (learners, at_most) = (goal.learners.iter().filter(lags).count(), Membership::MOST_BEHIND);
        let adds_some = change.add.keys().any(|id| goal.learners.contains(id));
        (adds_some && learners > at_most).then_some(CannotChange::TooManyLearners { learners, at_most })
    }

    /// A server that would vote from then on, but lacks too much of the log; with its last matching entry.
    fn lagging_learner(&self, now: Instant, goal: &Membership) -> Option<(NodeId, Index)> {
        let timeout = self.config.timing.election_timeout_min();
        let is_new = |id: &NodeId| !self.membership.voters.contains(*id);
        let progress = |id: NodeId| self.progress().and_then(|progress| progress.get(&id));
        let lags = |id: &NodeId| !progress(*id).is_some_and(|progress| progress.has_caught_up(now, timeout));
        let found = goal.voters.voters().into_iter().filter(is_new).find(lags);
        let found = found.filter(|_| self.rules.hold(Rule::LearnersCatchUpFirst));
        found.map(|id| (id, progress(id).map_or(Index(0), Progress::match_index)))
    }

    fn append_membership(&mut self, now: Instant, membership: Membership, output: &mut Output) {
        let is_joint = matches!(membership.voters, Quorum::Joint { .. });
        let rule = if is_joint { Rule::JointMajorities } else { Rule::LeaderAppendOnly };
        self.append_own([Payload::Membership(Arc::new(membership))], rule, output);
        self.update_membership(now, output);
    }

    /// The log, or its committed part, has changed, and with it perhaps the configuration in effect.
    pub(crate) fn update_membership(&mut self, now: Instant, output: &mut Output) {
        if self.counted().1 == self.membership {
            return;
        }
        let membership = self.counted().1.clone();
        let before = std::mem::replace(&mut self.membership, membership.clone());
        self.refused_by.clear();
        self.was_member |= membership.contains(self.id());
        self.peers = membership.members().into_iter().filter(|&id| id != self.config.id).collect();
        if let Role::Leader(leader) = &mut self.role {
            let last = self.log.last().index;
            for &peer in &self.peers {
                // What was known about a former member under this number says nothing about this one.
                if !before.contains(peer) {
                    leader.progress.insert(peer, Progress::new(last, now));
                }
                leader.progress.entry(peer).or_insert_with(|| Progress::new(last, now)).leaves = None;
            }
            let leaving = leader.progress.keys().filter(|id| !membership.contains(**id));
            self.peers.extend(leaving);
        }
        self.report_membership(output);
    }

    /// The configuration that is in effect according to the log, with its index.
    fn counted(&self) -> &(Index, Arc<Membership>) {
        if self.rules.hold(Rule::UseLatestConfiguration) {
            self.memberships.latest()
        } else {
            self.memberships.at(self.commit_index)
        }
    }

    pub(crate) fn report_membership(&self, output: &mut Output) {
        let (index, membership) = self.counted().clone();
        let rule = match membership.voters {
            Quorum::Simple(_) => Rule::UseLatestConfiguration,
            Quorum::Joint { .. } => Rule::JointMajorities,
        };
        output.decided(rule, What::Membership { index, membership });
    }

    /// More entries are committed, perhaps a configuration among them.
    pub(crate) fn on_membership_committed(&mut self, now: Instant, output: &mut Output) {
        self.update_membership(now, output);
        if !self.is_membership_committed() {
            return;
        }
        if self.was_member && !self.membership.contains(self.id()) {
            self.was_member = false;
            let index = self.memberships.latest().0;
            output.decided(Rule::RemovedLeaderStepsDownOnCommit, What::Removed { index });
            self.remember_removal(index, output);
        }
        if let Some(cluster) = self.membership.cluster.filter(|_| self.memory.cluster.is_none()) {
            self.set_memory(Memory { cluster: Some(cluster), ..self.memory.clone() }, output);
        }
        if self.role() != RoleKind::Leader {
            return;
        }
        if let Some(goal) = self.membership.leads_to() {
            self.append_membership(now, goal, output);
            self.replicate_to_all(output);
            return self.advance_commit(now, output);
        }
        self.schedule_removal(now);
        let is_needed = self.membership.voters.contains(self.id());
        if !self.rules.allow(Rule::RemovedLeaderStepsDownOnCommit, is_needed) {
            self.step_down_for_others(now, output);
        }
    }

    fn remember_removal(&mut self, index: Index, output: &mut Output) {
        if let Some(term) = self.log.term_at(index).filter(|_| self.rules.hold(Rule::RememberRemoval)) {
            let removed_by = LogPosition { index, term };
            self.set_memory(Memory { removed_by, ..self.memory.clone() }, output);
        }
    }

    /// After a restart: is this server missing from the latest configuration, and does it remember that this
    /// configuration is committed?
    pub(crate) fn remembers_removal(&self) -> bool {
        let removed_by = self.memory.removed_by;
        removed_by.index > Index(0)
            && removed_by.index == self.memberships.latest().0
            && self.log.contains(removed_by)
    }

    /// A removed server is replicated to for one more election timeout, so that it learns of its removal.
    fn schedule_removal(&mut self, now: Instant) {
        let until = now + self.config.timing.election_timeout_max();
        let Role::Leader(leader) = &mut self.role else { return };
        for (_, progress) in leader.progress.iter_mut().filter(|(id, _)| !self.membership.contains(**id)) {
            progress.leaves.get_or_insert(until);
        }
    }

    /// A server that is not a member wants to be elected. A leader sends it the entries it lacks, so that it
    /// learns of its removal.
    pub(crate) fn catch_up_non_member(&mut self, now: Instant, stranger: NodeId, output: &mut Output) {
        let until = now + self.config.timing.election_timeout_max();
        let last = self.log.last().index;
        let is_known = self.peers.contains(&stranger);
        let Role::Leader(leader) = &mut self.role else { return };
        if is_known || !self.memberships.latest().1.voters.contains(self.config.id) {
            return;
        }
        leader.progress.entry(stranger).or_insert(Progress::new(last, now)).leaves = Some(until);
        self.peers.push(stranger);
        self.send_append(stranger, Vec::new(), output);
    }

    /// Forgets removed servers that have had enough time to learn of their removal.
    pub(crate) fn drop_removed(&mut self, now: Instant) {
        let Role::Leader(leader) = &mut self.role else { return };
        if leader.progress.values().any(|progress| progress.leaves.is_some_and(|until| until <= now)) {
            leader.progress.retain(|_, progress| progress.leaves.is_none_or(|until| until > now));
            self.peers.retain(|peer| leader.progress.contains_key(peer));
        }
    }

    /// For a leader that is no longer a voter: tells the others that its removal is committed, and asks the
    /// one with the most complete log to start an election at once.
    fn step_down_for_others(&mut self, now: Instant, output: &mut Output) {
        self.send_heartbeats(now, output);
        let voters = self.peers.iter().filter(|peer| self.membership.voters.contains(**peer));
        let best = voters.max_by_key(|peer| self.progress_of(**peer).match_index()).copied();
        if let Some(to) = best.filter(|to| self.progress_of(*to).match_index() == self.log.last().index) {
            self.ask_to_take_over(to, output);
        }
        self.become_follower(now, None, Some(Rule::RemovedLeaderStepsDownOnCommit), output);
    }
}
