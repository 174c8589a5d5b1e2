//! Asks the engine as the page does, but natively: requests in JSON on standard input, one per line, and their
//! responses on standard output. test/same.mjs compares these with those of the engine in the page.

extern crate raft_for_beginners_engine as engine;

use std::io::{self, BufRead, BufWriter, Write};

fn main() -> io::Result<()> {
    let mut engine = engine::Engine::default();
    let mut out = BufWriter::new(io::stdout().lock());
    for request in io::stdin().lock().lines() {
        writeln!(out, "{}", engine.ask(&request?))?;
    }
    out.flush()
}
