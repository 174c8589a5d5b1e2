//! Links between real servers that are cut, slow or lossy.

use crate::common::is_election;
use crate::common::watched::Watched;
use cluster::{Action, Links};
use consensus::event::What;
use consensus::{NodeId, RoleKind};
use std::collections::BTreeMap;
use trace::{Event, EventId, Io, Link, Record};

fn is_timeout_of(node: NodeId) -> impl Fn(&Record) -> bool {
    move |record| {
        let timed_out = matches!(&record.event, Event::Decision(decision) if matches!(decision.what, What::Timeout { .. }));
        record.node == node && timed_out
    }
}

fn has_come(record: &Record, link: Link) -> bool {
    record.node == link.to
        && matches!(&record.event, Event::Io(Io::Received { from, .. }) if *from == link.from)
}

fn has_left(record: &Record, link: Link) -> bool {
    record.node == link.from && matches!(&record.event, Event::Io(Io::Sent { to, .. }) if *to == link.to)
}

fn count(records: &[Record], is_counted: impl Fn(&Record) -> bool) -> usize {
    records.iter().filter(|record| is_counted(record)).count()
}

/// Cuts the leader off, and waits until the others have noticed: by then all servers know about the cut.
fn isolate_leader(watched: &mut Watched) -> (NodeId, NodeId) {
    let old = watched.wait_for_agreement();
    watched.perform(&Action::Cut { links: Links::Of(old) });
    watched.wait_until("another leader", |watched| watched.view.leader().is_some_and(|leader| leader != old));
    (old, watched.view.leader().unwrap())
}

#[test]
fn nothing_passes_a_link_that_is_cut_until_it_is_healed() {
    let mut watched = Watched::start(3);
    let (old, new) = isolate_leader(&mut watched);
    let (from_old, to_old) = (Link { from: old, to: new }, Link { from: new, to: old });
    let begin = watched.records.len();
    watched.wait_until("both to send in vain", |watched| {
        let since = &watched.records[begin..];
        count(since, |record| has_left(record, from_old)) >= 20
            && count(since, |record| has_left(record, to_old)) >= 20
    });
    let since = &watched.records[begin..];
    assert_eq!(count(since, |record| has_come(record, from_old) || has_come(record, to_old)), 0);
    assert_eq!(watched.view.server(old).unwrap().role, Some(RoleKind::Leader), "it can't know better");
    assert!(watched.view.network().faults(from_old).cut && watched.view.network().faults(to_old).cut);

    watched.perform(&Action::Heal);
    assert_eq!(watched.wait_for_agreement(), new);
    watched.wait_until("the old leader to follow", |watched| {
        watched.view.server(old).unwrap().leader == watched.view.leader()
    });
    assert_eq!(watched.view.network().faulty_links().count(), 0);
}

#[test]
fn one_way_is_cut_and_the_other_is_not() {
    let mut watched = Watched::start(2);
    let leader = watched.wait_for_agreement();
    let follower = NodeId(3 - leader.0);
    let cut = Link { from: leader, to: follower };
    watched.perform(&Action::Cut { links: Links::OneWay(cut) });
    // It hears no heartbeats, and asks for votes, which the other server gets. The replies are lost.
    watched.wait_until("elections in vain", |watched| count(&watched.records, is_timeout_of(follower)) >= 4);
    let begin = watched.records.iter().position(is_timeout_of(follower)).unwrap();
    watched.wait_until("requests to be heard", |watched| {
        count(&watched.records[begin..], |record| has_come(record, cut.back())) >= 3
    });
    // The first timeout may have been before there was a leader: the last ones count.
    let timeouts: Vec<usize> =
        (begin..watched.records.len()).filter(|&at| is_timeout_of(follower)(&watched.records[at])).collect();
    let since = &watched.records[timeouts[timeouts.len() - 2]..];
    assert_eq!(count(since, |record| has_come(record, cut)), 0);
    watched.perform(&Action::Mend { links: Links::OneWay(cut) });
    watched.wait_for_agreement();
}

#[test]
fn a_restarted_server_finds_its_links_as_they_were() {
    let mut watched = Watched::start(3);
    let (old, _) = isolate_leader(&mut watched);
    watched.perform(&Action::Restart { node: old });
    watched.wait_until("elections in vain in its second life", |watched| {
        count(&watched.records, |record| record.life == 2 && is_timeout_of(old)(record)) >= 3
    });
    let is_heard = |record: &Record| {
        record.node == old && record.life == 2 && matches!(record.event, Event::Io(Io::Received { .. }))
    };
    assert_eq!(count(&watched.records, is_heard), 0);
    watched.perform(&Action::Heal);
    watched.wait_until("it to be heard again", |watched| count(&watched.records, is_heard) > 0);
    watched.wait_for_agreement();
}

#[test]
fn a_slow_link_holds_each_message() {
    const DELAY: u64 = 30_000;
    let mut watched = Watched::start(3);
    watched.wait_for_agreement();
    watched.perform(&Action::Delay { links: Links::All, delay_us: DELAY });
    watched.wait_until("slow messages", |watched| {
        count(&watched.records, |record| took(record, &watched.records) >= Some(DELAY)) >= 30
    });
    // After its first slow message, each server gets only slow ones.
    let sent: BTreeMap<EventId, u64> =
        watched.records.iter().filter_map(|record| Some((record.id()?, record.t))).collect();
    for node in (1..=3).map(NodeId) {
        let came = watched
            .records
            .iter()
            .filter(|record| record.node == node && matches!(record.event, Event::Io(Io::Received { .. })));
        let took: Vec<u64> = came.filter_map(|record| Some(record.t - sent.get(&record.cause?)?)).collect();
        let first_slow = took.iter().position(|&took| took >= DELAY).unwrap_or(took.len());
        assert!(took[first_slow..].iter().all(|&took| took >= DELAY), "{node}: {took:?}");
    }
    watched.perform(&Action::Delay { links: Links::All, delay_us: 0 });
    watched.wait_for_agreement();
}

/// How long a message was in flight, in microseconds.
fn took(record: &Record, records: &[Record]) -> Option<u64> {
    matches!(record.event, Event::Io(Io::Received { .. })).then_some(())?;
    let sent = records.iter().rev().find(|sent| sent.id() == record.cause)?;
    Some(record.t - sent.t)
}

#[test]
fn a_link_that_loses_all_is_as_good_as_cut() {
    let mut watched = Watched::start(3);
    let leader = watched.wait_for_agreement();
    watched.perform(&Action::Lose { links: Links::Of(leader), percent: 100 });
    watched.wait_until("another leader", |watched| {
        watched.records.iter().rev().any(|record| is_election(record) && record.node != leader)
            && watched.view.leader().is_some_and(|other| other != leader)
    });
    assert!(watched.cluster.perform(&Action::Lose { links: Links::All, percent: 101 }).is_err());
    assert!(watched.cluster.perform(&Action::Cut { links: Links::Of(NodeId(9)) }).is_err());
    watched.perform(&Action::Lose { links: Links::All, percent: 0 });
    watched.wait_for_agreement();
}
