//! The file that counts a server's starts, and remembers the random numbers of the latest.

use crate::text_file::{TextFile, field};
use consensus::EarlierRuns;

/// How many times a server has opened its folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StartNumber {
    pub(crate) count: u64,
    /// The run of the latest start, and those of the starts before; 0 if unknown.
    pub(crate) run: u64,
    pub(crate) earlier_runs: EarlierRuns,
}

impl StartNumber {
    /// The next start, with this run.
    pub(crate) fn and_another(self, run: u64) -> StartNumber {
        let count = self.count.checked_add(1).expect("no server starts 2^64 times");
        let mut earlier_runs = EarlierRuns::default();
        let known = std::iter::once(self.run).chain(self.earlier_runs);
        earlier_runs.iter_mut().zip(known).for_each(|(earlier, run)| *earlier = run);
        StartNumber { count, run, earlier_runs }
    }
}

impl TextFile for StartNumber {
    const FILE: &'static str = "lives";
    const VERSION: u64 = 2;

    fn lines(&self) -> String {
        let runs = std::iter::once(self.run).chain(self.earlier_runs);
        let runs: String = runs.map(|run| format!(" {run:016x}")).collect();
        format!("lives {}\nruns{runs}\n", self.count)
    }

    fn parse(lines: &str) -> Option<StartNumber> {
        let mut lines = lines.lines();
        let count = field(&mut lines, "lives")?.parse().ok()?;
        let runs = field(&mut lines, "runs")?.split(' ').map(|run| u64::from_str_radix(run, 16).ok());
        let runs: Vec<u64> = runs.collect::<Option<_>>()?;
        let (run, earlier_runs) = runs.split_first()?;
        Some(StartNumber { count, run: *run, earlier_runs: earlier_runs.try_into().ok()? })
    }

    fn parse_earlier(_version: u64, lines: &str) -> Option<StartNumber> {
        let count = field(&mut lines.lines(), "lives")?.parse().ok()?;
        Some(StartNumber { count, run: 0, earlier_runs: EarlierRuns::default() })
    }
}
