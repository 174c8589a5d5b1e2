//! The thread that owns the storage: it saves what the engine decides, while the engine goes on.

use crate::engine::Happening;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;
use storage::{Batch, FolderDisk, Storage, StorageError};

/// After so long it is looked whether a full disk has room again.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// The engine's end of the disk thread. There is never more than one save under way.
pub(crate) struct DiskThread {
    batches: SyncSender<Batch>,
    thread: JoinHandle<()>,
}

impl DiskThread {
    /// Starts the thread. What comes of each save is told as [`Happening::Saved`].
    pub(crate) fn start(storage: Storage<FolderDisk>, engine: SyncSender<Happening>) -> DiskThread {
        let (batches, inbox) = sync_channel(1);
        let thread = std::thread::Builder::new().name("disk".to_owned());
        let thread = thread.spawn(move || serve(storage, &inbox, &engine));
        DiskThread { batches, thread: thread.expect("the system lets a server have a thread for its disk") }
    }

    /// Gives the disk something to do.
    pub(crate) fn save(&self, batch: Batch) {
        // If the thread has ended, the engine is about to learn why.
        let _ = self.batches.send(batch);
    }

    /// Waits until it has finished what it was given.
    pub(crate) fn stop(self) {
        drop(self.batches);
        let _ = self.thread.join();
    }
}

fn serve(mut storage: Storage<FolderDisk>, batches: &Receiver<Batch>, engine: &SyncSender<Happening>) {
    while let Ok(batch) = batches.recv() {
        let saved = save(&mut storage, &batch, engine);
        let has_failed = saved.is_err();
        if engine.send(Happening::Saved(saved)).is_err() || has_failed {
            return;
        }
    }
}

/// Saves a batch. As long as there is no room for it, it waits.
fn save(
    storage: &mut Storage<FolderDisk>,
    batch: &Batch,
    engine: &SyncSender<Happening>,
) -> Result<(), StorageError> {
    let mut is_told = false;
    loop {
        match storage.save(batch) {
            Err(error) if !storage.is_poisoned() => {
                if !std::mem::replace(&mut is_told, true) {
                    let told = Happening::DiskFull(Some(error.to_string()));
                    engine.send(told).map_err(|_| error)?;
                }
                std::thread::sleep(LOOK_AGAIN);
            }
            saved => {
                if is_told {
                    // Whether anybody hears it shows with the next message.
                    let _ = engine.send(Happening::DiskFull(None));
                }
                return saved;
            }
        }
    }
}
