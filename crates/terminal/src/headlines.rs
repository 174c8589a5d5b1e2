//! The headlines in the live view: which one is chosen, and where in the story each begins.

use trace::{Episode, Episodes, Record};

#[derive(Default)]
pub(crate) struct Headlines {
    episodes: Episodes,
    /// How many lines the story had when each of them began.
    begins: Vec<u64>,
    /// The chosen one; `None` for the latest, whichever that is.
    chosen: Option<usize>,
}

impl Headlines {
    /// Takes in what happened, before the story with so many lines tells it.
    pub(crate) fn observe(&mut self, record: &Record, told: u64) {
        self.episodes.observe(record);
        self.begins.resize(self.episodes.all().len(), told);
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
        Some(self.chosen.map_or(latest, |chosen| chosen.min(latest)))
    }

    /// The line of the story with which the chosen one begins.
    pub(crate) fn begin_of_chosen(&self) -> Option<u64> {
        self.chosen().map(|chosen| self.begins[chosen])
    }

    pub(crate) fn choose_earlier(&mut self, by: usize) {
        self.chosen = self.chosen().map(|chosen| chosen.saturating_sub(by));
    }

    pub(crate) fn choose_later(&mut self, by: usize) {
        let latest = self.all().len().saturating_sub(1);
        self.chosen = self.chosen.map(|chosen| chosen.saturating_add(by)).filter(|&chosen| chosen < latest);
    }
}
