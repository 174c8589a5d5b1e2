//! The durable state of a Raft server, behind a small disk interface.
//!
//! A Raft server may crash at any moment and come back, but it must not forget the term that it was
//! in, nor whom it voted for, nor an entry that it has told a leader it holds: with a second vote in the
//! same term it could help to elect a second leader, and with a forgotten entry the cluster could lose
//! what it has promised to keep. So a server saves before it speaks. This crate does the saving, and
//! when [`Storage::save`] returns `Ok`, not even a power cut can undo it.
//!
//! # A guided tour
//!
//! 1. `disk.rs`: [`Disk`], the few file operations that everything rests on, and what a crash may
//!    destroy after each of them. `folder.rs` is the real one; a simulator can bring its own, which
//!    breaks whatever a disk may break.
//! 2. `text_file.rs`: how a small file is written so that it is always whole, and so that damage is
//!    noticed. `identity.rs` and `lives.rs`: what the two small files hold.
//! 3. `batch.rs`, `record.rs`, `segment.rs`: how the log is written down, from the inside out, and how a
//!    torn end is told from damage (`Segment::judge_tail`).
//! 4. `wal.rs`: the segments together: finding the log again, and adding to it.
//! 5. `storage.rs`: [`Storage::open`] and [`Storage::save`]. `inspect.rs`: looking without
//!    touching.
//! 6. `error.rs`: everything that can go wrong, each with what a person can do about it.
//!
//! The small files are text. Look at them with `cat`:
//!
//! ```text
//! raft-for-beginners lives 1
//! lives 3
//! crc32c 0d5c1b3e
//! ```
//!
//! # The log
//!
//! The log is a row of files, the segments `log-0000000001`, `log-0000000002`, …, each of a fixed size
//! that is filled from the front. To save a [`Batch`] is to write one record behind the last one, and to
//! sync. Nothing is ever changed that was saved: when a leader replaces entries (§5.3), a later record
//! says so.
//!
//! ```text
//! log-0000000001   header | save 1 | save 2 | save 3 | next |0000
//! log-0000000002   header | save 4 | save 5 | mark |0000000000000
//! ```
//!
//! # What is guaranteed
//!
//! * A batch whose save returned `Ok` is found again after any crash. One whose save did not return is
//!   found wholly or not at all.
//! * Whatever [`Recovered`] tells is durable. (It was written anew: what is read after a failed sync may
//!   be in the system's memory only.)
//! * If a write or sync fails, nothing more is written in this life. Trying again can't help: the system
//!   may have dropped the data and then report success ("Can Applications Recover from fsync Failures?",
//!   Rebello et al., USENIX ATC 2020).
//! * What a crash did is mended, what a crash can't have done is refused. The last save may be torn, and is
//!   then cut off. A broken save before it, a missing segment, a broken header are damage: to start with
//!   what is left would be to forget ("Protocol-Aware Recovery for Consensus-Based Storage", Alagappan et
//!   al., FAST 2018).
//!
//! How is a torn save told from a damaged one, if it is the last? By what stands after it. A save begins
//! only after the sync of the one before, so a whole save proves all before it, and a new segment
//! proves the one before. And when a sync has returned, a *mark* is written behind the save, and not
//! synced: the system takes it to the disk when it likes, some seconds later as a rule. A save with a mark,
//! or with any byte that is not zero after it, was durable. If it is broken, the disk broke it.
//!
//! # What remains
//!
//! * If the power goes before the mark of the last save is on the disk, *and* that same save, although it
//!   was synced, is broken on the disk, then it looks like a torn one, and is cut off. One bit is enough,
//!   anywhere in the record. That is dangerous if the save was acknowledged: the server forgets a vote or
//!   an entry that others count on. [`Recovered::cut_off`] tells that something was cut, not whether it had
//!   been acknowledged; one server alone can't find out. To have the mark always, each save would need
//!   a second sync.
//! * The same holds if the disk lies: it reports the last sync done and then loses it whole. Then there
//!   isn't even anything to cut. Where a later save or a mark got to the disk, the hole is noticed.
//! * A segment that is lost is noticed if it isn't the last, or if the *next* record (synced when it
//!   began) still stands in the segment before. That somebody has brought back an older copy of the whole
//!   folder is not noticed.
//! * A disk that damages bytes beside those that it was told to write can break a durable save when
//!   the power goes. That is noticed if its head, or a whole record after it, remains: the server refuses
//!   to start.
//! * A checksum of 32 bits lets one in four billion random damages pass. Every single flipped bit is noticed,
//!   or is in bytes that don't matter.
//! * The checksums protect against accidents only. Who can send commands can make one that looks like
//!   records of this log, so that a server whose save of it is torn takes it for damaged, and does not
//!   start. Nothing is lost by that.

mod batch;
mod bytes;
mod disk;
mod error;
mod files;
mod folder;
mod hard_state;
mod header;
mod identity;
mod inspect;
mod lives;
mod looking_disk;
mod membership;
mod record;
mod recovery;
mod room;
mod segment;
mod snapshot;
mod snapshots;
mod storage;
mod terms;
mod text_file;
mod wal;

pub use batch::Batch;
pub use disk::Disk;
pub use error::StorageError;
pub use folder::FolderDisk;
pub use identity::Identity;
pub use inspect::{Ending, InspectedEntry, InspectedSave, InspectedSegment, Inspection, inspect};
pub use membership::{decode_membership, encode_membership};
pub use recovery::CutOff;
pub use segment::{LogDamage, Reached, SegmentHeader};
pub use snapshot::{Chunk, SnapshotDamage, SnapshotInfo};
pub use storage::{Recovered, SEGMENT_SIZE, Storage};
pub use text_file::Damage;
