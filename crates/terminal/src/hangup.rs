//! The end of the terminal itself: its window was closed, or the connection to it broke.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// SIGHUP, which the system sends when a terminal goes away.
pub(crate) const SIGNAL: i32 = 1;

/// How long the view has to notice it by itself.
const GRACE: Duration = Duration::from_secs(2);

/// Waits until something can be read from the terminal, but not longer than this.
///
/// # Errors
/// If the terminal is gone. The library that reads keys would then try again and again, at full speed and
/// without ever coming back.
pub(crate) fn wait_for_input(timeout: Duration) -> io::Result<()> {
    let timeout = Timespec::try_from(timeout).map_err(io::Error::other)?;
    let found = look_at_terminal(PollFlags::IN, Some(&timeout))?;
    if found.intersects(GONE) { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
}

/// Is the terminal gone?
pub(crate) fn is_gone() -> bool {
    look_at_terminal(PollFlags::empty(), Some(&Timespec::default())).is_ok_and(|found| found.intersects(GONE))
}

/// Does this error mean that the terminal is gone?
pub(crate) fn is_shown_by(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::UnexpectedEof || error.raw_os_error() == Some(Errno::IO.raw_os_error())
}

const GONE: PollFlags = PollFlags::HUP.union(PollFlags::ERR).union(PollFlags::NVAL);

fn look_at_terminal(wanted: PollFlags, timeout: Option<&Timespec>) -> io::Result<PollFlags> {
    let stdin = io::stdin();
    let mut polled = [PollFd::new(&stdin, wanted)];
    match poll(&mut polled, timeout) {
        Ok(_) => Ok(polled[0].revents()),
        // A signal, which is handled elsewhere.
        Err(Errno::INTR) => Ok(PollFlags::empty()),
        Err(error) => Err(error.into()),
    }
}

/// Ends the program with its terminal, even if the terminal goes away while the view reads from it.
pub(crate) struct Watch {
    is_over: Arc<AtomicBool>,
}

impl Watch {
    pub(crate) fn begin() -> Watch {
        let is_over = Arc::new(AtomicBool::new(false));
        let watched = is_over.clone();
        std::thread::spawn(move || {
            while !is_gone() {
                if watched.load(Ordering::Relaxed) || look_at_terminal(PollFlags::empty(), None).is_err() {
                    return;
                }
            }
            std::thread::sleep(GRACE);
            if !watched.load(Ordering::Relaxed) {
                std::process::exit(128 + SIGNAL);
            }
        });
        Watch { is_over }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}
