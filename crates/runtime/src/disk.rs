//! What the engine decides to save, to read or to forget. A thread that owns the storage does it, while the engine goes on. A
//! disk that takes no time needs no thread.

use crate::inbound::Inbound;
use crate::monotonic_now;
use consensus::Chunk;
use driver::{DiskDone, DiskJob, Snapshot};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use storage::{Disk, Storage, StorageError};
use tokio::sync::mpsc;

/// After so long it is looked whether a full disk has room again.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// How long there must have been nothing to do before the last save's mark is synced. That is one more sync, and a save
/// that comes meanwhile has to wait for it.
const QUIET: Duration = Duration::from_millis(500);

/// Maximum number of chunks of snapshots that wait to be read. More are dropped, and asked for again.
const MOST_READS: usize = 16;

/// Maximum number of jobs: besides the reads, a save, what goes before it, a chunk of a leader's snapshot, and a
/// snapshot that begins while another one is given up.
const MOST_JOBS: usize = MOST_READS + 5;

/// What the disk has done, or could not do.
pub(crate) enum Done {
    /// A job has ended, and took this long.
    Job {
        done: DiskDone,
        took: Duration,
    },
    /// There is room again, after there was none for a save.
    HasRoom,
    Failed(StorageError),
    /// The thread has ended with a panic.
    Panicked,
}

impl Done {
    /// Is there a new snapshot, of another size?
    fn makes_snapshot(&self) -> bool {
        matches!(self, Done::Job { done, .. } if done.makes_snapshot())
    }
}

/// What does the engine's disk jobs.
pub(crate) struct DiskJobs<S> {
    by: By<S>,
    /// Number of chunks that are being read.
    reads: usize,
}

enum By<S> {
    /// A thread. This is the engine's end of it.
    Thread(SyncSender<DiskJob<S>>),
    /// The engine itself, to which nothing was told yet of what has been done.
    Engine { perform: Box<Perform<S>>, done: VecDeque<Done> },
}

type Perform<S> = dyn FnMut(&mut DiskJob<S>) -> Result<DiskDone, StorageError> + Send;

impl<S: Snapshot + Send + 'static> DiskJobs<S> {
    /// For a disk that [takes no time](Disk::is_instant).
    pub(crate) fn without_thread<D: Disk + Send + 'static>(mut storage: Storage<D>) -> DiskJobs<S> {
        let perform = Box::new(move |job: &mut DiskJob<S>| driver::perform(job, &mut storage));
        DiskJobs { by: By::Engine { perform, done: VecDeque::new() }, reads: 0 }
    }

    /// Starts the thread. What comes of each job is told as [`Inbound::Disk`]. When this end is dropped, the thread finishes
    /// what it can, and ends. The engine's inbox must be dropped too: a thread that waits for a place in it would wait forever.
    pub(crate) fn start<D: Disk + Send + 'static>(
        storage: Storage<D>,
        engine: mpsc::Sender<Inbound>,
    ) -> (DiskJobs<S>, JoinHandle<()>) {
        let (jobs, inbox) = sync_channel(MOST_JOBS);
        let thread = std::thread::Builder::new().name("disk".to_owned());
        let worker = Worker {
            storage,
            inbox,
            snapshot: None,
            may_prepare: false,
            may_keep_room: true,
            may_sync_mark: false,
            engine: engine.clone(),
        };
        let thread = thread.spawn(move || {
            if catch_unwind(AssertUnwindSafe(|| worker.run())).is_err() {
                // If the engine has ended, nobody wants to hear it.
                let _ = engine.blocking_send(Inbound::Disk(Done::Panicked));
            }
        });
        let thread = thread.expect("the system lets a server have a thread for its disk");
        (DiskJobs { by: By::Thread(jobs), reads: 0 }, thread)
    }

    /// Gives the disk what it has to do.
    pub(crate) fn take(&mut self, jobs: impl IntoIterator<Item = DiskJob<S>>) {
        for job in jobs {
            if let DiskJob::Read(_) = job {
                if self.reads >= MOST_READS {
                    continue;
                }
                self.reads += 1;
            }
            match &mut self.by {
                By::Thread(jobs) => {
                    // If it has ended, the engine is about to learn why.
                    let _ = jobs.send(job);
                }
                By::Engine { perform, done } => done.push_back(at_once(perform, job)),
            }
        }
    }

    /// What the engine has done itself, and does not know yet.
    pub(crate) fn next_done(&mut self) -> Option<Done> {
        match &mut self.by {
            By::Thread(_) => None,
            By::Engine { done, .. } => done.pop_front(),
        }
    }

    /// A chunk has been read.
    pub(crate) fn note_read(&mut self) {
        self.reads -= 1;
    }
}

/// Does a job to its end.
fn at_once<S>(perform: &mut Perform<S>, mut job: DiskJob<S>) -> Done {
    loop {
        match perform(&mut job) {
            Ok(DiskDone::PieceWritten) => {}
            Ok(done) => return Done::Job { done, took: Duration::ZERO },
            Err(error) => return Done::Failed(error),
        }
    }
}

/// The engine has ended.
struct Ended;

struct Worker<S, D: Disk> {
    storage: Storage<D>,
    inbox: Receiver<DiskJob<S>>,
    /// An own snapshot that is being written.
    snapshot: Option<DiskJob<S>>,
    /// Something was saved since the log's next segment was thought of.
    may_prepare: bool,
    /// Something was saved whose mark is not synced.
    may_sync_mark: bool,
    /// The room that is kept for the next snapshot may be too small.
    may_keep_room: bool,
    engine: mpsc::Sender<Inbound>,
}

impl<S: Snapshot, D: Disk> Worker<S, D> {
    fn run(mut self) {
        if let Err(Ended) = self.work() {
            // Without it all is saved, too. The mark only shows that it was.
            let _ = self.storage.sync_mark();
        }
    }

    fn work(&mut self) -> Result<(), Ended> {
        loop {
            let done = match self.next_job()? {
                Some(job) => self.do_job(job)?,
                None => self.use_pause(),
            };
            match done {
                Ok(Some(done)) => self.tell(done),
                Ok(None) => {}
                Err(error) => {
                    self.tell(Done::Failed(error));
                    return Ok(());
                }
            }
        }
    }

    /// The next job that the engine waits for; `None` if there is only work left for which nobody waits.
    fn next_job(&mut self) -> Result<Option<DiskJob<S>>, Ended> {
        match self.inbox.try_recv() {
            Ok(job) => Ok(Some(job)),
            Err(TryRecvError::Disconnected) => Err(Ended),
            Err(TryRecvError::Empty) if self.has_something_to_do() => Ok(None),
            Err(TryRecvError::Empty) if self.may_sync_mark => match self.inbox.recv_timeout(QUIET) {
                Ok(job) => Ok(Some(job)),
                Err(RecvTimeoutError::Timeout) => Ok(None),
                Err(RecvTimeoutError::Disconnected) => Err(Ended),
            },
            Err(TryRecvError::Empty) => self.inbox.recv().map(Some).map_err(|_| Ended),
        }
    }

    fn has_something_to_do(&self) -> bool {
        self.snapshot.is_some() || self.may_prepare || self.may_keep_room
    }

    fn do_job(&mut self, mut job: DiskJob<S>) -> Result<Result<Option<Done>, StorageError>, Ended> {
        match job {
            DiskJob::Save(_) => return self.save(job),
            DiskJob::Snapshot { .. } => {
                self.snapshot = Some(job);
                return Ok(Ok(None));
            }
            DiskJob::Store(Chunk { is_last, .. }) => {
                self.snapshot = None;
                self.may_keep_room |= is_last;
            }
            DiskJob::Forget(_) | DiskJob::Read(_) => {}
        }
        Ok(self.perform(&mut job).map(Some))
    }

    fn perform(&mut self, job: &mut DiskJob<S>) -> Result<Done, StorageError> {
        let began = monotonic_now();
        let done = driver::perform(job, &mut self.storage)?;
        Ok(Done::Job { done, took: monotonic_now().saturating_sub(began) })
    }

    /// Does what nobody waits for: some more of an own snapshot, or the next segment's file, for which a save
    /// would have to wait later on, or the mark of the last save.
    fn use_pause(&mut self) -> Result<Option<Done>, StorageError> {
        if self.snapshot.is_some() {
            return self.write_piece();
        }
        if !self.may_prepare && !self.may_keep_room {
            self.may_sync_mark = false;
            return self.storage.sync_mark().map(|()| None);
        }
        let prepared = match std::mem::take(&mut self.may_prepare) {
            true => self.storage.prepare(),
            false => self.storage.keep_room().map(|is_more| self.may_keep_room = is_more),
        };
        match prepared {
            // The save that needs the room will ask for it again.
            Err(error) if error.is_full() && !self.storage.is_poisoned() => {
                self.may_keep_room = false;
                Ok(None)
            }
            prepared => prepared.map(|()| None),
        }
    }

    /// Writes some more of an own snapshot.
    fn write_piece(&mut self) -> Result<Option<Done>, StorageError> {
        let mut job = self.snapshot.take().expect("there is one to write");
        match self.perform(&mut job)? {
            Done::Job { done: DiskDone::PieceWritten, .. } => {
                self.snapshot = Some(job);
                Ok(None)
            }
            done => {
                self.may_keep_room |= done.makes_snapshot();
                Ok(Some(done))
            }
        }
    }

    /// Saves a batch. As long as there is no room for it, it waits, and what may free room is done first.
    fn save(&mut self, mut job: DiskJob<S>) -> Result<Result<Option<Done>, StorageError>, Ended> {
        (self.may_prepare, self.may_sync_mark) = (true, true);
        let mut is_told = false;
        loop {
            match self.perform(&mut job) {
                Ok(no_room @ Done::Job { done: DiskDone::NoRoom(_), .. }) => {
                    if !std::mem::replace(&mut is_told, true) {
                        self.tell(no_room);
                    }
                    if let Err(error) = self.wait_for_room()? {
                        return Ok(Err(error));
                    }
                }
                saved => {
                    if is_told {
                        self.may_keep_room = true;
                        self.tell(Done::HasRoom);
                    }
                    return Ok(saved.map(Some));
                }
            }
        }
    }

    /// Does other jobs for a while, or until there may be room. A snapshot lets the log forget, so it goes before the save, and gets
    /// the room that was kept for it.
    fn wait_for_room(&mut self) -> Result<Result<(), StorageError>, Ended> {
        let deadline = Instant::now() + LOOK_AGAIN;
        loop {
            let mut may_have_room = false;
            let done = if self.snapshot.is_some() {
                self.storage.free_room().and_then(|()| self.write_piece())
            } else {
                match self.inbox.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                    Ok(job) => {
                        may_have_room = matches!(job, DiskJob::Forget(_));
                        self.do_job(job)?
                    }
                    Err(RecvTimeoutError::Timeout) => return Ok(Ok(())),
                    Err(RecvTimeoutError::Disconnected) => return Err(Ended),
                }
            };
            match done {
                Ok(Some(done)) => {
                    may_have_room |= done.makes_snapshot();
                    self.tell(done);
                }
                Ok(None) => {}
                Err(error) => return Ok(Err(error)),
            }
            if may_have_room {
                return Ok(Ok(()));
            }
        }
    }

    /// An engine that is about to end no longer listens. What it has asked for is done all the same.
    fn tell(&self, done: Done) {
        let _ = self.engine.blocking_send(Inbound::Disk(done));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use consensus::{Append, Batch, HardState, Index, NodeId, Term};
    use std::path::Path;
    use storage::{FolderDisk, Identity, Recovered};

    /// In a test that breaks, a thread would wait forever.
    const PATIENCE: Duration = Duration::from_secs(60);

    fn open(disk: FolderDisk) -> (Storage<FolderDisk>, Recovered) {
        let identity = Identity { cluster: "raft".to_owned(), node: NodeId(1), voters: [NodeId(1)].into() };
        Storage::open(disk, identity).unwrap()
    }

    fn save(term: u64) -> [DiskJob<()>; 1] {
        let hard_state = Some(HardState { current_term: Term(term), voted_for: None });
        [DiskJob::Save(Batch { hard_state, ..Batch::default() })]
    }

    /// A disk thread and its end, its engine's inbox, and a channel that hears of each sync from now on.
    fn started(folder: &Path) -> (DiskJobs<()>, JoinHandle<()>, mpsc::Receiver<Inbound>, Receiver<()>) {
        let (synced, syncs) = sync_channel(100);
        let disk = FolderDisk::open(folder).unwrap().telling_syncs(move |_| synced.try_send(()).unwrap());
        let (mut storage, _) = open(disk);
        while storage.keep_room().unwrap() {}
        syncs.try_iter().for_each(drop);
        let (engine, inbox) = mpsc::channel(10);
        let (disk, thread) = DiskJobs::start(storage, engine);
        (disk, thread, inbox, syncs)
    }

    #[test]
    fn the_last_saves_mark_is_synced_when_there_is_nothing_else_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let (mut disk, thread, _inbox, syncs) = started(folder.path());
        disk.take(save(1));
        for _ in ["the save", "its mark"] {
            syncs.recv_timeout(PATIENCE).unwrap();
        }
        drop(disk);
        thread.join().unwrap();
        assert_eq!(syncs.try_iter().count(), 0, "once is enough");
    }

    #[test]
    fn the_last_saves_mark_is_synced_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let (mut disk, thread, _inbox, syncs) = started(folder.path());
        disk.take(save(1));
        drop(disk);
        thread.join().unwrap();
        assert_eq!(syncs.try_iter().count(), 2, "the save, and its mark");
    }

    #[test]
    fn a_panic_is_told_to_the_engine() {
        let folder = tempfile::tempdir().unwrap();
        let (mut disk, _thread, mut inbox, _) = started(folder.path());
        let append = Some(Append { first: Index(7), entries: Vec::new() });
        disk.take([DiskJob::Save(Batch { append, ..Batch::default() })]);
        let told = inbox.blocking_recv();
        assert!(matches!(told, Some(Inbound::Disk(Done::Panicked))), "a log with a gap");
    }

    #[test]
    fn a_server_ends_though_its_inbox_is_full() {
        let folder = tempfile::tempdir().unwrap();
        let open = || open(FolderDisk::open(folder.path()).unwrap());
        let (storage, _) = open();
        let (engine, inbox) = mpsc::channel(1);
        engine.try_send(Inbound::Stop).unwrap();
        let (mut disk, thread) = DiskJobs::start(storage, engine);
        for term in [1, 2] {
            disk.take(save(term));
        }
        let (ended, end) = sync_channel(1);
        std::thread::spawn(move || {
            drop((disk, inbox));
            thread.join().unwrap();
            ended.send(()).unwrap();
        });
        end.recv_timeout(PATIENCE).expect("it ends");
        assert_eq!(open().1.hard_state.current_term, Term(2), "what was asked for is done");
    }
}
