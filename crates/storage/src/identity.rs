//! The file that says whose folder this is.

use crate::text_file::{TextFile, field};
use consensus::NodeId;
use std::collections::BTreeSet;
use std::fmt;

/// Maximum length of a cluster's name in bytes. It stands in the header of each segment and of the snapshot.
pub const LONGEST_CLUSTER_NAME: usize = 255;

/// Whose folder it is: a server that used another's would break the promises of both.
///
/// The voting members belong to it because they must not change between two lives: two majorities
/// of different sets need not meet, so each could elect a leader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The cluster's name.
    pub cluster: String,
    /// The server's number in it.
    pub node: NodeId,
    /// The cluster's voting members.
    pub voters: BTreeSet<NodeId>,
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let voters: Vec<String> = self.voters.iter().map(NodeId::to_string).collect();
        write!(f, "{} of cluster {:?} with the voters {}", self.node, self.cluster, voters.join(", "))
    }
}

impl TextFile for Identity {
    const FILE: &'static str = "identity";

    fn lines(&self) -> String {
        let voters: Vec<String> = self.voters.iter().map(|NodeId(voter)| voter.to_string()).collect();
        format!("cluster {}\nnode {}\nvoters {}\n", self.cluster, self.node.0, voters.join(" "))
    }

    fn parse(lines: &str) -> Option<Identity> {
        let mut lines = lines.lines();
        let cluster = field(&mut lines, "cluster")?.to_string();
        let node = NodeId(field(&mut lines, "node")?.parse().ok()?);
        let voters = field(&mut lines, "voters")?.split_whitespace();
        let voters = voters.map(|voter| voter.parse().map(NodeId)).collect::<Result<_, _>>().ok()?;
        Some(Identity { cluster, node, voters })
    }
}
