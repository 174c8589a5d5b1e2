use consensus::event::Problem;
use consensus::{Node, NodeId, Retirement};
use std::collections::BTreeMap;
use std::fmt;

/// What keeps a server from taking part until somebody does something. See [`Raft::obstacle`](crate::Raft::obstacle).
///
/// ```
/// use raft_for_beginners::{NodeId, Obstacle};
///
/// let obstacle = Obstacle::AwaitsFounders(vec![NodeId(2), NodeId(3)]);
/// assert_eq!(obstacle.to_string(), "it waits for n2 n3: a new cluster begins when all of its founders run");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Obstacle {
    /// The cluster is not founded yet: it needs these servers, once.
    AwaitsFounders(Vec<NodeId>),
    /// Its data folder must not be used any longer: it lacks what the server had acknowledged.
    Retired(Retirement),
    /// These servers do not hear it, or do not count it. If the reason is [`Problem::OtherData`] or
    /// [`Problem::OtherFounders`], they know it with another data folder: if that is lost, remove the server, and add it
    /// again, with an empty folder, as one that [joins](crate::Settings::join).
    RefusedBy(BTreeMap<NodeId, Problem>),
}

impl Obstacle {
    pub(crate) fn of(node: &Node) -> Option<Obstacle> {
        if let Some(retirement) = node.memory().retired {
            return Some(Obstacle::Retired(retirement));
        }
        // A server that has lost its data founds a cluster in vain.
        if !node.refused_by().is_empty() {
            return Some(Obstacle::RefusedBy(node.refused_by().clone()));
        }
        node.awaited_founders().map(Obstacle::AwaitsFounders)
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Obstacle::AwaitsFounders(awaited) => {
                let awaited: Vec<_> = awaited.iter().map(NodeId::to_string).collect();
                write!(
                    f,
                    "it waits for {}: a new cluster begins when all of its founders run",
                    awaited.join(" ")
                )
            }
            Obstacle::Retired(Retirement::LostEntries(had)) => {
                write!(f, "its disk has lost entries up to {had}, which it had acknowledged")
            }
            Obstacle::Retired(Retirement::OlderCopy) => {
                f.write_str("its data folder is an older copy, or a second server runs on a copy of it")
            }
            Obstacle::RefusedBy(refusals) => {
                let by: Vec<_> = refusals.iter().map(|(by, problem)| format!("{by} ({problem:?})")).collect();
                write!(f, "it is refused by {}", by.join(", "))
            }
        }
    }
}
