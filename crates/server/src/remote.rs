use crate::command::Command;
use crate::machine::Machine;
use driver::Speed;
use runtime::{Handle, LabCommand};

/// Tells a running server what to do, from another thread.
#[derive(Debug, Clone)]
pub struct Remote {
    handle: Handle<Machine>,
    /// The server's own.
    runtime: tokio::runtime::Handle,
}

impl Remote {
    pub(crate) fn new(handle: Handle<Machine>, runtime: tokio::runtime::Handle) -> Remote {
        Remote { handle, runtime }
    }

    /// Tells the server; waits while it has too much to do, but not for an outcome. A server that has ended hears nothing.
    pub fn command(&self, command: Command) {
        let handle = self.handle.clone();
        let lab = |command| self.runtime.block_on(self.handle.lab(command));
        match command {
            Command::Peer { id, address } => self.runtime.block_on(handle.set_address(id, address)),
            Command::Speed { multiple } => {
                Speed::new(multiple).into_iter().for_each(|speed| lab(LabCommand::Speed(speed)));
            }
            Command::ExpireElectionTimer { at } => lab(LabCommand::ExpireElectionTimer { at }),
            Command::Link { from, faults } => lab(LabCommand::Link { from, faults }),
            Command::Profile(profile) => lab(LabCommand::Profile(profile)),
            // What comes of these is in the story.
            Command::ChangeMembership(change) => {
                self.runtime.spawn(async move { handle.change_members(change).await });
            }
            Command::TransferLeadership { to } => {
                self.runtime.spawn(async move { handle.transfer(to).await });
            }
            Command::Stop => {
                self.runtime.spawn(async move { handle.stop().await });
            }
        }
    }
}
