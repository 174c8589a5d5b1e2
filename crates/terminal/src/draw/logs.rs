//! The servers' logs, one a row, with the same index in the same column.

use super::style::Palette;
use consensus::{Index, NodeId, Term};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Paragraph};
use trace::{ClusterView, Condition, LogView, ServerView};

/// Rows besides those of the servers: the heading, and the indexes.
pub(crate) const OTHER_ROWS: u16 = 2;
/// With fewer rows there is nothing to compare.
pub(crate) const FEWEST_ROWS: u16 = 3;

const HEADING: &str = " logs: numbers are entries' terms · committed up to ┃ · ≠ leader differs ";
/// The columns before the entries.
const NUMBERS: &str = "   log    commit  match  next  ";
/// Where there is no room for every index above its entry, one in this many is shown.
const INDEXES_APART: u64 = 5;

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
    // Of more servers than there are rows for, the marked one is among those that are shown.
    let passed_over = (table.marked.unwrap_or_default() + 1).saturating_sub(rows);
    let columns = Columns::of(table.view, usize::from(room.width).saturating_sub(NUMBERS.chars().count()));
    let numbers = Line::styled(format!("{NUMBERS}{}", columns.indexes()), palette.faint());
    let logs = table.view.servers().enumerate().skip(passed_over).take(rows);
    let logs = logs.map(|(place, (id, server))| {
        let mark = if table.marked == Some(place) { " ▸ " } else { "   " };
        row(table.view, id, server, mark, &columns, palette)
    });
    let lines: Vec<Line> = [numbers].into_iter().chain(logs).collect();
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

/// Which indexes are shown, and how wide.
struct Columns {
    first: Index,
    count: u64,
    /// A sign or blank before the term, the term, and a bar or blank after it.
    width: usize,
}

impl Columns {
    /// The latest entries that there is room for.
    fn of(view: &ClusterView, room: usize) -> Columns {
        let logs = || view.servers().map(|(_, server)| &server.log);
        let latest = logs().map(LogView::last_index).max().unwrap_or_default();
        let term = |log: &LogView| log.term_at(log.last_index()).unwrap_or_default();
        let highest_term = logs().map(term).max().unwrap_or_default();
        let width = highest_term.to_string().len() + 2;
        let count = (room / width) as u64;
        Columns { first: Index(latest.0.saturating_sub(count)).next(), count, width }
    }

    fn shown(&self) -> impl Iterator<Item = Index> {
        (self.first.0..self.first.0 + self.count).map(Index)
    }

    /// The indexes above their entries.
    fn indexes(&self) -> String {
        let Columns { first, count, width } = *self;
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
        spans.extend(entry(log, index, term, differs, columns.width, palette));
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
    width: usize,
    palette: &Palette,
) -> [Span<'a>; 3] {
    let is_committed = index <= log.commit_index();
    let style = if is_committed { palette.solid(term) } else { palette.hollow(term) };
    let (sign, sign_style) =
        if differs { ("≠", palette.bad()) } else { (" ", solid_only(style, is_committed)) };
    let bar = if index == log.commit_index() { "┃" } else { " " };
    let digits = width - 2;
    [
        Span::styled(sign, sign_style),
        Span::styled(format!("{:>digits$}", term.0), style),
        Span::styled(bar, style),
    ]
}

fn solid_only(style: Style, is_solid: bool) -> Style {
    if is_solid { style } else { Style::new() }
}

/// What stands in the place of entries that are not known: the index up to which a snapshot has replaced them.
fn missing_beginning(log: &LogView, columns: &Columns) -> String {
    let begins_after = log.begins_after();
    let missing = columns.shown().take_while(|&index| index <= begins_after).count();
    let room = missing * columns.width;
    let words: Vec<char> = format!("⟦…{begins_after}⟧").chars().collect();
    let shown: String = words[words.len().saturating_sub(room)..].iter().collect();
    format!("{shown:>room$}")
}
