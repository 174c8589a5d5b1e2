//! Why a server has not done something: the question on a server's card on the page.

use crate::history::{History, Part};
use crate::refusal::Refusal;
use crate::scenarios::Scenarios;
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use consensus::NodeId;
use page::{Known, Setup, Unanswerable, WhyNotTold};
use serde::Deserialize;
use std::sync::Arc;
use tokio::sync::Semaphore;
use trace::Record;

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

pub(crate) async fn answer(
    State(history): State<History>,
    State(Scenarios(library)): State<Scenarios>,
    State(setup): State<Arc<Setup>>,
    question: Result<Query<Question>, QueryRejection>,
) -> Result<Json<WhyNotTold>, Refusal> {
    let Query(question) = question.map_err(|_| Refusal::Unanswerable(Unanswerable::NoQuestion))?;
    let turn = ONE_AT_A_TIME.acquire().await.expect("it is never closed");
    let found = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let up_to = question.up_to.unwrap_or(u64::MAX);
        let known = match question.scenario {
            Some(path) => library.play(&path).ok_or(Refusal::NoScenario(path))?.known(up_to),
            None => known(&history, &setup, up_to),
        };
        known.answer(question.server, &question.what).map_err(Refusal::Unanswerable)
    });
    found.await.expect("answering does not panic").map(Json)
}

/// The story that is kept, with the latest records complete.
fn known(history: &History, setup: &Setup, up_to: u64) -> Known {
    let record = |json: &Arc<str>| Record::from_json(json).expect("records are written as they are read");
    let stretch = history.stretch(Some(up_to));
    let mut known = Known::default();
    for Part { snapshot, numbers, json } in history.story(stretch.snapshot.after) {
        known.resume(snapshot.view);
        for (number, json) in numbers.into_iter().zip(&json) {
            known.add(number, record(json));
        }
    }
    let first = stretch.snapshot.after + 1;
    known.resume(stretch.snapshot.view);
    for (number, json) in (first..).zip(&stretch.json) {
        known.add(number, record(json));
    }
    known.only_last_cluster(setup, up_to)
}

#[cfg(test)]
mod tests {
    use super::*;
    use consensus::event::{Decision, What};
    use consensus::{RoleKind, Rule, Term};
    use page::Mode;
    use trace::{ClusterView, Event, Laboratory};

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

    #[test]
    fn what_was_long_ago_still_counts_and_the_work_stays_bounded() {
        let what = What::Role { role: RoleKind::Leader, was: Some(RoleKind::Candidate) };
        let leads = Event::Decision(Decision::new(Some(Rule::MajorityWins), what));
        let mut records = vec![record(1, 1, leads)];
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
        let setup = Setup::new(Mode::Live, "three".to_owned(), (1..=3).map(NodeId).collect());
        let history = History::new(ClusterView::new(setup.servers.iter().copied()), Some(1));
        history.add(&records);
        let known = known(&history, &setup, u64::MAX);
        assert!(known.count() < 55_000, "{} records", known.count());
        let told = known.answer(NodeId(1), "leader").unwrap();
        assert_eq!((told.what.as_str(), told.because[0].evidence), ("n1 has become leader", Some(1)));
    }
}
