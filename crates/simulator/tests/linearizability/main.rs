//! The checker of histories.
mod demo;
mod draw;
mod oracle;
use simulator::linearizability::*;

#[test]
fn agrees() {
    let mut random = fastrand::Rng::with_seed(1);
    let (mut good, mut bad) = (0, 0);
    let mut maxw = 0;
    for n in 0..300_000 {
        let h = draw::anything(if n % 2 == 0 { 5 } else { 7 }, &mut random);
        let expect = oracle::is_linearizable(h.operations());
        let (got, w) = rawr(&h, 10_000_000);
        maxw = maxw.max(w);
        assert_eq!(got == "Ok", expect, "{got} {:#?}", h.operations());
        if expect { good += 1 } else { bad += 1 }
    }
    println!("{good} {bad} {maxw}");
}
#[test]
fn accepts() {
    for seed in 0..3000 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mix = draw::Mix {
            clients: random.u64(1..20),
            operations: random.usize(1..300),
            writes: random.u32(0..40),
            deletes: random.u32(0..20),
            swaps: random.u32(0..40),
            uncertain: random.f64() * random.f64() * 0.1,
            values: random.bool().then(|| random.usize(1..6)),
        };
        let h = draw::linearizable(&mix, &mut random);
        let (got, w) = rawr(&h, 10_000_000);
        assert_eq!(got, "Ok", "seed {seed} {w} {:?}", (mix.clients, mix.values));
    }
}
#[test]
fn speed() {
    for (name, writes, deletes, swaps, values, uncertain) in [
        ("rw", 50, 0, 0, None, 0.01),
        ("w", 95, 0, 0, None, 0.01),
        ("rwc", 30, 0, 20, None, 0.01),
        ("rwcd", 30, 10, 20, None, 0.01),
        ("rwcd5", 30, 10, 20, Some(5), 0.01),
        ("rw5", 50, 0, 0, Some(5), 0.01),
        ("c", 0, 0, 80, None, 0.01),
        ("rwc5 u0", 30, 10, 20, Some(5), 0.0),
        ("rw u.05", 40, 0, 10, None, 0.05),
        ("rwd u.05", 40, 10, 10, None, 0.05),
        ("rwcd u.03", 30, 10, 30, None, 0.03),
        ("rwcd3 ", 30, 10, 20, Some(100), 0.03),
        ("rwd2 ", 30, 10, 0, Some(3), 0.05),
    ] {
        for clients in [16, 32] {
            for ops in [1000, 10000] {
                let mut random = fastrand::Rng::with_seed(7);
                let mix = draw::Mix { clients, operations: ops, writes, deletes, swaps, uncertain, values };
                let h = draw::linearizable(&mix, &mut random);
                let t = std::time::Instant::now();
                let (got, w) = rawr(&h, 50_000_000);
                println!(
                    "{name} {clients} {ops} {got} work/op {} {:?} {:.0} ops/s",
                    w / ops as u64,
                    t.elapsed(),
                    ops as f64 / t.elapsed().as_secs_f64()
                );
            }
        }
    }
}
fn rawr(h: &History, b: u64) -> (String, u64) {
    (
        match check_within(h, b) {
            Verdict::Ok => "Ok".into(),
            v => v.to_string(),
        },
        0,
    )
}
