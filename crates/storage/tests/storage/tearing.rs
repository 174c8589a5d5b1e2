//! What happens in a crash to what was not synced.

use fastrand::Rng;

/// What happens to names and contents that were not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tearing {
    /// Everything is as it was at the last sync.
    Undone,
    /// The names are new, the content is old.
    ContentUndone,
    /// The content is new, the names are old.
    NamesUndone,
    /// Everything had reached the disk.
    Kept,
    /// The names are new, and the files have their new lengths, with zeroes where new data belongs.
    Zeroed,
    /// The names are new; of the content, the sectors in front are.
    FrontKept,
    /// The names are new; of the content, the sectors at the back are.
    BackKept,
    /// Any name, and any sector, is old or new, or for a sector, zero.
    Drawn(u64),
}

impl Tearing {
    /// All kinds, and this number of drawn ones.
    pub fn all(drawn: u64) -> impl Iterator<Item = Tearing> + Clone {
        use Tearing::{BackKept, ContentUndone, Drawn, FrontKept, Kept, NamesUndone, Undone, Zeroed};
        let named = [Undone, ContentUndone, NamesUndone, Kept, Zeroed, FrontKept, BackKept];
        named.into_iter().chain((0..drawn).map(Drawn))
    }

    pub fn chance(self) -> Chance {
        let seed = if let Tearing::Drawn(seed) = self { seed } else { 0 };
        Chance { tearing: self, rng: Rng::with_seed(seed) }
    }
}

/// Makes one decision after the other.
pub struct Chance {
    tearing: Tearing,
    rng: Rng,
}

/// What happens to a sector that was written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sector {
    /// It is as it was after this number of the writes to it.
    AfterWrites(usize),
    /// What was written is zero.
    Zero,
}

impl Chance {
    pub fn keeps_name(&mut self) -> bool {
        match self.tearing {
            Tearing::Undone | Tearing::NamesUndone => false,
            Tearing::Drawn(_) => self.rng.bool(),
            _ => true,
        }
    }

    /// A file was emptied and written again: is it as if that had never happened?
    pub fn keeps_old_file(&mut self) -> bool {
        match self.tearing {
            Tearing::Undone | Tearing::ContentUndone => true,
            Tearing::Drawn(_) => self.rng.bool(),
            _ => false,
        }
    }

    /// The length of a file that has grown.
    pub fn length(&mut self, old: usize, new: usize) -> usize {
        match self.tearing {
            Tearing::Undone | Tearing::ContentUndone => old,
            Tearing::FrontKept => old.midpoint(new),
            Tearing::Drawn(_) => match self.rng.u8(..3) {
                0 => old,
                1 => self.rng.usize(old..=new),
                _ => new,
            },
            _ => new,
        }
    }

    /// The state of this sector, the one with this number `of` all that changed, after this number of writes.
    pub fn sector(&mut self, number: usize, of: usize, writes: usize) -> Sector {
        let keep_if = |kept| Sector::AfterWrites(if kept { writes } else { 0 });
        match self.tearing {
            Tearing::Undone | Tearing::ContentUndone => Sector::AfterWrites(0),
            Tearing::NamesUndone | Tearing::Kept => Sector::AfterWrites(writes),
            Tearing::Zeroed => Sector::Zero,
            Tearing::FrontKept => keep_if(number < of / 2),
            Tearing::BackKept => keep_if(number >= of / 2),
            Tearing::Drawn(_) if self.rng.u8(..4) == 0 => Sector::Zero,
            Tearing::Drawn(_) => Sector::AfterWrites(self.rng.usize(..=writes)),
        }
    }
}
