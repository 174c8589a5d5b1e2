//! The words of a text explained, over everything else.

use super::help;
use super::style::Palette;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use trace::glossary::{Definition, definitions_in};

/// What the tables show. These words are explained too, after those of the text.
const TABLES: &str = "term, vote, leader, election timer, heartbeat, log, committed, matchIndex";

pub(super) fn draw(frame: &mut Frame, area: Rect, text: &str, palette: &Palette) {
    let width = usize::from(area.width.min(help::WIDEST)) - 4;
    let here = definitions_in(text);
    let elsewhere: Vec<&Definition> =
        definitions_in(TABLES).into_iter().filter(|definition| !here.contains(definition)).collect();
    let heading = || vec![Line::styled(" in the tables above", palette.notice())];
    let here = here.iter().map(|definition| explained(definition, width, palette));
    let elsewhere = elsewhere.iter().map(|definition| explained(definition, width, palette));
    let mut room = usize::from(area.height) - 2;
    let mut lines = Vec::new();
    // The panel may cover the only line that is explained.
    if !text.contains('\n') {
        let asked = textwrap::wrap(text, width);
        lines.extend(asked.iter().map(|line| Line::styled(format!(" {line}"), palette.rule())));
        room = room.saturating_sub(lines.len());
    }
    let entries: Vec<Vec<Line>> = here.chain([heading()]).chain(elsewhere).collect();
    let is_cut = entries.iter().map(Vec::len).sum::<usize>() > room;
    room = room.saturating_sub(usize::from(is_cut));
    let fitting = entries.into_iter().take_while(|entry| {
        let fits = entry.len() <= room;
        room = room.saturating_sub(entry.len());
        fits
    });
    lines.extend(fitting.flatten());
    if is_cut {
        lines.push(Line::styled(" … a higher terminal has room for more words", palette.faint()));
    }
    help::panel(frame, area, (" words ", " ? shows the keys · any other key closes this "), lines, palette);
}

/// `word, other word: what they mean`, in as many lines as it takes.
fn explained<'a>(
    Definition { words, meaning }: &Definition,
    width: usize,
    palette: &Palette,
) -> Vec<Line<'a>> {
    let words = words.join(", ");
    let text = format!("{words}: {meaning}");
    let wrapped = textwrap::wrap(&text, textwrap::Options::new(width).subsequent_indent("  "));
    let lines = wrapped.iter().enumerate().map(|(number, line)| match line.strip_prefix(&words) {
        Some(rest) if number == 0 => Line::from(vec![
            Span::raw(" "),
            Span::styled(words.clone(), palette.strong()),
            Span::raw(rest.to_owned()),
        ]),
        _ => Line::raw(format!(" {line}")),
    });
    lines.collect()
}
