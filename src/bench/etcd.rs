//! A cluster of etcd, to compare with: three programs of somebody else, asked in their own language.

use super::connection::Connection;
use super::grpc::Grpc;
use super::load::{Client, Kind, Target};
use super::servers::{Server, Servers, wait_for};
use crate::failure::Failure;
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

/// Members that run. They end with this value.
pub(super) struct Etcd {
    members: Vec<Child>,
    /// Where their clients find them.
    addresses: Vec<String>,
    folder: PathBuf,
}

impl Etcd {
    /// Starts so many members of this program, with data in `folder` and else with etcd's own defaults.
    pub(super) fn start(program: &Path, nodes: u64, folder: &Path) -> Result<Etcd, Failure> {
        let refused = |error: io::Error| {
            Failure::of(
                format_args!("can't start {}: {error}", program.display()),
                "install etcd (on Debian: apt-get install etcd-server), or give its path with --etcd",
            )
        };
        let addresses = free_addresses(2 * nodes as usize).map_err(refused)?;
        let (for_clients, for_peers) = addresses.split_at(nodes as usize);
        let folder = folder.join("etcd");
        let cluster: Vec<String> =
            (1..).zip(for_peers).map(|(number, peer)| format!("e{number}=http://{peer}")).collect();
        let mut etcd = Etcd { members: Vec::new(), addresses: for_clients.to_vec(), folder };
        for (number, (client, peer)) in (1..).zip(for_clients.iter().zip(for_peers)) {
            let mut member = Command::new(program);
            member.arg("--name").arg(format!("e{number}"));
            member.arg("--data-dir").arg(etcd.folder.join(format!("e{number}")));
            member.args(["--initial-cluster", &cluster.join(",")]);
            for (option, address) in [
                ("--listen-client-urls", client),
                ("--advertise-client-urls", client),
                ("--listen-peer-urls", peer),
                ("--initial-advertise-peer-urls", peer),
            ] {
                member.arg(option).arg(format!("http://{address}"));
            }
            let member = member.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            etcd.members.push(member.spawn().map_err(refused)?);
        }
        Ok(etcd)
    }

    /// The members, once one of them leads.
    pub(super) fn servers(&mut self) -> Result<Servers, Failure> {
        let servers = self.addresses.iter().zip(&self.members);
        let mut all: Vec<Server> =
            servers.map(|(address, member)| Server { address: address.clone(), pid: member.id() }).collect();
        let leads = |server: &Server| {
            let page = Connection::to(&server.address).and_then(|mut it| it.get("/metrics"));
            page.is_ok_and(|page| page.lines().any(|line| line == "etcd_server_is_leader 1"))
        };
        let members = &mut self.members;
        let found = wait_for("etcd elects no leader", || match first_that_ended(members) {
            Some(status) => Some(Err(status)),
            None => all.iter().position(leads).map(Ok),
        })?;
        let leader = found.map_err(|status| {
            Failure::of(
                format_args!("a member of etcd has ended, with {status}"),
                "does --etcd name the server of etcd itself? Start it by hand to see what it says",
            )
        })?;
        Ok(Servers { leader: all.remove(leader), others: all })
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        for member in &mut self.members {
            // One that has ended already is all the better.
            let _ = member.kill();
            let _ = member.wait();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn first_that_ended(members: &mut [Child]) -> Option<ExitStatus> {
    members.iter_mut().find_map(|member| member.try_wait().ok()?)
}

/// Addresses where nobody listens.
fn free_addresses(count: usize) -> io::Result<Vec<String>> {
    let listeners = (0..count).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<io::Result<Vec<_>>>()?;
    listeners.iter().map(|listener| Ok(listener.local_addr()?.to_string())).collect()
}

/// The leader of etcd, as HOST:PORT.
pub(super) struct EtcdLeader(pub(super) String);

impl Target for EtcdLeader {
    fn client(&self, kind: Kind, number: u16, value_size: usize) -> io::Result<Box<dyn Client>> {
        let (key, value) = (format!("bench{number}"), vec![b'x'; value_size]);
        let put = [field(1, key.as_bytes()), field(2, &value)].concat();
        let mut writer = Grpc::to(&self.0, "/etcdserverpb.KV/Put", &put)?;
        if kind == Kind::Writes {
            return Ok(Box::new(writer));
        }
        writer.ask()?;
        Ok(Box::new(Grpc::to(&self.0, "/etcdserverpb.KV/Range", &field(1, key.as_bytes()))?))
    }
}

/// A field of bytes, as Protocol Buffers write it: its number and kind, its length, the bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut field = vec![number << 3 | 2];
    let mut length = bytes.len();
    while length > 0x7f {
        field.push(length as u8 & 0x7f | 0x80);
        length >>= 7;
    }
    field.push(length as u8);
    field.extend_from_slice(bytes);
    field
}
