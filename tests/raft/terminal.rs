//! The terminal view, and plain output on a terminal, in a real pseudo-terminal: real keys are
//! pressed and the screen is read.

use crate::common::{TIMEOUT, await_gone, await_some};
use cluster::{Action, SlowMotionState};
use consensus::{NodeId, Timing};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use terminal::{End, Lab, Setup};
use trace::Record;

const CTRL_BACKSLASH: &str = "\x1c";
const CTRL_C: &str = "\x03";

/// `raft up` on a terminal of its own.
struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    keyboard: Box<dyn Write + Send>,
    output: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    /// Everything that was ever written, for programs that do not draw but print.
    written: String,
    _temporary: TempDir,
}

impl Terminal {
    fn start(arguments: &[&str], rows: u16, columns: u16) -> Terminal {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_raft"));
        command.arg("up");
        command.args(arguments);
        Terminal::start_command(command, rows, columns)
    }

    fn start_command(mut command: CommandBuilder, rows: u16, columns: u16) -> Terminal {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let temporary = tempfile::tempdir().unwrap();
        command.env("TMPDIR", temporary.path());
        command.env("TERM", "xterm-256color");
        for name in ["RAFT_TEST_PEERS", "RAFT_DATA", "NO_COLOR", "XDG_RUNTIME_DIR"] {
            command.env_remove(name);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        let keyboard = pair.master.take_writer().unwrap();
        let screen = vt100::Parser::new(cells(rows), cells(columns), 0);
        Terminal {
            child,
            master: pair.master,
            keyboard,
            output,
            screen,
            written: String::new(),
            _temporary: temporary,
        }
    }

    fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
        self.keyboard.flush().unwrap();
    }

    fn resize(&mut self, rows: u16, columns: u16) {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        self.master.resize(size).unwrap();
        self.screen.screen_mut().set_size(cells(rows), cells(columns));
    }

    fn text(&self) -> String {
        self.screen.screen().contents()
    }

    /// Reads the terminal until it shows what it should, and returns what was found.
    fn wait_for<T>(&mut self, what: &str, find: impl Fn(&Terminal) -> Option<T>) -> T {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            if let Some(found) = find(self) {
                return found;
            }
            assert!(Instant::now() < deadline, "waited in vain for {what} on this screen:\n{}", self.text());
            match self.output.recv_timeout(Duration::from_millis(50)) {
                Ok(bytes) => self.take(&bytes),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("the terminal was closed before {what}:\n{}", self.text())
                }
            }
        }
    }

    fn wait_for_text(&mut self, text: &str) {
        self.wait_for(text, |terminal| terminal.text().contains(text).then_some(()));
    }

    /// Waits for text that was ever written.
    fn wait_for_written(&mut self, text: &str) {
        self.wait_for(text, |terminal| terminal.written.contains(text).then_some(()));
    }

    fn wait_for_end(&mut self) -> u32 {
        let status = await_some("the end of the command", || self.child.try_wait().unwrap());
        while let Ok(bytes) = self.output.recv_timeout(Duration::from_secs(1)) {
            self.take(&bytes);
        }
        status.exit_code()
    }

    fn take(&mut self, bytes: &[u8]) {
        self.screen.process(bytes);
        self.written += &String::from_utf8_lossy(bytes);
    }

    /// The process ids of the servers that run.
    fn server_pids(&self) -> Vec<u32> {
        let parent = self.child.process_id().unwrap();
        let children = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap();
        children.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).expect("a terminal has rows and columns")
}

/// The leader in a text: `leader n2, term 1` gives 2 and 1.
fn leader_in(text: &str) -> Option<(u64, u64)> {
    let (_, rest) = text.rsplit_once("leader n")?;
    let (leader, rest) = rest.split_once(", term ")?;
    let term: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Some((leader.parse().ok()?, term.parse().ok()?))
}

fn leader_on_screen(terminal: &Terminal) -> Option<(u64, u64)> {
    terminal.text().lines().find_map(leader_in)
}

#[test]
fn ctrl_backslash_kills_the_leader_and_ctrl_c_stops_all_in_the_view() {
    let mut terminal = Terminal::start(&[], 24, 80);
    let (first, term) = terminal.wait_for("a leader", leader_on_screen);
    let pids = terminal.server_pids();
    assert_eq!(pids.len(), 3);

    terminal.press(CTRL_BACKSLASH);
    terminal.wait_for("another leader", |terminal| {
        leader_on_screen(terminal).filter(|(leader, later)| *leader != first && *later > term)
    });
    terminal.wait_for_text("dead");
    assert!(terminal.screen.screen().alternate_screen());

    terminal.press(CTRL_C);
    assert_eq!(terminal.wait_for_end(), 130);
    assert!(!terminal.screen.screen().alternate_screen(), "the terminal is as it was");
    assert!(!terminal.screen.screen().hide_cursor(), "the cursor is back");
    await_gone(&pids);
}

#[test]
fn keys_kill_restart_pause_and_resume_a_server() {
    let mut terminal = Terminal::start(&[], 30, 110);
    terminal.wait_for("a leader", leader_on_screen);
    terminal.press("2k");
    terminal.wait_for_text("killed n2");
    terminal.wait_for("n2 to be shown dead", |terminal| row_has(terminal, "n2", "dead"));
    terminal.press("r");
    terminal.wait_for("n2 to be back", |terminal| row_has(terminal, "n2", "follower"));
    terminal.press("s");
    terminal.wait_for("n2 to be shown paused", |terminal| row_has(terminal, "n2", "paused"));
    terminal.press("s");
    terminal.wait_for("n2 to go on", |terminal| row_has(terminal, "n2", "follower"));
    terminal.press("q");
    assert_eq!(terminal.wait_for_end(), 0);
    let farewell = terminal.text();
    assert!(farewell.contains("The cluster ran for ") && farewell.contains("n2 was killed."), "{farewell}");
    assert!(farewell.contains("raft up --record run.jsonl"), "{farewell}");
}

/// Does the first line that begins with the server's name, a mark before it aside, contain this?
fn row_has(terminal: &Terminal, server: &str, word: &str) -> Option<()> {
    let text = terminal.text();
    let is_row = |line: &&str| line.trim_start_matches(|c: char| !c.is_alphanumeric()).starts_with(server);
    text.lines().find(is_row).filter(|row| row.contains(word)).map(|_| ())
}

#[test]
fn a_terminal_that_is_too_small_says_so_and_recovers() {
    let mut terminal = Terminal::start(&[], 8, 40);
    terminal.wait_for_text("40×8");
    terminal.resize(24, 80);
    terminal.wait_for("a leader", leader_on_screen);
    terminal.press("q");
    assert_eq!(terminal.wait_for_end(), 0);
}

#[test]
fn a_signal_from_outside_works_in_the_view_too() {
    let mut terminal = Terminal::start(&[], 24, 80);
    let (first, _) = terminal.wait_for("a leader", leader_on_screen);
    let command = rustix::process::Pid::from_raw(terminal.child.process_id().unwrap() as i32).unwrap();
    rustix::process::kill_process(command, rustix::process::Signal::QUIT).unwrap();
    terminal.wait_for("another leader", |terminal| {
        leader_on_screen(terminal).filter(|(leader, _)| *leader != first)
    });
    rustix::process::kill_process(command, rustix::process::Signal::TERM).unwrap();
    assert_eq!(terminal.wait_for_end(), 143);
    assert!(!terminal.screen.screen().alternate_screen());
}

#[test]
fn a_scenario_is_played_forward_and_back() {
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/without/majority-wins.txt");
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_raft"));
    command.arg("replay");
    command.arg(scenario);
    let mut terminal = Terminal::start_command(command, 24, 80);
    terminal.wait_for_text("paused   step 0 of ");
    terminal.press("v");
    terminal.wait_for_text("term 1 has two leaders, n2 and n1");
    terminal.wait_for("both to lead", |terminal| {
        row_has(terminal, "n1", "leader").and(row_has(terminal, "n2", "leader"))
    });
    terminal.press("b");
    terminal.wait_for("n1 not to lead yet", |terminal| row_has(terminal, "n1", "follower"));
    terminal.press("n");
    terminal.wait_for("n1 to lead again", |terminal| row_has(terminal, "n1", "leader"));
    terminal.press("q");
    assert_eq!(terminal.wait_for_end(), 0);
    assert!(!terminal.screen.screen().alternate_screen(), "the terminal is as it was");
}

#[test]
fn a_scenario_is_chosen_from_the_list_and_played() {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_raft"));
    command.arg("replay");
    let mut terminal = Terminal::start_command(command, 24, 80);
    terminal.wait_for_text("1. Why a log, why a majority");
    terminal.press("majority-wins");
    terminal.wait_for_text("search: majority-wins");
    terminal.press("\x1b");
    terminal.wait_for_text("type to search");
    terminal.press("without/one-vote");
    terminal.wait_for_text("1 scenario");
    terminal.press("\r");
    terminal.wait_for_text("paused   step 0 of ");
    terminal.press("q");
    terminal.wait_for_text("search: without/one-vote");
    terminal.press("\x1b");
    terminal.wait_for_text("type to search");
    terminal.press("q");
    assert_eq!(terminal.wait_for_end(), 0);
    assert!(!terminal.screen.screen().alternate_screen(), "the terminal is as it was");
}

/// A command that plays a scenario.
fn with_scenario(command: &str) -> CommandBuilder {
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/without/majority-wins.txt");
    let mut built = CommandBuilder::new(env!("CARGO_BIN_EXE_raft"));
    built.arg(command);
    built.arg(scenario);
    built
}

#[test]
fn a_page_is_not_poured_onto_a_terminal() {
    let mut terminal = Terminal::start_command(with_scenario("export"), 24, 80);
    assert_eq!(terminal.wait_for_end(), 2);
    assert!(terminal.written.contains("help: name a file for it with -o"), "{}", terminal.written);
}

#[test]
fn a_signal_ends_a_replay_and_gives_the_terminal_back() {
    let mut terminal = Terminal::start_command(with_scenario("replay"), 24, 80);
    terminal.wait_for_text("paused   step 0 of ");
    let replay = rustix::process::Pid::from_raw(terminal.child.process_id().unwrap() as i32).unwrap();
    rustix::process::kill_process(replay, rustix::process::Signal::TERM).unwrap();
    assert_eq!(terminal.wait_for_end(), 143);
    assert!(!terminal.screen.screen().alternate_screen(), "the terminal is as it was");
}

#[test]
fn the_end_of_the_terminal_is_the_end_of_every_view() {
    let mut live = CommandBuilder::new(env!("CARGO_BIN_EXE_raft"));
    live.args(["up", "--nodes", "1"]);
    for (mut command, shown) in [(with_scenario("replay"), "paused   step 0 of "), (live, "leader n1")] {
        let temporary = tempfile::tempdir().unwrap();
        command.env("TMPDIR", temporary.path());
        command.env("TERM", "xterm-256color");
        let size = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let mut screen = vt100::Parser::new(cells(24), cells(80), 0);
        let mut buffer = [0; 4096];
        while !screen.screen().contents().contains(shown) {
            let count = reader.read(&mut buffer).unwrap();
            screen.process(&buffer[..count]);
        }
        drop((reader, pair.master));
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            await_some("the end of the command", || child.try_wait().unwrap())
        }));
        let _ = child.kill();
        let ended = ended.unwrap();
        assert_eq!(ended.exit_code(), 129, "{shown}: {ended:?}");
    }
}

/// A source of records that fails at once.
struct Broken;

impl Lab for Broken {
    fn news(&mut self) -> Vec<Record> {
        panic!("this laboratory is broken")
    }

    fn perform(&mut self, _action: &Action) -> Result<String, String> {
        unreachable!("no key is pressed")
    }

    fn slow_motion(&self) -> SlowMotionState {
        SlowMotionState::default()
    }

    fn want_slow_motion(&mut self, _is_wanted: bool) -> String {
        unreachable!("no key is pressed")
    }

    fn put(&mut self, _at: Option<NodeId>) -> Result<String, String> {
        unreachable!("no key is pressed")
    }

    fn end_requested(&mut self) -> Option<End> {
        None
    }

    fn announcements(&mut self) -> Vec<Result<String, String>> {
        Vec::new()
    }

    fn now(&self) -> u64 {
        0
    }
}

/// Runs itself a second time, on a terminal of its own, to panic there.
#[test]
fn a_panic_gives_the_terminal_back() {
    const PANICS: &str = "PANICS_IN_THE_VIEW";
    if std::env::var_os(PANICS).is_some() {
        let setup = Setup {
            servers: vec![NodeId(1)],
            timing: Timing::default(),
            seed: 0,
            speed: 1.0,
            latency: Duration::ZERO,
            data: String::new(),
            page: None,
        };
        terminal::run(&mut Broken, setup).unwrap();
    }
    let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
    command.args(["--exact", "terminal::a_panic_gives_the_terminal_back", "--nocapture"]);
    command.env(PANICS, "yes");
    let mut terminal = Terminal::start_command(command, 24, 80);
    assert_ne!(terminal.wait_for_end(), 0);
    assert!(terminal.written.contains("\x1b[?1049h"), "the view had taken the terminal over");
    assert!(!terminal.screen.screen().alternate_screen(), "the terminal is as it was");
    assert!(terminal.written.contains("this laboratory is broken"), "the panic can be read");
}

#[test]
fn keys_without_the_view_are_signals() {
    let mut terminal = Terminal::start(&["--plain"], 50, 120);
    let leader = |terminal: &Terminal| leader_in(terminal.written.rsplit_once("── ")?.1);
    let (first, _) = terminal.wait_for("a leader", leader);
    let pids = terminal.server_pids();
    terminal.press(CTRL_BACKSLASH);
    terminal.wait_for("another leader", |terminal| leader(terminal).filter(|(leader, _)| *leader != first));
    terminal.press(CTRL_C);
    assert_eq!(terminal.wait_for_end(), 130);
    await_gone(&pids);
}

/// In the course's task, what is typed can be edited, and earlier commands come back.
#[test]
fn commands_of_the_course_can_be_edited() {
    const LEFT: &str = "\x1b[D";
    const UP: &str = "\x1b[A";
    let progress = tempfile::tempdir().unwrap();
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_raft"));
    command.args(["learn", "2"]);
    command.env("XDG_DATA_HOME", progress.path());
    let mut terminal = Terminal::start_command(command, 24, 80);
    for card in 1..=4 {
        terminal.wait_for_written(&format!("Card {card} of 5"));
        terminal.press("skip\r");
    }
    terminal.wait_for_written("Type commands.");
    terminal.press("timout n2");
    terminal.press(&LEFT.repeat(6));
    terminal.press("e\r");
    terminal.wait_for_written("become a candidate");
    terminal.press("undo\r");
    terminal.wait_for_written("Taken back: timeout n2");
    // Two lines that are pasted are two commands.
    terminal.press(UP);
    terminal.press(UP);
    terminal.press("\rsettle\r");
    terminal.wait_for_written("Done: all checks hold.");
    terminal.wait_for_written("Press Enter to go on with it");
    terminal.press("quit\r");
    assert_eq!(terminal.wait_for_end(), 0);
    assert!(!terminal.text().contains("[D"), "{}", terminal.text());
}

#[test]
fn ctrl_c_leaves_the_course_while_a_line_is_edited() {
    let progress = tempfile::tempdir().unwrap();
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_raft"));
    command.args(["learn", "2"]);
    command.env("XDG_DATA_HOME", progress.path());
    let mut terminal = Terminal::start_command(command, 24, 80);
    terminal.wait_for_written("Card 1 of 5");
    terminal.press("n1");
    terminal.press(CTRL_C);
    terminal.wait_for_written("Your answers are saved. Run the same command to continue.");
    assert_eq!(terminal.wait_for_end(), 130);
}
