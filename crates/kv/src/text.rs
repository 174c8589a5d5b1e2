//! Commands and stores as people write and read them.

use crate::command::{Change, Command, Write};
use crate::store::Store;
use driver::StoreContent;
use std::collections::BTreeSet;
use std::fmt;
use std::num::NonZeroUsize;

/// Maximum number of characters shown of a key or a value.
const SHOWN: usize = 40;
/// Maximum number of keys shown of a store.
const RECORDED: NonZeroUsize = NonZeroUsize::new(driver::RECORDED).unwrap();

impl fmt::Display for Command<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Command::OpenSession { at_most } => write!(f, "open a session (at most {at_most})"),
            Command::Write(write) => write.fmt(f),
        }
    }
}

impl fmt::Display for Write<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !matches!(self.change, Change::Delete) {
            f.write_str("put ")?;
        }
        f.write_str(&self.brief())?;
        if let Some(request) = self.request {
            write!(f, " [session {}, request {}]", request.session, request.sequence)?;
        }
        Ok(())
    }
}

impl Command<'_> {
    /// The content of an entry with this command, in a few words.
    ///
    /// ```
    /// # use raft_for_beginners_kv::{Command, Write};
    /// assert_eq!(Command::Write(Write::put(b"x", b"1")).brief(), "x = 1");
    /// ```
    pub fn brief(&self) -> String {
        match self {
            Command::OpenSession { .. } => "open a session".to_owned(),
            Command::Write(write) => write.brief(),
        }
    }
}

/// The content of an entry with these bytes, in a few words; their number if they are not a command.
pub(crate) fn words(command: &[u8]) -> String {
    Command::decode(command).map_or_else(|_| format!("{} bytes", command.len()), |command| command.brief())
}

/// The contents of the store, in words: of the keys that these commands name or, with `None`, of its first
/// ones.
pub(crate) fn content(store: &Store, written_by: Option<&[&[u8]]>) -> StoreContent {
    let keys = store.counts().keys as u64;
    let words = |key: &[u8], value: Option<&[u8]>| {
        (Text(key).to_string().into(), value.map(|value| Text(value).to_string().into()))
    };
    let held = match written_by {
        Some(commands) => {
            let keys: BTreeSet<&[u8]> = commands.iter().filter_map(|command| key_of(command)).collect();
            let value = |key| store.get(key).map(|record| &*record.value);
            keys.into_iter().map(|key| words(key, value(key))).collect()
        }
        None => {
            let first = store.list(b"", b"", RECORDED).records;
            first.into_iter().map(|(key, record)| words(key, Some(&record.value))).collect()
        }
    };
    StoreContent { is_whole: written_by.is_none(), keys, held }
}

fn key_of(command: &[u8]) -> Option<&[u8]> {
    match Command::decode(command) {
        Ok(Command::Write(write)) => Some(write.key),
        _ => None,
    }
}

/// Bytes as text: bounded, on one line, and in quotes where it would be misread without. Bytes that are not
/// text are shown as `\xff`.
struct Text<'a>(&'a [u8]);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut characters = self.escaped_characters();
        let shown: String = characters.by_ref().take(SHOWN).collect();
        let is_a_word = !shown.is_empty() && shown.as_bytes() == self.0 && !shown.contains(' ');
        if is_a_word {
            f.write_str(&shown)
        } else if characters.next().is_none() {
            write!(f, "\"{shown}\"")
        } else {
            write!(f, "\"{shown}\"… ({} bytes)", self.0.len())
        }
    }
}

impl<'a> Text<'a> {
    /// The characters as they are shown: all, or more than [`SHOWN`].
    fn escaped_characters(&self) -> impl Iterator<Item = String> + use<'a> {
        // A character has at most four bytes. So if the last of these is cut in two, it isn't shown.
        let beginning = &self.0[..self.0.len().min(4 * (SHOWN + 1))];
        beginning.utf8_chunks().flat_map(|chunk| {
            let text = chunk.valid().chars().map(escape);
            text.chain(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")))
        })
    }
}

fn escape(character: char) -> String {
    // It would be escaped too, and needn't be: it is the other sort of quotes that surrounds the text.
    if character == '\'' { character.into() } else { character.escape_debug().collect() }
}

/// A text is not a command that the store knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a command; the commands are: put KEY VALUE, del KEY, cas KEY EXPECTED NEW")]
pub struct UnknownCommand {
    /// The text.
    pub text: String,
}

impl<'a> Write<'a> {
    fn brief(&self) -> String {
        let key = Text(self.key);
        let change = match self.change {
            Change::Put { value } => format!("{key} = {}", Text(value)),
            Change::Delete => format!("delete {key}"),
            Change::CompareAndSwap { expected, new } => {
                format!("{key} = {} (if it is {})", Text(new), Text(expected))
            }
        };
        let condition = self.if_version.map(|version| format!(" (if version {version})"));
        change + &condition.unwrap_or_default()
    }

    /// The change in a short text: `put x 1`, `del x` or `cas x 1 2`. Keys and values are words here, without
    /// spaces.
    ///
    /// # Errors
    /// [`UnknownCommand`] if it is none of these.
    pub fn parse(text: &'a str) -> Result<Write<'a>, UnknownCommand> {
        let words: Vec<&[u8]> = text.split_whitespace().map(str::as_bytes).collect();
        match words[..] {
            [b"put", key, value] => Ok(Write::put(key, value)),
            [b"del", key] => Ok(Write::delete(key)),
            [b"cas", key, expected, new] => Ok(Write::compare_and_swap(key, expected, new)),
            _ => Err(UnknownCommand { text: text.to_owned() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{DEFAULT_SESSIONS, LONGEST_VALUE, Request, SessionId};
    use consensus::Index;

    fn text(bytes: impl AsRef<[u8]>) -> String {
        Text(bytes.as_ref()).to_string()
    }

    #[test]
    fn commands_read_as_sentences() {
        let request = Some(Request { session: SessionId(Index(12)), sequence: 3 });
        let put = Write { if_version: Some(Index(7)), request, ..Write::put(b"x", b"1") };
        let cases = [
            (Command::Write(put), "put x = 1 (if version 7) [session 12, request 3]"),
            (Command::Write(Write::delete(b"a key")), "delete \"a key\""),
            (Command::Write(Write::compare_and_swap(b"x", b"1", b"2")), "put x = 2 (if it is 1)"),
            (Command::OpenSession { at_most: DEFAULT_SESSIONS }, "open a session (at most 10000)"),
        ];
        for (command, sentence) in cases {
            assert_eq!(command.to_string(), sentence);
        }
    }

    #[test]
    fn bytes_are_shown_without_harm() {
        assert_eq!(text("it's_größer"), "it's_größer");
        assert_eq!(text(""), "\"\"");
        assert_eq!(text("say \"hi\"\n\u{1b}[31m\u{202e}"), r#""say \"hi\"\n\u{1b}[31m\u{202e}""#);
        assert_eq!(text(r"\n"), r#""\\n""#, "not a line break");
        assert_eq!(text(b"x\xff\xc3y"), r#""x\xff\xc3y""#);
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let exactly = "ß".repeat(SHOWN);
        assert_eq!(text(&exactly), exactly);
        assert_eq!(text(exactly.clone() + "x"), format!("\"{exactly}\"… (81 bytes)"));
        let smileys = "\u{1f642}".repeat(SHOWN);
        assert_eq!(text(smileys.clone() + "\u{1f642}x"), format!("\"{smileys}\"… (165 bytes)"));
        let longest = text(vec![0xff; LONGEST_VALUE]);
        assert_eq!(longest, format!("\"{}\"… (1048576 bytes)", r"\xff".repeat(SHOWN)));
    }

    #[test]
    fn short_texts_are_commands() {
        assert_eq!(Write::parse("put x 1"), Ok(Write::put(b"x", b"1")));
        assert_eq!(Write::parse(" del  x "), Ok(Write::delete(b"x")));
        assert_eq!(Write::parse("cas x 1 2"), Ok(Write::compare_and_swap(b"x", b"1", b"2")));
        for wrong in ["", "put x", "put x 1 2", "del", "get x"] {
            let error = Write::parse(wrong).unwrap_err();
            assert!(
                error
                    .to_string()
                    .starts_with(&format!("{wrong:?} is not a command; the commands are: put KEY"))
            );
        }
    }
}
