//! Why a server has not done something: the question on a server's card on the page.

use crate::run::Run;
use crate::setup::Setup;
use consensus::{NodeId, Rule};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use trace::why_not::{Omission, WhyNot, why_not};
use trace::{ClusterView, Record, english};

/// What prevented something that a server has not done.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct WhyNotTold {
    /// What is explained, as in `n2 has not become leader`.
    pub what: String,
    /// What prevented it, the most important first; if the server did it all the same, only how.
    pub because: Vec<ObstacleTold>,
}

/// Something that prevented it.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct ObstacleTold {
    /// A description, in one sentence without a full stop.
    pub sentence: String,
    /// The rule that prevented it, if one did.
    pub rule: Option<Rule>,
    /// The number of the record that shows it, if one does.
    pub evidence: Option<u64>,
}

/// What is known about a run up to a certain moment.
#[derive(Debug, Default)]
pub struct Known {
    records: Vec<Record>,
    /// The number of each record.
    numbers: Vec<u64>,
    /// The cluster before the records at these places: others before them are missing.
    resumed: BTreeMap<usize, ClusterView>,
}

/// Why a question has no answer.
#[derive(Debug, PartialEq, Eq)]
pub enum Unanswerable {
    /// It is not a question about a server.
    NoQuestion,
    /// Nothing is known of this server.
    NoServer(NodeId),
}

impl fmt::Display for Unanswerable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unanswerable::NoQuestion => f.write_str("that is not a question about a server"),
            Unanswerable::NoServer(server) => write!(f, "there is no server {server}"),
        }
    }
}

impl Run {
    /// What is known of it when this number of records have happened.
    pub fn known(&self, up_to: u64) -> Known {
        let mut known = Known::default();
        known.resume(ClusterView::new(self.setup.servers.iter().copied()));
        for (number, record) in (1..=up_to).zip(&self.records) {
            known.add(number, record.clone());
        }
        known.only_last_cluster(&self.setup, up_to)
    }
}

impl Known {
    /// From here on the cluster is known to be in this state, whatever was missing before.
    pub fn resume(&mut self, view: ClusterView) {
        self.resumed.insert(self.records.len(), view);
    }

    /// Adds the record with this number.
    pub fn add(&mut self, number: u64, record: Record) {
        self.records.push(record);
        self.numbers.push(number);
    }

    /// The number of records.
    pub fn count(&self) -> usize {
        self.records.len()
    }

    /// Drops what is not about the cluster on show: a scenario may compare several, whose servers have the same
    /// names.
    pub fn only_last_cluster(mut self, setup: &Setup, up_to: u64) -> Known {
        let begins = |command: &str| command.split(' ').next() == Some("cluster");
        let ends = setup.scenes.iter().skip(1).map(|scene| scene.before).chain([u64::MAX]);
        // A command that was refused has no records.
        let clusters = setup.scenes.iter().zip(ends).filter(|(scene, end)| {
            scene.before <= up_to && scene.before < *end && scene.command.as_deref().is_some_and(begins)
        });
        let first = clusters.map(|(scene, _)| scene.before).last().unwrap_or_default();
        let place = self.numbers.partition_point(|number| *number < first);
        if place > 0 {
            self.records.drain(..place);
            self.numbers.drain(..place);
            self.resumed = [(0, ClusterView::new(setup.servers.iter().copied()))].into();
        }
        self
    }

    /// Why the server has not done it: `leader`, `vote`, `commit` or `reply`.
    ///
    /// # Errors
    /// If it is something else, or nothing is known of the server.
    pub fn answer(&self, server: NodeId, what: &str) -> Result<WhyNotTold, Unanswerable> {
        let omission = Omission::ALL.into_iter().find(|(name, _)| *name == what);
        let (_, omission) = omission.ok_or(Unanswerable::NoQuestion)?;
        let is_known = |view: &ClusterView| view.server(server).is_some();
        if !self.resumed.values().any(is_known) && self.records.iter().all(|record| record.node != server) {
            return Err(Unanswerable::NoServer(server));
        }
        let moment = self.records.last().map_or(0, |record| record.t);
        let number_of = |evidence: &Record| {
            let place = self.records.iter().position(|record| std::ptr::eq(record, evidence));
            place.map(|place| self.numbers[place])
        };
        let done = omission.done();
        Ok(match why_not(&self.records, &self.resumed, moment, server, omission) {
            WhyNot::ItDid(record) => WhyNotTold {
                what: format!("{server} has {done}"),
                because: vec![ObstacleTold {
                    sentence: english::sentence(record),
                    rule: record.rule(),
                    evidence: number_of(record),
                }],
            },
            WhyNot::Because(because) => WhyNotTold {
                what: format!("{server} has not {done}"),
                because: because
                    .into_iter()
                    .map(|obstacle| ObstacleTold {
                        evidence: obstacle.evidence.and_then(number_of),
                        sentence: obstacle.sentence,
                        rule: obstacle.rule,
                    })
                    .collect(),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup::Mode;
    use consensus::event::{Decision, What};
    use consensus::{RoleKind, Term};
    use trace::{Event, Laboratory};

    fn record(t: u64, node: u64, event: Event) -> Record {
        Record {
            t,
            node: NodeId(node),
            life: 1,
            seq: Some(t),
            cause: None,
            term: Term(1),
            content: None,
            event,
        }
    }

    fn leads(t: u64, node: u64) -> Record {
        let what = What::Role { role: RoleKind::Leader, was: Some(RoleKind::Candidate) };
        record(t, node, Event::Decision(Decision::new(Some(Rule::MajorityWins), what)))
    }

    fn setup() -> Setup {
        Setup::new(Mode::Live, "three".to_owned(), (1..=3).map(NodeId).collect())
    }

    #[test]
    fn the_answer_names_the_record_that_shows_it_and_its_rule() {
        let died =
            Laboratory::Died { signal: Some(9), power_cut: None, status: None, last_words: String::new() };
        let run = Run { setup: setup(), records: vec![leads(1, 2), record(2, 2, Event::Laboratory(died))] };
        let answer = |up_to| run.known(up_to).answer(NodeId(2), "leader").unwrap();
        let now = answer(u64::MAX);
        assert_eq!(now.what, "n2 has not become leader");
        assert!(now.because[0].sentence.starts_with("n2 is dead"), "{now:?}");
        assert_eq!(now.because[0].evidence, Some(2));
        let before = answer(1);
        assert_eq!(before.what, "n2 has become leader");
        assert_eq!((before.because[0].rule, before.because[0].evidence), (Some(Rule::MajorityWins), Some(1)));
    }

    #[test]
    fn of_several_clusters_in_a_scenario_the_one_on_show_counts() {
        let scene = |before, command: &str| crate::setup::Scene {
            before,
            prose: Vec::new(),
            command: Some(command.to_owned()),
            is_silent: false,
            said: String::new(),
        };
        let setup = Setup { scenes: vec![scene(1, "cluster 3"), scene(3, "cluster 3")], ..setup() };
        let run = Run { setup, records: vec![leads(1, 2), leads(2, 2), leads(3, 1)] };
        let leads = |up_to, server| run.known(up_to).answer(NodeId(server), "leader");
        assert_eq!(leads(2, 2).unwrap().what, "n2 has become leader");
        assert_eq!(leads(3, 1).unwrap().because[0].evidence, Some(3));
        assert_eq!(leads(3, 2).unwrap().because[0].sentence, "n2 has not started yet");
        assert_eq!(leads(3, 4), Err(Unanswerable::NoServer(NodeId(4))));
        assert_eq!(run.known(3).answer(NodeId(1), "king"), Err(Unanswerable::NoQuestion));
    }
}
