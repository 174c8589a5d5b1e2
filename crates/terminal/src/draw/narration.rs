//! The narration: a scenario's prose, above the story.

use super::style::Palette;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::{Block, Borders, Paragraph};

/// With fewer rows, heading included, there is nothing to read.
pub(crate) const FEWEST_ROWS: u16 = 3;
/// Maximum width in columns: a longer line is hard to read.
const WIDEST: usize = 100;

/// How many rows the narration would like to have, and how much it matters.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reading {
    /// The replay waits until it is read.
    Now(u16),
    /// It has been read.
    Done(u16),
}

/// The paragraphs as lines for this width: what was read before is faint.
pub(crate) fn lines<'a>(prose: &[String], width: u16, palette: &Palette) -> Vec<Line<'a>> {
    let mut lines = Vec::new();
    for (place, paragraph) in prose.iter().enumerate() {
        let style = if place + 1 == prose.len() { Style::new() } else { palette.faint() };
        let wrapped = textwrap::wrap(paragraph, usize::from(width).saturating_sub(2).min(WIDEST));
        lines.extend(wrapped.iter().map(|line| Line::styled(format!(" {line}"), style)));
    }
    lines
}

/// The rows for these lines and their heading.
pub(crate) fn rows(lines: &[Line]) -> u16 {
    if lines.is_empty() { 0 } else { lines.len() as u16 + 1 }
}

/// Draws the latest lines that fit.
pub(crate) fn draw(frame: &mut Frame, area: Rect, heading: &str, mut lines: Vec<Line>, palette: &Palette) {
    if lines.is_empty() || area.height < FEWEST_ROWS.min(rows(&lines)) {
        return;
    }
    let heading = Line::styled(heading, palette.notice());
    let block = Block::new().borders(Borders::TOP).border_style(palette.notice()).title(heading);
    let hidden = lines.len().saturating_sub(usize::from(block.inner(area).height));
    lines.drain(..hidden);
    frame.render_widget(Paragraph::new(lines).block(block), area);
}
