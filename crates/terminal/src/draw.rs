//! How the view looks.

mod help;
mod servers;
mod story;
mod style;

use crate::app::App;
use crate::keys::FOOTER;
use consensus::Timing;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};
use std::time::Duration;
use style::Palette;

/// The smallest terminal on which all of the view has a place: columns and rows.
const SMALLEST: (u16, u16) = (80, 18);
/// The story keeps at least so many lines, its heading included, however many servers there are.
const STORY_ROWS: u16 = 6;

/// Draws the view as it is at the time `now`, in microseconds since the cluster's start.
pub(crate) fn draw(frame: &mut Frame, app: &mut App, now: u64) {
    let area = frame.area();
    let palette = Palette::new(app.has_colour);
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        return draw_too_small(frame, area);
    }
    let server_rows = app.setup.servers.len() as u16 + 1;
    let [heading, state, servers, story, announcement, footer] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(server_rows.min(area.height - 5 - STORY_ROWS)),
        Constraint::Min(STORY_ROWS),
        Constraint::Length(1),
        Constraint::Length(2),
    ])
    .areas(area);
    frame.render_widget(heading_line(app, &palette, heading.width), heading);
    frame.render_widget(state_line(app, &palette), state);
    servers::draw(frame, servers, app, now, &palette);
    story::draw(frame, story, app, &palette);
    frame.render_widget(announcement_line(app, now, &palette), announcement);
    frame.render_widget(Paragraph::new(footer_lines(&palette)), footer);
    if app.shows_help {
        help::draw(frame, area, &palette);
    }
}

fn draw_too_small(frame: &mut Frame, area: Rect) {
    let (columns, rows) = SMALLEST;
    let text = format!(
        "The terminal is {}×{}. The view needs at least {columns}×{rows}: make it larger, or press q to quit.",
        area.width, area.height
    );
    frame.render_widget(Paragraph::new(text).wrap(Wrap { trim: true }), area);
}

/// The name, and as much of the setup as there is room for.
fn heading_line<'a>(app: &App, palette: &Palette, width: u16) -> Line<'a> {
    let setup = &app.setup;
    let mut facts = vec![
        counted(setup.servers.len(), "server"),
        format!("speed {}×", app.speed()),
        timeout_words(&setup.timing),
        format!("♥ every {:?}", setup.timing.heartbeat_interval()),
        format!("seed {}", setup.seed),
    ];
    if setup.latency > Duration::ZERO {
        facts.insert(2, format!("latency {:?}", setup.latency));
    }
    let name = " Raft for Beginners";
    let mut line = String::new();
    for fact in facts {
        let longer = format!("{line} · {fact}");
        if name.chars().count() + longer.chars().count() > usize::from(width) {
            break;
        }
        line = longer;
    }
    Line::from(vec![Span::styled(name, palette.strong()), Span::styled(line, palette.faint())])
}

fn timeout_words(timing: &Timing) -> String {
    format!("timeout {:?}–{:?}", timing.election_timeout_min(), timing.election_timeout_max())
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("{count} {what}") } else { format!("{count} {what}s") }
}

/// The cluster in one sentence, and whether this is the present.
fn state_line<'a>(app: &App, palette: &Palette) -> Line<'a> {
    let view = &app.scene().view;
    let style = if view.leader().is_some() { palette.good() } else { palette.warning() };
    let mut spans = vec![Span::styled(format!(" {view}"), style)];
    if let Some((at, lines)) = app.frozen_since() {
        let seconds = at as f64 / 1e6;
        let frozen =
            format!("  frozen at {seconds:.3}s, {} since (space: go on)", counted(lines as usize, "line"));
        spans.push(Span::styled(frozen, palette.notice()));
    }
    Line::from(spans)
}

fn announcement_line<'a>(app: &'a App, now: u64, palette: &Palette) -> Line<'a> {
    match app.announcement(now) {
        None => Line::default(),
        Some((text, false)) => Line::styled(format!(" ▸ {text}"), palette.notice()),
        Some((text, true)) => Line::styled(format!(" ! {text}"), palette.bad()),
    }
}

fn footer_lines<'a>(palette: &Palette) -> Vec<Line<'a>> {
    let key_spans = |&(key, what): &(&'a str, &'a str)| {
        [
            Span::raw(" "),
            Span::styled(key, palette.strong()),
            Span::styled(format!(" {what} "), palette.faint()),
        ]
    };
    FOOTER.iter().map(|keys| Line::from_iter(keys.iter().flat_map(key_spans))).collect()
}
