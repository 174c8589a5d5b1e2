//! A Raft cluster in the terminal: live, or as a replay.
//!
//! * [`run`]: the live view;
//! * `app.rs`: what it knows and what the keys do, without a terminal;
//! * `keys.rs`: the keys, and how the footer and the help explain them;
//! * `hangup.rs`: the end of the terminal itself;
//! * `slow_clock.rs`: the servers' time, for the election timers;
//! * `past.rs`: the latest records, to go back to; `rerun.rs`: an election that was too fast to be seen,
//!   shown again;
//! * `headlines.rs`, `guide.rs`: the story in sentences, and what to try first;
//! * [`replay`](replay()): the replay view; `replay.rs` and below;
//! * [`choose`]: the list of scenarios to choose from; `chooser.rs`;
//! * [`open_page`]: the page in the browser;
//! * `scene.rs`, `panels.rs`, `overlay.rs`, `speeds.rs`: what both views share;
//! * `draw.rs` and below: how they look.

mod app;
mod chooser;
mod draw;
mod guide;
mod hangup;
mod headlines;
mod keys;
mod overlay;
mod panels;
mod past;
mod replay;
mod rerun;
mod scene;
mod slow_clock;
mod speeds;
#[cfg(test)]
mod tests;

pub use chooser::{Choice, Chooser, Chosen, choose};
pub use replay::{Moment, Tape, replay};

use app::{App, Command};
use cluster::{Action, SlowMotionState};
use consensus::{NodeId, Timing};
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyEvent, KeyEventKind};
use std::io;
use std::time::Duration;
use trace::{Episodes, Record};

/// The time between two pictures.
const FRAME: Duration = Duration::from_millis(33);
/// SIGINT, which Ctrl+C stands for.
const INTERRUPT: i32 = 2;

/// What the view shows and acts on: running servers, or another source of records.
pub trait Lab {
    /// What has happened since the last call.
    fn news(&mut self) -> Vec<Record>;

    /// Does something to the servers, and says in a sentence what was done.
    ///
    /// # Errors
    /// If it can't be done: a sentence that says why.
    fn perform(&mut self, action: &Action) -> Result<String, String>;

    /// Is what a person does slowed down, and is it now?
    fn slow_motion(&self) -> SlowMotionState;

    /// Switches slow motion on or off, and says so in a sentence.
    fn want_slow_motion(&mut self, is_wanted: bool) -> String;

    /// Makes a client ask this server, or else the leader, to write the next value, and says so in a
    /// sentence. The outcome is among the [announcements](Lab::announcements) once it is known.
    ///
    /// # Errors
    /// If no server can be asked: a sentence that says why.
    fn put(&mut self, at: Option<NodeId>) -> Result<String, String>;

    /// Must the view end for a reason from outside, and how?
    fn end_requested(&mut self) -> Option<End>;

    /// Things that were done or finished since the last call without a key: a sentence about each, or about
    /// why it was not done.
    fn announcements(&mut self) -> Vec<Result<String, String>>;

    /// Microseconds since the cluster's start, on the clock of [`Record::t`].
    fn now(&self) -> u64;
}

/// What the heading says about the cluster.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The servers.
    pub servers: Vec<NodeId>,
    /// Their timeouts.
    pub timing: Timing,
    /// The seed of their randomness.
    pub seed: u64,
    /// How fast their clocks run at first, as a multiple of real time.
    pub speed: f64,
    /// How long each message is held, in the servers' own time.
    pub latency: Duration,
    /// The folder of their data.
    pub data: String,
    /// The address of the page that shows the same in a browser, if there is one.
    pub page: Option<String>,
}

/// How the view ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// By the key that quits.
    Quit,
    /// A signal, or the key that stands for it, by its number.
    Interrupted(i32),
}

/// Shows the cluster until the view is to end. The terminal is restored whatever happens, a panic included.
///
/// # Errors
/// If the terminal can't be drawn on or read from.
pub fn run(lab: &mut dyn Lab, setup: Setup) -> io::Result<(End, Episodes)> {
    let mut app = App::new(setup, has_colour());
    let end = on_terminal(|terminal| watch(terminal, lab, &mut app))?;
    Ok((end, app.headlines.episodes().clone()))
}

/// Are colours wanted? <https://no-color.org>
fn has_colour() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Uses the terminal for a view, and restores it. If the terminal goes away, the view ends.
fn on_terminal(view: impl FnOnce(&mut DefaultTerminal) -> io::Result<End>) -> io::Result<End> {
    let mut terminal = ratatui::try_init()?;
    let watch = hangup::Watch::begin();
    let end = view(&mut terminal);
    drop(watch);
    let restored = ratatui::try_restore();
    let errors = [end.as_ref().err(), restored.as_ref().err()];
    if hangup::is_gone() || errors.into_iter().flatten().any(hangup::is_shown_by) {
        // Dropping it would show the cursor again, and panic if it can't even report that this failed.
        std::mem::forget(terminal);
        return Ok(End::Interrupted(hangup::SIGNAL));
    }
    restored?;
    end
}

fn watch(terminal: &mut DefaultTerminal, lab: &mut dyn Lab, app: &mut App) -> io::Result<End> {
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
        app.slow_motion = lab.slow_motion();
        app.tick(now);
        terminal.draw(|frame| draw::live::draw(frame, app, now))?;
        for key in pressed_keys()? {
            match app.on_key(key, lab.now()) {
                None => {}
                Some(Command::End(end)) => return Ok(end),
                Some(Command::Put(at)) => {
                    app.go_live();
                    let outcome = lab.put(at);
                    app.announce(outcome, lab.now());
                }
                Some(Command::OpenPage(address)) => app.announce(open_page(&address), lab.now()),
                Some(Command::WantSlowMotion(is_wanted)) => {
                    let said = lab.want_slow_motion(is_wanted);
                    app.announce(Ok(said), lab.now());
                }
                Some(Command::Perform(action)) => {
                    let outcome = lab.perform(&action);
                    app.record_outcome(&action, outcome, lab.now());
                }
            }
        }
    }
}

/// Opens the page in the default browser, and says so in a sentence.
///
/// # Errors
/// If that fails: a sentence that says why.
pub fn open_page(address: &str) -> Result<String, String> {
    match open::that_detached(address) {
        Ok(()) => Ok("opened in a browser".to_owned()),
        // The address comes first: a narrow terminal cuts off the end.
        Err(error) => Err(format!("open {address} yourself: no browser starts here ({error})")),
    }
}

/// Waits until the next picture is due or a key is pressed. Returns the keys that were.
///
/// # Errors
/// If the terminal is gone, or can't be read.
fn pressed_keys() -> io::Result<Vec<KeyEvent>> {
    let mut keys = Vec::new();
    hangup::wait_for_input(FRAME)?;
    while event::poll(Duration::ZERO)? {
        if let Event::Key(key) = event::read()?
            && key.kind != KeyEventKind::Release
        {
            keys.push(key);
        }
    }
    Ok(keys)
}
