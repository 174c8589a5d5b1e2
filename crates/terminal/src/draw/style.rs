//! Colours: the terminal's own sixteen, on its own background, and never the only sign of anything.

use consensus::RoleKind;
use ratatui::style::{Color, Modifier, Style};
use trace::ClusterView;

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

    pub(crate) fn notice(&self) -> Style {
        self.colour(Color::Magenta)
    }

    pub(crate) fn rule(&self) -> Style {
        self.colour(Color::Cyan)
    }

    pub(crate) fn role(&self, role: RoleKind) -> Style {
        match role {
            RoleKind::Follower => Style::new(),
            RoleKind::Candidate => self.warning(),
            RoleKind::Leader => self.good(),
        }
    }

    /// Of the sentence about the cluster.
    pub(crate) fn state(&self, view: &ClusterView) -> Style {
        if view.leader().is_some() { self.good() } else { self.warning() }
    }

    fn colour(&self, colour: Color) -> Style {
        if self.has_colour { Style::new().fg(colour) } else { Style::new() }
    }
}
