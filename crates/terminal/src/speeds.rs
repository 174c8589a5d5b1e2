//! The speeds that the keys go through, as multiples of real time.

const SPEEDS: [f64; 9] = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0];

/// The next speed below this one.
pub(crate) fn slower(than: f64) -> Option<f64> {
    SPEEDS.into_iter().rev().find(|&speed| speed < than)
}

/// The next speed above this one.
pub(crate) fn faster(than: f64) -> Option<f64> {
    SPEEDS.into_iter().find(|&speed| speed > than)
}

/// The message if there is no such speed.
pub(crate) fn no_further(speed: f64) -> String {
    format!("{speed}× is the limit")
}
