//! Majorities. Votes, commits and reads all ask here.

use crate::NodeId;
use std::collections::BTreeSet;
use std::fmt;

/// The servers that must agree (§5.2, §6).
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Quorum {
    /// A majority of one set of servers.
    Simple(BTreeSet<NodeId>),
    /// While the membership changes: a majority of the old set and a majority of the new one.
    Joint {
        /// The servers before the change.
        old: BTreeSet<NodeId>,
        /// The servers after the change.
        new: BTreeSet<NodeId>,
    },
}

impl Quorum {
    /// Are those in favour a majority? Servers that are not voters don't count.
    ///
    /// ```text
    ///  servers     1   2   3   4   5   6   7
    ///  majority    1   2   2   3   3   4   4     any two majorities share a server
    ///  may fail    0   0   1   1   2   2   3     an even one adds no safety: odd is better
    /// ```
    pub fn is_majority(&self, in_favour: &[NodeId]) -> bool {
        self.sets().all(|set| in_favour.iter().filter(|id| set.contains(id)).count() >= majority(set.len()))
    }

    /// The furthest point that a majority has reached, where `reached` gives the point of each voter (§5.3,
    /// §5.4.2).
    pub fn reached_by_majority<T: Ord + Copy + Default>(&self, reached: impl Fn(NodeId) -> T) -> T {
        self.least_of_sets(|set| reached_by_majority(set.iter().map(|&id| reached(id))))
    }

    /// The least of what the sets have reached: each of them must agree.
    pub(crate) fn least_of_sets<T: Ord + Default>(&self, of_set: impl Fn(&BTreeSet<NodeId>) -> T) -> T {
        self.sets().map(of_set).min().unwrap_or_default()
    }

    /// Is this server a voter?
    pub fn contains(&self, id: NodeId) -> bool {
        self.sets().any(|set| set.contains(&id))
    }

    /// Are there no voters?
    pub fn is_empty(&self) -> bool {
        self.sets().all(BTreeSet::is_empty)
    }

    /// All voters, each once, in ascending order.
    pub fn voters(&self) -> BTreeSet<NodeId> {
        self.sets().flatten().copied().collect()
    }

    /// Minimum number of votes that win: the majority of the larger set.
    pub fn majority(&self) -> usize {
        self.sets().map(|set| majority(set.len())).max().unwrap_or(1)
    }

    /// Number of those in favour that count, and number needed; for a joint configuration, also these two for
    /// the new set.
    pub(crate) fn tally(&self, in_favour: &[NodeId]) -> ((usize, usize), Option<(usize, usize)>) {
        let votes_in = |set: &BTreeSet<NodeId>| in_favour.iter().filter(|id| set.contains(id)).count();
        let mut tallies = self.sets().map(|set| (votes_in(set), majority(set.len())));
        (tallies.next().expect("there is a set"), tallies.next())
    }

    /// For each set that needs a majority: the number of its servers among these, and the number needed.
    pub fn counts(&self, among: impl Fn(NodeId) -> bool) -> impl Iterator<Item = (usize, usize)> {
        self.sets().map(move |set| (set.iter().filter(|id| among(**id)).count(), majority(set.len())))
    }

    fn sets(&self) -> impl Iterator<Item = &BTreeSet<NodeId>> {
        let (first, second) = match self {
            Quorum::Simple(set) => (set, None),
            Quorum::Joint { old, new } => (old, Some(new)),
        };
        std::iter::once(first).chain(second)
    }
}

impl fmt::Display for Quorum {
    /// `n1 n2 n3`, or for a joint configuration `n1 n2 n3 + n3 n4 n5`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = |set: &BTreeSet<NodeId>| set.iter().map(NodeId::to_string).collect::<Vec<_>>().join(" ");
        let sets: Vec<String> = self.sets().map(words).collect();
        f.write_str(&sets.join(" + "))
    }
}

impl FromIterator<NodeId> for Quorum {
    fn from_iter<I: IntoIterator<Item = NodeId>>(ids: I) -> Quorum {
        Quorum::Simple(ids.into_iter().collect())
    }
}

/// More than half of this number: the smallest size at which any two groups overlap.
fn majority(of: usize) -> usize {
    of / 2 + 1
}

/// The highest of these points that a majority has reached.
pub(crate) fn reached_by_majority<T: Ord + Copy + Default>(
    reached: impl ExactSizeIterator<Item = T> + Clone,
) -> T {
    let needed = majority(reached.len());
    let is_by_majority = |point: T| reached.clone().filter(|other| *other >= point).count() >= needed;
    reached.clone().fold(
        T::default(),
        |highest, point| {
            if point > highest && is_by_majority(point) { point } else { highest }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Index;

    fn ids(numbers: &[u64]) -> Vec<NodeId> {
        numbers.iter().copied().map(NodeId).collect()
    }

    fn simple(size: u64) -> Quorum {
        (1..=size).map(NodeId).collect()
    }

    #[test]
    fn a_majority_is_more_than_half_of_all_servers() {
        for (size, needed) in [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (6, 4), (7, 4), (15, 8)] {
            let quorum = simple(size);
            let everybody: Vec<NodeId> = (1..=size).map(NodeId).collect();
            assert_eq!(quorum.majority(), needed);
            assert!(quorum.is_majority(&everybody[..needed]), "{needed} of {size}");
            assert!(!quorum.is_majority(&everybody[..needed - 1]), "{} of {size}", needed - 1);
        }
    }

    #[test]
    fn a_majority_has_reached_what_the_middle_one_has() {
        let reached = |indexes: &[u64]| {
            let quorum = simple(indexes.len() as u64);
            quorum.reached_by_majority(|NodeId(id)| Index(indexes[id as usize - 1]))
        };
        assert_eq!(reached(&[7]), Index(7));
        assert_eq!(reached(&[7, 5]), Index(5));
        assert_eq!(reached(&[7, 5, 1]), Index(5));
        assert_eq!(reached(&[1, 9, 9, 1]), Index(1));
        assert_eq!(reached(&[1, 9, 8, 9, 1]), Index(8));
        assert_eq!(reached(&[]), Index(0));
    }

    #[test]
    fn a_joint_tally_counts_both_sets() {
        let [old, new] = [[1, 2, 3], [3, 4, 5]].map(|set| set.map(NodeId).into());
        let joint = Quorum::Joint { old, new };
        assert_eq!(joint.tally(&ids(&[1, 2, 3])), ((3, 2), Some((1, 2))));
        assert_eq!(joint.tally(&ids(&[4, 9])), ((0, 2), Some((1, 2))));
        assert_eq!(simple(3).tally(&ids(&[1, 2, 9])), ((2, 2), None));
    }

    #[test]
    fn strangers_count_nothing() {
        assert!(!simple(3).is_majority(&ids(&[1, 8, 9])));
    }

    #[test]
    fn nobody_is_no_majority_even_of_nobody() {
        assert!(!simple(0).is_majority(&[]));
    }

    #[test]
    fn a_joint_quorum_needs_both_majorities() {
        let quorum = Quorum::Joint {
            old: ids(&[1, 2, 3]).into_iter().collect(),
            new: ids(&[3, 4, 5]).into_iter().collect(),
        };
        assert!(!quorum.is_majority(&ids(&[1, 2])), "a majority of the old servers only");
        assert!(!quorum.is_majority(&ids(&[4, 5])), "a majority of the new servers only");
        assert!(quorum.is_majority(&ids(&[1, 3, 4])));
        assert_eq!(quorum.voters(), ids(&[1, 2, 3, 4, 5]).into_iter().collect());
    }
}
