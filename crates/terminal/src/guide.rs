//! Three things to try first, ticked off as the records show that they are done.

use trace::{ClusterView, FirstStep, Record};

/// What to press, and what to look for.
fn words(step: FirstStep) -> &'static str {
    match step {
        FirstStep::KillTheLeader => {
            "Ctrl+\\ kills the leader. Who is the next one, of which term? r restarts it"
        }
        FirstStep::SplitTheVote => "a times out all servers at once. What ends the race if nobody wins it?",
        FirstStep::WriteWithoutMajority => {
            "choose the leader (↑↓): i cuts it off, p puts a value. Can it commit that?"
        }
    }
}

/// How far a learner has got.
pub(crate) struct Guide {
    pub(crate) is_shown: bool,
    done: Vec<FirstStep>,
}

impl Guide {
    pub(crate) fn new() -> Guide {
        Guide { is_shown: true, done: Vec::new() }
    }

    /// Processes a record; `before` is the cluster before it.
    pub(crate) fn observe(&mut self, before: &ClusterView, record: &Record) {
        let news = FirstStep::of(before, record).filter(|step| !self.done.contains(step));
        self.done.extend(news);
    }

    /// The lines to show, if any are left to try, and it was not dismissed.
    pub(crate) fn lines(&self) -> Vec<String> {
        if !self.is_shown || self.done.len() == FirstStep::ALL.len() {
            return Vec::new();
        }
        let mark = |step: &FirstStep| if self.done.contains(step) { "✓" } else { "·" };
        FirstStep::ALL.iter().map(|step| format!("{} {}", mark(step), words(*step))).collect()
    }
}
