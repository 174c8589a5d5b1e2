//! A run that is complete: what a page shows that asks no server for more.

use crate::headlines::{Headline, Headlines};
use crate::setup::{Mode, Scene, Setup};
use serde::Serialize;
use simulator::Scenario;
use std::io;
use trace::{Event, Io, Record};

/// A run that is complete.
#[derive(Debug, Clone)]
pub struct Run {
    /// What the page needs to know first.
    pub setup: Setup,
    /// Everything that happened, in order.
    pub records: Vec<Record>,
}

impl Run {
    /// The run that this script makes. The title counts if the script has none.
    ///
    /// # Errors
    /// If the script can't be understood, or one of its commands fails.
    pub fn of_script(title: &str, script: &str) -> io::Result<Run> {
        let film = Scenario::film(script)?;
        let title = crate::title(script).unwrap_or(title).to_owned();
        let setup = Setup::of_film(Mode::Replay, title, &film);
        Ok(Run { setup, records: film.scenes.into_iter().flat_map(|scene| scene.records).collect() })
    }

    /// Its JSON.
    pub fn embedded(&self) -> String {
        embedded(&self.setup, &self.records)
    }
}

/// The scenes of a scenario as the page knows them: by their places in the records.
pub(crate) fn scenes(played: &[simulator::Scene]) -> Vec<Scene> {
    let mut shown = 0;
    let mut scenes = Vec::new();
    for scene in played {
        scenes.push(Scene {
            before: shown + 1,
            prose: scene.prose.clone(),
            command: scene.command.clone(),
            is_silent: scene.is_silent,
            said: scene.said.clone(),
        });
        shown += scene.records.iter().filter(is_shown).count() as u64;
    }
    scenes
}

/// Steps only sum up the records before them.
fn is_shown(record: &&Record) -> bool {
    !matches!(record.event, Event::Io(Io::Step { .. }))
}

/// The data in a page that needs no server.
#[derive(Debug, Serialize)]
struct Embedded<'a> {
    setup: &'a Setup,
    records: Vec<RecordJson<'a>>,
    headlines: Vec<Headline>,
}

/// A record as [`Record::to_json`] writes it.
#[derive(Debug)]
pub struct RecordJson<'a>(pub &'a Record);

impl Serialize for RecordJson<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let json = serde_json::value::RawValue::from_string(self.0.to_json());
        json.map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

/// The data that a page shows without a server, as JSON.
pub fn embedded<'a>(setup: &Setup, records: impl IntoIterator<Item = &'a Record>) -> String {
    let records: Vec<RecordJson> = records.into_iter().filter(is_shown).map(RecordJson).collect();
    let mut headlines = Headlines::default();
    (1..).zip(&records).for_each(|(number, RecordJson(record))| headlines.observe(number, record));
    let last = records.len() as u64;
    headlines.end(last);
    let headlines = headlines.between(0, last).cloned().collect();
    serde_json::to_string(&Embedded { setup, records, headlines }).expect("what is embedded has a JSON")
}
