//! What happens by itself is over before one can see it: an election takes a few milliseconds. It is shown
//! again, slowly.

use cluster::SLOW;
use trace::Episode;

/// How much of the time before an election is shown, and before its cause, in microseconds of the servers'
/// own time, like everything here.
const BEFORE_ELECTION: f64 = 150_000.0;
const BEFORE_DEED: f64 = 20_000.0;
/// Maximum part of a long election that is shown.
const LONGEST: f64 = 600_000.0;
/// How much of the time after it is shown.
const AFTERWARDS: f64 = 60_000.0;
/// How long the new leader must have led before it begins, in microseconds.
const WAIT: u64 = 700_000;

/// An election that is over, as it is shown again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rerun {
    /// Its beginning and end, in microseconds since the cluster's start.
    pub(crate) from: u64,
    pub(crate) until: u64,
    /// When it may begin.
    pub(crate) due: u64,
    /// The speed at which that time then passes.
    pub(crate) speed: f64,
}

impl Rerun {
    /// A rerun of the election that has just been won, at the speed of the servers' clocks; `None` if they
    /// run slowly.
    pub(crate) fn of(election: &Episode, won_at: u64, speed: f64) -> Option<Rerun> {
        if speed <= 2.0 * SLOW {
            return None;
        }
        let before = if election.is_caused() { BEFORE_DEED } else { BEFORE_ELECTION };
        let earlier = |t: u64, by: f64| t.saturating_sub((by / speed) as u64);
        let from = earlier(election.t, before).max(earlier(won_at, LONGEST));
        let until = won_at + (AFTERWARDS / speed) as u64;
        Some(Rerun { from, until, due: won_at + WAIT, speed: SLOW / speed })
    }

    /// The moment to show after it has run for this long, in microseconds; `None` if it is over.
    pub(crate) fn moment(&self, elapsed: u64) -> Option<u64> {
        let t = self.from + (elapsed as f64 * self.speed) as u64;
        (t < self.until).then_some(t)
    }
}
