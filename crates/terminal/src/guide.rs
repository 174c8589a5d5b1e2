//! Three things to try first, ticked off as they are done.

use cluster::{Action, Links};
use consensus::NodeId;

/// What to try: what to press, and what to look for.
const TASKS: [&str; 3] = [
    "Ctrl+\\ kills the leader. Who is the next one, of which term? r restarts it",
    "a times out all servers at once. What ends the race if nobody wins it?",
    "choose the leader (↑↓): i cuts it off, p puts a value. Can it commit that?",
];

/// How far a learner has come.
pub(crate) struct Guide {
    pub(crate) is_shown: bool,
    done: [bool; 3],
    /// The leader that was cut off.
    cut_off: Option<NodeId>,
}

impl Guide {
    pub(crate) fn new() -> Guide {
        Guide { is_shown: true, done: [false; 3], cut_off: None }
    }

    /// Something was done while this server led.
    pub(crate) fn note_action(&mut self, action: &Action, leader: Option<NodeId>) {
        match action {
            Action::KillLeader => self.done[0] = true,
            Action::Kill { node } if leader == Some(*node) => self.done[0] = true,
            Action::AlignTimers => self.done[1] = true,
            Action::Cut { links: Links::Of(node) } if leader == Some(*node) => self.cut_off = Some(*node),
            _ => {}
        }
    }

    /// A value was put.
    pub(crate) fn note_put(&mut self) {
        self.done[2] |= self.cut_off.is_some();
    }

    /// The lines to show, if any are left to try, and it was not dismissed.
    pub(crate) fn lines(&self) -> Vec<String> {
        if !self.is_shown || self.done == [true; 3] {
            return Vec::new();
        }
        let line = |(task, is_done): (&&str, &bool)| format!("{} {task}", if *is_done { "✓" } else { "·" });
        TASKS.iter().zip(&self.done).map(line).collect()
    }
}
