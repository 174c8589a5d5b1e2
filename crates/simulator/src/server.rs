//! One server of a world: a driver while it lives, a disk that outlives it.

use crate::disk::SimulatedDisk;
use crate::machine::Machine;
use crate::rules::RulesOfWorld;
use consensus::{Append, Batch, Config, HardState, Index, Instant, Log, Memory, Node, NodeId, ReadBy, Start};
use driver::{
    Clock, DiskDone, DiskJob, Driver, Effects, Envelope, Input, RequestId, Restored, Speed, TraceLevel,
    UnreadableSnapshot, perform,
};
use std::collections::{BTreeSet, VecDeque};
use std::ffi::OsStr;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use storage::{Identity, Inspection, Recovered, Storage, StorageError};
use trace::{Process, Unsynced};

/// Small, so that even a short run fills some segments of the log.
const SEGMENT_SIZE: u64 = 1024;
/// More entries than there are. It is in the records, and so the same on machines of 32 bits.
const ALL: usize = u32::MAX as usize;

pub(crate) struct Server<M: Machine> {
    config: Config,
    /// The voters by which its folder knows the cluster: those that it is to found it with.
    voters: BTreeSet<NodeId>,
    /// What its folder remembers in its first life, where the cluster was founded before the world began.
    memory: Memory,
    /// How many lives it had on disks that are gone.
    lives_before: u64,
    /// The number of its latest life.
    latest_life: u64,
    /// An older copy of its disk.
    backup: Option<SimulatedDisk>,
    /// Its disk was replaced by an older copy of itself.
    is_set_back: bool,
    /// What it begins its first life with.
    log: Log,
    /// The term that it had reached when its first life begins, and its vote in it.
    hard_state: HardState,
    disk: SimulatedDisk,
    speed: Speed,
    pub(crate) is_paused: bool,
    /// What has arrived while it was halted.
    pub(crate) mailbox: Vec<Envelope>,
    /// The server's saves wait until an action asks for them.
    pub(crate) holds_saves: bool,
    /// What is committed is not applied until an action asks for it.
    pub(crate) holds_applies: bool,
    /// What its disk held before that was damaged.
    undamaged: Option<Saved>,
    /// What it started with after that, if it was something else.
    forgotten: Option<String>,
    alive: Option<Alive<M>>,
}

/// What a server has saved: hard state and log.
#[derive(Debug, PartialEq)]
struct Saved(HardState, Log);

impl fmt::Display for Saved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Saved(HardState { current_term, voted_for }, log) = self;
        let vote = voted_for.map_or("no vote".to_owned(), |candidate| format!("a vote for {candidate}"));
        write!(f, "term {current_term}, {vote} and a log up to {}", log.last().index)
    }
}

impl Saved {
    fn of(recovered: &Recovered) -> Saved {
        Saved(recovered.hard_state, Log::new(recovered.log_begins_after, recovered.log.clone()))
    }
}

/// What a crash takes away.
struct Alive<M: Machine> {
    driver: Driver<M, RulesOfWorld>,
    storage: Storage<SimulatedDisk>,
    /// What its disk is to do, the first first.
    jobs: VecDeque<DiskJob<M::Snapshot>>,
    /// Its disk had no room for the first.
    lacks_room: bool,
    clock: Clock,
    /// When the server last acted, on its own clock.
    acted: Instant,
    /// The deadline of the last tick: one that comes of it again has nothing to do.
    ticked: Option<Instant>,
    /// When its disk will have finished what is being saved.
    save_due: Option<Duration>,
}

/// The outcome of a job of a disk.
pub(crate) struct Finished {
    pub(crate) is_done: bool,
    /// What there is to tell of the disk.
    pub(crate) news: Option<Process>,
}

impl<M: Machine> Server<M> {
    pub(crate) fn new(
        config: Config,
        memory: Memory,
        log: Log,
        hard_state: HardState,
        disk_size: Option<usize>,
    ) -> Server<M> {
        Server {
            disk: SimulatedDisk::new(format!("disk of {}", config.id), config.id.0).with_capacity(disk_size),
            voters: config.credentials.founders.clone(),
            memory,
            lives_before: 0,
            latest_life: 0,
            backup: None,
            is_set_back: false,
            config,
            log,
            hard_state,
            speed: Speed::REAL_TIME,
            is_paused: false,
            mailbox: Vec::new(),
            holds_saves: false,
            holds_applies: false,
            undamaged: None,
            forgotten: None,
            alive: None,
        }
    }

    /// Starts it from what its disk holds. Hands over what there is to tell of the disk.
    pub(crate) fn start(
        &mut self,
        now: Duration,
        rules: RulesOfWorld,
        trace_level: TraceLevel,
        effects: &mut Effects<M>,
    ) -> Result<Option<Process>, StorageError> {
        let (mut storage, mut recovered) = self.open(self.disk.clone())?;
        recovered.life += self.lives_before;
        self.latest_life = recovered.life;
        if recovered.memory == Memory::default() && self.memory != Memory::default() {
            recovered.memory = self.memory.clone();
            storage.save(&Batch { memory: Some(recovered.memory.clone()), ..Batch::default() })?;
        }
        self.disk.forget_damage();
        if let Some(undamaged) = self.undamaged.take() {
            let found = Saved::of(&recovered);
            self.forgotten =
                (found != undamaged).then(|| format!("it had saved {undamaged}, and finds {found}"));
        }
        if recovered.hard_state.current_term < self.hard_state.current_term {
            recovered.hard_state = self.hard_state;
            recovered.log = self.log.after(Index(0)).to_vec();
            let append = Append { first: Index(1), entries: recovered.log.clone() };
            let hard_state = Some(recovered.hard_state);
            storage.save(&Batch { hard_state, append: Some(append), ..Batch::default() })?;
        }
        // Each life draws other timeouts.
        let seed = self.config.seed ^ (self.config.id.0 << 32) ^ (recovered.life << 48);
        let membership = Arc::new(recovered.memory.first_configuration());
        let mut config = Config { seed, membership, ..self.config.clone() };
        let cut_off = recovered.cut_off.take();
        let mut machine = M::default();
        if let Some(restored) = restored(&mut storage)? {
            (config.membership, machine) = (restored.membership, restored.machine);
        }
        keep_room(&mut storage)?;
        let driver = Driver::start(config, recovered, machine, rules, trace_level, effects);
        self.alive = Some(Alive {
            driver,
            storage,
            jobs: VecDeque::new(),
            lacks_room: false,
            save_due: None,
            clock: Clock::start(now, self.speed),
            acted: Instant::START,
            ticked: None,
        });
        self.is_paused = false;
        Ok(cut_off.map(|cut_off| Process::CutOff { what: cut_off.to_string() }))
    }

    fn open(&self, disk: SimulatedDisk) -> Result<(Storage<SimulatedDisk>, Recovered), StorageError> {
        let (node, voters) = (self.config.id, self.voters.clone());
        let identity = Identity { cluster: "simulated".to_owned(), node, voters };
        Storage::open_with_segment_size(disk, identity, SEGMENT_SIZE)
    }

    /// Its log; if it is dead, what its disk holds of it.
    pub(crate) fn log(&self) -> Log {
        match self.node() {
            Some(node) => node.log().clone(),
            None => {
                let recovered = self.open(self.disk.copy()).map(|(_, recovered)| recovered);
                recovered
                    .map(|recovered| Log::new(recovered.log_begins_after, recovered.log))
                    .unwrap_or_default()
            }
        }
    }

    /// Flips a bit of the last save on its disk. False if there is none, or if it is damaged already.
    pub(crate) fn damage_last_save(&mut self, bit: u64) -> bool {
        let Ok((_, undamaged)) = self.open(self.disk.copy()) else { return false };
        let seen = Inspection::of(self.disk.copy()).expect("what can be opened can be looked at");
        let with_saves =
            seen.segments.iter().rev().find_map(|segment| Some((segment, segment.saves.last()?)));
        let Some((segment, save)) = with_saves else { return false };
        let name = segment.file.file_name().and_then(OsStr::to_str).expect("a segment's name is text");
        self.disk.flip_bit(name, save.offset * 8 + bit % (save.length * 8));
        self.undamaged = Some(Saved::of(&undamaged));
        true
    }

    /// If it has started without all that it had saved: how.
    pub(crate) fn take_forgotten(&mut self) -> Option<String> {
        self.forgotten.take()
    }

    /// Takes away its memory, and of its disk what was not synced.
    pub(crate) fn crash(&mut self, unsynced: Unsynced) {
        self.kill();
        self.disk.crash(unsynced);
    }

    /// Its disk is replaced by an empty one. It is started like a founder again, or else to be added.
    pub(crate) fn lose_disk(&mut self, joins: bool) {
        self.forget_disk();
        self.disk = self.disk.emptied();
        self.is_set_back = false;
        if joins {
            self.voters = BTreeSet::new();
            self.config.credentials.founders = BTreeSet::new();
        }
    }

    /// Keeps a copy of its disk.
    pub(crate) fn back_up(&mut self) {
        self.backup = Some(self.disk.backup());
    }

    /// The start in which the copy was made of which this is the number, if there is a copy.
    pub(crate) fn backed_up_start(&self) -> Option<Start> {
        let (_, recovered) = self.open(self.backup.as_ref()?.copy()).ok()?;
        // To look at it has counted one start more: the one that it would have.
        recovered.start
    }

    /// Its disk is replaced by the older copy, or only the files of the log and the snapshot are.
    pub(crate) fn put_back(&mut self, only_log: bool) {
        if let Some(backup) = &self.backup {
            if only_log {
                self.undamaged = None;
                self.disk.take_log_of(backup);
            } else {
                let backup = backup.backup().replacing(&self.disk);
                self.forget_disk();
                self.disk = backup;
            }
            self.is_set_back = true;
        }
    }

    /// Its disk loses the vote of its latest term. Returns why it can't.
    pub(crate) fn forget_vote(&mut self) -> Result<(), String> {
        self.lose_of_log(|recovered| {
            let HardState { current_term, voted_for } = recovered.hard_state;
            if voted_for.is_none() {
                return Err(format!("it has no vote in term {current_term} that could be forgotten"));
            }
            let hard_state = Some(HardState { current_term, voted_for: None });
            Ok(Batch { hard_state, ..Batch::default() })
        })
    }

    /// Its disk loses this number of entries at the end of its log. Returns why it can't.
    pub(crate) fn forget_entries(&mut self, entries: u64) -> Result<(), String> {
        self.lose_of_log(|recovered| {
            let held = recovered.log.len() as u64;
            if !(1..=held).contains(&entries) {
                let plural = if held == 1 { "entry" } else { "entries" };
                let after =
                    if recovered.log_begins_after.index == Index(0) { "" } else { " after its snapshot" };
                return Err(format!(
                    "its log has {held} {plural}{after}, and it can't forget {entries} of them"
                ));
            }
            let first = Index(recovered.log_begins_after.index.0 + held - entries).next();
            Ok(Batch { append: Some(Append { first, entries: Vec::new() }), ..Batch::default() })
        })
    }

    /// The files of the log become what they would be if this had been saved, too.
    fn lose_of_log(&mut self, loss: impl FnOnce(&Recovered) -> Result<Batch, String>) -> Result<(), String> {
        let forgetful = self.disk.copy();
        forgetful.crash(Unsynced::Kept);
        let (mut storage, recovered) = self.open(forgetful.clone()).map_err(|error| error.to_string())?;
        storage.save(&loss(&recovered)?).map_err(|error| error.to_string())?;
        self.undamaged = None;
        self.disk.take_log_of(&forgetful);
        self.is_set_back = true;
        Ok(())
    }

    /// The lives of another disk must not be taken for lives of this one.
    fn forget_disk(&mut self) {
        self.undamaged = None;
        self.lives_before = self.latest_life;
        self.memory = Memory::default();
        self.log = Log::default();
        self.hard_state = HardState::default();
    }

    /// Was its disk replaced by an older copy of itself?
    pub(crate) fn is_set_back(&self) -> bool {
        self.is_set_back
    }

    /// What its disk remembers of the starts of others.
    pub(crate) fn memory(&self) -> Memory {
        match self.node() {
            Some(node) => node.memory().clone(),
            None => self.open(self.disk.copy()).map(|(_, recovered)| recovered.memory).unwrap_or_default(),
        }
    }

    /// Has it no cluster, so that it joins the first one that calls?
    pub(crate) fn joins_who_calls(&self) -> bool {
        self.voters.is_empty() && self.memory().cluster.is_none()
    }

    /// Ends its process.
    pub(crate) fn kill(&mut self) {
        self.alive = None;
        self.is_paused = false;
        self.mailbox.clear();
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.alive.is_some()
    }

    /// Can it act at the moment?
    pub(crate) fn is_running(&self) -> bool {
        self.is_alive() && !self.is_paused
    }

    pub(crate) fn disk(&self) -> &SimulatedDisk {
        &self.disk
    }

    /// Its core, while it lives.
    pub(crate) fn node(&self) -> Option<&Node<RulesOfWorld>> {
        self.alive.as_ref().map(|alive| alive.driver.node())
    }

    /// What its own clock shows, if it lives.
    pub(crate) fn own_time(&self, now: Duration) -> Option<Instant> {
        self.alive.as_ref().map(|alive| alive.time_it_sees(now))
    }

    pub(crate) fn speed(&self) -> Speed {
        self.speed
    }

    pub(crate) fn set_speed(&mut self, now: Duration, speed: Speed) {
        self.speed = speed;
        if let Some(alive) = &mut self.alive {
            alive.clock.set_speed(now, speed);
        }
    }

    pub(crate) fn jump_clock(&mut self, now: Duration, by: Duration) {
        if let Some(alive) = &mut self.alive {
            alive.clock.jump(now, by);
        }
    }

    /// When the world's clock will show the server's next deadline; `None` if it waits for nothing.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        let alive = self.alive.as_ref().filter(|_| !self.is_paused)?;
        let deadline = alive.driver.next_deadline();
        if alive.ticked == Some(deadline) { None } else { alive.clock.real_time_of(deadline) }
    }

    /// Lets its next deadline pass: not a moment earlier, even where the clocks' arithmetic rounds.
    pub(crate) fn tick(&mut self, now: Duration, effects: &mut Effects<M>) {
        if let Some(alive) = &mut self.alive {
            let deadline = alive.driver.next_deadline();
            alive.acted = alive.time(now).max(deadline);
            alive.ticked = Some(deadline);
            alive.driver.step(alive.acted, Input::Tick, effects);
        }
    }

    /// Something happens to it, at its own time. To a dead server nothing does.
    pub(crate) fn step(&mut self, now: Duration, input: Input, effects: &mut Effects<M>) {
        if let Some(alive) = &mut self.alive {
            let now = alive.time(now);
            alive.driver.step(now, input, effects);
        }
    }

    /// A client wants to read: by the leader's lease where leaders have one.
    pub(crate) fn read(&mut self, now: Duration, request: RequestId, effects: &mut Effects<M>) {
        let by = if self.config.lease.is_some() { ReadBy::Lease } else { ReadBy::Round };
        self.step(now, Input::Read { id: request, by }, effects);
    }

    /// Lets its election timer run out now.
    pub(crate) fn expire_timer(&mut self, now: Duration, effects: &mut Effects<M>) {
        if let Some(alive) = &mut self.alive {
            let now = alive.time(now);
            alive.driver.step(now, Input::SetElectionTimer { deadline: now }, effects);
            alive.driver.step(now, Input::Tick, effects);
        }
    }

    /// Lets its election timer run out after this time. A leader steps down first.
    pub(crate) fn set_timer(&mut self, now: Duration, timeout: Duration, effects: &mut Effects<M>) {
        if let Some(alive) = &mut self.alive {
            let now = alive.time(now);
            alive.driver.step(now, Input::SetElectionTimer { deadline: now + timeout }, effects);
        }
    }

    /// Its disk gets something to do.
    pub(crate) fn give_to_disk(&mut self, effects: &mut Effects<M>) {
        let Some(alive) = &mut self.alive else { return };
        for job in effects.disk.drain(..) {
            if let DiskJob::Store(_) = job {
                alive.jobs.retain(|job| !matches!(job, DiskJob::Snapshot { .. }));
            }
            alive.jobs.push_back(job);
        }
    }

    /// Its disk does what is first to do. If it has no room for a save, it will try again.
    pub(crate) fn finish_job(
        &mut self,
        now: Duration,
        effects: &mut Effects<M>,
    ) -> Result<Finished, StorageError> {
        let nothing = Finished { is_done: false, news: None };
        let Some(alive) = &mut self.alive else { return Ok(nothing) };
        let Some(mut job) = alive.next_job() else { return Ok(nothing) };
        alive.save_due = None;
        let lacked_room = alive.lacks_room;
        let done = alive.finish(&mut job)?;
        let now = alive.time(now);
        let driver = &mut alive.driver;
        if let DiskDone::NoRoom(error) = done {
            alive.jobs.push_front(job);
            if lacked_room {
                return Ok(nothing);
            }
            alive.lacks_room = true;
            driver.step(now, Input::DiskFull, effects);
            // It lets the log forget.
            driver.step(now, Input::TakeSnapshot, effects);
            let news = Some(Process::DiskFull { why: Some(error.to_string()) });
            return Ok(Finished { is_done: true, news });
        }
        let has_room_again = lacked_room && matches!(done, DiskDone::Saved);
        if has_room_again {
            alive.lacks_room = false;
            driver.step(now, Input::DiskHasRoom, effects);
        }
        done.input().into_iter().for_each(|input| driver.step(now, input, effects));
        let news = has_room_again.then_some(Process::DiskFull { why: None });
        Ok(Finished { is_done: true, news })
    }

    /// Does a save wait for room on its disk?
    pub(crate) fn lacks_room(&self) -> bool {
        self.alive.as_ref().is_some_and(|alive| alive.lacks_room)
    }

    /// Has its disk something to do?
    pub(crate) fn is_saving(&self) -> bool {
        self.alive.as_ref().is_some_and(|alive| !alive.jobs.is_empty())
    }

    /// Applies what is committed.
    pub(crate) fn apply(&mut self, now: Duration, effects: &mut Effects<M>) {
        self.step(now, Input::Apply { at_most: ALL }, effects);
    }

    pub(crate) fn needs_apply(&self) -> bool {
        self.alive.as_ref().is_some_and(|alive| alive.driver.needs_apply()) && !self.holds_applies
    }

    /// Highest index that its state machine has applied.
    pub(crate) fn last_applied(&self) -> Index {
        self.alive.as_ref().map(|alive| alive.driver.last_applied()).unwrap_or_default()
    }

    /// How many clients it owes an answer.
    pub(crate) fn waiting_requests(&self) -> usize {
        self.alive.as_ref().map_or(0, |alive| alive.driver.waiting_requests())
    }

    /// Its state machine.
    pub(crate) fn machine(&self) -> Option<&M> {
        self.alive.as_ref().map(|alive| alive.driver.machine())
    }

    /// When its disk will have finished; `None` if it has nothing to do, or the process is halted.
    pub(crate) fn save_due(&self) -> Option<Duration> {
        self.alive.as_ref().filter(|_| !self.is_paused && !self.holds_saves)?.save_due
    }

    /// Its disk will have finished what it does at this time.
    pub(crate) fn set_save_due(&mut self, due: Duration) {
        if let Some(alive) = &mut self.alive {
            alive.save_due.get_or_insert(due);
        }
    }
}

impl<M: Machine> Alive<M> {
    /// What its disk does next. What may free room goes before a save that has none.
    fn next_job(&mut self) -> Option<DiskJob<M::Snapshot>> {
        let waits = self.lacks_room && self.jobs.len() > 1;
        self.jobs.remove(usize::from(waits))
    }

    /// Does a job to its end, if there is room for it. A disk that lacks room for a save gives a snapshot what was kept for
    /// that.
    fn finish(&mut self, job: &mut DiskJob<M::Snapshot>) -> Result<DiskDone, StorageError> {
        if self.lacks_room && matches!(job, DiskJob::Snapshot { .. }) {
            self.storage.free_room()?;
        }
        let mut done = perform(job, &mut self.storage)?;
        while let DiskDone::PieceWritten = done {
            done = perform(job, &mut self.storage)?;
        }
        let has_room = !self.lacks_room || matches!(done, DiskDone::Saved);
        if has_room && (self.lacks_room || done.makes_snapshot()) {
            keep_room(&mut self.storage)?;
        }
        Ok(done)
    }

    /// The server's own time, which never goes back.
    fn time(&mut self, now: Duration) -> Instant {
        self.acted = self.time_it_sees(now);
        self.acted
    }

    fn time_it_sees(&self, now: Duration) -> Instant {
        self.acted.max(self.clock.at(now))
    }
}

/// What the newest snapshot holds, if there is one.
fn restored<M: Machine>(storage: &mut Storage<SimulatedDisk>) -> Result<Option<Restored<M>>, StorageError> {
    Restored::read(storage).map_err(|unreadable| match unreadable {
        UnreadableSnapshot::Storage(error) => error,
        UnreadableSnapshot::Broken(why) => panic!("a server can't read its own snapshot: {why}"),
    })
}

/// Keeps room for the next snapshot, if there is any.
fn keep_room(storage: &mut Storage<SimulatedDisk>) -> Result<(), StorageError> {
    match storage.keep_room() {
        Err(error) if storage.is_poisoned() || !error.is_full() => Err(error),
        _ => Ok(()),
    }
}
