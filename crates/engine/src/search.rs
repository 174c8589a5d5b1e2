//! The search for a run that breaks a promise without a rule, a slice at a time.

use crate::response::{Found, Hunted, Refused, Shrunk};
use consensus::Rule;
use simulator::hunt::{Finding, Search, Shortening, most_steps_to_shrink, small_worlds_first};
use simulator::{SearchOptions, why_in_vain};

/// A search, and what it has found.
#[derive(Debug)]
pub(crate) struct Hunt {
    without: Rule,
    search: Search,
    shortening: Option<Shortening>,
}

impl Hunt {
    /// A search that has examined this number of seeds before.
    pub(crate) fn new(without: Rule, examined_before: u64) -> Result<Hunt, Refused> {
        if let Some(reason) = why_in_vain(without) {
            return Err(Refused::new(format!("a search finds nothing without {without}: {reason}")));
        }
        let rounds =
            small_worlds_first(&SearchOptions { without: Some(without), ..SearchOptions::default() });
        Ok(Hunt { without, search: Search::new(rounds, examined_before), shortening: None })
    }

    /// Is it this search, at this place?
    pub(crate) fn is_at(&self, without: Rule, examined: u64) -> bool {
        self.without == without && self.search.examined().seeds == examined
    }

    /// Examines seeds for this number of steps of servers.
    pub(crate) fn advance(&mut self, steps: u64) -> Result<Hunted, Refused> {
        self.search.advance(steps);
        let examined = self.search.examined();
        if let Some(seed) = examined.differs {
            return Err(Refused::new(format!(
                "seed {seed} went differently the second time: the simulator itself is broken. Please report it with this seed"
            )));
        }
        Ok(Hunted {
            next: examined.seeds,
            steps: examined.coverage.steps,
            is_over: self.search.is_over(),
            found: examined.finding.as_ref().map(Found::from),
        })
    }

    /// Makes what was found shorter, for this number of steps of servers.
    pub(crate) fn shrink(&mut self, steps: u64) -> Result<Shrunk, Refused> {
        let Some(finding) = &self.search.examined().finding else {
            return Err(Refused::new("nothing was found yet that could be made shorter"));
        };
        let shortening = self.shortening.get_or_insert_with(|| Shortening::new(finding));
        shortening.advance(steps);
        let (is_done, script) = (shortening.is_over(), shortening.shortest_so_far());
        let title = format!("Without {}: {}", self.without, promise(shortening.best()));
        Ok(Shrunk {
            is_done,
            lines: script.lines(),
            steps: shortening.effort().steps,
            most_steps: most_steps_to_shrink(finding),
            scenario: format!("# {title}\n\n{script}"),
        })
    }
}

fn promise(finding: &Finding) -> &'static str {
    finding.violation.promise.name
}

impl From<&Finding> for Found {
    fn from(finding: &Finding) -> Found {
        Found { seed: finding.seed, promise: promise(finding), lines: finding.script.lines() }
    }
}
