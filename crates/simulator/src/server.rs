//! One server of a world: a driver while it lives, a disk that outlives it.

use crate::disk::SimulatedDisk;
use crate::rules::AllBut;
use consensus::{Config, Instant, Log};
use driver::{Clock, Driver, Effects, Envelope, Speed};
use std::time::Duration;
use storage::{Identity, Storage, StorageError};

#[derive(Debug)]
pub(crate) struct Server {
    config: Config,
    log: Log,
    disk: SimulatedDisk,
    speed: Speed,
    pub(crate) is_paused: bool,
    /// The server's saves wait until somebody asks for them.
    pub(crate) holds_saves: bool,
    alive: Option<Alive>,
}

/// What a crash takes away.
#[derive(Debug)]
struct Alive {
    driver: Driver<SimulatedDisk, AllBut>,
    clock: Clock,
    /// The deadline of the last tick: one that comes of it again has nothing to do.
    ticked: Option<Instant>,
}

impl Server {
    pub(crate) fn new(config: Config, log: Log) -> Server {
        let disk = SimulatedDisk::new(format!("disk of {}", config.id));
        let speed = Speed::REAL_TIME;
        Server { config, log, disk, speed, is_paused: false, holds_saves: false, alive: None }
    }

    /// Starts it from what its disk holds.
    pub(crate) fn start(
        &mut self,
        now: Duration,
        rules: AllBut,
        effects: &mut Effects,
    ) -> Result<(), StorageError> {
        let Config { id, voters, .. } = &self.config;
        let identity = Identity { cluster: "simulated".to_owned(), node: *id, voters: voters.voters() };
        let (storage, recovered) = Storage::open(self.disk.clone(), identity)?;
        // Each life draws other timeouts.
        let seed = self.config.seed ^ (id.0 << 32) ^ (recovered.life << 48);
        let config = Config { seed, ..self.config.clone() };
        let driver = Driver::start(config, (storage, recovered), self.log.clone(), rules, effects);
        self.alive = Some(Alive { driver, clock: Clock::start(now, self.speed), ticked: None });
        self.is_paused = false;
        Ok(())
    }

    /// Takes away all but the synced part of its disk.
    pub(crate) fn crash(&mut self) {
        self.alive = None;
        self.disk.crash();
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

    pub(crate) fn driver(&self) -> Option<&Driver<SimulatedDisk, AllBut>> {
        self.alive.as_ref().map(|alive| &alive.driver)
    }

    pub(crate) fn set_speed(&mut self, now: Duration, speed: Speed) {
        self.speed = speed;
        if let Some(alive) = &mut self.alive {
            alive.clock.set_speed(now, speed);
        }
    }

    /// When the world's clock will show the server's next deadline; none if it waits for nothing.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        let alive = self.alive.as_ref().filter(|_| !self.is_paused)?;
        let deadline = alive.driver.next_deadline();
        if alive.ticked == Some(deadline) { None } else { alive.clock.real_time_of(deadline) }
    }

    /// Lets its next deadline pass: not a moment earlier, even where the clocks' arithmetic rounds.
    pub(crate) fn tick(&mut self, now: Duration, effects: &mut Effects) {
        if let Some(alive) = &mut self.alive {
            let deadline = alive.driver.next_deadline();
            alive.driver.tick(alive.clock.at(now).max(deadline), effects);
            alive.ticked = Some(deadline);
        }
    }

    pub(crate) fn receive(&mut self, now: Duration, envelope: Envelope, effects: &mut Effects) {
        if let Some(alive) = &mut self.alive {
            alive.driver.receive(alive.clock.at(now), envelope, effects);
        }
    }

    /// Lets its election timer run out now.
    pub(crate) fn expire_timer(&mut self, now: Duration, effects: &mut Effects) {
        if let Some(alive) = &mut self.alive {
            let now = alive.clock.at(now);
            alive.driver.set_election_timer(now, now, effects);
            alive.driver.tick(now, effects);
        }
    }

    /// Saves what it has decided.
    pub(crate) fn save(&mut self, now: Duration, effects: &mut Effects) -> Result<(), StorageError> {
        match &mut self.alive {
            Some(alive) => alive.driver.save(alive.clock.at(now), effects),
            None => Ok(()),
        }
    }

    pub(crate) fn needs_save(&self) -> bool {
        self.driver().is_some_and(Driver::needs_save)
    }
}
