//! Histories on disk.

use crate::notation::history;
use linearizability::{Answer, History, Request};

const LINES: &str = r#"{"client":1,"key":"x","request":{"write":{"value":"1"}},"called":0,"outcome":{"returned":{"at":10,"answer":{"done":{"version":7}}}}}
{"client":2,"key":"x","request":{"compare_and_swap":{"expected":"0","new":"2","if_version":6}},"called":5,"outcome":{"returned":{"at":15,"answer":{"found":{"value":"1","version":7}}}}}
{"client":3,"key":"x","request":"read","called":20,"outcome":{"returned":{"at":30,"answer":"not_found"}}}
{"client":4,"key":"x","request":{"delete":{}},"called":25,"outcome":"uncertain"}
{"client":5,"key":"x","request":{"write":{"value":"3"}},"called":26,"outcome":"did_not_happen"}
"#;

#[test]
fn a_history_is_a_line_for_each_operation() {
    let history = history(
        "1  0..10 put 1 => done v7
         2  5..15 cas 0 2 if 6 => 1 v7
         3 20..30 get => nothing
         4 25..   delete
         5 26..x  put 3",
    );
    let mut lines = Vec::new();
    history.write(&mut lines).unwrap();
    assert_eq!(String::from_utf8(lines).unwrap(), LINES);
}

#[test]
fn what_was_written_is_read() {
    let history = History::read(LINES.as_bytes(), "run.jsonl").unwrap();
    let mut lines = Vec::new();
    history.write(&mut lines).unwrap();
    assert_eq!(String::from_utf8(lines).unwrap(), LINES);
    let with_blank_lines = LINES.replace('\n', "\n\n");
    assert_eq!(History::read(with_blank_lines.as_bytes(), "run.jsonl").unwrap(), history);
}

#[test]
fn what_can_not_be_read_says_where_and_why() {
    let error = |text: &str| History::read(text.as_bytes(), "run.jsonl").unwrap_err().to_string();
    let cut = &LINES[..LINES.len() - 10];
    assert_eq!(
        error(cut),
        "run.jsonl:5: this is no operation of a history: EOF while parsing a string at column 86"
    );
    let unknown = LINES.replace("delete", "increment");
    let message = error(&unknown);
    assert!(
        message.starts_with("run.jsonl:4: this is no operation of a history: unknown variant `increment`")
    );
    let backwards = LINES.replace(r#""at":30"#, r#""at":19"#);
    assert_eq!(
        error(&backwards),
        "run.jsonl:3: this is no operation of a history: it returned at 19, before it was called at 20"
    );
}

#[test]
fn an_operation_without_an_outcome_is_uncertain() {
    let mut told = History::default();
    let pending = told.call(1, "x", Request::Delete { if_version: None }, 7);
    told.uncertain(pending);
    let mut untold = History::default();
    drop(untold.call(1, "x", Request::Delete { if_version: None }, 7));
    assert_eq!(told, untold);
}

#[test]
#[should_panic(expected = "the clock has gone back from 7 to 6")]
fn a_clock_that_goes_back_is_no_clock() {
    let mut history = History::default();
    let pending = history.call(1, "x", Request::Delete { if_version: None }, 7);
    history.returned(pending, Answer::Done { version: None }, 6);
}
