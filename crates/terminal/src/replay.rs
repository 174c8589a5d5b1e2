//! The replay view: what happened to a cluster, played forwards and backwards.
//!
//! * `replay/steps.rs`: the tape, cut into steps, and what is visible after each;
//! * `replay/player.rs`: the position on the tape, and what the keys do, without a terminal;
//! * `replay/keys.rs`: the keys, and how the footer and the help explain them.

pub(crate) mod keys;
pub(crate) mod player;
pub(crate) mod steps;
#[cfg(test)]
mod tests;

use crate::{End, draw, has_colour, on_terminal, pressed_keys};
use consensus::{NodeId, Timing};
use player::Player;
use std::io;
use std::time::Instant;
use trace::{ClusterView, Record};

/// What is replayed: what happened, moment by moment.
#[derive(Debug, Clone)]
pub struct Tape {
    /// What the heading says.
    pub title: String,
    /// The servers at its beginning.
    pub servers: Vec<NodeId>,
    /// Their timeouts, if known.
    pub timing: Option<Timing>,
    /// What happened, in the order in which it did.
    pub moments: Vec<Moment>,
}

/// A part of what happened.
#[derive(Debug, Clone)]
pub struct Moment {
    /// What caused it, such as a scenario's command.
    pub caption: Option<String>,
    /// What happened.
    pub records: Vec<Record>,
}

impl Tape {
    /// The tape of a recorded trace: its records, without captions.
    pub fn recorded(title: String, records: Vec<Record>) -> Tape {
        Tape::played(title, vec![Moment { caption: None, records }])
    }

    /// The tape of what happened moment by moment.
    pub fn played(title: String, moments: Vec<Moment>) -> Tape {
        let records: Vec<&Record> = moments.iter().flat_map(|moment| &moment.records).collect();
        Tape { title, servers: ClusterView::founders_of(&records), timing: None, moments }
    }
}

/// Shows what happened until a key ends it, or `end_requested`, which is asked again and again. The terminal is restored
/// whatever happens, a panic included.
///
/// # Errors
/// If the terminal can't be drawn on or read from.
pub fn replay(tape: Tape, mut end_requested: impl FnMut() -> Option<End>) -> io::Result<End> {
    let mut player = Player::new(tape, has_colour());
    on_terminal(|terminal| {
        let mut last_picture = Instant::now();
        loop {
            if let Some(end) = end_requested() {
                return Ok(end);
            }
            terminal.draw(|frame| draw::replay::draw(frame, &mut player))?;
            for key in pressed_keys()? {
                if let Some(end) = player.on_key(key) {
                    return Ok(end);
                }
            }
            let now = Instant::now();
            player.let_time_pass(now - last_picture);
            last_picture = now;
        }
    })
}
