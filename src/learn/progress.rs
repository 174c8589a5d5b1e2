//! What the learner has done so far, in a file of this user.

use command::Failure;
use course::{Card, CardResult, Chapter, Results};
use std::fs;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};
use storage::careful::read_regular;

/// Maximum size of a file with results, in bytes. A learner who has done everything has about 20,000.
const LARGEST: u64 = 1 << 20;

/// The results of this user.
pub(super) struct Progress {
    file: PathBuf,
    pub(super) results: Results,
}

impl Progress {
    /// Reads what is there.
    pub(super) fn open() -> Result<Progress, Failure> {
        let file = file()?;
        let results = match read(&file) {
            Ok(results) => results,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Results::new(random_seed()),
            Err(error) => {
                return Err(Failure::of(
                    format_args!("can't read your progress in {}: {error}", file.display()),
                    "move the file elsewhere, or remove it with `raft learn --delete`",
                ));
            }
        };
        Ok(Progress { file, results })
    }

    /// Changes the result of a card, and keeps it.
    pub(super) fn change(
        &mut self,
        chapter: &Chapter,
        card: &Card,
        change: impl FnOnce(&mut CardResult),
    ) -> Result<(), Failure> {
        change(self.results.entry(chapter, card));
        self.keep()
    }

    /// Adds what another file has. Returns how many results were added.
    pub(super) fn add(&mut self, other: Results) -> Result<usize, Failure> {
        let added = self.results.add(other);
        if json(&self.results).len() as u64 > LARGEST {
            return Err(Failure::of(
                "with the results in this file, yours would be too large to be kept",
                "a learner's own file is much smaller: export it again",
            ));
        }
        self.keep()?;
        Ok(added)
    }

    fn keep(&self) -> Result<(), Failure> {
        // Another program sees the file before, or the file after.
        let beside = self.file.with_extension("new");
        let folder = self.file.parent().unwrap_or(Path::new("."));
        let kept = fs::create_dir_all(folder)
            .and_then(|()| fs::write(&beside, json(&self.results)))
            .and_then(|()| fs::rename(&beside, &self.file));
        kept.map_err(|error| {
            Failure::of(
                format_args!("can't keep your progress in {}: {error}", self.file.display()),
                "set XDG_DATA_HOME to a folder that you may write to",
            )
        })
    }
}

/// Removes the file, and returns its path; `None` if there is none.
pub(super) fn delete() -> Result<Option<PathBuf>, Failure> {
    let file = file()?;
    match fs::remove_file(&file) {
        Ok(()) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::of(format_args!("can't remove {}: {error}", file.display()), "")),
    }
}

/// Reads a file with results: from here, from the page, or from anyone.
pub(super) fn read(file: &Path) -> io::Result<Results> {
    let bytes = read_regular(file, LARGEST)?;
    serde_json::from_slice(&bytes).map_err(|error| {
        io::Error::new(io::ErrorKind::InvalidData, format!("it has no results of the course: {error}"))
    })
}

/// The file of these results.
pub(super) fn json(results: &Results) -> String {
    serde_json::to_string_pretty(results).expect("results can be written as JSON") + "\n"
}

/// Where they are kept. <https://specifications.freedesktop.org/basedir-spec/latest/>
fn file() -> Result<PathBuf, Failure> {
    let folder_in = |variable: &str| {
        let folder = std::env::var_os(variable).map(PathBuf::from);
        folder.filter(|folder| folder.is_absolute())
    };
    let data = folder_in("XDG_DATA_HOME").or_else(|| Some(folder_in("HOME")?.join(".local/share")));
    let data = data.ok_or_else(|| {
        Failure::of(
            "there is no place to keep your progress",
            "set HOME or XDG_DATA_HOME to a folder of yours",
        )
    })?;
    Ok(data.join("raft-for-beginners").join("course.json"))
}

fn random_seed() -> u32 {
    // The standard library draws the keys of its hash maps at random.
    let number = RandomState::new().build_hasher().finish();
    u32::try_from(number >> 32).expect("32 bits are left")
}
