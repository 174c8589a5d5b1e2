//! The durable state of a Raft server, behind a small disk interface.
//!
//! A Raft server may crash at any time and restart, but it must not forget its term, its vote, or an entry
//! that it has acknowledged to a leader: with a second vote in the same term it could help to elect a second
//! leader, and with a forgotten entry the cluster could lose what it has promised to keep. So a server saves
//! before it sends. This crate does the saving, and when [`Storage::save`] returns `Ok`, not even a power cut
//! can undo it.
//!
//! # A guided tour
//!
//! 1. `disk.rs`: [`Disk`], the few file operations that everything depends on, and what a crash may destroy
//!    after each of them. `folder.rs` is the real one; a simulator can bring its own, which breaks whatever a
//!    disk may break.
//! 2. `text_file.rs`: how a small file is written so that it is always intact, and so that damage is noticed.
//!    `identity.rs`, `start_number.rs` and `memory.rs`: the contents of the small files.
//! 3. `batch.rs`, `record.rs`, `segment.rs`: the format of the log, from the inside out, and how a torn end
//!    is distinguished from damage (`Segment::judge_tail`).
//! 4. `wal.rs`: the segments together: recovering the log, and adding to it.
//! 5. `storage.rs`: [`Storage::open`] and [`Storage::save`]. `inspect.rs`: looking without
//!    touching.
//! 6. `careful.rs`: opening files that another user may have placed there.
//! 7. `error.rs`: everything that can go wrong, each with what a person can do about it.
//!
//! The small files are text. Look at them with `cat`:
//!
//! ```text
//! raft-for-beginners identity 2
//! cluster raft
//! node 1
//! voters 1 2 3
//! incarnation c857ddeb4baccffc
//! crc32c 4c727fc2
//! ```
//!
//! # The log
//!
//! The log is a series of files, the segments `log-0000000001`, `log-0000000002`, …, each of a fixed size
//! that is filled from the front. Saving a [`consensus::Batch`] means writing one record after the last one,
//! and a sync. Nothing that was saved is ever changed: when a leader replaces entries (§5.3), a later record
//! says so.
//!
//! ```text
//! log-0000000001   header | save 1 | save 2 | save 3 | next |0000
//! log-0000000002   header | save 4 | save 5 | mark |0000000000000
//! ```
//!
//! # What is guaranteed
//!
//! * A batch whose save returned `Ok` is recovered after any crash. One whose save did not return is
//!   recovered completely or not at all.
//! * Everything in [`Recovered`] is durable. (It was rewritten: what is read after a failed sync may be in
//!   the system's memory only.)
//! * If a write or sync fails, nothing more is written until the next start. Trying again can't help: the
//!   system may have dropped the data and then report success ("Can Applications Recover from fsync
//!   Failures?", Rebello et al., USENIX ATC 2020).
//! * What a crash did is repaired, what a crash can't have done is refused. The last save may be torn, and is
//!   then cut off. A broken save before it, a missing segment, a broken header are damage: starting with what
//!   is left would mean forgetting ("Protocol-Aware Recovery for Consensus-Based Storage", Alagappan et al.,
//!   FAST 2018).
//! * Only one server uses the folder. If its files are removed, moved or replaced while it runs, its saves
//!   fail within a tenth of a second.
//!
//! How is a torn save distinguished from a damaged one, if it is the last? By what is missing. A disk writes
//! sectors of 512 bytes, each completely or not at all, and a save is written over zeroes. So a torn save
//! lacks a sector, and has zeroes in its place: more than its head says ([`record.rs`](crate#a-guided-tour)).
//! If the head's own sector is missing, it is as it was before. Anything else was not done by a crash.
//!
//! And by what comes after it. A save begins only after the sync of the one before, so an intact save proves
//! all before it, and a new segment proves the one before. When a sync has returned, a *mark* is written
//! after the save, and not synced: the system writes it to the disk when it likes, within about 30 seconds
//! with Linux's default settings. A save with a mark, or with any byte that is not zero after it, was
//! durable. [`Storage::sync_mark`] makes the mark durable: a server calls it as soon as it has had nothing to
//! save for half a second, and when it is stopped. At each start, everything found is rewritten with a mark,
//! and the segment's header holds the number of saves.
//!
//! # What remains
//!
//! A test opens all 9,417 states in which a crash can leave 608 saves of up to 2.7 kB, and finds each time
//! what was known before the save or after it. Another one flips each of the 135,680 bits of 58 saves that
//! have no mark, and no flip is taken for a torn save (tests/storage/last_save.rs). Not noticed is:
//!
//! * The mark of the last save is not on disk yet, and the same disk has lost a whole sector of that save,
//!   although it had reported it as written. That looks like a torn save, and is cut off, which is dangerous
//!   if it was acknowledged: the server forgets a vote or an entry that others count on.
//!   [`Recovered::cut_off`] says that something was cut off, not whether it had been acknowledged; one server
//!   alone can't find out. One flipped bit has the same effect if it is the only bit in a whole sector that
//!   is not zero (one of the 4,096 bits of that sector). To have the mark always, each save would need a
//!   second sync.
//! * If the disk loses the last saves and their marks completely, there isn't even anything to cut off. If a
//!   later save or a mark reached the disk, or the saves were there when the server was last started, the gap
//!   is noticed.
//! * A lost segment is noticed if it isn't the last, or if the *next* record (synced when it began) is still
//!   in the segment before. It is not noticed here if an older copy of the whole folder was restored.
//! * A 32-bit checksum lets one in four billion random changes pass. Every single flipped bit outside the
//!   last save without a mark is noticed, or is in bytes that don't matter.
//! * In segments of version 1, any flipped bit of a last save without a mark may be taken for a torn save if
//!   the save has a whole sector of zeroes. A start writes the last segment in version 2.
//! * The checksums protect against accidents. A client that wants to make a command that looks like a record
//!   of this log must guess 32 bits that depend on the random number in the segment's header. If it has
//!   guessed right, and that command's save is torn, then the server takes it for damaged and does not start.
//!   Nothing is lost by that.
//!
//! What is refused although nothing is lost: a damaged mark; a byte that is not zero right after the last
//! mark; and what a disk may leave that writes less than a whole sector when the power fails.
//!
//! Where a file system needs space even to overwrite zeroes that it has written before (btrfs, ZFS and other
//! copy-on-write file systems, thin volumes), a full disk may be discovered in the middle of a save. Then it
//! is unknown how much of it is on disk, so the save fails for good and the server must stop, where otherwise
//! it would wait for space. Nothing is lost by that either.

mod batch;
mod bytes;
pub mod careful;
mod disk;
mod error;
mod files;
mod folder;
mod hard_state;
mod header;
mod identity;
mod inspect;
mod membership;
mod memory;
mod memory_disk;
mod read_only_disk;
mod record;
mod recover;
mod recovery;
mod room;
mod segment;
mod snapshot;
mod snapshots;
mod start_number;
mod storage;
mod terms;
mod text_file;
mod wal;

pub use consensus;
pub use disk::Disk;
pub use error::StorageError;
pub use folder::FolderDisk;
pub use identity::{Identity, LONGEST_CLUSTER_NAME};
pub use inspect::{
    Ending, InspectedEntry, InspectedSave, InspectedSegment, Inspection, identity_of, inspect,
};
pub use membership::{decode_membership, encode_membership};
pub use memory_disk::MemoryDisk;
pub use recover::{FoundedAnew, found_anew};
pub use recovery::CutOff;
pub use segment::{LogDamage, Reached, SegmentHeader};
pub use snapshot::{Chunk, SnapshotDamage, SnapshotInfo};
pub use storage::{Recovered, SEGMENT_SIZE, Storage};
pub use text_file::Damage;
