//! A simulated cluster that does what a test says.

use crate::action::Action;
use crate::failure::{Failure, Found, story};
use crate::script::Script;
use crate::simulation::Simulation;
use crate::tested::{Commands, Tested};
use crate::watched::Testable;
use crate::world::{World, WorldOptions};
use consensus::NodeId;
use driver::{ReadOutcome, RequestId, WriteOutcome};
use std::fmt;
use std::time::Duration;
use trace::ClusterView;

/// A simulated cluster in which nothing happens until the test lets time pass or does something to it: see
/// [`Simulation::start`].
///
/// Every method that lets something happen fails with [`Failure::Violated`] if something did not hold then. The failure tells
/// the shortest run that was found, of which the test's own actions are the beginning.
///
/// ```
/// # use raft_for_beginners_simulator::driver::{SmallState, Whole, WriteOutcome};
/// # use raft_for_beginners_simulator::{Action, Failure, Simulation};
/// # #[derive(Default)]
/// # struct Counter(u64);
/// # impl SmallState for Counter {
/// #     type Answer = u64;
/// #     fn apply(&mut self, _at: raft_for_beginners_simulator::consensus::Index, command: &[u8]) -> u64 {
/// #         self.0 += command.len() as u64;
/// #         self.0
/// #     }
/// #     fn save(&self) -> Vec<u8> {
/// #         self.0.to_le_bytes().to_vec()
/// #     }
/// #     fn load(bytes: &[u8]) -> Option<Counter> {
/// #         Some(Counter(u64::from_le_bytes(bytes.try_into().ok()?)))
/// #     }
/// # }
/// let mut cluster = Simulation::<Whole<Counter>>::new().servers(3).start(1);
/// let old_leader = cluster.run_until_led()?;
/// cluster.perform(Action::Partition(vec![old_leader]))?;
/// // The old leader does not know yet that it can't commit anything.
/// let lost = cluster.propose(old_leader, b"lost")?;
/// cluster.run_until(|cluster| cluster.leader() != Some(old_leader))?;
/// assert_eq!(cluster.write(b"kept!")?, 5);
/// cluster.perform(Action::Heal)?;
/// cluster.run_until(|cluster| cluster.outcome(lost).is_some())?;
/// assert_eq!(cluster.outcome(lost), Some(&WriteOutcome::Replaced));
/// # Ok::<(), Failure>(())
/// ```
pub struct Cluster<M: Testable> {
    simulation: Simulation<M>,
    world: World<Tested<M>>,
    /// The world's options, and what was done to it so far.
    script: Script,
}

/// A command that was [proposed](Cluster::propose).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proposal(RequestId);

impl<M: Testable> fmt::Debug for Cluster<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster").field("script", &self.script).finish_non_exhaustive()
    }
}

impl<M: Testable> Cluster<M> {
    pub(crate) fn new(simulation: Simulation<M>, options: WorldOptions) -> Cluster<M> {
        let world = simulation.world(options.clone(), Commands::Given(Vec::new()));
        Cluster { simulation, world, script: Script { options, actions: Vec::new() } }
    }

    /// The time that has passed in this world.
    pub fn now(&self) -> Duration {
        self.world.now()
    }

    /// What an observer knows of the servers: roles, terms, logs, members.
    pub fn view(&self) -> &ClusterView {
        self.world.view()
    }

    /// The leader of the newest term that has one.
    pub fn leader(&self) -> Option<NodeId> {
        self.view().leader()
    }

    /// The state machine of a server as it is now, also if the server lags behind; `None` if the server is dead.
    pub fn machine(&self, id: NodeId) -> Option<&M> {
        Some(&self.world.look_at(id).ok()?.machine()?.inner)
    }

    /// Does one thing to the cluster: kills a server, cuts a link, fills a disk, changes the members.
    ///
    /// # Errors
    /// If it can't be done now; if something did not hold.
    pub fn perform(&mut self, action: Action) -> Result<(), Failure> {
        self.world.perform(&action)?;
        self.world.drop_records();
        match (self.script.actions.last_mut(), action) {
            (Some(Action::Run(before)), Action::Run(more)) => *before += more,
            (_, action) => self.script.actions.push(action),
        }
        match self.world.violations().first() {
            None => Ok(()),
            Some(violation) => {
                let (violation, script) = (violation.clone(), self.script.clone());
                Err(Found { stage: self.stage(), script, violation }.failure())
            }
        }
    }

    /// Lets time pass.
    ///
    /// # Errors
    /// If something did not hold.
    pub fn run(&mut self, duration: Duration) -> Result<(), Failure> {
        self.perform(Action::Run(duration))
    }

    /// Lets time pass, one event after the other, until this is so.
    ///
    /// # Errors
    /// If that takes more than a thousand of the longest election timeouts; if something did not hold.
    pub fn run_until(&mut self, mut is_so: impl FnMut(&Cluster<M>) -> bool) -> Result<(), Failure> {
        let end = self.world.gives_up();
        while !is_so(self) {
            match self.world.next_due().filter(|next| *next <= end) {
                Some(next) => self.run(next.saturating_sub(self.now()))?,
                None => return Err(self.in_vain("what the test waits for does not happen")),
            }
        }
        Ok(())
    }

    /// Lets time pass until one server has led for some time and all others that run agree with it, and returns which.
    ///
    /// # Errors
    /// If no server does; if something did not hold.
    pub fn run_until_led(&mut self) -> Result<NodeId, Failure> {
        self.perform(Action::RunUntilLed)?;
        self.leader().ok_or_else(|| self.in_vain("no leader is elected"))
    }

    /// Proposes a command to this server, whether it leads or not.
    ///
    /// # Errors
    /// If the server does not run; if something did not hold.
    pub fn propose(&mut self, id: NodeId, command: impl Into<Vec<u8>>) -> Result<Proposal, Failure> {
        let Commands::Given(commands) = &mut self.world.application_mut().commands else {
            unreachable!("commands are only drawn in runs of seeds")
        };
        commands.push(command.into().into());
        let number = commands.len() as u64 - 1;
        self.perform(Action::Propose(Some(id), number))?;
        Ok(Proposal(self.world.last_request()))
    }

    /// The outcome of a proposed command, as soon as the server to which it was proposed knows it.
    pub fn outcome(&self, proposal: Proposal) -> Option<&WriteOutcome<M::Answer>> {
        self.world.application().writes.get(&proposal.0)
    }

    /// Proposes a command to the leader, waiting for one if necessary, and waits for the answer. It is proposed again where it is
    /// certain that it was not executed.
    ///
    /// # Errors
    /// If there is no answer: then nobody can tell whether the command was or will be executed; if something did not hold.
    pub fn write(&mut self, command: impl Into<Vec<u8>>) -> Result<M::Answer, Failure> {
        let command = command.into();
        loop {
            let leader = self.wait_for_leader()?;
            let proposal = self.propose(leader, command.clone())?;
            self.run_until(|cluster| cluster.outcome(proposal).is_some())?;
            match self.outcome(proposal) {
                Some(WriteOutcome::Applied { answer, .. }) => return Ok(answer.clone()),
                Some(WriteOutcome::Uncertain) => {
                    return Err(self.in_vain("no server can tell whether the command was executed"));
                }
                _ => {}
            }
        }
    }

    /// Reads from the leader's state, waiting for a leader if necessary: linearizably, as clients read.
    ///
    /// # Errors
    /// If the leader can't confirm that it leads; if something did not hold.
    pub fn read<T>(&mut self, look: impl FnOnce(&M) -> T) -> Result<T, Failure> {
        loop {
            let leader = self.wait_for_leader()?;
            self.perform(Action::Read(Some(leader)))?;
            let request = self.world.last_request();
            self.run_until(|cluster| cluster.world.application().reads.contains_key(&request))?;
            if self.world.application().reads[&request] == ReadOutcome::Readable {
                return Ok(look(self.machine(leader).expect("it was alive just now")));
            }
        }
    }

    /// What has happened so far, in English.
    pub fn story(&self) -> String {
        story(self.stage()(self.script.options.clone()), &self.script.actions)
    }

    fn wait_for_leader(&mut self) -> Result<NodeId, Failure> {
        self.run_until(|cluster| cluster.leader().is_some())?;
        Ok(self.leader().expect("there is one since just now"))
    }

    /// Worlds in which the same commands are proposed.
    fn stage(&self) -> impl Fn(WorldOptions) -> World<Tested<M>> {
        let (simulation, commands) = (self.simulation.clone(), self.world.application().commands.clone());
        move |options| simulation.world(options, commands.clone())
    }

    fn in_vain(&self, what: &str) -> Failure {
        Failure::InVain { what: what.to_owned(), story: self.story() }
    }
}
