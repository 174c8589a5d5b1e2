//! Who elects eagerly, and when it does not.

use crate::common::config;
use consensus::{
    Config, EveryRule, HardState, Input, Instant, Log, Membership, Node, NodeId, Origin, Output, Profile,
};
use std::time::Duration;

/// Does a follower of three without a leader wait for less than before, when this server connects?
fn shortens_its_timer(profile: Profile, peer: u64) -> bool {
    let config = Config { profile, ..config(NodeId(1), Membership::of_voters((1..=3).map(NodeId))) };
    let mut output = Output::default();
    let mut node = Node::start(config, HardState::default(), Log::default(), EveryRule, &mut output);
    let before = node.next_deadline();
    let made = Input::ConnectionMade { peer: NodeId(peer), origin: Origin::default() };
    node.step(Instant::START + Duration::from_millis(1), made, &mut output);
    node.next_deadline() < before
}

#[test]
fn only_a_voter_and_only_with_eager_elections_shortens_the_wait() {
    assert!(shortens_its_timer(Profile::PRODUCTION, 2));
    assert!(!shortens_its_timer(Profile::PRODUCTION, 4), "it can't vote");
    assert!(!shortens_its_timer(Profile { eager_election: false, ..Profile::PRODUCTION }, 2));
    assert!(!shortens_its_timer(Profile { pre_vote: false, ..Profile::PRODUCTION }, 2));
}
