//! How the views look: what the live view and the replay have in common.

mod headlines;
mod help;
pub(crate) mod live;
mod logs;
mod narration;
pub(crate) mod replay;
mod requests;
mod servers;
mod story;
pub(crate) mod style;
mod words;

use crate::keys::Explained;
use crate::panels::Panels;
use consensus::Timing;
use logs::LogTable;
use narration::Reading;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};
use servers::ServerTable;
use story::shortened;
use style::Palette;
use trace::ClusterView;

/// The smallest terminal on which all of a view has a place: columns and rows.
const SMALLEST: (u16, u16) = (80, 18);
/// The panels below the table have at least this many rows, however many servers there are.
const PANEL_ROWS: u16 = 6;
/// How many rows the story should have, its heading included, and how many it has at least.
const STORY_ROWS: (u16, u16) = (4, 2);
/// How many rows below the logs come before what was read already, and how many there are at most.
const REQUEST_ROWS: (u16, u16) = (2, 4);

/// Everything that a view shows.
struct Picture<'a> {
    heading: Vec<Line<'a>>,
    /// The cluster in one sentence, and what else matters now.
    state: Line<'a>,
    table: ServerTable<'a>,
    logs: LogTable<'a>,
    /// The heading of the text to read, above the story.
    narration_heading: &'a str,
    narration: Vec<Line<'a>>,
    story_heading: &'a str,
    story: Vec<Line<'a>>,
    /// The message to show now, and whether it is bad news.
    announcement: Option<(&'a str, bool)>,
    /// The address of the page. It is shown while there is no announcement.
    page: Option<&'a str>,
    footer: &'a [&'a [Explained]],
    /// What is drawn over all that.
    overlay: Option<Over<'a>>,
}

/// What is drawn over a view.
enum Over<'a> {
    /// The help, with these keys.
    Help(&'a [Explained]),
    /// The words in this text, explained.
    Words(String),
}

/// Where a view's parts are.
struct Places {
    heading: Rect,
    state: Rect,
    table: Rect,
    logs: Rect,
    requests: Rect,
    narration: Rect,
    story: Rect,
    announcement: Rect,
    footer: Rect,
}

impl Places {
    /// `None` if the area is too small for a view. What is to be read comes before logs and story; what has
    /// been read only gets the room that they leave.
    fn of(
        area: Rect,
        heading_rows: u16,
        view: &ClusterView,
        panels: Panels,
        reading: Reading,
    ) -> Option<Places> {
        if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
            return None;
        }
        let servers = view.servers().count() as u16;
        let room = area.height - heading_rows - 4;
        let table_rows = (servers + 1).min(room - PANEL_ROWS);
        let room = room - table_rows;
        let left = room.saturating_sub(servers + logs::OTHER_ROWS + STORY_ROWS.0);
        let wanted = requests::wanted_rows(view, area.width);
        let (narration_rows, request_rows) = match reading {
            Reading::Now(rows) => {
                (rows.min(room - STORY_ROWS.1), wanted.min(left.saturating_sub(rows)).min(REQUEST_ROWS.1))
            }
            Reading::Done(rows) => {
                let most = left.saturating_sub(rows).clamp(REQUEST_ROWS.0, REQUEST_ROWS.1);
                let request_rows = wanted.min(most).min(left);
                let left = left - request_rows;
                (if left < narration::FEWEST_ROWS { 0 } else { rows.min(left) }, request_rows)
            }
        };
        let log_rows = log_rows(room - narration_rows, servers, panels);
        let request_rows = match panels {
            Panels::Story => 0,
            Panels::LogsAndStory => request_rows,
            Panels::Logs => wanted.min((room - narration_rows).saturating_sub(servers + logs::OTHER_ROWS)),
        };
        let log_rows = log_rows.min(room - narration_rows - request_rows);
        let [heading, state, table, logs, requests, narration, story, announcement, footer] =
            Layout::vertical([
                Constraint::Length(heading_rows),
                Constraint::Length(1),
                Constraint::Length(table_rows),
                Constraint::Length(log_rows),
                Constraint::Length(request_rows),
                Constraint::Length(narration_rows),
                Constraint::Fill(1),
                Constraint::Length(1),
                Constraint::Length(2),
            ])
            .areas(area);
        Some(Places { heading, state, table, logs, requests, narration, story, announcement, footer })
    }
}

/// How many of the rows below the table are for the logs.
fn log_rows(room: u16, servers: u16, panels: Panels) -> u16 {
    match panels {
        Panels::Story => 0,
        Panels::Logs => room,
        Panels::LogsAndStory => {
            let (wanted, kept) = STORY_ROWS;
            let all = servers + logs::OTHER_ROWS;
            // The heading of the logs is dropped first.
            let rows = if room >= all + wanted { all } else { (all - 1).min(room - kept) };
            if rows < logs::FEWEST_ROWS { 0 } else { rows }
        }
    }
}

impl Picture<'_> {
    fn draw(self, frame: &mut Frame, places: &Places, palette: &Palette) {
        frame.render_widget(Paragraph::new(self.heading), places.heading);
        frame.render_widget(fitting(self.state, places.state.width), places.state);
        servers::draw(frame, places.table, &self.table, palette);
        logs::draw(frame, places.logs, &self.logs, palette);
        requests::draw(frame, places.requests, &self.logs, palette);
        narration::draw(frame, places.narration, self.narration_heading, self.narration, palette);
        story::draw(frame, places.story, self.story_heading, self.story, palette);
        let announcement = announcement_line(self.announcement, self.page, palette);
        frame.render_widget(fitting(announcement, places.announcement.width), places.announcement);
        frame.render_widget(Paragraph::new(footer_lines(self.footer, palette)), places.footer);
        match self.overlay {
            None => {}
            Some(Over::Help(keys)) => help::draw(frame, frame.area(), keys, palette),
            Some(Over::Words(text)) => words::draw(frame, frame.area(), &text, palette),
        }
    }
}

fn draw_too_small(frame: &mut Frame) {
    let (columns, rows) = SMALLEST;
    let area = frame.area();
    let text = format!(
        "The terminal is {}×{}. The view needs at least {columns}×{rows}: make it larger, or press q to quit.",
        area.width, area.height
    );
    frame.render_widget(Paragraph::new(text).wrap(Wrap { trim: true }), area);
}

/// As much of a line as fits: a `…` marks where it is cut.
fn fitting<'a>(line: Line<'a>, width: u16) -> Line<'a> {
    let mut room = usize::from(width);
    if line.width() <= room {
        return line;
    }
    let spans = line.spans.into_iter().map_while(|span| {
        let content = (room > 0).then(|| shortened(&span.content, room))?;
        room = if content == span.content { room - span.width() } else { 0 };
        Some(Span::styled(content, span.style))
    });
    Line::from_iter(spans)
}

/// A name, and as many of the facts as fit.
fn heading_line<'a>(name: &str, facts: &[String], width: u16, palette: &Palette) -> Line<'a> {
    let width = usize::from(width);
    let name = shortened(&format!(" {name}"), width);
    let mut line = String::new();
    for fact in facts {
        let longer = format!("{line} · {fact}");
        if name.chars().count() + longer.chars().count() > width {
            break;
        }
        line = longer;
    }
    Line::from(vec![Span::styled(name, palette.strong()), Span::styled(line, palette.faint())])
}

fn timeout_words(timing: &Timing) -> String {
    format!("timeout {:?}–{:?}", timing.election_timeout_min(), timing.election_timeout_max())
}

fn heartbeat_words(timing: &Timing) -> String {
    format!("♥ every {:?}", timing.heartbeat_interval())
}

pub(crate) fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("{count} {what}") } else { format!("{count} {what}s") }
}

fn announcement_line<'a>(
    announcement: Option<(&'a str, bool)>,
    page: Option<&str>,
    palette: &Palette,
) -> Line<'a> {
    match announcement {
        None => {
            page.map_or(Line::default(), |page| Line::styled(format!(" w opens {page}"), palette.faint()))
        }
        Some((text, false)) => Line::styled(format!(" ▸ {text}"), palette.notice()),
        Some((text, true)) => Line::styled(format!(" ! {text}"), palette.bad()),
    }
}

pub(crate) fn footer_lines<'a>(footer: &[&[Explained]], palette: &Palette) -> Vec<Line<'a>> {
    let key_spans = |&(key, what): &Explained| {
        [
            Span::raw(" "),
            Span::styled(key, palette.strong()),
            Span::styled(format!(" {what} "), palette.faint()),
        ]
    };
    footer.iter().map(|keys| Line::from_iter(keys.iter().flat_map(key_spans))).collect()
}
