//! The live view.

use super::headlines;
use super::logs::LogTable;
use super::narration::{self, Reading};
use super::servers::ServerTable;
use super::style::Palette;
use super::{
    Over, Picture, Places, counted, draw_too_small, heading_line, heartbeat_words, story, timeout_words,
};
use crate::app::App;
use crate::keys::{FOOTER, HELP};
use crate::overlay::Overlay;
use ratatui::Frame;
use ratatui::text::{Line, Span};
use std::time::Duration;
use trace::{ClusterView, Condition, ServerView};

/// The heading while an election is shown again.
const RERUN: &str = " Replay in slow motion of what just happened; the cluster goes on. Esc: live ";

/// Draws the view as it is at the time `now`, in microseconds since the cluster's start.
pub(crate) fn draw(frame: &mut Frame, app: &mut App, now: u64) {
    let palette = Palette::new(app.has_colour);
    let guide: Vec<Line> = app.guide.lines().into_iter().map(|line| Line::raw(format!(" {line}"))).collect();
    let reading = Reading::Done(narration::rows(&guide));
    let Some(places) = Places::of(frame.area(), 1, &app.scene().view, app.panels, reading) else {
        return draw_too_small(frame);
    };
    app.page = story::rows(places.story);
    let width = places.story.width;
    let story = if app.shows_lines() {
        app.page_of_story().map(|line| story::story_line(line, None, width, &palette)).collect()
    } else {
        let page = story::rows(places.story) as usize;
        headlines::lines(app.headlines().all(), app.headlines().chosen(), width, page, &palette)
    };
    let picture = Picture {
        heading: vec![if app.is_rerun() {
            Line::styled(RERUN, palette.off())
        } else {
            heading_line("Raft for Beginners", &facts(app), width, &palette)
        }],
        state: state_line(app, &palette),
        table: ServerTable {
            scene: app.scene(),
            time: app.time(now),
            servers_time: app.servers_time(now),
            heartbeat_interval: Some(app.setup.timing.heartbeat_interval()),
            marked: Some(app.selected),
            has_commands: true,
        },
        logs: LogTable { view: &app.scene().view, marked: Some(app.selected) },
        narration_heading: " try this · g hides it ",
        narration: guide,
        story_heading: if app.shows_lines() {
            " what happens, and the rule that decides · Enter folds it "
        } else {
            " the story so far · Enter shows every line "
        },
        story,
        announcement: app.announcement(now),
        page: app.setup.page.as_deref(),
        footer: &FOOTER,
        overlay: app.overlay.map(|overlay| match overlay {
            Overlay::Words => Over::Words(app.text_to_explain()),
            Overlay::Help => Over::Help(HELP),
        }),
    };
    picture.draw(frame, &places, &palette);
}

/// The setup, the most important first.
fn facts(app: &App) -> Vec<String> {
    let setup = &app.setup;
    let mut facts = vec![
        counted(servers_left(&app.scene().view), "server"),
        format!("speed {}×", app.speed()),
        timeout_words(&setup.timing),
        heartbeat_words(&setup.timing),
        format!("seed {}", setup.seed),
    ];
    if setup.latency > Duration::ZERO {
        facts.insert(2, format!("latency {:?}", setup.latency));
    }
    facts
}

/// Number of servers, without those that were removed and have ended.
fn servers_left(view: &ClusterView) -> usize {
    let is_left = |server: &ServerView| !server.is_removed || server.condition != Condition::Dead;
    view.servers().filter(|(_, server)| is_left(server)).count()
}

/// The cluster in one sentence, and whether this is the present.
fn state_line<'a>(app: &App, palette: &Palette) -> Line<'a> {
    let view = &app.scene().view;
    let mut spans = vec![Span::styled(format!(" {view}"), palette.state(view))];
    if app.slow_motion.is_on {
        spans.push(Span::styled("  slow motion (m: off)", palette.notice()));
    }
    if let Some((at, lines)) = app.frozen_since().filter(|_| !app.is_rerun()) {
        let seconds = at as f64 / 1e6;
        let frozen =
            format!("  frozen at {seconds:.3}s (space resumes), {} since", counted(lines as usize, "line"));
        spans.push(Span::styled(frozen, palette.notice()));
    }
    Line::from(spans)
}
