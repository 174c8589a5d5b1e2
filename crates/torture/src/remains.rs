//! What remains of a round for the end of the run: is everything from then still there?

use linearizability::{Answer, History, Operation, Outcome, Request};

/// The operations on one key that still say something about it when its round is over.
#[derive(Debug)]
pub(crate) struct Remains {
    pub(crate) key: String,
    /// What the last read of the round found: the value and its version.
    found: Option<(String, Option<u64>)>,
    /// Writes of which it is unknown whether they took effect, or still will.
    uncertain: Vec<Operation>,
}

impl Remains {
    /// What remains of a key whose last operation was a read that found something.
    pub(crate) fn of(key: &str, history: &History) -> Remains {
        let operations = || history.operations().iter().filter(|operation| operation.key == key);
        let last_read = operations().filter_map(|operation| match &operation.outcome {
            Outcome::Returned { at, answer } if operation.request == Request::Read => Some((at, answer)),
            _ => None,
        });
        let found = match last_read.max_by_key(|(at, _)| **at) {
            Some((_, Answer::Found { value, version })) => Some((value.clone(), *version)),
            _ => None,
        };
        let is_open = |operation: &&Operation| operation.outcome == Outcome::Uncertain;
        Remains { key: key.to_owned(), found, uncertain: operations().filter(is_open).cloned().collect() }
    }

    /// A history that ends with a read which found this now.
    pub(crate) fn history_with(&self, found_now: Answer) -> History {
        let mut history = History::default();
        let key = self.key.as_str();
        if let Some((value, version)) = &self.found {
            let written = history.call(0, key, Request::write(value.clone()), 0);
            history.returned(written, Answer::Done { version: *version }, 1);
        }
        for open in &self.uncertain {
            let open = history.call(open.client, key, open.request.clone(), 0);
            history.uncertain(open);
        }
        let read = history.call(0, key, Request::Read, 2);
        history.returned(read, found_now, 3);
        history
    }
}
