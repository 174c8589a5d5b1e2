//! A disk in memory that forgets in a crash what it may forget.

use crate::tearing::{Chance, Sector, Tearing};
use std::cell::{RefCell, RefMut};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::rc::Rc;
use storage::Disk;

/// Number of bytes that a disk writes completely or not at all.
const SECTOR: usize = 512;

/// All files, as a program sees them.
pub type Files = BTreeMap<String, Vec<u8>>;

/// A handle to the disk: its clones are the same disk, as the server sees it after a restart.
#[derive(Debug, Clone, Default)]
pub struct ModelDisk(Rc<RefCell<State>>);

#[derive(Debug, Clone, Default)]
struct State {
    /// The names as programs see them, each with its place in `files`.
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    unsynced_names: BTreeSet<String>,
    files: Vec<File>,
    operations: usize,
    fault: Option<Fault>,
    is_full: bool,
    random: u64,
}

#[derive(Debug, Clone, Default)]
struct File {
    /// The content as programs see it.
    content: Vec<u8>,
    durable_content: Vec<u8>,
    /// Was it emptied since the last sync?
    is_emptied: bool,
    /// What was written since the last sync, in order.
    unsynced: Vec<Write>,
}

#[derive(Debug, Clone)]
struct Write {
    offset: usize,
    bytes: Vec<u8>,
}

/// What goes wrong, at the operation with this number (the first is 0).
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    /// The power fails before the operation has done anything.
    PowerCutBefore(usize),
    /// The power fails when the operation is complete.
    PowerCutAfter(usize),
    /// Only this operation fails, half done. If it is a sync, the system drops what it had to write, of which
    /// some was written already: a second try would succeed and do nothing.
    Error(usize, Tearing),
    /// From this operation on there is no space, until it is [mended](ModelDisk::mend). A file that can't be
    /// created remains, half as long.
    Full(usize),
    /// The same, but there is no space even for the file's name: nothing remains.
    FullOfNames(usize),
    /// As the first, and no file can be removed either.
    FullAndBroken(usize),
    /// As the first, and existing data can't be overwritten either.
    FullEverywhere(usize),
}

impl Fault {
    /// The power fails before or after any one of this number of operations.
    pub fn power_cuts(operations: usize) -> impl Iterator<Item = Fault> + Clone {
        (0..operations).flat_map(|at| [Fault::PowerCutBefore(at), Fault::PowerCutAfter(at)])
    }
}

impl ModelDisk {
    pub fn with_files(files: Files) -> ModelDisk {
        let disk = ModelDisk::default();
        let mut state = disk.state();
        for (place, (name, content)) in files.into_iter().enumerate() {
            state.names.insert(name, place);
            let durable_content = content.clone();
            state.files.push(File { content, durable_content, ..File::default() });
        }
        state.durable_names = state.names.clone();
        drop(state);
        disk
    }

    /// A disk with other random numbers.
    pub fn with_randomness(random: u64) -> ModelDisk {
        let disk = ModelDisk::default();
        disk.state().random = random;
        disk
    }

    /// Another disk that holds what this one does, and may forget what this one may.
    pub fn copy(&self) -> ModelDisk {
        ModelDisk(Rc::new(RefCell::new(self.state().clone())))
    }

    /// Operations are counted from here.
    pub fn plan(&self, fault: Fault) {
        let mut state = self.state();
        state.operations = 0;
        state.fault = Some(fault);
    }

    pub fn operations(&self) -> usize {
        self.state().operations
    }

    /// Nothing more goes wrong, and there is space.
    pub fn mend(&self) {
        let mut state = self.state();
        state.fault = None;
        state.is_full = false;
    }

    /// The machine stops, and restarts without a fault.
    pub fn crash(&self, tearing: Tearing) {
        let mut state = self.state();
        let mut chance = tearing.chance();
        state.keep_some_names(&mut chance);
        state.names = state.durable_names.clone();
        for file in &mut state.files {
            file.keep_some_content(&mut chance);
            file.content = file.durable_content.clone();
        }
        state.fault = None;
        state.is_full = false;
    }

    /// All files, for tests that change them without the server's knowledge.
    pub fn files(&self) -> Files {
        let state = self.state();
        state.names.iter().map(|(name, place)| (name.clone(), state.files[*place].content.clone())).collect()
    }

    /// Changes a file without the server's knowledge.
    pub fn change(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        change(&mut self.state().file(name).expect("a file of this name").content);
    }

    fn state(&self) -> RefMut<'_, State> {
        self.0.borrow_mut()
    }

    fn operate(
        &self,
        act: impl FnOnce(&mut State),
        half_act: impl FnOnce(&mut State, &mut Chance),
    ) -> io::Result<()> {
        let state = &mut *self.state();
        let operation = state.operations;
        state.operations += 1;
        match state.fault {
            Some(Fault::PowerCutBefore(last)) if operation >= last => {}
            Some(Fault::PowerCutAfter(last)) if operation > last => {}
            Some(Fault::PowerCutAfter(last)) if operation == last => act(state),
            Some(Fault::Error(failing, tearing)) if operation == failing => {
                half_act(state, &mut tearing.chance());
            }
            _ => {
                act(state);
                return Ok(());
            }
        }
        Err(io::Error::other("the disk failed"))
    }

    /// An operation that needs space: without any, half of it is done.
    fn use_room(&self, act: impl FnOnce(&mut State), half_act: impl FnOnce(&mut State)) -> io::Result<()> {
        let mut state = self.state();
        state.is_full |= match state.fault {
            Some(
                Fault::Full(from)
                | Fault::FullOfNames(from)
                | Fault::FullAndBroken(from)
                | Fault::FullEverywhere(from),
            ) => state.operations >= from,
            _ => false,
        };
        if !state.is_full {
            drop(state);
            return self.operate(act, |state, _| half_act(state));
        }
        state.operations += 1;
        half_act(&mut state);
        Err(io::ErrorKind::StorageFull.into())
    }
}

impl State {
    fn file(&mut self, name: &str) -> io::Result<&mut File> {
        let place = *self.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(&mut self.files[place])
    }

    fn create(&mut self, name: &str) -> &mut File {
        self.unsynced_names.insert(name.to_string());
        self.names.insert(name.to_string(), self.files.len());
        self.files.push(File::default());
        self.files.last_mut().expect("the file that was just created")
    }

    /// Of the names that changed since the directory was synced, some become durable. No others ever do.
    fn keep_some_names(&mut self, chance: &mut Chance) {
        for name in std::mem::take(&mut self.unsynced_names) {
            if !chance.keeps_name() {
                continue;
            }
            match self.names.get(&name) {
                Some(place) => self.durable_names.insert(name, *place),
                None => self.durable_names.remove(&name),
            };
        }
        self.forget_old_names();
    }

    /// A file that was renamed has the old name or the new one, never both.
    fn forget_old_names(&mut self) {
        let mut latest_names: BTreeMap<usize, String> = BTreeMap::new();
        for (name, place) in &self.names {
            latest_names.insert(*place, name.clone());
        }
        let durable: BTreeSet<String> = self.durable_names.keys().cloned().collect();
        self.durable_names.retain(|name, place| match latest_names.get(place) {
            Some(latest) => name == latest || !durable.contains(latest),
            None => true,
        });
    }
}

impl File {
    fn write(&mut self, offset: usize, bytes: &[u8]) {
        let end = offset + bytes.len();
        if self.content.len() < end {
            self.content.resize(end, 0);
        }
        self.content[offset..end].copy_from_slice(bytes);
        self.unsynced.push(Write { offset, bytes: bytes.to_vec() });
    }

    fn empty(&mut self) {
        self.content.clear();
        self.unsynced.clear();
        self.is_emptied = true;
    }

    fn sync(&mut self) {
        if self.is_emptied {
            self.durable_content.clear();
        }
        self.is_emptied = false;
        for write in self.unsynced.drain(..) {
            let end = write.offset + write.bytes.len();
            if self.durable_content.len() < end {
                self.durable_content.resize(end, 0);
            }
            self.durable_content[write.offset..end].copy_from_slice(&write.bytes);
        }
    }

    /// Of what was written since the last sync, some becomes durable. The rest never does.
    fn keep_some_content(&mut self, chance: &mut Chance) {
        let writes = std::mem::take(&mut self.unsynced);
        if std::mem::take(&mut self.is_emptied) {
            if chance.keeps_old_file() {
                return;
            }
            self.durable_content.clear();
        }
        let durable = &mut self.durable_content;
        let length = chance.length(durable.len(), self.content.len().max(durable.len()));
        durable.resize(length, 0);
        let sectors: BTreeSet<usize> = writes.iter().flat_map(Write::sectors).collect();
        for (number, sector) in sectors.iter().enumerate() {
            let pieces: Vec<&Write> =
                writes.iter().filter(|write| write.sectors().contains(sector)).collect();
            let fate = chance.sector(number, sectors.len(), pieces.len());
            let range = sector * SECTOR..(sector + 1) * SECTOR;
            let written = match fate {
                Sector::AfterWrites(count) => count,
                Sector::Zero => pieces.len(),
            };
            for write in &pieces[..written] {
                write.copy_to(durable, &range, fate == Sector::Zero);
            }
        }
    }
}

impl Write {
    /// The sectors that it changes.
    fn sectors(&self) -> std::ops::Range<usize> {
        self.offset / SECTOR..(self.offset + self.bytes.len()).div_ceil(SECTOR)
    }

    /// Writes the part that is within this range of the file, up to the file's end.
    fn copy_to(&self, file: &mut [u8], range: &std::ops::Range<usize>, as_zeroes: bool) {
        let from = self.offset.max(range.start);
        let to = (self.offset + self.bytes.len()).min(range.end).min(file.len());
        if from >= to {
            return;
        }
        if as_zeroes {
            file[from..to].fill(0);
        } else {
            file[from..to].copy_from_slice(&self.bytes[from - self.offset..to - self.offset]);
        }
    }
}

impl Disk for ModelDisk {
    fn folder(&self) -> &Path {
        Path::new("model")
    }

    fn list(&mut self) -> io::Result<Vec<String>> {
        self.operate(|_| {}, |_, _| {})?;
        Ok(self.state().names.keys().cloned().collect())
    }

    fn read(&mut self, name: &str) -> io::Result<Option<Vec<u8>>> {
        self.operate(|_| {}, |_, _| {})?;
        Ok(self.state().file(name).ok().map(|file| file.content.clone()))
    }

    fn size(&mut self, name: &str) -> io::Result<Option<u64>> {
        Ok(self.read(name)?.map(|content| content.len() as u64))
    }

    fn read_at(&mut self, name: &str, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let content = self.read(name)?.ok_or(io::ErrorKind::NotFound)?;
        let from = content.len().min(offset as usize);
        Ok(content[from..content.len().min(from + length)].to_vec())
    }

    fn write(&mut self, name: &str, content: &[u8]) -> io::Result<()> {
        let write = |state: &mut State, content: &[u8]| {
            if !state.names.contains_key(name) {
                state.create(name);
            }
            let file = state.file(name).expect("it was created");
            file.empty();
            file.write(0, content);
        };
        self.use_room(|state| write(state, content), |state| write(state, &content[..content.len() / 2]))
    }

    fn create(&mut self, name: &str, size: u64) -> io::Result<()> {
        if self.state().names.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let size = usize::try_from(size).expect("a small file");
        let create = |state: &mut State, size| state.create(name).write(0, &vec![0; size]);
        let half_create = |state: &mut State| {
            if !matches!(state.fault, Some(Fault::FullOfNames(_))) {
                create(state, size / 2);
            }
        };
        self.use_room(|state| create(state, size), half_create)
    }

    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let offset = usize::try_from(offset).expect("a small file");
        let length = self.state().file(name)?.content.len();
        assert!(offset + bytes.len() <= length, "writing beyond the end of {name}");
        let write = |state: &mut State, bytes: &[u8]| {
            state.file(name).expect("it was there before").write(offset, bytes);
        };
        let in_the_middle = (offset + bytes.len() / 2) / SECTOR * SECTOR;
        let in_front = &bytes[..in_the_middle.saturating_sub(offset)];
        if matches!(self.state().fault, Some(Fault::FullEverywhere(_))) {
            return self.use_room(|state| write(state, bytes), |state| write(state, in_front));
        }
        self.operate(|state| write(state, bytes), |state, _| write(state, in_front))
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.state().file(name)?;
        let append = |state: &mut State, bytes: &[u8]| {
            let file = state.file(name).expect("it was there before");
            file.write(file.content.len(), bytes);
        };
        self.use_room(|state| append(state, bytes), |state| append(state, &bytes[..bytes.len() / 2]))
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        let place = *self.state().names.get(name).ok_or(io::ErrorKind::NotFound)?;
        self.operate(
            |state| state.files[place].sync(),
            |state, chance| state.files[place].keep_some_content(chance),
        )
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.state().file(from)?;
        let rename = |state: &mut State| {
            let place = state.names.remove(from).expect("it was there before");
            state.names.insert(to.to_string(), place);
            state.unsynced_names.extend([from.to_string(), to.to_string()]);
        };
        self.operate(rename, |_, _| {})
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.state().file(name)?;
        if matches!(self.state().fault, Some(Fault::FullAndBroken(_))) {
            return Err(io::Error::other("the disk failed"));
        }
        let remove = |state: &mut State| {
            state.names.remove(name);
            state.unsynced_names.insert(name.to_string());
        };
        self.operate(remove, |_, _| {})
    }

    fn sync_directory(&mut self) -> io::Result<()> {
        self.operate(|state| state.keep_some_names(&mut Tearing::Kept.chance()), State::keep_some_names)
    }

    fn random(&mut self) -> u64 {
        let mut state = self.state();
        state.random += 1;
        state.random.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}
