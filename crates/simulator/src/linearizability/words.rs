//! Operations in words, for pictures and sentences.

use super::history::{Answer, Operation, Outcome, Request};

/// Longer values are cut.
const LONGEST_VALUE: usize = 12;

/// What was asked and answered, as a picture has it: `get → 1`. Of a compare-and-swap what it expected
/// may be left out: `cas … → 2: done`.
pub(super) fn label(operation: &Operation, is_write: bool) -> String {
    let request = match &operation.request {
        Request::CompareAndSwap { new, .. } if is_write => format!("cas … → {}", printable(new)),
        _ => request(operation),
    };
    let Outcome::Returned { answer, .. } = &operation.outcome else { return request };
    match (&operation.request, answer) {
        (Request::Read, Answer::Found(found)) => {
            format!("{request} → {}", value_or_nothing(found.as_deref()))
        }
        (_, Answer::Found(found)) => format!("{request}: found {}", value_or_nothing(found.as_deref())),
        (_, Answer::Differs) => format!("{request}: differs"),
        (Request::Write(_) | Request::Delete, Answer::Done) => request,
        (_, Answer::Done) => format!("{request}: done"),
    }
}

fn request(operation: &Operation) -> String {
    match &operation.request {
        Request::Read => "get".to_owned(),
        Request::Write(new) => format!("put {}", printable(new)),
        Request::Delete => "delete".to_owned(),
        Request::CompareAndSwap { expected, new } => {
            format!("cas {} → {}", value_or_nothing(expected.as_deref()), printable(new))
        }
    }
}

/// What the client did or was told: `client 3 read 1`.
pub(super) fn deed(operation: &Operation) -> String {
    let client = operation.client;
    match (&operation.request, &operation.outcome) {
        (Request::Read, Outcome::Returned { answer: Answer::Found(Some(found)), .. }) => {
            format!("client {client} read {}", printable(found))
        }
        (_, Outcome::Returned { answer: Answer::Found(found), .. }) => {
            format!("client {client} found {}", value_or_nothing(found.as_deref()))
        }
        (Request::CompareAndSwap { expected, new }, _) => {
            let expected = value_or_nothing(expected.as_deref());
            format!("client {client} swapped {expected} for {}", printable(new))
        }
        (Request::Delete, _) => format!("client {client} deleted {}", printable(&operation.key)),
        _ => format!("client {client} {}", request(operation)),
    }
}

/// The operation as something to speak of: `put 2`, `client 3's read of 1`.
pub(super) fn name(operation: &Operation) -> String {
    let of = match &operation.outcome {
        Outcome::Returned { answer: Answer::Found(found), .. } => {
            format!(" of {}", value_or_nothing(found.as_deref()))
        }
        _ => String::new(),
    };
    match &operation.request {
        Request::Write(_) => request(operation),
        _ => format!("client {}'s {}{of}", operation.client, noun(operation)),
    }
}

fn noun(operation: &Operation) -> &'static str {
    match &operation.request {
        Request::Read => "read",
        Request::Write(_) => "write",
        Request::Delete => "delete",
        Request::CompareAndSwap { .. } => "compare-and-swap",
    }
}

pub(super) fn value_or_nothing(value: Option<&str>) -> String {
    value.map_or("nothing".to_owned(), printable)
}

/// A value or key in printable ASCII, and not too long: its beginning and its end, for many that are
/// alike differ only there.
pub(super) fn printable(text: &str) -> String {
    let text = text.escape_default().to_string();
    let half = LONGEST_VALUE / 2;
    match text.len() {
        0 => "\"\"".to_owned(),
        1..=LONGEST_VALUE => text,
        length => format!("{}…{}", &text[..half - 1], &text[length - half..]),
    }
}

/// With a capital letter and a full stop.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).chain(['.']).collect()
}
