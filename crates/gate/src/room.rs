//! A limit on the memory of responses that wait to be read.

use axum::body::Bytes;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Responses of at most this many bytes need no room: the limit on connections bounds them.
pub const SMALL: usize = 16 << 10;

/// A budget of bytes that wait to be read, for all clients together. Clones share it.
#[derive(Debug, Clone)]
pub struct Room(Arc<Semaphore>);

/// A used part of the room.
#[derive(Debug)]
pub struct Share {
    room: Room,
    held: Option<OwnedSemaphorePermit>,
}

/// Bytes, and the room that they take until they are dropped.
struct Held<T> {
    bytes: T,
    _share: Share,
}

impl<T: AsRef<[u8]>> AsRef<[u8]> for Held<T> {
    fn as_ref(&self) -> &[u8] {
        self.bytes.as_ref()
    }
}

impl Room {
    /// A room of this size, in bytes.
    pub fn of(bytes: usize) -> Room {
        Room(Arc::new(Semaphore::new(bytes)))
    }

    /// A share that has nothing yet.
    pub fn share(&self) -> Share {
        Share { room: self.clone(), held: None }
    }

    /// Makes these bytes take their room until they are read; `None` if there is not enough.
    pub fn hold(&self, bytes: impl AsRef<[u8]> + Send + 'static) -> Option<Bytes> {
        self.share().hold(bytes)
    }
}

impl Share {
    /// Grows the share to this size, in bytes. Returns `false` if there is not enough room.
    pub fn grow_to(&mut self, bytes: usize) -> bool {
        let has = self.held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let needs = if bytes <= SMALL { 0 } else { bytes };
        let Some(more) = needs.checked_sub(has).filter(|more| *more > 0) else { return true };
        let Ok(more) = u32::try_from(more) else { return false };
        let Ok(more) = self.room.0.clone().try_acquire_many_owned(more) else { return false };
        match &mut self.held {
            Some(held) => held.merge(more),
            None => self.held = Some(more),
        }
        true
    }

    /// Makes these bytes keep the share until they are read; `None` if there is not enough room.
    pub fn hold(mut self, bytes: impl AsRef<[u8]> + Send + 'static) -> Option<Bytes> {
        let has_room = self.grow_to(bytes.as_ref().len());
        has_room.then(|| Bytes::from_owner(Held { bytes, _share: self }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_taken_until_the_bytes_are_gone() {
        let room = Room::of(SMALL * 4);
        let first = room.hold(vec![1; SMALL * 3]).unwrap();
        assert!(room.hold(vec![1; SMALL * 2]).is_none());
        assert!(room.hold(vec![1; SMALL]).is_some(), "what is small needs none");
        let part = first.slice(..10);
        drop(first);
        assert!(room.hold(vec![1; SMALL * 2]).is_none(), "some of it is still there");
        drop(part);
        assert!(room.hold(vec![1; SMALL * 4]).is_some());
    }

    #[test]
    fn a_share_grows_while_there_is_room() {
        let room = Room::of(SMALL * 4);
        let mut share = room.share();
        assert!(share.grow_to(SMALL * 2) && share.grow_to(SMALL) && share.grow_to(SMALL * 4));
        assert!(!share.grow_to(SMALL * 4 + 1));
        assert!(room.hold(vec![1; SMALL * 2]).is_none());
        drop(share.hold(vec![1; SMALL * 2]).unwrap());
        assert!(room.hold(vec![1; SMALL * 4]).is_some());
    }
}
