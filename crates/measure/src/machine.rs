//! What the machine is, and how fast its disk and its loopback are.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Barrier;
use std::time::{Duration, Instant};

/// Number of measurements.
const SAMPLES: usize = 300;

/// Time without an answer after which a measurement has failed: because of the disk, most likely.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Number of servers in a cluster, in the measurements that are made as for one.
const SERVERS: usize = 3;

/// Number of bytes written and sent each time.
pub const FLOOR_BYTES: usize = 256;

/// The time the machine takes for what every durable write needs. All are medians.
#[derive(Debug, Clone, Copy)]
pub struct Floor {
    /// Writing to a file that is long enough, and syncing it.
    sync: Duration,
    /// The same while three do it at the same time.
    sync_of_three: Duration,
    /// To another thread and back, over TCP on this machine.
    round_trip: Duration,
    /// To two other threads, and back from both.
    broadcast: Duration,
    /// A whole write, reduced to the minimum.
    write: Duration,
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
            write: bare_write(folder)?,
        })
    }

    /// The throughput of a lone client, compared with what these times allow. In two lines.
    pub fn beside(&self, writes_per_second: f64) -> String {
        let parts = self.round_trip + self.broadcast + self.sync_of_three;
        let share = |of: Duration| 100.0 * writes_per_second * of.as_secs_f64();
        format!(
            "the writes of a single client: {:.0}% of what bare writes would be, one in {} µs (client, leader and followers as threads \
             of one process that only pass on {FLOOR_BYTES} bytes and sync them)\n\
             {:.0}% of what the parts alone allow, one in {} µs: a round trip over the loopback, one to two servers at once, and three \
             syncs at once\n",
            share(self.write),
            self.write.as_micros(),
            share(parts),
            parts.as_micros()
        )
    }

    /// In one line.
    pub fn words(&self) -> String {
        let [sync, three, round_trip, broadcast, write] =
            [self.sync, self.sync_of_three, self.round_trip, self.broadcast, self.write]
                .map(|it| it.as_micros());
        format!(
            "the machine's own medians for {FLOOR_BYTES} bytes: write and fdatasync {sync} µs, three at once {three} µs; a round trip over \
             the loopback {round_trip} µs, to two at once {broadcast} µs; a bare durable write on three {write} µs\n"
        )
    }
}

/// Time that a write and its sync take while `at_once` threads do that at a time, each in a file of its own.
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
    file.seek(SeekFrom::Start((FLOOR_BYTES * sample) as u64))?;
    let begin = Instant::now();
    file.write_all(&[1; FLOOR_BYTES])?;
    file.sync_data()?;
    Ok(begin.elapsed())
}

/// A file that is long enough for all samples.
fn zeroes(path: &Path) -> io::Result<File> {
    let mut file = File::create(path)?;
    file.write_all(&vec![0; FLOOR_BYTES * SAMPLES])?;
    file.sync_all()?;
    OpenOptions::new().write(true).open(path)
}

/// Time of a write that is reduced to what makes it durable: from a client to a leader, from there to the
/// followers, which all save it, and back to the client as soon as the leader and one follower have it on
/// disk.
fn bare_write(folder: &Path) -> io::Result<Duration> {
    let paths: Vec<_> = (0..SERVERS).map(|number| folder.join(format!("bare-write-{number}"))).collect();
    let mut files = paths.iter().map(|path| zeroes(path)).collect::<io::Result<Vec<File>>>()?;
    let mut own_file = files.pop().expect("there are some");
    let (mut client, mut to_client) = connection()?;
    client.set_read_timeout(Some(TIMEOUT))?;
    // All followers answer on the same connection, so the first answer comes first.
    let (mut from_followers, to_leader) = connection()?;
    let mut to_followers = Vec::new();
    for mut file in files {
        let (to_follower, mut from_leader) = connection()?;
        let mut to_leader = to_leader.try_clone()?;
        to_followers.push(to_follower);
        std::thread::spawn(move || {
            each_of_them(&mut from_leader, |bytes| {
                sync_once(&mut file, sample_of(bytes))?;
                to_leader.write_all(bytes)
            })
        });
    }
    std::thread::spawn(move || {
        each_of_them(&mut to_client.try_clone()?, |bytes| {
            to_followers.iter_mut().try_for_each(|it| it.write_all(bytes))?;
            sync_once(&mut own_file, sample_of(bytes))?;
            let mut answer = [0; FLOOR_BYTES];
            // An answer to an earlier one comes from the slower follower.
            while answer != *bytes {
                from_followers.read_exact(&mut answer)?;
            }
            to_client.write_all(bytes)
        })
    });
    let mut samples = Vec::with_capacity(SAMPLES);
    for sample in 0..SAMPLES {
        let mut bytes = [1; FLOOR_BYTES];
        bytes[..8].copy_from_slice(&(sample as u64).to_le_bytes());
        let begin = Instant::now();
        client.write_all(&bytes)?;
        client.read_exact(&mut bytes)?;
        samples.push(begin.elapsed());
    }
    paths.iter().try_for_each(fs::remove_file)?;
    Ok(median(samples))
}

/// The number with which they begin.
fn sample_of(bytes: &[u8; FLOOR_BYTES]) -> usize {
    let (number, _) = bytes.split_first_chunk().expect("there are 256");
    u64::from_le_bytes(*number) as usize
}

/// Does something with each 256 bytes that arrive, until no more do.
fn each_of_them(
    from: &mut TcpStream,
    mut act: impl FnMut(&mut [u8; FLOOR_BYTES]) -> io::Result<()>,
) -> io::Result<()> {
    let mut bytes = [0; FLOOR_BYTES];
    loop {
        from.read_exact(&mut bytes)?;
        act(&mut bytes)?;
    }
}

/// Time to this number of other threads, and back from all.
fn round_trip(to: usize) -> io::Result<Duration> {
    let mut connections = (0..to).map(|_| echo()).collect::<io::Result<Vec<_>>>()?;
    let mut samples = Vec::with_capacity(SAMPLES);
    for _ in 0..SAMPLES {
        let (begin, mut bytes) = (Instant::now(), [1; FLOOR_BYTES]);
        connections.iter_mut().try_for_each(|it| it.write_all(&bytes))?;
        connections.iter_mut().try_for_each(|it| it.read_exact(&mut bytes))?;
        samples.push(begin.elapsed());
    }
    Ok(median(samples))
}

/// A connection to a thread that sends everything back, until the connection ends.
fn echo() -> io::Result<TcpStream> {
    let (here, mut there) = connection()?;
    let mut back = there.try_clone()?;
    std::thread::spawn(move || each_of_them(&mut there, |bytes| back.write_all(bytes)));
    Ok(here)
}

/// Both ends of a connection.
fn connection() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let here = TcpStream::connect(listener.local_addr()?)?;
    let (there, _) = listener.accept()?;
    here.set_nodelay(true)?;
    there.set_nodelay(true)?;
    Ok((here, there))
}

fn median(mut samples: Vec<Duration>) -> Duration {
    samples.sort();
    samples[samples.len() / 2]
}

/// The machine in one line, as far as the system describes it.
pub fn named() -> String {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let model = model.map_or("unknown CPU", |(_, model)| model.trim());
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("machine: {cpus} × {model}, {} {}", std::env::consts::OS, kernel.trim())
}
