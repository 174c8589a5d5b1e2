//! A configuration that is too large is refused before it is in any log.

use consensus::{
    AppendEntriesReply, AppendOutcome, CannotChange, Change, EveryRule, HardState, Input, Instant, Log,
    Membership, Message, Node, NodeId, Origin, Output, RoleKind,
};
use std::collections::{BTreeMap, BTreeSet};

/// A leader that is the only voter, in a cluster with these learners.
fn leader(learners: BTreeMap<NodeId, String>) -> Node {
    let membership = Membership {
        learners: learners.keys().copied().collect(),
        addresses: learners,
        ..Membership::of_voters([NodeId(1)])
    };
    let config = crate::common::config(NodeId(1), membership);
    let log = Log::default();
    let mut node = Node::start(config, HardState::default(), log, EveryRule, &mut Output::default());
    for input in [Input::SetElectionTimer { deadline: Instant::START }, Input::Tick] {
        node.step(Instant::START, input, &mut Output::default());
    }
    save(&mut node);
    save(&mut node);
    assert_eq!(node.role(), RoleKind::Leader);
    node
}

fn save(node: &mut Node) {
    let saved = Input::Persisted { memory: 0, hard_state: node.hard_state(), log: node.log().last() };
    node.step(Instant::START, saved, &mut Output::default());
}

/// All learners acknowledge all of the log.
fn catch_up(node: &mut Node) {
    let outcome = AppendOutcome::Matched { match_index: node.log().last().index };
    let reply = AppendEntriesReply { term: node.hard_state().current_term, outcome, round: 0 };
    for from in node.membership().learners.clone() {
        let message = Message::AppendEntriesReply(reply.clone());
        let said = Input::Message { from, origin: Origin::default(), message };
        node.step(Instant::START, said, &mut Output::default());
    }
}

/// The leader's reply to a change; one that it accepts is committed.
fn change(node: &mut Node, change: Change) -> Result<(), CannotChange> {
    let mut output = Output::default();
    node.step(Instant::START, Input::ChangeMembership { change }, &mut output);
    save(node);
    assert!(node.is_membership_committed());
    output.changed.unwrap().map(drop)
}

fn add(id: u64, address: impl Into<String>) -> Change {
    Change { add: [(NodeId(id), address.into())].into(), ..Change::default() }
}

fn remove(ids: impl IntoIterator<Item = u64>) -> Change {
    Change { remove: ids.into_iter().map(NodeId).collect(), ..Change::default() }
}

#[test]
fn the_members_have_a_greatest_number() {
    let learners = (2..=98).map(|id| (NodeId(id), "host:1".to_owned())).collect();
    let mut node = leader(learners);
    catch_up(&mut node);
    assert_eq!(change(&mut node, add(99, "host:1")), Ok(()));
    let log = node.log().last();
    let refused = CannotChange::TooManyMembers { members: 100, at_most: Membership::MOST_MEMBERS };
    assert_eq!(change(&mut node, add(100, "host:1")), Err(refused));
    assert_eq!(node.log().last(), log, "nothing was appended");
    assert_eq!(change(&mut node, Change { remove: [NodeId(2)].into(), ..add(100, "host:1") }), Ok(()));
    assert_eq!(node.membership().members().len(), Membership::MOST_MEMBERS);
}

/// One request that added a thousand servers that did not exist left a cluster without a leader.
#[test]
fn learners_that_lack_the_log_have_a_greatest_number() {
    let mut node = leader(BTreeMap::new());
    let some = |ids: std::ops::RangeInclusive<u64>| Change {
        add: ids.map(|id| (NodeId(id), "host:1".to_owned())).collect(),
        ..Change::default()
    };
    let refused =
        |learners| Err(CannotChange::TooManyLearners { learners, at_most: Membership::MOST_BEHIND });
    assert_eq!(change(&mut node, some(2..=10)), refused(9));
    assert_eq!(change(&mut node, some(2..=9)), Ok(()));
    let log = node.log().last();
    assert_eq!(change(&mut node, some(10..=10)), refused(9));
    assert_eq!(node.log().last(), log, "nothing was appended");
    catch_up(&mut node);
    assert_eq!(change(&mut node, some(10..=17)), Ok(()));
    assert_eq!(change(&mut node, some(18..=18)), refused(9));
    assert_eq!(change(&mut node, remove([17])), Ok(()), "who only takes some away is not asked");
}

#[test]
fn an_address_has_a_greatest_length() {
    let mut node = leader(BTreeMap::new());
    let longest = "h".repeat(Membership::LONGEST_ADDRESS);
    let refused = CannotChange::AddressTooLong {
        server: NodeId(2),
        bytes: longest.len() + 1,
        at_most: Membership::LONGEST_ADDRESS,
    };
    assert_eq!(change(&mut node, add(2, longest.clone() + "h")), Err(refused));
    assert_eq!(change(&mut node, add(2, longest)), Ok(()));
}

/// Earlier versions had no limits.
#[test]
fn a_cluster_that_has_grown_too_large_can_only_shrink() {
    let learners: BTreeSet<u64> = (2..=200).collect();
    let addresses = learners.iter().map(|&id| (NodeId(id), "h".repeat(400))).collect();
    let mut node = leader(addresses);
    assert!(node.membership().size() > Membership::LARGEST);
    let refused = change(&mut node, add(201, "host:1"));
    assert_eq!(
        refused,
        Err(CannotChange::TooManyMembers { members: 201, at_most: Membership::MOST_MEMBERS })
    );
    assert_eq!(change(&mut node, remove(90..=200)), Ok(()));
    let refused = change(&mut node, add(201, "host:1"));
    assert!(
        matches!(refused, Err(CannotChange::TooLarge { at_most: Membership::LARGEST, .. })),
        "{refused:?}"
    );
    assert_eq!(change(&mut node, remove(50..=89)), Ok(()));
    catch_up(&mut node);
    assert_eq!(change(&mut node, add(201, "host:1")), Ok(()));
}
