//! A disk that forgets what was not synced.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use storage::Disk;

/// A disk in memory. Its clones are the same disk: the world keeps one when it gives a server another.
#[derive(Debug, Clone)]
pub struct SimulatedDisk {
    name: PathBuf,
    state: Rc<RefCell<State>>,
}

#[derive(Debug, Default)]
struct State {
    contents: Vec<Content>,
    /// Which content each name stands for.
    names: BTreeMap<String, usize>,
    /// The names as they were when the directory was last synced.
    synced_names: BTreeMap<String, usize>,
    fails_next_sync: bool,
}

#[derive(Debug, Default)]
struct Content {
    bytes: Vec<u8>,
    /// The bytes as they were when they were last synced; nothing before.
    synced: Vec<u8>,
}

impl SimulatedDisk {
    /// An empty disk. Its name is told where something is wrong with it.
    pub fn new(name: impl Into<PathBuf>) -> SimulatedDisk {
        SimulatedDisk { name: name.into(), state: Rc::default() }
    }

    /// The power goes out: only what was synced is there afterwards.
    pub fn crash(&self) {
        let mut state = self.state.borrow_mut();
        state.names = state.synced_names.clone();
        for content in &mut state.contents {
            content.bytes = content.synced.clone();
        }
    }

    /// The next sync fails.
    pub fn fail_next_sync(&self) {
        self.state.borrow_mut().fails_next_sync = true;
    }
}

impl State {
    fn place(&self, name: &str) -> io::Result<usize> {
        self.names.get(name).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn fail_if_told(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.fails_next_sync) {
            return Err(io::Error::other("the disk reports an error"));
        }
        Ok(())
    }
}

impl Disk for SimulatedDisk {
    fn folder(&self) -> &Path {
        &self.name
    }

    fn read(&mut self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let state = self.state.borrow();
        Ok(state.names.get(name).map(|&place| state.contents[place].bytes.clone()))
    }

    fn write(&mut self, name: &str, content: &[u8]) -> io::Result<()> {
        let mut state = self.state.borrow_mut();
        let place = state.contents.len();
        state.contents.push(Content { bytes: content.to_vec(), synced: Vec::new() });
        state.names.insert(name.to_owned(), place);
        Ok(())
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        let mut state = self.state.borrow_mut();
        state.fail_if_told()?;
        let place = state.place(name)?;
        state.contents[place].synced = state.contents[place].bytes.clone();
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state.borrow_mut();
        let place = state.place(from)?;
        state.names.remove(from);
        state.names.insert(to.to_owned(), place);
        Ok(())
    }

    fn sync_directory(&mut self) -> io::Result<()> {
        let mut state = self.state.borrow_mut();
        state.fail_if_told()?;
        state.synced_names = state.names.clone();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_takes_what_was_not_synced() {
        let mut disk = SimulatedDisk::new("disk");
        disk.write("a.new", b"first").unwrap();
        disk.sync("a.new").unwrap();
        disk.rename("a.new", "a").unwrap();
        disk.crash();
        assert_eq!(disk.read("a").unwrap(), None, "the directory was not synced");

        disk.write("a", b"second").unwrap();
        disk.sync_directory().unwrap();
        disk.crash();
        assert_eq!(disk.read("a").unwrap(), Some(Vec::new()), "the content was not synced");

        disk.write("a", b"third").unwrap();
        disk.sync("a").unwrap();
        disk.sync_directory().unwrap();
        disk.crash();
        assert_eq!(disk.read("a").unwrap(), Some(b"third".to_vec()));
    }

    #[test]
    fn a_sync_fails_once_when_told_to() {
        let mut disk = SimulatedDisk::new("disk");
        disk.write("a", b"content").unwrap();
        disk.fail_next_sync();
        assert!(disk.sync("a").is_err());
        assert!(disk.sync("a").is_ok());
    }
}
