//! What is checked of an answer, one idea after the other: each in directed scenarios.

use simulator::{Condition, Scenario, Scene, Script, Substitute, quietly, with_all_rules};
use trace::Record;

/// Something that an answer must get right.
#[derive(Debug, PartialEq, Eq)]
pub struct Check {
    /// Its name, as in `later-term`.
    pub name: &'static str,
    /// What must be right, in a sentence.
    pub title: &'static str,
    /// The points for it.
    pub points: u32,
    /// The scenarios that show it. Each is played with the learner's answer.
    stories: &'static [Story],
}

/// A scenario, and its path below scenarios/ if it is one of those.
#[derive(Debug, PartialEq, Eq)]
struct Story {
    path: Option<&'static str>,
    text: &'static str,
}

macro_rules! own {
    ($name:literal) => {
        Story { path: None, text: include_str!(concat!("../checks/", $name, ".txt")) }
    };
}

macro_rules! stored {
    ($path:literal) => {
        Story { path: Some($path), text: include_str!(concat!("../scenarios/", $path, ".txt")) }
    };
}

/// The points for an answer. What the checks leave is for the random runs.
pub const OUT_OF: u32 = 10;

/// Each check asks for a yes and for a no, so that no constant passes it.
pub(crate) const CHECKS: &[(Condition, &[Check])] = &[
    (
        Condition::IsUpToDate,
        &[
            Check {
                name: "later-term",
                title: "The log whose last entry has the later term is more up to date, even if it is shorter.",
                points: 3,
                stories: &[own!("later-term"), stored!("without/compare-term-before-length")],
            },
            Check {
                name: "longer-log",
                title: "Of two logs with the same last term, the longer one is more up to date.",
                points: 3,
                stories: &[own!("longer-log"), stored!("without/up-to-date-log")],
            },
            Check {
                name: "equal-logs",
                title: "An equal log is up to date.",
                points: 2,
                stories: &[own!("equal-logs"), own!("empty-logs")],
            },
        ],
    ),
    (
        Condition::MayVote,
        &[
            Check {
                name: "second-vote",
                title: "In one term a server votes for one candidate only.",
                points: 3,
                stories: &[own!("second-vote"), stored!("without/one-vote-per-term")],
            },
            Check {
                name: "first-vote",
                title: "A server that has not voted in this term may vote.",
                points: 2,
                stories: &[own!("first-vote")],
            },
            Check {
                name: "same-candidate",
                title: "The same candidate, asking again, gets the same reply.",
                points: 3,
                stories: &[own!("same-candidate")],
            },
        ],
    ),
    (
        Condition::RestartsTimer,
        &[
            Check {
                name: "after-a-refusal",
                title: "A candidate that is refused must not delay the others.",
                points: 4,
                stories: &[stored!("without/reset-timer-on-grant-only")],
            },
            Check {
                name: "after-a-grant",
                title: "A server that has granted its vote gives the candidate time to win.",
                points: 4,
                stories: &[own!("after-a-grant")],
            },
        ],
    ),
    (
        Condition::Fits,
        &[
            Check {
                name: "other-term",
                title: "An entry of another term is another entry.",
                points: 3,
                stories: &[own!("other-term"), stored!("without/consistency-check")],
            },
            Check {
                name: "no-entry",
                title: "A follower that lacks the entry before says no.",
                points: 3,
                stories: &[own!("no-entry")],
            },
            Check {
                name: "it-fits",
                title: "What fits is appended.",
                points: 2,
                stories: &[own!("it-fits")],
            },
        ],
    ),
    (
        Condition::FirstConflict,
        &[
            Check {
                name: "late-request",
                title: "Entries that agree with the leader's are never removed.",
                points: 3,
                stories: &[own!("late-request"), stored!("without/truncate-only-on-conflict")],
            },
            Check {
                name: "conflict",
                title: "From the first entry that differs on, the follower gets the leader's entries.",
                points: 3,
                stories: &[own!("conflict")],
            },
            Check {
                name: "missing-entries",
                title: "What is missing is appended.",
                points: 2,
                stories: &[own!("missing-entries")],
            },
        ],
    ),
    (
        Condition::CommitOfFollower,
        &[
            Check {
                name: "own-old-entries",
                title: "Only entries that this request has shown to match are committed.",
                points: 3,
                stories: &[own!("own-old-entries"), stored!("without/commit-to-last-new")],
            },
            Check {
                name: "not-yet-committed",
                title: "What the leader has not committed, a follower must not commit.",
                points: 3,
                stories: &[own!("not-yet-committed")],
            },
            Check {
                name: "followers-commit",
                title: "Followers learn what is committed.",
                points: 2,
                stories: &[own!("followers-commit")],
            },
        ],
    ),
    (
        Condition::ReachedByMajority,
        &[
            Check {
                name: "a-minority",
                title: "A minority is not enough.",
                points: 3,
                stories: &[own!("a-minority"), stored!("without/commit-by-majority")],
            },
            Check {
                name: "a-majority",
                title: "A majority is enough, whatever the others have.",
                points: 3,
                stories: &[own!("a-majority")],
            },
            Check {
                name: "half",
                title: "Half of the voters is no majority.",
                points: 2,
                stories: &[own!("half")],
            },
        ],
    ),
    (
        Condition::MayCommit,
        &[
            Check {
                name: "figure-8",
                title: "An entry of an earlier term is not committed by counting, but together with a later one.",
                points: 4,
                stories: &[
                    own!("older-entries-too"),
                    stored!("without/commit-current-term-only"),
                    stored!("replication/figure-8-with-three-servers"),
                ],
            },
            Check {
                name: "own-term",
                title: "An entry of the leader's own term is committed once a majority has it.",
                points: 4,
                stories: &[own!("own-term")],
            },
        ],
    ),
];

/// How a check has failed.
#[derive(Debug, Clone)]
pub struct Fault {
    /// What went wrong.
    pub what_happened: String,
    /// The promise that broke, and why it matters, if it was found in a random run.
    pub meaning: Option<&'static str>,
    /// The scenario, scene by scene, up to where it did.
    pub scenes: Vec<Scene>,
    /// The run as a script, which can name the learner's answer if that is an expression; `None` if no cluster has started.
    pub script: Option<Script>,
    /// The scenario below scenarios/ that shows the same with a rule off, if there is one.
    pub similar: Option<&'static str>,
}

impl Fault {
    /// Everything that happened.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.scenes.iter().flat_map(|scene| &scene.records)
    }
}

impl Check {
    /// Plays its scenarios with this answer. If one of them goes wrong: how.
    pub fn fault(&self, substitute: &Substitute) -> Option<Fault> {
        self.stories.iter().find_map(|story| quietly(|| story.fault(substitute)))
    }
}

impl Story {
    fn fault(&self, substitute: &Substitute) -> Option<Fault> {
        let as_written = Scenario::film(self.text).expect("a test plays each of them");
        let commands = as_written.scenes.into_iter().filter_map(|scene| Some((scene.prose, scene.command?)));
        // In the stored stories a rule is off. Here all are on: what may break a promise is the learner's answer.
        let commands = commands
            .map(|(prose, command)| (prose, with_all_rules(&command)))
            .filter(|(_, command)| command != "expect violation");
        let played = play(commands, substitute);
        let what_happened = played.what_happened?;
        Some(Fault {
            what_happened,
            meaning: None,
            scenes: played.scenes,
            script: played.script,
            similar: self.path,
        })
    }
}

/// Commands that were played.
pub(crate) struct Played {
    pub(crate) scenes: Vec<Scene>,
    /// The promise that broke, or the expectation that was not met.
    pub(crate) what_happened: Option<String>,
    pub(crate) script: Option<Script>,
}

/// Plays these commands, each after its prose, until a promise breaks or an expectation is not met.
pub(crate) fn play(commands: impl Iterator<Item = (Vec<String>, String)>, substitute: &Substitute) -> Played {
    let mut scenario = Scenario::with_substitute(Some(substitute.clone()));
    let (mut scenes, mut what_happened) = (Vec::new(), None);
    for (prose, command) in commands {
        let refusal = match scenario.command(&command) {
            Ok(scene) => {
                scenes.push(Scene { prose, ..scene });
                None
            }
            // Other things become impossible where the answer has made a difference before.
            Err(refusal) => Some(refusal).filter(|_| command.starts_with("expect ")),
        };
        let violation = scenario.world().and_then(|world| world.violations().first());
        what_happened = violation.map(ToString::to_string).or(refusal);
        if what_happened.is_some() {
            break;
        }
    }
    Played { scenes, what_happened, script: scenario.script() }
}
