//! The panels below the table of servers, as chosen with a key.

/// The panels below the table of servers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Panels {
    #[default]
    LogsAndStory,
    /// For many servers in a low terminal.
    Logs,
    Story,
}

impl Panels {
    /// The next choice.
    pub(crate) fn next(self) -> Panels {
        match self {
            Panels::LogsAndStory => Panels::Logs,
            Panels::Logs => Panels::Story,
            Panels::Story => Panels::LogsAndStory,
        }
    }
}
