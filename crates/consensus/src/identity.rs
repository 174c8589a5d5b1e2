//! Who is who: a cluster, a server's data, and each start of it have an identity that others can check.
//!
//! The paper's servers never lose their disks. Real ones do: a volume is created again, a backup is restored,
//! an address is mistyped. A server that comes back without its data is another server under an old number,
//! and if its vote counted, the cluster could forget what it has acknowledged. So a number alone proves
//! little. A message also says from which cluster, which data folder, and which start of it the message
//! comes.

use crate::{Index, LogPosition, Membership, NodeId, Quorum};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

/// A cluster's id: the same for all of its members, and for no other cluster. Written as 32 hexadecimal
/// digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct ClusterId(#[cfg_attr(feature = "ts", ts(as = "String"))] pub u128);

/// A data folder's id, drawn at random at its first start. A folder that was lost and created again has
/// another one. Written as 16 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Incarnation(#[cfg_attr(feature = "ts", ts(as = "String"))] pub u64);

/// One start of a data folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Start {
    /// The incarnation of the folder.
    pub incarnation: Incarnation,
    /// Start number: how many times the folder has been started, this time included. It only rises, unless
    /// the folder is replaced by an older copy of itself.
    pub number: u64,
    /// A random number drawn at this start: two copies of one folder that both run have different ones.
    pub run: u64,
}

/// Where a message comes from, besides its sender's number.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Origin {
    /// The sender's cluster, if it belongs to one that has an id.
    pub cluster: Option<ClusterId>,
    /// The start of its data folder. `None` where servers have no folders, as in benchmarks of the core
    /// alone: then nothing is checked.
    pub start: Option<Start>,
    /// The runs of earlier starts, the latest first; 0 if there was none. A folder that was rolled back, and
    /// has been started a few times since, has other runs than its peers remember.
    pub earlier_runs: EarlierRuns,
}

/// The runs of the last few starts, the latest first.
pub type EarlierRuns = [u64; 8];

/// What a server remembers besides term, vote and log: the cluster it belongs to, and the servers it knows.
/// It changes rarely.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Memory {
    /// The cluster that it belongs to.
    pub cluster: Option<ClusterId>,
    /// The members that the cluster was founded with, if this server is one of them. Older clusters had no
    /// incarnations: there they are `None`.
    #[cfg_attr(feature = "serde", serde(with = "crate::pairs"))]
    pub founders: BTreeMap<NodeId, Option<Incarnation>>,
    /// Have all founders saved the same list? No cluster has begun before that.
    pub is_founded: bool,
    /// A committed configuration without this server; index 0 if it knows of none
    /// ([`Rule::RememberRemoval`](crate::Rule::RememberRemoval)).
    pub removed_by: LogPosition,
    /// Why this folder must no longer take part, if so.
    pub retired: Option<Retirement>,
    /// The latest known start of each other server.
    #[cfg_attr(feature = "serde", serde(with = "crate::pairs"))]
    pub starts: BTreeMap<NodeId, Start>,
}

/// What a server knows about its own identity when it starts.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Credentials {
    /// This start of its data folder; `None` where it has no folder.
    pub start: Option<Start>,
    /// The runs of earlier starts.
    pub earlier_runs: EarlierRuns,
    /// What the folder remembers.
    pub memory: Memory,
    /// The servers with which it founds a cluster, itself included, if it belongs to none yet. If there are
    /// none, it waits to be added to a cluster.
    pub founders: BTreeSet<NodeId>,
}

/// Why a data folder no longer has a part in its cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Retirement {
    /// It lost entries that it had acknowledged: the leader knows that it had entries up to this one.
    LostEntries(Index),
    /// It is an older copy of itself, or a second one: another server has seen a later start.
    OlderCopy,
}

impl Memory {
    /// The configuration that the cluster began with, if this server is one of its founders; otherwise an
    /// empty one.
    pub fn first_configuration(&self) -> Membership {
        let recorded = self.founders.iter().filter_map(|(id, incarnation)| Some((*id, (*incarnation)?)));
        Membership {
            voters: Quorum::Simple(self.founders.keys().copied().collect()),
            cluster: self.cluster,
            incarnations: recorded.collect(),
            ..Membership::default()
        }
    }

    /// The folders that the cluster was founded with, if all of them are known.
    pub(crate) fn founding_folders(&self) -> Option<BTreeMap<NodeId, Incarnation>> {
        let folders: Option<BTreeMap<_, _>> =
            self.founders.iter().map(|(id, incarnation)| Some((*id, (*incarnation)?))).collect();
        folders.filter(|folders| !folders.is_empty())
    }
}

impl Origin {
    /// Is this the given start, or a later one?
    pub(crate) fn is_as_late_as(&self, seen: &Start) -> bool {
        let Some(start) = self.start else { return true };
        match start.number.checked_sub(seen.number) {
            None => false,
            Some(0) => start.run == seen.run,
            Some(later) => match self.earlier_runs.get(later as usize - 1) {
                Some(0) | None => true,
                Some(run) => *run == seen.run,
            },
        }
    }

    /// The incarnation of the sender's folder.
    pub fn incarnation(&self) -> Option<Incarnation> {
        self.start.map(|start| start.incarnation)
    }
}

impl ClusterId {
    /// The id of a cluster founded by these folders: all founders compute the same one without asking each
    /// other. It is as random as the incarnations are.
    pub fn of_founders(founders: &BTreeMap<NodeId, Incarnation>) -> ClusterId {
        let words = founders.iter().flat_map(|(id, incarnation)| [id.0, incarnation.0]);
        let mixed = |seed: u64| words.clone().fold(seed, |hash, word| mix(hash ^ word));
        ClusterId((u128::from(mixed(1)) << 64) | u128::from(mixed(2)))
    }
}

/// Spreads every bit over all others (the finalizer of SplitMix64).
fn mix(word: u64) -> u64 {
    let word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

impl fmt::Display for ClusterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Display for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Not an id: it needs exactly this number of hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidId {
    digits: usize,
}

impl fmt::Display for InvalidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an id has {} hexadecimal digits", self.digits)
    }
}

impl std::error::Error for InvalidId {}

fn hexadecimal(text: &str, digits: usize) -> Result<u128, InvalidId> {
    let is_plain = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = if is_plain { u128::from_str_radix(text, 16).ok() } else { None };
    number.ok_or(InvalidId { digits })
}

impl FromStr for ClusterId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<ClusterId, InvalidId> {
        hexadecimal(text, 32).map(ClusterId)
    }
}

impl FromStr for Incarnation {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Incarnation, InvalidId> {
        hexadecimal(text, 16).map(|number| Incarnation(number as u64))
    }
}

/// As text for people and for pages, whose numbers are too small for these; as a number in messages.
#[cfg(feature = "serde")]
macro_rules! serde_as_digits {
    ($($id:ident($number:ident)),*) => {
        $(
            impl serde::Serialize for $id {
                fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    if serializer.is_human_readable() {
                        return serializer.collect_str(self);
                    }
                    self.0.serialize(serializer)
                }
            }

            impl<'de> serde::Deserialize<'de> for $id {
                fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<$id, D::Error> {
                    if deserializer.is_human_readable() {
                        let text = String::deserialize(deserializer)?;
                        return text.parse().map_err(serde::de::Error::custom);
                    }
                    $number::deserialize(deserializer).map($id)
                }
            }
        )*
    };
}

#[cfg(feature = "serde")]
serde_as_digits!(ClusterId(u128), Incarnation(u64));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_as_they_are_written() {
        let cluster = ClusterId(0x1234_5678);
        assert_eq!(cluster.to_string().parse(), Ok(cluster));
        let incarnation = Incarnation(u64::MAX);
        assert_eq!(incarnation.to_string().parse(), Ok(incarnation));
        for text in ["", "12", "+000000000000001", "000000000000000g", "00000000000000001"] {
            assert!(text.parse::<Incarnation>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_folder_that_was_set_back_is_no_later_however_often_it_starts() {
        let start = |number, run| Start { incarnation: Incarnation(1), number, run };
        let origin = |number, run, earlier: &[u64]| {
            let mut earlier_runs = EarlierRuns::default();
            earlier_runs[..earlier.len()].copy_from_slice(earlier);
            Origin { cluster: None, start: Some(start(number, run)), earlier_runs }
        };
        let seen = start(7, 70);
        assert!(origin(7, 70, &[60, 50]).is_as_late_as(&seen));
        assert!(origin(8, 80, &[70, 60]).is_as_late_as(&seen));
        assert!(origin(9, 90, &[80, 70, 60]).is_as_late_as(&seen));
        assert!(origin(17, 170, &[160; 8]).is_as_late_as(&seen), "too long ago to tell");
        for set_back in
            [origin(6, 61, &[50]), origin(7, 71, &[60]), origin(8, 81, &[71, 60]), origin(9, 91, &[81, 71])]
        {
            assert!(!set_back.is_as_late_as(&seen), "{set_back:?}");
        }
    }

    #[test]
    fn other_founders_found_another_cluster() {
        let founders = |incarnations: [u64; 3]| {
            let ids = (1..).map(NodeId);
            ClusterId::of_founders(&ids.zip(incarnations.map(Incarnation)).collect())
        };
        assert_eq!(founders([7, 8, 9]), founders([7, 8, 9]));
        assert_ne!(founders([7, 8, 9]), founders([7, 9, 8]));
        assert_ne!(founders([7, 8, 9]), founders([7, 8, 10]));
    }
}
