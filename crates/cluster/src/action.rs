//! What a person can do to a running cluster.

use consensus::{NodeId, Profile};
use serde::Deserialize;
use trace::Link;

/// Something done to the servers from outside, to see what they make of it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Kill the current leader's process (SIGKILL): a crash.
    KillLeader,
    /// Kill a server's process (SIGKILL).
    Kill {
        /// Which one.
        node: NodeId,
    },
    /// Start a dead server again; a living one is killed first.
    Restart {
        /// Which one.
        node: NodeId,
    },
    /// Halt a server's process (SIGSTOP).
    Pause {
        /// Which one.
        node: NodeId,
    },
    /// Let a halted process go on (SIGCONT).
    Resume {
        /// Which one.
        node: NodeId,
    },
    /// Let a server's election timer run out now.
    ForceTimeout {
        /// Which one's.
        node: NodeId,
    },
    /// Let all election timers run out at the same moment, the leader's place included: a split vote
    /// on purpose.
    AlignTimers,
    /// Let the servers' clocks run at another speed.
    SetSpeed {
        /// As a multiple of real time.
        multiple: f64,
    },
    /// Let all servers follow these rules beyond the paper's basic algorithm.
    SetProfile {
        /// Those.
        profile: Profile,
    },
    /// Have the leader hand over.
    Transfer {
        /// To this server.
        to: NodeId,
    },
    /// Start one server more, have it added as a learner, and promoted when it has caught up.
    AddServer,
    /// Start one server more, and have it vote in the place of another one, in one step, when it has caught up.
    ReplaceServer {
        /// Which one goes.
        node: NodeId,
    },
    /// Have a server removed from the members. Its process stays; where it is no member any more, that ends too.
    RemoveServer {
        /// Which one.
        node: NodeId,
    },
    /// Let nothing pass.
    Cut {
        /// Where.
        links: Links,
    },
    /// Let messages pass again. Those that were slow or lossy stay so.
    Mend {
        /// Where.
        links: Links,
    },
    /// Hold each message for a while.
    Delay {
        /// Where.
        links: Links,
        /// How long, in microseconds of the servers' own time; 0 for not at all.
        delay_us: u64,
    },
    /// Lose messages at random.
    Lose {
        /// Where.
        links: Links,
        /// So many of a hundred, from 0 to 100.
        percent: u8,
    },
    /// Let all links be as they were at first.
    Heal,
}

/// Links between servers, of which each goes one way.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Links {
    /// Between any two servers.
    All,
    /// From one server to another.
    OneWay(Link),
    /// Between two servers, both ways.
    BothWays(NodeId, NodeId),
    /// Between a server and each other one, both ways.
    Of(NodeId),
    /// Between any of these servers and any of the others, both ways.
    Between(Vec<NodeId>),
}

impl Links {
    /// Each of these links in a cluster of these servers.
    ///
    /// # Errors
    /// If there are none: a sentence that says why.
    pub fn among(&self, servers: &[NodeId]) -> Result<Vec<Link>, String> {
        let named: &[NodeId] = match self {
            Links::All => &[],
            Links::OneWay(Link { from, to }) | Links::BothWays(from, to) => &[*from, *to],
            Links::Of(node) => &[*node],
            Links::Between(nodes) => nodes,
        };
        if let Some(stranger) = named.iter().find(|node| !servers.contains(node)) {
            return Err(format!("{stranger} is not a server of this cluster"));
        }
        let both_ways = |side: &[NodeId]| -> Vec<Link> {
            let others = || servers.iter().filter(|&server| !side.contains(server));
            let there = side.iter().flat_map(|&from| others().map(move |&to| Link { from, to }));
            there.flat_map(|link| [link, link.back()]).collect()
        };
        let links = match self {
            Links::All => servers
                .iter()
                .flat_map(|&from| servers.iter().map(move |&to| Link { from, to }))
                .filter(|link| link.from != link.to)
                .collect(),
            Links::OneWay(link) if link.from == link.to => Vec::new(),
            Links::OneWay(link) => vec![*link],
            Links::BothWays(one, other) if one == other => Vec::new(),
            Links::BothWays(one, other) => {
                let link = Link { from: *one, to: *other };
                vec![link, link.back()]
            }
            Links::Of(node) => both_ways(&[*node]),
            Links::Between(side) => both_ways(side),
        };
        if links.is_empty() {
            Err("there is no such link: a link needs a server at each end".to_owned())
        } else {
            Ok(links)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn among(links: Links, servers: u64) -> Result<Vec<(u64, u64)>, String> {
        let servers: Vec<NodeId> = (1..=servers).map(NodeId).collect();
        let links = links.among(&servers)?;
        let mut pairs: Vec<_> = links.into_iter().map(|Link { from, to }| (from.0, to.0)).collect();
        pairs.sort_unstable();
        Ok(pairs)
    }

    #[test]
    fn links_are_named_one_by_one_or_together() {
        let (one, two) = (NodeId(1), NodeId(2));
        assert_eq!(among(Links::OneWay(Link { from: two, to: one }), 3), Ok(vec![(2, 1)]));
        assert_eq!(among(Links::BothWays(one, two), 3), Ok(vec![(1, 2), (2, 1)]));
        assert_eq!(among(Links::Of(two), 3), Ok(vec![(1, 2), (2, 1), (2, 3), (3, 2)]));
        let halves = vec![(1, 3), (1, 4), (2, 3), (2, 4), (3, 1), (3, 2), (4, 1), (4, 2)];
        assert_eq!(among(Links::Between(vec![one, two]), 4), Ok(halves));
        assert_eq!(among(Links::All, 2), Ok(vec![(1, 2), (2, 1)]));
    }

    #[test]
    fn where_there_is_no_link_nothing_is_done() {
        assert!(among(Links::All, 1).is_err());
        assert!(among(Links::BothWays(NodeId(1), NodeId(1)), 3).is_err());
        assert!(among(Links::Between(vec![]), 3).is_err());
        assert!(among(Links::Between(vec![NodeId(1), NodeId(2)]), 2).is_err());
        assert_eq!(among(Links::Of(NodeId(9)), 3), Err("n9 is not a server of this cluster".to_owned()));
    }
}
