//! A small source of randomness that gives the same numbers for the same seed, everywhere.

use std::time::Duration;

/// The SplitMix64 generator (Steele, Lea and Flood, 2014): good enough to spread timeouts, not for secrets.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn from_seed(seed: u64) -> Random {
        Random(seed)
    }

    /// A duration from `min` to `max`, both included.
    pub(crate) fn duration_between(&mut self, min: Duration, max: Duration) -> Duration {
        let span = u64::try_from((max - min).as_nanos()).unwrap_or(u64::MAX);
        // A 64-bit number scaled to the span; the bias is far below a nanosecond.
        let offset = (u128::from(self.next()) * (u128::from(span) + 1)) >> 64;
        min + Duration::from_nanos(offset as u64)
    }

    /// A place in a list of this length; `None` if the list is empty.
    pub(crate) fn place_in(&mut self, length: usize) -> Option<usize> {
        let place = (u128::from(self.next()) * length as u128) >> 64;
        (length > 0).then_some(place as usize)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_stay_in_the_range_and_reach_all_of_it() {
        let (min, max) = (Duration::from_millis(150), Duration::from_millis(300));
        let mut random = Random::from_seed(7);
        let draws: Vec<Duration> = (0..10_000).map(|_| random.duration_between(min, max)).collect();
        assert!(draws.iter().all(|draw| (min..=max).contains(draw)));
        // Ten equal parts of the range: a fair generator leaves none of them nearly empty.
        for part in 0..10u32 {
            let from = min + Duration::from_millis(15) * part;
            let count =
                draws.iter().filter(|draw| (from..from + Duration::from_millis(15)).contains(draw)).count();
            assert!((800..1200).contains(&count), "part {part} has {count} of 10,000 draws");
        }
    }

    #[test]
    fn the_same_seed_draws_the_same() {
        let draw = |seed| Random::from_seed(seed).duration_between(Duration::ZERO, Duration::from_secs(1));
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }
}
