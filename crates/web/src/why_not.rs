//! Why a server has not done something: the question on a server's card on the page.

use crate::history::{History, Part};
use crate::refusal::Refusal;
use crate::scenarios::Scenarios;
use crate::setup::Setup;
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use consensus::{NodeId, Rule};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::Semaphore;
use trace::why_not::{Omission, WhyNot, why_not};
use trace::{ClusterView, Record, english};

/// Answering means reading as many records as are kept of the story, and some thousand of the latest ones.
static ONE_AT_A_TIME: Semaphore = Semaphore::const_new(1);

/// A question of the page.
#[derive(Debug, Deserialize)]
pub(crate) struct Question {
    server: NodeId,
    what: String,
    /// The number of the last record that had happened; without it, all had.
    up_to: Option<u64>,
    /// The scenario that is shown; without it, what the page was opened for.
    scenario: Option<String>,
}

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
#[derive(Default)]
struct Known {
    records: Vec<Record>,
    /// The number of each record.
    numbers: Vec<u64>,
    /// The cluster before the records at these places: others before them are missing.
    resumed: BTreeMap<usize, ClusterView>,
}

pub(crate) async fn answer(
    State(history): State<History>,
    State(scenarios): State<Scenarios>,
    State(setup): State<Arc<Setup>>,
    question: Result<Query<Question>, QueryRejection>,
) -> Result<Json<WhyNotTold>, Refusal> {
    let Query(question) = question.map_err(|_| Refusal::NoQuestion)?;
    let omission = Omission::ALL.into_iter().find(|(name, _)| *name == question.what);
    let (_, omission) = omission.ok_or(Refusal::NoQuestion)?;
    let turn = ONE_AT_A_TIME.acquire().await.expect("it is never closed");
    let found = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let up_to = question.up_to.unwrap_or(u64::MAX);
        let known = match question.scenario {
            Some(path) => {
                let film = (scenarios.film)(&path).ok_or(Refusal::NoScenario(path))?;
                Known::of_film(&film, up_to)
            }
            None => Known::of_history(&history, &setup, up_to),
        };
        known.answer(question.server, omission)
    });
    found.await.expect("answering does not panic").map(Json)
}

impl Known {
    /// The story that is kept, with the latest records complete.
    fn of_history(history: &History, setup: &Setup, up_to: u64) -> Known {
        let stretch = history.stretch(Some(up_to));
        let mut known = Known::default();
        for Part { snapshot, numbers, json } in history.story(stretch.snapshot.after) {
            known.resume(snapshot.view);
            for (number, json) in numbers.into_iter().zip(&json) {
                known.add(number, json);
            }
        }
        let first = stretch.snapshot.after + 1;
        known.resume(stretch.snapshot.view);
        for (number, json) in (first..).zip(&stretch.json) {
            known.add(number, json);
        }
        let scenes = setup.scenes.iter().map(|scene| (scene.before, scene.command.as_deref()));
        known.only_last_cluster(&setup.servers, scenes, up_to)
    }

    /// A scenario, in the form of [`embedded`](crate::embedded).
    fn of_film(film: &str, up_to: u64) -> Known {
        #[derive(Deserialize)]
        struct Film<'a> {
            setup: Begin,
            #[serde(borrow)]
            records: Vec<&'a RawValue>,
        }
        #[derive(Deserialize)]
        struct Begin {
            servers: Vec<NodeId>,
            scenes: Vec<Scene>,
        }
        #[derive(Deserialize)]
        struct Scene {
            before: u64,
            command: Option<String>,
        }
        let film: Film<'_> = serde_json::from_str(film).expect("films are written as they are read");
        let mut known = Known::default();
        known.resume(ClusterView::new(film.setup.servers.iter().copied()));
        for (number, json) in (1..=up_to).zip(film.records) {
            known.add(number, json.get());
        }
        let scenes = film.setup.scenes.iter().map(|scene| (scene.before, scene.command.as_deref()));
        known.only_last_cluster(&film.setup.servers, scenes, up_to)
    }

    fn resume(&mut self, view: ClusterView) {
        self.resumed.insert(self.records.len(), view);
    }

    fn add(&mut self, number: u64, json: &str) {
        self.records.push(Record::from_json(json).expect("records are written as they are read"));
        self.numbers.push(number);
    }

    /// A scenario may compare several clusters, whose servers have the same names.
    fn only_last_cluster<'a>(
        mut self,
        servers: &[NodeId],
        scenes: impl Iterator<Item = (u64, Option<&'a str>)>,
        up_to: u64,
    ) -> Known {
        let begins = |command: &str| command.split(' ').next() == Some("cluster");
        let clusters = scenes.filter(|(before, command)| *before <= up_to && command.is_some_and(begins));
        let first = clusters.map(|(before, _)| before).last().unwrap_or_default();
        let place = self.numbers.partition_point(|number| *number < first);
        if place > 0 {
            self.records.drain(..place);
            self.numbers.drain(..place);
            self.resumed = [(0, ClusterView::new(servers.iter().copied()))].into();
        }
        self
    }

    fn answer(&self, server: NodeId, omission: Omission) -> Result<WhyNotTold, Refusal> {
        let is_known = |view: &ClusterView| view.server(server).is_some();
        if !self.resumed.values().any(is_known) && self.records.iter().all(|record| record.node != server) {
            return Err(Refusal::NoServer(server));
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
    use consensus::RoleKind;
    use consensus::Term;
    use consensus::event::{Decision, What};
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
        record(t, node, Event::Decision(Decision { rule: Some(Rule::MajorityWins), what }))
    }

    fn setup() -> Setup {
        Setup::new(Mode::Live, "three".to_owned(), (1..=3).map(NodeId).collect())
    }

    fn history(records: &[Record]) -> History {
        let history = History::new(ClusterView::new(setup().servers), Some(1));
        history.add(records);
        history
    }

    #[test]
    fn the_answer_names_the_record_that_shows_it_and_its_rule() {
        let died =
            Laboratory::Died { signal: Some(9), power_cut: None, status: None, last_words: String::new() };
        let history = history(&[leads(1, 2), record(2, 2, Event::Laboratory(died))]);
        let answer =
            |up_to| Known::of_history(&history, &setup(), up_to).answer(NodeId(2), Omission::Lead).unwrap();
        let now = answer(u64::MAX);
        assert_eq!(now.what, "n2 has not become leader");
        assert!(now.because[0].sentence.starts_with("n2 is dead"), "{now:?}");
        assert_eq!(now.because[0].evidence, Some(2));
        let before = answer(1);
        assert_eq!(before.what, "n2 has become leader");
        assert_eq!((before.because[0].rule, before.because[0].evidence), (Some(Rule::MajorityWins), Some(1)));
    }

    #[test]
    fn what_was_long_ago_still_counts_and_the_work_stays_bounded() {
        let mut records = vec![leads(1, 1)];
        records.extend((2..50_000).map(|t| record(t, 3, Event::Laboratory(Laboratory::Resumed))));
        records.extend((50_000..60_000).map(|t| {
            let message = consensus::Message::AppendEntries(consensus::AppendEntries {
                term: Term(1),
                prev_log_index: consensus::Index(0),
                prev_log_term: Term(0),
                entries: Vec::new(),
                leader_commit: consensus::Index(0),
                round: 0,
            });
            record(t, 1, Event::Io(trace::Io::Sent { to: NodeId(2), message }))
        }));
        let history = history(&records);
        let known = Known::of_history(&history, &setup(), u64::MAX);
        assert!(known.records.len() < 55_000, "{} records", known.records.len());
        let told = known.answer(NodeId(1), Omission::Lead).unwrap();
        assert_eq!((told.what.as_str(), told.because[0].evidence), ("n1 has become leader", Some(1)));
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
        let film = crate::embedded(&setup, &[leads(1, 2), leads(2, 2), leads(3, 1)]);
        let leads = |up_to, server| Known::of_film(&film, up_to).answer(NodeId(server), Omission::Lead);
        assert_eq!(leads(2, 2).unwrap().what, "n2 has become leader");
        assert_eq!(leads(3, 1).unwrap().because[0].evidence, Some(3));
        assert_eq!(leads(3, 2).unwrap().because[0].sentence, "n2 has not started yet");
        assert_eq!(leads(3, 4), Err(Refusal::NoServer(NodeId(4))));
    }
}
