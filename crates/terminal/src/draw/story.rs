//! The story: what happens, in plain English, with the rule that decided.

use super::style::Palette;
use consensus::Rule;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Paragraph};
use trace::FeedLine;

/// The rule's column is as wide as most rules' names.
const RULE_WIDTH: usize = 26;
/// Maximum width in columns: in a wider line, a rule is too far from its sentence.
const WIDEST: usize = 120;
/// Below this width the rules' column would take the room of the story's own words.
const WIDE_ENOUGH_FOR_ALL: usize = 104;

/// How many lines of the story there is room for.
pub(crate) fn rows(area: Rect) -> u64 {
    u64::from(block().inner(area).height.max(1))
}

pub(crate) fn draw(frame: &mut Frame, area: Rect, heading: &str, lines: Vec<Line>, palette: &Palette) {
    let heading = Line::styled(heading, palette.faint());
    let block = block().border_style(palette.faint()).title(heading);
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

fn block<'a>() -> Block<'a> {
    Block::new().borders(Borders::TOP)
}

/// A broken promise, in as many lines as it takes.
pub(crate) fn violation_lines<'a>(line: &FeedLine, width: u16, palette: &Palette) -> Vec<Line<'a>> {
    let options = textwrap::Options::new(usize::from(width).min(WIDEST)).subsequent_indent("             ");
    let text = format!("{} {}", line.place(), line.text);
    let wrapped = textwrap::wrap(&text, options);
    wrapped.into_iter().map(|line| Line::styled(line.into_owned(), palette.bad())).collect()
}

/// A line with its rule at the right, if there is space for both; otherwise the words come first. `off` is
/// the rule that is switched off.
pub(crate) fn story_line<'a>(
    line: &'a FeedLine,
    off: Option<Rule>,
    width: u16,
    palette: &Palette,
) -> Line<'a> {
    let width = usize::from(width).min(WIDEST);
    let place = line.place();
    let words_width = width.saturating_sub(place.chars().count() + 1);
    let is_off = line.rule.is_some() && line.rule == off;
    let rule =
        line.rule.map(|rule| format!("{rule}{}", if is_off { " OFF" } else { "" })).unwrap_or_default();
    let text_width = words_width.saturating_sub(if rule.is_empty() { 0 } else { rule.chars().count() + 2 });
    let text = shortened(&line.text, text_width);
    let padding = words_width.saturating_sub(text.chars().count() + rule_room(&rule, width));
    Line::from(vec![
        Span::styled(place, palette.strong()),
        Span::raw(" "),
        Span::raw(text),
        Span::raw(" ".repeat(padding)),
        Span::styled(rule, if is_off { palette.warning() } else { palette.rule() }),
    ])
}

/// The width from where the rule begins to the right edge. In a wide terminal the rules stand in a
/// column, left-aligned.
fn rule_room(rule: &str, width: usize) -> usize {
    let length = rule.chars().count();
    if width >= WIDE_ENOUGH_FOR_ALL { RULE_WIDTH.max(length) } else { length }
}

/// The text, cut with a `…` if it is longer than `width`.
pub(crate) fn shortened(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    kept + "…"
}
