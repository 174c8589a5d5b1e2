//! What clients are told.

use crate::command::{InvalidCommand, SessionId};
use consensus::Index;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The result of a command. All servers give the same answer to the same entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The key has its new value.
    Written {
        /// The key's version now.
        version: Index,
    },
    /// The key is gone.
    Deleted,
    /// Nothing was changed: there is no such key to delete, or to compare with a value.
    NotFound,
    /// Nothing was changed: the key's version is not the one that was asked for.
    VersionDiffers {
        /// The key's version; 0 if there is no such key.
        actual: Index,
    },
    /// Nothing was changed: the key's value is not the expected one.
    ValueDiffers {
        /// The version of the value that it has.
        version: Index,
    },
    /// A session was opened.
    SessionOpened {
        /// Its name, for requests.
        session: SessionId,
    },
    /// This try of the request changed nothing: there is no such session. If there was one, it is unknown
    /// whether an earlier try was executed.
    SessionUnknown {
        /// The session that the request named.
        session: SessionId,
    },
    /// This try of the request changed nothing: the session is at a later request, and it is no longer known
    /// whether and how this one was answered.
    SequenceForgotten {
        /// The number of the session's latest request.
        latest: u64,
    },
    /// Nothing was changed: the entry holds no command that the store could execute.
    Invalid(InvalidCommand),
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answer::Written { version } => write!(f, "written, version {version}"),
            Answer::Deleted => f.write_str("deleted"),
            Answer::NotFound | Answer::VersionDiffers { actual: Index(0) } => {
                f.write_str("not done: there is no such key")
            }
            Answer::VersionDiffers { actual } => write!(f, "not done: the key's version is {actual}"),
            Answer::ValueDiffers { version } => {
                write!(f, "not done: the key has a different value (version {version})")
            }
            Answer::SessionOpened { session } => write!(f, "session {session} opened"),
            Answer::SessionUnknown { session } => {
                write!(
                    f,
                    "refused: there is no session {session}: it was dropped for newer ones, or never opened"
                )
            }
            Answer::SequenceForgotten { latest } => {
                write!(f, "refused: the session is at request {latest}, and earlier requests are forgotten")
            }
            Answer::Invalid(reason) => write!(f, "refused: {reason}"),
        }
    }
}

impl Answer {
    /// What a client can do about it; `None` if it got what it wanted.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Answer::Written { .. } | Answer::Deleted | Answer::SessionOpened { .. } => None,
            Answer::NotFound => Some("create the key first, with put"),
            Answer::VersionDiffers { .. } | Answer::ValueDiffers { .. } => {
                Some("read the key, and decide again with its value now")
            }
            Answer::SessionUnknown { .. } => Some(
                "if an earlier attempt may have succeeded, read the key to find out; then open a new session",
            ),
            Answer::SequenceForgotten { .. } => {
                Some("number the requests 1, 2, 3, ..., and wait for each response")
            }
            Answer::Invalid(reason) => Some(reason.help()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_read_as_sentences() {
        let cases = [
            (Answer::Written { version: Index(17) }, "written, version 17"),
            (Answer::VersionDiffers { actual: Index(9) }, "not done: the key's version is 9"),
            (Answer::VersionDiffers { actual: Index(0) }, "not done: there is no such key"),
            (Answer::SessionOpened { session: SessionId(Index(12)) }, "session 12 opened"),
            (Answer::Invalid(InvalidCommand::EmptyKey), "refused: the key is empty"),
        ];
        for (answer, sentence) in cases {
            assert_eq!(answer.to_string(), sentence);
        }
    }
}
