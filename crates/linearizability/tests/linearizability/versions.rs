//! Histories with versions.

use crate::bad::assert_seen;
use linearizability::Kind;

#[test]
fn a_stale_read_by_its_version() {
    assert_seen(
        "1  0..10 put a => done v5
         1 20..30 put a => done v6
         2 40..50 get => a v5",
        Kind::Stale,
        r#"
key x             (time goes to the right; an operation takes effect somewhere on its bar)

client 1   ├─ put a (v5) ─┤ ├─ put a (v6) ─┤
client 2                                     ├─ get → a (v5) ─┤  ✗

Client 2 read a (v5), but put a (v6) had ended before the read began, and nothing wrote a (v5) after it.
"#,
    );
}

#[test]
fn two_writes_of_one_version() {
    assert_seen(
        "1  0..10 put a => done v5
         2  0..10 put b => done v5",
        Kind::SameVersion,
        r#"
key x             (time goes to the right; an operation takes effect somewhere on its bar)

client 1   ├─ put a (v5) ─┤
client 2     ├─ put b (v5) ─┤  ✗

Put a (v5) and put b (v5) have the same version.
"#,
    );
}

#[test]
fn versions_that_fall() {
    assert_seen(
        "1  0..10 put a => done v9
         2 20..30 put b => done v8",
        Kind::VersionsFall,
        r#"
key x             (time goes to the right; an operation takes effect somewhere on its bar)

client 1   ├─ put a (v9) ─┤
client 2                    ├─ put b (v8) ─┤  ✗

Put b (v8) comes after put a (v9), but has the lower version, 8.
"#,
    );
}

#[test]
fn a_lost_update() {
    assert_seen(
        "1  0..10 put a => done v5
         2 20..60 put b => done v6
         3 20..60 put c if 5 => done v7",
        Kind::LostUpdate,
        r#"
key x             (time goes to the right; an operation takes effect somewhere on its bar)

client 1   ├─ put a (v5) ─┤
client 2                    ├─ put b (v6) ─┤  ✗
client 3                      ├─ put c if v5: done (v7) ─┤

Client 3 put c in place of version 5 and was given version 7, but put b (v6) lies in between: version 5 was not the latest any more.
"#,
    );
}

#[test]
fn a_version_that_changed_its_value() {
    assert_seen(
        "1  0..10 put a => done v5
         2 20..30 put b => done v6
         3 40..50 get => b v5",
        Kind::NeverWritten,
        r#"
key x             (time goes to the right; an operation takes effect somewhere on its bar)

client 1   ├─ put a (v5) ─┤
client 2                    ├─ put b (v6) ─┤
client 3                                     ├─ get → b (v5) ─┤  ✗

Client 3 read b (v5), but version 5 is that of put a (v5).
"#,
    );
}

#[test]
fn a_version_that_nobody_wrote() {
    assert_seen(
        "1  0..10 put a => done v5
         2 20..30 put b if 5 => differs v7",
        Kind::NeverWritten,
        r#"
key x             (time goes to the right; an operation takes effect somewhere on its bar)

client 1   ├─ put a (v5) ─┤
client 2                    ├─ put b if v5: differs (v7) ─┤  ✗

Client 2 found version 7, but nobody ever wrote that version.
"#,
    );
}

#[test]
fn a_condition_that_was_met_and_refused() {
    assert_seen(
        "1  0..10 put a => done v5
         2 20..30 put b if 5 => differs v5",
        Kind::Nonsense,
        r#"
key x             (time goes to the right; an operation takes effect somewhere on its bar)

client 2   ├─ put b if v5: differs (v5) ─┤  ✗

No register answers that: put b if v5: differs (v5).
"#,
    );
}

#[test]
fn an_uncertain_write_that_was_done_twice() {
    assert_seen(
        "1  0..   put a
         2 10..20 get => a v5
         2 30..40 get => a v7",
        Kind::NeverWritten,
        r#"
key x             (time goes to the right; an operation takes effect somewhere on its bar)

client 1   ├─ put a (found as v5) ─ ? …
client 2     ├─ get → a (v7) ─┤  ✗

? …    no answer came: it takes effect somewhere from here on, or never

Client 2 read a (v7), but put a was found as version 5, and nobody wrote it again.
"#,
    );
}

#[test]
fn a_deleted_version_that_is_still_there() {
    assert_seen(
        "1  0..10 put a => done v5
         2 20..30 delete if 5
         3 40..50 get => a v5",
        Kind::Stale,
        r#"
key x             (time goes to the right; an operation takes effect somewhere on its bar)

client 1   ├─ put a (v5) ─┤
client 2                    ├─ delete if v5: done ─┤
client 3                                             ├─ get → a (v5) ─┤  ✗

Client 3 read a (v5), but client 2's delete had ended before the read began, and nothing wrote a (v5) after it.
"#,
    );
}

#[test]
fn a_lower_version_after_a_delete() {
    assert_seen(
        "1  0..10 put a => done v5
         2 20..30 delete
         3 40..50 put b if 0 => done v4",
        Kind::VersionsFall,
        r#"
key x             (time goes to the right; an operation takes effect somewhere on its bar)

client 1   ├─ put a (v5) ─┤
client 3                    ├─ put b if …: done (v4) ─┤  ✗

if …  what it found, and who had written that, makes no difference here

Put b (v4) comes after put a (v5), but has the lower version, 4.
"#,
    );
}

#[test]
fn readers_that_disagree_on_concurrent_writes() {
    assert_seen(
        "1  0..90 put a => done v5
         2  0..90 put b => done v6
         3 10..20 get => b v6
         3 30..40 get => a v5",
        Kind::BackInTime,
        r#"
key x             (time goes to the right; an operation takes effect somewhere on its bar)

client 1   ├────────────── put a (v5) ───────────────┤
client 2     ├────────────── put b (v6) ───────────────┤
client 3       ├─ get → b (v6) ─┤ ├─ get → a (v5) ─┤  ✗

Client 3 read b (v6), and after that client 3 read a (v5), which is older: version 5 comes before version 6.
"#,
    );
}

#[test]
fn a_write_that_was_refused_but_took_effect() {
    assert_seen(
        "1  0..10 put a => done v5
         2 20..30 put b if 4 => differs v5
         3 40..50 get => b",
        Kind::NeverWritten,
        r#"
key x             (time goes to the right; an operation takes effect somewhere on its bar)

client 3   ├─ get → b ─┤  ✗

Client 3 read b, but nobody ever wrote b.
"#,
    );
}
