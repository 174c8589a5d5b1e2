//! `raft put`, `get`, `del`, `cas` and `list`.

mod reading;
mod writing;

pub(crate) use reading::{GetArguments, ListArguments, get, list};
pub(crate) use writing::{CasArguments, DelArguments, PutArguments, cas, del, put};

use trace::is_obeyed;

/// Bytes as people read them: text as it is, and everything else in quotes.
pub(crate) fn quoted(bytes: &[u8]) -> String {
    match str::from_utf8(bytes) {
        Ok(text) if !text.is_empty() && !text.contains(is_obeyed) => text.to_owned(),
        Ok(text) => format!("{text:?}"),
        Err(_) => format!("\"{}\"", bytes.escape_ascii()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_key_holds_is_shown_on_a_line() {
        assert_eq!(quoted("grüße an alle".as_bytes()), "grüße an alle");
        assert_eq!(quoted(b"two\nlines\x1b"), r#""two\nlines\u{1b}""#);
        assert_eq!(quoted(b"\xff\n"), r#""\xff\n""#);
        assert_eq!(quoted("not\u{202e}what it seems".as_bytes()), r#""not\u{202e}what it seems""#);
        assert_eq!(quoted(b""), r#""""#);
    }
}
