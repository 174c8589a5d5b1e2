//! A program that answers questions, in a process of its own: it sees the questions and nothing else of the grader.

use super::group::Group;
use command::Failure;
use practice::{question_line, read_answer};
use simulator::{Condition, Question, Substitute, Verdict};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, channel, sync_channel};
use std::thread;
use std::time::Duration;
use trace::shown;

/// Maximum length of an answer in bytes; number of questions and of answers that may wait; maximum number of bytes of its
/// standard error that are kept.
const LONGEST_ANSWER: u64 = 1_000;
const LINES_THAT_WAIT: usize = 16;
const MOST_SAID: usize = 4_000;

/// Maximum number of answers that are remembered: then all are forgotten.
const MOST_REMEMBERED: usize = 1_000_000;

/// A program that dies is started again, up to this number of times.
const MOST_STARTS: usize = 100;

/// How long to wait for the last words of a program that has ended.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What is inherited of the environment: enough to find interpreters, and no secret.
const INHERITED: [&str; 6] = ["PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "USER"];

/// A learner's program.
#[derive(Debug)]
pub(super) struct Program {
    /// The program and its arguments.
    command: Vec<String>,
    folder: PathBuf,
    answer_within: Duration,
    running: Option<Running>,
    starts: usize,
    /// The answers are those of a pure function: the same question is asked once.
    known: HashMap<Question, Result<Verdict, String>>,
    /// Why it is not started again.
    given_up: Option<String>,
}

#[derive(Debug)]
struct Running {
    group: Group,
    questions: SyncSender<String>,
    answers: Receiver<Line>,
    /// All that it says on standard error, once that is closed.
    said: Receiver<String>,
}

/// A line of its standard output.
#[derive(Debug)]
struct Line {
    text: String,
    /// More came with it.
    is_followed: bool,
}

impl Program {
    /// Starts it in this folder.
    ///
    /// # Errors
    /// If it can't be started.
    pub(super) fn start(
        command: Vec<String>,
        folder: &Path,
        answer_within: Duration,
    ) -> Result<Program, Failure> {
        let (known, folder) = (HashMap::new(), folder.to_owned());
        let mut program =
            Program { command, folder, answer_within, running: None, starts: 0, known, given_up: None };
        program.running = Some(program.run().map_err(|error| {
            let help =
                "name a program that can be executed, with its arguments: --program 'python3 answer.py'";
            Failure::of(error, help)
        })?);
        Ok(program)
    }

    /// Its answers in the place of Raft's.
    pub(super) fn substitute(self, condition: Condition) -> Substitute {
        let program = Mutex::new(self);
        Substitute::new(condition, move |question| {
            program.lock().expect("no question ends in a panic").answer(question)
        })
    }

    fn answer(&mut self, question: &Question) -> Result<Verdict, String> {
        if let Some(known) = self.known.get(question) {
            return known.clone();
        }
        let answer = match &self.given_up {
            Some(why) => Err(why.clone()),
            None => self.ask(question),
        };
        if self.known.len() >= MOST_REMEMBERED {
            self.known.clear();
        }
        self.known.insert(question.clone(), answer.clone());
        answer
    }

    fn ask(&mut self, question: &Question) -> Result<Verdict, String> {
        let mut running = match self.running.take() {
            Some(running) => running,
            None => self.run()?,
        };
        let line = question_line(question);
        if let Err(TrySendError::Full(_)) = running.questions.try_send(format!("{line}\n")) {
            return Err("the program answers questions that it does not read".to_owned());
        }
        let Line { text, is_followed } = match running.answers.recv_timeout(self.answer_within) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => {
                let within = humantime::format_duration(self.answer_within);
                let why = format!(
                    "the program did not answer within {within}, and was killed (does it flush its output?). It was asked: {line}"
                );
                return Err(self.given_up.insert(why).clone());
            }
            Err(RecvTimeoutError::Disconnected) => return Err(running.last_words(&line)),
        };
        let verdict = read_answer(question.condition(), &text).map_err(|expected| {
            format!("the program answered \"{}\", not {expected}. It was asked: {line}", shown(text.trim()))
        })?;
        if is_followed || running.answers.try_recv().is_ok() {
            let why = "the program printed more than the answer on standard output. Print to standard error";
            return Err(format!("{why}. It was asked: {line}"));
        }
        self.running = Some(running);
        Ok(verdict)
    }

    fn run(&mut self) -> Result<Running, String> {
        self.starts += 1;
        if self.starts > MOST_STARTS {
            let why = format!("the program has ended {MOST_STARTS} times without an answer");
            return Err(self.given_up.insert(why).clone());
        }
        let (name, arguments) = self.command.split_first().ok_or("there is no program's name")?;
        let inherited = INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        let mut command = Command::new(name);
        command
            .args(arguments)
            .current_dir(&self.folder)
            .env_clear()
            .envs(inherited)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut group =
            Group::spawn(&mut command).map_err(|error| format!("can't start {}: {error}", shown(name)))?;
        let child = &mut group.child;
        let mut input = child.stdin.take().expect("it is piped");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut errors = child.stderr.take().expect("it is piped");
        let (questions, asked) = sync_channel::<String>(LINES_THAT_WAIT);
        thread::spawn(move || {
            // If it has ended, no answer comes either.
            while let Ok(question) = asked.recv() {
                let _ = input.write_all(question.as_bytes());
            }
        });
        let (answered, answers) = sync_channel(LINES_THAT_WAIT);
        thread::spawn(move || {
            let mut bytes = Vec::new();
            while let Ok(1..) = lines.by_ref().take(LONGEST_ANSWER).read_until(b'\n', &mut bytes) {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let is_followed = !lines.buffer().is_empty();
                if answered.send(Line { text, is_followed }).is_err() {
                    return;
                }
                bytes.clear();
            }
        });
        let (done, said) = channel();
        thread::spawn(move || {
            let (mut kept, mut buffer) = (Vec::new(), [0; 1024]);
            while let Ok(count @ 1..) = errors.read(&mut buffer) {
                kept.extend_from_slice(&buffer[..count]);
                kept.drain(..kept.len().saturating_sub(MOST_SAID));
            }
            let _ = done.send(String::from_utf8_lossy(&kept).into_owned());
        });
        Ok(Running { group, questions, answers, said })
    }
}

impl Running {
    /// How it has ended, and what it said.
    fn last_words(&mut self, question: &str) -> String {
        let status = self.group.end().map_or_else(|error| error.to_string(), |status| status.to_string());
        let said = self.said.recv_timeout(LAST_WORDS).unwrap_or_default();
        let lines = said.lines().map(str::trim).filter(|line| !line.is_empty() && !is_hint(line));
        let lines: Vec<&str> = lines.collect();
        let last = lines[lines.len().saturating_sub(3)..].join(" ");
        let words = if last.is_empty() { String::new() } else { format!(", and said: {}", shown(&last)) };
        format!("the program ended ({status}){words}. It was asked: {question}")
    }
}

/// What Rust says after each panic.
fn is_hint(line: &str) -> bool {
    line.starts_with("note: run with `RUST_BACKTRACE=1`")
}
