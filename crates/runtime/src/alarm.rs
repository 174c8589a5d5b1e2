//! Waking up at a given moment.
//!
//! Tokio's own timers count in whole milliseconds. That is too coarse for the short random waits of elections: two servers
//! whose election timers run out within the same millisecond would ask for votes together, and split them.

use std::io;
use std::time::Duration;

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) use exact::Alarm;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) use in_milliseconds::Alarm;

#[cfg(any(target_os = "linux", target_os = "android"))]
mod exact {
    use super::{Duration, io};
    use rustix::fd::OwnedFd;
    use rustix::io::read;
    use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec};
    use rustix::time::{timerfd_create, timerfd_settime};
    use tokio::io::unix::AsyncFd;

    /// A timer of the system, among the things that the thread waits for.
    pub(crate) struct Alarm {
        timer: AsyncFd<OwnedFd>,
        /// When it will ring.
        set_for: Option<Duration>,
    }

    impl Alarm {
        /// To be called within a tokio runtime.
        #[expect(
            deprecated,
            reason = "unsound only with types that lie about their descriptor; what takes its place is unsafe"
        )]
        pub(crate) fn new() -> io::Result<Alarm> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let timer = AsyncFd::new(timerfd_create(TimerfdClockId::Monotonic, flags)?)?;
            Ok(Alarm { timer, set_for: None })
        }

        /// Waits until this moment on the monotonic clock, or forever. It may return early: a moment that is put off again
        /// and again, as that of an election, costs no call to the system each time.
        pub(crate) async fn wait(&mut self, moment: Option<Duration>) {
            if let Some(moment) = moment
                && self.set_for.is_none_or(|set_for| moment < set_for)
            {
                self.set(moment);
            }
            let ring = self.timer.readable().await;
            ring.expect("a timer can be waited for").clear_ready();
            // How often it has rung does not matter.
            let _ = read(&self.timer, &mut [0; 8]);
            self.set_for = None;
        }

        fn set(&mut self, moment: Duration) {
            // Zero would mean never.
            let moment = moment.max(Duration::from_nanos(1));
            let it_value = Timespec::try_from(moment).expect("the monotonic clock never comes to an end");
            let once = Itimerspec { it_interval: Timespec::default(), it_value };
            timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &once).expect("a timer can be set");
            self.set_for = Some(moment);
        }
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod in_milliseconds {
    use super::{Duration, io};
    use crate::monotonic_now;

    /// Tokio's timer.
    pub(crate) struct Alarm;

    impl Alarm {
        pub(crate) fn new() -> io::Result<Alarm> {
            Ok(Alarm)
        }

        /// Waits until this moment on the monotonic clock, or forever.
        pub(crate) async fn wait(&mut self, moment: Option<Duration>) {
            match moment {
                Some(moment) => tokio::time::sleep(moment.saturating_sub(monotonic_now())).await,
                None => std::future::pending().await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monotonic_now;

    #[tokio::test]
    async fn it_rings_at_the_moment_or_is_asked_again() {
        let mut alarm = Alarm::new().unwrap();
        let begin = monotonic_now();
        for milliseconds in [30, 10, 50] {
            let moment = begin + Duration::from_millis(milliseconds);
            while monotonic_now() < moment {
                alarm.wait(Some(moment)).await;
            }
        }
        alarm.wait(Some(begin)).await;
        alarm.wait(Some(Duration::ZERO)).await;
    }
}
