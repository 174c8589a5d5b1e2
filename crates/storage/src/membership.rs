//! A configuration as bytes: in an entry of the log, and at the beginning of a snapshot.
//!
//! | part | what it holds |
//! |---|---|
//! | voters | their number, and each; of a joint configuration, the old ones |
//! | new voters | `0`, or in a joint configuration `1`, their number, and each |
//! | learners | their number, and each |
//! | addresses | their number, and of each its server, its length in bytes (4 bytes), its bytes |
//! | cluster | `0`, or `1` and its id (16 bytes) |
//! | incarnations | their number, and of each its server, and the incarnation |
//!
//! Each number has 8 bytes if nothing else is said, and is little-endian; the `0` and the `1` have one.
//! [`VERSION_2`] comes before everything. Version 1 had neither that nor the last two parts.

use crate::bytes::{Bytes, length};
use consensus::{ClusterId, Incarnation, Membership, NodeId, Quorum};
use std::collections::{BTreeMap, BTreeSet};

/// Distinguishes the second version of the format from the first, which began with the number of voters.
const VERSION_2: u64 = u64::MAX - 1;

/// Appends the configuration's bytes.
pub fn encode_membership(membership: &Membership, to: &mut Vec<u8>) {
    let (voters, new) = match &membership.voters {
        Quorum::Simple(voters) => (voters, None),
        Quorum::Joint { old, new } => (old, Some(new)),
    };
    to.extend(VERSION_2.to_le_bytes());
    encode_ids(voters, to);
    to.push(u8::from(new.is_some()));
    if let Some(new) = new {
        encode_ids(new, to);
    }
    encode_ids(&membership.learners, to);
    to.extend((membership.addresses.len() as u64).to_le_bytes());
    for (id, address) in &membership.addresses {
        to.extend(id.0.to_le_bytes());
        to.extend(length(address.as_bytes()));
        to.extend(address.as_bytes());
    }
    to.push(u8::from(membership.cluster.is_some()));
    to.extend(membership.cluster.iter().flat_map(|cluster| cluster.0.to_le_bytes()));
    to.extend((membership.incarnations.len() as u64).to_le_bytes());
    for (id, incarnation) in &membership.incarnations {
        to.extend(id.0.to_le_bytes());
        to.extend(incarnation.0.to_le_bytes());
    }
}

/// Decodes a configuration from all of these bytes; `None` if they are not one.
pub fn decode_membership(bytes: &[u8]) -> Option<Membership> {
    let mut rest = Bytes(bytes);
    let is_version_2 = bytes.starts_with(&VERSION_2.to_le_bytes());
    if is_version_2 {
        rest.u64()?;
    }
    let old = decode_ids(&mut rest)?;
    let voters = match rest.u8()? {
        0 => Quorum::Simple(old),
        1 => Quorum::Joint { old, new: decode_ids(&mut rest)? },
        _ => return None,
    };
    let learners = decode_ids(&mut rest)?;
    let mut addresses = BTreeMap::new();
    for _ in 0..rest.u64()? {
        let id = NodeId(rest.u64()?);
        let length = usize::try_from(rest.u32()?).ok()?;
        addresses.insert(id, String::from_utf8(rest.take(length)?.to_vec()).ok()?);
    }
    let (mut cluster, mut incarnations) = (None, BTreeMap::new());
    if is_version_2 {
        cluster = match rest.u8()? {
            0 => None,
            1 => Some(ClusterId(u128::from_le_bytes(rest.take(16)?.try_into().ok()?))),
            _ => return None,
        };
        for _ in 0..rest.u64()? {
            incarnations.insert(NodeId(rest.u64()?), Incarnation(rest.u64()?));
        }
    }
    rest.0.is_empty().then_some(Membership { voters, learners, addresses, cluster, incarnations })
}

fn encode_ids(ids: &BTreeSet<NodeId>, to: &mut Vec<u8>) {
    to.extend((ids.len() as u64).to_le_bytes());
    to.extend(ids.iter().flat_map(|id| id.0.to_le_bytes()));
}

fn decode_ids(from: &mut Bytes<'_>) -> Option<BTreeSet<NodeId>> {
    (0..from.u64()?).map(|_| from.u64().map(NodeId)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(numbers: &[u64]) -> BTreeSet<NodeId> {
        numbers.iter().copied().map(NodeId).collect()
    }

    #[test]
    fn a_configuration_is_read_as_it_was_written_and_no_part_of_it_is_one() {
        let simple = Membership::of_voters(ids(&[1, 2, 3]));
        let joint = Membership {
            voters: Quorum::Joint { old: ids(&[1, 2, 3]), new: ids(&[3, 4, u64::MAX]) },
            learners: ids(&[9]),
            addresses: BTreeMap::from([(NodeId(4), "127.0.0.1:4004".to_owned()), (NodeId(9), String::new())]),
            cluster: Some(ClusterId(u128::MAX - 7)),
            incarnations: BTreeMap::from([(NodeId(1), Incarnation(5)), (NodeId(4), Incarnation(u64::MAX))]),
        };
        for membership in [Membership::default(), simple, joint] {
            let mut bytes = Vec::new();
            encode_membership(&membership, &mut bytes);
            assert_eq!(bytes.len(), membership.size());
            assert_eq!(decode_membership(&bytes), Some(membership));
            for cut in 0..bytes.len() {
                assert_eq!(decode_membership(&bytes[..cut]), None);
            }
            bytes.push(0);
            assert_eq!(decode_membership(&bytes), None);
        }
    }

    /// Written by the version before incarnations.
    #[test]
    fn a_configuration_of_version_1_is_read() {
        let mut bytes = Vec::new();
        encode_ids(&ids(&[1, 2]), &mut bytes);
        bytes.push(0);
        encode_ids(&ids(&[3]), &mut bytes);
        bytes.extend(1u64.to_le_bytes());
        bytes.extend(3u64.to_le_bytes());
        bytes.extend(length(b"h:1"));
        bytes.extend(b"h:1");
        let expected = Membership {
            learners: ids(&[3]),
            addresses: BTreeMap::from([(NodeId(3), "h:1".to_owned())]),
            ..Membership::of_voters(ids(&[1, 2]))
        };
        assert_eq!(decode_membership(&bytes), Some(expected));
    }

    /// All members vote, and their addresses have the maximum length. In the joint configuration, nearly all
    /// stay.
    #[test]
    fn as_many_members_as_there_may_be_fit_with_the_longest_addresses() {
        let members = (0..Membership::MOST_MEMBERS as u64).map(|below| NodeId(u64::MAX - below));
        let members: BTreeSet<NodeId> = members.collect();
        let address = "h".repeat(Membership::LONGEST_ADDRESS);
        let largest = Membership {
            voters: Quorum::Joint { old: members.clone(), new: members.clone() },
            learners: BTreeSet::new(),
            addresses: members.iter().map(|id| (*id, address.clone())).collect(),
            cluster: Some(ClusterId(u128::MAX)),
            incarnations: members.into_iter().map(|id| (id, Incarnation(u64::MAX))).collect(),
        };
        let mut bytes = Vec::new();
        encode_membership(&largest, &mut bytes);
        assert!(bytes.len() <= Membership::LARGEST, "{}", bytes.len());
    }

    #[test]
    fn a_number_of_servers_that_can_not_be_is_refused() {
        assert_eq!(decode_membership(&[0xff; 64]), None);
    }
}
