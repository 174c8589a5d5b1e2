//! One server of a world: a driver while it lives, a disk that outlives it.

use crate::disk::{SimulatedDisk, Unsynced};
use crate::machine::Applied;
use crate::rules::AllBut;
use consensus::{Append, Config, HardState, Index, Instant, Log, Node, Term};
use driver::{Clock, Driver, Effects, Envelope, RequestId, Speed, Telling};
use std::sync::Arc;
use std::time::Duration;
use storage::{Batch, Identity, Recovered, Storage, StorageError};
use trace::Process;

/// Small, so that even a short run fills some segments of the log.
const SEGMENT_SIZE: u64 = 1024;

#[derive(Debug)]
pub(crate) struct Server {
    config: Config,
    /// What it begins its first life with.
    log: Log,
    /// The term that its cluster had reached when this server's log was written.
    term: Term,
    disk: SimulatedDisk,
    speed: Speed,
    pub(crate) is_paused: bool,
    /// What has arrived while it was halted.
    pub(crate) mailbox: Vec<Envelope>,
    /// The server's saves wait until somebody asks for them.
    pub(crate) holds_saves: bool,
    /// What is committed is not applied until somebody asks for it.
    pub(crate) holds_applies: bool,
    alive: Option<Alive>,
}

/// What a crash takes away.
#[derive(Debug)]
struct Alive {
    driver: Driver<Applied, AllBut>,
    storage: Storage<SimulatedDisk>,
    /// What its disk is busy with.
    saving: Option<Batch>,
    /// Its disk had no room for that.
    lacks_room: bool,
    clock: Clock,
    /// When the server last acted, on its own clock.
    acted: Instant,
    /// The deadline of the last tick: one that comes of it again has nothing to do.
    ticked: Option<Instant>,
    /// When its disk will have finished what is being saved.
    save_due: Option<Duration>,
}

impl Server {
    pub(crate) fn new(config: Config, log: Log, term: Term) -> Server {
        Server {
            disk: SimulatedDisk::new(format!("disk of {}", config.id)),
            config,
            log,
            term,
            speed: Speed::REAL_TIME,
            is_paused: false,
            mailbox: Vec::new(),
            holds_saves: false,
            holds_applies: false,
            alive: None,
        }
    }

    /// Starts it from what its disk holds. Hands over what there is to tell of the disk.
    pub(crate) fn start(
        &mut self,
        now: Duration,
        rules: AllBut,
        telling: Telling,
        effects: &mut Effects<()>,
    ) -> Result<Option<Process>, StorageError> {
        let (mut storage, mut recovered) = self.open(self.disk.clone())?;
        if recovered.hard_state.current_term < self.term {
            recovered.hard_state = HardState { current_term: self.term, voted_for: None };
            recovered.log = self.log.after(Index(0)).to_vec();
            let append = Append { first: Index(1), entries: recovered.log.clone() };
            let hard_state = Some(recovered.hard_state);
            storage.save(&Batch { hard_state, append: Some(append), ..Batch::default() })?;
        }
        // Each life draws other timeouts.
        let seed = self.config.seed ^ (self.config.id.0 << 32) ^ (recovered.life << 48);
        let config = Config { seed, ..self.config.clone() };
        let cut_off = recovered.cut_off.take();
        let driver = Driver::start(config, recovered, Applied::default(), rules, telling, effects);
        self.alive = Some(Alive {
            driver,
            storage,
            saving: None,
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
        let Config { id, voters, .. } = &self.config;
        let identity = Identity { cluster: "simulated".to_owned(), node: *id, voters: voters.voters() };
        Storage::open_with_segment_size(disk, identity, SEGMENT_SIZE)
    }

    /// The terms of its log's entries, from index 1 on; if it is dead, of those that its disk holds.
    pub(crate) fn log_terms(&self) -> Vec<Term> {
        match self.node() {
            Some(node) => node.log().terms().collect(),
            None => {
                let entries = self.open(self.disk.copy()).map(|(_, recovered)| recovered.log);
                entries.unwrap_or_default().iter().map(|entry| entry.term).collect()
            }
        }
    }

    /// Takes away its memory, and of its disk what was not synced.
    pub(crate) fn crash(&mut self, unsynced: Unsynced) {
        self.kill();
        self.disk.crash(unsynced);
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
    pub(crate) fn node(&self) -> Option<&Node<AllBut>> {
        self.alive.as_ref().map(|alive| alive.driver.node())
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

    /// When the world's clock will show the server's next deadline; none if it waits for nothing.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        let alive = self.alive.as_ref().filter(|_| !self.is_paused)?;
        let deadline = alive.driver.next_deadline();
        if alive.ticked == Some(deadline) { None } else { alive.clock.real_time_of(deadline) }
    }

    /// Lets its next deadline pass: not a moment earlier, even where the clocks' arithmetic rounds.
    pub(crate) fn tick(&mut self, now: Duration, effects: &mut Effects<()>) {
        if let Some(alive) = &mut self.alive {
            let deadline = alive.driver.next_deadline();
            alive.acted = alive.time(now).max(deadline);
            alive.ticked = Some(deadline);
            alive.driver.tick(alive.acted, effects);
        }
    }

    pub(crate) fn receive(&mut self, now: Duration, envelope: Envelope, effects: &mut Effects<()>) {
        if let Some(alive) = &mut self.alive {
            let now = alive.time(now);
            alive.driver.receive(now, envelope, effects);
        }
    }

    /// A client wants this in the log.
    pub(crate) fn propose(
        &mut self,
        now: Duration,
        request: RequestId,
        command: Arc<[u8]>,
        effects: &mut Effects<()>,
    ) {
        if let Some(alive) = &mut self.alive {
            let now = alive.time(now);
            alive.driver.propose(now, vec![(request, command)], effects);
        }
    }

    /// A client wants to read.
    pub(crate) fn read(&mut self, now: Duration, request: RequestId, effects: &mut Effects<()>) {
        if let Some(alive) = &mut self.alive {
            let now = alive.time(now);
            alive.driver.read(now, request, effects);
        }
    }

    /// Lets its election timer run out now.
    pub(crate) fn expire_timer(&mut self, now: Duration, effects: &mut Effects<()>) {
        if let Some(alive) = &mut self.alive {
            let now = alive.time(now);
            alive.driver.set_election_timer(now, now, effects);
            alive.driver.tick(now, effects);
        }
    }

    /// Its disk gets something to do.
    pub(crate) fn begin_save(&mut self, batch: Batch) {
        let alive = self.alive.as_mut().expect("only a living server decides anything");
        assert!(alive.saving.is_none(), "one save at a time");
        alive.saving = Some(batch);
    }

    /// Its disk does what it is busy with. If it has no room, it will try again. Hands over what there is
    /// to tell of the disk.
    pub(crate) fn finish_save(
        &mut self,
        now: Duration,
        effects: &mut Effects<()>,
    ) -> Result<Option<Process>, StorageError> {
        let Some(alive) = &mut self.alive else { return Ok(None) };
        let Some(batch) = alive.saving.take() else { return Ok(None) };
        alive.save_due = None;
        match alive.storage.save(&batch) {
            Err(error) if !alive.storage.is_poisoned() => {
                alive.saving = Some(batch);
                let is_news = !std::mem::replace(&mut alive.lacks_room, true);
                Ok(is_news.then(|| Process::DiskFull { why: Some(error.to_string()) }))
            }
            saved => {
                saved?;
                let now = alive.time(now);
                alive.driver.saved(now, effects);
                let lacked_room = std::mem::take(&mut alive.lacks_room);
                Ok(lacked_room.then_some(Process::DiskFull { why: None }))
            }
        }
    }

    /// Has its disk something to do?
    pub(crate) fn is_saving(&self) -> bool {
        self.alive.as_ref().is_some_and(|alive| alive.saving.is_some())
    }

    /// Applies what is committed.
    pub(crate) fn apply(&mut self, now: Duration, effects: &mut Effects<()>) {
        if let Some(alive) = &mut self.alive {
            let now = alive.time(now);
            alive.driver.apply(now, usize::MAX, effects);
        }
    }

    pub(crate) fn needs_apply(&self) -> bool {
        self.alive.as_ref().is_some_and(|alive| alive.driver.needs_apply()) && !self.holds_applies
    }

    /// As far as this its state machine has all that is committed.
    pub(crate) fn last_applied(&self) -> Index {
        self.alive.as_ref().map(|alive| alive.driver.last_applied()).unwrap_or_default()
    }

    /// What it has applied in this life.
    pub(crate) fn applied(&self) -> Option<&Applied> {
        self.alive.as_ref().map(|alive| alive.driver.machine())
    }

    /// When its disk will have finished; none if it has nothing to do, or the process is halted.
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

impl Alive {
    /// The server's own time, which never goes back.
    fn time(&mut self, now: Duration) -> Instant {
        self.acted = self.acted.max(self.clock.at(now));
        self.acted
    }
}
