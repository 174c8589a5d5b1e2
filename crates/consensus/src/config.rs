//! A server's settings: who it is, who its peers are, how long it waits.

use crate::{Credentials, Membership, NodeId, Rule};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The timing of elections, checked once so that all code can rely on it (§5.6,
/// [`Rule::TimeoutAboveBroadcast`]): `0 < heartbeat < min < max`, and `max` at most a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    heartbeat_interval: Duration,
    election_timeout_min: Duration,
    election_timeout_max: Duration,
}

impl Timing {
    /// Maximum election timeout.
    pub const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

    /// A leader sends heartbeats every `heartbeat_interval`; all other servers wait for them, each time for a
    /// fresh random duration between the two bounds of the election timeout.
    ///
    /// # Errors
    /// [`InvalidTiming`] unless `0 < heartbeat < min < max <= LONGEST`.
    pub fn new(
        heartbeat_interval: Duration,
        election_timeout_min: Duration,
        election_timeout_max: Duration,
    ) -> Result<Timing, InvalidTiming> {
        if heartbeat_interval.is_zero() {
            return Err(InvalidTiming::NoHeartbeatInterval);
        }
        if heartbeat_interval >= election_timeout_min {
            return Err(InvalidTiming::HeartbeatNotBelowTimeout { heartbeat_interval, election_timeout_min });
        }
        if election_timeout_min >= election_timeout_max {
            return Err(InvalidTiming::EmptyTimeoutRange { election_timeout_min, election_timeout_max });
        }
        if election_timeout_max > Timing::LONGEST {
            return Err(InvalidTiming::TooLong { election_timeout_max });
        }
        Ok(Timing { heartbeat_interval, election_timeout_min, election_timeout_max })
    }

    /// How often an idle leader sends heartbeats.
    pub fn heartbeat_interval(&self) -> Duration {
        self.heartbeat_interval
    }

    /// The shortest election timeout that can be drawn.
    pub fn election_timeout_min(&self) -> Duration {
        self.election_timeout_min
    }

    /// The longest election timeout that can be drawn.
    pub fn election_timeout_max(&self) -> Duration {
        self.election_timeout_max
    }
}

impl Default for Timing {
    /// The election timeouts that the paper recommends (§9.3), 150–300 ms, with a heartbeat every
    /// 15 ms.
    fn default() -> Timing {
        Timing {
            heartbeat_interval: Duration::from_millis(15),
            election_timeout_min: Duration::from_millis(150),
            election_timeout_max: Duration::from_millis(300),
        }
    }
}

/// Why a [`Timing`] would not work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvalidTiming {
    /// The heartbeat interval is zero.
    NoHeartbeatInterval,
    /// Followers would time out although their leader is fine.
    HeartbeatNotBelowTimeout {
        /// The heartbeat interval that was asked for.
        heartbeat_interval: Duration,
        /// The shortest election timeout that was asked for.
        election_timeout_min: Duration,
    },
    /// Nothing would be random, and split votes could repeat forever.
    EmptyTimeoutRange {
        /// The shortest election timeout that was asked for.
        election_timeout_min: Duration,
        /// The longest election timeout that was asked for.
        election_timeout_max: Duration,
    },
    /// The election would never come.
    TooLong {
        /// The longest election timeout that was asked for.
        election_timeout_max: Duration,
    },
}

impl InvalidTiming {
    /// The rule that such a timing would break.
    pub fn rule(&self) -> Rule {
        match self {
            InvalidTiming::EmptyTimeoutRange { .. } => Rule::RandomisedTimeout,
            _ => Rule::TimeoutAboveBroadcast,
        }
    }
}

impl fmt::Display for InvalidTiming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InvalidTiming::NoHeartbeatInterval => {
                write!(f, "a heartbeat interval of zero would mean endless heartbeats")
            }
            InvalidTiming::HeartbeatNotBelowTimeout { heartbeat_interval, election_timeout_min } => write!(
                f,
                "with a heartbeat only every {heartbeat_interval:?}, servers with an election timeout of \
                 {election_timeout_min:?} would depose a healthy leader"
            ),
            InvalidTiming::EmptyTimeoutRange { election_timeout_min, election_timeout_max } => write!(
                f,
                "the election timeout {election_timeout_min:?}..{election_timeout_max:?} is not a range: the first \
                 value must be below the second, or votes split again and again"
            ),
            InvalidTiming::TooLong { election_timeout_max } => write!(
                f,
                "an election timeout of {election_timeout_max:?} is longer than {:?}",
                Timing::LONGEST
            ),
        }
    }
}

impl std::error::Error for InvalidTiming {}

/// How much one message carries, and how much may be in flight to one follower.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default))]
pub struct Limits {
    /// Maximum number of entries in one message, at least 1.
    pub entries_per_message: usize,
    /// Approximate maximum size of one message in bytes; a single entry may be larger.
    pub bytes_per_message: usize,
    /// Maximum number of messages with entries in flight to one follower.
    pub messages_in_flight: usize,
    /// Approximate maximum of bytes of entries in flight to one follower; one message is always allowed.
    pub bytes_in_flight: usize,
    /// Approximate maximum of bytes of entries that stay in the log although a snapshot covers them: a
    /// follower that lacks no more than that need not be sent the snapshot.
    pub bytes_behind_snapshot: usize,
    /// Approximate maximum of bytes by which a leader's log may grow while a snapshot is being sent, and
    /// which it keeps for the follower that has just got it. Beyond that, a newer snapshot replaces the one
    /// being sent.
    pub bytes_while_sending: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            entries_per_message: 1024,
            bytes_per_message: 256 << 10,
            messages_in_flight: 64,
            bytes_in_flight: 8 << 20,
            bytes_behind_snapshot: 4 << 20,
            bytes_while_sending: 256 << 20,
        }
    }
}

/// Lets a leader serve reads without asking the others each time (thesis §6.4.1). Once a majority has replied
/// to its heartbeats, these servers refuse to elect another leader for the shortest election timeout
/// ([`Rule::LeaderStickiness`]): that is its lease. It depends on all clocks of the cluster running at nearly
/// the same speed ([`Rule::LeaseNeedsBoundedClocks`]), and on all servers having the same settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Lease {
    /// Maximum difference in speed between two clocks, in percent.
    pub clock_drift_percent: u32,
}

impl Lease {
    /// How long, on its own clock, a leader may rely on a promise that others keep for `promised` on theirs.
    pub(crate) fn duration(&self, promised: Duration) -> Duration {
        promised * 100 / self.clock_drift_percent.saturating_add(100)
    }
}

/// The rules beyond the paper's basic algorithm that a server follows. They protect a cluster from needless
/// elections. Safety does not depend on them, so servers may follow different ones, and change them while
/// they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Profile {
    /// Ask whether an election could be won before raising the term ([`Rule::PreVote`]).
    pub pre_vote: bool,
    /// Step down as a leader that hears from no majority ([`Rule::CheckQuorum`]), and refuse candidates, in
    /// any role, while a leader is heard ([`Rule::LeaderStickiness`]).
    pub check_quorum: bool,
    /// When the connection to the leader breaks, or when one is made while no leader is known, ask soon
    /// whether an election could be won, without waiting for the election timeout. Needs `pre_vote`, without
    /// which a broken connection could depose a healthy leader.
    pub eager_election: bool,
}

impl Profile {
    /// The paper's basic algorithm.
    pub const PAPER: Profile = Profile { pre_vote: false, check_quorum: false, eager_election: false };
    /// For clusters in production.
    pub const PRODUCTION: Profile = Profile { pre_vote: true, check_quorum: true, eager_election: true };
}

/// All settings of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// This server.
    pub id: NodeId,
    /// The configuration that the snapshot holds or, without one, that the cluster began with. A server that
    /// is yet to join a cluster knows no members.
    pub membership: Arc<Membership>,
    /// Its identity, and the cluster it belongs to.
    pub credentials: Credentials,
    /// Timeouts.
    pub timing: Timing,
    /// Limits on what is sent at once.
    pub limits: Limits,
    /// How leaders' leases are computed. `None`: they have none, and nobody makes promises.
    pub lease: Option<Lease>,
    /// Which rules it follows beyond the basic algorithm.
    pub profile: Profile,
    /// The seed of the random election timeouts: the same seed, the same timeouts.
    pub seed: u64,
}
