//! The replicated key-value store: a state machine that Raft drives.
//!
//! Raft makes all servers agree on a log. What the log is *for* is this crate's business: each entry
//! holds a [`Command`] such as "put x = 1", and each server has a [`Store`] that applies the committed
//! entries one by one. The same commands in the same order give the same store everywhere, so that
//! any server can stand in for another (§2 of the paper). For this to hold, nothing here depends on
//! anything but the log: there is no clock, no chance, no setting of a single server.
//!
//! ```
//! use raft_for_beginners_kv::consensus::Index;
//! use raft_for_beginners_kv::{Answer, Command, Store, Write};
//!
//! let mut store = Store::default();
//! let put = Command::Write(Write::put(b"x", b"1")).encode()?;
//! assert_eq!(store.apply(Index(1), &put), Answer::Written { version: Index(1) });
//!
//! // Not if somebody was faster: only while x is as entry 1 left it.
//! let put = Write { if_version: Some(Index(1)), ..Write::put(b"x", b"2") };
//! let put = Command::Write(put).encode()?;
//! assert_eq!(store.apply(Index(2), &put), Answer::Written { version: Index(2) });
//! assert_eq!(store.apply(Index(3), &put), Answer::VersionDiffers { actual: Index(2) });
//! assert_eq!(*store.get(b"x").unwrap().value, *b"2");
//! # Ok::<(), kv::InvalidCommand>(())
//! ```
//!
//! # A guided tour
//!
//! 1. `command.rs`: what clients can ask for, and how it is written into the log; `answer.rs`: what
//!    they are told.
//! 2. `store.rs`: [`Store::apply`], and the reads, which don't go through the log.
//! 3. `records.rs`: the keys with their values and versions. A key's *version* is the index of the
//!    entry that wrote it last: version 17 was written by entry 17 of the log.
//! 4. `session.rs`: how a command that is sent twice is executed once.
//! 5. `snapshot.rs` and `restore.rs`: the whole store as a stream of bytes, and back.
//! 6. `text.rs`: commands as people write and read them.
//! 7. `state_machine.rs`: the store as a driver has it.
//!
//! # Once, though sent twice
//!
//! A client that gets no answer doesn't know whether its command was lost or only the answer. It must
//! send it again, and then the log may hold it twice. So a client opens a *session* and numbers its
//! requests 1, 2, 3, …, sending each until it is answered before it goes on to the next. For each
//! session, the store remembers the latest request and its answer (thesis §6.3):
//!
//! * a later request is executed;
//! * the latest again is not executed again: the answer is that of the first time;
//! * an earlier one is refused, since its answer is forgotten ([`Answer::SequenceForgotten`]).
//!
//! Sessions are not remembered forever. How many there may be is part of the command that opens one
//! more ([`Command::OpenSession`]), and the one whose latest request is the furthest back in the log
//! makes room. All servers read that in the log, so all drop the same one at the same place, whatever
//! their own settings are.
//!
//! A request of a session that was dropped is refused and not executed ([`Answer::SessionUnknown`]).
//! The client is then left with a doubt that nothing here can lift: this try changed nothing, but an
//! earlier try of the same request may have been executed before the session was dropped. It must
//! look at what the key holds now, and open a new session.
//!
//! # New versions
//!
//! Commands and snapshots begin with the version of their format. A server that meets a command of a
//! newer version answers [`Answer::Invalid`] with [`InvalidCommand::NewerVersion`] and changes nothing,
//! and from there on it would differ from the servers that understand it. So a version may be written
//! into the log only when all servers of the cluster know it. The limits ([`LONGEST_KEY`],
//! [`LONGEST_VALUE`]) belong to the format: with other limits comes another version.

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
pub use records::{Page, Record};
pub use restore::{Restore, RestoreError};
pub use snapshot::Snapshot;
pub use store::{Changed, Counts, Store};
pub use text::UnknownCommand;
