//! HTTP as thin as it gets: whoever makes the load is on the same machine as who carries it, and should take
//! as little of it as possible.

use std::io::{self, BufRead, BufReader, Error, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Who answers later than that has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection to a server, on which one request follows the other.
pub(super) struct Connection(BufReader<TcpStream>);

impl Connection {
    pub(super) fn to(address: &str) -> io::Result<Connection> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Connection(BufReader::new(stream)))
    }

    /// Sends a whole request, and returns the answer's body.
    pub(super) fn ask(&mut self, request: &[u8]) -> io::Result<String> {
        self.0.get_mut().write_all(request)?;
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        if !line.starts_with("HTTP/1.1 200") {
            return Err(Error::other(format!("a server answered: {}", line.trim_end())));
        }
        let mut length = None;
        loop {
            line.clear();
            self.0.read_line(&mut line)?;
            let Some((name, value)) = line.split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = Some(value.trim().parse().map_err(Error::other)?);
            }
        }
        let mut body = Vec::new();
        match length {
            Some(length) => {
                body.resize(length, 0);
                self.0.read_exact(&mut body)?;
            }
            None => self.read_chunks(&mut body)?,
        }
        String::from_utf8(body).map_err(Error::other)
    }

    /// A body of unknown length: each piece has its own before it, in hexadecimal, and the last one is empty.
    fn read_chunks(&mut self, body: &mut Vec<u8>) -> io::Result<()> {
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line)?;
            let length = usize::from_str_radix(line.trim(), 16).map_err(Error::other)?;
            let begin = body.len();
            body.resize(begin + length, 0);
            self.0.read_exact(&mut body[begin..])?;
            self.0.read_line(&mut line)?;
            if length == 0 {
                return Ok(());
            }
        }
    }

    /// The page at this path.
    pub(super) fn get(&mut self, path: &str) -> io::Result<String> {
        self.ask(format!("GET {path} HTTP/1.1\r\nHost: raft\r\n\r\n").as_bytes())
    }
}

/// Writes to a key.
pub(super) fn put(key: &str, value_size: usize) -> Vec<u8> {
    let head = format!("PUT /kv/{key} HTTP/1.1\r\nHost: raft\r\nContent-Length: {value_size}\r\n\r\n");
    let mut request = head.into_bytes();
    request.resize(request.len() + value_size, b'x');
    request
}

/// Reads a key.
pub(super) fn get(key: &str) -> Vec<u8> {
    format!("GET /kv/{key} HTTP/1.1\r\nHost: raft\r\n\r\n").into_bytes()
}
