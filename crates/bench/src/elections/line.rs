//! The lines of the figure.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use consensus::Timing;
use std::time::Duration;

/// A line: a range of election timeouts, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) name: &'static str,
    min: u64,
    max: u64,
    plot: Subplot,
    /// The paper's result, in words.
    pub(super) paper: &'static str,
}

/// The figure has two plots, one above the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subplot {
    /// Varies the amount of randomness in the timeouts.
    Upper,
    /// Varies their length.
    Lower,
}

impl Subplot {
    pub(super) fn title(self) -> &'static str {
        match self {
            Subplot::Upper => "more chance in the timeouts: fewer split votes",
            Subplot::Lower => "shorter timeouts: sooner noticed, until they are too short",
        }
    }
}

/// From top to bottom.
pub(super) const PLOTS: [Subplot; 2] = [Subplot::Upper, Subplot::Lower];

/// All lines, in the order of the figure. "150-300" is in both plots.
pub(super) const LINES: [Line; 10] = [
    Line::new("150-150", 150, 150, Subplot::Upper, "over 10 s"),
    Line::new("150-151", 150, 151, Subplot::Upper, ""),
    Line::new("150-155", 150, 155, Subplot::Upper, "median 287"),
    Line::new("150-175", 150, 175, Subplot::Upper, ""),
    Line::new("150-200", 150, 200, Subplot::Upper, "worst 513"),
    Line::new("150-300", 150, 300, Subplot::Upper, ""),
    Line::new("12-24", 12, 24, Subplot::Lower, "mean 35, worst 152"),
    Line::new("25-50", 25, 50, Subplot::Lower, ""),
    Line::new("50-100", 50, 100, Subplot::Lower, ""),
    Line::new("100-200", 100, 200, Subplot::Lower, ""),
];

impl Line {
    const fn new(name: &'static str, min: u64, max: u64, plot: Subplot, paper: &'static str) -> Line {
        Line { name, min, max, plot, paper }
    }

    /// Are its timeouts not random?
    pub(super) fn is_fixed(self) -> bool {
        self.min == self.max
    }

    /// Is it drawn in this plot?
    pub(super) fn is_in(self, plot: Subplot) -> bool {
        self.plot == plot || self.name == "150-300"
    }

    /// The heartbeat interval is half of the shortest timeout, as in the paper.
    pub(super) fn timing(self) -> Timing {
        let min = Duration::from_millis(self.min);
        // Timeouts are drawn from a range that is never empty. A nanosecond is as good as none.
        let max = Duration::from_millis(self.max).max(min + Duration::from_nanos(1));
        Timing::new(min / 2, min, max).expect("the table has them in the right order")
    }
}

/// Parses the name of a line.
pub(super) fn parser() -> impl TypedValueParser<Value = Line> {
    PossibleValuesParser::new(LINES.map(|line| line.name))
        .map(|name| LINES.into_iter().find(|line| line.name == name).expect("only these names are possible"))
}
