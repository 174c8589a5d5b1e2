//! One server's process, and the pipes to it.

use consensus::NodeId;
use rustix::process::{Pid, Signal, kill_process};
use server::{Command, Secret};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, ExitStatus, Stdio};
use std::sync::mpsc::SyncSender;
use std::thread::JoinHandle;
use trace::Record;

/// A report of a server's process.
#[derive(Debug)]
pub(crate) enum Report {
    /// Something happened.
    Record(Record),
    /// It closed its standard output, as a process does when it ends.
    Ended { id: NodeId, pid: u32 },
}

/// A running server process.
#[derive(Debug)]
pub(crate) struct Member {
    child: Child,
    commands: ChildStdin,
    last_words: JoinHandle<String>,
}

impl Member {
    /// Starts a server's process, in a process group of its own, so that a key pressed in the terminal
    /// reaches only its parent.
    pub(crate) fn start(
        id: NodeId,
        mut command: std::process::Command,
        secret: &Secret,
        reports: SyncSender<Report>,
    ) -> io::Result<Member> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn()?;
        let mut commands = child.stdin.take().expect("its standard input is a pipe");
        // If it has ended already, its standard error says why.
        let _ = commands.write_all(format!("{}\n", secret.to_hex()).as_bytes());
        // A halted process reads nothing. Its full pipe must not halt the writer too.
        rustix::io::ioctl_fionbio(&commands, true)?;
        let stdout = child.stdout.take().expect("its standard output is a pipe");
        let stderr = child.stderr.take().expect("its standard error is a pipe");
        let pid = child.id();
        std::thread::spawn(move || report_records(id, pid, stdout, &reports));
        let last_words = std::thread::spawn(move || read_last_words(stderr));
        Ok(Member { child, commands, last_words })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends the server a command. A server that is about to die, or is halted with a full pipe, does not get
    /// it.
    pub(crate) fn send(&mut self, command: &Command) {
        let mut line = serde_json::to_vec(command).expect("commands have a JSON");
        line.push(b'\n');
        let _ = self.commands.write_all(&line);
    }

    pub(crate) fn signal(&self, signal: Signal) -> io::Result<()> {
        Ok(kill_process(Pid::from_child(&self.child), signal)?)
    }

    /// Kills the process (SIGKILL) if it still runs, and returns its exit status and the last output on
    /// standard error.
    pub(crate) fn kill(mut self) -> io::Result<(ExitStatus, String)> {
        self.child.kill()?;
        self.wait()
    }

    /// Waits for the process, which is about to end or has ended.
    pub(crate) fn wait(mut self) -> io::Result<(ExitStatus, String)> {
        drop(self.commands);
        let status = self.child.wait()?;
        Ok((status, self.last_words.join().unwrap_or_default()))
    }
}

fn report_records(id: NodeId, pid: u32, stdout: ChildStdout, reports: &SyncSender<Report>) {
    for line in BufReader::new(stdout).lines().map_while(Result::ok) {
        // A line cut short when the process died is not a record.
        if let Ok(record) = Record::from_json(&line)
            && reports.send(Report::Record(record)).is_err()
        {
            return;
        }
    }
    let _ = reports.send(Report::Ended { id, pid });
}

/// The standard error of a process, at most the first 16 KiB of it.
fn read_last_words(stderr: ChildStderr) -> String {
    let mut words = Vec::new();
    let mut stderr = stderr.take(16 * 1024);
    let _ = stderr.read_to_end(&mut words);
    let _ = io::copy(stderr.get_mut(), &mut io::sink());
    String::from_utf8_lossy(&words).trim().to_owned()
}
