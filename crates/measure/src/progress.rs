//! The progress of a benchmark.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar on the terminal, if there is one, for `count` of something.
pub fn progress(count: u64, what: &str) -> ProgressBar {
    let template = format!("{{wide_bar:.cyan}} {{pos}} of {{len}} {what}");
    let style = ProgressStyle::with_template(&template).expect("it is a template");
    ProgressBar::new(count).with_style(style)
}
