//! Temporary.
use consensus::Rule;
use simulator::*;
use std::time::Instant;
fn main() {
    let arg = std::env::args().nth(1).unwrap_or_default();
    if std::env::var("QUIET").is_ok() {
        std::panic::set_hook(Box::new(|_| {}));
    }
    if arg == "off" {
        let only = std::env::args().nth(2);
        for &rule in Rule::ALL {
            if only.as_deref().is_some_and(|o| o != rule.id()) {
                continue;
            }
            let t = Instant::now();
            let options = SearchOptions { without: Some(rule), ..Default::default() };
            let mut found = None;
            for seed in 0..20000 {
                let script = draw(seed, &options);
                if let Some(v) = script.play().violation {
                    found = Some((seed, script, v));
                    break;
                }
            }
            match found {
                None => println!("{rule:30} NOT FOUND {:?}", t.elapsed()),
                Some((seed, script, v)) => {
                    let t2 = t.elapsed();
                    println!("{rule:30} seed {seed:5} {v} {t2:.1?}");
                    if only.is_some() {
                        let s = shrink(&script, v.promise);
                        println!("{}", s.to_scenario("x"));
                    }
                }
            }
        }
        return;
    }
    let (a, b): (u64, u64) =
        (arg.parse().unwrap_or(0), std::env::args().nth(2).and_then(|a| a.parse().ok()).unwrap_or(1000));
    let t = Instant::now();
    let mut coverage = Coverage::default();
    for seed in a..b {
        let script = draw(seed, &SearchOptions::default());
        let ending = script.play();
        coverage.add(&ending.coverage);
        if let Some(v) = ending.violation {
            println!("seed {seed}: {v}");
            let s = shrink(&script, v.promise);
            println!("{}", s.to_scenario("x"));
            break;
        }
    }
    println!("{coverage:#?} {:?}", t.elapsed());
}
