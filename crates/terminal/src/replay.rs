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
use consensus::{NodeId, Rule, Timing};
use player::Player;
use std::io;
use std::time::Instant;
use trace::{ClusterView, Record};

/// What is replayed, moment by moment.
#[derive(Debug, Clone)]
pub struct Tape {
    /// What the heading says.
    pub title: String,
    /// The servers at its beginning.
    pub servers: Vec<NodeId>,
    /// Their timeouts, if known.
    pub timing: Option<Timing>,
    /// The rule that was switched off.
    pub without: Option<Rule>,
    /// What happened, in order.
    pub moments: Vec<Moment>,
    /// It is opened at the moment when this number of records have happened.
    pub begin: usize,
}

/// A part of what happened.
#[derive(Debug, Clone, Default)]
pub struct Moment {
    /// The paragraphs to read first.
    pub prose: Vec<String>,
    /// What caused it: a scenario's command.
    pub command: Option<String>,
    /// It is preparation, which the story leaves out.
    pub is_silent: bool,
    /// What happened.
    pub records: Vec<Record>,
    /// The lines that the command was for, such as a table of the logs.
    pub said: Vec<String>,
}

impl Tape {
    /// The tape of what happened moment by moment.
    pub fn played(title: String, moments: Vec<Moment>) -> Tape {
        let records: Vec<&Record> = moments.iter().flat_map(|moment| &moment.records).collect();
        Tape {
            title,
            servers: ClusterView::founders_of(&records),
            timing: None,
            without: None,
            moments,
            begin: 0,
        }
    }
}

/// Shows what happened until a key ends it, or `end_requested`, which is called again and again. The terminal
/// is restored whatever happens, a panic included.
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
            player.tick(now - last_picture);
            last_picture = now;
        }
    })
}
