//! What the machine is, and how long its disk and its loopback take.

use crate::failure::Failure;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

/// So often it is measured.
const SAMPLES: usize = 300;

/// The median time that it takes to write 256 bytes into a file that is long enough, and to sync them:
/// what a durable write can't do without.
fn sync_latency(folder: &Path) -> io::Result<Duration> {
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
    Ok(median(samples))
}

/// The median time that 256 bytes take to another thread and back, over TCP on this machine.
fn loopback_round_trip() -> io::Result<Duration> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut here = TcpStream::connect(listener.local_addr()?)?;
    let (mut there, _) = listener.accept()?;
    here.set_nodelay(true)?;
    there.set_nodelay(true)?;
    let echo = std::thread::spawn(move || {
        let mut bytes = [0; 256];
        // It ends with the connection.
        while there.read_exact(&mut bytes).and_then(|()| there.write_all(&bytes)).is_ok() {}
    });
    let mut samples = Vec::with_capacity(SAMPLES);
    for _ in 0..SAMPLES {
        let (begin, mut bytes) = (Instant::now(), [1; 256]);
        here.write_all(&bytes)?;
        here.read_exact(&mut bytes)?;
        samples.push(begin.elapsed());
    }
    drop(here);
    echo.join().expect("an echo doesn't panic");
    Ok(median(samples))
}

fn median(mut samples: Vec<Duration>) -> Duration {
    samples.sort();
    samples[samples.len() / 2]
}

/// The machine, and what it takes without any server: in two lines.
pub(super) fn described(folder: &Path) -> Result<String, Failure> {
    let sync = sync_latency(folder).map_err(|error| {
        Failure::of(format_args!("can't measure the disk: {error}"), "choose another folder with --data")
    })?;
    let round_trip = loopback_round_trip().map_err(|error| {
        Failure::of(format_args!("can't measure the loopback: {error}"), "see what is wrong with the network")
    })?;
    let (sync, round_trip) = (sync.as_micros(), round_trip.as_micros());
    Ok(format!(
        "{}\nits own medians: {sync} µs for 256 bytes and fdatasync, {round_trip} µs for a loopback round trip\n",
        named()
    ))
}

/// The machine in one line, as far as the system tells.
pub(super) fn named() -> String {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let model = model.map_or("unknown CPU", |(_, model)| model.trim());
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("machine: {cpus} × {model}, {} {}", std::env::consts::OS, kernel.trim())
}
