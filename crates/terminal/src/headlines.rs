//! The headlines in the live view: which one is chosen, and where in the story each begins.

use std::collections::BTreeMap;
use trace::{Episode, Episodes, Record};

#[derive(Clone, Default)]
pub(crate) struct Headlines {
    episodes: Episodes,
    /// Number of lines in the story when each of them began, by its number.
    begins: BTreeMap<u64, u64>,
    /// The number of the chosen one; `None` for the latest, whichever that is.
    chosen: Option<u64>,
}

impl Headlines {
    /// Processes a record, before the story, which has this number of lines, gets its line.
    pub(crate) fn observe(&mut self, record: &Record, told: u64) {
        if let Some(number) = self.episodes.observe(record) {
            self.begins.entry(number).or_insert(told);
        }
        if self.begins.len() > self.all().len() {
            self.begins.retain(|&number, _| self.episodes.get(number).is_some());
        }
    }

    pub(crate) fn all(&self) -> &[Episode] {
        self.episodes.all()
    }

    pub(crate) fn episodes(&self) -> &Episodes {
        &self.episodes
    }

    /// The place of the chosen one, if there is any.
    pub(crate) fn chosen(&self) -> Option<usize> {
        let latest = self.all().len().checked_sub(1)?;
        let place = |number: u64| self.all().partition_point(|episode| episode.number < number);
        Some(self.chosen.map_or(latest, |number| place(number).min(latest)))
    }

    /// The line of the story with which the chosen one begins.
    pub(crate) fn begin_of_chosen(&self) -> Option<u64> {
        self.chosen().map(|chosen| self.begins[&self.all()[chosen].number])
    }

    pub(crate) fn choose_earlier(&mut self, by: usize) {
        self.chosen = self.chosen().map(|chosen| self.all()[chosen.saturating_sub(by)].number);
    }

    pub(crate) fn choose_later(&mut self, by: usize) {
        let later = self.chosen().map(|chosen| chosen.saturating_add(by));
        let latest = self.all().len().saturating_sub(1);
        self.chosen = later.filter(|&later| later < latest).map(|later| self.all()[later].number);
    }
}
