//! When a disk is too slow for the election timeout.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// A disk that is too slow for elections, as measured.
///
/// An election waits for two saves, one after the other: the candidate's vote for itself, and a voter's vote
/// (§5.2). So the disk adds to the time that an election takes, like the network, and the election timeout
/// must be far above that (§5.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct SlowDisk {
    /// Duration of a save, in microseconds of the server's own time.
    pub save_us: u64,
    /// The shortest election timeout, in microseconds.
    pub election_timeout_min_us: u64,
}

impl SlowDisk {
    /// A report on a disk whose saves take this long, with this shortest election timeout; `None` if it is
    /// fast enough.
    pub fn of(save: Duration, election_timeout_min: Duration) -> Option<SlowDisk> {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        (save * 2 >= election_timeout_min).then(|| SlowDisk {
            save_us: micros(save),
            election_timeout_min_us: micros(election_timeout_min),
        })
    }

    /// What to do about it.
    pub fn help(self) -> String {
        // Ten saves in whole tenths of a second.
        let tenths = (self.save_us * 10).div_ceil(100_000);
        let [min, max] = [tenths, tenths * 2].map(|tenths| Duration::from_millis(tenths * 100));
        format!("start all servers with --election-timeout {min:?}..{max:?}, or give this one a faster disk")
    }
}

impl fmt::Display for SlowDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [save, both] = [self.save_us, self.save_us * 2].map(milliseconds);
        let timeout = milliseconds(self.election_timeout_min_us);
        write!(
            f,
            "the disk is slow: a save takes {save}, and an election waits for two saves ({both}). The shortest election \
             timeout is {timeout}, so an election that needs this disk may never succeed"
        )
    }
}

fn milliseconds(micros: u64) -> String {
    format!("{} ms", micros.div_ceil(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_saves_must_take_less_than_the_shortest_election_timeout() {
        let of = |save: u64| SlowDisk::of(Duration::from_millis(save), Duration::from_millis(150));
        assert_eq!(of(74), None);
        let slow = of(75).unwrap();
        assert_eq!((slow.save_us, slow.election_timeout_min_us), (75_000, 150_000));
        assert_eq!(
            slow.help(),
            "start all servers with --election-timeout 800ms..1.6s, or give this one a faster disk"
        );
        let said = of(500).unwrap().to_string();
        assert!(
            said.contains("a save takes 500 ms, and an election waits for two saves (1000 ms)."),
            "{said}"
        );
        let help = of(500).unwrap().help();
        assert!(help.contains("--election-timeout 5s..10s"), "{help}");
    }
}
