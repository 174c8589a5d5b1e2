//! One gRPC call again and again, as thin as our own HTTP: just enough of HTTP/2 (RFC 9113) for that.

use super::load::Client;
use std::io::{self, BufReader, Error, Read, Write};
use std::net::TcpStream;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Kinds of frames.
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GO_AWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;

/// Flags of frames.
const ACKNOWLEDGED: u8 = 1;
const ENDS_STREAM: u8 = 1;
const ENDS_HEADERS: u8 = 4;

/// The longest message: with its head it fits into one frame.
pub(super) const LONGEST: usize = 16_000;

/// When so many bytes have come, the server is told that it may send as many more.
const WINDOW: u32 = 16_384;

/// A connection on which one call follows the other.
pub(super) struct Grpc {
    stream: BufReader<TcpStream>,
    /// The call: its frames, of which only the stream's number changes.
    call: Vec<u8>,
    /// Where that is.
    places: [usize; 2],
    next_stream: u32,
    received: u32,
    payload: Vec<u8>,
}

impl Grpc {
    /// Will call this method with this message.
    pub(super) fn to(address: &str, method: &str, message: &[u8]) -> io::Result<Grpc> {
        assert!(message.len() <= LONGEST, "a message that fits into a frame");
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.write_all(&[PREFACE, &frame(SETTINGS, 0, &[])].concat())?;
        let mut data = vec![0];
        data.extend((message.len() as u32).to_be_bytes());
        data.extend_from_slice(message);
        let headers = frame(HEADERS, ENDS_HEADERS, &headers(address, method));
        let places = [5, headers.len() + 5];
        let call = [headers, frame(DATA, ENDS_STREAM, &data)].concat();
        let stream = BufReader::new(stream);
        Ok(Grpc { stream, call, places, next_stream: 1, received: 0, payload: Vec::new() })
    }

    /// Reads a frame into the payload, and tells its kind and its flags.
    fn read_frame(&mut self) -> io::Result<(u8, u8)> {
        let mut head = [0; 9];
        self.stream.read_exact(&mut head)?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        self.payload.resize(length as usize, 0);
        self.stream.read_exact(&mut self.payload)?;
        Ok((head[3], head[4]))
    }

    fn send(&mut self, kind: u8, flags: u8, payload: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(&frame(kind, flags, payload))
    }

    fn note_received(&mut self) -> io::Result<()> {
        self.received += self.payload.len() as u32;
        if self.received < WINDOW {
            return Ok(());
        }
        let received = std::mem::take(&mut self.received);
        self.send(WINDOW_UPDATE, 0, &received.to_be_bytes())
    }
}

impl Client for Grpc {
    fn ask(&mut self) -> io::Result<()> {
        for place in self.places {
            self.call[place..place + 4].copy_from_slice(&self.next_stream.to_be_bytes());
        }
        self.next_stream += 2;
        self.stream.get_mut().write_all(&self.call)?;
        let mut is_answered = false;
        loop {
            match self.read_frame()? {
                (DATA, _) => {
                    is_answered = true;
                    self.note_received()?;
                }
                (HEADERS, flags) if flags & ENDS_STREAM != 0 => {
                    // A call that failed has no answer, only the words why.
                    return if is_answered { Ok(()) } else { Err(Error::other("the call failed")) };
                }
                (SETTINGS, flags) if flags & ACKNOWLEDGED == 0 => self.send(SETTINGS, ACKNOWLEDGED, &[])?,
                (PING, flags) if flags & ACKNOWLEDGED == 0 => {
                    let payload = self.payload.clone();
                    self.send(PING, ACKNOWLEDGED, &payload)?;
                }
                (RESET | GO_AWAY, _) => return Err(Error::other("the server ended the call")),
                _ => {}
            }
        }
    }
}

/// A frame, of the connection if nobody changes that.
fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags, 0, 0, 0, 0]);
    frame.extend_from_slice(payload);
    frame
}

/// The headers of a call, without compression (RFC 7541): what is known has a number, names included.
fn headers(address: &str, method: &str) -> Vec<u8> {
    let (post, http) = (0x83, 0x86);
    let mut headers = vec![post, http];
    let (path, authority, content_type) = ([4].as_slice(), [1].as_slice(), [0x0f, 0x10].as_slice());
    for (name, value) in [(path, method), (authority, address), (content_type, "application/grpc")] {
        headers.extend_from_slice(name);
        headers.push(value.len() as u8);
        headers.extend_from_slice(value.as_bytes());
    }
    headers.extend_from_slice(b"\x00\x02te\x08trailers");
    headers
}
