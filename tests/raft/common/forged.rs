//! The messages of a program that poses as a server, in the format that crates/runtime/src/wire.rs describes.

use consensus::{Message, NodeId, Origin};
use trace::EventId;

/// The default name of a cluster.
pub const NAME: &str = "raft";

/// A frame: its length, and its content.
pub fn frame(content: &[u8]) -> Vec<u8> {
    [&(content.len() as u32).to_be_bytes(), content].concat()
}

/// The caller: a peer (0), its cluster, sender and receiver, its port, no promise of a lease, and its origin.
fn visitor(from: u64, to: NodeId, origin: Origin) -> Vec<u8> {
    postcard::to_allocvec(&(0_u32, NAME, from, to, 9_u16, None::<()>, origin)).unwrap()
}

/// The first frame of version 5.
pub fn hello(from: u64, to: NodeId, origin: Origin) -> Vec<u8> {
    let begin = postcard::to_allocvec(&(*b"RAFT", 5_u16)).unwrap();
    frame(&[begin, visitor(from, to, origin)].concat())
}

/// The first frame of version 5 of a program that asks for the status (1).
pub fn asks_status() -> Vec<u8> {
    frame(&postcard::to_allocvec(&(*b"RAFT", 5_u16, 1_u32)).unwrap())
}

/// The first frame of version 6: the newest and the oldest version that is spoken, and a random number.
pub fn greeting() -> Vec<u8> {
    let nonce: [u8; 16] = std::array::from_fn(|_| fastrand::u8(..));
    frame(&postcard::to_allocvec(&(*b"RAFT", 6_u16, 6_u16, nonce)).unwrap())
}

/// The second frame of version 6, perhaps with a proof that the secret is known.
pub fn call(from: u64, to: NodeId, origin: Origin, proof: Option<[u8; 32]>) -> Vec<u8> {
    frame(&[visitor(from, to, origin), postcard::to_allocvec(&proof).unwrap()].concat())
}

/// A frame with a message.
pub fn letter(from: u64, message: &Message) -> Vec<u8> {
    let sent_as = EventId { node: NodeId(from), life: 1, seq: 1 };
    frame(&postcard::to_allocvec(&(sent_as, message)).unwrap())
}
