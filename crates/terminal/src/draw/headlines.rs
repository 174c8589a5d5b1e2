//! The headlines: a sentence or two for each episode.

use super::style::Palette;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use trace::{Episode, english};

/// Width of the time at which an episode began, in columns.
const TIME_WIDTH: usize = 11;
/// Maximum width in columns: a longer line is hard to read.
const WIDEST: usize = 110;

/// A page of the headlines, with the chosen one on it.
pub(crate) fn lines<'a>(
    episodes: &[Episode],
    chosen: Option<usize>,
    width: u16,
    page: usize,
    palette: &Palette,
) -> Vec<Line<'a>> {
    let Some(chosen) = chosen else { return Vec::new() };
    let told = |place: usize| headline(&episodes[place], place == chosen, width, palette);
    // The chosen one comes last, unless what is before it leaves room for later ones.
    let mut first = chosen;
    let mut lines = told(chosen);
    while first > 0 && lines.len() < page {
        first -= 1;
        lines.splice(0..0, told(first));
    }
    lines.drain(..lines.len().saturating_sub(page));
    lines.extend((chosen + 1..episodes.len()).take(page).flat_map(told));
    lines.truncate(page);
    lines
}

fn headline<'a>(episode: &Episode, is_chosen: bool, width: u16, palette: &Palette) -> Vec<Line<'a>> {
    let style = if episode.is_violation() { palette.bad() } else { Style::new() };
    let mark = if is_chosen { "▸" } else { " " };
    let time = format!("{mark}{:>9}", english::seconds(episode.t));
    let room = usize::from(width).saturating_sub(TIME_WIDTH).min(WIDEST);
    let text = episode.to_string();
    let wrapped = textwrap::wrap(&text, room.max(1));
    let lines = wrapped.iter().enumerate().map(|(number, words)| {
        let place = if number == 0 { time.clone() } else { " ".repeat(TIME_WIDTH - 1) };
        Line::from(vec![Span::styled(place, palette.strong()), Span::styled(format!(" {words}"), style)])
    });
    lines.collect()
}
