//! The replay view.

use super::logs::LogTable;
use super::narration::{self, Reading};
use super::servers::ServerTable;
use super::style::Palette;
use super::{
    Over, Picture, Places, counted, draw_too_small, heading_line, heartbeat_words, story, timeout_words,
};
use crate::overlay::Overlay;
use crate::replay::keys::{FOOTER, HELP};
use crate::replay::player::Player;
use crate::replay::steps::StoryLine;
use consensus::Rule;
use ratatui::Frame;
use ratatui::text::{Line, Span};

/// Draws the view at the place at which the player is.
pub(crate) fn draw(frame: &mut Frame, player: &mut Player) {
    let palette = Palette::new(player.has_colour);
    let width = frame.area().width;
    let narration = narration::lines(player.prose(), width, &palette);
    let rows = narration::rows(&narration);
    let reading = if player.is_narrating() { Reading::Now(rows) } else { Reading::Done(rows) };
    let Some(places) = Places::of(frame.area(), 2, &player.scene().view, player.panels, reading) else {
        return draw_too_small(frame);
    };
    player.page = story::rows(places.story) as usize;
    let picture = Picture {
        heading: vec![
            heading_line(&player.title, &facts(player), width, &palette),
            position_line(player, width, &palette),
        ],
        state: state_line(player, &palette),
        table: ServerTable {
            scene: player.scene(),
            time: player.time(),
            servers_time: player.time() as f64,
            heartbeat_interval: player.timing.map(|timing| timing.heartbeat_interval()),
            marked: player.marked(),
            has_commands: false,
        },
        logs: LogTable { view: &player.scene().view, marked: player.marked() },
        narration_heading: "",
        narration,
        story_heading: " what happens, and the rule that decides ",
        story: page_of_story(player, width, &palette),
        announcement: player.announcement(),
        page: None,
        footer: &FOOTER,
        overlay: player.overlay.map(|overlay| match overlay {
            Overlay::Words => Over::Words(player.text_to_explain()),
            Overlay::Help => Over::Help(HELP),
        }),
    };
    picture.draw(frame, &places, &palette);
}

/// The facts about the cluster.
fn facts(player: &Player) -> Vec<String> {
    let mut facts = vec!["replay".to_owned(), counted(player.servers.len(), "server")];
    if let Some(timing) = &player.timing {
        facts.extend([timeout_words(timing), heartbeat_words(timing)]);
    }
    facts
}

/// Where the player is, in numbers and as a bar.
fn position_line<'a>(player: &Player, width: u16, palette: &Palette) -> Line<'a> {
    let (sign, style) =
        if player.plays() { (" ► playing", palette.good()) } else { (" ‖ paused ", palette.notice()) };
    let (step, steps) = player.step_of();
    let seconds = player.time() as f64 / 1e6;
    let numbers = format!("  step {step} of {steps} · {seconds:.3}s · speed {}×  ", player.speed());
    let room = usize::from(width).saturating_sub(sign.chars().count() + numbers.chars().count() + 1);
    let filled = (room * step).checked_div(steps).unwrap_or(0);
    Line::from(vec![
        Span::styled(sign, style),
        Span::raw(numbers),
        Span::styled("━".repeat(filled), palette.rule()),
        Span::styled("─".repeat(room - filled), palette.faint()),
    ])
}

/// The rule that is off, the broken promise, if any, and the cluster in one sentence.
fn state_line<'a>(player: &Player, palette: &Palette) -> Line<'a> {
    if player.is_empty() {
        return Line::styled(" nothing was recorded: there is nothing to replay", palette.warning());
    }
    let broken = player.violation().map(|(property, _)| format!(" VIOLATED: {property} "));
    let off = player.without.map(|rule| format!(" {rule} is OFF "));
    let view = &player.scene().view;
    let cluster = if player.has_begun() {
        Span::styled(format!(" {view}"), palette.state(view))
    } else {
        Span::styled(" nothing has happened yet: → goes to the first step", palette.faint())
    };
    Line::from(vec![
        Span::styled(off.unwrap_or_default(), palette.off()),
        Span::styled(broken.unwrap_or_default(), palette.bad()),
        cluster,
    ])
}

/// The lines that fit on the page, the latest at its end: a broken promise may take several.
fn page_of_story<'a>(player: &'a Player, width: u16, palette: &Palette) -> Vec<Line<'a>> {
    let lines = player.page_of_story().flat_map(|line| story_lines(line, player.without, width, palette));
    let mut lines: Vec<Line> = lines.collect();
    lines.drain(..lines.len().saturating_sub(player.page));
    lines
}

fn story_lines<'a>(line: &'a StoryLine, off: Option<Rule>, width: u16, palette: &Palette) -> Vec<Line<'a>> {
    match line {
        StoryLine::Told(line) if line.record.is_violation() => story::violation_lines(line, width, palette),
        StoryLine::Told(line) => vec![story::story_line(line, off, width, palette)],
        StoryLine::Command(command) => vec![Line::styled(format!(" ▸ {command}"), palette.notice())],
        StoryLine::Said(said) => vec![Line::raw(format!("             {said}"))],
    }
}
