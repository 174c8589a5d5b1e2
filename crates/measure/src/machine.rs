//! What the machine is, and how long its disk and its loopback take.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Barrier;
use std::time::{Duration, Instant};

/// So often it is measured.
const SAMPLES: usize = 300;

/// A cluster's servers, in what is measured of the machine as of three.
const SERVERS: usize = 3;

/// What the machine takes for what no durable write can do without. All are medians, of 256 bytes each time.
#[derive(Debug, Clone, Copy)]
pub struct Floor {
    /// Writing into a file that is long enough, and syncing that.
    sync: Duration,
    /// The same where three do it at the same time.
    sync_of_three: Duration,
    /// To another thread and back, over TCP on this machine.
    round_trip: Duration,
    /// To two other threads, and back from both.
    broadcast: Duration,
}

impl Floor {
    /// Measures it, with files in this folder.
    ///
    /// # Errors
    /// If the system refuses a file, or a connection.
    pub fn measure(folder: &Path) -> io::Result<Floor> {
        Ok(Floor {
            sync: sync_latency(folder, 1)?,
            sync_of_three: sync_latency(folder, SERVERS)?,
            round_trip: round_trip(1)?,
            broadcast: round_trip(SERVERS - 1)?,
        })
    }

    /// In a line.
    pub fn words(&self) -> String {
        let [sync, three, round_trip, broadcast] =
            [self.sync, self.sync_of_three, self.round_trip, self.broadcast].map(|it| it.as_micros());
        format!(
            "its own medians, for 256 bytes: write and fdatasync {sync} µs, where three do it at once {three} µs; over the loopback \
             there and back {round_trip} µs, to two and back from both {broadcast} µs\n"
        )
    }
}

/// How long a write and its sync take where so many do that at a time, each in a file of its own.
fn sync_latency(folder: &Path, at_once: usize) -> io::Result<Duration> {
    let paths: Vec<_> = (0..at_once).map(|number| folder.join(format!("sync-latency-{number}"))).collect();
    let files = paths.iter().map(|path| zeroes(path)).collect::<io::Result<Vec<File>>>()?;
    let together = Barrier::new(at_once);
    let sync_again_and_again = |mut file: File| -> Vec<io::Result<Duration>> {
        let sync_together = |sample| {
            together.wait();
            sync_once(&mut file, sample)
        };
        // After a failure too: the others wait for it.
        (0..SAMPLES).map(sync_together).collect()
    };
    let samples: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            files.into_iter().map(|file| scope.spawn(|| sync_again_and_again(file))).collect();
        threads.into_iter().flat_map(|it| it.join().expect("nothing here panics")).collect()
    });
    paths.iter().try_for_each(fs::remove_file)?;
    Ok(median(samples.into_iter().collect::<io::Result<_>>()?))
}

fn sync_once(file: &mut File, sample: usize) -> io::Result<Duration> {
    file.seek(SeekFrom::Start(256 * sample as u64))?;
    let begin = Instant::now();
    file.write_all(&[1; 256])?;
    file.sync_data()?;
    Ok(begin.elapsed())
}

/// A file that is long enough for all samples.
fn zeroes(path: &Path) -> io::Result<File> {
    let mut file = File::create(path)?;
    file.write_all(&vec![0; 256 * SAMPLES])?;
    file.sync_all()?;
    OpenOptions::new().write(true).open(path)
}

/// How long it takes to so many other threads, and back from all.
fn round_trip(to: usize) -> io::Result<Duration> {
    let mut connections = (0..to).map(|_| echo()).collect::<io::Result<Vec<_>>>()?;
    let mut samples = Vec::with_capacity(SAMPLES);
    for _ in 0..SAMPLES {
        let (begin, mut bytes) = (Instant::now(), [1; 256]);
        connections.iter_mut().try_for_each(|it| it.write_all(&bytes))?;
        connections.iter_mut().try_for_each(|it| it.read_exact(&mut bytes))?;
        samples.push(begin.elapsed());
    }
    Ok(median(samples))
}

/// A connection to a thread that says again whatever it is told, until the connection ends.
fn echo() -> io::Result<TcpStream> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let here = TcpStream::connect(listener.local_addr()?)?;
    let (mut there, _) = listener.accept()?;
    here.set_nodelay(true)?;
    there.set_nodelay(true)?;
    std::thread::spawn(move || {
        let mut bytes = [0; 256];
        while there.read_exact(&mut bytes).and_then(|()| there.write_all(&bytes)).is_ok() {}
    });
    Ok(here)
}

fn median(mut samples: Vec<Duration>) -> Duration {
    samples.sort();
    samples[samples.len() / 2]
}

/// The machine in one line, as far as the system tells.
pub fn named() -> String {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let model = model.map_or("unknown CPU", |(_, model)| model.trim());
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("machine: {cpus} × {model}, {} {}", std::env::consts::OS, kernel.trim())
}
