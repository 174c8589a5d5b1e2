//! Runs the commands of a document as its reader would: one after the other in one terminal, and those that
//! keep running in others.

use super::markdown::{How, root};
use super::quoted::{Printed, matches};
use crate::common::TIMEOUT;
use regex::{Captures, Regex};
use rustix::process::{Pid, Signal, kill_process_group};
use std::collections::BTreeMap;
use std::fs::{self, DirBuilder};
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::LazyLock;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// In documents, `cargo run` stands for the command that was built.
const CARGO: &str = r#"#!/bin/sh
[ "$1 $2" = "run --release" ] || { echo "cargo $*: documents may only run it" >&2; exit 1; }
shift 2
[ "$1" != -- ] || shift
exec raft "$@"
"#;

/// What a terminal knows from earlier commands: its variables, and its current folder. Ctrl+C is for the
/// command, not for the shell.
const KNOWING: &str = r#"
[ ! -e "$STATE/variables" ] || . "$STATE/variables"
[ ! -e "$STATE/folder" ] || cd "$(cat "$STATE/folder")"
trap : INT
set -a
"#;

/// What it passes on to later commands.
const REMEMBERING: &str = r#"
remember() { status=$?; export -p > "$STATE/variables"; pwd > "$STATE/folder"; exit $status; }
trap remember EXIT
"#;

/// Ports in a document: those that a command listens on, or connects to.
static PORTS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(:|--base-port )(\d{4,5})\b").unwrap());

/// A reader's terminals, with a folder, a `raft` and ports of their own. Dropping them ends everything that
/// runs there.
pub struct Session {
    folder: TempDir,
    /// The free port for each port of the document.
    ports: BTreeMap<u16, u16>,
    running: Vec<Running>,
}

impl Session {
    /// `text` contains all ports that the commands will name.
    pub fn new(text: &str) -> Session {
        let folder = tempfile::tempdir().unwrap();
        let made = |name: &str| {
            let path = folder.path().join(name);
            DirBuilder::new().mode(0o700).create(&path).unwrap();
            path
        };
        let [work, bin, ..] = ["work", "bin", "run", "tmp", "state", "data"].map(made);
        for files in ["scenarios", "course"] {
            symlink(root().join(files), work.join(files)).unwrap();
        }
        let cargo = bin.join("cargo");
        fs::write(&cargo, CARGO).unwrap();
        fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).unwrap();
        Session { folder, ports: free_ports(text), running: Vec::new() }
    }

    fn shell(&self, script: &str) -> Command {
        let path = |name: &str| self.folder.path().join(name);
        let raft = Path::new(env!("CARGO_BIN_EXE_raft")).parent().unwrap().to_owned();
        let found_in = [path("bin"), raft].into_iter();
        let others = std::env::var_os("PATH").unwrap_or_default();
        let found_in: Vec<PathBuf> = found_in.chain(std::env::split_paths(&others)).collect();
        let mut command = Command::new("sh");
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("RAFT_") {
                command.env_remove(name);
            }
        }
        command
            .args(["-c", script])
            .current_dir(path("work"))
            .env("PATH", std::env::join_paths(found_in).unwrap())
            .env("STATE", path("state"))
            .env("TMPDIR", path("tmp"))
            // While many tests run, servers wait for each other; no leader must be deposed because of that.
            .env("RAFT_ELECTION_TIMEOUT", "400ms..800ms")
            .env("RAFT_PATIENCE", "60s")
            // The clusters of a document are found by that document alone.
            .env("XDG_RUNTIME_DIR", path("run"))
            .env("XDG_DATA_HOME", path("data"))
            .env_remove("UPDATE_GOLDEN")
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Starts a command in the terminal that keeps its state.
    pub fn start(&self, command: &str) -> Running {
        self.start_with(&format!("{KNOWING}{REMEMBERING}"), command)
    }

    fn start_with(&self, before: &str, command: &str) -> Running {
        let script = format!("{before}\n{}", self.with_free_ports(command));
        Running::new(self.shell(&script), command, self.reversed_ports())
    }

    /// Starts a command in a terminal of its own, where it stays until the end of the document.
    pub fn leave_running(&mut self, command: &str) -> &mut Running {
        let running = self.start_with(KNOWING, command);
        self.running.push(running);
        self.running.last_mut().unwrap()
    }

    /// Presses Ctrl+C in the terminals whose command has this in it.
    pub fn interrupt(&mut self, text: &str) {
        let (ended, going_on) = self.running.drain(..).partition(|running| running.command.contains(text));
        self.running = going_on;
        let ended: Vec<Running> = ended;
        assert!(!ended.is_empty(), "no command with \"{text}\" runs");
        for mut running in ended {
            running.signal(Signal::INT);
            assert!(running.end().is_some(), "Ctrl+C does not end: {}", running.command);
        }
    }

    /// Checks the arguments of a `raft` command without running it.
    pub fn check_arguments(&self, command: &str) -> Running {
        let script = format!("raft() {{ command raft \"$@\" --help > /dev/null; }}\n{command}");
        Running::new(self.shell(&script), command, BTreeMap::new())
    }

    fn with_free_ports(&self, text: &str) -> String {
        replaced(text, &self.ports)
    }

    fn reversed_ports(&self) -> BTreeMap<u16, u16> {
        self.ports.iter().map(|(named, free)| (*free, *named)).collect()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // A cluster that is asked to end removes what it has created.
        self.running.iter().for_each(|running| running.signal(Signal::INT));
        for running in &mut self.running {
            running.wait(Instant::now() + Duration::from_secs(5));
        }
    }
}

/// A command with everything that it starts. Dropping it kills them.
pub struct Running {
    child: Child,
    lines: Receiver<(Stream, String)>,
    ports: BTreeMap<u16, u16>,
    /// The command as written in the document.
    pub command: String,
    /// What it has printed so far, with the document's ports in it.
    pub printed: Printed,
}

#[derive(Debug, Clone, Copy)]
enum Stream {
    Output,
    Error,
}

impl Running {
    fn new(mut shell: Command, command: &str, ports: BTreeMap<u16, u16>) -> Running {
        let mut child = shell.spawn().unwrap_or_else(|error| panic!("{shell:?}: {error}"));
        let (sender, lines) = channel();
        pass_on(child.stdout.take().unwrap(), Stream::Output, sender.clone());
        pass_on(child.stderr.take().unwrap(), Stream::Error, sender);
        Running { child, lines, ports, command: command.to_owned(), printed: Printed::default() }
    }

    pub fn signal(&self, signal: Signal) {
        let _ = kill_process_group(Pid::from_child(&self.child), signal);
    }

    fn take(&mut self, (stream, line): (Stream, String)) {
        let line = replaced(line.trim_end(), &self.ports);
        match stream {
            Stream::Output => self.printed.output.push(line),
            Stream::Error => self.printed.error.push(line),
        }
    }

    /// Reads on until this holds; `false` if it never does.
    fn hear_until(&mut self, is_so: impl Fn(&Printed) -> bool) -> bool {
        let deadline = Instant::now() + TIMEOUT;
        while !is_so(&self.printed) {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => self.take(line),
                Err(_) => return false,
            }
        }
        true
    }

    pub fn hear_text(&mut self, text: &str) -> bool {
        self.hear_until(|printed| printed.lines().any(|line| line.contains(text)))
    }

    /// Waits until it has printed this; more may follow.
    pub fn hear_lines(&mut self, expected: &[String], how: &How) -> bool {
        self.hear_until(|printed| matches(expected, &how.quoted_part(printed), how.numbers_vary, true))
    }

    /// The exit status, if it ended in time.
    pub fn end(&mut self) -> Option<ExitStatus> {
        self.wait(Instant::now() + TIMEOUT)
    }

    fn wait(&mut self, deadline: Instant) -> Option<ExitStatus> {
        // Processes that it started may keep the pipes open, so their end is not the end of the command.
        loop {
            match self.lines.recv_timeout(Duration::from_millis(5)) {
                Ok(line) => self.take(line),
                Err(RecvTimeoutError::Disconnected) => std::thread::sleep(Duration::from_millis(1)),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                while let Ok(line) = self.lines.recv_timeout(Duration::from_millis(200)) {
                    self.take(line);
                }
                return Some(status);
            }
            if Instant::now() > deadline {
                return None;
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        let _ = self.child.wait();
    }
}

/// Sends the lines of a pipe, as they arrive.
fn pass_on(pipe: impl Read + Send + 'static, stream: Stream, sender: Sender<(Stream, String)>) {
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            let _ = sender.send((stream, line));
        }
    });
}

fn replaced(text: &str, ports: &BTreeMap<u16, u16>) -> String {
    let other = |found: &Captures| {
        let port = found[2].parse().ok().and_then(|port: u16| ports.get(&port));
        port.map_or(found[0].to_owned(), |port| format!("{}{port}", &found[1]))
    };
    PORTS.replace_all(text, other).into_owned()
}

/// A free port for each one that is named. Consecutive ports stay consecutive, with some more after each
/// group for the servers that `--base-port` implies. They are below those that the system assigns by itself.
fn free_ports(text: &str) -> BTreeMap<u16, u16> {
    let named = PORTS.captures_iter(text).filter_map(|found| found[2].parse::<u16>().ok());
    let mut wanted: Vec<u16> = named.flat_map(|port| port..=port.saturating_add(2)).collect();
    wanted.sort_unstable();
    wanted.dedup();
    let mut ports = BTreeMap::new();
    // Held until the end: two groups must not share a port.
    let mut held = Vec::new();
    for group in wanted.chunk_by(|one, next| one + 1 == *next) {
        let first = loop {
            let first = fastrand::u16(10_000..30_000);
            let listeners: Option<Vec<TcpListener>> =
                (first..).take(group.len()).map(|port| TcpListener::bind(("127.0.0.1", port)).ok()).collect();
            if let Some(listeners) = listeners {
                held.extend(listeners);
                break first;
            }
        };
        ports.extend(group.iter().copied().zip(first..));
    }
    ports
}
