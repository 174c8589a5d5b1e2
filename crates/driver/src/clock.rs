//! The core's time: real time, or slow motion.

use consensus::Instant;
use std::fmt;
use std::time::Duration;

/// How fast a server's clock runs, as a multiple of real time: 1 is real time, 0.1 slow motion.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Speed(f64);

impl Speed {
    /// Real time.
    pub const REAL_TIME: Speed = Speed(1.0);
    /// The slowest: a second takes about a quarter of an hour.
    pub const SLOWEST: Speed = Speed(0.001);
    /// The fastest.
    pub const FASTEST: Speed = Speed(10.0);

    /// This multiple of real time.
    ///
    /// # Errors
    /// [`InvalidSpeed`] unless it is a number from [`Speed::SLOWEST`] to [`Speed::FASTEST`].
    pub fn new(multiple: f64) -> Result<Speed, InvalidSpeed> {
        let speed = Speed(multiple);
        if (Speed::SLOWEST..=Speed::FASTEST).contains(&speed) { Ok(speed) } else { Err(InvalidSpeed) }
    }

    /// The multiple of real time.
    pub fn multiple(self) -> f64 {
        self.0
    }
}

impl std::str::FromStr for Speed {
    type Err = InvalidSpeed;

    fn from_str(text: &str) -> Result<Speed, InvalidSpeed> {
        Speed::new(text.parse().map_err(|_| InvalidSpeed)?)
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Time can't run at that speed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidSpeed;

impl fmt::Display for InvalidSpeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a speed is a number from {} (slow motion) to {}; 1 is real time",
            Speed::SLOWEST,
            Speed::FASTEST
        )
    }
}

impl std::error::Error for InvalidSpeed {}

/// Turns real time, as durations since some fixed moment, into the server's own time.
#[derive(Debug, Clone)]
pub struct Clock {
    speed: Speed,
    /// The real time and the server's time at which the clock began to run at this speed.
    since: (Duration, Instant),
}

impl Clock {
    /// A clock that shows [`Instant::START`] at the real time `real_now`.
    pub fn start(real_now: Duration, speed: Speed) -> Clock {
        Clock { speed, since: (real_now, Instant::START) }
    }

    /// The server's time at the real time `real_now`.
    pub fn at(&self, real_now: Duration) -> Instant {
        let (real_since, since) = self.since;
        let passed = real_now.saturating_sub(real_since);
        if self.speed == Speed::REAL_TIME { since + passed } else { since + passed.mul_f64(self.speed.0) }
    }

    /// The real time at which the server's clock will show `instant`; `None` if that is never or too far
    /// away.
    pub fn real_time_of(&self, instant: Instant) -> Option<Duration> {
        if instant == Instant::NEVER {
            return None;
        }
        let (real_since, since) = self.since;
        let wait = instant.since(since);
        if self.speed == Speed::REAL_TIME {
            return real_since.checked_add(wait);
        }
        real_since.checked_add(Duration::try_from_secs_f64(wait.as_secs_f64() / self.speed.0).ok()?)
    }

    /// Jumps ahead at `real_now`.
    pub fn jump(&mut self, real_now: Duration, by: Duration) {
        self.since = (real_now, self.at(real_now) + by);
    }

    /// From `real_now` on, runs at another speed. The server's time does not jump.
    pub fn set_speed(&mut self, real_now: Duration, speed: Speed) {
        self.since = (real_now, self.at(real_now));
        self.speed = speed;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    fn instant(after: f64) -> Instant {
        Instant::after_start(seconds(after))
    }

    #[test]
    fn slow_motion_stretches_time() {
        let clock = Clock::start(seconds(5.0), Speed::new(0.1).unwrap());
        assert_eq!(clock.at(seconds(5.0)), Instant::START);
        assert_eq!(clock.at(seconds(7.0)), instant(0.2));
        assert_eq!(clock.real_time_of(instant(0.2)), Some(seconds(7.0)));
        assert_eq!(clock.real_time_of(Instant::NEVER), None);
    }

    #[test]
    fn a_change_of_speed_is_no_jump() {
        let mut clock = Clock::start(Duration::ZERO, Speed::REAL_TIME);
        clock.set_speed(seconds(2.0), Speed::new(0.5).unwrap());
        assert_eq!(clock.at(seconds(2.0)), instant(2.0));
        assert_eq!(clock.at(seconds(4.0)), instant(3.0));
        clock.set_speed(seconds(4.0), Speed::REAL_TIME);
        assert_eq!(clock.at(seconds(5.0)), instant(4.0));
    }

    #[test]
    fn a_jump_goes_ahead_and_time_goes_on_from_there() {
        let mut clock = Clock::start(Duration::ZERO, Speed::new(0.5).unwrap());
        clock.jump(seconds(2.0), seconds(10.0));
        assert_eq!(clock.at(seconds(2.0)), instant(11.0));
        assert_eq!(clock.at(seconds(4.0)), instant(12.0));
    }

    #[test]
    fn nonsense_is_no_speed() {
        for text in ["0", "-1", "NaN", "inf", "11", "0.0001", "fast", ""] {
            assert_eq!(text.parse::<Speed>(), Err(InvalidSpeed), "{text}");
        }
        assert_eq!("0.25".parse::<Speed>().map(Speed::multiple), Ok(0.25));
    }
}
