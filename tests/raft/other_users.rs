//! Other users of the machine: they see nothing of what is created, nothing of theirs is trusted, and nothing
//! that they place in the way is waited for.

use crate::common::forged::{call, greeting, hello};
use crate::common::{TIMEOUT, Up, await_some, ended, forget_settings, make_pipe, raft};
use consensus::{NodeId, Origin};
use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;
use trace::{Event, Process};

/// The user "nobody".
const STRANGER: u32 = 65534;

const JSON: (&str, &str) = ("content-type", "application/json");

/// A command whose folder for temporary files is this one.
fn raft_in(temporary: &Path) -> Command {
    let mut command = raft();
    command.env("TMPDIR", temporary);
    command
}

fn up_in(temporary: &Path, arguments: &[&str]) -> Up {
    let mut command = raft_in(temporary);
    command.args(["up", "--json", "--no-web", "--nodes", "1"]).args(arguments);
    let mut up = Up::start_command(command, 1);
    up.wait_for_leader();
    up
}

fn assert_says(output: &Output, status: i32, words: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{output:?}");
    assert!(said.contains(words), "\"{words}\" is missing in {said}");
}

/// What is at this path and below, and may be read, changed or entered by others.
fn open_to_others(path: &Path) -> Vec<String> {
    let metadata = fs::symlink_metadata(path).unwrap();
    let mut found = Vec::new();
    if metadata.mode() & 0o077 != 0 {
        found.push(format!("{:o} {}", metadata.mode() & 0o777, path.display()));
    }
    if metadata.is_dir() {
        let below = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
        found.extend(below.flat_map(|path| open_to_others(&path)));
    }
    found
}

#[test]
fn what_is_made_is_for_its_user_alone() {
    let place = tempfile::tempdir().unwrap();
    let temporary = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", r#"umask 022; exec "$@""#, "sh", env!("CARGO_BIN_EXE_raft")]);
    command.args(["up", "--json", "--no-web", "--nodes", "1", "--data"]).arg(place.path().join("above/data"));
    command.arg("--record").arg(place.path().join("run.jsonl"));
    command.env("TMPDIR", temporary.path()).env_remove("XDG_RUNTIME_DIR");
    let mut up = Up::start_command(command, 1);
    up.wait_for_leader();
    assert!(place.path().join("above/data/n1").is_dir());
    for folder in [&place, &temporary] {
        let made = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
        assert_eq!(made.flat_map(|path| open_to_others(&path)).collect::<Vec<_>>(), [""; 0]);
    }
}

#[test]
fn a_cluster_on_a_folder_of_its_own_is_found_by_the_next_command() {
    let place = tempfile::tempdir().unwrap();
    let temporary = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    let mut up = up_in(temporary.path(), &["--data", data.to_str().unwrap()]);
    let put = ended(raft_in(temporary.path()).args(["put", "greeting", "hello"]));
    assert!(put.status.success(), "{put:?}");
    up.signal(rustix::process::Signal::TERM);
    up.wait_for_end();
    let status = ended(raft_in(temporary.path()).arg("status"));
    assert_says(&status, 1, "no cluster runs on this machine");
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0, "nothing is left behind");
}

#[test]
fn a_cluster_is_listed_where_the_session_keeps_such_things() {
    let [place, temporary, session] = [(); 3].map(|()| tempfile::tempdir().unwrap());
    fs::set_permissions(session.path(), Permissions::from_mode(0o700)).unwrap();
    let mut command = raft_in(temporary.path());
    command.args(["up", "--json", "--no-web", "--nodes", "1", "--data"]).arg(place.path());
    command.env("XDG_RUNTIME_DIR", session.path());
    let mut up = Up::start_command(command, 1);
    up.wait_for_leader();
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0);
    let mut status = raft_in(temporary.path());
    let status = ended(status.arg("status").env("XDG_RUNTIME_DIR", session.path()));
    assert!(status.status.success(), "{status:?}");
}

#[test]
fn nobody_waits_for_a_pipe_in_the_place_of_a_lock() {
    let temporary = tempfile::tempdir().unwrap();
    let trap = temporary.path().join("raft-for-beginners-trap");
    fs::create_dir(&trap).unwrap();
    File::create(trap.join("temporary")).unwrap();
    make_pipe(&trap.join("cluster.lock"));
    assert_says(&ended(raft_in(temporary.path()).arg("status")), 1, "no cluster runs on this machine");
    let named = ended(raft_in(temporary.path()).arg("status").arg("--data").arg(&trap));
    assert_says(&named, 1, "no cluster runs on");
    let on_it = ended(raft_in(temporary.path()).args(["up", "--plain", "--data"]).arg(&trap));
    assert_says(&on_it, 1, "it is a pipe");
    up_in(temporary.path(), &[]);
}

/// A folder that looks like the one of a cluster that runs.
fn forged_cluster(folder: &Path) -> File {
    fs::create_dir(folder).unwrap();
    fs::write(folder.join("cluster.json"), r#"{"addresses":{"1":"127.0.0.1:1"}}"#).unwrap();
    let lock = File::create(folder.join("cluster.lock")).unwrap();
    lock.lock().unwrap();
    lock
}

fn assert_nothing_is_believed(temporary: &TempDir) {
    assert_says(&ended(raft_in(temporary.path()).arg("status")), 1, "no cluster runs on this machine");
}

#[test]
fn no_link_is_followed_to_a_cluster() {
    let [place, temporary] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let _lock = forged_cluster(&place.path().join("forged"));
    symlink(place.path().join("forged"), temporary.path().join("raft-for-beginners-forged")).unwrap();
    assert_nothing_is_believed(&temporary);
}

#[test]
fn a_strangers_cluster_is_not_believed() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can make files that are a stranger's");
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    let forged = temporary.path().join("raft-for-beginners-forged");
    let _lock = forged_cluster(&forged);
    for path in [forged.join("cluster.lock"), forged.join("cluster.json"), forged] {
        chown(path, Some(STRANGER), Some(STRANGER)).unwrap();
    }
    assert_nothing_is_believed(&temporary);
}

/// The folder that lists the clusters of this user.
fn list_in(temporary: &TempDir) -> std::path::PathBuf {
    temporary.path().join(format!("raft-for-beginners-{}", rustix::process::geteuid().as_raw()))
}

#[test]
fn a_list_that_others_can_write_is_not_believed_and_keeps_nobody_from_starting() {
    let [place, temporary] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let forged = place.path().join("forged");
    let _lock = forged_cluster(&forged);
    let list = list_in(&temporary);
    fs::create_dir(&list).unwrap();
    fs::write(list.join("cluster-forged"), forged.to_str().unwrap()).unwrap();
    fs::set_permissions(&list, Permissions::from_mode(0o777)).unwrap();
    assert_nothing_is_believed(&temporary);
    up_in(temporary.path(), &[]);

    fs::set_permissions(&list, Permissions::from_mode(0o700)).unwrap();
    let status = ended(raft_in(temporary.path()).arg("status"));
    assert_says(&status, 1, "no server responds");
}

#[test]
fn nobody_waits_for_a_pipe_in_the_list() {
    let temporary = tempfile::tempdir().unwrap();
    let list = list_in(&temporary);
    fs::create_dir(&list).unwrap();
    fs::set_permissions(&list, Permissions::from_mode(0o700)).unwrap();
    make_pipe(&list.join("cluster-trap"));
    assert_nothing_is_believed(&temporary);
}

/// Another user of the machine, with a copy of the program in a place that everyone may enter.
struct OtherUser(TempDir);

impl OtherUser {
    /// `None` if this user can't become another one.
    fn new() -> Option<OtherUser> {
        if !rustix::process::geteuid().is_root() {
            eprintln!("skipped: only root can become another user");
            return None;
        }
        let other = OtherUser(folder_for_all(0o755));
        let program = env!("CARGO_BIN_EXE_raft");
        fs::hard_link(program, other.program())
            .or_else(|_| fs::copy(program, other.program()).map(drop))
            .unwrap();
        fs::create_dir(other.own()).unwrap();
        chown(other.own(), Some(STRANGER), Some(STRANGER)).unwrap();
        let groups = ended(other.command("id").arg("-G"));
        assert_eq!(String::from_utf8(groups.stdout).unwrap().trim(), STRANGER.to_string());
        Some(other)
    }

    fn program(&self) -> PathBuf {
        self.0.path().join("raft")
    }

    /// A folder that belongs to that user.
    fn own(&self) -> PathBuf {
        self.0.path().join("own")
    }

    fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        // No group of root's is left: `Command` leaves them all when it changes the user.
        command.uid(STRANGER).gid(STRANGER).current_dir(self.own());
        command
    }

    fn raft_in(&self, temporary: &Path) -> Command {
        let mut command = self.command(self.program());
        forget_settings(&mut command);
        command.env("TMPDIR", temporary);
        command
    }

    /// What that user can do with these.
    fn gets_at(&self, paths: &[PathBuf]) -> Vec<String> {
        const SCRIPT: &str = r#"
            can() { "$@" > /dev/null 2>&1 && echo "$*"; }
            for path; do
                case "$path" in
                */) can ls "$path"
                    can sh -c 'cd "$0"' "$path"
                    can touch "${path}mine"
                    can ln -s /etc/passwd "${path}my-link"
                    can mv "$path" "${path%/}-gone" ;;
                *)  can cat "$path"
                    can dd if=/dev/null "of=$path" conv=notrunc
                    can ln "$path" my-name
                    can rm -f "$path" ;;
                esac
            done
            true"#;
        let tried = ended(self.command("sh").args(["-c", SCRIPT, "sh"]).args(paths));
        assert!(tried.status.success(), "{tried:?}");
        String::from_utf8(tried.stdout).unwrap().lines().map(str::to_owned).collect()
    }
}

/// A folder with these permissions.
fn folder_for_all(mode: u32) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(mode)).unwrap();
    folder
}

/// Everything below; the names of folders end in `/`.
fn all_below(folder: &Path) -> Vec<PathBuf> {
    let below = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let with_what_is_in_it = |path: PathBuf| match path.is_dir() {
        true => [vec![path.join("")], all_below(&path)].concat(),
        false => vec![path],
    };
    below.flat_map(with_what_is_in_it).collect()
}

/// A cluster of this user's, in places that all users can reach.
struct Shared {
    up: Up,
    place: TempDir,
    temporary: TempDir,
}

impl Shared {
    fn start() -> Shared {
        let (place, temporary) = (folder_for_all(0o755), folder_for_all(0o1777));
        let mut command = raft_in(temporary.path());
        command.args(["up", "--json", "--nodes", "3", "--election-timeout", "1s..2s"]);
        command.arg("--data").arg(place.path().join("data"));
        command.arg("--record").arg(place.path().join("run.jsonl"));
        let mut up = Up::start_command(command, 3);
        up.wait_for_leader();
        Shared { up, place, temporary }
    }

    fn data(&self) -> PathBuf {
        self.place.path().join("data")
    }

    /// The output of the command when this user runs it.
    fn raft(&self, arguments: &[&str]) -> String {
        let output = ended(raft_in(self.temporary.path()).args(arguments));
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }
}

#[test]
fn another_user_gets_at_no_file_and_no_folder() {
    let Some(other) = OtherUser::new() else { return };
    let shared = Shared::start();
    let all = [all_below(shared.place.path()), all_below(shared.temporary.path())].concat();
    let (n1, record) = (shared.data().join("n1"), shared.place.path().join("run.jsonl"));
    for made in [&n1.join("identity"), &n1.join("lock"), &shared.data().join("cluster.lock"), &record] {
        assert!(all.contains(made), "{made:?} is missing in {all:#?}");
    }
    assert!(all.contains(&list_in(&shared.temporary).join("")), "{all:#?}");
    assert_eq!(other.gets_at(&all), [""; 0]);

    // Where others may, the test shows that they do.
    let (trial, file) = (shared.place.path().join("trial"), shared.place.path().join("trial/file"));
    fs::create_dir(&trial).unwrap();
    fs::write(&file, "").unwrap();
    fs::set_permissions(&trial, Permissions::from_mode(0o777)).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o666)).unwrap();
    let done = other.gets_at(&[trial.join(""), file]);
    for what in ["ls", "sh", "touch", "ln -s", "cat", "dd", "ln", "rm"] {
        assert!(
            done.iter().any(|done| done.starts_with(&format!("{what} "))),
            "{what} is missing in {done:#?}"
        );
    }
}

#[test]
fn another_users_commands_find_only_what_is_theirs() {
    let Some(other) = OtherUser::new() else { return };
    let shared = Shared::start();
    shared.raft(&["put", "whose", "the first one's"]);
    let temporary = shared.temporary.path();
    for arguments in [&["status"][..], &["put", "whose", "mine"], &["get", "whose"], &["member", "list"]] {
        let output = ended(other.raft_in(temporary).args(arguments));
        assert_says(&output, 1, "no cluster runs on this machine");
    }
    let named = ended(other.raft_in(temporary).arg("status").arg("--data").arg(shared.data()));
    assert_says(&named, 1, "no cluster runs on");
    let on_it =
        ended(other.raft_in(temporary).args(["up", "--plain", "--no-web", "--data"]).arg(shared.data()));
    assert_says(&on_it, 1, "ermission denied");

    let mut command = other.raft_in(temporary);
    command.args(["up", "--json", "--no-web", "--nodes", "1"]);
    let mut up = Up::start_command(command, 1);
    up.wait_for_leader();
    let theirs = |arguments: &[&str]| {
        let output = ended(other.raft_in(temporary).args(arguments));
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    theirs(&["put", "whose", "the other one's"]);
    assert_eq!(theirs(&["get", "whose"]).trim(), "the other one's");
    assert_eq!(shared.raft(&["get", "whose"]).trim(), "the first one's");
    let servers = |table: &str| table.lines().filter(|line| line.starts_with('n')).count();
    assert_eq!((servers(&theirs(&["status"])), servers(&shared.raft(&["status"]))), (1, 3));

    up.signal(rustix::process::Signal::TERM);
    up.wait_for_end();
    assert_eq!(shared.raft(&["get", "whose"]).trim(), "the first one's");
}

/// The list of this user's clusters can't be had: another user has taken its name.
#[test]
fn a_name_that_another_user_has_taken_keeps_nobody_from_starting() {
    let Some(other) = OtherUser::new() else { return };
    let (place, temporary) = (folder_for_all(0o755), folder_for_all(0o1777));
    assert!(ended(other.command("mkdir").arg("-m").arg("777").arg(list_in(&temporary))).status.success());
    let data = place.path().join("data");
    let _up = up_in(temporary.path(), &["--data", data.to_str().unwrap()]);
    assert_eq!(fs::read_dir(list_in(&temporary)).unwrap().count(), 0, "nothing is told there");
    assert_nothing_is_believed(&temporary);
    let named = ended(raft_in(temporary.path()).arg("status").arg("--data").arg(&data));
    assert!(named.status.success(), "{named:?}");
}

/// A port can't distinguish users, so this test runs as this user.
#[test]
fn no_port_lets_in_who_does_not_know_what_its_user_knows() {
    let mut shared = Shared::start();
    for id in (1..=3).map(NodeId) {
        let address = shared.up.view.server(id).unwrap().address.clone().unwrap();
        let from = id.0 % 3 + 1;
        // A member's origin, according to `/status`.
        let server = client::Node::new(&address);
        let status = server.status(TIMEOUT).unwrap();
        let origin = Origin { cluster: status.cluster_id, ..Origin::default() };
        let introductions =
            [vec![hello(from, id, origin)], vec![greeting(), call(from, id, origin, Some([7; 32]))]];
        for introduction in introductions {
            let mut stream = TcpStream::connect(&address).unwrap();
            stream.set_read_timeout(Some(TIMEOUT)).unwrap();
            introduction.iter().for_each(|frame| stream.write_all(frame).unwrap());
            let mut said = Vec::new();
            // It closes the connection, in one way or another; a welcome is all that it may have sent.
            let ended = stream.read_to_end(&mut said).map_err(|error| error.kind());
            assert!(matches!(ended, Ok(_) | Err(ErrorKind::ConnectionReset)), "{ended:?}");
            assert!(said.len() < 64, "{said:?}");
        }
        await_some("both to be counted", || {
            let rejected = server.status(TIMEOUT).ok()?.rejected;
            (rejected >= status.rejected + 2).then_some(())
        });
        shared.up.wait_until("that they are refused for this", |up| {
            up.records.iter().any(|record| {
                let Event::Process(Process::Garbage { problem, .. }) = &record.event else { return false };
                record.node == id && problem == "it does not know the cluster's secret"
            })
        });
    }
    let page = shared.up.page();
    let (host, wrong) = (("host", page.address.as_str()), ("x-raft-token", "0".repeat(32)));
    for request in ["GET /api/setup", "GET /api/events", "GET /api/trace", "POST /api/action"] {
        for headers in [vec![host, JSON], vec![host, JSON, (wrong.0, &wrong.1)]] {
            assert_eq!(page.ask(request, &headers, "{}").status, 403, "{request}");
        }
    }
    assert_eq!(page.get("/api/setup").status, 200, "who knows the token is let in");
    // The page itself is the same for all.
    assert!(!page.ask("GET /", &[host], "").body.contains(&page.token));
}
