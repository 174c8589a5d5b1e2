//! State machines of others in simulated worlds: what is wrong with them is found, made short, and told.

use consensus::{Change, Index, NodeId};
use driver::{SmallState, Whole};
use simulator::{Action, Coverage, Failure, Faults, Random, Simulation, Unsynced, WorldOptions};
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Adds up the first bytes of its commands. What is wrong with it comes with a command, too: a world is compiled for each type
/// of state machine, which takes long, so that one is right and wrong in all ways.
#[derive(Debug)]
struct Sum {
    sum: u64,
    /// How many commands it was given.
    commands: u64,
    /// Another number in each state machine.
    birth: u64,
    wrong: Wrong,
}

#[derive(Debug, Clone, Copy)]
enum Wrong {
    Nothing,
    AnswerOfServer,
    StateOfServer,
    CommandsForgotten,
    OtherSumSaved,
    AnswerToUncommitted,
    OddSumNotLoaded,
    Panic,
}

impl Wrong {
    fn of(number: u64) -> Option<Wrong> {
        use Wrong::*;
        let all = [
            Nothing,
            AnswerOfServer,
            StateOfServer,
            CommandsForgotten,
            OtherSumSaved,
            AnswerToUncommitted,
            OddSumNotLoaded,
            Panic,
        ];
        all.get(usize::try_from(number).ok()?).copied()
    }
}

thread_local! {
    /// What clients have asked for so far, committed or not.
    static ASKED_FOR: Cell<u64> = const { Cell::new(0) };
}

impl Default for Sum {
    fn default() -> Sum {
        static BIRTHS: AtomicU64 = AtomicU64::new(0);
        let birth = BIRTHS.fetch_add(1, Ordering::Relaxed);
        Sum { sum: 0, commands: 0, birth, wrong: Wrong::Nothing }
    }
}

impl SmallState for Sum {
    type Answer = u64;

    fn apply(&mut self, _: Index, command: &[u8]) -> u64 {
        self.sum += u64::from(command[0]);
        self.commands += 1;
        self.wrong = command.get(1).map_or(Wrong::Nothing, |number| Wrong::of(u64::from(*number)).unwrap());
        match self.wrong {
            Wrong::AnswerOfServer => self.sum + self.birth,
            Wrong::CommandsForgotten => self.commands,
            Wrong::AnswerToUncommitted => ASKED_FOR.get(),
            Wrong::Panic => {
                assert!(self.sum < 15, "the sum is {}", self.sum);
                self.sum
            }
            _ => self.sum,
        }
    }

    fn save(&self) -> Vec<u8> {
        let [sum, commands] = match self.wrong {
            Wrong::StateOfServer => [self.sum, self.birth],
            Wrong::CommandsForgotten => [self.sum, 0],
            Wrong::OtherSumSaved => [self.sum / 2, 0],
            _ => [self.sum, self.commands],
        };
        [sum, commands, self.wrong as u64].iter().flat_map(|number| number.to_le_bytes()).collect()
    }

    fn load(bytes: &[u8]) -> Option<Sum> {
        let ([sum, commands, wrong], []) = bytes.as_chunks() else { return None };
        let [sum, commands, wrong] = [sum, commands, wrong].map(|number| u64::from_le_bytes(*number));
        let wrong = Wrong::of(wrong)?;
        let is_loaded = !matches!(wrong, Wrong::OddSumNotLoaded) || sum.is_multiple_of(2);
        is_loaded.then(|| Sum { sum, commands, wrong, ..Sum::default() })
    }
}

fn simulation() -> Simulation<Whole<Sum>> {
    Simulation::new()
}

fn draw(random: &mut Random) -> Vec<u8> {
    vec![random.below(10) as u8]
}

/// Finds what is wrong with a state machine.
fn search(wrong: Wrong) -> Result<Coverage, Failure> {
    simulation().for_seeds(0..500, move |random| {
        let command = draw(random);
        ASKED_FOR.set(ASKED_FOR.get() + u64::from(command[0]));
        [command[0], wrong as u8].to_vec()
    })
}

/// What was found: the promise that was broken, how, in how many steps, and the story.
fn found(failure: Failure) -> (&'static str, String, usize, String) {
    let text = failure.to_string();
    let Failure::Violated { violation, script, story, .. } = failure else { panic!("{text}") };
    assert!(text.contains(&story) && story.contains("VIOLATED: "), "{text}");
    (violation.promise.name, violation.what_happened, script.actions.len(), story)
}

#[test]
fn nothing_is_wrong_with_a_state_machine_that_is_right() {
    let coverage = search(Wrong::Nothing).unwrap();
    for fault in ["power cuts", "partitions", "snapshots requested", "disks lost", "requests retried"] {
        assert!(coverage.faults[fault] > 3, "{fault}: {:?}", coverage.faults);
    }
}

#[test]
fn an_answer_that_depends_on_the_server_is_found() {
    let (promise, what_happened, steps, _) = found(search(Wrong::AnswerOfServer).unwrap_err());
    assert_eq!(promise, "replicas agree (§2)");
    assert!(what_happened.contains(" answers the command of entry "), "{what_happened}");
    assert!(steps <= 12, "{steps}");
}

#[test]
fn a_state_that_depends_on_the_server_is_found() {
    let (promise, what_happened, steps, _) = found(search(Wrong::StateOfServer).unwrap_err());
    assert_eq!(promise, "replicas agree (§2)");
    assert!(what_happened.starts_with("the state of n"), "{what_happened}");
    assert!(steps <= 12, "{steps}");
}

#[test]
fn what_a_snapshot_forgets_is_found() {
    let (promise, what_happened, steps, story) = found(search(Wrong::CommandsForgotten).unwrap_err());
    assert_eq!(promise, "replicas agree (§2)");
    assert!(what_happened.contains(" answers the command of entry "), "{what_happened}");
    assert!(story.contains("▸ snapshot n"), "{story}");
    assert!(steps <= 25, "{steps}: {story}");
}

#[test]
fn a_snapshot_that_becomes_another_state_is_found() {
    let (promise, what_happened, steps, story) = found(search(Wrong::OtherSumSaved).unwrap_err());
    assert_eq!(promise, "replicas agree (§2)");
    assert!(what_happened.contains("has loaded a snapshot of entries up to"), "{what_happened}");
    assert!(steps <= 25, "{steps}: {story}");
}

#[test]
fn an_answer_from_what_is_not_committed_yet_is_found() {
    let (promise, what_happened, ..) = found(search(Wrong::AnswerToUncommitted).unwrap_err());
    assert_eq!(promise, "replicas agree (§2)");
    assert!(what_happened.contains(" answers the command of entry "), "{what_happened}");
}

#[test]
fn a_snapshot_that_can_not_be_loaded_is_found() {
    let (promise, what_happened, steps, story) = found(search(Wrong::OddSumNotLoaded).unwrap_err());
    assert!(what_happened.contains("the state machine can't load these"), "{promise}: {what_happened}");
    assert!(steps <= 25, "{steps}: {story}");
}

#[test]
fn a_panic_is_found() {
    let (promise, what_happened, steps, story) = found(search(Wrong::Panic).unwrap_err());
    assert_eq!(promise, "no server panics");
    assert!(what_happened.contains("panicked: the sum is 1"), "{what_happened}");
    assert!(steps <= 25, "{steps}: {story}");
}

#[test]
fn a_broken_invariant_is_found_and_the_same_each_time() {
    let simulation = simulation().invariant("sums stay below 9", |sums| {
        let high = sums.iter().find(|(_, Whole(sum))| sum.sum >= 9);
        high.map_or(Ok(()), |(id, Whole(sum))| Err(format!("that of {id} is {}", sum.sum)))
    });
    let failure = || simulation.for_seeds(0..500, draw).unwrap_err();
    let (promise, what_happened, steps, story) = found(failure());
    assert_eq!(promise, "sums stay below 9");
    assert!(what_happened.starts_with("that of n"), "{what_happened}");
    assert!(steps <= 8, "{steps}: {story}");
    assert_eq!(failure().to_string(), failure().to_string());
}

#[test]
fn a_run_that_can_not_be_repeated_is_said_to_be_one() {
    let drawn = AtomicU64::new(0);
    let numbered = move |_: &mut Random| drawn.fetch_add(1, Ordering::Relaxed).to_le_bytes().to_vec();
    let failure = simulation().for_seeds(0..1, numbered).unwrap_err();
    assert!(failure.to_string().starts_with("seed 0 gave another run the second time"), "{failure}");
}

#[test]
fn only_the_chosen_faults_happen_to_the_chosen_servers() {
    let simulation = simulation().servers(2).faults(Faults::NONE);
    let simulation = simulation.invariant("there are no more than two servers", |sums| {
        if sums.len() <= 2 { Ok(()) } else { Err(format!("there are {}", sums.len())) }
    });
    let coverage = simulation.for_seeds(0..20, draw).unwrap();
    assert!(coverage.faults.is_empty() && coverage.leaders > 0, "{coverage:?}");
}

#[test]
fn what_a_test_does_is_made_short_too() {
    let simulation = simulation().servers(5).invariant("no sum is 7", |sums| {
        if sums.iter().all(|(_, Whole(sum))| sum.sum != 7) { Ok(()) } else { Err("one is".to_owned()) }
    });
    let mut cluster = simulation.start(1);
    let mut test = || -> Result<(), Failure> {
        let leader = cluster.run_until_led()?;
        cluster.perform(Action::Pause(leader))?;
        cluster.run_until(|cluster| cluster.leader() != Some(leader))?;
        cluster.perform(Action::Resume(leader))?;
        assert_eq!(cluster.write([5])?, 5);
        cluster.perform(Action::Crash(leader, Unsynced::Torn))?;
        cluster.write([2]).map(drop)
    };
    let (promise, _, steps, story) = found(test().unwrap_err());
    assert_eq!(promise, "no sum is 7");
    let is_needed = |fault: &str| story.contains(&format!("▸ {fault}"));
    assert!(steps <= 20 && !["pause", "resume", "crash"].into_iter().any(is_needed), "{steps}: {story}");
}

#[test]
fn servers_come_and_go_and_disks_are_lost() -> Result<(), Failure> {
    let [n1, n2, n4] = [1, 2, 4].map(NodeId);
    let mut cluster = simulation().servers(3).spares(1).start(3);
    assert_eq!(cluster.write([1])?, 1);
    let add = Change { add: [(n4, String::new())].into(), ..Change::default() };
    cluster.perform(Action::ChangeMembers(add, None))?;
    cluster.run_until(|cluster| cluster.machine(n4).is_some_and(|Whole(sum)| sum.sum == 1))?;
    cluster.run(Duration::from_millis(50))?;
    let replace = Change { promote: [n4].into(), remove: [n2].into(), ..Change::default() };
    cluster.perform(Action::ChangeMembers(replace, None))?;
    cluster.run_until(|cluster| !cluster.view().membership().contains(n2))?;
    cluster.perform(Action::Kill(n1))?;
    cluster.perform(Action::LoseDisk(n1, false))?;
    assert_eq!(cluster.write([2])?, 3);
    assert_eq!(cluster.read(|Whole(sum)| sum.sum)?, 3);
    assert_eq!(cluster.machine(n1).map(|Whole(sum)| sum.sum), None);
    Ok(())
}

#[test]
fn what_can_not_be_done_is_refused_and_what_never_comes_is_not_waited_for() {
    let mut cluster = simulation().start(1);
    let refused = cluster.perform(Action::Restart(NodeId(1))).unwrap_err();
    assert_eq!(refused.to_string(), "n1 is alive: crash it first");
    for action in [Action::Propose(None, 9), Action::Crash(NodeId(9), Unsynced::Lost)] {
        assert!(matches!(cluster.perform(action), Err(Failure::Refused(_))));
    }
    cluster.run_until_led().unwrap();
    for id in 1..=3 {
        cluster.perform(Action::Kill(NodeId(id))).unwrap();
    }
    let in_vain = cluster.run_until(|cluster| cluster.now().as_secs() > 99).unwrap_err().to_string();
    assert!(in_vain.starts_with("what the test waits for does not happen"), "{in_vain}");
    assert!(in_vain.contains("▸ kill n3"), "{in_vain}");
}

#[test]
fn a_cluster_runs_in_the_world_that_a_test_wants() -> Result<(), Failure> {
    let options = WorldOptions { servers: 1, ..WorldOptions::default() };
    let mut cluster = simulation().start_in(options);
    assert_eq!(cluster.run_until_led()?, NodeId(1));
    let proposal = cluster.propose(NodeId(1), [4])?;
    assert!(cluster.outcome(proposal).is_some());
    assert!(cluster.story().contains("▸ propose to n1: 1 byte"), "{}", cluster.story());
    Ok(())
}
