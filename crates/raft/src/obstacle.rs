use consensus::event::Problem;
use consensus::{Node, NodeId, Retirement};
use std::collections::BTreeMap;
use std::fmt;

/// What keeps a server from taking part until an operator helps. See [`Raft::obstacle`](crate::Raft::obstacle).
///
/// ```
/// use raft_for_beginners::{NodeId, Obstacle};
///
/// let obstacle = Obstacle::AwaitsFounders(vec![NodeId(2), NodeId(3)]);
/// assert_eq!(
///     obstacle.to_string(),
///     "the cluster is not founded yet: n2, n3 have not confirmed that they know all founders, so all of them must run \
///      and reach each other, once"
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Obstacle {
    /// The cluster is not founded yet: these servers have not confirmed that they know the data folders of all founders.
    /// They may run, and wait for others.
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
                    "the cluster is not founded yet: {} have not confirmed that they know all founders, so all of \
                     them must run and reach each other, once",
                    awaited.join(", ")
                )
            }
            Obstacle::Retired(Retirement::LostEntries(had)) => {
                write!(f, "its disk has lost entries up to {had}, which it had acknowledged")
            }
            Obstacle::Retired(Retirement::OlderCopy) => {
                f.write_str("its data folder is an older copy, or a second server runs on a copy of it")
            }
            Obstacle::RefusedBy(refusals) => {
                let by = refusals
                    .iter()
                    .map(|(by, problem)| format!("{by} refuses this server: {}", why(*problem)));
                f.write_str(&by.collect::<Vec<_>>().join("; "))
            }
        }
    }
}

/// Why another server refuses this one.
fn why(problem: Problem) -> String {
    match problem {
        Problem::OtherCluster => "it belongs to another cluster".to_owned(),
        Problem::OtherData => "it knows this server by another data folder".to_owned(),
        Problem::EarlierStart => {
            "it has seen a later start of this data folder, so this is an older copy, or one runs elsewhere"
                .to_owned()
        }
        Problem::LostEntries { had } => {
            format!("this server has lost entries up to {had}, which it had acknowledged")
        }
        Problem::OtherFounders => "its cluster was founded by others, or with other data folders".to_owned(),
        // What a server is refused for is one of those; this one does not know newer ones.
        _ => "it can't use this server's messages".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use consensus::Index;

    #[test]
    fn each_refusal_is_told_in_english() {
        let refusals =
            [(NodeId(1), Problem::OtherFounders), (NodeId(3), Problem::LostEntries { had: Index(7) })];
        assert_eq!(
            Obstacle::RefusedBy(refusals.into()).to_string(),
            "n1 refuses this server: its cluster was founded by others, or with other data folders; \
             n3 refuses this server: this server has lost entries up to 7, which it had acknowledged"
        );
    }
}
