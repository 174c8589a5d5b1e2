//! Links in English: which servers they connect.

use crate::record::Link;
use consensus::NodeId;
use std::collections::BTreeSet;

/// Which way these links go, as in `from n1 to n2` or `between n1 and n2, n3`.
pub(super) fn way(links: &[Link]) -> String {
    let all: BTreeSet<Link> = links.iter().copied().collect();
    let Some(first) = links.first() else { return "on no link".to_owned() };
    let senders: BTreeSet<NodeId> =
        all.iter().filter(|link| link.to == first.to).map(|link| link.from).collect();
    let receivers: BTreeSet<NodeId> =
        all.iter().filter(|link| link.from == first.from).map(|link| link.to).collect();
    let there = links_between(&senders, &receivers);
    let are_two_sides = senders.is_disjoint(&receivers);
    if are_two_sides && all == there {
        return format!("from {} to {}", names(&senders), names(&receivers));
    }
    let back = there.iter().map(|link| link.back());
    if are_two_sides && all == there.iter().copied().chain(back).collect() {
        return format!("between {} and {}", names(&senders), names(&receivers));
    }
    let everyone: BTreeSet<NodeId> = all.iter().map(|link| link.from).collect();
    if all == links_between(&everyone, &everyone) {
        return format!("between any two of {}", names(&everyone));
    }
    let each: Vec<String> = all.iter().map(|link| format!("{}→{}", link.from, link.to)).collect();
    format!("on the links {}", each.join(", "))
}

fn links_between(senders: &BTreeSet<NodeId>, receivers: &BTreeSet<NodeId>) -> BTreeSet<Link> {
    let links = senders.iter().flat_map(|&from| receivers.iter().map(move |&to| Link { from, to }));
    links.filter(|link| link.from != link.to).collect()
}

fn names(servers: &BTreeSet<NodeId>) -> String {
    let names: Vec<String> = servers.iter().map(NodeId::to_string).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(pairs: &[(u64, u64)]) -> Vec<Link> {
        pairs.iter().map(|&(from, to)| Link { from: NodeId(from), to: NodeId(to) }).collect()
    }

    #[test]
    fn links_are_told_by_the_servers_that_they_connect() {
        for (pairs, told) in [
            (&[(1, 2)][..], "from n1 to n2"),
            (&[(1, 2), (2, 1)], "between n1 and n2"),
            (&[(3, 1), (1, 3), (3, 2), (2, 3)], "between n3 and n1, n2"),
            (&[(1, 3), (1, 2)], "from n1 to n2, n3"),
            (&[(1, 3), (3, 1), (1, 4), (4, 1), (2, 3), (3, 2), (2, 4), (4, 2)], "between n1, n2 and n3, n4"),
            (&[(1, 2), (2, 1), (1, 3), (3, 1), (2, 3), (3, 2)], "between any two of n1, n2, n3"),
            (&[(1, 2), (2, 3)], "on the links n1→n2, n2→n3"),
        ] {
            assert_eq!(way(&links(pairs)), told);
        }
    }
}
