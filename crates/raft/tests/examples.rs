//! The examples do what they say.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// `cargo test` builds the examples beside the tests.
fn example(name: &str) -> Command {
    let tests = std::env::current_exe().unwrap();
    let path: PathBuf = tests.ancestors().nth(2).unwrap().join("examples").join(name);
    assert!(path.exists(), "{} is built by `cargo test -p raft-for-beginners-raft`", path.display());
    Command::new(path)
}

fn output_of(name: &str) -> String {
    let output = example(name).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_counter_on_three_servers_counts() {
    assert_eq!(output_of("counter"), "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n");
}

#[test]
fn servers_speak_over_a_transport_of_ones_own() {
    assert_eq!(output_of("own_transport"), "one after \"\"\ntwo after \"one\"\nthree after \"two\"\n");
}

#[test]
fn a_large_state_is_streamed() {
    assert!(output_of("own_store").ends_with(" has 300 pages again\n"));
}

/// A process with one server, which ends with the test.
struct Server {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Server {
    fn next_line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn the_counter_is_three_processes_too() {
    let data = tempfile::tempdir().unwrap();
    let listeners: Vec<_> = (0..3).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let addresses: Vec<_> = listeners.iter().map(|it| it.local_addr().unwrap().to_string()).collect();
    drop(listeners);
    let start = |id: usize| {
        let mut command = example("counter");
        command.arg(id.to_string()).arg(data.path().join(id.to_string())).args(&addresses);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, output) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        Server { process, input, output: BufReader::new(output) }
    };
    let mut servers: Vec<_> = (1..=3).map(start).collect();
    for (server, id) in servers.iter_mut().zip(1..) {
        assert_eq!(server.next_line(), format!("n{id} waits for a majority"));
    }
    let mut total = 0;
    while total < 3 {
        for server in &mut servers {
            server.input.write_all(b"+\n").unwrap();
            // Another server may lead, or there is none at the moment.
            let said = server.next_line();
            if let Ok(counted) = said.parse::<u64>() {
                total += 1;
                assert_eq!(counted, total);
            }
        }
    }
}
