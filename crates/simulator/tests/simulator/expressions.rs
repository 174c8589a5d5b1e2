//! Answers that are expressions.

use consensus::Term;
use simulator::{Condition, Question, Substitute, Verdict, quietly};
use std::panic::{AssertUnwindSafe, catch_unwind};

fn mistake(id: &str, text: &str) -> String {
    let condition = Condition::ALL.iter().find(|condition| condition.id() == id).unwrap();
    Substitute::in_words(*condition, text).unwrap_err().to_string()
}

/// What an expression answers, or why it can't.
fn may_commit(text: &str, entry: u64, current: u64) -> Result<Verdict, String> {
    let substitute = Substitute::in_words(Condition::MayCommit, text).unwrap();
    let question = Question::MayCommit { entry: Term(entry), current: Term(current) };
    let answered = quietly(|| catch_unwind(AssertUnwindSafe(|| substitute.ask(&question))));
    answered.map_err(|panic| *panic.downcast::<String>().unwrap())
}

#[test]
fn operators_bind_as_in_rust() {
    let yes = Ok(Verdict::Bool(true));
    assert_eq!(may_commit("entry == current || entry > 5 && current < 3", 2, 2), yes);
    assert_eq!(may_commit("entry + 2 * 3 == current", 1, 7), yes);
    assert_eq!(may_commit("(entry + 2) * 3 == current - 1", 1, 10), yes);
    assert_eq!(may_commit("!(entry == current) && true", 1, 2), yes);
    assert_eq!(may_commit("min(entry, current) == 1 && max(entry, 9) / 2 == 4", 1, 2), yes);
    assert_eq!(may_commit("10 - 3 - 2 == 5", 1, 2), yes);
    assert_eq!(may_commit("entry - current == 0", 1, 2), Err("1 - 2 is below zero".to_owned()));
    assert_eq!(may_commit("1 / (current - 2) == 0", 1, 2), Err("1 is divided by zero".to_owned()));
    // What is not needed is not asked.
    assert_eq!(may_commit("true || 1 / 0 == 0", 1, 2), yes);
}

#[test]
fn a_mistake_is_told_with_its_column() {
    let told = [
        ("may-commit", "", "column 1: expected a name, a number or (, and here it ends"),
        ("may-commit", "entry ==", "column 9: expected a name"),
        ("may-commit", "entry = current", "column 7: to compare, write =="),
        ("may-commit", "entry == curent", "column 10: there is no name `curent` here"),
        ("may-commit", "entry", "column 1: the answer must be true or false, and this is a number"),
        ("may-commit", "(entry == 1", "column 12: expected ), and here it ends"),
        ("may-commit", "entry == 1)", "column 11: expected an operator, or the end, found `)`"),
        ("may-commit", "entry == 1 == 2", "column 12: expected an operator, or the end"),
        ("may-commit", "entry && true", "column 7: && needs true or false on both sides"),
        ("may-commit", "1.5 == entry", "column 1: expected a whole number"),
        ("may-commit", "entry == 'a'", "column 10: `\\'` means nothing here"),
        ("may-vote", "voted_for < candidate", "column 11: a number or none can't be compared"),
        ("may-vote", "true == candidate", "column 6: true or false can't be compared with a number"),
        ("commit-of-follower", "min(last)", "column 9: expected ,, found `)`"),
        ("commit-of-follower", "true", "the answer must be a number, and this is true or false"),
    ];
    for (id, text, beginning) in told {
        let mistake = mistake(id, text);
        assert!(mistake.contains(beginning), "{text}: {mistake}");
    }
    assert!(mistake("may-commit", &"(".repeat(1_000)).contains("more than 100 parentheses"));
    let long = "entry + ".repeat(1_000_000);
    assert!(mistake("may-commit", &long).contains("column 1001: an expression has at most 1000"));
}

#[test]
fn an_answer_in_words_can_be_written_again() {
    let words =
        |text: &str| Substitute::in_words(Condition::MayCommit, text).unwrap().words().unwrap().to_owned();
    assert_eq!(words(" entry ==\n\tcurrent "), "entry == current");
    let once = Substitute::in_words(Condition::MayCommit, "entry  == current").unwrap();
    assert_eq!(once, Substitute::in_words(Condition::MayCommit, "entry == current").unwrap());
    assert_ne!(once, Substitute::in_words(Condition::MayCommit, "entry <= current").unwrap());
}
