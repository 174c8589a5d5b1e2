//! Frames on a connection, and when it is dead.
//!
//! TCP itself takes many minutes to notice that the other end is gone, and after an outage it may wait for as long again
//! as the outage lasted. So both ends send signs of life, and an end that receives nothing for a few election timeouts
//! gives the connection up.

use crate::wire::{self, LARGEST_FRAME, LARGEST_INTRODUCTION, LENGTH, SIGN_OF_LIFE};
use consensus::Timing;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};
use tokio_util::bytes::BytesMut;

/// Number of beats in a row without a byte after which a peer counts as silent.
const SILENT_BEATS: u32 = 5;

/// How long a peer may be silent, in longest election timeouts.
const SILENT_TIMEOUTS: u32 = 5;

/// Lower bound for that, so that a busy machine has time to send something.
const SHORTEST_SILENCE: Duration = Duration::from_millis(1500);

/// Upper bound for that, so that a dead connection is replaced in reasonable time.
const LONGEST_SILENCE: Duration = Duration::from_secs(30);

/// Time limit for a frame to arrive completely, once it has begun.
const FRAME_PATIENCE: Duration = Duration::from_secs(30);

/// Maximum number of bytes read at once, and so the memory that an incomplete frame holds beyond what has arrived.
const READ_AT_ONCE: usize = 64 << 10;

/// How long a peer may be silent before its connection is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Silence(Duration);

impl Silence {
    pub(super) fn of(timing: &Timing) -> Silence {
        let longest = timing.election_timeout_max() * SILENT_TIMEOUTS;
        Silence(longest.clamp(SHORTEST_SILENCE, LONGEST_SILENCE))
    }

    pub(super) fn duration(self) -> Duration {
        self.0
    }

    /// Beats at which each end says that it is there.
    pub(super) fn beats(self) -> Interval {
        let mut beats = interval(self.0 / SILENT_BEATS);
        // After a pause of this process, peers get the full time again.
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        beats
    }

    /// Hands bytes over to a connection.
    ///
    /// # Errors
    /// If it is broken, or has taken nothing for that time.
    pub(super) async fn hand_over(self, to: &mut OwnedWriteHalf, bytes: &[u8]) -> Result<(), Broken> {
        let mut rest = bytes;
        while !rest.is_empty() {
            match timeout(self.0, to.write(rest)).await {
                Ok(Ok(written)) if written > 0 => rest = &rest[written..],
                _ => return Err(Broken),
            }
        }
        Ok(())
    }

    pub(super) async fn say_alive(self, to: &mut OwnedWriteHalf) -> Result<(), Broken> {
        self.hand_over(to, &SIGN_OF_LIFE).await
    }
}

/// The connection can no longer be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Broken;

/// The frames that come over a connection.
pub(super) struct Frames {
    from: OwnedReadHalf,
    /// What has come of the next frames.
    come: BytesMut,
    /// No frame may have more bytes.
    largest: usize,
    /// Has anything come since the last beat?
    has_heard: bool,
    /// Number of beats in a row in which nothing came.
    silent_beats: u32,
    /// Number of beats since the frame began that is coming.
    beats_of_frame: u32,
}

impl Frames {
    /// Those of a caller whose handshake is not complete: they are short.
    pub(super) fn new(from: OwnedReadHalf) -> Frames {
        let (come, largest) = (BytesMut::new(), LARGEST_INTRODUCTION);
        Frames { from, come, largest, has_heard: false, silent_beats: 0, beats_of_frame: 0 }
    }

    /// It has said who it is: from now on frames may be long.
    pub(super) fn admit(&mut self) {
        self.largest = LARGEST_FRAME;
    }

    /// The next frame; none at the connection's end. Nothing is lost if it is not waited for to the end.
    pub(super) async fn next(&mut self) -> Result<Option<BytesMut>, &'static str> {
        loop {
            if let Some(frame) = wire::take_frame(&mut self.come, self.largest)? {
                self.beats_of_frame = 0;
                return Ok(Some(frame));
            }
            let missing = self.come.first_chunk::<LENGTH>().map_or(LENGTH, |length| {
                (LENGTH + u32::from_be_bytes(*length) as usize).saturating_sub(self.come.len())
            });
            self.come.reserve(missing.clamp(READ_AT_ONCE / 8, READ_AT_ONCE));
            match self.from.read_buf(&mut self.come).await {
                // The connection broke, or ended within a frame. A killed server leaves that behind.
                Ok(0) | Err(_) => return Ok(None),
                Ok(_) => self.has_heard = true,
            }
        }
    }

    /// At the connection's end: it must not be within a frame.
    pub(super) fn end_in_between(&self) -> Result<(), &'static str> {
        if self.come.is_empty() { Ok(()) } else { Err("it ended before its handshake was complete") }
    }

    /// At each beat: has nothing come for too long?
    pub(super) fn are_silent(&mut self) -> bool {
        let has_heard = std::mem::take(&mut self.has_heard);
        self.silent_beats = if has_heard { 0 } else { self.silent_beats + 1 };
        self.silent_beats >= SILENT_BEATS
    }

    /// At each beat: does the frame that has begun take too long?
    pub(super) fn are_stuck(&mut self, beats: &Interval) -> bool {
        self.beats_of_frame = if self.come.is_empty() { 0 } else { self.beats_of_frame + 1 };
        beats.period() * self.beats_of_frame > FRAME_PATIENCE
    }
}
