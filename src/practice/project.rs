//! A learner's project on disk: made if it is not there, and built.

use super::SECRET;
use super::group::Group;
use command::{Failure, write_file};
use practice::{Blank, Project};
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

/// The folder for recorded runs, within a project.
pub(super) const REPLAYS: &str = "replays";

/// Maximum number of bytes that are kept of what a compiler says: a report has its first lines.
const MOST_SAID: u64 = 1 << 20;

/// Makes the project in this folder if it is not there, and brings its frame up to date. Returns whether it is new.
///
/// # Errors
/// If the folder has other things in it, or can't be written to.
pub(super) fn prepare(folder: &Path, blank: &'static Blank) -> Result<bool, Failure> {
    let project = Project::new(blank);
    let answer = folder.join(Project::ANSWER);
    let manifest = folder.join("Cargo.toml");
    let is_new = !answer.exists();
    let name = format!("name = \"{}\"", project.name());
    let is_ours = fs::read_to_string(&manifest).map_or(!manifest.exists(), |text| text.contains(&name));
    if !is_ours || (is_new && holds_anything(folder)) {
        return Err(Failure::of(
            format_args!("{} holds something else than a project for {blank}", folder.display()),
            "choose another folder with --folder",
        ));
    }
    write_frame(folder, &project)?;
    if is_new {
        write_file(&answer, &project.answer())?;
    }
    Ok(is_new)
}

/// Does it hold more than recorded runs, which other ways to answer leave there?
fn holds_anything(folder: &Path) -> bool {
    let mut entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.any(|entry| entry.file_name() != REPLAYS)
}

/// Writes everything but the answer.
pub(super) fn write_frame(folder: &Path, project: &Project) -> Result<(), Failure> {
    make_folder(&folder.join("src"))?;
    for (path, text) in project.frame() {
        let file = folder.join(path);
        if !fs::read_to_string(&file).is_ok_and(|old| old == text) {
            write_file(&file, &text)?;
        }
    }
    Ok(())
}

/// Makes a folder, if it is not there.
pub(super) fn make_folder(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|error| {
        let help = "choose a folder that you may write to";
        Failure::of(format_args!("can't make the folder {}: {error}", folder.display()), help)
    })
}

/// Builds it. The inner error is what the compiler says, or that the build took too long.
///
/// # Errors
/// If there is no cargo.
pub(super) fn build(
    folder: &Path,
    blank: &'static Blank,
    within: Duration,
) -> Result<Result<PathBuf, String>, Failure> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let target = folder.join("target");
    let mut command = Command::new(cargo);
    command
        .args(["build", "--quiet", "--offline", "--target-dir"])
        .arg(&target)
        .arg("--manifest-path")
        .arg(folder.join("Cargo.toml"))
        .env_remove("CARGO_TARGET_DIR")
        .env_remove("RUSTFLAGS")
        .env_remove(SECRET)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut cargo = Group::spawn(&mut command).map_err(|error| {
        let help = "install Rust (https://rustup.rs), or answer with --program or --expression";
        Failure::of(format_args!("can't run cargo, which builds the project: {error}"), help)
    })?;
    let mut errors = cargo.child.stderr.take().expect("it is piped");
    let (done, said) = channel();
    thread::spawn(move || {
        let mut kept = Vec::new();
        let _ = errors.by_ref().take(MOST_SAID).read_to_end(&mut kept);
        let _ = io::copy(&mut errors, &mut io::sink());
        let _ = done.send(String::from_utf8_lossy(&kept).into_owned());
    });
    let Ok(said) = said.recv_timeout(within) else {
        let within = humantime::format_duration(within);
        return Ok(Err(format!(
            "The build took longer than {within}, and was killed. Look for code that the compiler never finishes, or allow it more time \
             with --build-within."
        )));
    };
    // It has closed its standard error, and is about to end.
    let is_built = cargo.end().is_ok_and(|status| status.success());
    let program = target.join("debug").join(Project::new(blank).name());
    Ok(if is_built { Ok(program) } else { Err(said) })
}
