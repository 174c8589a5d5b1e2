//! A minimal HTTP client: the load is generated on the same machine as the servers, and should take as little
//! of it as possible.

use std::io::{self, BufRead, BufReader, Error, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Timeout for an answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A connection to a server, with one request after the other.
pub(crate) struct Connection(BufReader<TcpStream>);

/// A server's response.
struct Reply {
    status: StatusLine,
    body: Vec<u8>,
}

/// The first line of a response.
struct StatusLine(String);

impl StatusLine {
    fn is_success(&self) -> bool {
        self.0.starts_with("HTTP/1.1 200")
    }
}

impl Connection {
    pub(crate) fn to(address: &str) -> io::Result<Connection> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        Ok(Connection(BufReader::new(stream)))
    }

    /// Sends a whole request, and returns the body of the response.
    pub(crate) fn ask(&mut self, request: &[u8]) -> io::Result<String> {
        let Reply { status, body } = self.exchange(request)?;
        if status.is_success() {
            String::from_utf8(body).map_err(Error::other)
        } else {
            Err(Error::other(format!("a server answered: {}", status.0)))
        }
    }

    /// Sends a whole request, and returns whether it was done. Either way another one may follow.
    pub(crate) fn was_done(&mut self, request: &[u8]) -> io::Result<bool> {
        Ok(self.exchange(request)?.status.is_success())
    }

    /// Sends a whole request, and does not wait for the response.
    pub(crate) fn send(&mut self, request: &[u8]) -> io::Result<()> {
        self.0.get_mut().write_all(request)
    }

    fn exchange(&mut self, request: &[u8]) -> io::Result<Reply> {
        self.send(request)?;
        let status = StatusLine(self.line()?);
        let mut length = None;
        while let Some((name, value)) = self.line()?.split_once(':') {
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
        Ok(Reply { status, body })
    }

    /// A line of the head, without its end.
    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        line.truncate(line.trim_end().len());
        Ok(line)
    }

    /// A body of unknown length: each chunk has its length before it, in hexadecimal, and the last one is
    /// empty.
    fn read_chunks(&mut self, body: &mut Vec<u8>) -> io::Result<()> {
        loop {
            let length = usize::from_str_radix(&self.line()?, 16).map_err(Error::other)?;
            let begin = body.len();
            body.resize(begin + length, 0);
            self.0.read_exact(&mut body[begin..])?;
            self.line()?;
            if length == 0 {
                return Ok(());
            }
        }
    }

    /// The page at this path.
    pub(crate) fn get(&mut self, path: &str) -> io::Result<String> {
        self.ask(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes())
    }
}

/// Writes to a key.
pub(crate) fn put(key: &str, value_size: usize) -> Vec<u8> {
    let head = format!("PUT /kv/{key} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {value_size}\r\n\r\n");
    let mut request = head.into_bytes();
    request.resize(request.len() + value_size, b'x');
    request
}

/// Reads a key.
pub(crate) fn get(key: &str) -> Vec<u8> {
    format!("GET /kv/{key} HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes()
}
