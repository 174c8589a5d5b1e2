//! A state that may be large: it is streamed into snapshots and out of them, chunk by chunk, while the server goes on. A
//! server that was away for long gets it over the network.

use raft_for_beginners::{
    Index, Raft, Restore, Result, Settings, Snapshot, Streamed, StreamedStateMachine, Timing,
};
use std::collections::{BTreeMap, btree_map};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// Pages by their number. A page is shared with the snapshots in which it is, so a snapshot copies none.
#[derive(Default)]
struct Pages(BTreeMap<u64, Arc<[u8]>>);

/// What comes before a page in a snapshot: its number, and its length.
const HEAD: usize = 8 + 4;
/// Maximum length of a page in bytes.
const LONGEST_PAGE: usize = 1 << 20;

impl StreamedStateMachine for Pages {
    type Answer = usize;
    type Snapshot = PagesSnapshot;
    type Restore = PagesRestore;

    /// A command is a page with its number before it. Answers with how many pages there are.
    fn apply(&mut self, _: Index, command: &[u8]) -> usize {
        if let Some((number, page)) = command.split_first_chunk() {
            self.0.insert(u64::from_le_bytes(*number), page.into());
        }
        self.0.len()
    }

    fn snapshot(&self) -> PagesSnapshot {
        PagesSnapshot { rest: self.0.clone().into_iter(), begun: Vec::new() }
    }
}

/// The pages as they were at one moment.
struct PagesSnapshot {
    rest: btree_map::IntoIter<u64, Arc<[u8]>>,
    /// What was not given out yet of the latest page.
    begun: Vec<u8>,
}

impl Snapshot for PagesSnapshot {
    fn next_chunk(&mut self, at_most: NonZeroUsize) -> Option<Vec<u8>> {
        while self.begun.len() < at_most.get()
            && let Some((number, page)) = self.rest.next()
        {
            self.begun.extend(number.to_le_bytes());
            self.begun.extend((page.len() as u32).to_le_bytes());
            self.begun.extend(&*page);
        }
        let rest = self.begun.split_off(self.begun.len().min(at_most.get()));
        let chunk = std::mem::replace(&mut self.begun, rest);
        (!chunk.is_empty()).then_some(chunk)
    }
}

/// Pages that are being read from a snapshot.
#[derive(Default)]
struct PagesRestore {
    pages: Pages,
    /// What has come of the next page.
    begun: Vec<u8>,
}

#[derive(Debug)]
struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("these are no pages")
    }
}

impl std::error::Error for Broken {}

impl Restore<Pages> for PagesRestore {
    type Error = Broken;

    /// The bytes come from another server: nothing of them is believed.
    fn feed(mut self, bytes: &[u8]) -> Result<PagesRestore, Broken> {
        self.begun.extend(bytes);
        let mut begun = &self.begun[..];
        while let Some((head, rest)) = begun.split_first_chunk::<HEAD>() {
            let number = u64::from_le_bytes(head[..8].try_into().expect("eight bytes"));
            let length = u32::from_le_bytes(head[8..].try_into().expect("four bytes")) as usize;
            if length > LONGEST_PAGE {
                return Err(Broken);
            }
            let Some((page, rest)) = rest.split_at_checked(length) else { break };
            self.pages.0.insert(number, page.into());
            begun = rest;
        }
        self.begun = begun.to_vec();
        Ok(self)
    }

    fn finish(self, _last_included: Index) -> Result<Pages, Broken> {
        if self.begun.is_empty() { Ok(self.pages) } else { Err(Broken) }
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let data = tempfile::tempdir()?;
    let mut listeners = Vec::new();
    for _ in 0..3 {
        listeners.push(TcpListener::bind("127.0.0.1:0").await?);
    }
    let addresses: Vec<_> = listeners.iter().map(|it| it.local_addr()).collect::<std::io::Result<_>>()?;
    let open = |id: u64| {
        // A snapshot after each MiB: more than a server needs, but this is to show them.
        let timing = Timing::new(Duration::from_millis(50), Duration::from_secs(1), Duration::from_secs(2))?;
        let settings =
            Settings::new("pages", id).voters((1..).zip(&addresses))?.timing(timing).snapshot_after(1 << 20);
        Raft::<Pages, Streamed>::open_streamed(data.path().join(format!("n{id}")), settings)
    };
    let mut servers = Vec::new();
    for (id, listener) in (1..).zip(listeners) {
        servers.push(open(id)?.serve_on(listener)?);
    }
    let leader = servers[0].leader().await?;
    // One that does not lead is away while 300 pages of 64 KiB are written.
    let away = servers.iter().position(|it| it.id() != leader).expect("two of them");
    let id = servers[away].id().0;
    servers.remove(away).stop().await?;
    let mut pages = 0;
    while pages < 300 {
        let command = [&(pages as u64).to_le_bytes()[..], &[pages as u8; 64 << 10]].concat();
        let leader = servers[0].leader().await?;
        let leader = servers.iter().find(|it| it.id() == leader).unwrap_or(&servers[0]);
        match leader.propose(command).await {
            Err(error) if !error.may_have_happened() => tokio::task::yield_now().await,
            outcome => pages = outcome?,
        }
    }
    // It comes back. The log no longer has those pages, so it gets the snapshot.
    let back = open(id)?.serve(addresses[id as usize - 1]).await?;
    while back.read_stale(|pages| pages.0.len()).await? < pages {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    println!("n{id} has {pages} pages again");
    servers.push(back);
    for server in servers {
        server.stop().await?;
    }
    Ok(())
}
