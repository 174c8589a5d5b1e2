//! Histories that are not linearizable: what a person sees of each kind.

use crate::notation::history;
use linearizability::{BadHistory, Kind, Verdict, check};

fn bad(text: &str) -> BadHistory {
    match check(&history(text)) {
        Verdict::Violation(bad) => bad,
        verdict => panic!("{text}\n{verdict}"),
    }
}

pub fn assert_seen(text: &str, kind: Kind, expected: &str) {
    let bad = bad(text);
    let seen = format!("\n{bad}\n");
    assert!(seen == expected, "{text}\n{seen}");
    assert_eq!(bad.kind(), kind);
}

#[test]
fn a_value_that_nobody_wrote() {
    assert_seen(
        "1  0..10 put 1
         2 20..30 get => 7",
        Kind::NeverWritten,
        r#"
key x             (time goes to the right; an operation takes effect somewhere on its bar)

client 2   ├─ get → 7 ─┤  ✗

Client 2 read 7, but nobody ever wrote 7.
"#,
    );
}

#[test]
fn a_value_before_anybody_asked_to_write_it() {
    assert_seen(
        "1  0..10 get => 7
         2 20..30 put 7",
        Kind::TooEarly,
        r#"
key x             (time goes to the right; an operation takes effect somewhere on its bar)

client 1   ├─ get → 7 ─┤  ✗
client 2                 ├─ put 7 ─┤

Client 1 read 7 before anybody had asked to write 7.
"#,
    );
}

#[test]
fn a_lost_write() {
    assert_seen(
        "1  0..10 put 1
         2 20..30 get => nothing",
        Kind::LostWrite,
        r#"
key x             (time goes to the right; an operation takes effect somewhere on its bar)

client 1   ├─ put 1 ─┤
client 2               ├─ get → nothing ─┤  ✗

Client 2 found nothing, but put 1 had ended before the read began, and nobody deleted x: the write is lost.
"#,
    );
}

#[test]
fn a_stale_read() {
    assert_seen(
        "1  0..10 put 1
         2 20..30 put 2
         3 40..50 get => 1
         3 60..70 get => 2",
        Kind::Stale,
        r#"
key x             (time goes to the right; an operation takes effect somewhere on its bar)

client 1   ├─ put 1 ─┤
client 2               ├─ put 2 ─┤
client 3                           ├─ get → 1 ─┤  ✗

Client 3 read 1, but put 2 had ended before the read began, and nothing wrote 1 after it.
"#,
    );
}

#[test]
fn a_stale_read_after_a_delete() {
    assert_seen(
        "1  0..10 put 1
         2 20..30 delete
         3 40..50 cas 1 2",
        Kind::Stale,
        r#"
key x             (time goes to the right; an operation takes effect somewhere on its bar)

client 1   ├─ put 1 ─┤
client 2               ├─ delete ─┤
client 3                            ├─ cas 1 → 2: done ─┤  ✗

Client 3 swapped 1 for 2, but client 2's delete had ended before that began, and nothing wrote 1 after it.
"#,
    );
}

#[test]
fn a_stale_read_though_the_write_was_concurrent() {
    assert_seen(
        "1  0..10 put 1
         2  5..30 put 2
         3 20..25 get => 2
         4 40..50 get => 1",
        Kind::Stale,
        r#"
key x             (time goes to the right; an operation takes effect somewhere on its bar)

client 1   ├─ put 1 ─┤
client 2     ├──────── put 2 ────────┤
client 3               ├─ get → 2 ─┤
client 4                               ├─ get → 1 ─┤  ✗

Client 4 read 1, but put 2 had ended before the read began, and nothing wrote 1 after it: put 1 had ended before client 3's read of 2 began.
"#,
    );
}

#[test]
fn a_stale_read_after_a_swap() {
    assert_seen(
        "1  0..10 put 1
         2 20..30 cas 1 2
         3 40..50 get => 1",
        Kind::Stale,
        r#"
key x             (time goes to the right; an operation takes effect somewhere on its bar)

client 1   ├─ put 1 ─┤
client 2               ├─ cas 1 → 2: done ─┤
client 3                                     ├─ get → 1 ─┤  ✗

Client 3 read 1, but client 2's compare-and-swap had ended before the read began, and nothing wrote 1 after it.
"#,
    );
}

#[test]
fn two_reads_that_go_back_in_time() {
    assert_seen(
        "1  0..10 put 1
         2 20..90 put 2
         3 30..40 get => 2
         4 50..60 get => 1",
        Kind::BackInTime,
        r#"
key x             (time goes to the right; an operation takes effect somewhere on its bar)

client 1   ├─ put 1 ─┤
client 2               ├─────────── put 2 ───────────┤
client 3                 ├─ get → 2 ─┤
client 4                               ├─ get → 1 ─┤  ✗

Client 3 read 2, and after that client 4 read 1, which is older: put 1 had ended before client 3's read of 2 began.
"#,
    );
}

#[test]
fn an_uncertain_write_that_was_read_once_and_then_was_gone() {
    assert_seen(
        "1 10..   put 1
         2 20..30 get => 1
         2 40..50 get => nothing",
        Kind::BackInTime,
        r#"
key x             (time goes to the right; an operation takes effect somewhere on its bar)

client 1   ├─ put 1 ── ? ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ …
client 2     ├─ get → 1 ─┤ ├─ get → nothing ─┤  ✗

? …    no answer came: it takes effect somewhere from here on, or never

Client 2 read 1, and after that client 2 found nothing, though nobody deleted x.
"#,
    );
}

#[test]
fn a_swap_that_succeeded_twice() {
    assert_seen(
        "1  0..10 put 1
         2 20..30 cas 1 2
         3 20..30 cas 1 3",
        Kind::SwappedTwice,
        r#"
key x             (time goes to the right; an operation takes effect somewhere on its bar)

client 1   ├─ put 1 ─┤
client 2               ├─ cas 1 → 2: done ─┤
client 3                 ├─ cas 1 → 3: done ─┤  ✗

Client 2 swapped 1 for 2 and client 3 swapped 1 for 3, but nobody wrote 1 in between: only one of them can have found 1.
"#,
    );
}

#[test]
fn a_lock_that_two_clients_hold() {
    assert_seen(
        "1 20..30 put me if 0
         2 20..30 put me-too if 0",
        Kind::SwappedTwice,
        r#"
key x             (time goes to the right; an operation takes effect somewhere on its bar)

client 1   ├─ put me if absent: done ─┤
client 2     ├─ put me-too if absent: done ─┤  ✗

Client 1 put me where it found nothing and client 2 put me-too where it found nothing, but nobody deleted x in between: only one of them can have found nothing.
"#,
    );
}

#[test]
fn a_write_that_took_effect_twice() {
    assert_seen(
        "1  0..   put 1
         2 10..20 get => 1
         3 30..40 put 2
         2 50..60 get => 1",
        Kind::TookEffectTwice,
        r#"
key x             (time goes to the right; an operation takes effect somewhere on its bar)

client 1   ├─ put 1 ── ? ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ …
client 2     ├─ get → 1 ─┤             ├─ get → 1 ─┤  ✗
client 3                   ├─ put 2 ─┤

? …    no answer came: it takes effect somewhere from here on, or never

Client 2 read 1, after that client 3 put 2, and after that client 2 found 1 again. It is as if the one write of 1 took effect twice.
"#,
    );
}

#[test]
fn two_readers_who_see_two_writes_in_different_orders() {
    assert_seen(
        "1  0..90 put 1
         2  0..90 put 2
         3 20..30 get => 1
         3 40..50 get => 2
         4 20..30 get => 2
         4 40..50 get => 1",
        Kind::DifferentOrders,
        r#"
key x             (time goes to the right; an operation takes effect somewhere on its bar)

client 1   ├────────────── put 1 ──────────────┤
client 2     ├────────────── put 2 ──────────────┤
client 3       ├─ get → 1 ─┤   ├─ get → 2 ─┤
client 4         ├─ get → 2 ─┤   ├─ get → 1 ─┤  ✗

Client 3 read 1 and after that client 3 read 2, but client 4 read 2 and after that client 4 read 1. Nobody wrote either again in between.
"#,
    );
}

#[test]
fn an_answer_that_no_register_gives() {
    assert_seen(
        "1  0..10 put 1
         2 20..30 cas 1 2 => 1",
        Kind::Nonsense,
        r#"
key x             (time goes to the right; an operation takes effect somewhere on its bar)

client 2   ├─ cas 1 → 2: found 1 ─┤  ✗

No register answers that: cas 1 → 2: found 1.
"#,
    );
}

#[test]
fn a_value_that_only_a_swap_would_have_written_that_can_not_have_happened() {
    assert_seen(
        "1  0..   cas 1 2
         2 20..30 get => 2",
        Kind::NeverWritten,
        r#"
key x             (time goes to the right; an operation takes effect somewhere on its bar)

client 1   ├─ cas 1 → 2 ─ ? …
client 2     ├─ get → 2 ─┤  ✗

? …    no answer came: it takes effect somewhere from here on, or never

Client 2 read 2, but client 1's compare-and-swap can't have written 2: what it expected was never there.
"#,
    );
}

#[test]
fn nothing_is_found_after_a_write_that_came_after_the_delete() {
    assert_seen(
        "1  0..10 put 1
         2  5..20 delete
         3 15..30 get => nothing
         2 25..40 get => 1",
        Kind::Stale,
        r#"
key x             (time goes to the right; an operation takes effect somewhere on its bar)

client 1   ├─ put 1 ─┤
client 2     ├─ delete ──┤ ├─── get → 1 ───┤  ✗
client 3               ├─ get → nothing ─┤

Client 3 found nothing, but put 1 had ended before the read began, and nobody deleted x after it: client 2's delete had ended before client 2's read of 1 began.
"#,
    );
}

#[test]
fn something_else() {
    assert_seen(
        "1  0..10 put 1
         2 20..30 cas 1 2 => differs",
        Kind::Other,
        r#"
key x             (time goes to the right; an operation takes effect somewhere on its bar)

client 1   ├─ put 1 ─┤
client 2               ├─ cas 1 → 2: differs ─┤  ✗

No order of these 2 operations explains all their answers. Those before client 2's compare-and-swap can be explained, but not its own.
"#,
    );
}

#[test]
fn a_chain_of_swaps_is_cut() {
    assert_seen(
        "1  0..10 put 1
         2 20..30 cas 1 2
         3 40..50 cas 2 3
         4 60..70 cas 3 4
         5 80..90 get => 3",
        Kind::Stale,
        r#"
key x             (time goes to the right; an operation takes effect somewhere on its bar)

client 3   ├─ cas … → 3: done ─┤
client 4                         ├─ cas 3 → 4: done ─┤
client 5                                               ├─ get → 3 ─┤  ✗

cas …  what it found, and who had written that, makes no difference here

Client 5 read 3, but client 4's compare-and-swap had ended before the read began, and nothing wrote 3 after it.
"#,
    );
}

#[test]
fn values_that_are_long_or_strange() {
    assert_seen(
        "1  0..10 put client-1-write-1
         2 20..30 put ü
         3 40..50 get => client-1-write-1",
        Kind::Stale,
        r#"
key x             (time goes to the right; an operation takes effect somewhere on its bar)

client 1   ├─ put clien…rite-1 ─┤
client 2                          ├─ put \u{fc} ─┤
client 3                                           ├─ get → clien…rite-1 ─┤  ✗

Client 3 read clien…rite-1, but put \u{fc} had ended before the read began, and nothing wrote clien…rite-1 after it.
"#,
    );
}

#[test]
fn where_there_is_little_room_the_bars_are_short() {
    let bad = bad("1 0..10 put 1\n 2 20..30 put 2\n 3 40..50 get => 1");
    let rows = |width| bad.picture(width).lines().skip(2).map(str::to_owned).collect::<Vec<_>>();
    let one_below_the_other = [
        "client 1  put 1     ├──┤",
        "client 2  put 2          ├──┤",
        "client 3  get → 1             ├──┤  ✗",
    ];
    assert_eq!(rows(45), one_below_the_other);
    let closer_together =
        ["client 1  put 1     ├──┤", "client 2  put 2        ├──┤", "client 3  get → 1         ├──┤  ✗"];
    assert_eq!(rows(35), closer_together);
}
