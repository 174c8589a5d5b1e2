use simulator::linearizability::*;
/// `client request called returned answer`
pub fn parse(text: &str) -> History {
    let mut h = History::default();
    for line in text.lines().map(str::trim).filter(|l| !l.is_empty()) {
        let w: Vec<&str> = line.split_whitespace().collect();
        let v = |s: &str| if s == "nothing" { None } else { Some(s.to_owned()) };
        let client = w[0].parse().unwrap();
        let start: u64 = w[1].parse().unwrap();
        let end: Option<u64> = w[2].parse().ok();
        let (req, ans) = match w[3] {
            "get" => (Request::Read, Answer::Found(v(w.get(4).unwrap_or(&"nothing")))),
            "put" => (Request::Write(w[4].into()), Answer::Done),
            "delete" => (Request::Delete, Answer::Done),
            "cas" => (
                Request::CompareAndSwap { expected: v(w[4]), new: w[5].into() },
                match w.get(6) {
                    None | Some(&"done") => Answer::Done,
                    Some(&"differs") => Answer::Differs,
                    Some(f) => Answer::Found(v(f)),
                },
            ),
            _ => panic!(),
        };
        let p = h.call(client, "x", req, start);
        match end {
            Some(e) => h.returned(p, ans, e),
            None => h.uncertain(p),
        }
    }
    h
}
#[test]
fn pictures() {
    for text in [
        "1 0 10 put 1\n2 20 30 put 2\n3 40 50 get 1",
        "1 0 10 put 1\n3 40 50 get",
        "1 0 10 put 1\n 2 15 ? put 2\n3 40 50 get 2\n3 60 70 get 1",
        "1 0 10 put 1\n 2 15 ? put 2\n3 40 50 get 2\n4 60 70 get 1\n5 60 100 get 1",
        "1 0 10 get 7",
        "1 0 10 get 7\n2 20 30 put 7",
        "1 0 10 put 1\n1 20 30 cas 1 2\n2 20 40 cas 1 3",
        "1 20 30 cas nothing 2\n2 20 40 cas nothing 3",
        "1 0 ? put 1\n2 0 ? put 2\n3 10 20 get 1\n4 30 40 get 2\n3 50 60 get 1",
        "1 0 10 cas 1 2 1",
        "1 0 10 put 1\n2 20 30 delete\n3 40 50 get 1",
        "1 0 10 put 1\n2 20 30 cas 1 2\n3 40 50 get 1",
        "1 0 10 put 1\n2 0 40 put 2\n3 20 30 get 2\n3 40 50 get 1\n4 41 55 get 2",
        "1 0 100 put 1\n2 0 100 put 2\n3 10 20 get 1\n3 30 40 get 2\n4 10 20 get 2\n4 30 40 get 1",
        "1 0 10 put client-one-1\n2 20 30 put client-one-2\n3 40 50 get client-one-1\n",
        "1 0 10 put 1\n2 20 30 put 1\n3 40 50 get 2\n4 15 60 put 2\n1 70 75 get 2\n1 80 85 get 2\n2 90 99 get 1",
        "1 0 10 put 1\n2 20 30 put 2\n2 40 50 put 3\n2 60 70 cas 3 1\n3 80 90 get 2",
        "1 0 10 put 1\n2 20 30 put 2\n2 40 50 put 1\n3 80 90 cas 1 5 differs",
        "1 0 10 put 1\n2 11 12 put 1\n2 20 30 put 2\n3 80 90 get 1",
        "1 0 10 put 1\n2 20 30 cas 1 2\n3 31 32 cas 2 3\n4 33 34 cas 3 4\n5 35 36 cas 4 5\n6 37 38 cas 5 6\n7 39 40 cas 6 7\n8 41 42 cas 7 8\n1 80 90 get 7",
    ] {
        match check(&parse(text)) {
            Verdict::Violation(b) => println!("{:?}\n{b}\n", b.kind()),
            v => println!("{text}\n{v}\n"),
        }
    }
}
#[test]
fn shrinks() {
    use crate::draw;
    for (name, writes, deletes, swaps, values, uncertain) in [
        ("rw", 50, 0, 0, None, 0.01),
        ("rwcd", 30, 10, 20, None, 0.01),
        ("c", 0, 0, 80, None, 0.01),
        ("rw5", 50, 0, 0, Some(5), 0.01),
        ("rwc5 u0", 30, 10, 20, Some(5), 0.0),
        ("rwcd u.03", 30, 10, 30, None, 0.03),
    ] {
        for ops in [100, 1000, 10000] {
            let mut random = fastrand::Rng::with_seed(7);
            let mix = draw::Mix { clients: 16, operations: ops, writes, deletes, swaps, uncertain, values };
            let h = draw::linearizable(&mix, &mut random);
            let mut text = Vec::new();
            h.write(&mut text).unwrap();
            for kind in 0..3 {
                let mut lines: Vec<Operation> = h.operations().to_vec();
                // mutate a late read
                let places: Vec<usize> = lines
                    .iter()
                    .enumerate()
                    .filter(|(_, o)| {
                        o.request == Request::Read && matches!(o.outcome, Outcome::Returned { .. })
                    })
                    .map(|(i, _)| i)
                    .collect();
                let r = places[places.len() * 9 / 10];
                let early = lines[r / (kind * 5 + 2)].clone();
                let value = lines[..r / (kind * 5 + 2) + 1].iter().rev().find_map(|o| match &o.request {
                    Request::Write(v) => Some(v.clone()),
                    Request::CompareAndSwap { new, .. }
                        if matches!(o.outcome, Outcome::Returned { answer: Answer::Done, .. }) =>
                    {
                        Some(new.clone())
                    }
                    _ => None,
                });
                let _ = early;
                if let Outcome::Returned { answer, .. } = &mut lines[r].outcome {
                    *answer = Answer::Found(value);
                }
                let json: String = lines.iter().map(|o| serde_json::to_string(o).unwrap() + "\n").collect();
                let h = History::read(json.as_bytes(), "f").unwrap();
                let t = std::time::Instant::now();
                let v = check(&h);
                match v {
                    Verdict::Violation(b) => println!(
                        "{name} {ops} {:?} {:?} {} ops\n{b}",
                        t.elapsed(),
                        b.kind(),
                        b.operations().len()
                    ),
                    v => println!("{name} {ops} {:?} {v}", t.elapsed()),
                }
            }
        }
    }
}
#[test]
fn dbg887() {
    use crate::draw;
    let mut random = fastrand::Rng::with_seed(7);
    let mix = draw::Mix {
        clients: 16,
        operations: 1000,
        writes: 0,
        deletes: 0,
        swaps: 80,
        uncertain: 0.01,
        values: None,
    };
    let h = draw::linearizable(&mix, &mut random);
    println!("{}", check(&h));
    for o in h.operations() {
        let s = serde_json::to_string(o).unwrap();
        if s.contains("\"887\"") {
            println!("{s}");
        }
    }
}
