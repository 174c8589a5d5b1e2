//! The keys of the replay, and how the footer and the help explain them.

use super::steps::Mark;
use crate::keys::Explained;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    PlayOrPause,
    StepForward,
    StepBack,
    Next(Mark),
    Previous(Mark),
    Beginning,
    End,
    Slower,
    Faster,
    PageUp,
    PageDown,
    Script,
    NextPanels,
    /// Explain the words of the latest line, and of what there is to read.
    Explain,
    Help,
    Quit,
    Interrupt,
}

/// What this key asks for, if anything.
pub(crate) fn wish(key: KeyEvent) -> Option<Wish> {
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return (key.code == KeyCode::Char('c')).then_some(Wish::Interrupt);
    }
    let wish = match key.code {
        KeyCode::Char(' ') => Wish::PlayOrPause,
        KeyCode::Right | KeyCode::Char('n') => Wish::StepForward,
        KeyCode::Left | KeyCode::Char('b') => Wish::StepBack,
        KeyCode::Char('e') => Wish::Next(Mark::Election),
        KeyCode::Char('E') => Wish::Previous(Mark::Election),
        KeyCode::Char('l') => Wish::Next(Mark::Leader),
        KeyCode::Char('L') => Wish::Previous(Mark::Leader),
        KeyCode::Char('v') => Wish::Next(Mark::Violation),
        KeyCode::Char('V') => Wish::Previous(Mark::Violation),
        KeyCode::Home => Wish::Beginning,
        KeyCode::End => Wish::End,
        KeyCode::Char('-') => Wish::Slower,
        KeyCode::Char('+' | '=') => Wish::Faster,
        KeyCode::PageUp => Wish::PageUp,
        KeyCode::PageDown => Wish::PageDown,
        KeyCode::Char('s') => Wish::Script,
        KeyCode::Tab => Wish::NextPanels,
        KeyCode::Char('?') => Wish::Explain,
        KeyCode::Char('h') => Wish::Help,
        KeyCode::Char('q') => Wish::Quit,
        _ => return None,
    };
    Some(wish)
}

/// The keys in the footer, each with its shortest description. They fill two lines of 80 columns.
pub(crate) const FOOTER: [&[Explained]; 2] = [
    &[
        ("space", "play/pause"),
        ("→ n", "step"),
        ("← b", "step back"),
        ("Home End", "start, end"),
        ("- +", "speed"),
    ],
    &[
        ("e", "election"),
        ("l", "leader"),
        ("v", "violation"),
        ("s", "script"),
        ("Tab", "panels"),
        ("?", "help"),
        ("q", "quit"),
    ],
];

/// The keys in the help, each with what it is good for.
pub(crate) const HELP: &[Explained] = &[
    ("space", "play or pause; it pauses where there is something to read"),
    ("→ n   ← b", "step forward or back: one server handles one event"),
    ("e  l  v", "go to the next election, new leader or violation"),
    ("E  L  V", "go back to the one before"),
    ("Home  End", "go to the beginning or the end"),
    ("-  +", "slower or faster; long pauses are cut short"),
    ("PgUp PgDn", "scroll the story"),
    ("s", "show or fold the script: all commands and their effects"),
    ("Tab", "show logs and story, only the logs, or only the story"),
    ("?", "explain the words of the step on show"),
    ("q  Ctrl+C", "quit"),
    ("▸", "whose step it is; routine heartbeats are skipped"),
];
