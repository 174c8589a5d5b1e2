//! The exercises: what the page asks about them.

use crate::lab::Lab;
use crate::response::{
    AnswerTold, BrokenTold, ChallengeTold, MysteryTold, OutcomeTold, PracticeTold, Refused, SavedTold,
};
use crate::scenarios::library;
use consensus::Rule;
use practice::{Blank, Challenge, Grading, Mystery, OUT_OF, Outcome, Puzzle, UnknownBlank};
use simulator::{Mistake, Substitute, with_all_rules};

/// Maximum number of random runs, and of mysteries.
const MOST_RUNS: u64 = 1_000_000;
const MOST_MYSTERIES: usize = 100;

/// All exercises.
pub(crate) fn practice() -> PracticeTold {
    let challenges = Rule::ALL.iter().filter_map(|&rule| {
        let challenge = challenge(rule)?;
        let (par, most, is_of_liveness) = (challenge.par, challenge.most(), challenge.is_of_liveness);
        Some(ChallengeTold { rule, par, most, is_of_liveness, script: challenge.beginning })
    });
    PracticeTold {
        blanks: Blank::ALL.iter().map(Into::into).collect(),
        challenges: challenges.collect(),
        puzzles: Puzzle::all().map(Into::into).collect(),
        out_of: OUT_OF,
    }
}

/// Clusters in which a rule is off: the same seed, the same clusters.
pub(crate) fn mysteries(seed: u64, number: usize) -> Vec<MysteryTold> {
    let mysteries = Mystery::draw(seed, number.min(MOST_MYSTERIES)).into_iter();
    mysteries.map(|Mystery { rule, choices }| MysteryTold { rule, choices }).collect()
}

fn challenge(rule: Rule) -> Option<Challenge> {
    Challenge::new(rule, library().find(&format!("without/{rule}"))?)
}

/// What the run of this lab is worth, in which the rule is off.
pub(crate) fn marked(rule: Rule, lab: &Lab) -> Result<BrokenTold, Refused> {
    let challenge = challenge(rule).ok_or_else(|| Refused::new(format!("{rule} is no exercise")))?;
    let commands: String = lab.script().lines().map(|line| with_all_rules(line) + "\n").collect();
    let marked = challenge.mark(&commands).map_err(|why| Refused::new(why.to_string()))?;
    Ok(BrokenTold {
        commands: marked.commands,
        points: marked.points(),
        broken: marked.broken.map(|violation| violation.to_string()),
        broken_with_rule: marked.broken_with_rule.map(|violation| violation.to_string()),
    })
}

/// What the run of this lab is worth, which is to save a cluster.
pub(crate) fn saved(name: &str, lab: &Lab) -> Result<SavedTold, Refused> {
    let puzzle = Puzzle::find(name).ok_or_else(|| Refused::new(format!("there is no puzzle {name}")))?;
    let commands = lab.done_after(&puzzle.task().world)?;
    let tried = puzzle.mark(&commands.join("\n")).map_err(|why| Refused::new(why.to_string()))?;
    Ok(SavedTold { commands, points: tried.points(), checks: tried.checks })
}

/// An answer to a blank, on the way to its points.
#[derive(Debug)]
pub(crate) struct Answering {
    blank: String,
    expression: String,
    runs: u64,
    grading: Result<Grading, Mistake>,
}

impl Answering {
    /// Nothing has been played yet.
    pub(crate) fn new(blank: String, expression: String, runs: u64) -> Result<Answering, Refused> {
        let known: &Blank =
            blank.parse().map_err(|unknown: UnknownBlank| Refused::new(unknown.to_string()))?;
        let substitute = Substitute::in_words(known.condition, &expression);
        let grading = substitute.map(|answer| Grading::new(known, answer, 0..runs.min(MOST_RUNS)));
        Ok(Answering { blank, expression, runs, grading })
    }

    /// Is it this answer?
    pub(crate) fn is(&self, blank: &str, expression: &str, runs: u64) -> bool {
        (self.blank.as_str(), self.expression.as_str(), self.runs) == (blank, expression, runs)
    }

    /// Plays one check, or random runs in which servers take this number of steps.
    pub(crate) fn advance(&mut self, steps: u64) -> AnswerTold {
        let grading = match &mut self.grading {
            Ok(grading) => grading,
            Err(Mistake { column, what }) => {
                return AnswerTold::Mistake { column: *column, what: what.clone() };
            }
        };
        grading.advance(steps);
        let outcomes = grading.so_far();
        AnswerTold::Graded {
            is_over: grading.is_over(),
            doing: grading.doing(),
            runs: grading.runs(),
            points: outcomes.iter().map(Outcome::points).sum(),
            outcomes: outcomes.iter().map(OutcomeTold::from).collect(),
        }
    }
}
