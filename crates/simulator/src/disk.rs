//! A disk that breaks whatever a disk may break.

use consensus::{Incarnation, Start};
use fastrand::Rng;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use storage::Disk;
use trace::Unsynced;

/// A disk in memory. Its clones are the same disk: the world keeps one when it gives a server another.
#[derive(Debug, Clone)]
pub struct SimulatedDisk {
    name: PathBuf,
    /// What its random numbers come from.
    seed: u64,
    state: Rc<RefCell<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// The files as programs see them.
    files: BTreeMap<String, File>,
    /// The names as they were when the directory was last synced.
    synced_names: BTreeMap<String, File>,
    plan: Plan,
    /// Something else takes all room there is.
    is_full: bool,
    /// How many random numbers were drawn.
    drawn: u64,
    /// A bit that has flipped in a file.
    damage: Option<(File, usize)>,
    /// The most bytes that all files together may have; `None` if there is no bound.
    capacity: Option<usize>,
}

/// How many bytes it writes wholly or not at all.
const SECTOR: usize = 512;

/// What the disk will do wrong.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Plan {
    #[default]
    Nothing,
    /// The next sync fails.
    FailSync,
    /// After this number of further operations that change the disk, none succeeds any longer.
    End { operations_left: u32, by: End },
    /// None succeeds any longer.
    Ended(End),
}

/// What ends a server while it uses its disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The power goes out. This happens to what was not synced.
    PowerCut(Unsynced),
    /// The process is killed.
    Kill,
}

/// A file's content, whatever its name. Clones are the same file.
type File = Rc<RefCell<Content>>;

#[derive(Debug, Default)]
struct Content {
    bytes: Vec<u8>,
    /// The bytes as they were when they were last synced; nothing before.
    synced: Vec<u8>,
    /// A sync has failed, and the system has given up on what it should have written: a later sync
    /// succeeds and does nothing (Rebello et al., USENIX ATC 2020).
    is_given_up: bool,
}

impl SimulatedDisk {
    /// An empty disk. Its name is told where something is wrong with it; the same seed gives the same random numbers.
    pub fn new(name: impl Into<PathBuf>, seed: u64) -> SimulatedDisk {
        SimulatedDisk { name: name.into(), seed, state: Rc::default() }
    }

    /// The first start of a server on an empty disk with this seed.
    pub(crate) fn first_start(seed: u64) -> Start {
        Start { incarnation: Incarnation(random(seed, 1)), number: 1, run: random(seed, 2) }
    }

    /// The same with room for this many bytes.
    pub fn with_capacity(self, capacity: Option<usize>) -> SimulatedDisk {
        self.state.borrow_mut().capacity = capacity;
        self
    }

    /// Another disk with the same files, to look at what this one holds.
    pub fn copy(&self) -> SimulatedDisk {
        let copy = |file: &File| {
            Rc::new(RefCell::new(Content { bytes: file.borrow().bytes.clone(), ..Content::default() }))
        };
        let files = self.state.borrow().files.iter().map(|(name, file)| (name.clone(), copy(file))).collect();
        let state = State { files, ..State::default() };
        SimulatedDisk { name: self.name.clone(), seed: self.seed, state: Rc::new(RefCell::new(state)) }
    }

    /// Another disk with the files that this one would hold after a crash that takes what was not synced: a backup.
    pub fn backup(&self) -> SimulatedDisk {
        let copy = |file: &File| {
            let bytes = file.borrow().synced.clone();
            Rc::new(RefCell::new(Content { synced: bytes.clone(), bytes, ..Content::default() }))
        };
        let names = &self.state.borrow().synced_names;
        let files: BTreeMap<String, File> =
            names.iter().map(|(name, file)| (name.clone(), copy(file))).collect();
        let state = State { synced_names: files.clone(), files, ..State::default() };
        SimulatedDisk { name: self.name.clone(), seed: self.seed, state: Rc::new(RefCell::new(state)) }
    }

    /// Its files of the log and the snapshot become those of a backup.
    pub(crate) fn take_log_of(&self, backup: &SimulatedDisk) {
        let is_small = |name: &String| ["identity", "memory", "lives"].contains(&name.as_str());
        let backup = backup.backup();
        let (state, backup) = (&mut *self.state.borrow_mut(), backup.state.borrow());
        for (own, other) in
            [(&mut state.files, &backup.files), (&mut state.synced_names, &backup.synced_names)]
        {
            own.retain(|name, _| is_small(name));
            let log = other.iter().filter(|(name, _)| !is_small(name));
            own.extend(log.map(|(name, file)| (name.clone(), file.clone())));
        }
    }

    /// An empty disk that takes the place of this one.
    pub fn emptied(&self) -> SimulatedDisk {
        SimulatedDisk::new(self.name.clone(), self.seed).replacing(self)
    }

    /// Takes the place of another disk. Random numbers that the other has drawn do not come again.
    pub fn replacing(self, other: &SimulatedDisk) -> SimulatedDisk {
        self.state.borrow_mut().drawn = other.state.borrow().drawn;
        self
    }

    /// The power goes out, and comes back: what was synced is there afterwards.
    pub fn crash(&self, unsynced: Unsynced) {
        let state = &mut *self.state.borrow_mut();
        match unsynced {
            Unsynced::Lost => state.files = state.synced_names.clone(),
            Unsynced::Kept | Unsynced::Torn => state.synced_names = state.files.clone(),
        }
        for file in state.files.values() {
            file.borrow_mut().crash(unsynced);
        }
        state.plan = Plan::Nothing;
    }

    /// The next sync fails.
    pub fn fail_next_sync(&self) {
        self.state.borrow_mut().plan = Plan::FailSync;
    }

    /// The power goes out after this number of further operations that change the disk. From then on each
    /// fails.
    pub fn cut_power_after(&self, operations: u32, unsynced: Unsynced) {
        self.end_after(operations, End::PowerCut(unsynced));
    }

    /// The process that uses the disk is killed after this number of further operations that change it. From then on each
    /// fails. What was written stays, whether it was synced or not.
    pub(crate) fn kill_process_after(&self, operations: u32) {
        self.end_after(operations, End::Kill);
    }

    fn end_after(&self, operations_left: u32, by: End) {
        self.state.borrow_mut().plan = Plan::End { operations_left, by };
    }

    /// If the process was killed in this way, another one can use the disk from here on.
    pub(crate) fn take_killed(&self) -> bool {
        let plan = &mut self.state.borrow_mut().plan;
        let is_killed = *plan == Plan::Ended(End::Kill);
        if is_killed {
            *plan = Plan::Nothing;
        }
        is_killed
    }

    /// If the power has gone out: what is to become of what was not synced.
    pub fn has_no_power(&self) -> Option<Unsynced> {
        match self.state.borrow().plan {
            Plan::Ended(End::PowerCut(unsynced)) => Some(unsynced),
            _ => None,
        }
    }

    /// Will it do something wrong that it has not done yet?
    pub(crate) fn is_about_to_fail(&self) -> bool {
        self.state.borrow().plan != Plan::Nothing
    }

    /// Nothing more can be written to it, whatever is removed.
    pub fn fill(&self) {
        self.state.borrow_mut().is_full = true;
    }

    /// A bit of a file flips.
    ///
    /// # Panics
    /// If there is no such bit.
    pub(crate) fn flip_bit(&self, name: &str, bit: u64) {
        let mut state = self.state.borrow_mut();
        let (file, bit) = (state.files[name].clone(), usize::try_from(bit).expect("a small file"));
        file.borrow_mut().flip(bit);
        state.damage = Some((file, bit));
    }

    /// Is something on it damaged?
    pub(crate) fn is_damaged(&self) -> bool {
        self.state.borrow().damage.is_some()
    }

    /// The damaged file is no longer used.
    pub(crate) fn forget_damage(&self) {
        self.state.borrow_mut().damage = None;
    }

    /// It has room without bound, what it was to do wrong it won't, and what was damaged is not.
    pub fn mend(&self) {
        let mut state = self.state.borrow_mut();
        if let Some((file, bit)) = state.damage.take() {
            file.borrow_mut().flip(bit);
        }
        state.is_full = false;
        state.capacity = None;
        state.plan = Plan::Nothing;
    }
}

impl Content {
    fn crash(&mut self, unsynced: Unsynced) {
        match unsynced {
            Unsynced::Lost => self.bytes.clone_from(&self.synced),
            Unsynced::Kept => {}
            Unsynced::Torn => self.tear(),
        }
        self.synced.clone_from(&self.bytes);
        self.is_given_up = false;
    }

    fn flip(&mut self, bit: usize) {
        for bytes in [&mut self.bytes, &mut self.synced] {
            if let Some(byte) = bytes.get_mut(bit / 8) {
                *byte ^= 1 << (bit % 8);
            }
        }
    }

    /// Takes back the sectors in the second half of what was not synced.
    fn tear(&mut self) {
        let differs = |place: &usize| self.bytes.get(*place) != self.synced.get(*place);
        let places = 0..self.bytes.len().max(self.synced.len());
        let (Some(first), Some(last)) = (places.clone().find(differs), places.rev().find(differs)) else {
            return;
        };
        let middle = (first + (last - first) / 2 + SECTOR / 2) / SECTOR * SECTOR;
        let middle = middle.min(self.bytes.len());
        self.bytes.truncate(middle);
        self.bytes.extend(self.synced.iter().skip(middle));
    }
}

impl State {
    fn file(&self, name: &str) -> io::Result<File> {
        self.files.get(name).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn used(&self) -> usize {
        self.files.values().map(|file| file.borrow().bytes.len()).sum()
    }

    /// The number of bytes for which there is room.
    fn room(&self) -> usize {
        match self.capacity {
            _ if self.is_full => 0,
            None => usize::MAX,
            Some(capacity) => capacity.saturating_sub(self.used()),
        }
    }

    /// Puts a file there that is not synced.
    fn put(&mut self, name: &str, bytes: Vec<u8>) {
        let content = Content { bytes, ..Content::default() };
        self.files.insert(name.to_owned(), Rc::new(RefCell::new(content)));
    }

    /// Counts an operation that changes the disk, and lets it fail if the power or the process is gone.
    fn use_power(&mut self) -> io::Result<()> {
        if let Plan::End { operations_left, by } = &mut self.plan {
            match operations_left.checked_sub(1) {
                Some(left) => *operations_left = left,
                None => self.plan = Plan::Ended(*by),
            }
        }
        match self.plan {
            Plan::Ended(End::PowerCut(_)) => Err(io::Error::other("the power is gone")),
            Plan::Ended(End::Kill) => Err(io::Error::other("the process is gone")),
            _ => Ok(()),
        }
    }

    fn fails_sync(&mut self) -> bool {
        let fails = self.plan == Plan::FailSync;
        if fails {
            self.plan = Plan::Nothing;
        }
        fails
    }
}

/// The random number that a disk with this seed draws as its `number`-th.
fn random(seed: u64, number: u64) -> u64 {
    Rng::with_seed(seed.wrapping_mul(1 << 20).wrapping_add(number)).u64(..)
}

fn sync_error() -> io::Error {
    io::Error::other("the disk reports an error")
}

impl Disk for SimulatedDisk {
    fn folder(&self) -> &Path {
        &self.name
    }

    fn read(&mut self, name: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(self.state.borrow().files.get(name).map(|file| file.borrow().bytes.clone()))
    }

    fn size(&mut self, name: &str) -> io::Result<Option<u64>> {
        Ok(self.state.borrow().files.get(name).map(|file| file.borrow().bytes.len() as u64))
    }

    fn read_at(&mut self, name: &str, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let file = self.state.borrow().file(name)?;
        let content = file.borrow();
        Ok(content.bytes.iter().skip(offset as usize).take(length).copied().collect())
    }

    fn write(&mut self, name: &str, content: &[u8]) -> io::Result<()> {
        let mut state = self.state.borrow_mut();
        state.use_power()?;
        let replaced = state.files.get(name).map_or(0, |file| file.borrow().bytes.len());
        if state.is_full || state.room().saturating_add(replaced) < content.len() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        state.put(name, content.to_vec());
        Ok(())
    }

    fn list(&mut self) -> io::Result<Vec<String>> {
        Ok(self.state.borrow().files.keys().cloned().collect())
    }

    fn create(&mut self, name: &str, size: u64) -> io::Result<()> {
        if self.state.borrow().files.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let created = self.write(name, &vec![0; size as usize]);
        if created.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::StorageFull) {
            // As much of it as there was room for.
            let mut state = self.state.borrow_mut();
            let zeroes = vec![0; state.room()];
            state.put(name, zeroes);
        }
        created
    }

    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state.borrow_mut();
        state.use_power()?;
        let file = state.file(name)?;
        let place = offset as usize..offset as usize + bytes.len();
        let mut content = file.borrow_mut();
        let target = content.bytes.get_mut(place).ok_or(io::ErrorKind::UnexpectedEof)?;
        target.copy_from_slice(bytes);
        Ok(())
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state.borrow_mut();
        state.use_power()?;
        let (file, room) = (state.file(name)?, state.room());
        let mut content = file.borrow_mut();
        // As much of it as there is room for.
        content.bytes.extend(&bytes[..bytes.len().min(room)]);
        if room < bytes.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        let mut state = self.state.borrow_mut();
        state.use_power()?;
        state.file(name)?;
        state.files.remove(name);
        Ok(())
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        let mut state = self.state.borrow_mut();
        state.use_power()?;
        let file = state.file(name)?;
        let mut content = file.borrow_mut();
        if state.fails_sync() {
            content.is_given_up = true;
            return Err(sync_error());
        }
        if !content.is_given_up {
            let Content { bytes, synced, .. } = &mut *content;
            synced.clone_from(bytes);
        }
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state.borrow_mut();
        state.use_power()?;
        let file = state.file(from)?;
        state.files.remove(from);
        state.files.insert(to.to_owned(), file);
        Ok(())
    }

    fn sync_directory(&mut self) -> io::Result<()> {
        let mut state = self.state.borrow_mut();
        state.use_power()?;
        if state.fails_sync() {
            return Err(sync_error());
        }
        state.synced_names = state.files.clone();
        Ok(())
    }

    fn random(&mut self) -> u64 {
        let mut state = self.state.borrow_mut();
        state.drawn += 1;
        random(self.seed, state.drawn)
    }
}
