//! One request and its reply, in the HTTP/1.1 that our servers speak, and what is certain when it breaks.
//!
//! HTTP libraries hide exactly what matters here: whether anything of a failed request was sent, and whether
//! it was sent twice. So we write the bytes ourselves, and only leave their parsing to a library.

use std::io::{self, BufRead, BufReader, Error, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

/// Maximum length in bytes of the head of a reply, and maximum number of its headers.
const LONGEST_HEAD: u64 = 64 << 10;
const MOST_HEADERS: usize = 64;

/// Maximum length in bytes of the body of a reply: a page of keys with 4 MiB of values, of which JSON may
/// escape each byte.
const LONGEST_BODY: u64 = 64 << 20;

/// A request to a server.
#[derive(Debug, Clone)]
pub(crate) struct Request<'a> {
    pub method: &'static str,
    /// With the part after the `?`.
    pub path: String,
    pub headers: Vec<(&'static str, u64)>,
    pub body: &'a [u8],
}

/// A server's reply.
#[derive(Debug)]
pub(crate) struct Reply {
    pub head: Head,
    pub body: Vec<u8>,
}

/// The beginning of a reply.
#[derive(Debug)]
pub(crate) struct Head {
    pub status: u16,
    headers: Vec<(String, String)>,
}

/// Why there is no reply.
#[derive(Debug)]
pub(crate) enum Broken {
    /// Nothing of the request was sent.
    BeforeItWasSent(Error),
    /// It may have arrived.
    Later(Error),
}

/// A connection to a server, with one request after the other.
#[derive(Debug)]
pub(crate) struct Connection(BufReader<Timed>);

/// A stream that is read from until a deadline.
#[derive(Debug)]
struct Timed {
    stream: TcpStream,
    deadline: Instant,
}

impl Request<'_> {
    pub(crate) fn get(path: String) -> Request<'static> {
        Request { method: "GET", path, headers: Vec::new(), body: b"" }
    }

    fn as_bytes(&self, host: &str) -> Vec<u8> {
        let Request { method, path, headers, body } = self;
        let mut text =
            format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {}\r\n", body.len());
        // Without it, no server accepts a change.
        if *method == "POST" {
            text += "content-type: application/json\r\n";
        }
        for (name, value) in headers {
            text += &format!("{name}: {value}\r\n");
        }
        text += "\r\n";
        [text.as_bytes(), body].concat()
    }
}

impl Head {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name));
        header.map(|(_, value)| value.as_str())
    }

    fn is_chunked(&self) -> bool {
        self.header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"))
    }

    /// Can another request follow on the connection?
    fn allows_another(&self) -> bool {
        !self.header("connection").is_some_and(|wish| wish.eq_ignore_ascii_case("close"))
    }
}

impl Broken {
    pub(crate) fn into_why(self) -> String {
        let (Broken::BeforeItWasSent(error) | Broken::Later(error)) = self;
        error_words(&error)
    }
}

/// The error, in words.
pub(crate) fn error_words(error: &Error) -> String {
    match error.kind() {
        ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => {
            "the connection broke".to_owned()
        }
        ErrorKind::TimedOut => "no response in time".to_owned(),
        _ => error.to_string(),
    }
}

/// Sends a request on the connection that was kept, or a new one, and waits for the whole reply.
pub(crate) fn exchange(
    kept: Option<Connection>,
    address: &str,
    request: &Request<'_>,
    timeout: Duration,
) -> Result<(Reply, Option<Connection>), Broken> {
    let (mut connection, head) = begin(kept, address, request, timeout)?;
    let body = connection.whole_body(&head).map_err(Broken::Later)?;
    let kept = head.allows_another().then_some(connection);
    Ok((Reply { head, body }, kept))
}

/// Sends a request, and waits for the reply's head. The body can be read from the connection.
pub(crate) fn begin(
    kept: Option<Connection>,
    address: &str,
    request: &Request<'_>,
    timeout: Duration,
) -> Result<(Connection, Head), Broken> {
    let deadline = Instant::now() + timeout;
    let kept = kept.filter(Connection::is_alive);
    let connection = kept.map_or_else(|| Connection::to(address, deadline), Ok);
    let mut connection = connection.map_err(Broken::BeforeItWasSent)?;
    connection.await_until(deadline);
    connection.send(&request.as_bytes(address)).map_err(Broken::Later)?;
    let head = connection.head().map_err(Broken::Later)?;
    Ok((connection, head))
}

impl Connection {
    fn to(address: &str, deadline: Instant) -> io::Result<Connection> {
        let mut error = Error::new(ErrorKind::NotFound, "the host is unknown");
        for address in address.to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, time_until(deadline)?) {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    return Ok(Connection(BufReader::new(Timed { stream, deadline })));
                }
                Err(failed) => error = failed,
            }
        }
        Err(error)
    }

    /// Is it still open, and has nothing arrived that was not asked for?
    fn is_alive(&self) -> bool {
        let stream = &self.0.get_ref().stream;
        let looked = stream.set_nonblocking(true).and_then(|()| stream.peek(&mut [0]));
        let is_quiet = looked.is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
        is_quiet && self.0.buffer().is_empty() && stream.set_nonblocking(false).is_ok()
    }

    /// From now on, reading fails at this deadline.
    pub(crate) fn await_until(&mut self, deadline: Instant) {
        self.0.get_mut().deadline = deadline;
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Timed { stream, deadline } = self.0.get_mut();
        stream.set_write_timeout(Some(time_until(*deadline)?))?;
        stream.write_all(bytes).map_err(timed_out)
    }

    fn head(&mut self) -> io::Result<Head> {
        let mut bytes = Vec::new();
        let mut head = self.0.by_ref().take(LONGEST_HEAD);
        while !bytes.ends_with(b"\r\n\r\n") {
            if head.read_until(b'\n', &mut bytes)? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut reply = httparse::Response::new(&mut headers);
        reply.parse(&bytes).map_err(Error::other)?;
        let header = |header: &httparse::Header<'_>| {
            (header.name.to_owned(), String::from_utf8_lossy(header.value).into_owned())
        };
        let status = reply.code.ok_or(ErrorKind::InvalidData)?;
        Ok(Head { status, headers: reply.headers.iter().map(header).collect() })
    }

    pub(crate) fn whole_body(&mut self, head: &Head) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        if head.is_chunked() {
            while let Some(chunk) = self.chunk()? {
                body.extend(chunk);
                if body.len() as u64 > LONGEST_BODY {
                    return Err(Error::other("its response is too long"));
                }
            }
        } else {
            let length = head.header("content-length").and_then(|length| length.parse().ok());
            body = self.exactly(length.ok_or(ErrorKind::InvalidData)?)?;
        }
        Ok(body)
    }

    /// The next chunk of a chunked body; `None` at its end.
    pub(crate) fn chunk(&mut self) -> io::Result<Option<Vec<u8>>> {
        let size = self.line()?;
        let size = u64::from_str_radix(size.split(';').next().unwrap_or_default().trim(), 16);
        let chunk = self.exactly(size.map_err(Error::other)?)?;
        if chunk.is_empty() {
            while !self.line()?.is_empty() {}
            return Ok(None);
        }
        self.line()?;
        Ok(Some(chunk))
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.0.by_ref().take(LONGEST_HEAD).read_line(&mut line)?;
        match line.strip_suffix("\r\n") {
            Some(line) => Ok(line.to_owned()),
            None => Err(ErrorKind::UnexpectedEof.into()),
        }
    }

    fn exactly(&mut self, length: u64) -> io::Result<Vec<u8>> {
        if length > LONGEST_BODY {
            return Err(Error::other("its response is too long"));
        }
        let mut bytes = Vec::new();
        self.0.by_ref().take(length).read_to_end(&mut bytes)?;
        if (bytes.len() as u64) < length { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(bytes) }
    }
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(time_until(self.deadline)?))?;
        self.stream.read(buffer).map_err(timed_out)
    }
}

fn time_until(deadline: Instant) -> io::Result<Duration> {
    let rest = deadline.saturating_duration_since(Instant::now());
    if rest.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(rest) }
}

/// Systems have two names for a timeout.
fn timed_out(error: Error) -> Error {
    if error.kind() == ErrorKind::WouldBlock { ErrorKind::TimedOut.into() } else { error }
}
