//! What a person can do to a running cluster.

use consensus::{NodeId, Profile};
use serde::Deserialize;
use trace::Link;

/// Something done to the servers from outside, to see how they react.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Kill the current leader's process (SIGKILL): a crash.
    KillLeader,
    /// Kill a server's process (SIGKILL).
    Kill {
        /// The server.
        node: NodeId,
    },
    /// Start a dead server again; a living one is killed first.
    Restart {
        /// The server.
        node: NodeId,
    },
    /// Halt a server's process (SIGSTOP).
    Pause {
        /// The server.
        node: NodeId,
    },
    /// Let a halted process continue (SIGCONT).
    Resume {
        /// The server.
        node: NodeId,
    },
    /// Make a server's election timer run out now.
    ForceTimeout {
        /// The server.
        node: NodeId,
    },
    /// Make all election timers run out together, the leader included: a deliberate split vote.
    AlignTimers,
    /// Make the servers' clocks run at another speed.
    SetSpeed {
        /// As a multiple of real time.
        multiple: f64,
    },
    /// Make all servers follow these rules beyond the paper's basic algorithm.
    SetProfile {
        /// The rules.
        profile: Profile,
    },
    /// Make the leader hand leadership over.
    Transfer {
        /// To this server.
        to: NodeId,
    },
    /// Start one more server, add it as a learner, and promote it once it has caught up.
    AddServer,
    /// Start one more server, and let it replace a voter, in one step, once it has caught up.
    ReplaceServer {
        /// The voter that leaves.
        node: NodeId,
    },
    /// Remove a server from the members. Its process stays; if it is not a member any longer, that ends too.
    RemoveServer {
        /// The server.
        node: NodeId,
    },
    /// Cut links: nothing passes.
    Cut {
        /// The links.
        links: Links,
    },
    /// Let messages pass again. Slow and lossy links stay so.
    Mend {
        /// The links.
        links: Links,
    },
    /// Delay each message.
    Delay {
        /// The links.
        links: Links,
        /// The delay, in microseconds of the servers' own time; 0 for none.
        delay_us: u64,
    },
    /// Lose messages at random.
    Lose {
        /// The links.
        links: Links,
        /// Percentage of messages, from 0 to 100.
        percent: u8,
    },
    /// Remove all faults of links.
    Heal,
}

/// Links between servers, each in one direction.
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
