//! The keys, and how the footer and the help explain them.

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
    /// To the next line of the story, with the servers as they were then; or to the one before.
    StepForward,
    StepBack,
    PageUp,
    PageDown,
    Oldest,
    Newest,
    NextPanels,
    /// Show each line of an episode, or the headlines again.
    Unfold,
    SlowMotion,
    /// Show or dismiss what to try first.
    Guide,
    /// Show the page in a browser.
    OpenPage,
    /// Explain the words of the chosen line.
    Explain,
    Help,
    /// Close the help, or go back to live.
    Back,
    Quit,
    Interrupt,
    /// Ctrl+Z, which would suspend a program without a view.
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
        KeyCode::Right => Wish::StepForward,
        KeyCode::Left => Wish::StepBack,
        KeyCode::PageUp => Wish::PageUp,
        KeyCode::PageDown => Wish::PageDown,
        KeyCode::Home => Wish::Oldest,
        KeyCode::End => Wish::Newest,
        KeyCode::Tab => Wish::NextPanels,
        KeyCode::Enter => Wish::Unfold,
        KeyCode::Char('m') => Wish::SlowMotion,
        KeyCode::Char('g') => Wish::Guide,
        KeyCode::Char('w') => Wish::OpenPage,
        KeyCode::Char('?') => Wish::Explain,
        KeyCode::Char('h') => Wish::Help,
        KeyCode::Esc => Wish::Back,
        KeyCode::Char('q') => Wish::Quit,
        _ => return None,
    };
    Some(wish)
}

/// A key or a sign, and its explanation.
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
        ("t", "time out"),
    ],
    &[
        ("i", "isolate"),
        ("a", "split vote"),
        ("- +", "speed"),
        ("Enter", "lines"),
        ("space", "freeze"),
        ("?", "help"),
        ("q", "quit"),
    ],
];

/// The keys in the help, each with what it teaches. With [`SIGNS`] they fill 22 of the 24 rows of a usual
/// terminal.
pub(crate) const HELP: &[Explained] = &[
    ("p", "put x = 1, 2, …: with two leaders, to the chosen one"),
    ("Ctrl+\\  l", "kill the leader (SIGKILL): the others elect a new one"),
    ("1-9  ↑ ↓", "choose the server for the keys from k to x"),
    ("k  r  s", "kill it; restart it from its disk; pause or resume it"),
    ("i", "cut its links (✂) or reconnect it: alone it can't commit"),
    ("t  o", "time it out: it starts an election; hand over to it"),
    ("d  x", "remove it (again: stop it); replace it with a new server"),
    ("n", "add a server: it copies the log first, then it votes"),
    ("f", "switch pre-vote, check-quorum, eager election on or off"),
    ("a", "time out all at once: the votes split, chance decides"),
    ("-  +  m", "set the servers' clocks; slow motion around elections"),
    ("PgUp PgDn  Enter", "choose a headline; show each line of it, or fold it"),
    ("space  ← →", "freeze the view (the cluster runs on); event by event"),
    ("?  Tab  w  g", "explain the words; panels; open the page; what to try"),
    ("q  Ctrl+C", "stop all servers and quit"),
];

/// The signs and columns in the views, each with its meaning.
pub(crate) const SIGNS: &[Explained] = &[
    ("○ follower", "waits for a leader; the bar is its election timer"),
    ("◐ candidate", "asks for votes; when its bar is full, it tries again"),
    ("★ leader", "sends heartbeats ♥, which empty the followers' bars"),
    ("‖ paused  ✕ dead", "receives nothing, sends nothing"),
    ("match", "matchIndex: highest entry known to match the leader's log"),
    ("next", "nextIndex: next entry that the leader will send to it"),
];
