//! A process in a group of its own, with all that it starts.

use rustix::process::{Pid, Signal, kill_process_group};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Mutex, Once};
use std::thread;

/// A process that ends with this one, and everything that it has started ends with it. There is one at a time.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) child: Child,
    /// The number of the group, until it is killed.
    id: Option<Pid>,
}

/// The group that runs.
static RUNNING: Mutex<Option<Pid>> = Mutex::new(None);

/// A key pressed in the terminal does not reach another group.
fn end_with_this_process() {
    static WATCH: Once = Once::new();
    WATCH.call_once(|| {
        let Ok(mut signals) = Signals::new([SIGHUP, SIGINT, SIGTERM]) else { return };
        thread::spawn(move || {
            for signal in signals.forever() {
                // It is held to the end: no other group is started in the place of the one that is killed.
                let running = RUNNING.lock().expect("nobody panics with it");
                if let Some(group) = *running {
                    let _ = kill_process_group(group, Signal::KILL);
                }
                let _ = emulate_default_handler(signal);
            }
        });
    });
}

impl Group {
    pub(super) fn spawn(command: &mut Command) -> io::Result<Group> {
        end_with_this_process();
        // A signal that comes while it starts finds it here.
        let mut running = RUNNING.lock().expect("nobody panics with it");
        let child = command.process_group(0).spawn()?;
        let id = Some(Pid::from_child(&child));
        *running = id;
        Ok(Group { child, id })
    }

    /// Kills it, and what it has started. Until it is waited for, no other process can have its number.
    pub(super) fn end(&mut self) -> io::Result<ExitStatus> {
        if let Some(group) = self.id.take() {
            let _ = kill_process_group(group, Signal::KILL);
            RUNNING.lock().expect("nobody panics with it").take_if(|running| *running == group);
        }
        self.child.wait()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = self.end();
    }
}
