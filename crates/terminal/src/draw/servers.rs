//! The servers, one a row.

use super::style::Palette;
use crate::scene::Scene;
use consensus::{Membership, Message, NodeId, Quorum, RoleKind};
use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Cell, Row, Table, TableState};
use std::time::Duration;
use trace::{Condition, Io, ServerView};

/// A vote stays in the table for this long, in microseconds of the observer's time.
const VOTE_SHOWN: u64 = 1_500_000;
/// How long a heart beats.
const BEAT: u64 = 60_000;
/// The width of an election timer's bar, in cells.
const BAR_WIDTH: usize = 14;
/// A cell, filled from an eighth to all of it.
const EIGHTHS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];

/// What the table shows.
pub(crate) struct ServerTable<'a> {
    pub(crate) scene: &'a Scene,
    /// The time to show: by the observer's clock, and by the servers' own.
    pub(crate) time: u64,
    pub(crate) servers_time: f64,
    /// How often a leader sends heartbeats, if that is known.
    pub(crate) heartbeat_interval: Option<Duration>,
    /// The place of the server with the mark.
    pub(crate) marked: Option<usize>,
    /// Do keys act on the servers?
    pub(crate) has_commands: bool,
}

pub(crate) fn draw(frame: &mut Frame, area: Rect, table: &ServerTable, palette: &Palette) {
    let widths = [
        Constraint::Length(6),
        Constraint::Length(11),
        Constraint::Length(5),
        Constraint::Length(5),
        Constraint::Length(6),
        Constraint::Length(BAR_WIDTH as u16 + 8),
        Constraint::Fill(1),
    ];
    let rows_shown = usize::from(area.height.saturating_sub(1));
    let hidden = table.scene.view.servers().count().saturating_sub(rows_shown);
    let messages = if hidden > 0 { format!("+{hidden} servers: ↑↓") } else { "messages".to_owned() };
    let header = ["server", "role", "term", "vote", "leader", "election timer", &messages].map(str::to_owned);
    let header = Row::new(header).style(palette.faint());
    let rows = table.scene.view.servers().map(|(id, server)| row(table, id, server, palette));
    let rows = Table::new(rows, widths)
        .header(header)
        .highlight_symbol(Line::styled(" ▸ ", palette.strong()))
        .highlight_spacing(ratatui::widgets::HighlightSpacing::Always);
    // The table scrolls by itself so that the marked row is on the screen.
    let mut state = TableState::new().with_selected(table.marked);
    frame.render_stateful_widget(rows, area, &mut state);
}

fn row<'a>(table: &ServerTable, id: NodeId, server: &ServerView, palette: &Palette) -> Row<'a> {
    let is_alive = matches!(server.condition, Condition::Running | Condition::Paused);
    let or_dash = |id: Option<NodeId>| id.map_or("–".to_owned(), |id| id.to_string());
    let term = match server.life {
        0 => Span::raw("–"),
        _ => Span::styled(server.term.to_string(), palette.hollow(server.term)),
    };
    let membership = table.scene.view.membership();
    let row = Row::new([
        Cell::from(Span::styled(name(id, membership), palette.strong())),
        Cell::from(role_words(id, server, membership, palette)),
        Cell::from(term),
        Cell::from(or_dash(server.voted_for)),
        Cell::from(or_dash(server.leader)),
        Cell::from(timer_line(table, id, server, palette)),
        Cell::from(message_line(table, id, server, palette)),
    ]);
    if is_alive { row } else { row.style(palette.faint()) }
}

/// A server's name. While the members change, + marks a voter that is joining, − one that is leaving.
fn name(id: NodeId, membership: &Membership) -> String {
    match &membership.voters {
        Quorum::Joint { old, new } if !old.contains(&id) && new.contains(&id) => format!("{id} +"),
        Quorum::Joint { old, new } if old.contains(&id) && !new.contains(&id) => format!("{id} −"),
        _ => id.to_string(),
    }
}

fn role_words<'a>(id: NodeId, server: &ServerView, membership: &Membership, palette: &Palette) -> Span<'a> {
    match (server.condition, server.role) {
        (Condition::Dead, _) if server.is_removed => Span::styled("✕ removed", palette.faint()),
        (Condition::Dead, _) if server.lost_power => Span::styled("✕ no power", palette.bad()),
        (Condition::Dead, _) => Span::styled("✕ dead", palette.bad()),
        (Condition::Paused, _) => Span::styled("‖ paused", palette.notice()),
        (_, None) => Span::raw("… starting"),
        _ if server.is_removed => Span::styled("· removed", palette.faint()),
        (_, Some(RoleKind::Follower)) if let Some(trouble) = server.trouble => {
            Span::styled(trouble.to_string(), palette.bad())
        }
        (_, Some(RoleKind::Follower)) if membership.learners.contains(&id) => Span::raw("○ learner"),
        (_, Some(RoleKind::Follower)) if !membership.contains(id) => Span::raw("○ nonmember"),
        (_, Some(RoleKind::PreCandidate)) => {
            Span::styled("◔ pre-cand.", palette.role(RoleKind::PreCandidate))
        }
        (_, Some(role)) => {
            let symbol = match role {
                RoleKind::Follower => '○',
                RoleKind::PreCandidate | RoleKind::Candidate => '◐',
                RoleKind::Leader => '★',
            };
            Span::styled(format!("{symbol} {role}"), palette.role(role))
        }
    }
}

/// The election timer as a bar that fills, and its full duration.
fn timer_line<'a>(table: &ServerTable, id: NodeId, server: &ServerView, palette: &Palette) -> Line<'a> {
    match (server.condition, server.role) {
        (Condition::Dead, _) if server.is_removed => Line::default(),
        (Condition::Dead, _) if table.has_commands => Line::raw("r restarts it"),
        (Condition::Paused, _) if table.has_commands => Line::raw("s resumes it"),
        (Condition::Dead | Condition::Paused, _) => Line::default(),
        (_, Some(RoleKind::Leader)) => match (server.hands_over_to, table.heartbeat_interval) {
            (Some(to), _) => Line::raw(format!("hands over to {to}")),
            (None, Some(interval)) => Line::raw(format!("♥ to all every {interval:?}")),
            (None, None) => Line::raw("♥ to all"),
        },
        _ => match (server.timer, table.scene.timer_progress(id, table.servers_time)) {
            (Some(timer), Some(progress)) => Line::from(vec![
                Span::raw("▕"),
                Span::styled(bar(progress), palette.role(server.role.unwrap_or(RoleKind::Follower))),
                Span::raw("▏"),
                Span::styled(format!("{:>3} ms", (timer.timeout_us + 500) / 1000), palette.faint()),
            ]),
            _ => Line::default(),
        },
    }
}

/// A bar of [`BAR_WIDTH`] cells of which `progress` (0 to 1) is filled, to an eighth of a cell.
fn bar(progress: f64) -> String {
    let eighths = (progress * (BAR_WIDTH * 8) as f64) as usize;
    let mut bar = "█".repeat(eighths / 8);
    if !eighths.is_multiple_of(8) {
        bar.push(EIGHTHS[eighths % 8 - 1]);
    }
    let filled = bar.chars().count();
    bar + &" ".repeat(BAR_WIDTH - filled)
}

/// The server's messages: votes, for long enough to read them, otherwise heartbeats.
fn message_line<'a>(table: &ServerTable, id: NodeId, server: &ServerView, palette: &Palette) -> Line<'a> {
    if let Some(cut) = cut_words(table, id) {
        return Line::styled(cut, palette.bad());
    }
    if server.condition != Condition::Running {
        return Line::default();
    }
    if let Some((t, vote)) = table.scene.votes.get(&id)
        && table.time.saturating_sub(*t) < VOTE_SHOWN
    {
        return Line::styled(vote_words(vote), palette.warning());
    }
    let heartbeat = match server.role {
        Some(RoleKind::Leader) => Some(("→ all", server.heartbeats_sent)),
        Some(RoleKind::Follower) if server.leader.is_some() => Some(("← leader", server.heartbeats_received)),
        _ => None,
    };
    let Some((direction, count)) = heartbeat else { return Line::default() };
    let since = server.last_message.as_ref().map_or(u64::MAX, |(t, _)| table.time.saturating_sub(*t));
    let (heart, style) = if since < BEAT { ("♥", palette.bad()) } else { ("♡", palette.faint()) };
    Line::from(vec![
        Span::styled(heart, style),
        Span::raw(format!(" {direction}")),
        Span::styled(format!(" {count}"), palette.faint()),
    ])
}

/// The servers from which this one is cut off, if any.
fn cut_words(table: &ServerTable, id: NodeId) -> Option<String> {
    let view = &table.scene.view;
    let cut = view.cut_from(id);
    if cut.is_empty() {
        return None;
    }
    if cut.len() + 1 == view.servers().count() {
        return Some("✂ cut off".to_owned());
    }
    let names: Vec<String> = cut.iter().map(NodeId::to_string).collect();
    Some(format!("✂ {}", names.join(" ")))
}

fn vote_words(vote: &Io) -> String {
    match vote {
        Io::Sent { message: Message::RequestVote(_), .. } => "asks for votes".to_owned(),
        Io::Received { from, message: Message::RequestVote(_) } => format!("asked by {from}"),
        Io::Sent { to, message: Message::RequestVoteReply(reply) } => {
            format!("{} → {to}", yes_or_no(reply.vote_granted))
        }
        Io::Received { from, message: Message::RequestVoteReply(reply) } => {
            format!("{} ← {from}", yes_or_no(reply.vote_granted))
        }
        _ => String::new(),
    }
}

fn yes_or_no(granted: bool) -> &'static str {
    if granted { "vote: yes" } else { "vote: no" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_fills_by_eighths() {
        assert_eq!(bar(0.0), " ".repeat(BAR_WIDTH));
        assert_eq!(bar(1.0), "█".repeat(BAR_WIDTH));
        assert_eq!(bar(0.5), "█".repeat(BAR_WIDTH / 2) + &" ".repeat(BAR_WIDTH / 2));
        assert_eq!(bar(1.0 / BAR_WIDTH as f64 / 2.0), "▌".to_owned() + &" ".repeat(BAR_WIDTH - 1));
    }
}
