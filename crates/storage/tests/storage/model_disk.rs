//! A disk in memory that forgets at a crash what it may forget.

use std::cell::{RefCell, RefMut};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::rc::Rc;
use storage::Disk;

/// A handle to the disk: its clones are the same disk, seen by the next life of the server.
#[derive(Debug, Clone, Default)]
pub struct ModelDisk(Rc<RefCell<State>>);

#[derive(Debug, Default)]
struct State {
    /// The names as programs see them, each with its place in `files`.
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    unsynced_names: BTreeSet<String>,
    files: Vec<File>,
    operations: usize,
    fault: Option<Fault>,
}

#[derive(Debug, Default)]
struct File {
    /// The content as programs see it.
    content: Vec<u8>,
    durable_content: Vec<u8>,
    is_unsynced: bool,
}

/// What goes wrong, at the operation with this number (the first is 0).
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    /// The power goes before the operation has done anything.
    PowerCutBefore(usize),
    /// The power goes when the operation has done all.
    PowerCutAfter(usize),
    /// Only this operation fails. If it is a sync, the system forgets what it had to write, so that
    /// a second try would succeed and do nothing.
    Error(usize),
}

/// What becomes of names that were not synced.
#[derive(Debug, Clone, Copy)]
pub enum UnsyncedNames {
    Undone,
    Kept,
}

/// What becomes of content that was not synced.
#[derive(Debug, Clone, Copy)]
pub enum UnsyncedContent {
    Undone,
    Torn,
    Zeroed,
    Kept,
}

pub type CrashOutcome = (UnsyncedNames, UnsyncedContent);

pub fn crash_outcomes() -> impl Iterator<Item = CrashOutcome> {
    use UnsyncedContent::{Kept, Torn, Undone, Zeroed};
    let contents = [Undone, Torn, Zeroed, Kept];
    contents.into_iter().flat_map(|content| {
        [UnsyncedNames::Undone, UnsyncedNames::Kept].into_iter().map(move |names| (names, content))
    })
}

impl ModelDisk {
    /// Operations are counted from here.
    pub fn plan(&self, fault: Fault) {
        let mut state = self.state();
        state.operations = 0;
        state.fault = Some(fault);
    }

    pub fn operations(&self) -> usize {
        self.state().operations
    }

    /// The machine stops, and comes back without a fault.
    pub fn crash(&self, (names, content): CrashOutcome) {
        let state = &mut *self.state();
        match names {
            UnsyncedNames::Undone => state.names = state.durable_names.clone(),
            UnsyncedNames::Kept => state.durable_names = state.names.clone(),
        }
        state.unsynced_names.clear();
        for file in &mut state.files {
            let unsynced = std::mem::take(&mut file.content);
            match content {
                _ if unsynced == file.durable_content => {}
                UnsyncedContent::Undone => {}
                UnsyncedContent::Torn => file.durable_content = unsynced[..unsynced.len() / 2].to_vec(),
                UnsyncedContent::Zeroed => file.durable_content = vec![0; unsynced.len()],
                UnsyncedContent::Kept => file.durable_content = unsynced,
            }
            file.content = file.durable_content.clone();
            file.is_unsynced = false;
        }
        state.fault = None;
    }

    /// All files, for tests that change them behind the server's back.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let state = self.state();
        state.names.iter().map(|(name, place)| (name.clone(), state.files[*place].content.clone())).collect()
    }

    pub fn with_files(files: BTreeMap<String, Vec<u8>>) -> ModelDisk {
        let mut disk = ModelDisk::default();
        for (name, content) in files {
            disk.write(&name, &content).unwrap();
            disk.sync(&name).unwrap();
        }
        disk.sync_directory().unwrap();
        disk
    }

    fn state(&self) -> RefMut<'_, State> {
        self.0.borrow_mut()
    }

    fn operate(&self, act: impl FnOnce(&mut State), fail: impl FnOnce(&mut State)) -> io::Result<()> {
        let state = &mut *self.state();
        let operation = state.operations;
        state.operations += 1;
        match state.fault {
            Some(Fault::PowerCutBefore(last)) if operation >= last => {}
            Some(Fault::PowerCutAfter(last)) if operation > last => {}
            Some(Fault::PowerCutAfter(last)) if operation == last => act(state),
            Some(Fault::Error(failing)) if operation == failing => fail(state),
            _ => {
                act(state);
                return Ok(());
            }
        }
        Err(io::Error::other("the disk failed"))
    }
}

impl Disk for ModelDisk {
    fn folder(&self) -> &Path {
        Path::new("model")
    }

    fn read(&mut self, name: &str) -> io::Result<Option<Vec<u8>>> {
        self.operate(|_| {}, |_| {})?;
        let state = self.state();
        Ok(state.names.get(name).map(|place| state.files[*place].content.clone()))
    }

    fn write(&mut self, name: &str, content: &[u8]) -> io::Result<()> {
        let write = |state: &mut State, content: &[u8]| {
            let place = *state.names.entry(name.to_string()).or_insert_with(|| {
                state.unsynced_names.insert(name.to_string());
                state.files.push(File::default());
                state.files.len() - 1
            });
            state.files[place].content = content.to_vec();
            state.files[place].is_unsynced = true;
        };
        self.operate(|state| write(state, content), |state| write(state, &content[..content.len() / 2]))
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        let sync = |state: &mut State| {
            let file = &mut state.files[state.names[name]];
            if file.is_unsynced {
                file.durable_content = file.content.clone();
                file.is_unsynced = false;
            }
        };
        let forget = |state: &mut State| state.files[state.names[name]].is_unsynced = false;
        self.operate(sync, forget)
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let rename = |state: &mut State| {
            let place = state.names.remove(from).expect("a file of this name");
            state.names.insert(to.to_string(), place);
            state.unsynced_names.extend([from.to_string(), to.to_string()]);
        };
        self.operate(rename, |_| {})
    }

    fn sync_directory(&mut self) -> io::Result<()> {
        let sync = |state: &mut State| {
            for name in std::mem::take(&mut state.unsynced_names) {
                match state.names.get(&name) {
                    Some(place) => state.durable_names.insert(name, *place),
                    None => state.durable_names.remove(&name),
                };
            }
        };
        self.operate(sync, |state| state.unsynced_names.clear())
    }
}
