//! The durable state of a Raft server, behind a small disk interface.
//!
//! A Raft server may crash at any moment and come back, but it must not forget the term that it was
//! in, nor whom it voted for: with a second vote in the same term it could help to elect a second
//! leader. So it saves its [`HardState`](consensus::HardState) before it speaks of it. This crate
//! does the saving, and when [`Storage::save`] returns `Ok`, not even a power cut can undo it.
//!
//! # A guided tour
//!
//! 1. `disk.rs`: [`Disk`], the few file operations that everything rests on, and what a crash may
//!    destroy after each of them. `folder.rs` is the real one; a simulator can bring its own, which
//!    breaks whatever a disk may break.
//! 2. `record.rs`: how a file is written so that it is always whole, and so that damage is noticed.
//! 3. `hard_state.rs`, `lives.rs`, `identity.rs`: what the three files hold.
//! 4. `storage.rs`: [`Storage::open`] and [`Storage::save`].
//! 5. `error.rs`: everything that can go wrong, each with what a person can do about it.
//!
//! The files are text. Look at them with `cat`:
//!
//! ```text
//! raft-for-beginners hard-state 1
//! current_term 5
//! voted_for 3
//! crc32c cc6efd70
//! ```

mod disk;
mod error;
mod folder;
mod identity;
mod lives;
mod log_file;
mod record;
mod storage;

pub use disk::Disk;
pub use error::StorageError;
pub use folder::FolderDisk;
pub use identity::Identity;
pub use record::Damage;
pub use storage::{Batch, Recovered, Storage};
