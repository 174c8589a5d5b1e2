//! Operations in words, for pictures and sentences.

use crate::history::{Answer, Operation, Outcome, Request};

/// Maximum length of a value; longer ones are cut.
const LONGEST_VALUE: usize = 12;

/// The request and the answer, as in a picture: `get → 1`. What a compare-and-swap expected may be left out:
/// `cas … → 2: done`.
pub(crate) fn label(operation: &Operation, is_write: bool) -> String {
    let request = match &operation.request {
        Request::CompareAndSwap { new, .. } if is_write => format!("cas … → {}", printable(new)),
        Request::Write { value, if_version: Some(_) } if is_write => format!("put {} if …", printable(value)),
        Request::Delete { if_version: Some(_) } if is_write => "delete if …".to_owned(),
        _ => request(operation),
    };
    let Outcome::Returned { answer, .. } = &operation.outcome else { return request };
    match (&operation.request, answer) {
        (Request::Read, Answer::Found { .. } | Answer::NotFound) => format!("{request} → {}", found(answer)),
        (_, Answer::Found { .. } | Answer::NotFound) => format!("{request}: found {}", found(answer)),
        (_, Answer::Differs { version }) => format!("{request}: differs{}", in_brackets(*version)),
        (_, Answer::Done { version }) if is_conditional(&operation.request) => {
            format!("{request}: done{}", in_brackets(*version))
        }
        (_, Answer::Done { version }) => format!("{request}{}", in_brackets(*version)),
    }
}

fn request(operation: &Operation) -> String {
    match &operation.request {
        Request::Read => "get".to_owned(),
        Request::Write { value, if_version } => format!("put {}{}", printable(value), condition(*if_version)),
        Request::Delete { if_version } => format!("delete{}", condition(*if_version)),
        Request::CompareAndSwap { expected, new, if_version } => {
            format!("cas {} → {}{}", printable(expected), printable(new), condition(*if_version))
        }
    }
}

fn is_conditional(request: &Request) -> bool {
    match request {
        Request::Read => false,
        Request::Write { if_version, .. } | Request::Delete { if_version } => if_version.is_some(),
        Request::CompareAndSwap { .. } => true,
    }
}

fn condition(if_version: Option<u64>) -> String {
    match if_version {
        None => String::new(),
        Some(0) => " if absent".to_owned(),
        Some(version) => format!(" if v{version}"),
    }
}

pub(crate) fn in_brackets(version: Option<u64>) -> String {
    version.map_or_else(String::new, |version| format!(" (v{version})"))
}

/// What an answer says that there was: `1 (v17)`.
fn found(answer: &Answer) -> String {
    match answer {
        Answer::Found { value, version } => printable(value) + &in_brackets(*version),
        Answer::NotFound => "nothing".to_owned(),
        Answer::Done { version } | Answer::Differs { version } => {
            version.map_or("something else".to_owned(), |version| format!("version {version}"))
        }
    }
}

/// What the client did, or the answer: `client 3 read 1`.
pub(crate) fn deed(operation: &Operation) -> String {
    format!("client {} {}", operation.client, predicate(operation))
}

fn predicate(operation: &Operation) -> String {
    let key = printable(&operation.key);
    match (&operation.request, &operation.outcome) {
        (Request::Read, Outcome::Returned { answer: answer @ Answer::Found { .. }, .. }) => {
            format!("read {}", found(answer))
        }
        (
            _,
            Outcome::Returned {
                answer: answer @ (Answer::Found { .. } | Answer::NotFound | Answer::Differs { .. }),
                ..
            },
        ) => {
            format!("found {}", found(answer))
        }
        (Request::CompareAndSwap { expected, new, .. }, _) => {
            format!("swapped {} for {}", printable(expected), printable(new))
        }
        (Request::Write { value, if_version: Some(0) }, _) => {
            format!("put {} where it found nothing", printable(value))
        }
        (Request::Write { value, if_version: Some(version) }, _) => {
            format!("put {} in place of version {version}", printable(value))
        }
        (Request::Delete { if_version: Some(version) }, _) => format!("deleted version {version} of {key}"),
        (Request::Delete { if_version: None }, _) => format!("deleted {key}"),
        (Request::Read | Request::Write { .. }, _) => request(operation),
    }
}

/// A name for the operation in a sentence: `put 2`, `client 3's read of 1`.
pub(crate) fn name(operation: &Operation) -> String {
    let of = match &operation.outcome {
        Outcome::Returned { answer: answer @ (Answer::Found { .. } | Answer::NotFound), .. } => {
            format!(" of {}", found(answer))
        }
        _ => String::new(),
    };
    match &operation.request {
        Request::Write { value, .. } => {
            format!("put {}{}", printable(value), in_brackets(known_version(operation)))
        }
        Request::Read => format!("client {}'s read{of}", operation.client),
        Request::Delete { .. } => format!("client {}'s delete", operation.client),
        Request::CompareAndSwap { .. } => format!("client {}'s compare-and-swap{of}", operation.client),
    }
}

/// The version that it wrote, if its client knows.
pub(crate) fn known_version(operation: &Operation) -> Option<u64> {
    match operation.outcome {
        Outcome::Returned { answer: Answer::Done { version }, .. } => version,
        _ => None,
    }
}

pub(crate) fn value_or_nothing(value: Option<&str>) -> String {
    value.map_or("nothing".to_owned(), printable)
}

/// A value or key in printable ASCII, and not too long: its beginning and its end, since many similar ones
/// differ only there.
pub(crate) fn printable(text: &str) -> String {
    let text = text.escape_default().to_string();
    let half = LONGEST_VALUE / 2;
    match text.len() {
        0 => "\"\"".to_owned(),
        1..=LONGEST_VALUE => text,
        length => format!("{}…{}", &text[..half - 1], &text[length - half..]),
    }
}

/// With a capital letter and a full stop.
pub(crate) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).chain(['.']).collect()
}
