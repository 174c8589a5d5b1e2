//! What the machine is, and how long its disk takes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// So often it is measured.
const SAMPLES: usize = 300;

/// The median time that it takes to write 256 bytes into a file that is long enough, and to sync them:
/// what a durable write can't do without.
pub(super) fn sync_latency(folder: &Path) -> io::Result<Duration> {
    let path = folder.join("sync-latency");
    let mut file = File::create(&path)?;
    file.write_all(&vec![0; 256 * SAMPLES])?;
    file.sync_all()?;
    let mut file = OpenOptions::new().write(true).open(&path)?;
    let mut samples = Vec::with_capacity(SAMPLES);
    for sample in 0..SAMPLES {
        file.seek(SeekFrom::Start(256 * sample as u64))?;
        let begin = Instant::now();
        file.write_all(&[1; 256])?;
        file.sync_data()?;
        samples.push(begin.elapsed());
    }
    fs::remove_file(&path)?;
    samples.sort();
    Ok(samples[SAMPLES / 2])
}

/// The machine in one line, as far as the system tells.
pub(super) fn machine() -> String {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let model = model.map_or("unknown CPU", |(_, model)| model.trim());
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{cpus} × {model}, {} {}", std::env::consts::OS, kernel.trim())
}
