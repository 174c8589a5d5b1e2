//! The owner of a folder.

use crate::model_disk::ModelDisk;
use crate::{appends, begins_after, identity, no_op, position};
use consensus::NodeId;
use storage::{Identity, LONGEST_CLUSTER_NAME, Storage, StorageError};

/// The folder of [`identity`] is opened as another server's.
fn refused(wanted: Identity) -> StorageError {
    let disk = ModelDisk::default();
    Storage::open(disk.clone(), identity()).unwrap();
    let files = disk.files();
    let refused = Storage::open(disk.clone(), wanted.clone()).expect_err("a stranger");
    assert_eq!(disk.files(), files);
    match &refused {
        StorageError::Foreign { found, wanted: told, .. } => {
            assert_eq!((&**found, &**told), (&identity(), &wanted));
        }
        other => panic!("{other}"),
    }
    refused
}

#[test]
fn another_cluster_is_refused() {
    let refused = refused(Identity { cluster: "loca".into(), ..identity() });
    assert_eq!(
        refused.to_string(),
        "the folder model belongs to n2 of cluster \"local\" with the voters n1, n2, n3, \
         not to n2 of cluster \"loca\" with the voters n1, n2, n3"
    );
    assert_eq!(
        refused.help(),
        "choose another folder with --data, or delete this one if the data of n2 of cluster \"local\" is no \
         longer needed"
    );
}

#[test]
fn another_node_is_refused() {
    let refused = refused(Identity { node: NodeId(3), ..identity() });
    assert!(refused.to_string().contains("not to n3 of cluster \"local\""));
    assert!(refused.help().contains("if the data of n2 of cluster \"local\" is no longer needed"));
}

#[test]
fn a_server_that_joins_is_named_without_voters() {
    let refused = refused(Identity { voters: [].into(), ..identity() });
    assert!(refused.to_string().ends_with("not to n2 of cluster \"local\", which it joins"), "{refused}");
}

#[test]
fn other_voters_are_refused() {
    for voters in [vec![], vec![1, 2], vec![1, 2, 4], vec![1, 2, 3, 4], vec![12, 3]] {
        let refused = refused(Identity { voters: voters.into_iter().map(NodeId).collect(), ..identity() });
        assert!(refused.help().starts_with("starting a server with other peers does not change the members"));
    }
}

#[test]
fn a_cluster_may_have_any_name_of_one_line() {
    for name in ["", " ", "two  words ", "Köln 1", "none", "crc32c 00000000"] {
        let disk = ModelDisk::default();
        for life in 1..3 {
            let named = Identity { cluster: name.into(), ..identity() };
            let (_, recovered) = Storage::open(disk.clone(), named).unwrap();
            assert_eq!(recovered.life, life, "{name:?}");
        }
    }
    for name in ["two\nlines", "a\r", "\u{1b}[31mred"] {
        let disk = ModelDisk::default();
        let named = Identity { cluster: name.into(), ..identity() };
        let refused = Storage::open(disk.clone(), named).expect_err("a control character");
        assert!(matches!(refused, StorageError::ClusterName { .. }), "{name:?}");
        assert_eq!(disk.operations(), 0);
    }
}

/// The name is in the header of each file, and it must be possible to read the header again.
#[test]
fn the_longest_name_of_a_cluster_is_read_again_from_all_files() {
    let named = |bytes: usize| Identity { cluster: "x".repeat(bytes), ..identity() };
    let disk = ModelDisk::default();
    for _life in 0..2 {
        let (mut storage, recovered) = Storage::open(disk.clone(), named(LONGEST_CLUSTER_NAME)).unwrap();
        let next = position(recovered.log_begins_after.index.0 + 1, 1);
        storage.save(&appends(next.index.0, [no_op(1)])).unwrap();
        storage.write_snapshot(next, 0, b"state").unwrap();
        storage.finish_snapshot(next).unwrap();
        storage.save(&begins_after(next)).unwrap();
    }
    let disk = ModelDisk::default();
    let refused = Storage::open(disk.clone(), named(LONGEST_CLUSTER_NAME + 1)).expect_err("too long");
    assert!(matches!(refused, StorageError::ClusterNameTooLong { .. }));
    assert_eq!(disk.operations(), 0);
}
