//! A user's application in simulated worlds.

use crate::chance::Random;
use crate::cluster::Cluster;
use crate::coverage::Coverage;
use crate::failure::{Failure, Found};
use crate::hunt::{Round, examine_on};
use crate::properties::own_invariant::OwnInvariant;
use crate::properties::replicas_agree::ReplicasAgree;
use crate::properties::{Promise, Property};
use crate::search::{Faults, SearchOptions};
use crate::tested::{Commands, Draw, Tested};
use crate::watched::Testable;
use crate::world::{World, WorldOptions};
use consensus::NodeId;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Tests a state machine of your own in simulated worlds: clusters whose servers, networks, disks and clocks fail in every way
/// that this crate knows, in milliseconds, and the same way each time.
///
/// After each step of each server, every property of Raft is checked; that the servers' state machines agree, answers and
/// snapshots included; and your own [invariants](Simulation::invariant). There are two ways to test:
///
/// * [`start`](Simulation::start) starts a cluster in which only what the test says goes wrong;
/// * [`for_seeds`](Simulation::for_seeds) plays a random run for each seed.
///
/// ```
/// use raft_for_beginners_simulator::driver::{SmallState, Whole};
/// use raft_for_beginners_simulator::{Action, Failure, Simulation, Unsynced};
///
/// /// Counts the bytes that it was given.
/// #[derive(Default)]
/// struct Counter(u64);
///
/// impl SmallState for Counter {
///     type Answer = u64;
///
///     fn apply(&mut self, _at: raft_for_beginners_simulator::consensus::Index, command: &[u8]) -> u64 {
///         self.0 += command.len() as u64;
///         self.0
///     }
///
///     fn save(&self) -> Vec<u8> {
///         self.0.to_le_bytes().to_vec()
///     }
///
///     fn load(bytes: &[u8]) -> Option<Counter> {
///         Some(Counter(u64::from_le_bytes(bytes.try_into().ok()?)))
///     }
/// }
///
/// let simulation = Simulation::<Whole<Counter>>::new()
///     .servers(3)
///     .invariant("no counter is beyond 9", |counters| {
///         match counters.iter().find(|(_, counter)| counter.0.0 > 9) {
///             Some((id, counter)) => Err(format!("{id} has counted {}", counter.0.0)),
///             None => Ok(()),
///         }
///     });
///
/// let mut cluster = simulation.start(1);
/// assert_eq!(cluster.write(b"four")?, 4);
/// let leader = cluster.run_until_led()?;
/// cluster.perform(Action::Crash(leader, Unsynced::Lost))?;
/// assert_eq!(cluster.write(b"five!")?, 9);
/// assert_eq!(cluster.read(|counter| counter.0.0)?, 9);
///
/// let broken = simulation.for_seeds(0..100, |random| vec![0; random.below(3) as usize]).unwrap_err();
/// assert!(broken.to_string().contains("no counter is beyond 9: n"));
/// # Ok::<(), Failure>(())
/// ```
pub struct Simulation<M> {
    servers: Option<u64>,
    spares: u64,
    faults: Faults,
    invariants: Vec<OwnInvariant<M>>,
}

/// The number of servers where a test does not say how many.
const SERVERS: u64 = 3;

impl<M> Clone for Simulation<M> {
    fn clone(&self) -> Simulation<M> {
        Simulation { invariants: self.invariants.clone(), ..*self }
    }
}

impl<M> fmt::Debug for Simulation<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Simulation { servers, spares, faults, invariants } = self;
        let mut debug = f.debug_struct("Simulation");
        debug.field("servers", servers).field("spares", spares).field("faults", faults);
        debug.field("invariants", invariants).finish()
    }
}

impl<M: Testable> Default for Simulation<M> {
    fn default() -> Simulation<M> {
        Simulation { servers: None, spares: 0, faults: Faults::ALL, invariants: Vec::new() }
    }
}

impl<M: Testable> Simulation<M> {
    /// A simulation without invariants of its own.
    pub fn new() -> Simulation<M> {
        Simulation::default()
    }

    /// Each cluster begins with this number of servers: n1, n2, and so on. If this is not called, [`start`](Simulation::start)
    /// starts three, and [`for_seeds`](Simulation::for_seeds) draws how many.
    ///
    /// # Panics
    /// If it is 0.
    #[must_use]
    pub fn servers(self, servers: u64) -> Simulation<M> {
        assert!(servers > 0, "a cluster has at least one server");
        Simulation { servers: Some(servers), ..self }
    }

    /// A cluster that [`start`](Simulation::start) starts has this number of servers more, which are yet to be added to it.
    /// [`for_seeds`](Simulation::for_seeds) draws how many.
    #[must_use]
    pub fn spares(self, spares: u64) -> Simulation<M> {
        Simulation { spares, ..self }
    }

    /// What may go wrong in the runs of [`for_seeds`](Simulation::for_seeds): everything, unless this says otherwise.
    #[must_use]
    pub fn faults(self, faults: Faults) -> Simulation<M> {
        Simulation { faults, ..self }
    }

    /// Something that must hold for the states of all living servers, whenever one of them has applied commands or loaded a
    /// snapshot. They may not have come equally far. If it does not hold, the error says why.
    #[must_use]
    pub fn invariant(
        mut self,
        name: &'static str,
        check: impl Fn(&[(NodeId, &M)]) -> Result<(), String> + Send + Sync + 'static,
    ) -> Simulation<M> {
        let meaning = "This is an invariant of the application that is tested.";
        let promise = Promise { name, meaning };
        self.invariants.push(OwnInvariant { promise, check: Arc::new(check) });
        self
    }

    /// Starts a cluster in a fair world: no message is lost, each takes a millisecond, disks take no time. Chance
    /// decides nothing but the election timeouts, and the same seed gives the same ones.
    pub fn start(&self, seed: u64) -> Cluster<M> {
        let (servers, spares) = (self.servers.unwrap_or(SERVERS), self.spares);
        self.start_in(WorldOptions { servers, spares, seed, ..WorldOptions::default() })
    }

    /// Starts a cluster in a world of other options.
    pub fn start_in(&self, options: WorldOptions) -> Cluster<M> {
        Cluster::new(self.clone(), options)
    }

    /// Plays the run of each seed, on all cores: a world, faults and clients, all drawn from the seed; `draw` draws the commands.
    /// Returns what was tried.
    ///
    /// # Errors
    /// If something that must hold did not: of the lowest seed where that happened, the shortest run that was found, as a
    /// [`Failure`] that tells what led to it.
    pub fn for_seeds(
        &self,
        seeds: Range<u64>,
        draw: impl Fn(&mut Random) -> Vec<u8> + Send + Sync + 'static,
    ) -> Result<Coverage, Failure> {
        let draw: Arc<Draw> = Arc::new(draw);
        let stage = |options: WorldOptions| {
            let commands = Commands::Drawn { seed: options.seed, draw: draw.clone() };
            self.world(options, commands)
        };
        let options =
            SearchOptions { servers: self.servers, faults: self.faults, ..SearchOptions::default() };
        let examined = examine_on(&stage, &[Round { options, seeds }], None, |_, _| ());
        if let Some(seed) = examined.differs {
            return Err(Failure::NotRepeatable { seed });
        }
        match examined.finding {
            Some(finding) => {
                Err(Found { stage, script: finding.script, violation: finding.violation }.failure())
            }
            None => Ok(examined.coverage),
        }
    }

    pub(crate) fn world(&self, options: WorldOptions, commands: Commands) -> World<Tested<M>> {
        let invariant = |invariant: &OwnInvariant<M>| Box::new(invariant.clone()) as Box<dyn Property<_>>;
        let replicas_agree: Box<dyn Property<_>> = Box::<ReplicasAgree<M::Answer>>::default();
        let properties = self.invariants.iter().map(invariant).chain([replicas_agree]).collect();
        World::with(options, Tested::new(commands), properties)
    }
}
