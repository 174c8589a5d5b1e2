//! A configuration as bytes: as it stands in an entry of the log, and at the beginning of a snapshot.
//!
//! | part | what it holds |
//! |---|---|
//! | voters | their number, and each; of a joint configuration, the old ones |
//! | new voters | `0`, or in a joint configuration `1`, their number, and each |
//! | learners | their number, and each |
//! | addresses | their number, and of each its server, its length in bytes (4 bytes), its bytes |
//!
//! Each number has 8 bytes if nothing else is said, and its lowest byte first; the `0` and the `1` have one.

use crate::bytes::{Bytes, length};
use consensus::{Membership, NodeId, Quorum};
use std::collections::{BTreeMap, BTreeSet};

/// Appends the configuration's bytes.
pub fn encode_membership(membership: &Membership, to: &mut Vec<u8>) {
    let (voters, new) = match &membership.voters {
        Quorum::Simple(voters) => (voters, None),
        Quorum::Joint { old, new } => (old, Some(new)),
    };
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
}

/// The configuration that these bytes are, all of them; none if they are none.
pub fn decode_membership(bytes: &[u8]) -> Option<Membership> {
    let mut rest = Bytes(bytes);
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
    rest.0.is_empty().then_some(Membership { voters, learners, addresses })
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

    /// All members vote, and their addresses are as long as they may be. In the joint configuration, nearly all stay.
    #[test]
    fn as_many_members_as_there_may_be_fit_with_the_longest_addresses() {
        let members = (0..Membership::MOST_MEMBERS as u64).map(|below| NodeId(u64::MAX - below));
        let members: BTreeSet<NodeId> = members.collect();
        let address = "h".repeat(Membership::LONGEST_ADDRESS);
        let largest = Membership {
            voters: Quorum::Joint { old: members.clone(), new: members.clone() },
            learners: BTreeSet::new(),
            addresses: members.into_iter().map(|id| (id, address.clone())).collect(),
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
