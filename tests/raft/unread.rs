//! Clients that ask for much and read nothing of it.

use crate::common::{TIMEOUT, Up};
use client::{List, Node, Read};
use kv::{Answer, Write};
use std::io::Write as _;
use std::net::TcpStream;

/// The maximum memory of a process so far, in KiB.
fn peak(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// In JSON each byte of a control character takes six: all these lists together have more than 700 MiB.
#[test]
#[cfg(target_os = "linux")]
fn lists_that_nobody_reads_are_bounded_together() {
    let mut up = Up::start(&["--election-timeout", "1s..2s"], 1);
    let leader = up.wait_for_leader();
    let node = Node::new(up.view.server(leader).unwrap().address.clone().unwrap());
    for key in [b"1", b"2", b"3", b"4", b"5"] {
        let answer = node.write(&Write::put(key, &vec![1; kv::LONGEST_VALUE]), TIMEOUT).unwrap();
        assert!(matches!(answer, Answer::Written { .. }), "{answer}");
    }
    let unread: Vec<TcpStream> = (0..30)
        .map(|_| {
            let mut stream = TcpStream::connect(node.address()).unwrap();
            stream.set_read_timeout(Some(TIMEOUT)).unwrap();
            stream.write_all(b"GET /kv?read=stale HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
            stream
        })
        .collect();
    for stream in &unread {
        assert_eq!(stream.peek(&mut [0]).unwrap(), 1, "it is answered");
    }
    let peak = peak(up.pids()[0]);
    assert!(peak < 300 << 10, "{peak} KiB");

    // When they have gone, others are served again.
    drop(unread);
    let all = List { read: Read::Stale, ..List::default() };
    let page = crate::common::await_some("room for a list", || node.list(&all, TIMEOUT).ok());
    assert_eq!(page.entries[0].value.bytes, vec![1; kv::LONGEST_VALUE]);
}
