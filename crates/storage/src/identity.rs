//! The file that says which server the folder belongs to.

use crate::text_file::{TextFile, field};
use consensus::{Incarnation, NodeId};
use std::collections::BTreeSet;
use std::fmt;

/// Maximum length of a cluster's name in bytes. It is in the header of each segment and of the snapshot.
pub const LONGEST_CLUSTER_NAME: usize = 255;

/// The owner of a folder: a server that used another's would break the promises of both.
///
/// The voting members are part of it because they must not change between two starts: two majorities of
/// different sets need not overlap, so each could elect a leader.
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
        write!(f, "{} of cluster {:?}", self.node, self.cluster)?;
        if self.voters.is_empty() {
            return f.write_str(", which it joins");
        }
        let voters: Vec<String> = self.voters.iter().map(NodeId::to_string).collect();
        write!(f, " with the voters {}", voters.join(", "))
    }
}

/// A folder's owner and incarnation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) identity: Identity,
    /// Drawn at the first start. `None` in a folder of version 1, which had none.
    pub(crate) incarnation: Option<Incarnation>,
}

impl TextFile for Owner {
    const FILE: &'static str = "identity";
    const VERSION: u64 = 2;

    fn lines(&self) -> String {
        let Identity { cluster, node, voters } = &self.identity;
        let voters: Vec<String> = voters.iter().map(|NodeId(voter)| voter.to_string()).collect();
        let incarnation = self.incarnation.map(|incarnation| format!("incarnation {incarnation}\n"));
        let incarnation = incarnation.unwrap_or_default();
        format!("cluster {cluster}\nnode {}\nvoters {}\n{incarnation}", node.0, voters.join(" "))
    }

    fn parse(lines: &str) -> Option<Owner> {
        let (earlier, incarnation) = lines.split_at_checked(lines.trim_end().rfind('\n')? + 1)?;
        let incarnation = field(&mut incarnation.lines(), "incarnation")?.parse().ok()?;
        Some(Owner { incarnation: Some(incarnation), ..Owner::parse_earlier(1, earlier)? })
    }

    fn parse_earlier(_version: u64, lines: &str) -> Option<Owner> {
        let mut lines = lines.lines();
        let cluster = field(&mut lines, "cluster")?.to_string();
        let node = NodeId(field(&mut lines, "node")?.parse().ok()?);
        let voters = field(&mut lines, "voters")?.split_whitespace();
        let voters = voters.map(|voter| voter.parse().map(NodeId)).collect::<Result<_, _>>().ok()?;
        Some(Owner { identity: Identity { cluster, node, voters }, incarnation: None })
    }
}
