//! The basic types of Raft: servers, terms, places in the log, times.

use std::fmt;
use std::time::Duration;

/// A server's number in its cluster. Written `n2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct NodeId(pub u64);

impl From<u64> for NodeId {
    fn from(number: u64) -> NodeId {
        NodeId(number)
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}", self.0)
    }
}

/// Raft's logical clock: time is divided into terms, each with at most one leader (§5.1).
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct Term(pub u64);

impl Term {
    /// A peer's term is believed if it is ahead of a server's own by no more than this. Elections raise the
    /// term by one each, so honest servers stay below it for years, and no message can bring a server close
    /// to the largest number: whatever its term is, elections go on.
    pub const FARTHEST_AHEAD: u64 = 1 << 32;

    /// Is this term believed by a server whose own is `own`?
    pub(crate) fn is_believed_at(self, own: Term) -> bool {
        self.0.saturating_sub(own.0) <= Term::FARTHEST_AHEAD
    }

    /// The latest term that a server whose own is this one believes. Far more than enough numbers stay free
    /// above it.
    pub(crate) fn latest_believed(self) -> Term {
        let highest = u64::MAX - Term::FARTHEST_AHEAD;
        Term(self.0.saturating_add(Term::FARTHEST_AHEAD).min(highest).max(self.0))
    }

    /// The term after this one.
    pub fn next(self) -> Term {
        Term(self.0.checked_add(1).expect("no term comes close to the last number"))
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A place in the log. The first entry has index 1; 0 is the place before it (§5.3).
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct Index(pub u64);

impl Index {
    /// The index after this one.
    pub fn next(self) -> Index {
        Index(self.0 + 1)
    }

    /// The index before this one; that of 0 is 0.
    pub fn previous(self) -> Index {
        Index(self.0.saturating_sub(1))
    }
}

impl fmt::Display for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An entry's index and term: enough to compare how complete two logs are (§5.4.1). The default, index 0 of
/// term 0, is the end of an empty log.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct LogPosition {
    /// The entry's index.
    pub index: Index,
    /// The term in which a leader created it.
    pub term: Term,
}

/// What a server must never forget, even in a crash: currentTerm and votedFor (Figure 2).
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct HardState {
    /// The latest term that this server has seen.
    pub current_term: Term,
    /// The server that got this server's vote in that term, if any did.
    pub voted_for: Option<NodeId>,
}

/// A time on a server's own clock: nanoseconds since the server started.
///
/// The core never reads a clock; its caller says what time it is. That makes slow motion and simulation
/// possible.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct Instant(u64);

impl Instant {
    /// When the server started.
    pub const START: Instant = Instant(0);
    /// A time that never comes.
    pub const NEVER: Instant = Instant(u64::MAX);

    /// The time `since_start` after the server started (after 584 years: [`Instant::NEVER`]).
    pub fn after_start(since_start: Duration) -> Instant {
        Instant(u64::try_from(since_start.as_nanos()).unwrap_or(u64::MAX))
    }

    /// How long after the server's start this is.
    pub fn since_start(self) -> Duration {
        Duration::from_nanos(self.0)
    }

    /// How long after `earlier` this is; zero if it is not.
    pub fn since(self, earlier: Instant) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl std::ops::Add<Duration> for Instant {
    type Output = Instant;

    fn add(self, duration: Duration) -> Instant {
        Instant::after_start(self.since_start().saturating_add(duration))
    }
}

/// How the trace gives a duration for which a server waits.
pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).expect("timeouts are at most a day")
}

/// How a server that does not lead replies to a request for the leader.
pub(crate) fn write_not_leader(f: &mut fmt::Formatter<'_>, leader: Option<NodeId>) -> fmt::Result {
    match leader {
        Some(leader) => write!(f, "this server is not the leader, {leader} is"),
        None => write!(f, "this server is not the leader"),
    }
}
