//! What the page can ask.

use consensus::{Index, NodeId, Rule, Term};
use course::{Response, Results};
use serde::Deserialize;

/// Something that the engine does or tells.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "ask", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Plays a script, and goes on with the world of its last `cluster`.
    Open {
        /// A scenario, with or without prose.
        script: String,
    },
    /// Plays one more command of the scenario language.
    Do {
        /// The command, in one line.
        command: String,
    },
    /// Lets time pass until a promise breaks.
    Run {
        /// How long at most, in microseconds.
        us: u64,
    },
    /// Lets the next single thing happen that is due.
    Step,
    /// Goes back to a moment, to go on from there another way. What belongs to the same step as the last of those
    /// records has happened, too: the response has it.
    Fork {
        /// The number of records that have happened.
        position: u64,
    },
    /// A script that plays the same run.
    Script,
    /// The messages in flight.
    Messages,
    /// A number that two runs share only if they have the same records: that of the open world.
    RunHash,
    /// Why a server has not done something.
    WhyNot {
        /// The server.
        server: NodeId,
        /// What: `leader`, `vote`, `commit` or `reply`.
        what: String,
        /// The number of records that have happened.
        position: u64,
    },
    /// The scenarios, in learning order.
    Scenarios,
    /// A run that is complete: a scenario of the program, or another script.
    Film {
        /// The path of a scenario, such as `elections/first-election`.
        #[cfg_attr(feature = "ts", ts(optional))]
        path: Option<String>,
        /// The text of a scenario.
        #[cfg_attr(feature = "ts", ts(optional))]
        script: Option<String>,
    },
    /// Searches for a run that breaks a promise without a rule.
    Hunt {
        /// The rule.
        without: Rule,
        /// The number of seeds that were examined before.
        from: u64,
        /// For how many steps of servers.
        steps: u64,
    },
    /// Makes what was found shorter.
    Shrink {
        /// For how many steps of servers.
        steps: u64,
    },
    /// Searches for a run that leads to these logs: of n1, n2, and so on. Asked again with the same logs, the search goes on.
    Origin {
        /// The terms of each log's entries, as in `1 1 3`.
        logs: Vec<String>,
        /// The number of servers, if there are more than logs. The others may have any log.
        #[cfg_attr(feature = "ts", ts(optional))]
        servers: Option<u64>,
        /// How many moments are looked at before the response.
        moments: u64,
    },
    /// Looks for a run that refutes the claim that an entry is committed, where servers have these logs.
    Claim {
        /// The terms of each log's entries, as in `1 1 3`.
        logs: Vec<String>,
        /// The entry's index.
        index: Index,
        /// The entry's term; without it, that of the entry that most logs have there.
        #[cfg_attr(feature = "ts", ts(optional))]
        term: Option<Term>,
    },
    /// The number of a run that is drawn from a seed, with the servers' steps.
    TraceHash {
        /// The seed from which the run is drawn.
        seed: u64,
        /// The rule that is off in it.
        #[cfg_attr(feature = "ts", ts(optional))]
        without: Option<Rule>,
    },
    /// The course.
    Course {
        /// Mixes the answers.
        seed: u32,
    },
    /// How good a response to a question of the course is.
    Mark {
        /// The card, as CHAPTER/CARD.
        card: String,
        /// What the learner has answered.
        response: Response,
    },
    /// Which checks of a task of the course hold in the open world.
    Judge {
        /// The card, as CHAPTER/CARD.
        card: String,
    },
    /// What a learner's results are worth.
    Grade {
        /// The results, as a player keeps them or a file has them.
        results: Results,
    },
    /// What a learner's results are together with those of another file.
    Add {
        /// The learner's results.
        results: Results,
        /// Those of the file.
        more: Results,
    },
    /// The exercises.
    Practice,
    /// What an answer to a blank is worth. Asked again with the same answer, the grading goes on.
    Answer {
        /// The blank, such as `up-to-date`.
        blank: String,
        /// The answer as an expression.
        expression: String,
        /// The number of random runs.
        runs: u64,
        /// For how many steps of servers random runs are played before the response.
        steps: u64,
    },
    /// Clusters in which a rule is off. The same seed, the same clusters.
    Mysteries {
        /// The seed.
        seed: u32,
        /// How many.
        number: usize,
    },
    /// What the commands in the open world are worth, in which this rule is off.
    Broken {
        /// The rule.
        rule: Rule,
    },
    /// What the commands in the open world are worth, which is that of a puzzle.
    Saved {
        /// The puzzle, such as `two-halves`.
        puzzle: String,
    },
    /// What a command of the scenario language does; without one, which there are.
    Explain {
        /// Its name.
        #[cfg_attr(feature = "ts", ts(optional))]
        command: Option<String>,
    },
}
