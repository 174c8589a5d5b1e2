//! The mystery cluster: a rule is off. Which one?

use consensus::Rule;
use fastrand::Rng;
use simulator::SearchOptions;
use simulator::hunt::{Round, small_worlds_first};

/// Rules whose absence breaks the same promise, so that the promise alone does not tell which of them is off.
const ALIKE: &[&[Rule]] = &[
    &[Rule::ResetTimerOnLeader, Rule::HeartbeatAtOnce, Rule::RecogniseLeader],
    &[Rule::ElectionTimeout, Rule::RandomisedTimeout, Rule::CandidateRestartsTimer, Rule::NewerTermWins],
    &[
        Rule::CommitByMajority,
        Rule::MatchWhatWasSent,
        Rule::OwnDiskCountsWhenSynced,
        Rule::UseLatestConfiguration,
    ],
    &[Rule::CountEachVoterOnce, Rule::IgnoreStaleAnswers, Rule::MajorityWins, Rule::StartAsFollower],
    &[Rule::CompareTermBeforeLength, Rule::UpToDateLog, Rule::LeaderAppendOnly, Rule::SameDataSameServer],
    &[Rule::BackUpOnMismatch, Rule::NoOpOnElection, Rule::RetryForever],
    &[
        Rule::CandidateIncrementsTerm,
        Rule::CandidateVotesForItself,
        Rule::OneVotePerTerm,
        Rule::PersistBeforeAnswer,
    ],
    &[
        Rule::ReadAfterCommitInTerm,
        Rule::ReadConfirmsLeadership,
        Rule::ReadWaitsForApply,
        Rule::LeaderStickiness,
    ],
];

/// The number of rules to choose from.
const CHOICES: usize = 4;

/// A cluster in which a rule is off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mystery {
    /// The rule.
    pub rule: Rule,
    /// The rules to choose from, this one among them, in learning order.
    pub choices: Vec<Rule>,
}

impl Mystery {
    /// A number of mysteries: the same seed, the same mysteries. No rule comes twice, as long as there are others.
    pub fn draw(seed: u64, number: usize) -> Vec<Mystery> {
        let mut random = Rng::with_seed(seed);
        let mut rules = Vec::new();
        while rules.len() < number {
            let mut round: Vec<(&[Rule], Rule)> =
                ALIKE.iter().flat_map(|alike| alike.iter().map(|rule| (*alike, *rule))).collect();
            // Fisher and Yates, with numbers that are the same on every machine.
            for place in (1..round.len()).rev() {
                round.swap(place, random.u64(0..=place as u64) as usize);
            }
            rules.extend(round);
        }
        rules.truncate(number);
        rules.into_iter().map(|(alike, rule)| Mystery::of(alike, rule, &mut random)).collect()
    }

    fn of(alike: &[Rule], rule: Rule, random: &mut Rng) -> Mystery {
        let mut choices = alike.to_vec();
        while choices.len() < CHOICES {
            let others = ALIKE[random.u64(0..ALIKE.len() as u64) as usize];
            let other = others[random.u64(0..others.len() as u64) as usize];
            if !choices.contains(&other) {
                choices.push(other);
            }
        }
        choices.sort();
        Mystery { rule, choices }
    }

    /// Where to search for a run in which a promise breaks.
    pub fn rounds(&self) -> Vec<Round> {
        small_worlds_first(&SearchOptions { without: Some(self.rule), ..SearchOptions::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    #[test]
    fn rules_that_are_alike_break_the_same_promise() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/without");
        let promise = |rule: &Rule| {
            let text = fs::read_to_string(folder.join(format!("{rule}.txt"))).unwrap();
            let words = text.split("VIOLATED: ").nth(1).and_then(|rest| rest.split(':').next()).unwrap();
            words.to_owned()
        };
        for alike in ALIKE {
            let promises: BTreeSet<String> = alike.iter().map(promise).collect();
            assert_eq!(promises.len(), 1, "{alike:?}: {promises:?}");
        }
    }

    #[test]
    fn mysteries_differ_and_have_their_answer_among_the_choices() {
        let mysteries = Mystery::draw(7, 20);
        assert_eq!(mysteries, Mystery::draw(7, 20));
        assert_ne!(mysteries, Mystery::draw(8, 20));
        let rules: BTreeSet<Rule> = mysteries.iter().map(|mystery| mystery.rule).collect();
        assert_eq!(rules.len(), 20);
        for Mystery { rule, choices } in mysteries {
            assert!(choices.contains(&rule) && choices.len() == CHOICES, "{rule}: {choices:?}");
        }
        assert_eq!(Mystery::draw(7, 100).len(), 100);
    }
}
