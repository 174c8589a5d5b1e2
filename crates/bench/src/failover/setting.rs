//! The settings of the measured servers.

use crate::servers;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use cluster::Options;
use command::{Failure, StorageArguments};
use consensus::{Profile, Timing};
use std::path::PathBuf;
use std::time::Duration;

/// How the servers of one row are started.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting {
    pub(super) name: &'static str,
    about: &'static str,
    /// In milliseconds; so is what follows.
    heartbeat: u64,
    election_timeout_min: u64,
    election_timeout_max: u64,
    profile: Profile,
}

/// All of them, in the order of the rows.
pub(super) const SETTINGS: [Setting; 4] = [
    Setting {
        name: "paper-150-300",
        about: "the paper's algorithm, with election timeouts of 150 to 300 ms (§5.6)",
        heartbeat: 15,
        election_timeout_min: 150,
        election_timeout_max: 300,
        profile: Profile::PAPER,
    },
    Setting {
        name: "paper-12-24",
        about: "the same with 12 to 24 ms, the shortest that the paper measured (§9.3)",
        heartbeat: 2,
        election_timeout_min: 12,
        election_timeout_max: 24,
        profile: Profile::PAPER,
    },
    Setting {
        name: "production",
        about: "pre-vote, check-quorum and eager election, with 150 to 300 ms",
        heartbeat: 15,
        election_timeout_min: 150,
        election_timeout_max: 300,
        profile: Profile::PRODUCTION,
    },
    Setting {
        name: "production-not-eager",
        about: "the same without eager election",
        heartbeat: 15,
        election_timeout_min: 150,
        election_timeout_max: 300,
        profile: Profile { eager_election: false, ..Profile::PRODUCTION },
    },
];

impl Setting {
    pub(super) fn timing(&self) -> Timing {
        let [heartbeat, min, max] =
            [self.heartbeat, self.election_timeout_min, self.election_timeout_max].map(Duration::from_millis);
        Timing::new(heartbeat, min, max).expect("the table has them in the right order")
    }

    /// The options for this number of servers.
    pub(super) fn options(
        &self,
        nodes: u64,
        storage: &StorageArguments,
        data: Option<PathBuf>,
    ) -> Result<Options, Failure> {
        let options = servers::options(nodes, self.timing(), storage.snapshot_after, data)?;
        Ok(Options { profile: self.profile, ..options })
    }
}

/// Parses the name of a setting.
pub(super) fn parser() -> impl TypedValueParser<Value = Setting> {
    let values = SETTINGS.map(|setting| PossibleValue::new(setting.name).help(setting.about));
    PossibleValuesParser::new(values).map(|name| {
        SETTINGS.into_iter().find(|setting| setting.name == name).expect("only these names are possible")
    })
}
