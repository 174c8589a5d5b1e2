//! What the laboratory does to the messages of each peer on their way to this server.

use consensus::NodeId;
use std::collections::BTreeMap;
use std::time::Duration;
use trace::Faults;

/// The links from the peers. Until somebody changes it, each of them is whole.
#[derive(Debug)]
pub(crate) struct Links {
    /// Those with a fault.
    faulty: BTreeMap<NodeId, Faults>,
    chance: fastrand::Rng,
}

impl Links {
    /// Links that lose what `seed` says they lose.
    pub(crate) fn new(faulty: BTreeMap<NodeId, Faults>, seed: u64) -> Links {
        Links { faulty, chance: fastrand::Rng::with_seed(seed) }
    }

    /// From now on this is done to what the peer sends.
    pub(crate) fn set(&mut self, from: NodeId, faults: Faults) {
        self.faulty.insert(from, faults);
    }

    /// How long a message of this peer is held; none if it is lost.
    pub(crate) fn carry(&mut self, from: NodeId) -> Option<Duration> {
        let Some(faults) = self.faulty.get(&from) else { return Some(Duration::ZERO) };
        let is_lost = faults.cut || self.chance.u8(0..100) < faults.loss_percent;
        (!is_lost).then(|| Duration::from_micros(faults.delay_us))
    }

    /// Does nothing from this peer come through?
    pub(crate) fn is_cut(&self, from: NodeId) -> bool {
        self.faulty.get(&from).is_some_and(|faults| faults.cut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: NodeId = NodeId(2);

    fn carried(faults: Faults, seed: u64) -> Vec<bool> {
        let mut links = Links::new(BTreeMap::from([(PEER, faults)]), seed);
        (0..1000).map(|_| links.carry(PEER).is_some()).collect()
    }

    #[test]
    fn a_whole_link_carries_all_at_once() {
        let mut links = Links::new(BTreeMap::new(), 1);
        assert_eq!(links.carry(PEER), Some(Duration::ZERO));
        links.set(PEER, Faults { delay_us: 1500, ..Faults::default() });
        assert_eq!(links.carry(PEER), Some(Duration::from_micros(1500)));
        assert_eq!(links.carry(NodeId(3)), Some(Duration::ZERO));
    }

    #[test]
    fn a_cut_link_carries_nothing() {
        assert!(!carried(Faults { cut: true, ..Faults::default() }, 1).contains(&true));
        assert!(!carried(Faults { loss_percent: 100, ..Faults::default() }, 1).contains(&true));
    }

    #[test]
    fn a_lossy_link_loses_its_share_and_the_same_seed_the_same_messages() {
        let lossy = Faults { loss_percent: 20, ..Faults::default() };
        let lost = carried(lossy, 7).iter().filter(|&&is_carried| !is_carried).count();
        assert!((150..250).contains(&lost), "{lost} of 1000");
        assert_eq!(carried(lossy, 7), carried(lossy, 7));
        assert_ne!(carried(lossy, 7), carried(lossy, 8));
    }
}
