//! What an answer is worth.

use crate::blank::Blank;
use crate::check::{Check, Fault, OUT_OF, Played, play};
use simulator::hunt::{Examined, Finding, Round, Search, Shortening};
use simulator::{SearchOptions, Substitute, quietly};
use std::ops::Range;

/// The outcome of one check, or of the random runs.
#[derive(Debug)]
pub struct Outcome {
    /// The name of the check.
    pub name: &'static str,
    /// What must be right.
    pub title: String,
    /// The points that it can bring.
    pub out_of: u32,
    /// How it went.
    pub fate: Fate,
}

/// How a check went.
#[derive(Debug)]
pub enum Fate {
    /// All was right.
    Passed,
    /// Something went wrong.
    Failed(Box<Fault>),
    /// It was not tried, because other checks have failed.
    NotTried,
}

impl Outcome {
    /// The points for it.
    pub fn points(&self) -> u32 {
        if matches!(self.fate, Fate::Passed) { self.out_of } else { 0 }
    }
}

/// All outcomes.
#[derive(Debug)]
pub struct Outcomes(pub Vec<Outcome>);

impl Outcomes {
    /// The points, out of [`OUT_OF`].
    pub fn points(&self) -> u32 {
        self.0.iter().map(Outcome::points).sum()
    }

    /// Is everything right?
    pub fn is_full(&self) -> bool {
        self.points() == OUT_OF
    }
}

/// The way to the outcomes, a slice at a time.
#[derive(Debug)]
pub struct Grading {
    blank: &'static Blank,
    substitute: Substitute,
    seeds: Range<u64>,
    outcomes: Vec<Outcome>,
    runs: u64,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    Checks(&'static [Check]),
    Searching(Box<Search>),
    Shortening(Box<Shortening>),
    Over,
}

impl Grading {
    /// Nothing has been played yet. The seeds are those of the random runs.
    pub fn new(blank: &'static Blank, substitute: Substitute, seeds: Range<u64>) -> Grading {
        let phase = Phase::Checks(blank.checks());
        Grading { blank, substitute, seeds, outcomes: Vec::new(), runs: 0, phase }
    }

    /// Plays on: one check, or random runs in which servers take this number of steps.
    pub fn advance(&mut self, steps: u64) {
        let phase = std::mem::replace(&mut self.phase, Phase::Over);
        self.phase = quietly(|| match phase {
            Phase::Checks([check, rest @ ..]) => {
                let fault = check.fault(&self.substitute).map(Box::new);
                let fate = fault.map_or(Fate::Passed, Fate::Failed);
                self.note(check.name, check.title.to_owned(), check.points, fate);
                Phase::Checks(rest)
            }
            Phase::Checks([]) if self.outcomes.iter().any(|outcome| outcome.points() == 0) => {
                self.note_random_runs(Fate::NotTried);
                Phase::Over
            }
            Phase::Checks([]) => Phase::Searching(Box::new(Search::new(self.rounds(), 0))),
            Phase::Searching(mut search) if !search.is_over() => {
                search.advance(steps);
                self.runs = search.examined().seeds;
                Phase::Searching(search)
            }
            Phase::Searching(search) => match search.examined() {
                Examined { finding: Some(finding), .. } => {
                    Phase::Shortening(Box::new(Shortening::new(finding)))
                }
                Examined { differs: Some(seed), .. } => {
                    self.note_random_runs(Fate::Failed(Box::new(differs(*seed))));
                    Phase::Over
                }
                _ => {
                    self.note_random_runs(Fate::Passed);
                    Phase::Over
                }
            },
            Phase::Shortening(mut shortening) if !shortening.is_over() => {
                shortening.advance(steps);
                Phase::Shortening(shortening)
            }
            Phase::Shortening(shortening) => {
                self.note_random_runs(Fate::Failed(Box::new(self.fault_of(shortening.best()))));
                Phase::Over
            }
            Phase::Over => Phase::Over,
        });
    }

    /// Is everything known?
    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over)
    }

    /// What it is doing, for those who wait.
    pub fn doing(&self) -> &'static str {
        match self.phase {
            Phase::Checks(_) => "playing directed scenarios",
            Phase::Searching(_) => "playing random runs",
            Phase::Shortening(_) => "a promise broke: looking for a shorter run",
            Phase::Over => "done",
        }
    }

    /// The outcomes, once it is over.
    pub fn outcomes(self) -> Outcomes {
        Outcomes(self.outcomes)
    }

    /// The outcomes that are known by now.
    pub fn so_far(&self) -> &[Outcome] {
        &self.outcomes
    }

    /// The number of random runs that were played by now.
    pub fn runs(&self) -> u64 {
        self.runs
    }

    /// Half of the seeds draw clusters of three servers, whose runs are short; the others any.
    fn rounds(&self) -> Vec<Round> {
        let Range { start, end } = self.seeds;
        let middle = start + (end - start) / 2;
        let round = |servers, seeds| {
            let substitute = Some(self.substitute.clone());
            Round { options: SearchOptions { servers, substitute, ..SearchOptions::default() }, seeds }
        };
        vec![round(Some(3), start..middle), round(None, middle..end)]
    }

    fn fault_of(&self, finding: &Finding) -> Fault {
        let commands = finding.script.commands().map(|command| (Vec::new(), command));
        let Played { scenes, script, .. } = play(commands, &self.substitute);
        let what_happened = finding.violation.to_string();
        let meaning = Some(finding.violation.promise.meaning);
        Fault { what_happened, meaning, scenes, script, similar: None }
    }

    fn note_random_runs(&mut self, fate: Fate) {
        let out_of = OUT_OF - self.blank.checks().iter().map(|check| check.points).sum::<u32>();
        let runs = self.seeds.end - self.seeds.start;
        self.note("random-runs", format!("In {runs} random runs no promise breaks."), out_of, fate);
    }

    fn note(&mut self, name: &'static str, title: String, out_of: u32, fate: Fate) {
        self.outcomes.push(Outcome { name, title, out_of, fate });
    }
}

/// The fault of answers with which the run of this seed went another way the second time. There is no run that shows it.
fn differs(seed: u64) -> Fault {
    let what_happened = format!(
        "the random run of seed {seed} went differently the second time. The same question must always get the same answer"
    );
    Fault { what_happened, meaning: None, scenes: Vec::new(), script: None, similar: None }
}
