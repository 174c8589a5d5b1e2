//! What the tests with real processes share. They wait for what they expect to see, never for time to pass;
//! `TIMEOUT` only limits how long a broken product keeps them waiting.

pub mod forged;
pub mod founded;
pub mod page;
pub mod watched;

use consensus::event::What;
use consensus::{NodeId, RoleKind, Term};
use page::Page;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use trace::{ClusterView, Event, Process, Record};

/// How long to wait for what must happen.
pub const TIMEOUT: Duration = Duration::from_secs(60);

/// A server's HTTP response: the whole response, head and body.
pub fn ask(address: &str, method_and_path: &str, body: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    let head = format!("{method_and_path} HTTP/1.1\r\nHost: localhost\r\nConnection: close");
    write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

/// The `raft` command, without the settings in the environment of the tests.
pub fn raft() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_raft"));
    forget_settings(&mut command);
    command
}

/// Hides the settings in the environment of the tests from a command.
pub fn forget_settings(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("RAFT_") {
            command.env_remove(name);
        }
    }
    // The clusters of a test are found by that test alone.
    command.env_remove("XDG_RUNTIME_DIR");
}

/// A running `raft up --json`. Dropping it leaves no process.
pub struct Up {
    child: Child,
    lines: Receiver<String>,
    /// Its standard error.
    said: Receiver<String>,
    pub records: Vec<Record>,
    pub view: ClusterView,
    /// The command's folder for temporary files: a killed command can't remove its own.
    _temporary: TempDir,
}

impl Up {
    pub fn start(arguments: &[&str], servers: u64) -> Up {
        let mut command = raft();
        command.args(["up", "--json", "--nodes", &servers.to_string()]).args(arguments);
        Up::start_command(command, servers)
    }

    pub fn start_command(mut command: Command, servers: u64) -> Up {
        let temporary = tempfile::tempdir().unwrap();
        if !command.get_envs().any(|(name, _)| name == "TMPDIR") {
            command.env("TMPDIR", temporary.path());
        }
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = lines_of(child.stdout.take().unwrap());
        let said = lines_of(child.stderr.take().unwrap());
        Up {
            child,
            lines,
            said,
            records: Vec::new(),
            view: ClusterView::new((1..=servers).map(NodeId)),
            _temporary: temporary,
        }
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// The page that shows it.
    pub fn page(&self) -> Page {
        Page::announced_in(&self.said)
    }

    /// Reads on until the cluster is as it should be.
    pub fn wait_until(&mut self, what: &str, is_so: impl Fn(&Up) -> bool) {
        let deadline = Instant::now() + TIMEOUT;
        while !is_so(self) {
            let timeout = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(timeout) {
                Ok(line) => self.take(&line),
                Err(error) => {
                    panic!("{what}: {error}; the last state: {}; {:#?}", self.view, self.last_records())
                }
            }
        }
    }

    pub fn wait_for_leader(&mut self) -> NodeId {
        self.wait_until("a leader", |up| up.view.leader().is_some());
        self.view.leader().unwrap()
    }

    /// Waits for the end of the command, reading everything that it still prints.
    pub fn wait_for_end(&mut self) -> ExitStatus {
        let deadline = Instant::now() + TIMEOUT;
        while let Ok(line) = self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            self.take(&line);
        }
        await_some("the end of the command", || self.child.try_wait().unwrap())
    }

    /// The process ids of all servers that were ever started.
    pub fn pids(&self) -> Vec<u32> {
        let pid = |record: &Record| match record.event {
            Event::Process(Process::Started { pid, .. }) => Some(pid),
            _ => None,
        };
        self.records.iter().filter_map(pid).collect()
    }

    fn take(&mut self, line: &str) {
        let record = Record::from_json(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.view.apply(&record);
        self.records.push(record);
    }

    fn last_records(&self) -> &[Record] {
        &self.records[self.records.len().saturating_sub(10)..]
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lines of a pipe, as they arrive. They are read to the end, even if they are not needed.
pub fn lines_of(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    lines
}

/// Asks again and again until there is an answer.
pub fn await_some<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + TIMEOUT;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Runs a command that must end by itself.
pub fn ended(command: &mut Command) -> Output {
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let pid = Pid::from_child(&child);
    let is_over = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        await_some("the end of the command", || child.try_wait().unwrap())
    }));
    if is_over.is_err() {
        let _ = kill_process(pid, Signal::KILL);
    }
    let output = child.wait_with_output().unwrap();
    assert!(is_over.is_ok(), "it did not end: {output:?}");
    output
}

/// Makes a named pipe; opening it waits for the other end.
pub fn make_pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Waits until none of these processes is left.
pub fn await_gone(pids: &[u32]) {
    for &pid in pids {
        await_some(&format!("process {pid} to be gone"), || (!is_alive(pid)).then_some(()));
    }
}

pub fn is_alive(pid: u32) -> bool {
    Pid::from_raw(pid as i32).is_some_and(|pid| test_kill_process(pid).is_ok())
}

/// The leaders of each term.
pub fn leaders_by_term(records: &[Record]) -> BTreeMap<Term, Vec<NodeId>> {
    let mut leaders: BTreeMap<Term, Vec<NodeId>> = BTreeMap::new();
    for record in records {
        if is_election(record) {
            leaders.entry(record.term).or_default().push(record.node);
        }
    }
    leaders
}

pub fn is_election(record: &Record) -> bool {
    let leader = What::Role { role: RoleKind::Leader, was: Some(RoleKind::Candidate) };
    matches!(&record.event, Event::Decision(decision) if decision.what == leader)
}

/// §5.2: at most one leader in a term.
pub fn assert_one_leader_per_term(records: &[Record]) {
    for (term, leaders) in leaders_by_term(records) {
        assert_eq!(leaders.len(), 1, "term {term} has the leaders {leaders:?}");
    }
}
