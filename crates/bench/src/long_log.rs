//! What the benches of a long log have in common.

use crate::load::{Filling, Raft};
use crate::report::ReportArguments;
use crate::servers::ServerArguments;
use crate::{failed, machine_described};
use clap::Args;
use command::Failure;
use std::path::Path;

/// A log, and who writes it.
#[derive(Debug, Args)]
pub(crate) struct LongLog {
    /// The number of entries in the log
    #[arg(long, value_name = "N", default_value = "1000000", value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    entries: u64,

    /// The number of different keys that they write [default: one per entry]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    keys: Option<u64>,

    /// The size of a value, in bytes
    #[arg(long, value_name = "BYTES", default_value = "256", value_parser = clap::value_parser!(u32).range(..=1_048_576))]
    value_size: u32,

    /// The number of clients that write them
    #[arg(long, value_name = "N", default_value = "256", value_parser = clap::value_parser!(u16).range(1..=1000))]
    writers: u16,

    #[command(flatten)]
    pub(crate) servers: ServerArguments,

    #[command(flatten)]
    pub(crate) report: ReportArguments,
}

impl LongLog {
    /// In bytes.
    pub(crate) fn value_size(&self) -> usize {
        self.value_size as usize
    }

    fn keys(&self) -> u64 {
        self.keys.unwrap_or(self.entries)
    }

    /// The key that is written last.
    pub(crate) fn last_key(&self) -> String {
        crate::load::key((self.entries - 1) % self.keys())
    }

    /// Makes clients of these servers write all entries.
    pub(crate) fn write_to(&self, servers: &Raft) -> Result<(), Failure> {
        let filling = Filling {
            servers,
            clients: self.writers,
            entries: self.entries,
            keys: self.keys(),
            value_size: self.value_size(),
        };
        let took = filling.run().map_err(|error| failed(format_args!("the writers failed: {error}")))?;
        let each = self.entries as f64 / took.as_secs_f64();
        eprintln!("{} entries written in {:.1} s, {each:.0} per second", self.entries, took.as_secs_f64());
        Ok(())
    }

    /// The setting and the machine.
    pub(crate) fn described(&self, folder: &Path) -> Result<String, Failure> {
        let (entries, size, keys) = (self.entries, self.value_size, self.keys());
        Ok(format!(
            "{entries} entries that put {size} bytes each, in {keys} keys\n{}\n{}",
            self.servers,
            machine_described(folder)?
        ))
    }
}

pub(crate) fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
