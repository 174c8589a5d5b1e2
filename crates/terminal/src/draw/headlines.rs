//! The headlines: a sentence or two for each episode.

use super::style::Palette;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use trace::Episode;

/// The columns of the moment at which an episode began.
const TIME_WIDTH: usize = 11;
/// A longer line is hard to read.
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
    let mut lines: Vec<Line> = Vec::new();
    for place in (0..=chosen).rev() {
        if lines.len() >= page {
            break;
        }
        let mut above = told(place);
        above.append(&mut lines);
        lines = above;
    }
    for place in chosen + 1..episodes.len() {
        if lines.len() >= page {
            break;
        }
        lines.extend(told(place));
    }
    let surplus = lines.len().saturating_sub(page);
    let after_chosen = chosen + 1 < episodes.len() && lines.len() > page;
    if after_chosen {
        lines.truncate(page)
    } else {
        drop(lines.drain(..surplus))
    }
    lines
}

fn headline<'a>(episode: &Episode, is_chosen: bool, width: u16, palette: &Palette) -> Vec<Line<'a>> {
    let style = if episode.is_violation() { palette.bad() } else { Style::new() };
    let mark = if is_chosen { "▸" } else { " " };
    let time = format!("{mark}{:>8.3}s", episode.t as f64 / 1e6);
    let room = usize::from(width).saturating_sub(TIME_WIDTH).min(WIDEST);
    let text = episode.to_string();
    let wrapped = textwrap::wrap(&text, room.max(1));
    let place = |number: usize| if number == 0 { time.clone() } else { " ".repeat(TIME_WIDTH - 1) };
    let line = |(number, words): (usize, &std::borrow::Cow<str>)| {
        Line::from(vec![
            Span::styled(place(number), palette.strong()),
            Span::styled(format!(" {words}"), style),
        ])
    };
    wrapped.iter().enumerate().map(line).collect()
}
