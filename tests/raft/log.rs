//! What `raft log` shows of a server's folder.

use crate::common::{await_some, raft};
use consensus::{Append, Batch, Entry, HardState, Index, LogPosition, NodeId, Payload, Term};
use std::fs;
use std::path::Path;
use storage::{FolderDisk, Identity, Storage};
use tempfile::TempDir;

fn command(term: u64, bytes: &[u8]) -> Entry {
    Entry { term: Term(term), payload: Payload::Command(bytes.into()) }
}

fn no_op(term: u64) -> Entry {
    Entry { term: Term(term), payload: Payload::NoOp }
}

fn append(first: u64, entries: Vec<Entry>) -> Batch {
    Batch { append: Some(Append { first: Index(first), entries }), ..Batch::default() }
}

fn open(folder: &Path) -> Storage<FolderDisk> {
    let identity = Identity { cluster: "demo".into(), node: NodeId(2), voters: [1, 2, 3].map(NodeId).into() };
    // A process that another test is just starting still has this one's open files, and so the lock.
    let disk = await_some("the folder's lock", || FolderDisk::open(folder).ok());
    Storage::open_with_segment_size(disk, identity, 1024).unwrap().0
}

/// The folder of a server that voted, and whose second entry was replaced.
fn lived() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut storage = open(folder.path());
    let hard_state = HardState { current_term: Term(3), voted_for: Some(NodeId(1)) };
    storage
        .save(&Batch { hard_state: Some(hard_state), ..append(1, vec![no_op(2), command(2, b"lost")]) })
        .unwrap();
    storage.save(&append(2, vec![no_op(3), command(3, b"put x = 1"), command(3, &[7; 600])])).unwrap();
    storage.save(&append(5, (5..=40).map(|index| command(3, &[index])).collect())).unwrap();
    folder
}

/// The exit status, standard output and standard error.
fn log(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = raft().arg("log").arg(folder).args(arguments).output().unwrap();
    let [stdout, stderr] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    (output.status.code().unwrap(), stdout, stderr)
}

/// What is shown of an undamaged log.
#[track_caller]
fn shown(folder: &Path, arguments: &[&str]) -> String {
    let (status, stdout, stderr) = log(folder, arguments);
    assert_eq!((status, stderr.as_str()), (0, ""), "{stdout}");
    stdout
}

/// The lines with entries, each as its words.
fn entries(shown: &str) -> Vec<Vec<&str>> {
    let after_the_heading = shown.lines().skip_while(|line| !line.contains("  content")).skip(1);
    let words = after_the_heading.map(|line| line.split_whitespace().collect());
    words
        .filter(|words: &Vec<&str>| words.first().is_some_and(|first| first.parse::<u64>().is_ok()))
        .collect()
}

#[test]
fn all_that_a_server_keeps_is_shown() {
    let folder = lived();
    let shown = shown(folder.path(), &["--entries", "1..4"]);
    for line in [
        "server    n2 of cluster \"demo\" with the voters n1, n2, n3",
        "starts    1",
        "term      3, voted for n1",
        "snapshot  none",
        "log       from the first entry to entry 40, in 3 saves",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line} is missing in:\n{shown}");
    }
    let long = r"\x07".repeat(12) + "…";
    let expected = [
        vec!["1", "2", "no-op", "1"],
        vec!["2", "3", "no-op", "2"],
        vec!["3", "3", "command", "9", "2", "put", "x", "=", "1"],
        vec!["4", "3", "command", "600", "2", &long],
    ];
    assert_eq!(entries(&shown), expected);
    assert!(shown.contains("(4 of 40 entries; --entries .. shows all)"));
    assert!(!shown.contains("lost"), "the entry was replaced");

    let segments: Vec<&str> = shown.lines().filter(|line| line.starts_with("log-")).collect();
    assert_eq!(segments.len(), 2, "{shown}");
    assert!(segments[0].contains(" 1024 ") && segments[0].ends_with("continues in the next"), "{shown}");
    assert!(segments[1].ends_with("the log ends here"), "{shown}");
}

#[test]
fn a_range_of_entries_is_shown() {
    let folder = lived();
    for (range, first, last) in [
        (&[][..], 21, 40),
        (&["--entries", ".."], 1, 40),
        (&["--entries", "38.."], 38, 40),
        (&["--entries", "..2"], 1, 2),
        (&["--entries", "7"], 7, 7),
    ] {
        let shown = shown(folder.path(), range);
        let indexes = entries(&shown).into_iter().map(|words| words[0].parse::<u64>().unwrap());
        assert!(indexes.eq(first..=last), "{range:?}: {shown}");
    }
    for range in ["2..1", "x..", "", "1..2..3", "-1..3"] {
        let (status, stdout, stderr) = log(folder.path(), &[&format!("--entries={range}")]);
        assert_eq!((status, stdout.as_str()), (2, ""));
        assert!(stderr.contains("with .. between them: 10..20"), "{stderr}");
    }
}

#[test]
fn the_logs_of_a_cluster_are_shown_side_by_side() {
    let cluster = tempfile::tempdir().unwrap();
    let server = |name: &str| {
        let folder = cluster.path().join(name);
        fs::create_dir(&folder).unwrap();
        open(&folder)
    };
    let mut first = server("n1");
    let hard_state = HardState { current_term: Term(3), voted_for: Some(NodeId(2)) };
    let entries = vec![no_op(2), command(2, b"lost"), command(2, &[7; 600])];
    first.save(&Batch { hard_state: Some(hard_state), ..append(1, entries) }).unwrap();
    let mut tenth = server("n10");
    tenth.save(&append(1, vec![no_op(2), no_op(3)])).unwrap();
    let position = LogPosition { index: Index(1), term: Term(2) };
    tenth.write_snapshot(position, 0, b"state").unwrap();
    tenth.finish_snapshot(position).unwrap();
    tenth.save(&Batch { begins_after: Some(position), ..Batch::default() }).unwrap();
    drop(server("n2"));
    fs::create_dir(cluster.path().join("n3")).unwrap();
    fs::create_dir(cluster.path().join("notes")).unwrap();
    let table = |arguments: &[&str]| {
        let shown = shown(cluster.path(), arguments);
        let cells = |line: &str| {
            let cells = line.split("  ").map(str::trim).filter(|cell| !cell.is_empty());
            cells.collect::<Vec<_>>().join("|")
        };
        shown.lines().map(cells).collect::<Vec<_>>()
    };
    let long = format!("3|2|{}", r"\x07".repeat(6));
    let all = table(&[]);
    assert_eq!(
        all[..7],
        [
            "server|n1|n2|n10",
            "term|3, voted for n2|0, no vote|0, no vote",
            "snapshot|none|none|up to 1",
            "",
            "entry|term, content|term, content|term, content",
            "1|2|no-op|–|in the snapshot",
            "2|2|lost|–|3|no-op",
        ]
    );
    assert!(all[7].starts_with(&long) && all[7].ends_with("…|–|–"), "{}", all[7]);
    assert_eq!(table(&["--entries", "2"])[5..], ["2|2|lost|–|3|no-op"]);
}

#[test]
fn a_snapshot_is_shown_also_while_its_server_runs() {
    let folder = lived();
    let mut storage = open(folder.path());
    let position = LogPosition { index: Index(40), term: Term(3) };
    storage.write_snapshot(position, 0, b"state").unwrap();
    storage.finish_snapshot(position).unwrap();
    storage.save(&Batch { begins_after: Some(position), ..Batch::default() }).unwrap();
    let shown = shown(folder.path(), &[]);
    assert!(shown.contains("\nstarts    2\n"), "{shown}");
    assert!(shown.contains("\nsnapshot  up to entry 40 of term 3, 5 bytes\n"), "{shown}");
    assert!(shown.contains("\nlog       after entry 40 of term 3 to entry 40, in 4 saves\n"), "{shown}");
    assert!(shown.ends_with("\nThe log has no entries.\n"), "{shown}");
    drop(storage);
}

#[test]
fn a_torn_end_is_no_damage() {
    let folder = lived();
    let last = folder.path().join("log-0000000002");
    let mut content = fs::read(&last).unwrap();
    content[300..].fill(0);
    fs::write(&last, content).unwrap();
    let shown = shown(folder.path(), &[]);
    assert!(shown.contains("bytes of an incomplete save"), "{shown}");
    assert_eq!(entries(&shown).last().unwrap()[0], "4");
}

#[test]
fn damage_is_told_with_what_can_be_done() {
    let folder = lived();
    let damaged = folder.path().join("log-0000000002");
    let mut content = fs::read(&damaged).unwrap();
    content[500] ^= 1;
    fs::write(&damaged, content).unwrap();
    let (status, stdout, stderr) = log(folder.path(), &[]);
    assert_eq!((status, stderr.as_str()), (1, ""));
    assert!(stdout.contains("No server can start from this folder:\n"), "{stdout}");
    assert!(stdout.contains("log-0000000002 is damaged: a save is broken"), "{stdout}");
    assert!(stdout.contains("the log is complete up to entry 4"), "{stdout}");
    assert!(stdout.contains("help: check the disk. Do not repair, cut or delete the file"), "{stdout}");
    assert!(
        stdout.contains("`raft member replace OLD NEW=HOST:PORT`). Nothing is lost if a majority"),
        "{stdout}"
    );
}

#[test]
fn a_folder_of_something_else_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("notes.txt"), "mine").unwrap();
    for (folder, said) in [
        (folder.path().to_path_buf(), "no server has ever used the folder"),
        (folder.path().join("nowhere"), "can't list"),
        (folder.path().join("notes.txt"), "Not a directory"),
    ] {
        let (status, stdout, stderr) = log(&folder, &[]);
        assert_eq!((status, stdout.as_str()), (1, ""));
        assert!(
            stderr.contains(said) && stderr.contains("help: name the data folder of a server"),
            "{stderr}"
        );
    }
}
