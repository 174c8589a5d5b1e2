//! A world and what is done to it, one action after the other: the common form of a drawn run, of its
//! journal and of a counterexample. It can be written as a scenario.

use crate::action::{Action, profile_words, range_of_times, time};
use crate::scenario::Scenario;
use crate::stage::Stage as _;
use crate::world::{Ending, World, WorldOptions};
use consensus::{HardState, Index, LogPosition, Timing};
use std::fmt::{self, Write as _};

/// A world, and what is done to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Script {
    /// The world.
    pub options: WorldOptions,
    /// What is done to it.
    pub actions: Vec<Action>,
}

impl fmt::Display for Script {
    /// A scenario without prose that plays the same run.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.commands().try_for_each(|command| writeln!(f, "{command}"))?;
        writeln!(f, "---")
    }
}

/// This prose as it stands above a scenario's commands.
pub(crate) fn comment(prose: &str) -> String {
    prose.lines().map(|line| format!("# {line}").trim_end().to_owned() + "\n").collect()
}

impl Script {
    /// Plays it until the first violation. What can't be done is passed over.
    pub fn play(&self) -> Ending {
        World::new.play(self)
    }

    /// The same run without chance: each single thing that happens in it as an action of its own, in a
    /// network that only does what it is told. It has no time in it, so where servers go by how long ago they heard each
    /// other (leases, check-quorum, changes of the members) it may go another way.
    pub fn journal(&self) -> Script {
        World::new.journal(self)
    }

    /// A number that two runs share only if they have the same records. The English of the records does not count.
    pub fn trace_hash(&self) -> u64 {
        World::new.trace_hash(self)
    }

    /// Its commands, without what comes of each.
    pub fn commands(&self) -> impl Iterator<Item = String> {
        self.setup_commands().into_iter().chain(self.actions.iter().map(Action::to_string))
    }

    /// How many lines it takes to write it: the measure of what is short.
    pub fn lines(&self) -> usize {
        self.commands().count()
    }

    /// The script as a scenario: `prose`, the commands, and what comes of each.
    ///
    /// # Panics
    /// If its actions can't be done.
    pub fn to_scenario(&self, prose: &str) -> String {
        let mut text = comment(prose) + "\n";
        for command in self.setup_commands() {
            text += &command;
            text.push('\n');
        }
        text += "---\n";
        for action in &self.actions {
            let _ = match action {
                // Where no leader comes, this takes long, and soon repeats itself.
                Action::RunUntilLed => write!(text, "\nrun 1s\n---\n\n({action})\n---\n"),
                _ => write!(text, "\n{action}\n---\n"),
            };
        }
        text += "\nexpect violation\n---\n";
        let mut scenario = Scenario::with_substitute(self.options.substitute.clone());
        goldenscript::generate(&mut scenario, &text).expect("what was done can be done again")
    }

    pub(crate) fn setup_commands(&self) -> Vec<String> {
        let fair = WorldOptions::default();
        let WorldOptions {
            servers,
            spares,
            profile,
            timing,
            limits,
            lease,
            seed,
            rules,
            substitute,
            weather,
            save_time,
            disk_size,
            logs,
            memories,
            committed,
            founds,
            ..
        } = &self.options;
        let mut commands = Vec::new();
        for (id, log) in logs.iter().filter(|(_, log)| log.last().index > Index(0)) {
            let terms: String = log.entries().map(|(_, entry)| format!(" {}", entry.term)).collect();
            commands.push(format!("log {id}{terms}"));
        }
        if *committed != LogPosition::default() {
            commands.push(format!("committed {} {}", committed.index, committed.term));
        }
        for (id, HardState { current_term, voted_for }) in memories {
            let vote = voted_for.map(|vote| format!(" voted-for={vote}")).unwrap_or_default();
            commands.push(format!("memory {id} term={current_term}{vote}"));
        }
        let mut cluster = format!("cluster {servers}");
        let mut option = |is_said: bool, key: &str, value: String| {
            if is_said {
                let _ = write!(cluster, " {key}={value}");
            }
        };
        let has_own_timeouts = timing.election_timeout_min() != fair.timing.election_timeout_min()
            || timing.election_timeout_max() != fair.timing.election_timeout_max();
        let timeouts = range_of_times(&(timing.election_timeout_min()..=timing.election_timeout_max()));
        option(has_own_timeouts, "election-timeout", timeouts);
        let heartbeat = timing.heartbeat_interval();
        option(heartbeat != Timing::default().heartbeat_interval(), "heartbeat", time(heartbeat));
        option(*founds, "founded", "no".to_owned());
        option(weather.latency != fair.weather.latency, "latency", range_of_times(&weather.latency));
        option(weather.loss > 0.0, "loss", weather.loss.to_string());
        option(weather.duplication > 0.0, "duplication", weather.duplication.to_string());
        let usual = &fair.limits;
        let is_other = |own: usize, usual: usize| own != usual;
        option(
            is_other(limits.entries_per_message, usual.entries_per_message),
            "batch",
            limits.entries_per_message.to_string(),
        );
        option(
            is_other(limits.messages_in_flight, usual.messages_in_flight),
            "window",
            limits.messages_in_flight.to_string(),
        );
        option(
            is_other(limits.bytes_in_flight, usual.bytes_in_flight),
            "window-bytes",
            limits.bytes_in_flight.to_string(),
        );
        option(
            is_other(limits.bytes_per_message, usual.bytes_per_message),
            "bytes",
            limits.bytes_per_message.to_string(),
        );
        option(
            is_other(limits.bytes_behind_snapshot, usual.bytes_behind_snapshot),
            "keep",
            limits.bytes_behind_snapshot.to_string(),
        );
        option(
            is_other(limits.bytes_while_sending, usual.bytes_while_sending),
            "keep-sending",
            limits.bytes_while_sending.to_string(),
        );
        if let Some(lease) = lease {
            option(true, "lease", lease.clock_drift_percent.to_string());
        }
        option(*spares > 0, "spares", spares.to_string());
        option(*profile != fair.profile, "profile", profile_words(*profile));
        option(*save_time != fair.save_time, "save-time", range_of_times(save_time));
        if let Some(size) = disk_size {
            option(true, "disk", size.to_string());
        }
        option(*seed != fair.seed, "seed", seed.to_string());
        if let Some(rule) = rules.0 {
            option(true, "without", rule.to_string());
        }
        if let Some(substitute) = substitute
            && let Some(words) = substitute.words()
        {
            option(true, substitute.condition().id(), format!("\"{words}\""));
        }
        commands.push(cluster);
        commands
    }
}
