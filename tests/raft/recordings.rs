//! Runs of real servers, recorded and replayed: one core, two worlds.

use crate::common::{Up, ended, make_pipe, raft};
use rustix::process::Signal;
use simulator::{Divergence, Misfit, Reenacted, reenact};
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use trace::why::{Causes, Kind};
use trace::{Event, Io, Record};

fn read(path: &Path) -> Vec<Record> {
    fs::read_to_string(path).unwrap().lines().map(|line| Record::from_json(line).unwrap()).collect()
}

fn is_step(record: &Record) -> bool {
    matches!(record.event, Event::Io(Io::Step { .. }))
}

fn output(arguments: &[&str]) -> Output {
    raft().args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Records a cluster whose leader is killed, and returns the folder and the file.
fn recorded_run() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("run.jsonl");
    let mut up = Up::start(&["--record", file.to_str().unwrap()], 3);
    let first = up.wait_for_leader();
    up.signal(Signal::QUIT);
    up.wait_until("another leader whom the other follows", |up| {
        let leader = up.view.leader();
        let mut running = up.view.servers().filter(|(_, server)| server.is_running());
        leader.is_some_and(|leader| leader != first) && running.all(|(_, server)| server.leader == leader)
    });
    up.signal(Signal::INT);
    assert_eq!(up.wait_for_end().code(), Some(130));
    let file = file.to_str().unwrap().to_owned();
    assert_eq!(read(Path::new(&file)), up.records, "what is recorded is what happened");
    (folder, file)
}

#[test]
fn a_recorded_run_comes_to_the_same_states_in_the_simulator() {
    let (_folder, file) = recorded_run();
    let records = read(Path::new(&file));
    let steps = records.iter().filter(|record| is_step(record)).count() as u64;
    assert!(steps > 20, "{steps}");
    assert_eq!(reenact(&records), Ok(Reenacted { steps, lives: 3 }));

    let told = output(&["replay", &file, "--plain"]);
    assert!(told.status.success());
    assert!(text(&told.stderr).contains("the simulator reaches the recorded state"), "{told:?}");
    assert!(text(&told.stdout).matches("become the leader of term").count() >= 2, "{told:?}");
    let json = output(&["replay", &file, "--json"]);
    assert_eq!(text(&json.stdout), fs::read_to_string(&file).unwrap());

    // The causes of the last leader go back, over several servers, to the last heartbeat of the one that was
    // killed.
    let why = text(&output(&["why", &file, "--last", "leader"]).stdout);
    let (first, last) = (why.lines().next().unwrap(), why.lines().last().unwrap());
    assert!(last.contains("⇒ a majority voted for me: become the leader of term"), "{why}");
    assert!(first.contains("heartbeat"), "{why}");
    assert!(why.contains("RequestVote reply term"), "{why}");
    let causes = Causes::new(&records);
    let leader = causes.last(Kind::Leader).unwrap();
    let named = output(&["why", &file, &leader.id().unwrap().to_string()]);
    assert_eq!(text(&named.stdout), why);
}

#[test]
fn a_recording_of_an_earlier_version_has_fewer_causes() {
    let (_folder, file) = recorded_run();
    let mut records = read(Path::new(&file));
    records.iter_mut().for_each(|record| record.cause = None);
    assert!(reenact(&records).is_ok());
}

#[test]
fn a_recording_that_was_tampered_with_is_found_out() {
    let (_folder, file) = recorded_run();
    let records = read(Path::new(&file));

    let a_vote = |record: &Record| match &record.event {
        Event::Decision(decision) => matches!(decision.what, consensus::event::What::Tally { .. }),
        _ => false,
    };
    let mut with_a_change = records.clone();
    let changed = with_a_change.iter().position(a_vote).unwrap();
    with_a_change[changed].term = consensus::Term(9);
    assert!(matches!(reenact(&with_a_change), Err(Divergence { misfit: Misfit::Different { .. }, .. })));

    let mut with_a_gap = records.clone();
    let message = with_a_gap.iter().position(|record| matches!(record.event, Event::Io(Io::Received { .. })));
    with_a_gap.remove(message.unwrap());
    assert!(matches!(reenact(&with_a_gap), Err(Divergence { misfit: Misfit::Different { .. }, .. })));

    let mut without_a_start = records;
    without_a_start.retain(|record| record.seq != Some(3));
    assert!(matches!(reenact(&without_a_start), Err(Divergence { misfit: Misfit::NoStart { .. }, .. })));

    let changed_lines: Vec<String> = with_a_change.iter().map(Record::to_json).collect();
    let other = format!("{file}.changed");
    fs::write(&other, changed_lines.join("\n")).unwrap();
    let refused = output(&["replay", &other]);
    assert_eq!(refused.status.code(), Some(1));
    let said = text(&refused.stderr);
    let line = changed + 1;
    assert!(
        said.contains(&format!("does not reach the recorded states. Line {line}: recorded was")),
        "{said}"
    );
    assert!(said.contains(&format!("can be played: head -n {changed} FILE > BEGINNING")), "{said}");
}

#[test]
fn what_does_no_harm_to_a_recording_is_said_all_the_same() {
    let (_folder, file) = recorded_run();
    let whole = fs::read_to_string(&file).unwrap();
    let notes = |content: &str| {
        let other = format!("{file}.changed");
        fs::write(&other, content).unwrap();
        let told = output(&["replay", "--plain", &other]);
        assert!(told.status.success(), "{told:?}");
        let said = text(&told.stderr);
        said.lines().filter(|line| line.starts_with("note: ")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(notes(&whole), [""; 0]);
    let torn = notes(whole.trim_end().strip_suffix("}").unwrap());
    assert!(
        torn[0].contains(&format!("line {}, the last one, is incomplete", whole.lines().count())),
        "{torn:?}"
    );
    let reworded = notes(&whole.replacen("start as a follower", "start as the leader", 1));
    assert!(reworded[0].contains("are not those of this program"), "{reworded:?}");
    let without_first = notes(whole.split_once('\n').unwrap().1);
    assert!(without_first[0].contains("a line is missing, the one that says that n"), "{without_first:?}");
}

#[test]
fn a_single_server_is_recorded_over_its_lives() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let live = |recording: &str| {
        let mut command: Command = raft();
        command.args(["node", "--id", "1", "--json"]).arg("--data").arg(&data);
        command.arg("--record").arg(folder.path().join(recording));
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
        let leads = |line: &String| line.contains("\"majority-wins\"") && line.contains("\"role\"");
        assert!(lines.by_ref().map_while(Result::ok).any(|line| leads(&line)), "it never led");
        child.kill().unwrap();
        child.wait().unwrap();
        let text = fs::read_to_string(folder.path().join(recording)).unwrap();
        let records: Vec<Record> = text.lines().filter_map(|line| Record::from_json(line).ok()).collect();
        records
    };
    let (first, second) = (live("first.jsonl"), live("second.jsonl"));
    assert_eq!(reenact(&first).map(|reenacted| reenacted.lives), Ok(1));
    let both: Vec<Record> = first.into_iter().chain(second).collect();
    assert_eq!(reenact(&both).map(|reenacted| reenacted.lives), Ok(2));
    assert!(both.iter().any(|record| record.life == 2 && is_step(record)));
}

#[test]
fn only_regular_files_of_some_size_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let [pipe, large] = ["pipe", "large"].map(|name| folder.path().join(name));
    make_pipe(&pipe);
    fs::File::create(&large).unwrap().set_len(1 << 30).unwrap();
    let files = [
        (pipe.as_path(), "it is a pipe, not a regular file"),
        (large.as_path(), "it has 1073741824 bytes, and 268435456 are the most that are read"),
        (folder.path(), "it is a folder, not a regular file"),
        (Path::new("/dev/zero"), "it is a device, not a regular file"),
    ];
    for (file, said) in files {
        for command in ["replay", "export", "why"] {
            let mut raft = raft();
            raft.arg(command).arg(file);
            if command == "why" {
                raft.args(["--last", "leader"]);
            }
            let output = ended(&mut raft);
            assert_eq!(output.status.code(), Some(1), "{output:?}");
            let stderr = text(&output.stderr);
            assert!(stderr.contains(said) && stderr.contains("\nhelp: "), "{command}: {stderr}");
        }
    }
    // A server's folder, in which one file is something else.
    let data = folder.path().join("n1");
    fs::create_dir(&data).unwrap();
    make_pipe(&data.join("identity"));
    let log = ended(raft().arg("log").arg(&data));
    assert!(text(&log.stderr).contains("it is a pipe"), "{log:?}");
}

#[test]
fn what_cant_be_replayed_or_explained_is_said_clearly() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let said = |arguments: &[&str]| {
        let output = output(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let stderr = text(&output.stderr);
        assert!(stderr.starts_with("error: ") && stderr.contains("\nhelp: "), "{arguments:?}: {stderr}");
        stderr
    };
    assert!(said(&["replay", "nowhere.txt"]).contains("can't read nowhere.txt"));
    assert!(said(&["replay", &file("empty.txt", "")]).contains("nothing happens in"));
    let letter = said(&["replay", &file("letter.txt", "cluster 3\nDear Raft,\n---\n")]);
    let expected =
        "letter.txt is neither a trace nor a scenario that can be played: line 2 is not a command\n";
    assert!(letter.contains(expected), "{letter}");
    let unended = said(&["replay", &file("unended.txt", "cluster 3\nrun 1s\n")]);
    assert!(unended.contains("a line `---` is missing at the end\n"), "{unended}");
    assert!(said(&["replay", &file("bad.txt", "dance\n---\n")]).contains("there is no command \"dance\""));
    assert!(said(&["replay", &file("bad.jsonl", "{}\n{}\n")]).contains("line 1 of"));
    let alone = file("alone.txt", "# Alone\n\ncluster 1\nrun 1s\n---\n");
    assert!(said(&["why", &alone, "n1:999"]).contains("there is no event n1:999"));
    assert!(said(&["why", &alone, "--last", "violation"]).contains("has no event of that kind"));
    let endless = file("endless.txt", "cluster 3\nrun 100000h\n---\n");
    assert!(said(&["replay", &endless]).contains("10m is the most"));
    let why = output(&["why", &alone, "--last", "leader"]);
    assert!(text(&why.stdout).contains("⇒ a majority voted for me: become the leader of term 1"), "{why:?}");
    assert_eq!(output(&["why", &alone]).stdout, why.stdout, "the last leader, where no promise is broken");
    let unwritable = output(&["up", "--plain", "--record", folder.path().to_str().unwrap()]);
    assert_eq!(unwritable.status.code(), Some(1));
    assert!(text(&unwritable.stderr).contains("can't record to"), "{unwritable:?}");
}
