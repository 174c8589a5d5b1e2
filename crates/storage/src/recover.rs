//! A new cluster from what one server still has, after a majority was lost for good.

use crate::disk::Disk;
use crate::error::StorageError;
use crate::files::Files;
use crate::identity::{Identity, Owner};
use crate::storage::Storage;
use crate::text_file::{read_existing, replace};
use consensus::{
    Append, Batch, ClusterId, Entry, HardState, Incarnation, Index, LogPosition, Membership, Memory, Payload,
};
use std::sync::Arc;

/// A cluster that continues with one server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoundedAnew {
    /// Its id.
    pub cluster: ClusterId,
    /// The last entry of the log that it continues with.
    pub last: Index,
}

/// Makes the server of this folder the only member of a new cluster, with the log that it has: all of it
/// counts from then on. If it crashes in between, the folder belongs to the new cluster, and this must be
/// done once more.
///
/// # Errors
/// Those of [`Storage::open`] and [`Storage::save`].
pub fn found_anew<D: Disk>(disk: D) -> Result<FoundedAnew, StorageError> {
    let mut files = Files(disk);
    let Owner { identity, .. } = read_existing::<Owner>(&mut files)?;
    let node = identity.node;
    let cluster = ClusterId((u128::from(files.0.random()) << 64) | u128::from(files.0.random()));
    let (mut storage, recovered) = Storage::open(files.0, identity.clone())?;
    let incarnation = recovered.start.map(|start| start.incarnation).expect("a folder has an incarnation");

    let last_term = recovered.log.last().map_or(recovered.log_begins_after.term, |entry| entry.term);
    let term = recovered.hard_state.current_term.max(last_term).next();
    let first = Index(recovered.log_begins_after.index.0 + recovered.log.len() as u64).next();
    let entry =
        Entry { term, payload: Payload::Membership(Arc::new(sole_member(node, incarnation, cluster))) };
    storage.save(&Batch {
        memory: Some(Memory {
            cluster: Some(cluster),
            founders: [(node, Some(incarnation))].into(),
            is_founded: true,
            removed_by: LogPosition::default(),
            ..Memory::default()
        }),
        hard_state: Some(HardState { current_term: term, voted_for: Some(node) }),
        append: Some(Append { first, entries: vec![entry] }),
        ..Batch::default()
    })?;
    let owner =
        Owner { identity: Identity { voters: [node].into(), ..identity }, incarnation: Some(incarnation) };
    replace(storage.files(), &owner)?;
    Ok(FoundedAnew { cluster, last: first })
}

fn sole_member(node: consensus::NodeId, incarnation: Incarnation, cluster: ClusterId) -> Membership {
    Membership {
        cluster: Some(cluster),
        incarnations: [(node, incarnation)].into(),
        ..Membership::of_voters([node])
    }
}
