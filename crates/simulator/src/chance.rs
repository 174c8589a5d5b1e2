//! Draws that are the same on every machine. What `fastrand` draws as a `usize`, and so its `choice` and `shuffle` too, is as
//! wide as the machine's words: one seed would be one run on 64 bits and another on 32, in a browser for example.

use fastrand::Rng;

/// Places in lists, drawn with 64 bits on all machines.
pub(crate) trait Chance {
    /// A place in a list of this length, which is not empty.
    fn place_in(&mut self, length: usize) -> usize;

    /// One of these, of which there is at least one.
    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.place_in(all.len())]
    }

    /// Puts these into a random order.
    fn mix<T>(&mut self, all: &mut [T]) {
        for place in 1..all.len() {
            all.swap(place, self.place_in(place + 1));
        }
    }
}

impl Chance for Rng {
    fn place_in(&mut self, length: usize) -> usize {
        self.u64(..length as u64) as usize
    }
}

/// Random numbers from which a test draws its commands: the same on every machine.
///
/// ```
/// use raft_for_beginners_simulator::{Faults, Simulation};
/// # use raft_for_beginners_simulator::driver::Whole;
/// # #[derive(Default)]
/// # struct Counter(u64);
/// # impl raft_for_beginners_simulator::driver::SmallState for Counter {
/// #     type Answer = u64;
/// #     fn apply(&mut self, _at: raft_for_beginners_simulator::consensus::Index, command: &[u8]) -> u64 {
/// #         self.0 += u64::from(command[0]);
/// #         self.0
/// #     }
/// #     fn save(&self) -> Vec<u8> {
/// #         self.0.to_le_bytes().to_vec()
/// #     }
/// #     fn load(bytes: &[u8]) -> Option<Counter> {
/// #         Some(Counter(u64::from_le_bytes(bytes.try_into().ok()?)))
/// #     }
/// # }
/// let add_up_to_nine = |random: &mut raft_for_beginners_simulator::Random| vec![random.below(10) as u8];
/// Simulation::<Whole<Counter>>::new().for_seeds(0..3, add_up_to_nine)?;
/// # Ok::<(), raft_for_beginners_simulator::Failure>(())
/// ```
#[derive(Debug, Clone)]
pub struct Random(Rng);

impl Random {
    /// Those that this number of this seed stands for.
    pub(crate) fn of(seed: u64, number: u64) -> Random {
        Random(Rng::with_seed(seed.rotate_left(32) ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }

    /// A number below `end`, each as likely as the others; 0 if `end` is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0.u64(..end.max(1))
    }

    /// One of these.
    ///
    /// # Panics
    /// If there are none.
    pub fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        Chance::one_of(&mut self.0, all)
    }
}
