//! The help, over everything else.

use super::style::Palette;
use crate::keys::{Explained, SIGNS};
use ratatui::Frame;
use ratatui::layout::{Constraint, Flex, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Clear, Paragraph, Wrap};

/// Maximum width in columns: a wider panel is hard to read.
pub(super) const WIDEST: u16 = 96;
/// The width of the column of keys and signs.
const KEY_WIDTH: usize = 18;

pub(crate) fn draw(frame: &mut Frame, area: Rect, keys: &[Explained], palette: &Palette) {
    let has_room = usize::from(area.height) > SIGNS.len() + keys.len() + 2;
    let space: &[Explained] = if has_room { &[("", "")] } else { &[] };
    let lines: Vec<Line> = [SIGNS, space, keys]
        .concat()
        .iter()
        .map(|(key, what)| {
            Line::from(vec![Span::styled(format!(" {key:KEY_WIDTH$} "), palette.strong()), Span::raw(*what)])
        })
        .collect();
    let how_on = " any key closes this · `raft rules` explains the rules ";
    panel(frame, area, (" help ", how_on), lines, palette);
}

/// A panel over a view, as high as its lines, with a title above and one below.
pub(super) fn panel(
    frame: &mut Frame,
    area: Rect,
    (title, how_on): (&str, &str),
    lines: Vec<Line>,
    palette: &Palette,
) {
    let [area] = Layout::vertical([Constraint::Max(lines.len() as u16 + 2)]).flex(Flex::Center).areas(area);
    let [area] = Layout::horizontal([Constraint::Max(WIDEST)]).flex(Flex::Center).areas(area);
    let block = Block::bordered()
        .border_type(BorderType::Rounded)
        .title(Line::styled(title, palette.strong()))
        .title_bottom(Line::styled(how_on, palette.faint()));
    frame.render_widget(Clear, area);
    frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: false }).block(block), area);
}
