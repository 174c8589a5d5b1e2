//! Colours, never the only sign of anything: the terminal's own sixteen, on its own background, and a few
//! more for terms.

use consensus::{RoleKind, Term};
use ratatui::style::{Color, Modifier, Style};
use trace::ClusterView;

/// Each term's colour, in turn: blue, vermilion, green, purple and ochre of the 256 colours. Colour-blind
/// people can distinguish them, and they are readable on black and on white.
const TERM_COLOURS: [u8; 5] = [32, 166, 29, 169, 136];
/// Black of the 256 colours, which is black in every terminal's theme.
const BLACK: Color = Color::Indexed(16);

/// The styles of the view, with colours or without.
pub(crate) struct Palette {
    has_colour: bool,
}

impl Palette {
    pub(crate) fn new(has_colour: bool) -> Palette {
        Palette { has_colour }
    }

    pub(crate) fn strong(&self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    pub(crate) fn faint(&self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    pub(crate) fn good(&self) -> Style {
        self.colour(Color::Green).add_modifier(Modifier::BOLD)
    }

    pub(crate) fn warning(&self) -> Style {
        self.colour(Color::Yellow).add_modifier(Modifier::BOLD)
    }

    pub(crate) fn bad(&self) -> Style {
        self.colour(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// The style of the banner that says that a rule is off.
    pub(crate) fn off(&self) -> Style {
        self.warning().add_modifier(Modifier::REVERSED)
    }

    pub(crate) fn notice(&self) -> Style {
        self.colour(Color::Magenta)
    }

    pub(crate) fn rule(&self) -> Style {
        self.colour(Color::Cyan)
    }

    pub(crate) fn role(&self, role: RoleKind) -> Style {
        match role {
            RoleKind::Follower => Style::new(),
            RoleKind::PreCandidate | RoleKind::Candidate => self.warning(),
            RoleKind::Leader => self.good(),
        }
    }

    /// The style of the sentence about the cluster.
    pub(crate) fn state(&self, view: &ClusterView) -> Style {
        if view.leader().is_some() { self.good() } else { self.warning() }
    }

    /// The style of a committed entry of this term.
    pub(crate) fn solid(&self, term: Term) -> Style {
        let style = Style::new().add_modifier(Modifier::BOLD);
        if self.has_colour {
            style.fg(BLACK).bg(term_colour(term))
        } else {
            style.add_modifier(Modifier::REVERSED)
        }
    }

    /// The style of this term, and of an entry of it that is not committed.
    pub(crate) fn hollow(&self, term: Term) -> Style {
        self.colour(term_colour(term))
    }

    fn colour(&self, colour: Color) -> Style {
        if self.has_colour { Style::new().fg(colour) } else { Style::new() }
    }
}

fn term_colour(term: Term) -> Color {
    match term.0.checked_sub(1) {
        Some(place) => Color::Indexed(TERM_COLOURS[(place % TERM_COLOURS.len() as u64) as usize]),
        None => Color::Reset,
    }
}
