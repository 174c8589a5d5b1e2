//! The replicated key-value store: a state machine that Raft drives.
//!
//! Raft makes all servers agree on a log. What the log is *for* is up to this crate: each entry holds a
//! [`Command`] such as "put x = 1", and each server has a [`Store`] that applies the committed entries one by
//! one. The same commands in the same order give the same store everywhere, so that any server can stand in
//! for another (§2 of the paper). For this to hold, nothing here depends on anything but the log: there is no
//! clock, no randomness, no setting of a single server.
//!
//! ```
//! use raft_for_beginners_kv::consensus::Index;
//! use raft_for_beginners_kv::{Answer, Command, Store, Write};
//!
//! let mut store = Store::default();
//! let put = Command::Write(Write::put(b"x", b"1")).encode()?;
//! assert_eq!(store.apply(Index(1), &put), Answer::Written { version: Index(1) });
//!
//! // Only if x is still as entry 1 left it.
//! let put = Write { if_version: Some(Index(1)), ..Write::put(b"x", b"2") };
//! let put = Command::Write(put).encode()?;
//! assert_eq!(store.apply(Index(2), &put), Answer::Written { version: Index(2) });
//! assert_eq!(store.apply(Index(3), &put), Answer::VersionDiffers { actual: Index(2) });
//! assert_eq!(*store.get(b"x").unwrap().value, *b"2");
//! # Ok::<(), raft_for_beginners_kv::InvalidCommand>(())
//! ```
//!
//! # A guided tour
//!
//! 1. `command.rs`: clients' commands, and their format in the log; `answer.rs`: what they are told.
//! 2. `store.rs`: [`Store::apply`], and the reads, which don't go through the log.
//! 3. `records.rs`: the keys with their values and versions. A key's *version* is the index of the
//!    entry that wrote it last: version 17 was written by entry 17 of the log.
//! 4. `session.rs`: how a command that is sent twice is executed once.
//! 5. `snapshot.rs` and `restore.rs`: the whole store as a stream of bytes, and back.
//! 6. `text.rs`: commands as people write and read them.
//! 7. `state_machine.rs`: the store as a driver has it.
//! 7. `state_machine.rs`: the store as the driver's state machine.
//! # Executed once, though sent twice
//!
//! A client that gets no answer doesn't know whether its command was lost or only the answer. It must send it
//! again, and then the log may hold it twice. So a client opens a *session* and numbers its requests 1, 2, 3,
//! …, sending each until it is answered before it sends the next. For each session, the store remembers the
//! latest request and its answer (thesis §6.3):
//!
//! * a later request is executed;
//! * the latest one again is not executed again: it gets the same answer as the first time;
//! * an earlier one is refused, since its answer is no longer known ([`Answer::SequenceForgotten`]).
//!
//! Sessions are not remembered forever. Their maximum number is part of the command that opens another one
//! ([`Command::OpenSession`]), and the session whose latest request is the furthest back in the log is
//! dropped. All servers read that in the log, so all drop the same one at the same place, whatever their own
//! settings are.
//!
//! A request of a session that was dropped is refused and not executed ([`Answer::SessionUnknown`]). The
//! client is then left with a doubt that nothing here can remove: this try changed nothing, but an earlier
//! try of the same request may have been executed before the session was dropped. It must read the key's
//! current value, and open a new session.
//!
//! # New versions
//!
//! Commands and snapshots begin with the version of their format. A server that finds a command of a newer
//! version answers [`Answer::Invalid`] with [`InvalidCommand::NewerVersion`] and changes nothing, and from
//! there on it would differ from the servers that understand it. So a version may be written to the log only
//! when all servers of the cluster know it. The limits ([`LONGEST_KEY`], [`LONGEST_VALUE`]) belong to the
//! format: other limits need another version.

mod answer;
mod command;
mod records;
mod restore;
mod session;
mod snapshot;
mod state_machine;
mod store;
mod text;

pub use answer::Answer;
pub use command::{
    Change, Command, DEFAULT_SESSIONS, InvalidCommand, LONGEST_KEY, LONGEST_VALUE, Request, SessionId, Write,
};
pub use consensus;
pub use records::{Page, Record};
pub use restore::{Restore, RestoreError};
pub use snapshot::Snapshot;
pub use store::{Changed, Counts, Store};
pub use text::UnknownCommand;
