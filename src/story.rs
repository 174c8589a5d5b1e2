//! What happens in the scenes of a script, line by line.

use crate::paragraph::{columns, fitted};
use consensus::Rule;
use simulator::Scene;
use trace::{Feed, shown};

/// Tells scenes, each after those before it: what repeats them is left out.
pub(crate) struct Story {
    feed: Feed,
    columns: usize,
    off: Option<Rule>,
    hides_rules: bool,
}

impl Story {
    /// `off` is the rule that is switched off.
    pub(crate) fn new(off: Option<Rule>) -> Story {
        Story { feed: Feed::new(), columns: columns(), off, hides_rules: false }
    }

    /// The story of a mystery: which rule decided is not told.
    pub(crate) fn mystery() -> Story {
        Story { hides_rules: true, ..Story::new(None) }
    }

    /// From now on, the routine is included, or left out.
    pub(crate) fn tell_routine(&mut self, tells_routine: bool) {
        self.feed.tell_routine(tells_routine);
    }

    /// The lines of a scene. If it is not to be told, only its violations are.
    pub(crate) fn tell(&mut self, scene: &Scene, is_told: bool) -> String {
        self.feed.interrupt();
        let lines: Vec<_> = scene.records.iter().flat_map(|record| self.feed.tell(record)).collect();
        let lines = lines.iter().filter(|line| is_told || line.record.is_violation());
        let happened = lines.map(|line| match self.hides_rules {
            true => format!("{} {}\n", line.place(), line.text),
            false => fitted(line, self.columns, self.off) + "\n",
        });
        let said = scene.said.lines().filter(|_| is_told);
        happened.chain(said.map(|line| format!("  {}\n", shown(line)))).collect()
    }
}
