//! What a server has saved, and so what it must find when it comes back.

use crate::identity;
use crate::model_disk::ModelDisk;
use consensus::{Entry, HardState};
use storage::{Batch, Recovered, Storage, StorageError};

/// What a server knows. This is the specification: a list and two numbers, without any file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    pub hard_state: HardState,
    pub log: Vec<Entry>,
}

impl Known {
    pub fn of(recovered: &Recovered) -> Known {
        Known { hard_state: recovered.hard_state, log: recovered.log.clone() }
    }

    pub fn after(&self, batch: &Batch) -> Known {
        let mut known = self.clone();
        known.hard_state = batch.hard_state.unwrap_or(known.hard_state);
        if let Some(append) = &batch.append {
            known.log.truncate(append.first.0 as usize - 1);
            known.log.extend(append.entries.iter().cloned());
        }
        known
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

/// A server that is restarted again and again, and checks each time that nothing is forgotten.
#[derive(Debug, Clone)]
pub struct Server {
    pub disk: ModelDisk,
    pub segment_size: u64,
    /// What it has saved.
    pub known: Known,
    /// What it will have saved, should the save that did not come to its end have succeeded.
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
        let (storage, recovered) = opened?;
        let found = Known::of(&recovered);
        assert!(found == self.known || Some(&found) == self.begun.as_ref(), "{found:?} after {self:?}");
        assert!(recovered.life > self.lives, "life {} after {self:?}", recovered.life);
        self.known = found;
        self.begun = None;
        self.lives = recovered.life;
        Ok(storage)
    }

    pub fn save(&mut self, storage: &mut Storage<ModelDisk>, batch: &Batch) -> Result<(), StorageError> {
        let after = self.known.after(batch);
        match storage.save(batch) {
            Ok(()) => self.known = after,
            Err(error) => {
                if storage.is_poisoned() {
                    self.begun = Some(after);
                }
                return Err(error);
            }
        }
        Ok(())
    }

    /// Starts and saves all of these.
    pub fn live(&mut self, batches: &[Batch]) -> Result<(), StorageError> {
        let mut storage = self.start()?;
        batches.iter().try_for_each(|batch| self.save(&mut storage, batch))
    }
}
