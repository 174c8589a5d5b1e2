//! Are all replicas equal?

use crate::clients::RECOVERY;
use crate::shared::Shared;
use crate::violation::Violation;
use client::{Entry, List, Node, NotDone, Read};
use consensus::NodeId;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long a server may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How often to check whether all have applied the same entries.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Waits until all members have applied the same entries, as they do when nobody writes, and compares
/// everything that they hold.
pub(crate) fn compare(servers: &[NodeId], shared: &Shared) -> Result<(), Violation> {
    let nodes = servers.iter().map(|&id| (id, shared.node(id).expect("all servers run"))).collect();
    let nodes = wait_until_equally_far(nodes)?;
    let mut stores = nodes.iter().map(|(&id, node)| (id, store_of(node)));
    let (first, expected) = stores.next().expect("a cluster has servers");
    let expected = expected.map_err(silent)?;
    for (id, store) in stores {
        if let Some(key) = first_difference(&expected, &store.map_err(silent)?) {
            return Err(Violation::new(format!(
                "{first} and {id} have applied the same entries, but differ in the value of key {}",
                String::from_utf8_lossy(&key)
            )));
        }
    }
    Ok(())
}

/// Returns the members. A server whose removal was requested at the last moment may not be among them.
fn wait_until_equally_far(mut nodes: BTreeMap<NodeId, Node>) -> Result<BTreeMap<NodeId, Node>, Violation> {
    let deadline = Instant::now() + RECOVERY;
    loop {
        let mut told = nodes.values().filter_map(|node| node.members(TIMEOUT).ok());
        if let Some(told) = told.find(|told| told.leader == Some(told.node) && told.is_committed) {
            nodes.retain(|id, _| told.membership.contains(*id));
        }
        let statuses: Vec<_> = nodes.values().map(|node| node.status(TIMEOUT)).collect();
        let far = statuses.iter().map(|status| {
            let status = status.as_ref().ok()?;
            let is_idle = status.last_log.index == status.last_applied && status.waiting == 0;
            is_idle.then_some(status.last_log)
        });
        let far: Vec<_> = far.collect();
        if far[0].is_some() && far.iter().all(|position| *position == far[0]) {
            return Ok(nodes);
        }
        if Instant::now() > deadline {
            let what = format!(
                "{} s after the last fault, the servers do not all have the same log",
                RECOVERY.as_secs()
            );
            let lines = statuses.into_iter().map(|status| match status {
                Ok(status) => format!(
                    "{}: {:?} in term {}, log to {}, committed to {}, applied to {}\n",
                    status.node,
                    status.role,
                    status.term,
                    status.last_log.index,
                    status.commit_index,
                    status.last_applied
                ),
                Err(why) => format!("{why}\n"),
            });
            return Err(Violation { picture: lines.collect(), ..Violation::new(what) });
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// Everything that a server holds.
fn store_of(node: &Node) -> Result<Vec<Entry>, NotDone> {
    let mut entries = Vec::new();
    let mut list = List { read: Read::Stale, ..List::default() };
    loop {
        let page = node.list(&list, TIMEOUT)?;
        entries.extend(page.entries);
        match page.more_after {
            Some(after) => list.after = after,
            None => return Ok(entries),
        }
    }
}

fn first_difference(one: &[Entry], other: &[Entry]) -> Option<Vec<u8>> {
    let place = one.iter().zip(other).position(|(one, other)| one != other);
    let place = place.or_else(|| (one.len() != other.len()).then(|| one.len().min(other.len())))?;
    one.get(place).or(other.get(place)).map(|entry| entry.key.clone())
}

fn silent(why: NotDone) -> Violation {
    Violation::new(format!("a running server does not return what it holds: {why}"))
}
