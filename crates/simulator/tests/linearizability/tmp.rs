use crate::draw::{self, Mix};
use simulator::linearizability::*;
#[test]
fn big() {
    for n in [10_000, 30_000, 100_000] {
    for (name, mix) in [("usual", Mix::USUAL), ("nodel", Mix { deletes: 0, ..Mix::USUAL}), ("rw", Mix { deletes: 0, swaps:0, ..Mix::USUAL}), ("usual u0", Mix { uncertain: 0.0, ..Mix::USUAL}), ("c", Mix { swaps: 60, ..Mix::USUAL}), ("c nodel", Mix { swaps: 60, deletes: 0, ..Mix::USUAL})] {
        let mut random = fastrand::Rng::with_seed(5);
        let h = draw::linearizable(&Mix { operations: n, ..mix}, &mut random);
        let t = std::time::Instant::now();
        println!("{name} {n} {} {:?}", check(&h), t.elapsed());
    }}
}
