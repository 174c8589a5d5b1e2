use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// The machine's monotonic clock. Unlike [`std::time::Instant`] it means the same in every process on
/// the machine, so that the events of several servers can be put in one order.
pub fn monotonic_now() -> Duration {
    let now = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(now.tv_sec).expect("the monotonic clock starts at zero");
    let nanoseconds = u32::try_from(now.tv_nsec).expect("less than a second");
    Duration::new(seconds, nanoseconds)
}
