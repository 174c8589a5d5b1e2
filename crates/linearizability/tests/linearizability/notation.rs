//! Histories as tests write them, one operation per line: `2 30..40 put 5` is client 2, which asks at 30 to
//! write 5 and gets its answer at 40.
//!
//! `put 5 if 7` has a condition on the version. An answer that says more than "done" follows `=>`, and may
//! end with a version: `get => 5 v7`; an uncertain operation has no end (`30..`), and one
//! that did not happen has an `x` there.

use linearizability::{Answer, History, Request};

pub fn history(text: &str) -> History {
    history_on("x", text)
}

pub fn history_on(key: &str, text: &str) -> History {
    let mut history = History::default();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (client, line) = line.split_once(' ').expect("a client");
        let (time, line) = line.trim().split_once(' ').expect("a time");
        let (request, answer) = line.split_once("=>").unwrap_or((line, "done"));
        let (start, end) = time.split_once("..").expect("a start and an end");
        let pending =
            history.call(client.parse().expect("a number"), key, self::request(request), number(start));
        match end {
            "" => history.uncertain(pending),
            "x" => history.did_not_happen(pending),
            _ => history.returned(pending, self::answer(answer.trim()), number(end)),
        }
    }
    history
}

fn number(text: &str) -> u64 {
    text.parse().expect("a time is a number")
}

fn request(text: &str) -> Request {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (words, if_version) = match &words[..] {
        [words @ .., "if", version] => (words, Some(number(version))),
        words => (words, None),
    };
    match *words {
        ["get"] => Request::Read,
        ["put", value] => Request::Write { value: value.to_owned(), if_version },
        ["delete"] => Request::Delete { if_version },
        ["cas", expected, new] => {
            Request::CompareAndSwap { expected: expected.to_owned(), new: new.to_owned(), if_version }
        }
        _ => panic!("{text} is no request"),
    }
}

fn answer(text: &str) -> Answer {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (words, version) = match &words[..] {
        [words @ .., last] if last.starts_with('v') => (words, Some(number(&last[1..]))),
        words => (words, None),
    };
    match *words {
        ["done"] => Answer::Done { version },
        ["differs"] => Answer::Differs { version },
        ["nothing"] => Answer::NotFound,
        [value] => Answer::Found { value: value.to_owned(), version },
        _ => panic!("{text} is no answer"),
    }
}
