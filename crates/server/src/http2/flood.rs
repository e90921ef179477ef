//! Watches what a client sends on an HTTP/2 connection, before the library reads it: frames that carry nothing, and
//! resets.
//!
//! The library bounds the memory that frames take, and many kinds of frames by their number (see [`super::builder`]).
//! It answers any number of PING and SETTINGS, though, reads any number of WINDOW_UPDATE and PRIORITY, and lets a client
//! open and reset any number of streams (CVE-2023-44487), as long as it waits for each to be accepted.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use feedlab_feed::clock;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::limits::{BYTES_PER_FRAME, MAX_EMPTY_FRAMES, MAX_RESETS};
use crate::wire::Wire;

/// Bytes of the client's preface and of a frame's head: RFC 9113, sections 3.4 and 4.1.
const PREFACE_BYTES: u32 = 24;
const HEAD_BYTES: usize = 9;
/// The types of the frames that are distinguished (section 6), and the flag of the last one of a stream.
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const END_STREAM: u8 = 1;

/// A connection whose frames are counted. Once there are too many of them, nothing more is read, and the task that polls
/// the connection finds out from [`is_flooded`](Flood::is_flooded).
pub(super) struct Watched<'a> {
    wire: &'a mut Wire,
    flood: &'a Flood,
    frames: Frames,
    budget: Budget,
}

/// Whether a client has sent too much: the library owns the connection, so its task reads it here.
#[derive(Debug, Default)]
pub(super) struct Flood(std::sync::atomic::AtomicBool);

impl Flood {
    pub(super) fn is_flooded(&self) -> bool {
        self.0.load(std::sync::atomic::Ordering::Relaxed)
    }

    fn begin(&self) {
        self.0.store(true, std::sync::atomic::Ordering::Relaxed);
    }
}

impl<'a> Watched<'a> {
    /// Watches a connection of which nothing has been read.
    pub(super) fn new(wire: &'a mut Wire, flood: &'a Flood) -> Self {
        Self { wire, flood, frames: Frames::default(), budget: Budget::new(clock::now()) }
    }

    fn wrote(&mut self, written: &Poll<io::Result<usize>>) {
        if let Poll::Ready(Ok(bytes)) = written {
            self.budget.earned += *bytes as u64;
        }
    }
}

impl AsyncRead for Watched<'_> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.flood.is_flooded() {
            return Poll::Pending;
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut *self.wire).poll_read(cx, buf))?;
        let seen = self.frames.count(&buf.filled()[before..]);
        if seen != Seen::default() && !self.budget.allows(seen, clock::now()) {
            self.flood.begin();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Watched<'_> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut *self.wire).poll_write(cx, bytes);
        self.wrote(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut *self.wire).poll_write_vectored(cx, slices);
        self.wrote(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.wire.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.wire).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.wire).poll_shutdown(cx)
    }
}

/// The frames of some bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Seen {
    resets: u32,
    /// Frames without a part of a request.
    empty: u32,
}

/// Where the client's frames begin and end: their heads may come in pieces.
#[derive(Debug)]
struct Frames {
    /// Bytes until the next head.
    skip: u32,
    head: [u8; HEAD_BYTES],
    has: usize,
}

impl Default for Frames {
    fn default() -> Self {
        Self { skip: PREFACE_BYTES, head: [0; HEAD_BYTES], has: 0 }
    }
}

impl Frames {
    fn count(&mut self, mut bytes: &[u8]) -> Seen {
        let mut seen = Seen::default();
        loop {
            let skipped = bytes.len().min(self.skip as usize);
            self.skip -= skipped as u32;
            bytes = &bytes[skipped..];
            let taken = bytes.len().min(HEAD_BYTES - self.has);
            if taken == 0 {
                return seen;
            }
            self.head[self.has..self.has + taken].copy_from_slice(&bytes[..taken]);
            self.has += taken;
            bytes = &bytes[taken..];
            if self.has == HEAD_BYTES {
                self.has = 0;
                self.enter(&mut seen);
            }
        }
    }

    /// Counts the frame whose head is complete.
    fn enter(&mut self, seen: &mut Seen) {
        let [high, mid, low, kind, flags, ..] = self.head;
        self.skip = u32::from_be_bytes([0, high, mid, low]);
        match kind {
            RST_STREAM => seen.resets += 1,
            HEADERS => {}
            DATA if self.skip > 0 || flags & END_STREAM != 0 => {}
            _ => seen.empty += 1,
        }
    }
}

/// What a client may send: a number of frames in each second, and more of them the more it has received.
#[derive(Debug)]
struct Budget {
    /// The start of the second that is counted.
    began: Instant,
    sent: Seen,
    /// Bytes sent to the client that it has not used yet.
    earned: u64,
}

impl Budget {
    const fn new(now: Instant) -> Self {
        Self { began: now, sent: Seen { resets: 0, empty: 0 }, earned: 0 }
    }

    /// Counts frames, and returns whether they were still within the limits.
    fn allows(&mut self, seen: Seen, now: Instant) -> bool {
        if now.saturating_duration_since(self.began) >= Duration::from_secs(1) {
            (self.began, self.sent) = (now, Seen::default());
        }
        self.sent.resets += seen.resets;
        self.sent.empty += seen.empty;
        let over = self.sent.empty.saturating_sub(MAX_EMPTY_FRAMES);
        let price = u64::from(over) * BYTES_PER_FRAME;
        self.sent.empty -= over;
        let is_paid = price <= self.earned;
        self.earned = self.earned.saturating_sub(price);
        is_paid && self.sent.resets <= MAX_RESETS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, len: u8) -> Vec<u8> {
        let mut bytes = vec![0, 0, len, kind, flags, 0, 0, 0, 1];
        bytes.resize(HEAD_BYTES + usize::from(len), kind);
        bytes
    }

    #[test]
    fn frames_are_distinguished_however_they_are_cut() {
        let frames = [
            vec![3; PREFACE_BYTES as usize], // the preface is no frame
            frame(RST_STREAM, 0, 4),
            frame(HEADERS, 4, 30),
            frame(DATA, 0, 1),
            frame(DATA, END_STREAM, 0),
            frame(DATA, 0, 0),
            frame(6, 0, 8),
            frame(0xFA, 0, 0),
            frame(RST_STREAM, 0, 4),
        ];
        let bytes = frames.concat();
        for size in [1, 2, 7, HEAD_BYTES, 10, bytes.len()] {
            let mut frames = Frames::default();
            let seen: Vec<_> = bytes.chunks(size).map(|piece| frames.count(piece)).collect();
            let sum = |count: fn(&Seen) -> u32| seen.iter().map(count).sum::<u32>();
            assert_eq!((sum(|seen| seen.resets), sum(|seen| seen.empty)), (2, 3), "in pieces of {size}");
        }
    }

    #[test]
    fn a_second_has_a_limit_of_its_own() {
        let start = clock::now();
        let later = |ms| start + Duration::from_millis(ms);
        let mut budget = Budget::new(start);
        let most = Seen { resets: MAX_RESETS, empty: MAX_EMPTY_FRAMES };
        assert!(budget.allows(most, later(999)));
        assert!(budget.allows(most, later(1_000)));
        assert!(!budget.allows(Seen { resets: 1, empty: 0 }, later(1_999)));
        assert!(budget.allows(Seen { resets: 0, empty: 1 }, later(2_100)));
    }

    #[test]
    fn a_client_may_answer_what_it_has_received() {
        let start = clock::now();
        let mut budget = Budget::new(start);
        budget.earned = 10 * BYTES_PER_FRAME;
        let frames = |empty| Seen { resets: 0, empty };
        assert!(budget.allows(frames(MAX_EMPTY_FRAMES + 10), start));
        assert!(!budget.allows(frames(1), start), "each byte counts once");
        assert!(budget.allows(frames(1), start + Duration::from_secs(1)));
    }
}
