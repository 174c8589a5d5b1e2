//! The answers on offer, each with the key that chooses it.

use course::{Answer, Kind, Question, Response};
use trace::shown;

/// Stands for no answer at all, where that is possible.
const NONE: &str = "none";

/// The answers to a question, as a learner sees them.
pub(super) struct Choices<'a> {
    kind: Kind,
    /// Each with its key.
    answers: Vec<(String, &'a Answer)>,
}

impl<'a> Choices<'a> {
    /// Those of a card, whose name is CHAPTER/CARD, mixed by this seed.
    pub(super) fn of(question: &'a Question, card: &str, seed: u32) -> Choices<'a> {
        let answers = question.mixed(seed, card);
        let keys = (1..).zip(&answers).map(|(number, answer)| match question.kind {
            Kind::Servers => answer.text.clone(),
            Kind::Entries => entry_key(answer, &answers),
            _ => number.to_string(),
        });
        Choices { kind: question.kind, answers: keys.zip(answers.iter().copied()).collect() }
    }

    /// Each answer, with the key that chooses it.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &'a Answer)> {
        self.answers.iter().map(|(key, answer)| (key.as_str(), *answer))
    }

    /// What to ask for.
    pub(super) fn prompt(&self) -> String {
        let key = |place: usize| self.answers[place].0.as_str();
        let last = self.answers.len() - 1;
        match self.kind {
            Kind::One => "Your answer (its number): ".to_owned(),
            Kind::Order => "Your order (all numbers, with spaces between them): ".to_owned(),
            Kind::Servers => format!("The servers (such as {} {}; or {NONE}): ", key(0), key(last)),
            Kind::Entries => format!("The entries (such as {} {}; or {NONE}): ", key(0), key(last)),
            _ => format!("The numbers of all right answers, with spaces between them, or {NONE}: "),
        }
    }

    /// The answer with this key.
    fn find(&self, key: &str) -> Option<&'a Answer> {
        // `3` may stand for n3.
        let is_meant =
            |known: &str| known == key || self.kind == Kind::Servers && known.strip_prefix('n') == Some(key);
        self.iter().find(|(known, _)| is_meant(known)).map(|(_, answer)| answer)
    }

    /// What these keys choose.
    ///
    /// # Errors
    /// If one of them is no key: a sentence that says which there are.
    pub(super) fn response(&self, keys: &str) -> Result<Response, String> {
        let chosen = if keys == NONE { Vec::new() } else { self.find_all(keys)? };
        Ok(Response::Chosen(chosen.into_iter().map(|answer| answer.text.clone()).collect()))
    }

    /// The answers with these keys.
    ///
    /// # Errors
    /// If one of them is no key: a sentence that says which there are.
    pub(super) fn find_all(&self, keys: &str) -> Result<Vec<&'a Answer>, String> {
        let keys = self.split(keys);
        keys.into_iter().map(|key| self.find(key).ok_or_else(|| self.unknown(key))).collect()
    }

    /// The keys that were typed: an order may be typed without spaces.
    fn split<'k>(&self, keys: &'k str) -> Vec<&'k str> {
        let is_order = self.kind == Kind::Order && self.answers.len() < 10;
        if is_order && keys.len() > 1 && keys.bytes().all(|byte| byte.is_ascii_digit()) {
            return keys.split("").filter(|key| !key.is_empty()).collect();
        }
        keys.split([' ', ',', '\t']).filter(|key| !key.is_empty()).collect()
    }

    fn unknown(&self, key: &str) -> String {
        let keys: Vec<&str> = self.iter().map(|(key, _)| key).collect();
        format!("\"{}\" is not one of the answers ({})", shown(key), keys.join(", "))
    }
}

/// An entry is chosen by its index, and by its term, too, if another one on offer has the same index.
fn entry_key(answer: &Answer, all: &[&Answer]) -> String {
    let numbers = |answer: &Answer| -> Option<(String, String)> {
        let (index, term) = answer.text.strip_prefix("entry ")?.strip_suffix(')')?.split_once(" (term ")?;
        Some((index.to_owned(), term.to_owned()))
    };
    let Some((index, term)) = numbers(answer) else { return answer.text.clone() };
    let same_index = all.iter().filter(|other| numbers(other).is_some_and(|(other, _)| other == index));
    if same_index.count() > 1 { format!("{index}/{term}") } else { index }
}

#[cfg(test)]
mod tests {
    use super::*;
    use course::{Challenge, Chapter};

    fn choices<'a>(chapter: &'a Chapter, id: &str) -> Choices<'a> {
        let card = chapter.cards.iter().find(|card| card.id == id).unwrap();
        let Challenge::Question(question) = &card.challenge else { panic!("{id} is a task") };
        Choices::of(question, &chapter.place_of(card), 7)
    }

    fn chosen(choices: &Choices, keys: &str) -> Vec<String> {
        match choices.response(keys).unwrap() {
            Response::Chosen(chosen) => chosen,
            Response::Written { .. } => panic!("nothing was written"),
        }
    }

    #[test]
    fn servers_are_chosen_by_name() {
        let choices = choices(&course::chapters()[4], "who-leads");
        assert_eq!(choices.prompt(), "The servers (such as n1 n3; or none): ");
        assert_eq!(chosen(&choices, "n1, n2"), ["n1", "n2"]);
        assert_eq!(chosen(&choices, "3"), ["n3"]);
        assert_eq!(chosen(&choices, "none"), [""; 0]);
        let refused = choices.response("n1 n4").unwrap_err();
        assert_eq!(refused, "\"n4\" is not one of the answers (n1, n2, n3)");
    }

    #[test]
    fn entries_are_chosen_by_index_and_if_need_be_by_term() {
        let choices = choices(course::quiz_after(), "never-lost");
        let keys: Vec<&str> = choices.iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["1", "2", "3/2", "3/3", "3/4", "4"]);
        assert_eq!(chosen(&choices, "1 3/4"), ["entry 1 (term 1)", "entry 3 (term 4)"]);
        assert!(choices.response("3").is_err());
    }

    #[test]
    fn other_answers_are_chosen_by_number_in_the_order_of_the_keys() {
        let choices = choices(&course::chapters()[7], "rank");
        let texts: Vec<&str> = choices.iter().map(|(_, answer)| answer.text.as_str()).collect();
        assert_eq!(chosen(&choices, "2 1"), [texts[1], texts[0]]);
        assert_eq!(chosen(&choices, "21"), [texts[1], texts[0]]);
    }
}
