//! The keys, and what a person is told about them.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    Put,
    KillLeader,
    Kill,
    Restart,
    PauseOrResume,
    IsolateOrMend,
    ForceTimeout,
    AlignTimers,
    AddServer,
    RemoveServer,
    ReplaceServer,
    HandOver,
    ChangeProfile,
    Slower,
    Faster,
    SelectNumber(u64),
    SelectPrevious,
    SelectNext,
    Freeze,
    PageUp,
    PageDown,
    Oldest,
    Newest,
    NextPanels,
    Help,
    /// Close the help, or go back to live.
    Back,
    Quit,
    Interrupt,
    /// Ctrl+Z, which would stop a program that had not taken over the keys.
    Suspend,
}

/// What this key asks for, if anything.
pub(crate) fn wish(key: KeyEvent) -> Option<Wish> {
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return match key.code {
            // Ctrl+\ is the byte 0x1c, which is also what Ctrl+4 sends: it arrives under either name.
            KeyCode::Char('\\' | '4') => Some(Wish::KillLeader),
            KeyCode::Char('c') => Some(Wish::Interrupt),
            KeyCode::Char('z') => Some(Wish::Suspend),
            _ => None,
        };
    }
    let wish = match key.code {
        KeyCode::Char('p') => Wish::Put,
        KeyCode::Char('l') => Wish::KillLeader,
        KeyCode::Char('k') => Wish::Kill,
        KeyCode::Char('r') => Wish::Restart,
        KeyCode::Char('s') => Wish::PauseOrResume,
        KeyCode::Char('i') => Wish::IsolateOrMend,
        KeyCode::Char('t') => Wish::ForceTimeout,
        KeyCode::Char('a') => Wish::AlignTimers,
        KeyCode::Char('n') => Wish::AddServer,
        KeyCode::Char('d') => Wish::RemoveServer,
        KeyCode::Char('x') => Wish::ReplaceServer,
        KeyCode::Char('o') => Wish::HandOver,
        KeyCode::Char('f') => Wish::ChangeProfile,
        KeyCode::Char('-') => Wish::Slower,
        KeyCode::Char('+' | '=') => Wish::Faster,
        KeyCode::Char(digit @ '1'..='9') => Wish::SelectNumber(u64::from(digit.to_digit(10)?)),
        KeyCode::Up => Wish::SelectPrevious,
        KeyCode::Down => Wish::SelectNext,
        KeyCode::Char(' ') => Wish::Freeze,
        KeyCode::PageUp => Wish::PageUp,
        KeyCode::PageDown => Wish::PageDown,
        KeyCode::Home => Wish::Oldest,
        KeyCode::End => Wish::Newest,
        KeyCode::Tab => Wish::NextPanels,
        KeyCode::Char('?' | 'h') => Wish::Help,
        KeyCode::Esc => Wish::Back,
        KeyCode::Char('q') => Wish::Quit,
        _ => return None,
    };
    Some(wish)
}

/// A key or a sign, and what it is for.
pub(crate) type Explained = (&'static str, &'static str);

/// The keys in the footer, each with its shortest description. They fill two lines of 80 columns.
pub(crate) const FOOTER: [&[Explained]; 2] = [
    &[
        ("p", "put"),
        ("Ctrl+\\", "kill leader"),
        ("↑↓", "choose"),
        ("k", "kill"),
        ("r", "restart"),
        ("s", "pause"),
        ("t", "timeout"),
    ],
    &[
        ("i", "isolate"),
        ("a", "align"),
        ("- +", "speed"),
        ("space", "freeze"),
        ("Tab", "panels"),
        ("?", "help"),
        ("Ctrl+C", "stop"),
    ],
];

/// The keys in the help, each with what it teaches.
pub(crate) const HELP: &[Explained] = &[
    ("p", "put x = 1, 2, 3, …: each is an entry for all logs"),
    ("Ctrl+\\  l", "kill the leader (SIGKILL): the others elect another"),
    ("1-9  ↑ ↓", "choose the server that the next eight keys are for"),
    ("k", "kill it: can a majority of all servers still vote?"),
    ("r", "start it again: a follower, with its disk's term and vote"),
    ("s", "pause or resume it: a leader that slept steps down"),
    ("i", "cut its links (✂), or mend them: alone, none can commit"),
    ("t", "end its patience: its newer term deposes the leader"),
    ("o", "have the leader hand over to it"),
    ("d", "have it removed from the members; again: end its process"),
    ("x", "have a new server vote in its place, in one step"),
    ("n", "start one more server: it learns, and then it votes"),
    ("f", "pre-vote, check-quorum and eager election: on, or off"),
    ("a", "end all patience together: votes split, chance decides"),
    ("-  +", "slow motion, faster: the servers' own clocks"),
    ("space  PgUp PgDn", "freeze the view, scroll back; the cluster goes on"),
    ("Tab", "logs and story, logs only, story only"),
    ("q  Ctrl+C", "stop all servers"),
];

/// The signs in the views, each with its meaning.
pub(crate) const SIGNS: &[Explained] = &[
    ("○ follower", "waits for a leader; the bar is its election timer"),
    ("◐ candidate", "asks for votes; if its bar fills, it asks again"),
    ("★ leader", "sends heartbeats ♥, which empty the others' bars"),
    ("‖ paused  ✕ dead", "hears nothing"),
];
