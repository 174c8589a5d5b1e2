//! A load that was measured several times, and its row in the report.

use crate::report::{Column, number};
use crate::spread::Spread;
use serde_json::{Value, json};

/// Maximum share of the machine that other programs may use, from 0 to 1. Above it the row is marked.
pub const QUIET: f64 = 0.1;

/// The columns after those of the figures.
pub const AFTER_FIGURES: [Column; 4] = [
    Column::number("per_second_least", "least", 0),
    Column::number("per_second_most", "most", 0),
    Column::number("others_percent", "others %", 0),
    Column::text("disturbed", ""),
];

/// The result of one run.
#[derive(Debug, Clone, Copy)]
pub struct Run<const FIGURES: usize> {
    /// The first is the number of operations per second.
    pub figures: [f64; FIGURES],
    /// The share of the machine used by other programs, from 0 to 1.
    pub others: f64,
}

/// All runs of one row.
#[derive(Debug, Clone)]
pub struct Runs<const FIGURES: usize>(Vec<Run<FIGURES>>);

impl<const FIGURES: usize> Default for Runs<FIGURES> {
    fn default() -> Runs<FIGURES> {
        Runs(Vec::new())
    }
}

impl<const FIGURES: usize> Runs<FIGURES> {
    /// Adds a run.
    pub fn push(&mut self, run: Run<FIGURES>) {
        self.0.push(run);
    }

    fn spread(&self, figure: impl Fn(&Run<FIGURES>) -> f64) -> Spread {
        Spread::of(self.0.iter().map(figure))
    }

    /// The median of each figure.
    ///
    /// # Panics
    /// If there was no run; so does [`Runs::cells`].
    pub fn medians(&self) -> [f64; FIGURES] {
        std::array::from_fn(|place| self.spread(|run| run.figures[place]).median())
    }

    /// The medians, and the cells of the columns [`AFTER_FIGURES`].
    pub fn cells(&self) -> impl Iterator<Item = Value> {
        let per_second = self.spread(|run| run.figures[0]);
        let others = self.spread(|run| run.others).most();
        let after = [per_second.least(), per_second.most(), others * 100.0];
        let mark = if others > QUIET { "*" } else { "" };
        self.medians().into_iter().chain(after).map(number).chain([json!(mark)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_medians_and_is_marked_if_a_run_was_disturbed() {
        let mut runs = Runs::default();
        for (figures, others) in [([10.0, 3.0], 0.0), ([30.0, 1.0], 0.2), ([20.0, 2.0], 0.1)] {
            runs.push(Run { figures, others });
        }
        assert_eq!(runs.medians(), [20.0, 2.0]);
        let cells: Vec<Value> = runs.cells().collect();
        assert_eq!(json!(cells), json!([20.0, 2.0, 10.0, 30.0, 20.0, "*"]));
    }
}
