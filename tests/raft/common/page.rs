//! The page's server, as a browser talks to it.

use super::TIMEOUT;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::Receiver;

/// Where a page is served, and its token.
#[derive(Debug, Clone)]
pub struct Page {
    /// As HOST:PORT.
    pub address: String,
    pub token: String,
}

/// A response.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

/// One Server-Sent Event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    pub name: String,
    pub id: Option<u64>,
    pub data: String,
}

impl Page {
    /// The page whose address is in one of these lines.
    pub fn announced_in(said: &Receiver<String>) -> Page {
        loop {
            let line = said.recv_timeout(TIMEOUT).expect("it tells where the page is");
            if let Some((_, url)) = line.split_once("http://") {
                let (address, token) = url.split_once("/?token=").expect("the address holds the token");
                return Page { address: address.to_owned(), token: token.to_owned() };
            }
        }
    }

    /// Sends a request with these headers, and nothing else but its length.
    pub fn send(&self, request: &str, headers: &[(&str, &str)], body: &str) -> BufReader<TcpStream> {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        // In this version of HTTP, a response ends with its connection, and is not chunked.
        let text = format!("{request} HTTP/1.0\r\n{headers}content-length: {}\r\n\r\n{body}", body.len());
        stream.write_all(text.as_bytes()).unwrap();
        BufReader::new(stream)
    }

    pub fn ask(&self, request: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut text = String::new();
        self.send(request, headers, body).read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text}"));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap();
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    /// Gets a path as the page does.
    pub fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path}"), &[("host", &self.address), ("x-raft-token", &self.token)], "")
    }

    /// The engine that it serves: the head of the response, and the bytes.
    pub fn engine(&self) -> (String, Vec<u8>) {
        let mut served = Vec::new();
        self.send("GET /engine.wasm.gz", &[("host", &self.address)], "").read_to_end(&mut served).unwrap();
        let end = served.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
        let engine = served.split_off(end + 4);
        (String::from_utf8(served).unwrap(), engine)
    }

    /// Does something as the page does, and returns the response.
    pub fn act(&self, action: &str) -> Answer {
        let headers = [
            ("host", self.address.as_str()),
            ("origin", &format!("http://{}", self.address)),
            ("x-raft-token", &self.token),
            ("content-type", "application/json"),
        ];
        self.ask("POST /api/action", &headers, action)
    }

    /// The events after this one, or from the beginning, as they arrive.
    pub fn events(&self, after: Option<u64>) -> impl Iterator<Item = Told> + use<> {
        let path = format!("GET /api/events?token={}", self.token);
        let last = after.map(|id| id.to_string()).unwrap_or_default();
        let mut headers = vec![("host", self.address.as_str())];
        headers.extend(after.map(|_| ("last-event-id", last.as_str())));
        let mut lines = self.send(&path, &headers, "").lines().map_while(Result::ok);
        let status = lines.next().unwrap();
        assert!(status.contains("200"), "{status}");
        let mut lines = lines.skip_while(|line| !line.is_empty()).skip(1);
        std::iter::from_fn(move || {
            let mut told = Told::default();
            loop {
                let line = lines.next()?;
                match line.split_once(": ") {
                    Some(("event", name)) => told.name = name.to_owned(),
                    Some(("id", id)) => told.id = Some(id.parse().unwrap()),
                    Some(("data", data)) => told.data = data.to_owned(),
                    _ if line.is_empty() && !told.data.is_empty() => return Some(told),
                    _ => {}
                }
            }
        })
    }
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}
