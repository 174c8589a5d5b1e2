//! The servers' own time, computed from the observer's.

/// Turns the observer's time into the servers' own, which may run slower or faster. Both in
/// microseconds.
#[derive(Debug, Clone)]
pub(crate) struct SlowClock {
    speed: f64,
    /// The observer's time and the servers' time at which this speed began.
    since: (f64, f64),
}

impl SlowClock {
    pub(crate) fn new(speed: f64) -> SlowClock {
        SlowClock { speed, since: (0.0, 0.0) }
    }

    pub(crate) fn speed(&self) -> f64 {
        self.speed
    }

    /// The servers' time when the observer's clock shows `t`.
    pub(crate) fn at(&self, t: u64) -> f64 {
        let (since, servers_since) = self.since;
        servers_since + (t as f64 - since) * self.speed
    }

    /// From `now` on, the servers' clocks run at another speed.
    pub(crate) fn set_speed(&mut self, now: u64, speed: f64) {
        self.since = (now as f64, self.at(now));
        self.speed = speed;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_speed_is_no_jump() {
        let mut clock = SlowClock::new(1.0);
        assert_eq!(clock.at(1_000), 1_000.0);
        clock.set_speed(1_000, 0.1);
        assert_eq!(clock.at(1_000), 1_000.0);
        assert_eq!(clock.at(2_000), 1_100.0);
        clock.set_speed(2_000, 1.0);
        assert_eq!(clock.at(2_500), 1_600.0);
    }
}
