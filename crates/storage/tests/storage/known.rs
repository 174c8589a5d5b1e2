//! What a server has saved, and so what it must find after a restart.

use crate::identity;
use crate::model_disk::ModelDisk;
use consensus::{Batch, Entry, HardState, Index, LogPosition};
use storage::{Recovered, SnapshotInfo, Storage, StorageError};

/// What a server knows. This is the specification: two lists and some numbers, without any file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    pub hard_state: HardState,
    pub snapshot: Option<(LogPosition, Vec<u8>)>,
    pub begins_after: LogPosition,
    pub log: Vec<Entry>,
}

/// What a server does with its storage.
#[derive(Debug, Clone)]
pub enum Act {
    Save(Batch),
    Prepare,
    /// Writes `length` bytes of the [`body`] at `offset`.
    WriteSnapshot {
        position: LogPosition,
        offset: u64,
        length: u64,
    },
    FinishSnapshot {
        position: LogPosition,
        size: u64,
    },
}

impl From<Batch> for Act {
    fn from(batch: Batch) -> Act {
        Act::Save(batch)
    }
}

/// A snapshot of this position, of this size.
pub fn body(position: LogPosition, size: u64) -> Vec<u8> {
    let seed = position.index.0 * 31 + position.term.0;
    (0..size).map(|at| (((at + seed) * 167) >> 3) as u8).collect()
}

/// A snapshot that is written in parts.
pub fn snapshot(position: LogPosition, size: u64, part: u64) -> Vec<Act> {
    let offsets = (0..size.max(1)).step_by(part as usize);
    let write = |offset| Act::WriteSnapshot { position, offset, length: part.min(size - offset) };
    offsets.map(write).chain([Act::FinishSnapshot { position, size }]).collect()
}

impl Known {
    pub fn of(recovered: &Recovered) -> Known {
        Known {
            hard_state: recovered.hard_state,
            snapshot: None,
            begins_after: recovered.log_begins_after,
            log: recovered.log.clone(),
        }
    }

    pub fn last(&self) -> LogPosition {
        let index = Index(self.begins_after.index.0 + self.log.len() as u64);
        LogPosition { index, term: self.log.last().map_or(self.begins_after.term, |entry| entry.term) }
    }

    /// The position of an entry that the log holds, or of the one that the log begins after.
    pub fn position(&self, index: u64) -> LogPosition {
        let before = index - self.begins_after.index.0;
        let term = if before == 0 { self.begins_after.term } else { self.log[before as usize - 1].term };
        LogPosition { index: Index(index), term }
    }

    fn holds(&self, position: LogPosition) -> bool {
        (self.begins_after.index..=self.last().index).contains(&position.index)
            && self.position(position.index.0) == position
    }

    pub fn after(&self, batch: &Batch) -> Known {
        let mut known = self.clone();
        known.hard_state = batch.hard_state.unwrap_or(known.hard_state);
        if let Some(position) = batch.begins_after {
            known.log = match known.holds(position) {
                true => known.log.split_off((position.index.0 - known.begins_after.index.0) as usize),
                false => Vec::new(),
            };
            known.begins_after = position;
        }
        if let Some(append) = &batch.append {
            known.log.truncate((append.first.0 - known.begins_after.index.0) as usize - 1);
            known.log.extend(append.entries.iter().cloned());
        }
        known
    }

    pub fn after_act(&self, act: &Act) -> Known {
        match act {
            Act::Save(batch) => self.after(batch),
            Act::Prepare | Act::WriteSnapshot { .. } => self.clone(),
            Act::FinishSnapshot { position, size } => {
                Known { snapshot: Some((*position, body(*position, *size))), ..self.clone() }
            }
        }
    }

    /// A server that restarts makes its log begin after its snapshot, if it does not yet.
    pub fn after_a_restart(&self) -> Known {
        match &self.snapshot {
            Some((position, _)) if position.index > self.begins_after.index => {
                self.after(&Batch { begins_after: Some(*position), ..Batch::default() })
            }
            _ => self.clone(),
        }
    }

    /// What is known at first, and after each of these batches.
    pub fn along(batches: &[Batch]) -> Vec<Known> {
        let mut all = vec![Known::default()];
        for batch in batches {
            all.push(all[all.len() - 1].after(batch));
        }
        all
    }
}

/// All of the newest snapshot, read in parts.
pub fn read_snapshot(
    storage: &mut Storage<ModelDisk>,
    part: usize,
) -> Result<Option<(LogPosition, Vec<u8>)>, StorageError> {
    let Some(SnapshotInfo { position, size }) = storage.snapshot() else { return Ok(None) };
    let mut bytes = Vec::new();
    loop {
        let chunk = storage.read_snapshot(position, bytes.len() as u64, part)?.expect("the newest snapshot");
        assert!(chunk.bytes.len() == part || chunk.is_last);
        bytes.extend(chunk.bytes);
        if chunk.is_last {
            assert_eq!(bytes.len() as u64, size);
            return Ok(Some((position, bytes)));
        }
    }
}

/// A server that is restarted again and again, and each time checks that nothing is forgotten.
#[derive(Debug, Clone)]
pub struct Server {
    pub disk: ModelDisk,
    pub segment_size: u64,
    /// What it has saved.
    pub known: Known,
    /// What it will have saved if the unfinished operation took effect.
    begun: Option<Known>,
    lives: u64,
}

impl Server {
    pub fn new(segment_size: u64) -> Server {
        let disk = ModelDisk::default();
        Server { disk, segment_size, known: Known::default(), begun: None, lives: 0 }
    }

    /// The same server, on a disk of its own.
    pub fn copy(&self) -> Server {
        Server { disk: self.disk.copy(), ..self.clone() }
    }

    pub fn start(&mut self) -> Result<Storage<ModelDisk>, StorageError> {
        let opened = Storage::open_with_segment_size(self.disk.clone(), identity(), self.segment_size);
        let (mut storage, recovered) = opened?;
        assert_eq!(recovered.snapshot, storage.snapshot());
        let found = Known { snapshot: read_snapshot(&mut storage, 1000)?, ..Known::of(&recovered) };
        let possible =
            [Some(&self.known), self.begun.as_ref()].map(|known| known.map(Known::after_a_restart));
        assert!(possible.contains(&Some(found.clone())), "{found:?} after {self:?}");
        assert!(recovered.life > self.lives, "life {} after {self:?}", recovered.life);
        self.known = found;
        self.begun = None;
        self.lives = recovered.life;
        Ok(storage)
    }

    pub fn act(&mut self, storage: &mut Storage<ModelDisk>, act: &Act) -> Result<(), StorageError> {
        let after = self.known.after_act(act);
        let done = match act {
            Act::Save(batch) => storage.save(batch),
            Act::Prepare => storage.prepare(),
            Act::WriteSnapshot { position, offset, length } => {
                let bytes = &body(*position, offset + length)[*offset as usize..];
                storage.write_snapshot(*position, *offset, bytes)
            }
            Act::FinishSnapshot { position, size } => storage.finish_snapshot(*position).map(|info| {
                assert_eq!(info, SnapshotInfo { position: *position, size: *size });
            }),
        };
        if done.is_ok() {
            self.known = after;
        } else if storage.is_poisoned() {
            self.begun = Some(after);
        }
        done
    }

    pub fn save(&mut self, storage: &mut Storage<ModelDisk>, batch: &Batch) -> Result<(), StorageError> {
        self.act(storage, &batch.clone().into())
    }

    /// Starts the server and does all of this.
    pub fn live(&mut self, acts: &[Act]) -> Result<(), StorageError> {
        let mut storage = self.start()?;
        acts.iter().try_for_each(|act| self.act(&mut storage, act))
    }

    pub fn live_and_save(&mut self, batches: &[Batch]) -> Result<(), StorageError> {
        let acts: Vec<Act> = batches.iter().cloned().map(Act::from).collect();
        self.live(&acts)
    }
}
