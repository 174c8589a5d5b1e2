//! Elections among real processes.

use crate::common::watched::Watched;
use crate::common::{assert_one_leader_per_term, await_gone, is_election, leaders_by_term};
use cluster::{Action, Options};
use consensus::{NodeId, Profile, RoleKind, Timing};
use std::time::Duration;
use trace::{Event, Process, Record};

#[test]
fn a_new_leader_for_every_one_that_is_killed() {
    let mut watched = Watched::start(3);
    for round in 1..=20 {
        let leader = watched.wait_for_agreement();
        watched.perform(&Action::KillLeader);
        watched.wait_until("another leader", |watched| {
            watched.view.leader().is_some_and(|another| another != leader)
        });
        watched.perform(&Action::Restart { node: leader });
        watched.wait_until("the old leader's return", |watched| {
            watched.view.server(leader).is_some_and(|server| server.role == Some(RoleKind::Follower))
        });
        assert!(leaders_by_term(&watched.records).len() > round, "round {round}");
    }
    watched.wait_for_agreement();
    assert_one_leader_per_term(&watched.records);
}

#[test]
fn terms_survive_a_crash_of_all() {
    let mut watched = Watched::start(3);
    watched.wait_for_agreement();
    let term = watched.view.servers().map(|(_, server)| server.term).max().unwrap();
    for id in 1..=3 {
        watched.perform(&Action::Kill { node: NodeId(id) });
    }
    for id in 1..=3 {
        watched.perform(&Action::Restart { node: NodeId(id) });
    }
    watched.wait_until("a leader of a later term", |watched| {
        watched.view.leader().is_some_and(|leader| watched.view.server(leader).unwrap().term > term)
    });
    assert_one_leader_per_term(&watched.records);
}

#[test]
fn eager_servers_do_not_wait_until_their_timers_run_out() {
    let data = tempfile::tempdir().unwrap();
    let hour = Duration::from_secs(3600);
    let mut watched = Watched::start_with(Options {
        timing: Timing::new(Duration::from_millis(100), hour, 2 * hour).unwrap(),
        profile: Profile::PRODUCTION,
        ..Watched::options(3, data.path())
    });
    let first = watched.wait_for_agreement();
    watched.perform(&Action::KillLeader);
    watched.wait_until("another leader, since connections broke", |watched| {
        watched.view.leader().is_some_and(|leader| leader != first)
    });
    let left: Vec<NodeId> = (1..=3).map(NodeId).filter(|&id| id != first).collect();
    for &node in &left {
        watched.perform(&Action::Kill { node });
    }
    watched.perform(&Action::Restart { node: left[0] });
    watched.perform(&Action::Restart { node: left[1] });
    watched.wait_until("a leader, since connections were made", |watched| watched.view.leader().is_some());
    assert_one_leader_per_term(&watched.records);
}

#[test]
fn a_paused_leader_steps_down_when_it_wakes() {
    let mut watched = Watched::start(3);
    let old = watched.wait_for_agreement();
    watched.perform(&Action::Pause { node: old });
    watched.wait_until("another leader", |watched| watched.view.leader().is_some_and(|leader| leader != old));
    assert_eq!(watched.view.server(old).unwrap().role, Some(RoleKind::Leader), "it does not know yet");
    watched.perform(&Action::Resume { node: old });
    watched.wait_until("the old leader to follow", |watched| {
        let server = watched.view.server(old).unwrap();
        server.role == Some(RoleKind::Follower) && server.leader.is_some()
    });
    assert_one_leader_per_term(&watched.records);
}

#[test]
fn a_forced_timeout_deposes_the_leader() {
    let mut watched = Watched::start(3);
    let leader = watched.wait_for_agreement();
    let follower = (1..=3).map(NodeId).find(|&id| id != leader).unwrap();
    let elections = watched.records.iter().filter(|record| is_election(record)).count();
    watched.perform(&Action::ForceTimeout { node: follower });
    watched.wait_until("another election", |watched| {
        watched.records.iter().filter(|record| is_election(record)).count() > elections
    });
    watched.wait_for_agreement();
    assert_one_leader_per_term(&watched.records);
}

#[test]
fn aligned_timers_run_out_together_and_somebody_is_elected_in_the_end() {
    let mut watched = Watched::start(3);
    watched.wait_for_agreement();
    let before = watched.view.servers().map(|(_, server)| server.term).max().unwrap();
    watched.perform(&Action::AlignTimers);
    watched.wait_until("an election in a later term", |watched| {
        watched.records.iter().any(|record| is_election(record) && record.term > before)
    });
    watched.wait_for_agreement();
    assert_one_leader_per_term(&watched.records);
}

#[test]
fn clusters_of_any_size_elect_a_leader() {
    for servers in [1, 2, 4, 7] {
        let mut watched = Watched::start(servers);
        watched.wait_for_agreement();
        assert_one_leader_per_term(&watched.records);
    }
}

#[test]
fn stopping_a_cluster_leaves_no_process_not_even_a_paused_one() {
    let mut watched = Watched::start(3);
    let leader = watched.wait_for_leader();
    watched.perform(&Action::Pause { node: leader });
    let pid = |record: &Record| match record.event {
        Event::Process(Process::Started { pid, .. }) => Some(pid),
        _ => None,
    };
    let pids: Vec<u32> = watched.records.iter().filter_map(pid).collect();
    assert_eq!(pids.len(), 3);
    watched.cluster.stop();
    await_gone(&pids);
}

#[test]
fn what_cant_be_done_is_refused_in_words() {
    let mut watched = Watched::start(1);
    watched.wait_for_leader();
    watched.perform(&Action::Kill { node: NodeId(1) });
    for action in [
        Action::Kill { node: NodeId(1) },
        Action::Pause { node: NodeId(1) },
        Action::ForceTimeout { node: NodeId(1) },
    ] {
        let refusal = watched.cluster.perform(&action).unwrap_err();
        assert!(refusal.contains("n1 is not running"), "{refusal}");
    }
    let refusal = watched.cluster.perform(&Action::KillLeader).unwrap_err();
    assert!(refusal.contains("no leader"), "{refusal}");
    assert!(watched.cluster.perform(&Action::SetSpeed { multiple: 0.0 }).is_err());
}
