//! Operations as bars over time, in plain text.

use crate::BadHistory;
use crate::history::{Operation, Outcome};
use crate::words::{label, printable};

const LEGEND: &str = "(time goes to the right; an operation takes effect somewhere on its bar)";
const UNCERTAIN: &str = "? …    no answer came: it takes effect somewhere from here on, or never";
const LEFT_OUT: [&str; 2] = ["cas …", "if …"];
const AS_WRITE: &str = "what it found, and who had written that, makes no difference here";
const MARK: &str = "  ✗";

/// Number of columns between two events.
const GAP: usize = 2;

/// Draws the operations, the unexplained one with a mark. Lines have no more columns than `width`, unless
/// the words alone take more.
pub(crate) fn picture(bad: &BadHistory, width: usize) -> String {
    let mut drawing = Drawing::new(bad, |client, label| (client, label));
    if drawing.width() > width {
        drawing = Drawing::new(bad, |client, label| (format!("{client}  {label}"), String::new()));
        drawing.squeeze_into(width);
    }
    let mut lines = vec![format!("key {:<13} {LEGEND}", printable(bad.key())), String::new()];
    let rows = drawing.rows();
    let legends = LEFT_OUT.iter().filter(|words| rows.iter().any(|row| row.contains(**words)));
    let legends: Vec<String> = legends.map(|words| format!("{words}  {AS_WRITE}")).collect();
    lines.extend(rows);
    if bad.operations.iter().any(|operation| operation.outcome == Outcome::Uncertain) {
        lines.extend([String::new(), UNCERTAIN.to_owned()]);
    }
    if !legends.is_empty() {
        lines.push(String::new());
        lines.extend(legends);
    }
    lines.join("\n")
}

/// An operation in the picture.
struct Bar<'a> {
    operation: &'a Operation,
    /// The text at the left of its row.
    name: String,
    /// The text on the bar.
    label: String,
    mark: &'static str,
    /// Its first column and its last.
    start: usize,
    end: usize,
}

impl Bar<'_> {
    fn returned(&self) -> Option<u64> {
        match self.operation.outcome {
            Outcome::Returned { at, .. } => Some(at),
            Outcome::Uncertain | Outcome::DidNotHappen => None,
        }
    }

    /// The number of columns that it needs.
    fn least(&self) -> usize {
        self.stretched(0).chars().count()
    }

    /// The bar with this number of columns more than it needs.
    fn stretched(&self, more: usize) -> String {
        let label = if self.label.is_empty() { String::new() } else { format!(" {} ", self.label) };
        if self.returned().is_some() {
            let (left, right) = ("─".repeat(more / 2), "─".repeat(more.div_ceil(2)));
            format!("├─{left}{label}{right}─┤")
        } else {
            format!("├─{label}─{} ?{} …", "─".repeat(more % 2), " ─".repeat(more / 2))
        }
    }
}

struct Drawing<'a>(Vec<Bar<'a>>);

impl<'a> Drawing<'a> {
    /// `arrange`: from a client's name and an operation's label, the text at the left, and the text on the
    /// bar.
    fn new(bad: &'a BadHistory, arrange: impl Fn(String, String) -> (String, String)) -> Drawing<'a> {
        let bar = |(place, operation): (usize, &'a Operation)| {
            let client = format!("client {}", operation.client);
            let mut label = label(operation, bad.as_writes[place]);
            if let Some(version) = bad.found_as[place] {
                label += &format!(" (found as v{version})");
            }
            let (name, label) = arrange(client, label);
            let mark = if place == bad.unexplained { MARK } else { "" };
            Bar { operation, name, label, mark, start: 0, end: 0 }
        };
        let mut drawing = Drawing(bad.operations.iter().enumerate().map(bar).collect());
        drawing.lay_out();
        drawing
    }

    /// Gives every event a column, ordered by time, so that each bar has the room that it needs.
    fn lay_out(&mut self) {
        let mut events = Vec::new();
        for (place, bar) in self.0.iter().enumerate() {
            events.push((bar.operation.called, false, place));
            events.extend(bar.returned().map(|returned| (returned, true, place)));
        }
        events.sort_unstable();
        let mut column = 0;
        for (_, is_end, place) in events {
            let bar = &mut self.0[place];
            if is_end {
                column = column.max(bar.end);
                bar.end = column;
            } else {
                bar.start = column;
                bar.end = column + bar.least() - 1;
            }
            column += GAP;
        }
        let last = self.last();
        self.0.iter_mut().filter(|bar| bar.returned().is_none()).for_each(|bar| bar.end = last);
    }

    /// Moves the events together. If there are more of them than columns, some share one.
    fn squeeze_into(&mut self, width: usize) {
        let most = self.0.iter().map(Bar::least).max().unwrap_or_default();
        let room = width.saturating_sub(self.left() + most + MARK.chars().count());
        let last = self.last().max(room).max(1);
        for bar in &mut self.0 {
            bar.start = bar.start * room / last;
            bar.end = bar.end * room / last;
        }
    }

    fn width(&self) -> usize {
        self.left() + self.last() + 1 + MARK.chars().count()
    }

    /// Where the bars begin.
    fn left(&self) -> usize {
        self.0.iter().map(|bar| bar.name.chars().count()).max().unwrap_or_default() + 3
    }

    fn last(&self) -> usize {
        self.0.iter().map(|bar| bar.end).max().unwrap_or_default()
    }

    /// One client below the other, each in as few rows as its bars need side by side.
    fn rows(mut self) -> Vec<String> {
        let left = self.left();
        self.0.sort_by_key(|bar| (bar.operation.client, bar.start));
        let mut rows: Vec<(String, String)> = Vec::new();
        for bar in self.0 {
            let column = left + bar.start;
            let has_room =
                |(name, row): &&mut (String, String)| *name == bar.name && row.chars().count() < column;
            let (_, row) = match rows.iter_mut().find(has_room) {
                Some(row) => row,
                None => rows.push_mut((bar.name.clone(), bar.name.clone())),
            };
            let more = (bar.end + 1 - bar.start).saturating_sub(bar.least());
            *row = format!("{row:<column$}{}{}", bar.stretched(more), bar.mark);
        }
        rows.into_iter().map(|(_, row)| row).collect()
    }
}
