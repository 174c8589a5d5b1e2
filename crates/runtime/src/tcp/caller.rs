//! The sending side: a connection to each peer, which is made again and again.

use super::frames::{Broken, Frames, Silence};
use super::{Line, Whereabouts};
use crate::secret::{Claim, Prover, nonce};
use crate::wire::{self, Back, Call, Greeting, Hello, Letter, Welcome};
use consensus::{Message, Origin};
use driver::Envelope;
use std::time::Duration;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};

/// A message of more bytes takes its time, in which nothing else is sent or received.
const LARGE: usize = 16 << 10;

/// The first pause before a peer is called again, counted from the start of the previous call; it doubles each time. A
/// server that starts calls the others itself and is called back at once, so it does not wait for this.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// The longest pause before a peer is called again that was there before: when a network has been mended, its servers should
/// be together again within about a second.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause before a peer is called again that was never reached.
const LONGEST_PAUSE_FOR_STRANGERS: Duration = Duration::from_secs(3);

/// A connection that ends sooner says nothing about the next one.
const SHORTEST_CONNECTION: Duration = Duration::from_millis(50);

/// After this many rejected greetings in a row, a peer is assumed to speak the version without greetings.
const GREETINGS: u32 = 2;

/// After this time a connection in the old version is made again: the peer may have been upgraded.
const OLD_VERSION: Duration = Duration::from_secs(60);

/// How a call has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// No connection was accepted, or nothing came over it.
    Unreachable,
    /// The peer has hung up during the handshake.
    Unwelcome,
    /// There was a connection, and it is over.
    Over,
}

impl From<Broken> for Ended {
    fn from(_: Broken) -> Ended {
        Ended::Over
    }
}

/// Keeps a connection to one peer, and sends it what is in the queue, until the queue is closed.
pub(super) async fn keep_sending(
    line: Line,
    mut messages: mpsc::Receiver<Envelope>,
    mut whereabouts: Whereabouts,
    mut origins: watch::Receiver<Origin>,
) {
    let mut pause = FIRST_PAUSE;
    // How many times in a row it was not reached, or hung up at once.
    let mut tries = 0;
    let mut greetings_in_vain = 0;
    let mut was_ever_there = false;
    while !messages.is_closed() {
        let began = Instant::now();
        let mut ended = Ended::Unreachable;
        if let Some(address) = whereabouts.next(tries) {
            let origin = *origins.borrow_and_update();
            let is_old = greetings_in_vain >= GREETINGS && line.name.secret.is_none();
            tokio::select! {
                end = call(&line, &address, origin, is_old, &mut messages) => ended = end,
                _ = whereabouts.addresses.changed() => continue,
                _ = origins.changed() => continue,
            }
            greetings_in_vain = if ended == Ended::Unwelcome { greetings_in_vain + 1 } else { 0 };
            was_ever_there |= ended == Ended::Over;
        }
        if ended == Ended::Over && began.elapsed() > SHORTEST_CONNECTION {
            (pause, tries) = (FIRST_PAUSE, 0);
            continue;
        }
        tries += 1;
        let longest = if was_ever_there { LONGEST_PAUSE } else { LONGEST_PAUSE_FOR_STRANGERS };
        tokio::select! {
            _ = sleep_until(began + pause) => pause = (pause * 2).min(longest),
            _ = whereabouts.addresses.changed() => pause = FIRST_PAUSE,
            // Two servers that hang up on each other must not call each other all the time.
            _ = whereabouts.calls.changed(), if ended == Ended::Unreachable => pause = FIRST_PAUSE,
        }
    }
}

/// Calls the peer, and sends it messages as long as that can be done.
async fn call(
    line: &Line,
    address: &str,
    origin: Origin,
    is_old: bool,
    messages: &mut mpsc::Receiver<Envelope>,
) -> Ended {
    let silence = line.name.silence;
    let Some(stream) = connect(address, silence).await else { return Ended::Unreachable };
    let peer_address = stream.peer_addr().ok();
    let (from_peer, mut to_peer) = stream.into_split();
    let mut back = Frames::new(from_peer);
    let greeted = match is_old {
        true => {
            let hello = wire::frame(&Hello::new(line.visitor(origin)));
            silence.hand_over(&mut to_peer, &hello).await.map_err(Ended::from)
        }
        false => greet(line, origin, &mut back, &mut to_peer).await.map_err(|refused| match refused {
            Refused::Ended(ended) => ended,
            Refused::For(problem) => {
                if let Some(from) = peer_address {
                    line.inlet.rejected(from, problem);
                }
                Ended::Over
            }
        }),
    };
    if let Err(ended) = greeted {
        return ended;
    }
    back.admit();
    // What waited while there was no connection is out of date.
    while messages.try_recv().is_ok() {}
    if is_old {
        let _ = timeout(OLD_VERSION, send_until_broken(line, true, back, to_peer, messages)).await;
    } else {
        send_until_broken(line, false, back, to_peer, messages).await;
    }
    Ended::Over
}

/// A connection to the first of the host's addresses that accepts one. The name is resolved each time: the host may have
/// moved.
async fn connect(address: &str, silence: Silence) -> Option<TcpStream> {
    let addresses = timeout(silence.duration(), lookup_host(address)).await.ok()?.ok()?;
    for address in addresses {
        // The system itself would try for minutes, more and more seldom.
        if let Ok(Ok(stream)) = timeout(silence.duration(), TcpStream::connect(address)).await {
            stream.set_nodelay(true).ok()?;
            return Some(stream);
        }
    }
    None
}

/// Why a peer can't be talked to.
enum Refused {
    Ended(Ended),
    For(&'static str),
}

/// Agrees with the peer on a version, and says who calls. If the cluster has a secret, each proves to the other that it
/// knows it.
async fn greet(
    line: &Line,
    origin: Origin,
    back: &mut Frames,
    to_peer: &mut OwnedWriteHalf,
) -> Result<(), Refused> {
    let silence = line.name.silence;
    let callers_nonce = nonce();
    let greeting = wire::frame(&Greeting::new(callers_nonce));
    silence.hand_over(to_peer, &greeting).await.map_err(|_| Refused::Ended(Ended::Unwelcome))?;
    let reply = timeout(silence.duration(), back.next()).await;
    let reply = reply.map_err(|_| Refused::Ended(Ended::Unreachable))?.map_err(Refused::For)?;
    let reply = reply.ok_or(Refused::Ended(Ended::Unwelcome))?;
    let welcome = Welcome::read(&reply).ok_or(Refused::For("it does not speak this protocol"))?;
    let claim = |by| Claim { by, callers_nonce, called_nonce: welcome.nonce, said: &[] };
    let mut call = Call { visitor: line.visitor(origin), proof: None };
    if let Some(secret) = &line.name.secret {
        if !secret.is_proved(claim(Prover::Called), welcome.proof) {
            return Err(Refused::For("the server that was called does not know the cluster's secret"));
        }
        let said = wire::encode(&call.visitor);
        call.proof = Some(secret.prove(Claim { said: &said, ..claim(Prover::Caller) }));
    }
    let call = wire::frame(&call);
    silence.hand_over(to_peer, &call).await.map_err(|broken| Refused::Ended(broken.into()))
}

/// Returns when the connection is broken or silent, or the queue is closed. A peer of the old
/// version says nothing on it anyway.
async fn send_until_broken(
    line: &Line,
    is_old: bool,
    mut back: Frames,
    mut to_peer: OwnedWriteHalf,
    messages: &mut mpsc::Receiver<Envelope>,
) {
    let silence = line.name.silence;
    let mut beats = silence.beats();
    let mut has_sent = false;
    loop {
        tokio::select! {
            // The peer talks back on this connection only to refuse it; anything else is its end.
            frame = back.next() => {
                let Ok(Some(frame)) = frame else { return };
                if frame.is_empty() {
                    continue;
                }
                let Some(Back { origin, letter: Letter { sent_as, message } }) = wire::decode(&frame) else { return };
                if !matches!(message, Message::Refusal(_)) || sent_as.node != line.to {
                    return;
                }
                let envelope = Envelope { from: line.to, to: line.name.id, sent_as, origin, message };
                let _ = line.inlet.deliver(envelope);
            }
            message = messages.recv() => {
                let Some(Envelope { sent_as, message, .. }) = message else { return };
                let frame = wire::frame(&Letter { sent_as, message });
                let is_large = frame.len() > LARGE;
                if silence.hand_over(&mut to_peer, &frame).await.is_err() {
                    return;
                }
                has_sent = true;
                if is_large {
                    // A peer that catches up must not keep the others waiting.
                    tokio::task::yield_now().await;
                }
            }
            _ = beats.tick(), if !is_old => {
                if back.are_silent() || back.are_stuck(&beats) {
                    return;
                }
                if !std::mem::take(&mut has_sent) && silence.say_alive(&mut to_peer).await.is_err() {
                    return;
                }
            }
        }
    }
}
