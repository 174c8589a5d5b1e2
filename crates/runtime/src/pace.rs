//! How fast the disk is, as it was measured.

use std::collections::VecDeque;
use std::time::Duration;
use trace::SlowDisk;

/// Number of saves that must agree before anything is said: a single slow one tells nothing.
const AGREEING: usize = 3;

/// What the latest saves say about the disk.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// How long the latest saves took, in the server's own time.
    latest: VecDeque<Duration>,
    slow: Option<SlowDisk>,
}

impl Pace {
    /// Why the disk is too slow, if it is.
    pub(crate) fn slow(&self) -> Option<SlowDisk> {
        self.slow
    }

    /// A save took this long. Returns whether the disk has become too slow with it, or no longer is.
    pub(crate) fn note_save(&mut self, took: Duration, election_timeout_min: Duration) -> bool {
        self.latest.push_back(took);
        if self.latest.len() > AGREEING {
            self.latest.pop_front();
        }
        if self.latest.len() < AGREEING {
            return false;
        }
        let was_slow = self.slow.is_some();
        let judged = |took: Option<&Duration>| SlowDisk::of(*took?, election_timeout_min);
        match (judged(self.latest.iter().min()), judged(self.latest.iter().max())) {
            (Some(slow), _) => self.slow = Some(slow),
            (None, None) => self.slow = None,
            (None, Some(_)) => {}
        }
        was_slow != self.slow.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_called_slow_once_and_fast_once() {
        let mut pace = Pace::default();
        let mut note = |milliseconds: u64| {
            let has_changed = pace.note_save(Duration::from_millis(milliseconds), Duration::from_millis(150));
            (has_changed, pace.slow().map(|slow| slow.save_us / 1000))
        };
        let fast = [note(1), note(500), note(500), note(2), note(500)];
        assert_eq!(fast, [(false, None); 5], "one that is fast makes the others accidents");
        assert_eq!([note(400), note(600), note(500)], [(false, None), (true, Some(400)), (false, Some(400))]);
        assert_eq!([note(3), note(500), note(3)], [(false, Some(400)); 3]);
        assert_eq!([note(3), note(3), note(3)], [(false, Some(400)), (true, None), (false, None)]);
    }
}
