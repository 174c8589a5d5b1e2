//! Building a store from the bytes of a snapshot.

use crate::command::{SessionId, check_key, check_value, decode_all};
use crate::session::Session;
use crate::snapshot::{Contents, KeyFrame, LONGEST_FRAME, MAGIC, VERSION};
use crate::store::Store;
use consensus::Index;
use std::mem;

/// Why bytes can't be turned into a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// They don't begin like a snapshot.
    #[error("this is not a snapshot of a key-value store")]
    NotASnapshot,
    /// A newer version of this program wrote them.
    #[error("the snapshot's format is version {version}, and this program reads version {VERSION}")]
    NewerVersion {
        /// The version of their format.
        version: u8,
    },
    /// A part of the snapshot is nothing that could have been written.
    #[error("the snapshot is damaged: the part that ends at byte {end} is invalid")]
    Nonsense {
        /// Number of bytes up to its end.
        end: u64,
    },
    /// The checksum at the end is not that of the bytes before it.
    #[error("the snapshot is damaged: its checksum is wrong")]
    WrongChecksum,
    /// It continues after its end.
    #[error("the snapshot is damaged: there is more after its end")]
    TooLong,
    /// It holds another state than it should.
    #[error(
        "the snapshot should hold the state after entry {last_included}, but holds the state after entry {found}"
    )]
    OtherState {
        /// The last entry that should have been applied.
        last_included: Index,
        /// The last entry that was.
        found: Index,
    },
    /// It ends too early.
    #[error("the snapshot is incomplete: it ends after {length} bytes")]
    CutShort {
        /// Number of bytes.
        length: u64,
    },
}

impl RestoreError {
    /// What to do about it.
    pub fn help(self) -> &'static str {
        match self {
            RestoreError::NewerVersion { .. } => "use the newer version of this program",
            _ => "get the snapshot again, from the server that made it or from another one",
        }
    }
}

/// A store that is being built. It takes a snapshot's bytes in chunks, cut anywhere, and trusts none of them:
/// they may come from a damaged disk, or from anyone. It needs the memory of what it was given and a little
/// more, whatever the bytes claim.
///
/// After an error, the store can only be restored from the beginning.
#[derive(Debug, Default)]
pub struct Restore {
    store: Store,
    next: Next,
    /// The part of the snapshot that is being received, as far as it has arrived.
    part: Vec<u8>,
    /// What is still to come of the snapshot's contents, once known.
    to_come: Option<Contents>,
    /// Checksum of all bytes before that part.
    checksum: u32,
    /// Number of bytes so far.
    length: u64,
}

/// What comes next.
#[derive(Debug, Clone, Copy, Default)]
enum Next {
    #[default]
    Preamble,
    LengthOfFrame,
    Frame {
        length: usize,
    },
    Checksum,
    Nothing,
}

impl Next {
    /// Its length in bytes.
    fn length(self) -> usize {
        match self {
            Next::Preamble => MAGIC.len() + 1,
            Next::LengthOfFrame | Next::Checksum => 4,
            Next::Frame { length } => length,
            Next::Nothing => 0,
        }
    }
}

impl Restore {
    /// Takes the next bytes of the snapshot.
    ///
    /// # Errors
    /// [`RestoreError`], as soon as it is certain that this is not a valid store.
    pub fn feed(mut self, mut chunk: &[u8]) -> Result<Restore, RestoreError> {
        while !chunk.is_empty() {
            let missing = self.next.length() - self.part.len();
            let (now, later) = chunk.split_at(missing.min(chunk.len()));
            self.part.extend_from_slice(now);
            self.length += now.len() as u64;
            chunk = later;
            if now.len() == missing {
                self.take_part()?;
            }
        }
        Ok(self)
    }

    /// The store, once it has all bytes of the snapshot.
    ///
    /// # Errors
    /// [`RestoreError::CutShort`] if some are missing.
    pub fn finish(self) -> Result<Store, RestoreError> {
        match self.next {
            Next::Nothing => Ok(self.store),
            _ => Err(RestoreError::CutShort { length: self.length }),
        }
    }

    /// Reads the part that has arrived, and decides what comes next.
    fn take_part(&mut self) -> Result<(), RestoreError> {
        let mut part = mem::take(&mut self.part);
        let nonsense = RestoreError::Nonsense { end: self.length };
        self.next = match self.next {
            Next::Preamble => after_preamble(&part)?,
            Next::LengthOfFrame => Next::Frame { length: length_of_frame(&part).ok_or(nonsense)? },
            Next::Frame { .. } => self.take_frame(&part).ok_or(nonsense)?,
            Next::Checksum if part == self.checksum.to_le_bytes() => Next::Nothing,
            Next::Checksum => return Err(RestoreError::WrongChecksum),
            Next::Nothing => return Err(RestoreError::TooLong),
        };
        self.checksum = crc32c::crc32c_append(self.checksum, &part);
        part.clear();
        self.part = part;
        Ok(())
    }

    fn take_frame(&mut self, frame: &[u8]) -> Option<Next> {
        let to_come = match self.to_come {
            None => {
                let contents: Contents = decode_all(frame)?;
                self.store.last_applied = contents.last_applied;
                contents
            }
            Some(to_come) if to_come.sessions > 0 => {
                self.add_session(decode_all(frame)?)?;
                Contents { sessions: to_come.sessions - 1, ..to_come }
            }
            Some(to_come) => {
                self.add_key(&decode_all(frame)?)?;
                Contents { keys: to_come.keys - 1, ..to_come }
            }
        };
        self.to_come = Some(to_come);
        let is_complete = to_come.sessions == 0 && to_come.keys == 0;
        Some(if is_complete { Next::Checksum } else { Next::LengthOfFrame })
    }

    fn add_session(&mut self, session: Session) -> Option<()> {
        let Store { last_applied, sessions, .. } = &mut self.store;
        let SessionId(opened) = session.id;
        let was_possible =
            Index(0) < opened && opened <= session.last_use && session.last_use <= *last_applied;
        let is_in_order = session.last_use > sessions.last_use() && !sessions.contains(session.id);
        (was_possible && is_in_order).then(|| sessions.insert(session))
    }

    fn add_key(&mut self, frame: &KeyFrame) -> Option<()> {
        let Store { last_applied, records, .. } = &mut self.store;
        check_key(frame.key).and_then(|()| check_value(frame.value)).ok()?;
        let was_possible = Index(0) < frame.version && frame.version <= *last_applied;
        let is_in_order = records.last_key().is_none_or(|last| last < frame.key);
        (was_possible && is_in_order).then(|| {
            records.put(frame.key, frame.value, frame.version);
        })
    }
}

fn after_preamble(preamble: &[u8]) -> Result<Next, RestoreError> {
    match preamble.strip_prefix(&MAGIC) {
        Some([VERSION]) => Ok(Next::LengthOfFrame),
        Some(&[version]) if version > VERSION => Err(RestoreError::NewerVersion { version }),
        _ => Err(RestoreError::NotASnapshot),
    }
}

/// Frames that are too long are refused before they have arrived.
fn length_of_frame(bytes: &[u8]) -> Option<usize> {
    let length = u32::from_le_bytes(bytes.try_into().ok()?);
    usize::try_from(length).ok().filter(|length| *length <= LONGEST_FRAME)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Answer;
    use crate::snapshot::write_frame;

    /// What an attacker who knows the format can write: any contents, with a valid checksum.
    fn snapshot(contents: Contents, sessions: &[Session], keys: &[KeyFrame]) -> Vec<u8> {
        let mut bytes = [&MAGIC[..], &[VERSION]].concat();
        write_frame(&mut bytes, &contents);
        sessions.iter().for_each(|session| write_frame(&mut bytes, session));
        keys.iter().for_each(|key| write_frame(&mut bytes, key));
        bytes.extend(crc32c::crc32c(&bytes).to_le_bytes());
        bytes
    }

    fn restore(bytes: &[u8]) -> Result<Store, RestoreError> {
        Restore::default().feed(bytes)?.finish()
    }

    fn restore_sessions(sessions: &[Session]) -> Result<Store, RestoreError> {
        let contents = Contents { last_applied: Index(9), sessions: sessions.len() as u16, keys: 0 };
        restore(&snapshot(contents, sessions, &[]))
    }

    fn restore_keys(keys: &[KeyFrame]) -> Result<Store, RestoreError> {
        let contents = Contents { last_applied: Index(9), sessions: 0, keys: keys.len() as u64 };
        restore(&snapshot(contents, &[], keys))
    }

    #[track_caller]
    fn assert_is_nonsense(restored: Result<Store, RestoreError>) {
        assert!(matches!(restored, Err(RestoreError::Nonsense { .. })), "{restored:?}");
    }

    #[test]
    fn sessions_that_cannot_be_are_refused() {
        let session = |id, last_use| Session {
            id: SessionId(Index(id)),
            last_use: Index(last_use),
            sequence: 1,
            answer: Answer::Deleted,
        };
        assert_eq!(restore_sessions(&[session(4, 5), session(2, 9)]).unwrap().counts().sessions, 2);
        for impossible in [session(0, 5), session(6, 5), session(5, 10)] {
            assert_is_nonsense(restore_sessions(&[impossible]));
        }
        for second in [session(2, 5), session(2, 4), session(4, 6)] {
            assert_is_nonsense(restore_sessions(&[session(4, 5), second]));
        }
    }

    #[test]
    fn keys_that_cannot_be_are_refused() {
        let key = |key, version| KeyFrame { key, version: Index(version), value: b"1" };
        assert_eq!(restore_keys(&[key(b"x", 9), key(b"y", 8)]).unwrap().counts().keys, 2);
        let long = [b'x'; 1025];
        for impossible in [key(b"x", 0), key(b"x", 10), key(b"", 1), key(&long, 1)] {
            assert_is_nonsense(restore_keys(&[impossible]));
        }
        for second in [key(b"y", 8), key(b"x", 8)] {
            assert_is_nonsense(restore_keys(&[key(b"y", 9), second]));
        }
    }

    #[test]
    fn what_was_announced_must_come() {
        let keys = [KeyFrame { key: b"x", version: Index(1), value: b"1" }];
        let contents = Contents { last_applied: Index(9), sessions: 0, keys: 1 };
        restore(&snapshot(contents, &[], &keys)).unwrap();
        restore(&snapshot(Contents { keys: 0, ..contents }, &[], &keys)).unwrap_err();
        restore(&snapshot(Contents { keys: u64::MAX, ..contents }, &[], &keys)).unwrap_err();
        restore(&snapshot(Contents { sessions: 1, ..contents }, &[], &keys)).unwrap_err();
    }

    #[test]
    fn memory_is_taken_for_what_has_come_not_for_what_is_announced() {
        let longest = (LONGEST_FRAME as u32).to_le_bytes();
        let begun = [&MAGIC[..], &[VERSION], &longest, &[0; 100]].concat();
        let restore = Restore::default().feed(&begun).unwrap();
        assert_eq!(restore.part.len(), 100);
        assert!(restore.part.capacity() <= 200, "{}", restore.part.capacity());
    }
}
