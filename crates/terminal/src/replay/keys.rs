//! The keys of the replay, and what a person is told about them.

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
    NextPanels,
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
        KeyCode::Tab => Wish::NextPanels,
        KeyCode::Char('?' | 'h') => Wish::Help,
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
        ("Home End", "first, last"),
        ("- +", "speed"),
    ],
    &[
        ("e", "election"),
        ("l", "leader"),
        ("v", "violation"),
        ("Tab", "panels"),
        ("PgUp", "scroll"),
        ("?", "help"),
        ("q", "quit"),
    ],
];

/// The keys in the help, each with what it is good for.
pub(crate) const HELP: &[Explained] = &[
    ("space", "play or pause; a violation pauses too"),
    ("→ n   ← b", "one step on or back: what a server does about one thing"),
    ("e  E", "the next election, the previous one"),
    ("l  L", "the next new leader, the previous one"),
    ("v  V", "the next violation of what Raft promises, the previous"),
    ("Home  End", "to the beginning, to the end"),
    ("-  +", "slower, faster; long pauses are cut short"),
    ("PgUp PgDn", "scroll the story"),
    ("Tab", "logs and story, logs only, story only"),
    ("q  Ctrl+C", "quit"),
    ("▸", "whose step it was; heartbeats as usual are no steps"),
];
