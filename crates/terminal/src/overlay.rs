//! What is drawn over a view.

/// What is drawn over a view until a key is pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Overlay {
    /// The words of the chosen line, explained.
    Words,
    /// The keys and signs.
    Help,
}

impl Overlay {
    /// What to show on request: the help, unless there is something to explain.
    pub(crate) fn about(text: &str) -> Overlay {
        if text.is_empty() { Overlay::Help } else { Overlay::Words }
    }

    /// What is drawn over the view after the next key. Asking again for an explanation leads to the help.
    pub(crate) fn after(self, asks_again: bool) -> Option<Overlay> {
        (self == Overlay::Words && asks_again).then_some(Overlay::Help)
    }
}
