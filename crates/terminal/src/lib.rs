//! A live view of a Raft cluster in the terminal.
//!
//! * [`run`]: takes over the terminal and gives it back;
//! * `app.rs`: what the view knows and what the keys do, without a terminal;
//! * `keys.rs`: the keys, as the footer and the help tell them;
//! * `slow_clock.rs`: the servers' time, for the election timers;
//! * `draw.rs` and below: how it looks.

mod app;
mod draw;
mod keys;
mod slow_clock;
#[cfg(test)]
mod tests;

use app::{App, Command};
use cluster::Action;
use consensus::{NodeId, Timing};
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyEventKind};
use std::io;
use std::time::Duration;
use trace::Record;

/// The time between two pictures.
const FRAME: Duration = Duration::from_millis(33);

/// What is watched and commanded: servers that run, or another source of records.
pub trait Lab {
    /// What has happened since the last call.
    fn news(&mut self) -> Vec<Record>;

    /// Does something to the servers, and says in a sentence what was done.
    ///
    /// # Errors
    /// If it can't be done: a sentence that says why.
    fn perform(&mut self, action: Action) -> Result<String, String>;

    /// Does somebody outside want the view to end, and how?
    fn end_requested(&mut self) -> Option<End>;

    /// What was done without a key, in sentences, since the last call.
    fn announcements(&mut self) -> Vec<String>;

    /// Microseconds since the cluster's start, on the clock of [`Record::t`].
    fn now(&self) -> u64;
}

/// What the view tells about the cluster in its heading.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The servers.
    pub servers: Vec<NodeId>,
    /// How long they wait for what.
    pub timing: Timing,
    /// Where their randomness comes from.
    pub seed: u64,
    /// How fast their clocks run at first, as a multiple of real time.
    pub speed: f64,
    /// How long each message is held, in the servers' own time.
    pub latency: Duration,
    /// Where their data is.
    pub data: String,
}

/// How the view came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The person has seen enough.
    Quit,
    /// A signal, or the key that stands for it, by its number.
    Interrupted(i32),
}

/// Shows the cluster until somebody wants it to end. The terminal is given back as it was, whatever
/// happens, a panic included.
///
/// # Errors
/// If the terminal can't be drawn on or read from.
pub fn run(lab: &mut dyn Lab, setup: Setup) -> io::Result<End> {
    let has_colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let mut terminal = ratatui::try_init()?;
    let end = watch(&mut terminal, lab, App::new(setup, has_colour));
    ratatui::try_restore()?;
    end
}

fn watch(terminal: &mut DefaultTerminal, lab: &mut dyn Lab, mut app: App) -> io::Result<End> {
    loop {
        for record in lab.news() {
            app.observe(&record);
        }
        if let Some(end) = lab.end_requested() {
            return Ok(end);
        }
        for announcement in lab.announcements() {
            app.announce(announcement, lab.now());
        }
        let now = lab.now();
        terminal.draw(|frame| draw::draw(frame, &mut app, now))?;
        if let Some(end) = obey_keys(lab, &mut app)? {
            return Ok(end);
        }
    }
}

/// Waits until the next picture is due or a key is pressed, and does what the keys say.
fn obey_keys(lab: &mut dyn Lab, app: &mut App) -> io::Result<Option<End>> {
    let mut patience = FRAME;
    while event::poll(patience)? {
        patience = Duration::ZERO;
        let Event::Key(key) = event::read()? else { continue };
        if key.kind == KeyEventKind::Release {
            continue;
        }
        match app.on_key(key, lab.now()) {
            None => {}
            Some(Command::End(end)) => return Ok(Some(end)),
            Some(Command::Perform(action)) => {
                let outcome = lab.perform(action);
                app.note_outcome(action, outcome, lab.now());
            }
        }
    }
    Ok(None)
}
