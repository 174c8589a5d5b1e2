//! What is wrong with a server's data, according to the others.

use consensus::event::{Problem, What};
use consensus::{NodeId, Retirement, RoleKind};
use serde::Serialize;
use std::fmt;

/// Why a server has no part in its cluster, or can't keep up with it. The worst comes last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// It lacks so much of the log that its leader sends it a snapshot.
    FarBehind,
    /// The others ignore its messages: its data is not that of a member.
    Refused,
    /// Its data folder is an older copy of itself, or runs twice.
    OlderCopy,
    /// It has lost entries that it had acknowledged.
    LostData,
}

impl Trouble {
    /// What a server says about itself.
    pub(super) fn of_oneself(what: &What) -> Option<Trouble> {
        match what {
            What::RefusedBy { problem, .. } => Trouble::of_problem(*problem),
            What::Retired { retirement: Retirement::LostEntries(_) } => Some(Trouble::LostData),
            What::Retired { retirement: Retirement::OlderCopy } => Some(Trouble::OlderCopy),
            _ => None,
        }
    }

    /// What a leader says about another server.
    pub(super) fn of_another(what: &What) -> Option<(NodeId, Trouble)> {
        match what {
            What::Rejected { from, problem } => Some((*from, Trouble::of_problem(*problem)?)),
            What::LostEntries { follower, .. } => Some((*follower, Trouble::LostData)),
            What::SnapshotNeeded { follower, .. } => Some((*follower, Trouble::FarBehind)),
            _ => None,
        }
    }

    fn of_problem(problem: Problem) -> Option<Trouble> {
        match problem {
            Problem::OtherCluster | Problem::OtherData | Problem::OtherFounders => Some(Trouble::Refused),
            Problem::EarlierStart => Some(Trouble::OlderCopy),
            Problem::LostEntries { .. } => Some(Trouble::LostData),
            _ => None,
        }
    }

    /// Does this record of the server `id` show that its trouble is over? A folder whose data is lost stays
    /// without it until the next start.
    pub(super) fn is_over(self, id: NodeId, what: &What) -> bool {
        match self {
            Trouble::FarBehind => matches!(
                what,
                What::Appended { .. } | What::SnapshotInstalled { .. } | What::SnapshotNotNeeded { .. }
            ),
            Trouble::Refused => match what {
                What::Leader { .. } | What::Role { role: RoleKind::Leader, .. } => true,
                What::Membership { membership, .. } => membership.contains(id),
                _ => false,
            },
            Trouble::OlderCopy | Trouble::LostData => false,
        }
    }
}

impl fmt::Display for Trouble {
    /// In a word or two: `lost data`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Trouble::FarBehind => "far behind",
            Trouble::Refused => "refused",
            Trouble::OlderCopy => "older copy",
            Trouble::LostData => "lost data",
        })
    }
}
