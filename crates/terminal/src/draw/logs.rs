//! The servers' logs, one a row, with the same index in the same column.

use super::story::shortened;
use super::style::Palette;
use consensus::{Index, NodeId, Term};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Paragraph};
use std::ops::RangeInclusive;
use trace::{ClusterView, Condition, LogView, ServerView, StoreView};

/// Rows besides those of the servers: the heading, and the indexes.
pub(crate) const OTHER_ROWS: u16 = 2;
/// Minimum number of rows: with fewer there is nothing to compare.
pub(crate) const FEWEST_ROWS: u16 = 3;

const HEADING: &str = " logs: numbers are entries' terms · committed up to ┃ · ≠ leader differs ";
/// The columns before the entries.
const NUMBERS: &str = "   log    commit  match  next  ";
/// Width of the server's name, which is part of that.
const NAME_WIDTH: usize = 10;
/// Where there is no room for every index above its entry, one in this many is shown.
const INDEXES_APART: u64 = 5;
/// Minimum width at which entries show their commands, and stores are beside the logs.
const WITH_COMMANDS: u16 = 120;
/// Width of the commands in the entries.
const COMMAND_WIDTHS: RangeInclusive<usize> = 6..=14;
/// The commands of at least this many of the latest entries decide how wide they are shown.
const LATEST: u64 = 10;
/// The stores get one part in this many of the width beside the numbers.
const STORES_PART: usize = 3;

/// Is there room for commands in the entries?
fn show_commands(width: u16) -> bool {
    width >= WITH_COMMANDS
}

/// What the panel shows.
pub(crate) struct LogTable<'a> {
    pub(crate) view: &'a ClusterView,
    /// The place of the server with the mark.
    pub(crate) marked: Option<usize>,
}

pub(crate) fn draw(frame: &mut Frame, area: Rect, table: &LogTable, palette: &Palette) {
    let servers = table.view.servers().count();
    let has_heading = usize::from(area.height) >= servers + usize::from(OTHER_ROWS);
    let mut block = Block::new();
    if has_heading {
        let heading = Line::styled(HEADING, palette.faint());
        block = block.borders(Borders::TOP).border_style(palette.faint()).title(heading);
    }
    let room = block.inner(area);
    let rows = usize::from(room.height).saturating_sub(1);
    // If there are more servers than rows, the marked one is among those that are shown.
    let passed_over = (table.marked.unwrap_or_default() + 1).saturating_sub(rows);
    let columns = Columns::of(table.view, room.width);
    let mut numbers = format!("{NUMBERS}{}", columns.indexes());
    if servers > rows {
        numbers.replace_range(..NAME_WIDTH, &format!("{:NAME_WIDTH$}", format!(" +{} logs", servers - rows)));
    }
    if columns.store > 0 {
        numbers = format!("{numbers:begins$}store", begins = columns.store_begins);
    }
    let numbers = Line::styled(numbers, palette.faint());
    let logs = table.view.servers().enumerate().skip(passed_over).take(rows);
    let logs = logs.map(|(place, (id, server))| {
        let mark = if table.marked == Some(place) { " ▸ " } else { "   " };
        row(table.view, id, server, mark, &columns, palette)
    });
    let lines: Vec<Line> = [numbers].into_iter().chain(logs).collect();
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

/// The indexes that are shown, and their width.
struct Columns {
    first: Index,
    count: u64,
    /// A sign or blank before the term, the term, the command if there is room, and a bar or blank after it.
    width: usize,
    digits: usize,
    /// How wide the store beside the log is, and where it begins; 0 if there is no room.
    store: usize,
    store_begins: usize,
}

impl Columns {
    /// The latest entries for which there is space.
    fn of(view: &ClusterView, width: u16) -> Columns {
        let room = usize::from(width).saturating_sub(NUMBERS.chars().count());
        let logs = || view.servers().map(|(_, server)| &server.log);
        let latest = logs().map(LogView::last_index).max().unwrap_or_default();
        let term = |log: &LogView| log.term_at(log.last_index()).unwrap_or_default();
        let highest_term = logs().map(term).max().unwrap_or_default();
        let digits = highest_term.to_string().len();
        let (store, command) = if show_commands(width) {
            let longest = logs().flat_map(latest_commands).map(|command| command.chars().count()).max();
            let command = longest.unwrap_or_default().clamp(*COMMAND_WIDTHS.start(), *COMMAND_WIDTHS.end());
            (room / STORES_PART, command + 1)
        } else {
            (0, 0)
        };
        let width = digits + command + 2;
        let count = (room.saturating_sub(store) / width) as u64;
        let store_begins = NUMBERS.chars().count() + room - store;
        Columns {
            first: Index(latest.0.saturating_sub(count)).next(),
            count,
            width,
            digits,
            store,
            store_begins,
        }
    }

    fn shown(&self) -> impl Iterator<Item = Index> {
        (self.first.0..self.first.0 + self.count).map(Index)
    }

    /// The indexes above their entries.
    fn indexes(&self) -> String {
        let Columns { first, count, width, .. } = *self;
        let every_one_fits = (first.0 + count).to_string().len() < width;
        let apart = if every_one_fits { 1 } else { INDEXES_APART };
        let mut line = String::new();
        for (place, index) in self.shown().enumerate().filter(|(_, index)| index.0.is_multiple_of(apart)) {
            let end = (place + 1) * width - 1;
            let label = format!("{:>room$}", index.0, room = end.saturating_sub(line.len()));
            if line.len() + label.len() <= end {
                line += &label;
            }
        }
        line
    }
}

fn row<'a>(
    view: &ClusterView,
    id: NodeId,
    server: &ServerView,
    mark: &'a str,
    columns: &Columns,
    palette: &Palette,
) -> Line<'a> {
    let leader = view.leader();
    let star = if leader == Some(id) { "★" } else { " " };
    let known = leader.and_then(|leader| view.server(leader)?.progress.get(&id));
    let or_dash = |index: Option<Index>| index.map_or("–".to_owned(), |index| index.to_string());
    let commit_index = (server.condition != Condition::Dead).then_some(server.log.commit_index());
    let mut spans = vec![
        Span::styled(mark, palette.strong()),
        Span::styled(format!("{:<4}", id.to_string()), palette.strong()),
        Span::styled(star, palette.good()),
        Span::raw(format!("{:>8}", or_dash(commit_index))),
        Span::raw(format!("{:>7}", or_dash(known.map(|known| known.match_index)))),
        Span::raw(format!("{:>6}  ", or_dash(known.map(|known| known.next_index)))),
    ];
    let log = &server.log;
    spans.push(Span::styled(missing_beginning(log, columns), palette.faint()));
    let leaders_log = leader.and_then(|leader| view.server(leader)).map(|leader| &leader.log);
    for index in columns.shown().filter(|&index| index > log.begins_after()) {
        let Some(term) = log.term_at(index) else { break };
        let differs = leaders_log.is_some_and(|leaders| differs(leaders, index, term));
        spans.extend(entry(log, index, term, differs, columns, palette));
    }
    if columns.store > 0 {
        let so_far: usize = spans.iter().map(Span::width).sum();
        spans.push(Span::raw(" ".repeat(columns.store_begins.saturating_sub(so_far))));
        spans.push(Span::raw(store_words(server, columns.store - 1)));
    }
    let row = Line::from(spans);
    if server.condition == Condition::Dead { row.patch_style(palette.faint()) } else { row }
}

/// Does the leader's log, as far as it is known, hold something else here, or nothing?
fn differs(leaders: &LogView, index: Index, term: Term) -> bool {
    index > leaders.begins_after() && leaders.term_at(index) != Some(term)
}

fn entry<'a>(
    log: &LogView,
    index: Index,
    term: Term,
    differs: bool,
    columns: &Columns,
    palette: &Palette,
) -> [Span<'a>; 3] {
    let is_committed = index <= log.commit_index();
    let style = if is_committed { palette.solid(term) } else { palette.hollow(term) };
    let (sign, sign_style) =
        if differs { ("≠", palette.bad()) } else { (" ", solid_only(style, is_committed)) };
    let bar = if index == log.commit_index() { "┃" } else { " " };
    let digits = columns.digits;
    let command = match columns.width - digits - 2 {
        0 => String::new(),
        width => {
            format!(" {:room$}", shortened(log.command_at(index).unwrap_or("?"), width - 1), room = width - 1)
        }
    };
    [
        Span::styled(sign, sign_style),
        Span::styled(format!("{:>digits$}{command}", term.0), style),
        Span::styled(bar, style),
    ]
}

fn solid_only(style: Style, is_solid: bool) -> Style {
    if is_solid { style } else { Style::new() }
}

/// What is shown in place of entries that are not known: the index up to which a snapshot has replaced them.
fn missing_beginning(log: &LogView, columns: &Columns) -> String {
    let begins_after = log.begins_after();
    let missing = columns.shown().take_while(|&index| index <= begins_after).count();
    let room = missing * columns.width;
    let words: Vec<char> = format!("⟦…{begins_after}⟧").chars().collect();
    let shown: String = words[words.len().saturating_sub(room)..].iter().collect();
    format!("{shown:>room$}")
}

/// The commands of the latest entries.
fn latest_commands(log: &LogView) -> impl Iterator<Item = &str> {
    let last = log.last_index().0;
    (last.saturating_sub(LATEST)..=last).filter_map(|index| log.command_at(Index(index)))
}

/// The contents of a server's store, as far as they fit: `x = 3, y = 7, +4 more`.
fn store_words(server: &ServerView, room: usize) -> String {
    match &server.store {
        _ if server.condition == Condition::Dead => "–".to_owned(),
        None if server.log.last_applied() == Index(0) => "empty".to_owned(),
        None => "unknown".to_owned(),
        Some(store) if store.keys() == 0 => "empty".to_owned(),
        Some(store) => held_words(store, room),
    }
}

fn held_words(store: &StoreView, room: usize) -> String {
    let mut words = String::new();
    let mut shown = 0;
    for (key, value) in store.known() {
        let separator = if shown == 0 { "" } else { ", " };
        let longer = format!("{words}{separator}{key} = {value}");
        let others = store.keys() - shown - 1;
        if longer.chars().count() + more_words(others).chars().count() <= room {
            words = longer;
            shown += 1;
        }
    }
    let more = more_words(store.keys() - shown);
    match (shown, store.known().next()) {
        (0, Some((key, value))) => {
            let more = more_words(store.keys() - 1);
            shortened(&format!("{key} = {value}"), room.saturating_sub(more.chars().count())) + &more
        }
        (0, None) => format!("{} keys, unknown", store.keys()),
        _ => words + &more,
    }
}

fn more_words(keys: u64) -> String {
    if keys == 0 { String::new() } else { format!(", +{keys} more") }
}

/// Are there commands to show, and no space for them in the entries?
pub(crate) fn needs_line(view: &ClusterView, width: u16) -> bool {
    let has_commands = |server: &ServerView| latest_commands(&server.log).next().is_some();
    !show_commands(width) && view.servers().any(|(_, server)| has_commands(server))
}

/// The contents of the marked server's log and store: without a mark, the leader's, or the first server's.
pub(crate) fn marked_line<'a>(table: &LogTable, width: u16, palette: &Palette) -> Line<'a> {
    let leader = table.view.leader();
    let is_shown = |&(place, (id, _)): &(usize, (NodeId, &ServerView))| {
        table.marked.map_or(leader.is_none_or(|leader| leader == id), |marked| marked == place)
    };
    let Some((_, (id, server))) = table.view.servers().enumerate().find(is_shown) else {
        return Line::default();
    };
    let room = usize::from(width).saturating_sub(2);
    let store = format!(" · store: {}", store_words(server, room / 2 - 10));
    let heading = format!("   {id}'s log:");
    let room = room.saturating_sub(store.chars().count() + heading.chars().count());
    let log = entries_words(&server.log, room);
    Line::from(vec![Span::styled(heading, palette.strong()), Span::raw(log), Span::raw(store)])
}

/// The last entries with their commands, as many as fit.
fn entries_words(log: &LogView, room: usize) -> String {
    let first = log.begins_after().next().0;
    let mut words = String::new();
    for index in (first..=log.last_index().0).rev().map(Index) {
        let command = log.command_at(index).unwrap_or("?");
        let longer = format!(
            " {index} {}{}{words}",
            shortened(command, *COMMAND_WIDTHS.end()),
            if words.is_empty() { "" } else { "," }
        );
        let beginning = if index.0 == 1 { 0 } else { 2 };
        if longer.chars().count() + beginning > room {
            return format!(" …{words}");
        }
        words = longer;
    }
    if words.is_empty() { " empty".to_owned() } else { words }
}
