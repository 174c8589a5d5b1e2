//! `raft practice`, as a learner, a teacher and an autograder use it.

use crate::common::raft;
use serde_json::Value;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// In a test that breaks, it would wait forever.
const LIMIT: Duration = Duration::from_secs(60);

/// `raft practice`, in a folder of its own.
struct Desk(TempDir);

/// The exit status, standard output and standard error.
type Ended = (Option<i32>, String, String);

impl Desk {
    fn new() -> Desk {
        Desk(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// `raft practice` with a secret that nobody may see.
    fn with_secret(&self, arguments: &[&str]) -> Output {
        let mut command = raft();
        command.arg("practice").args(arguments).current_dir(self.path()).env("RAFT_PRACTICE_SECRET", "hush");
        command.output().unwrap()
    }

    fn raft(&self, arguments: &[&str], input: &str) -> Ended {
        let mut command = raft();
        command.args(arguments).current_dir(self.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // It may not read all of it.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
        let [stdout, stderr] = [stdout, stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        (status.code(), stdout, stderr)
    }

    fn practice(&self, arguments: &[&str]) -> Ended {
        self.raft(&[&["practice"], arguments].concat(), "")
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let (_, stdout, stderr) = self.practice(&[arguments, &["--json"]].concat());
        serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}{stderr}"))
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// What comes of a program that is this shell script.
    fn program(&self, script: &str) -> Ended {
        self.write("answer.sh", &format!("#!/bin/sh\n{script}\n"));
        self.practice(&[
            "restarts-timer",
            "--program",
            "./answer.sh",
            "--seeds",
            "10",
            "--answer-within",
            "5s",
        ])
    }
}

/// Right for `restarts-timer`.
const GRANTED: &str = "while read -r name argument; do echo \"${argument#granted=}\"; done";

fn assert_has(text: &str, words: &[&str]) {
    // Lines are broken where they are full.
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in words {
        assert!(flat.contains(words), "\"{words}\" is missing in:\n{text}");
    }
}

#[test]
fn the_exercises_are_listed() {
    let (status, stdout, _) = Desk::new().practice(&[]);
    assert_eq!(status, Some(0));
    assert_has(&stdout, &["up-to-date", "may-commit", "raft practice mystery", "raft practice break RULE"]);
}

#[test]
fn a_wrong_answer_is_shown_wrong_in_a_run_that_can_be_replayed() {
    let desk = Desk::new();
    let wrong = ["up-to-date", "--expression", "candidate.index >= own.index"];
    let (status, stdout, _) = desk.practice(&wrong);
    assert_eq!(status, Some(1));
    let replay = "raft replay practice-up-to-date/replays/later-term.jsonl --at n3:22";
    assert_has(&stdout, &["✗ 0 of 3", "5 of 10 points", "VIOLATED: leader completeness", replay]);
    let file = "practice-up-to-date/replays/later-term.jsonl";
    let (status, story, _) = desk.raft(&["replay", file], "");
    assert_eq!(status, Some(0));
    assert_has(&story, &["VIOLATED: leader completeness (§5.4, Figure 3): n3 leads term 5 without entry 3"]);
    let (status, why, _) = desk.raft(&["why", file], "");
    assert_eq!(status, Some(0));
    assert_has(&why, &["n3", "leader completeness"]);
    let recorded = fs::read_to_string(desk.path().join(file)).unwrap();
    for told in [&stdout, &story, &why, &recorded] {
        assert_has(told, &["your answer says yes where Raft says no"]);
        assert!(!told.contains("accept it anyway"), "{told}");
    }

    // A right answer leaves no old run behind.
    let right = "candidate.term > own.term || candidate.term == own.term && candidate.index >= own.index";
    let (status, stdout, _) = desk.practice(&["up-to-date", "--seeds", "10", "--expression", right]);
    assert_eq!(status, Some(0), "{stdout}");
    assert_has(&stdout, &["10 of 10 points", "No counterexample in the random runs is not a proof"]);
    assert!(!desk.path().join(file).exists());
}

#[test]
fn a_project_is_made_built_and_graded() {
    let desk = Desk::new();
    let (status, stdout, stderr) = desk.practice(&["may-commit"]);
    assert_eq!((status, stdout.as_str()), (Some(1), ""), "nothing is graded yet");
    assert_has(&stderr, &["Fill in the function in practice-may-commit/src/lib.rs"]);

    let (status, stdout, _) = desk.practice(&["may-commit"]);
    assert_eq!(status, Some(1));
    assert_has(&stdout, &["0 of 10 points", "not yet implemented", "src/lib.rs:", "no server panics"]);

    let file = desk.path().join("practice-may-commit/src/lib.rs");
    let begun = fs::read_to_string(&file).unwrap();
    assert!(begun.contains("pub fn may_commit(entry: u64, current: u64) -> bool"), "{begun}");
    fs::write(&file, begun.replace("todo!()", "entry = current")).unwrap();
    let (status, stdout, _) = desk.practice(&["may-commit"]);
    assert_eq!(status, Some(1));
    assert_has(&stdout, &["It does not compile:", "src/lib.rs:", "0 of 10 points"]);
    fs::write(&file, begun.replace("todo!()", &"no_such_function();\n".repeat(100))).unwrap();
    let (_, stdout, _) = desk.practice(&["may-commit"]);
    assert_has(&stdout, &["cannot find function `no_such_function`", "more lines. To see all: cargo build"]);
    assert!(stdout.lines().count() < 60, "{stdout}");

    fs::write(&file, begun.replace("todo!()", "entry == current")).unwrap();
    let (status, stdout, stderr) = desk.practice(&["may-commit", "--seeds", "20"]);
    assert_eq!(status, Some(0), "{stdout}{stderr}");
    assert_has(&stdout, &["10 of 10 points"]);
}

/// Each project's frame fits its function.
#[test]
fn each_project_compiles() {
    let desk = Desk::new();
    for blank in practice::Blank::ALL {
        desk.practice(&[blank.id]);
        let (_, stdout, stderr) = desk.practice(&[blank.id]);
        assert_has(&stdout, &["not yet implemented"]);
        assert_eq!(stderr, "");
    }
}

#[test]
fn a_program_in_another_language_answers() {
    let desk = Desk::new();
    let (status, stdout, stderr) = desk.program(GRANTED);
    assert_eq!(status, Some(0), "{stdout}{stderr}");
    let (status, stdout, _) = desk.program("while read -r question; do echo true; done");
    assert_eq!(status, Some(1));
    assert_has(&stdout, &["✗ 0 of 4", "✓ 4 of 4", "election timers run out"]);
}

#[test]
fn a_program_that_fails_loses_its_points_and_is_told_why() {
    let desk = Desk::new();
    let failures = [
        ("while read -r question; do echo maybe; done", "answered \"maybe\", not true or false"),
        ("echo I do not know >&2; exit 3", "the program ended (exit status: 3), and said: I do not know"),
        ("read -r question; kill -9 $$", "the program ended (signal: 9"),
        ("while read -r question; do printf 'true\\ntrue\\n'; done", "printed more than the answer"),
        ("exec yes", "answered \"y\", not true or false"),
        ("exec tr '\\000' x < /dev/zero", "not true or false"),
        ("while read -r question; do printf '\\000\\n'; done", "answered \"\\u{0}\", not true or false"),
    ];
    for (script, said) in failures {
        let (status, stdout, _) = desk.program(script);
        assert_eq!(status, Some(1), "{script}: {stdout}");
        assert_has(&stdout, &["0 of 10 points", "no server panics", said]);
    }
}

#[test]
fn a_program_that_does_not_answer_is_killed() {
    let desk = Desk::new();
    desk.write("answer.sh", "#!/bin/sh\nread -r question\necho $$ > pid\nwhile :; do :; done\n");
    let (status, stdout, _) =
        desk.practice(&["restarts-timer", "--program", "./answer.sh", "--answer-within", "200ms"]);
    assert_eq!(status, Some(1));
    assert_has(&stdout, &["did not answer within 200ms, and was killed (does it flush its output?)"]);
    let pid = fs::read_to_string(desk.path().join("pid"));
    if let Some(pid) =
        pid.ok().and_then(|pid| pid.trim().parse().ok()).and_then(rustix::process::Pid::from_raw)
    {
        assert!(rustix::process::test_kill_process(pid).is_err(), "it still runs");
    }
}

/// A program that neither reads nor answers, and says much where nobody has asked.
#[test]
fn a_program_that_floods_standard_error_is_killed() {
    let desk = Desk::new();
    desk.write("answer.sh", "#!/bin/sh\nwhile :; do echo y >&2; done\n");
    let flood = ["restarts-timer", "--program", "./answer.sh", "--answer-within", "200ms"];
    let (status, stdout, _) = desk.practice(&flood);
    assert_eq!(status, Some(1));
    assert_has(&stdout, &["did not answer within 200ms, and was killed"]);
}

/// A program that holds this pipe open as long as it lives, and all that it has started, too.
struct Alive(Receiver<String>);

impl Alive {
    fn watch(desk: &Desk) -> Alive {
        let (pipe, (tell, told)) = (desk.path().join("alive"), channel());
        // A pipe that nobody opens or closes keeps its thread waiting, and no test.
        thread::spawn(move || {
            let mut pipe = BufReader::new(File::open(pipe).unwrap());
            let mut line = String::new();
            while pipe.read_line(&mut line).is_ok_and(|length| length > 0) {
                let _ = tell.send(std::mem::take(&mut line));
            }
        });
        Alive(told)
    }

    fn has_started(&self) {
        assert_eq!(self.0.recv_timeout(LIMIT).as_deref(), Ok("started\n"));
    }

    fn has_ended(&self) {
        assert_eq!(self.0.recv_timeout(LIMIT), Err(RecvTimeoutError::Disconnected));
    }
}

fn make_pipe(desk: &Desk) {
    rustix::fs::mknodat(
        rustix::fs::CWD,
        desk.path().join("alive"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
}

const STARTED: &str = "exec 3> alive; echo started >&3";

#[test]
fn what_a_program_has_started_ends_with_it() {
    let desk = Desk::new();
    make_pipe(&desk);
    let script =
        format!("if [ ! -e once ]; then : > once; ({STARTED}; exec sleep 600) > /dev/null & fi\nexit 3");
    let child = Alive::watch(&desk);
    let (status, stdout, _) = desk.program(&script);
    assert_eq!(status, Some(1));
    assert_has(&stdout, &["the program ended (exit status: 3)"]);
    child.has_started();
    child.has_ended();
}

#[test]
fn a_program_ends_when_the_grader_is_interrupted() {
    let desk = Desk::new();
    make_pipe(&desk);
    desk.write("answer.sh", &format!("#!/bin/sh\n{STARTED}\nexec sleep 600\n"));
    let mut command = raft();
    command.args(["practice", "restarts-timer", "--program", "./answer.sh", "--answer-within", "1h"]);
    let mut grader = command.current_dir(desk.path()).spawn().unwrap();
    let program = Alive::watch(&desk);
    program.has_started();
    let grader_id = rustix::process::Pid::from_child(&grader);
    rustix::process::kill_process(grader_id, rustix::process::Signal::INT).unwrap();
    assert_eq!(grader.wait().unwrap().signal(), Some(2));
    program.has_ended();
}

/// It sees the questions, and nothing else of the grader.
#[test]
fn a_program_does_not_see_the_secret() {
    let desk = Desk::new();
    desk.write("answer.sh", &format!("#!/bin/sh\nenv > seen\n{GRANTED}\n"));
    let output = desk.with_secret(&["restarts-timer", "--program", "./answer.sh", "--seeds", "4"]);
    assert!(output.status.success());
    assert!(!fs::read_to_string(desk.path().join("seen")).unwrap().contains("hush"));
}

#[test]
fn a_build_that_never_ends_is_killed() {
    let desk = Desk::new();
    desk.practice(&["may-commit"]);
    let script = "fn main() { std::fs::File::create(\"alive\").unwrap().lock().map(|()| loop {}).unwrap() }";
    desk.write("practice-may-commit/build.rs", script);
    let (status, stdout, stderr) = desk.practice(&["may-commit", "--build-within", "3s"]);
    assert_eq!(status, Some(1), "{stderr}");
    assert_has(
        &stdout,
        &["0 of 10 points", "The build took longer than 3s, and was killed", "--build-within"],
    );
    // The script holds the lock as long as it runs. On a slow machine it has not even begun.
    if let Ok(alive) = File::open(desk.path().join("practice-may-commit/alive")) {
        let (tell, told) = channel();
        thread::spawn(move || tell.send(alive.lock()));
        told.recv_timeout(LIMIT).expect("the script is killed").unwrap();
    }

    // One student's project does not keep the others' from being graded.
    let right = format!("{POSITION} (candidate.term, candidate.index) >= (own.term, own.index) }}");
    desk.write(
        "class/ada/src/lib.rs",
        &format!("#![allow(long_running_const_eval)]\nconst _: () = loop {{}};\n{right}"),
    );
    desk.write("class/bob/src/lib.rs", &right);
    let grade = ["grade", "up-to-date", "--seeds", "4", "--build-within", "30s", "class/ada", "class/bob"];
    let (status, stdout, stderr) = desk.practice(&grade);
    assert_eq!(status, Some(1), "{stderr}");
    assert_has(&stdout, &["0 of 10 ada lost: compiles", "10 of 10 bob"]);
}

#[test]
fn a_project_does_not_see_the_secret() {
    let desk = Desk::new();
    desk.practice(&["may-commit"]);
    let tells = "pub fn may_commit(_: u64, _: u64) -> bool { panic!(\"{:?}\", option_env!(\"RAFT_PRACTICE_SECRET\")) }";
    desk.write("practice-may-commit/src/lib.rs", tells);
    let report = String::from_utf8(desk.with_secret(&["may-commit", "--seeds", "4"]).stdout).unwrap();
    assert_has(&report, &["and said: thread 'main'", "None"]);
    assert!(!report.contains("hush"), "{report}");
}

#[test]
fn points_are_json_for_autograders() {
    let desk = Desk::new();
    let results = desk.json(&["may-vote", "--expression", "voted_for == none"]);
    assert_eq!(results["score"], 5);
    let tests = results["tests"].as_array().unwrap();
    let scores: Vec<(&str, i64, &str)> = tests
        .iter()
        .map(|test| {
            (
                test["name"].as_str().unwrap(),
                test["score"].as_i64().unwrap(),
                test["status"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        scores,
        [
            ("second-vote", 3, "passed"),
            ("first-vote", 2, "passed"),
            ("same-candidate", 0, "failed"),
            ("random-runs", 0, "failed")
        ]
    );
    let output = tests[2]["output"].as_str().unwrap();
    assert_has(output, &["raft replay practice-may-vote/replays/same-candidate.jsonl"]);
    assert_eq!(results["extra_data"]["exercise"], "may-vote");
}

const POSITION: &str = "pub struct LogPosition { pub index: u64, pub term: u64 }\n\
                        pub fn is_up_to_date(candidate: LogPosition, own: LogPosition) -> bool {";

#[test]
fn a_class_is_graded_with_one_command() {
    let desk = Desk::new();
    let answers = [
        ("ada", "(candidate.term, candidate.index) >= (own.term, own.index)"),
        ("bob", "candidate.index >= own.index"),
        ("cem", "candidate.index >= own"),
    ];
    for (student, answer) in answers {
        desk.write(&format!("class/{student}/src/lib.rs"), &format!("{POSITION} {answer} }}"));
    }
    fs::create_dir(desk.path().join("class/dan")).unwrap();
    let folders = ["class/ada", "class/bob", "class/cem", "class/dan"];
    let grade = ["grade", "up-to-date", "--secret", "hush", "--seeds", "10", "--reports", "reports"];
    let (status, stdout, stderr) = desk.practice(&[&grade[..], &folders].concat());
    assert_eq!(status, Some(1), "{stderr}");
    assert_has(
        &stdout,
        &[
            "10 of 10 ada",
            "5 of 10 bob lost: later-term, random-runs",
            "0 of 10 cem lost: compiles",
            "0 of 10 dan lost: compiles",
            "4 graded for up-to-date, on average 3.8 of 10 points",
        ],
    );
    let report = fs::read_to_string(desk.path().join("reports/bob/report.txt")).unwrap();
    assert_has(&report, &["VIOLATED: leader completeness", "reports/bob/replays/later-term.jsonl"]);
    let results = desk.json(&[&grade[..6], &folders[..2]].concat());
    assert_eq!((&results[0]["score"], &results[1]["score"]), (&Value::from(10), &Value::from(5)));
    assert_eq!(results[1]["extra_data"]["student"], "bob");
}

#[test]
fn folders_that_are_no_project_are_no_trouble() {
    let desk = Desk::new();
    let right = format!("{POSITION} (candidate.term, candidate.index) >= (own.term, own.index) }}");
    desk.write("elsewhere/lib.rs", &right);
    fs::create_dir_all(desk.path().join("class/ada/src")).unwrap();
    symlink("../../../elsewhere/lib.rs", desk.path().join("class/ada/src/lib.rs")).unwrap();
    fs::create_dir_all(desk.path().join("class/bob/src/lib.rs")).unwrap();
    desk.write("class/cem/src/lib.rs", &format!("//{}\n{right}", "x".repeat(2 << 20)));
    desk.write("class/dan/src/lib.rs", "\u{0}");
    desk.write("class/eva/src/lib.rs", &right);
    desk.write("class/eva/build.rs", "fn main() { panic!() }");
    let class = ["ada", "bob", "cem", "dan", "eva"].map(|student| format!("class/{student}"));
    let class: Vec<&str> = class.iter().map(String::as_str).collect();
    let grade = ["grade", "up-to-date", "--seeds", "10", "--reports", "reports"];
    let (status, stdout, stderr) = desk.practice(&[&grade[..], &class].concat());
    assert_eq!(status, Some(1), "{stderr}");
    let points: Vec<&str> =
        stdout.lines().take(5).map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(points, ["0", "0", "0", "0", "10"], "{stdout}");
    let report =
        |student| fs::read_to_string(desk.path().join(format!("reports/{student}/report.txt"))).unwrap();
    for student in ["ada", "bob", "cem"] {
        assert_has(&report(student), &["can't read class/", "src/lib.rs"]);
    }
    assert_has(&report("ada"), &["it is a link to something outside the folder"]);
    assert_has(&report("cem"), &["1048576 are the most that are read"]);

    desk.write("other/ada/src/lib.rs", &right);
    let (status, stdout, stderr) = desk.practice(&[&grade[..], &["class/ada", "other/ada"]].concat());
    assert_eq!((status, stdout.as_str()), (Some(1), ""));
    assert_has(&stderr, &["class/ada and other/ada would be the same student: ada"]);
    desk.write("class/roster.csv", "");
    let (status, stdout, stderr) = desk.practice(&[&grade[..], &["class/eva", "class/roster.csv"]].concat());
    assert_eq!((status, stdout.as_str()), (Some(1), ""));
    assert_has(&stderr, &["there is no folder class/roster.csv"]);
}

#[test]
fn the_rule_that_is_off_is_to_be_named() {
    let desk = Desk::new();
    let mystery = ["practice", "mystery", "--seed", "3", "--rounds", "1"];
    let (status, stdout, _) = desk.raft(&mystery, "");
    assert_eq!(status, Some(1));
    assert_has(&stdout, &["Which rule is off in this cluster?", "VIOLATED: ", "0 of 1 points"]);

    let (status, stdout, _) = desk.raft(&mystery, "9\nsing\n1\n");
    let off = stdout.split("raft rules ").nth(1).unwrap().split_whitespace().next().unwrap();
    assert_has(&stdout, &["\"9\" is none of them", "\"sing\" is none of them", "raft replay '#lab="]);
    assert!(!stdout.split("  1  ").next().unwrap().contains(off), "the story names the rule: {stdout}");
    let _ = status;

    let (status, again, _) = desk.raft(&mystery, &format!("{off}\n"));
    assert_eq!(status, Some(0), "{again}");
    assert_has(&again, &[&format!("Right: {off}."), "1 of 1 points"]);

    let link = again.split("raft replay '").nth(1).unwrap().split('\'').next().unwrap();
    let (status, story, stderr) = desk.raft(&["replay", "--plain", link], "");
    assert_eq!(status, Some(0), "{stderr}");
    assert_has(&story, &["VIOLATED: "]);

    let (_, stdout, stderr) = desk.raft(&[&mystery[..], &["--json"]].concat(), &format!("{off}\n"));
    let results: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(results["score"], 1);
    assert_has(&stderr, &["Which rule is off"]);
}

#[test]
fn a_promise_is_to_be_broken() {
    let desk = Desk::new();
    let (status, stdout, _) = desk.practice(&["break", "one-vote-per-term"]);
    assert_eq!(status, Some(0));
    assert_has(&stdout, &["a promise of safety", "Full points for 3 commands (par)", "more than 9 get none"]);

    desk.write(
        "mine.txt",
        "# Two votes\n\n(cluster 2)\ntimeout n2\ntimeout n1\ndeliver from=n1 to=n2\n---\n",
    );
    let (status, stdout, stderr) = desk.practice(&["break", "one-vote-per-term", "mine.txt"]);
    assert_eq!(status, Some(0), "{stdout}{stderr}");
    assert_has(&stdout, &["you have broken one vote per term", "10 of 10 points"]);
    let link = stdout.split("raft replay '").nth(1).unwrap().split('\'').next().unwrap();
    let (status, story, stderr) = desk.raft(&["replay", "--plain", link], "");
    assert_eq!(status, Some(0), "{stderr}");
    assert_has(&story, &["VIOLATED: one vote per term"]);

    let long = format!("cluster 2\n{}timeout n2\ntimeout n1\ndeliver from=n1 to=n2\n", "run 1ms\n".repeat(7));
    let (status, stdout, _) = desk.raft(&["practice", "break", "one-vote-per-term", "-"], &long);
    assert_eq!(status, Some(1));
    assert_has(&stdout, &["You used 10 commands; at most 9 are allowed (par is 3)", "0 of 10 points"]);
    assert_has(&desk.practice(&["break", "randomised-timeout"]).1, &["a promise of liveness", "`calm`"]);

    let harmless = desk.raft(&["practice", "break", "one-vote-per-term", "-"], "cluster 3\ntimeout n1\n");
    assert_eq!(harmless.0, Some(1));
    assert_has(&harmless.1, &["no promise is broken (1 command)", "0 of 10 points"]);
}

#[test]
fn a_cluster_is_to_be_saved() {
    let desk = Desk::new();
    let (status, stdout, _) = desk.practice(&["save"]);
    assert_eq!(status, Some(0));
    for puzzle in practice::Puzzle::all() {
        assert_has(&stdout, &[puzzle.name(), &puzzle.task().text]);
    }
    let (status, stdout, _) = desk.practice(&["save", "two-halves"]);
    assert_eq!(status, Some(0));
    assert_has(
        &stdout,
        &[
            "cut into two halves",
            "n4 1| follower, term 1",
            "at most 8 commands",
            "Full points for 4 commands",
        ],
    );
    let link = stdout.split("raft lab '").nth(1).unwrap().split('\'').next().unwrap();
    let (status, story, stderr) = desk.raft(&["replay", "--plain", link], "");
    assert_eq!(status, Some(0), "{stderr}");
    assert_has(&story, &["no messages get through"]);
    assert_has(&desk.practice(&["save", "two-halves", "--hint"]).1, &["Three of four must vote"]);

    let save = ["practice", "save", "two-halves", "-"];
    let (status, stdout, stderr) = desk.raft(&save, "mend n1 n3\nmend n3 n1\n(timeout n1)\nsettle\nlogs\n");
    assert_eq!(status, Some(0), "{stdout}{stderr}");
    assert_has(
        &stdout,
        &["Saved with 4 commands (par is 4)", "✓ there is a leader", "10 of 10 points", "three of four"],
    );
    let link = stdout.split("raft replay '").nth(1).unwrap().split('\'').next().unwrap();
    let (status, story, stderr) = desk.raft(&["replay", "--plain", link], "");
    assert_eq!(status, Some(0), "{stderr}");
    assert_has(&story, &["become the leader of term 2"]);

    let (status, stdout, _) = desk.raft(&save, "timeout n1\nsettle\n");
    assert_eq!(status, Some(1));
    assert_has(&stdout, &["Not saved (2 commands)", "✗ there is a leader", "0 of 10 points"]);
    assert!(!stdout.contains("three of four"), "the answer is not given away: {stdout}");

    let (_, stdout, _) =
        desk.raft(&[&save[..], &["--json"]].concat(), "settle\nmend n1 n3\nmend n3 n1\ntimeout n1\nsettle\n");
    let results: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((&results["score"], &results["extra_data"]["commands"]), (&Value::from(9), &Value::from(5)));

    let (status, _, stderr) = desk.raft(&save, "rule majority-wins off\n");
    assert_eq!(status, Some(1));
    assert_has(&stderr, &["-: line 1, `rule majority-wins off`", "all rules are on", "help:"]);
}

#[test]
fn what_can_t_be_graded_is_said() {
    let desk = Desk::new();
    let refused = |arguments: &[&str], status: i32, said: &[&str]| {
        let ended = desk.practice(arguments);
        assert_eq!(ended.0, Some(status), "{arguments:?}: {}", ended.2);
        assert!(
            ended.2.starts_with("error: ") && !ended.2.contains("panicked"),
            "{arguments:?}: {}",
            ended.2
        );
        assert_has(&ended.2, said);
    };
    refused(&["save", "sing"], 2, &["invalid value 'sing'", "two-halves"]);
    refused(&["sing"], 2, &["invalid value 'sing'", "up-to-date"]);
    refused(
        &["may-commit", "--expression", "entry = 1"],
        2,
        &["column 7: to compare, write ==", "may name entry, current"],
    );
    refused(&["may-commit", "--expression", "entry", "--program", "x"], 2, &["--program"]);
    refused(&["may-commit", "--program", "./nobody"], 1, &["can't start ./nobody", "help:"]);
    refused(&["may-commit", "--program", ""], 1, &["there is no program's name"]);
    refused(&["may-commit", "--student", "ada"], 2, &["--secret"]);
    refused(&["may-commit", "--seeds", "0"], 2, &["--seeds"]);
    refused(&["may-commit", "--build-within", "soon"], 2, &["--build-within", "\"soon\" is not a time"]);
    refused(&["grade", "may-commit"], 2, &["<FOLDER>"]);
    refused(&["grade", "may-commit", "nowhere"], 1, &["there is no folder nowhere"]);
    refused(&["break", "never-truncate-committed"], 1, &["is no exercise"]);
    refused(&["break", "majority-wins", "nothing.txt"], 1, &["can't read nothing.txt", "help:"]);
    desk.write("bad.txt", "cluster 3\nsing\n");
    refused(&["break", "majority-wins", "bad.txt"], 1, &["bad.txt: line 2, `sing`: there is no command"]);
    desk.write("other/notes.txt", "mine");
    refused(&["may-commit", "--folder", "other"], 1, &["other holds something else", "--folder"]);
    assert!(!desk.path().join("other/Cargo.toml").exists(), "it is left alone");
}
