//! Disks that really fail and really fill up, under real servers.
//!
//! strace makes one of a server's syncs fail, and a small tmpfs is a disk that gets full. Neither is possible
//! without root on Linux, so `.ci/run` runs these tests by name.

use crate::common::TIMEOUT;
use api::Status;
use client::{Failure, Node, NotDone, Read};
use cluster::{Action, Cluster, Options};
use consensus::{Index, NodeId, Profile, RoleKind, Timing};
use driver::Speed;
use kv::{Answer, Write};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use trace::{Event, Laboratory, Process, Record};

const RAFT: &str = env!("CARGO_BIN_EXE_raft");

/// The server whose disk is bad.
const N1: NodeId = NodeId(1);

/// A running cluster, and its records.
struct Lab {
    cluster: Cluster,
    records: Vec<Record>,
    /// What was written and acknowledged: these values under the keys `key1`, `key2`, …
    acknowledged: Vec<String>,
}

impl Lab {
    fn start(program: &Path, data: &Path, servers: u64) -> Lab {
        let options = Options {
            program: program.to_path_buf(),
            servers: (1..=servers).map(NodeId).collect(),
            timing: Timing::default(),
            seed: 1,
            speed: Speed::REAL_TIME,
            latency: Duration::ZERO,
            snapshot_after: 1 << 30,
            data: Some(data.to_path_buf()),
            base_port: None,
            tells_steps: false,
            is_quiet: true,
            is_listed: false,
            lease: None,
            profile: Profile::PAPER,
        };
        let cluster = Cluster::start(options).unwrap();
        Lab { cluster, records: Vec::new(), acknowledged: Vec::new() }
    }

    /// Waits until this holds.
    #[track_caller]
    fn wait_until(&mut self, what: &str, mut is_so: impl FnMut(&Lab) -> bool) {
        let deadline = Instant::now() + TIMEOUT;
        while !is_so(self) {
            assert!(Instant::now() < deadline, "waited in vain for {what}: {:#?}", self.statuses());
            self.records.extend(self.cluster.news(Duration::from_millis(5)));
        }
    }

    /// The leader, once there is one.
    fn leader(&mut self) -> NodeId {
        let mut leader = None;
        self.wait_until("a leader", |lab| {
            leader = lab.leader_now();
            leader.is_some()
        });
        leader.unwrap()
    }

    fn leader_now(&self) -> Option<NodeId> {
        let leaders = self.statuses().into_iter().filter(|status| status.role == RoleKind::Leader);
        leaders.max_by_key(|status| status.term).map(|status| status.node)
    }

    fn leader_status(&mut self) -> Status {
        let leader = self.leader();
        self.status(leader)
    }

    /// Makes n1 the leader, or another server.
    fn let_n1_lead(&mut self, it_should: bool) {
        let next = if it_should { N1 } else { NodeId(2) };
        while (self.leader() == N1) != it_should {
            self.cluster.perform(&Action::ForceTimeout { node: next }).unwrap();
            self.wait_until("an election", |lab| lab.status(next).role != RoleKind::Follower);
        }
    }

    fn node(&self, id: NodeId) -> Node {
        Node::named(id, self.cluster.view().server(id).unwrap().address.clone().unwrap())
    }

    /// The states of all running servers.
    fn statuses(&self) -> Vec<Status> {
        let running = self.cluster.view().servers().filter(|(_, server)| server.is_running());
        running.filter_map(|(id, _)| self.node(id).status(TIMEOUT).ok()).collect()
    }

    fn status(&self, id: NodeId) -> Status {
        self.node(id).status(TIMEOUT).unwrap()
    }

    /// The value of a key on this server.
    fn get(&self, id: NodeId, number: usize, read: Read) -> Option<String> {
        let value = self.node(id).get(format!("key{number}").as_bytes(), read, TIMEOUT).unwrap()?;
        Some(String::from_utf8(value.bytes).unwrap())
    }

    /// The value of a key on the leader; `None` if there is no leader now.
    fn read_from_the_leader(&self, number: usize) -> Option<String> {
        let leader = self.node(self.leader_now()?);
        let value = leader.get(format!("key{number}").as_bytes(), Read::Linearizable, TIMEOUT).ok()??;
        Some(String::from_utf8(value.bytes).unwrap())
    }

    /// Waits until n1 has completed no sync for some time: so none is in progress that would delay the next
    /// one.
    fn wait_until_the_disk_rests(&mut self, sync: Duration) {
        let (mut known, mut since) = (0, Instant::now());
        self.wait_until("a disk that rests", |lab| {
            let syncs = lab.syncs_of_n1();
            if std::mem::replace(&mut known, syncs) != syncs {
                since = Instant::now();
            }
            since.elapsed() > sync * 3
        });
    }

    fn syncs_of_n1(&self) -> u64 {
        let page = self.node(N1).metrics(TIMEOUT).unwrap();
        let count = page
            .lines()
            .find_map(|line| line.strip_prefix("etcd_disk_wal_fsync_duration_seconds_count ")?.parse().ok());
        count.unwrap()
    }

    /// Asks this server to write the next value, its number `times` times, and remembers it if that is done.
    fn put(&mut self, id: NodeId, times: usize) -> Result<(), Failure> {
        let number = self.acknowledged.len() + 1;
        let (key, value) = (format!("key{number}"), number.to_string().repeat(times));
        let answer = self.node(id).write(&Write::put(key.as_bytes(), value.as_bytes()), TIMEOUT)?;
        assert!(matches!(answer, Answer::Written { .. }), "{answer}");
        self.acknowledged.push(value);
        Ok(())
    }

    /// Writes a short value through any leader.
    fn put_somewhere(&mut self) {
        self.put_to_the_leader(10);
    }

    /// A long value.
    fn put_somewhere_large(&mut self) {
        self.put_to_the_leader(TIMES);
    }

    fn put_to_the_leader(&mut self, times: usize) {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            let leader = self.leader();
            match self.put(leader, times) {
                Ok(()) => return,
                Err(failure) => assert!(Instant::now() < deadline, "{failure}: {:#?}", self.statuses()),
            }
            self.records.extend(self.cluster.news(Duration::from_millis(5)));
        }
    }

    /// Every running server has everything that was acknowledged.
    fn nothing_is_lost(&mut self) {
        let committed = self.leader_status().commit_index;
        for id in self.statuses().into_iter().map(|status| status.node) {
            self.wait_until("the server to catch up", |lab| lab.status(id).last_applied >= committed);
            for (number, value) in self.acknowledged.iter().enumerate() {
                let found = self.get(id, number + 1, Read::Stale);
                assert!(found.as_ref() == Some(value), "{id} has lost key{}", number + 1);
            }
        }
    }
}

/// A program that is the `raft` command, but while there is a file `bad-disk` beside it, strace does this to
/// the system calls of n1.
fn with_a_bad_disk(folder: &Path, inject: &str) -> PathBuf {
    with_bad_disks(folder, "--id 1 ", inject)
}

/// The same for the servers with this among their arguments.
fn with_bad_disks(folder: &Path, which: &str, inject: &str) -> PathBuf {
    let [program, mark, log] = ["raft", "bad-disk", "strace.log"].map(|name| folder.join(name));
    // With -D the traced server stays a child of the cluster, and strace ends with it.
    let script = format!(
        "#!/bin/sh\n\
         case \"$*\" in *'{which}'*) if [ -e '{mark}' ]; then\n\
         exec strace -D -f -qq -o '{log}' -e trace=fdatasync,fsync,write -e 'inject={inject}' '{RAFT}' \"$@\"\n\
         fi;; esac\n\
         exec '{RAFT}' \"$@\"\n",
        mark = mark.display(),
        log = log.display(),
    );
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(mark, "").unwrap();
    program
}

/// Late enough that it is not one of those at the start.
const FAILING_SYNC: u32 = 200;

/// One sync fails. If the server tried again, the second sync would succeed, and the data would be lost: the
/// system drops what it could not write.
fn a_failed_sync_stops_the_server(leads: bool) {
    let folder = tempfile::tempdir().unwrap();
    let program = with_a_bad_disk(folder.path(), &format!("fdatasync:error=EIO:when={FAILING_SYNC}"));
    let mut lab = Lab::start(&program, &folder.path().join("data"), 3);
    lab.let_n1_lead(leads);
    let is_dead = |lab: &Lab| !lab.cluster.view().server(N1).unwrap().is_running();
    while !is_dead(&lab) {
        lab.put_somewhere();
        lab.records.extend(lab.cluster.news(Duration::ZERO));
    }
    lab.wait_until("the news of its end", |lab| died(&lab.records).is_some());
    let (status, last_words) = died(&lab.records).unwrap();
    assert_eq!(status, Some(1));
    assert!(last_words.starts_with("error: can't sync "), "{last_words}");
    assert!(last_words.contains("/data/n1/log-0000000001: Input/output error"), "{last_words}");
    assert!(last_words.contains("\nhelp: check the disk, then start the server again"), "{last_words}");

    // After the failed sync, nothing touches the disk.
    let calls = fs::read_to_string(folder.path().join("strace.log")).unwrap();
    let (_, after) = calls.split_once("(INJECTED)").expect("a sync that failed");
    assert!(!after.contains("sync("), "{after}");

    // The others continue without it.
    for _ in 0..20 {
        lab.put_somewhere();
    }
    // With a good disk it finds out what it holds, and gets the rest from the leader.
    fs::remove_file(folder.path().join("bad-disk")).unwrap();
    lab.cluster.perform(&Action::Restart { node: N1 }).unwrap();
    lab.wait_until("n1 to be back", |lab| lab.cluster.view().server(N1).unwrap().is_running());
    lab.put_somewhere();
    lab.nothing_is_lost();
    lab.cluster.stop();
}

/// The exit status and the standard error of the server that has died.
fn died(records: &[Record]) -> Option<(Option<i32>, String)> {
    records.iter().rev().find_map(|record| match &record.event {
        Event::Laboratory(Laboratory::Died { status, last_words, .. }) => Some((*status, last_words.clone())),
        _ => None,
    })
}

#[test]
#[ignore = "needs strace and root: .ci/run runs it"]
fn a_failed_sync_stops_a_follower_for_good() {
    a_failed_sync_stops_the_server(false);
}

#[test]
#[ignore = "needs strace and root: .ci/run runs it"]
fn a_failed_sync_stops_a_leader_for_good() {
    a_failed_sync_stops_the_server(true);
}

/// n1's syncs take this long. A write that needs n1's disk is not answered sooner.
fn no_answer_comes_before_the_sync(servers: u64, sync: Duration) {
    let folder = tempfile::tempdir().unwrap();
    let program = with_a_bad_disk(folder.path(), &format!("fdatasync:delay_exit={}", sync.as_micros()));
    let mut lab = Lab::start(&program, &folder.path().join("data"), servers);
    let leader = lab.leader();
    for _ in 0..5 {
        lab.wait_until_the_disk_rests(sync);
        let asked = Instant::now();
        lab.put(leader, 1).unwrap();
        assert!(asked.elapsed() >= sync, "answered after {:?}", asked.elapsed());
    }
    lab.cluster.stop();
}

#[test]
#[ignore = "needs strace and root: .ci/run runs it"]
fn a_server_alone_does_not_count_what_it_has_not_synced() {
    no_answer_comes_before_the_sync(1, Duration::from_millis(100));
}

#[test]
#[ignore = "needs strace and root: .ci/run runs it"]
fn nothing_is_acknowledged_that_a_majority_has_not_synced() {
    no_answer_comes_before_the_sync(2, Duration::from_millis(100));
}

/// Before its first vote for itself is saved, its election timer runs out. If it then began another election,
/// with another vote to save, it would never finish.
#[test]
#[ignore = "needs strace and root: .ci/run runs it"]
fn a_server_alone_whose_syncs_take_longer_than_elections_is_elected() {
    no_answer_comes_before_the_sync(1, Duration::from_millis(400));
}

/// The disks of the others are enough to commit. So a leader whose own disk hangs would go on forever, and
/// keep everything unsaved in memory.
#[test]
#[ignore = "needs strace and root: .ci/run runs it"]
fn a_leader_whose_disk_stands_still_takes_only_what_it_can_keep() {
    let folder = tempfile::tempdir().unwrap();
    let long = Duration::from_secs(30).as_micros();
    let program =
        with_a_bad_disk(folder.path(), &format!("fdatasync:delay_enter={long}:when={FAILING_SYNC}+"));
    let mut lab = Lab::start(&program, &folder.path().join("data"), 3);
    lab.let_n1_lead(true);
    let refused = (0..1000).find_map(|_| lab.put(N1, 300_000).err());
    let Some(Failure::NotDone(NotDone::NotNow { error, .. })) = refused else { panic!("{refused:?}") };
    assert_eq!(error, "too many requests wait for this server");
    lab.cluster.perform(&Action::Kill { node: N1 }).unwrap();
    lab.put_somewhere();
    lab.nothing_is_lost();
    lab.cluster.stop();
}

/// Each election waits for two saves. As these take far longer than the election timeout, nobody is elected,
/// and each server says why, once, and what to do.
#[test]
#[ignore = "needs strace and root: .ci/run runs it"]
fn servers_whose_disks_are_too_slow_for_elections_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let sync = Duration::from_millis(500);
    let inject = format!("fdatasync:delay_exit={}", sync.as_micros());
    let program = with_bad_disks(folder.path(), "--id ", &inject);
    let mut lab = Lab::start(&program, &folder.path().join("data"), 3);
    lab.wait_until("all to know that their disks are slow", |lab| {
        let statuses = lab.statuses();
        statuses.len() == 3 && statuses.iter().all(|status| status.slow_disk.is_some())
    });
    for status in lab.statuses() {
        let slow = status.slow_disk.unwrap();
        assert!(Duration::from_micros(slow.save_us) >= sync, "{slow:?}");
        assert_eq!(slow.election_timeout_min_us, 150_000);
    }
    let told = |lab: &Lab| {
        let is_told = |record: &&Record| matches!(record.event, Event::Process(Process::SlowDisk { .. }));
        lab.records.iter().filter(is_told).map(|record| record.node).collect::<Vec<_>>()
    };
    lab.wait_until("all to tell it", |lab| told(lab).len() == 3);
    let mut servers = told(&lab);
    servers.sort();
    assert_eq!(servers, [1, 2, 3].map(NodeId), "each once");

    let address = lab.cluster.view().server(N1).unwrap().address.clone().unwrap();
    let shown = Command::new(RAFT).args(["status", &address]).output().unwrap();
    let text = String::from_utf8(shown.stdout).unwrap();
    assert!(text.contains("warning: n1: the disk is slow: a save takes 5"), "{text}");
    assert!(text.contains("help: start all servers with --election-timeout "), "{text}");
    for id in [1, 2, 3].map(NodeId) {
        lab.cluster.perform(&Action::Kill { node: id }).unwrap();
    }
    lab.cluster.stop();
}

/// The others are a majority, and have everything. A server that forgot what it can't read, and took part all
/// the same, could help to lose that.
#[test]
fn a_flipped_bit_stops_its_server_and_harms_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let mut lab = Lab::start(Path::new(RAFT), folder.path(), 3);
    for _ in 0..20 {
        lab.put_somewhere();
    }
    let committed = lab.leader_status().commit_index;
    lab.wait_until("all entries on n1", |lab| lab.status(N1).last_applied >= committed);
    lab.cluster.perform(&Action::Kill { node: N1 }).unwrap();
    let log = folder.path().join("n1/log-0000000001");
    let mut content = fs::read(&log).unwrap();
    content[500] ^= 0b100;
    fs::write(&log, content).unwrap();

    lab.records.clear();
    lab.cluster.perform(&Action::Restart { node: N1 }).unwrap();
    lab.wait_until("the end of n1", |lab| died(&lab.records).is_some_and(|(status, _)| status.is_some()));
    let (status, last_words) = died(&lab.records).unwrap();
    assert_eq!(status, Some(1));
    assert!(last_words.contains("log-0000000001 is damaged: "), "{last_words}");
    assert!(
        last_words.contains("help: check the disk. Do not repair, cut or delete the file"),
        "{last_words}"
    );
    lab.put_somewhere();
    lab.nothing_is_lost();
    lab.cluster.stop();
}

/// A disk of its own for a server's folder, so small that it gets full.
struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    fn mount(folder: PathBuf) -> SmallDisk {
        fs::create_dir_all(&folder).unwrap();
        let mount = ["-t", "tmpfs", "-o", "size=128m", "tmpfs"];
        assert!(Command::new("mount").args(mount).arg(&folder).status().unwrap().success(), "needs root");
        SmallDisk { folder }
    }

    /// Uses up all the space that is left.
    fn fill(&self) {
        let mut filler = fs::File::create(self.folder.join("something-else")).unwrap();
        let full = std::io::copy(&mut std::io::repeat(1), &mut filler).unwrap_err();
        assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    }

    fn make_room(&self) {
        fs::remove_file(self.folder.join("something-else")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.folder).status();
    }
}

/// A cluster whose n1 has a small disk.
fn with_a_small_disk(servers: u64) -> (TempDir, SmallDisk, Lab) {
    let folder = tempfile::tempdir().unwrap();
    let disk = SmallDisk::mount(folder.path().join("n1"));
    let mut lab = Lab::start(Path::new(RAFT), folder.path(), servers);
    lab.leader();
    (folder, disk, lab)
}

/// Writes so much that a snapshot of it needs more space than is reserved for one.
fn put_much(lab: &mut Lab) {
    lab.put_somewhere();
    for _ in 0..WRITES {
        lab.put_somewhere_large();
    }
}

/// More than all the space that a server reserves, in this many writes.
const WRITES: usize = 250;
const TIMES: usize = 50_000;

/// `raft log` shows the folder of a running server.
fn the_log_can_be_looked_at(folder: &Path) {
    let shown = Command::new(RAFT).arg("log").arg(folder.join("n1")).output().unwrap();
    let text = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.status.success() && text.contains("the log ends here"), "{text}");
}

/// Nothing can be committed without n1's disk: writes are refused with the reason, and reads continue.
#[test]
#[ignore = "needs strace and root: .ci/run runs it"]
fn a_server_alone_with_a_full_disk_refuses_writes_and_serves_reads() {
    let (folder, disk, mut lab) = with_a_small_disk(1);
    put_much(&mut lab);
    disk.fill();
    // The write that finds no space waits for it in the log: its outcome is uncertain.
    let node = lab.node(N1);
    let waiting = std::thread::spawn(move || {
        (0..WRITES).find_map(|_| {
            let value = "xx".repeat(TIMES);
            node.write(&Write::put(b"waits", value.as_bytes()), TIMEOUT).err()
        })
    });
    let mut refused = None;
    lab.wait_until("a refusal", |lab| {
        if lab.status(N1).disk_full.is_some()
            && let Err(Failure::NotDone(NotDone::NotNow { error, help })) =
                lab.node(N1).write(&Write::put(b"refused", b"1"), TIMEOUT)
        {
            refused = Some((error, help));
        }
        refused.is_some()
    });
    let (error, help) = refused.unwrap();
    assert!(error.starts_with("the disk of n1 is full: can't create "), "{error}");
    assert!(error.contains("No space left on device"), "{error}");
    assert!(help.starts_with("make room there"), "{help}");
    assert_eq!(lab.get(N1, 1, Read::Linearizable).as_deref(), Some("1111111111"));
    the_log_can_be_looked_at(folder.path());

    disk.make_room();
    lab.wait_until("room", |lab| lab.status(N1).disk_full.is_none());
    // Too late for the client that waited, or just in time.
    assert!(matches!(waiting.join().unwrap(), None | Some(Failure::Uncertain(_) | Failure::NotDone(_))));
    lab.put_somewhere();
    lab.nothing_is_lost();
    assert_eq!(lab.status(N1).life, 1, "it never stopped");
    lab.cluster.stop();
}

/// The log fills the disk, and most of it no longer matters. A snapshot lets it be removed, and space is
/// reserved for one.
#[test]
#[ignore = "needs strace and root: .ci/run runs it"]
fn a_full_disk_is_compacted() {
    let (_folder, _disk, lab) = with_a_small_disk(1);
    let (node, deadline) = (lab.node(N1), Instant::now() + TIMEOUT);
    // More than fits on the disk.
    for number in 0..1300 {
        let value = number.to_string().repeat(TIMES);
        while let Err(failure) = node.write(&Write::put(b"key", value.as_bytes()), TIMEOUT) {
            assert!(Instant::now() < deadline, "{failure}: {:#?}", lab.statuses());
        }
    }
    let status = lab.status(N1);
    assert!(status.snapshot.index > Index(0), "{status:?}");
    assert_eq!(status.life, 1, "it never stopped");
    lab.cluster.stop();
}

/// A majority has space: it continues without n1.
fn a_cluster_goes_on_while_n1_has_no_room(leads: bool) {
    let (folder, disk, mut lab) = with_a_small_disk(3);
    put_much(&mut lab);
    lab.let_n1_lead(leads);
    disk.fill();
    for _ in 0..WRITES {
        lab.put_somewhere_large();
    }
    lab.wait_until("a full disk", |lab| lab.status(N1).disk_full.is_some());
    // A leader without space would keep everything unsaved in memory. Another server leads now.
    lab.wait_until("another leader", |lab| lab.status(N1).leader.is_some_and(|leader| leader != N1));
    for _ in 0..20 {
        lab.put_somewhere_large();
    }
    lab.wait_until("a read", |lab| lab.read_from_the_leader(1).as_deref() == Some("1111111111"));
    // The one without space still shows what it knows.
    assert_eq!(lab.get(N1, 1, Read::Stale).as_deref(), Some("1111111111"));
    the_log_can_be_looked_at(folder.path());

    disk.make_room();
    lab.wait_until("room", |lab| lab.status(N1).disk_full.is_none());
    lab.put_somewhere();
    lab.nothing_is_lost();
    assert_eq!(lab.status(N1).life, 1, "it never stopped");
    lab.cluster.stop();
}

#[test]
#[ignore = "needs strace and root: .ci/run runs it"]
fn a_follower_with_a_full_disk_holds_nobody_up() {
    a_cluster_goes_on_while_n1_has_no_room(false);
}

#[test]
#[ignore = "needs strace and root: .ci/run runs it"]
fn a_leader_with_a_full_disk_lets_another_one_lead() {
    a_cluster_goes_on_while_n1_has_no_room(true);
}
