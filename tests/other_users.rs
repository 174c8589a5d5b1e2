//! Other users of the machine: they see nothing of what is made, nothing of theirs is believed, and nothing
//! that they lay in the way is waited for.

mod common;

use common::{Up, ended, make_pipe, raft};
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

/// The user "nobody".
const STRANGER: u32 = 65534;

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

/// What lies here and below, and may be read, changed or entered by others.
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
    assert_says(&status, 1, "no server answers");
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
