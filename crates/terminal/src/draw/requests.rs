//! The rows below the logs: the contents of the marked server's log, if the logs have no space for them, and
//! clients' requests.

use super::logs::{self, LogTable};
use super::story::shortened;
use super::style::Palette;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use trace::{ClusterView, OutcomeKind, OutcomeView, RequestView};

/// Maximum width of a client's request in words; longer ones are cut.
const WHAT_WIDTH: usize = 24;

/// The number of rows that could be filled.
pub(crate) fn wanted_rows(view: &ClusterView, width: u16) -> u16 {
    view.requests().len() as u16 + u16::from(logs::needs_line(view, width))
}

pub(crate) fn draw(frame: &mut Frame, area: Rect, table: &LogTable, palette: &Palette) {
    let mut rows = usize::from(area.height);
    let mut lines = Vec::new();
    if rows > 0 && logs::needs_line(table.view, area.width) {
        lines.push(logs::marked_line(table, area.width, palette));
        rows -= 1;
    }
    lines.extend(latest(table.view.requests(), rows).map(|request| line(request, area.width, palette)));
    frame.render_widget(Paragraph::new(lines), area);
}

/// The requests that fit, in order: those in progress come first, then the latest.
fn latest(requests: &[RequestView], rows: usize) -> impl Iterator<Item = &RequestView> {
    let mut places: Vec<usize> = (0..requests.len()).rev().collect();
    places.sort_by_key(|&place| requests[place].outcome.is_some());
    places.truncate(rows);
    places.sort_unstable();
    places.into_iter().map(|place| &requests[place])
}

fn line<'a>(request: &RequestView, width: u16, palette: &Palette) -> Line<'a> {
    let client = request.client.map_or("client".to_owned(), |client| format!("client c{client}"));
    let asked = format!("   {client} → {}  {:8}  ", request.node, shortened(&request.what, WHAT_WIDTH));
    let room = usize::from(width).saturating_sub(asked.chars().count());
    let (told, style) = match &request.outcome {
        None => ("… waits for a response".to_owned(), palette.warning()),
        Some(OutcomeView { kind, words }) => {
            let (sign, style) = sign(*kind, palette);
            let colon = if words.is_empty() { "" } else { ": " };
            (format!("{sign} {kind}{colon}{words}"), style)
        }
    };
    Line::from(vec![Span::raw(asked), Span::styled(shortened(&told, room), style)])
}

fn sign(kind: OutcomeKind, palette: &Palette) -> (char, Style) {
    match kind {
        OutcomeKind::Done => ('✓', palette.good()),
        OutcomeKind::NotDone => ('✗', palette.bad()),
        OutcomeKind::Unknown => ('?', palette.off()),
    }
}
