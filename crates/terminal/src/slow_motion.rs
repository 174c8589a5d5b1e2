//! Slow motion where it matters: around an election the servers' clocks run slowly, so that it can be watched.

/// How fast the servers' clocks run in slow motion.
pub(crate) const SLOW: f64 = 0.05;
/// How long a new leader is watched, in microseconds.
const AFTERWARDS: u64 = 2_000_000;
/// How long an election is waited for, in microseconds: several of the longest timeouts, in slow motion.
const LONGEST_WAIT: u64 = 15_000_000;

/// Slow motion: wanted or not, and now or not.
pub(crate) struct SlowMotion {
    pub(crate) is_wanted: bool,
    now: Option<Episode>,
}

/// A time of slow motion.
struct Episode {
    since: u64,
    /// The speed before and after it.
    usual: f64,
    /// How many elections had been won when it began.
    elections: usize,
    /// When the election was seen to be won.
    won_at: Option<u64>,
}

impl SlowMotion {
    pub(crate) fn new(is_wanted: bool) -> SlowMotion {
        SlowMotion { is_wanted, now: None }
    }

    /// Is the speed slow motion's now?
    pub(crate) fn is_on(&self) -> bool {
        self.now.is_some()
    }

    /// Something is done that may bring an election. Returns the speed to set first, if it is another one.
    pub(crate) fn begin(&mut self, now: u64, speed: f64, elections: usize) -> Option<f64> {
        if !self.is_wanted {
            return None;
        }
        let usual = self.now.as_ref().map_or(speed, |episode| episode.usual);
        if usual <= SLOW {
            return None;
        }
        let was_on = self.is_on();
        self.now = Some(Episode { since: now, usual, elections, won_at: None });
        (!was_on).then_some(SLOW)
    }

    /// The speed to set once the election is over, or none comes.
    pub(crate) fn end(&mut self, now: u64, elections: usize, is_electing: bool) -> Option<f64> {
        let episode = self.now.as_mut()?;
        if elections > episode.elections && !is_electing {
            episode.won_at.get_or_insert(now);
        }
        let is_over = match episode.won_at {
            Some(won_at) => now.saturating_sub(won_at) >= AFTERWARDS,
            None => now.saturating_sub(episode.since) >= LONGEST_WAIT && !is_electing,
        };
        is_over.then(|| self.stop()).flatten()
    }

    /// Ends it, and returns the usual speed if that is not the speed now.
    pub(crate) fn stop(&mut self) -> Option<f64> {
        self.now.take().map(|episode| episode.usual)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_lasts_until_a_new_leader_has_been_watched() {
        let mut slow = SlowMotion::new(true);
        assert_eq!(slow.begin(1_000_000, 1.0, 1), Some(SLOW));
        assert_eq!(slow.begin(2_000_000, SLOW, 1), None, "it is on");
        assert_eq!(slow.end(3_000_000, 1, true), None);
        assert_eq!(slow.end(4_000_000, 2, false), None);
        assert_eq!(slow.end(5_999_999, 2, false), None);
        assert_eq!(slow.end(6_000_000, 2, false), Some(1.0));
        assert!(!slow.is_on());
    }

    #[test]
    fn it_ends_where_no_election_comes_and_not_while_one_goes_on() {
        let mut slow = SlowMotion::new(true);
        assert_eq!(slow.begin(0, 2.0, 0), Some(SLOW));
        assert_eq!(slow.end(LONGEST_WAIT, 0, true), None);
        assert_eq!(slow.end(LONGEST_WAIT, 0, false), Some(2.0));
        assert_eq!(slow.end(2 * LONGEST_WAIT, 0, false), None);
    }

    #[test]
    fn it_is_not_for_those_who_are_slow_already_or_do_not_want_it() {
        assert_eq!(SlowMotion::new(false).begin(0, 1.0, 0), None);
        assert_eq!(SlowMotion::new(true).begin(0, 0.02, 0), None);
    }
}
