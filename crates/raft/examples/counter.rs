//! A counter on three servers. Without arguments they are in one process. With arguments this is one of three processes,
//! each with a terminal of its own:
//!
//! ```text
//! cargo run --example counter -- 1 data/n1 127.0.0.1:5001 127.0.0.1:5002 127.0.0.1:5003
//! cargo run --example counter -- 2 data/n2 127.0.0.1:5001 127.0.0.1:5002 127.0.0.1:5003
//! cargo run --example counter -- 3 data/n3 127.0.0.1:5001 127.0.0.1:5002 127.0.0.1:5003
//! ```
//!
//! Each line that you write there is counted, if that server leads; otherwise it says which one does. Kill it, write to
//! another one, start it again: nothing that was counted is lost.

use raft_for_beginners::{Index, ProposeError, Raft, ReadError, Result, Settings, StateMachine};
use tokio::io::{AsyncBufReadExt, BufReader, stdin};
use tokio::net::TcpListener;

#[derive(Default)]
struct Counter(u64);

impl StateMachine for Counter {
    type Answer = u64;

    fn apply(&mut self, _: Index, command: &[u8]) -> u64 {
        self.0 += u64::from(!command.is_empty());
        self.0
    }

    fn save(&self) -> Vec<u8> {
        self.0.to_le_bytes().to_vec()
    }

    fn load(bytes: &[u8]) -> Option<Counter> {
        Some(Counter(u64::from_le_bytes(bytes.try_into().ok()?)))
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [] => three_servers().await,
        [id, folder, addresses @ ..]
            if id.parse::<usize>().is_ok_and(|id| (1..=addresses.len()).contains(&id)) =>
        {
            one_server(id.parse().expect("a number"), folder, addresses).await
        }
        _ => {
            eprintln!(
                "usage: counter [NUMBER FOLDER ADDRESS...], with a number of one of the addresses, from 1"
            );
            std::process::exit(2);
        }
    }
}

async fn three_servers() -> Result<()> {
    let data = tempfile::tempdir()?;
    let mut listeners = Vec::new();
    for _ in 0..3 {
        listeners.push(TcpListener::bind("127.0.0.1:0").await?);
    }
    let addresses: Vec<_> = listeners.iter().map(|it| it.local_addr()).collect::<std::io::Result<_>>()?;
    let mut servers = Vec::new();
    for (id, listener) in (1..).zip(listeners) {
        let settings = Settings::new("counter", id).voters((1..).zip(&addresses))?;
        servers
            .push(Raft::<Counter>::open(data.path().join(format!("n{id}")), settings)?.serve_on(listener)?);
    }
    for _ in 0..10 {
        let total = loop {
            let leader = servers[0].leader().await?;
            match servers[leader.0 as usize - 1].propose("+").await {
                // Another server leads by now: ask that one.
                Err(error) if !error.may_have_happened() => tokio::task::yield_now().await,
                outcome => break outcome?,
            }
        };
        println!("{total}");
    }
    for server in servers {
        server.stop().await?;
    }
    Ok(())
}

async fn one_server(id: u64, folder: &str, addresses: &[String]) -> Result<()> {
    let settings = Settings::new("counter", id).voters((1..).zip(addresses))?;
    let counter = Raft::<Counter>::open(folder, settings)?.serve(&addresses[id as usize - 1]).await?;
    println!("n{id} waits for a majority");
    println!("{} leads", counter.leader().await?);
    let mut lines = BufReader::new(stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        match counter.propose(line).await {
            Ok(total) => println!("{total}"),
            Err(ProposeError::NotLeader { leader: Some(leader) }) => {
                println!("{leader} leads: write it there")
            }
            Err(error) => println!("{error}"),
        }
    }
    match counter.read(|counter| counter.0).await {
        Ok(total) => println!("{total} at the end"),
        Err(ReadError::NotLeader { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    counter.stop().await
}
