//! The lines of the figure.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use consensus::Timing;
use std::time::Duration;

/// A line: so many milliseconds a server waits for a leader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) name: &'static str,
    min: u64,
    max: u64,
    pub(super) plot: Plot,
    /// What the paper says of it, in words.
    pub(super) paper: &'static str,
}

/// The figure has two plots, one above the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plot {
    /// How much chance there is in the timeouts.
    Upper,
    /// How long they are.
    Lower,
}

impl Plot {
    pub(super) fn title(self) -> &'static str {
        match self {
            Plot::Upper => "more chance in the timeouts: fewer split votes",
            Plot::Lower => "shorter timeouts: sooner noticed, until they are too short",
        }
    }
}

/// All lines, in the order of the figure. "150-300" is in both plots.
pub(super) const LINES: [Line; 10] = [
    Line::new("150-150", 150, 150, Plot::Upper, "over 10 s"),
    Line::new("150-151", 150, 151, Plot::Upper, ""),
    Line::new("150-155", 150, 155, Plot::Upper, "median 287"),
    Line::new("150-175", 150, 175, Plot::Upper, ""),
    Line::new("150-200", 150, 200, Plot::Upper, "worst 513"),
    Line::new("150-300", 150, 300, Plot::Upper, ""),
    Line::new("12-24", 12, 24, Plot::Lower, "mean 35, worst 152"),
    Line::new("25-50", 25, 50, Plot::Lower, ""),
    Line::new("50-100", 50, 100, Plot::Lower, ""),
    Line::new("100-200", 100, 200, Plot::Lower, ""),
];

impl Line {
    const fn new(name: &'static str, min: u64, max: u64, plot: Plot, paper: &'static str) -> Line {
        Line { name, min, max, plot, paper }
    }

    /// Is nothing random in its timeouts?
    pub(super) fn is_fixed(self) -> bool {
        self.min == self.max
    }

    /// Is it drawn in this plot?
    pub(super) fn is_in(self, plot: Plot) -> bool {
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
    let values = LINES.map(|line| PossibleValue::new(line.name).hide(false));
    PossibleValuesParser::new(values).map(|name| {
        LINES.into_iter().find(|line| line.name == name).expect("only these names are possible")
    })
}
