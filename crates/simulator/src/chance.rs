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

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected values are those of fastrand's own functions on 64 bits.
    #[test]
    fn the_same_is_drawn_on_every_machine() {
        let mut random = Rng::with_seed(7);
        let places: Vec<usize> = (1..=8).map(|length| random.place_in(length)).collect();
        let mut mixed = [1, 2, 3, 4, 5, 6, 7, 8];
        random.mix(&mut mixed);
        let chosen = random.one_of(&["a", "b", "c", "d", "e"]);
        assert_eq!((places, mixed, chosen), (vec![0, 0, 2, 1, 0, 0, 5, 0], [5, 3, 4, 8, 2, 7, 6, 1], "c"));
    }

    /// No draw is as wide as the machine's words: neither here nor in the crates that this one drives.
    #[test]
    fn nothing_draws_as_many_bits_as_the_machine_has() {
        let crates = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let sources = ["consensus", "driver", "kv", "linearizability", "simulator", "storage", "trace"];
        let mut folders: Vec<_> = sources.map(|name| crates.join(name).join("src")).into();
        let mut looked_at = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                // In two parts, so that they are not found here.
                for draw in ["usize(", "isize(", "choice(", "shuffle(", "choose_multiple("] {
                    let call = [".", draw].concat();
                    assert!(!text.contains(&call), "{} draws with {call}", path.display());
                }
                looked_at += 1;
            }
        }
        assert!(looked_at > 100, "{looked_at}");
    }
}
