//! `raft put`, `get`, `del`, `cas` and `list`.

mod reading;
mod writing;

pub(crate) use reading::{GetArguments, ListArguments, get, list};
pub(crate) use writing::{CasArguments, DelArguments, PutArguments, cas, del, put};

/// Bytes as people read them: text as it is, and all else in quotes.
pub(crate) fn shown(bytes: &[u8]) -> String {
    match str::from_utf8(bytes) {
        Ok(text) if !text.is_empty() && !text.contains(char::is_control) => text.to_owned(),
        Ok(text) => format!("{text:?}"),
        Err(_) => format!("\"{}\"", bytes.escape_ascii()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_key_holds_is_shown_on_a_line() {
        assert_eq!(shown("grüße an alle".as_bytes()), "grüße an alle");
        assert_eq!(shown(b"two\nlines\x1b"), r#""two\nlines\u{1b}""#);
        assert_eq!(shown(b"\xff\n"), r#""\xff\n""#);
        assert_eq!(shown(b""), r#""""#);
    }
}
