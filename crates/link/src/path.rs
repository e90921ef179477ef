//! The path of one direction of a connection: the bytes in flight, and when they arrive.
//!
//! Pure bookkeeping: callers pass the time, and there are no sockets here.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use feedlab_feed::link::Network;

use crate::rng::Rng;

/// The most that may be in flight in one direction, bytes. Beyond it the proxy stops reading, and TCP flow control
/// holds the sender back.
const MAX_IN_FLIGHT: usize = 1 << 20;

/// The least that may be in flight, bytes, however slow the link is: about the size of a router's queue.
const MIN_IN_FLIGHT: usize = 64 << 10;

/// The overhead of an entry besides its bytes, bytes. It is counted so that many small entries do not escape the limit.
const ENTRY_OVERHEAD: usize = 128;

/// The size of a piece where bandwidth is limited, bytes: a TCP segment on Ethernet (RFC 894, RFC 9293 section 3.7.1).
const SEGMENT: usize = 1460;

/// What an entry carries: bytes, or an end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Load {
    Bytes(Bytes),
    /// The sender has closed its side.
    Fin,
    /// The connection was reset.
    Reset,
}

#[derive(Debug)]
struct Entry {
    due: Instant,
    load: Load,
}

/// The path of one direction.
#[derive(Debug)]
pub(crate) struct Path {
    entries: VecDeque<Entry>,
    /// Bytes that the buffer holds back until it is full.
    held_back: BytesMut,
    /// The bytes and the overhead of all entries, bytes.
    weight: usize,
    /// The bytes of all entries.
    bytes: usize,
    /// When the handshake is over: nothing is sent before.
    open_at: Instant,
    /// When the last byte so far has left the sender, if bandwidth is limited.
    link_free: Instant,
    /// When the last entry so far arrives. No later entry overtakes it.
    last_due: Instant,
    rng: Rng,
}

impl Path {
    pub(crate) fn new(open_at: Instant, rng: Rng) -> Self {
        Self {
            entries: VecDeque::new(),
            held_back: BytesMut::new(),
            weight: 0,
            bytes: 0,
            open_at,
            link_free: open_at,
            last_due: open_at,
            rng,
        }
    }

    /// Whether there is room for more bytes.
    pub(crate) fn has_room(&self, network: &Network) -> bool {
        self.weight < window(network)
    }

    /// Returns the number of bytes that have not arrived yet.
    pub(crate) fn held(&self) -> usize {
        self.bytes + self.held_back.len()
    }

    /// Whether nothing is in flight. Bytes that the buffer holds back do not count.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Sends bytes at `now`.
    pub(crate) fn send(&mut self, bytes: &[u8], now: Instant, network: &Network) {
        self.dispatch(Bytes::copy_from_slice(bytes), now, network);
    }

    /// Adds bytes to the buffer, which holds them back until it is full.
    pub(crate) fn hold_back(&mut self, bytes: &[u8], now: Instant, network: &Network) {
        self.held_back.extend_from_slice(bytes);
        self.release(now, network);
    }

    /// Sends the buffered bytes if the buffer is full, or no longer configured.
    pub(crate) fn release(&mut self, now: Instant, network: &Network) {
        let enough = network.buffer_bytes.unwrap_or(0);
        if !self.held_back.is_empty() && self.held_back.len() as u64 >= enough {
            self.flush(now, network);
        }
    }

    fn flush(&mut self, now: Instant, network: &Network) {
        let bytes = std::mem::take(&mut self.held_back).freeze();
        self.dispatch(bytes, now, network);
    }

    /// Sends an end at `now`: it travels like bytes, behind those that were sent before.
    pub(crate) fn end(&mut self, end: Load, now: Instant, network: &Network) {
        self.flush(now, network);
        let leaves = now.max(self.open_at).max(self.link_free);
        self.push(end, leaves, network);
    }

    /// Ends the path at the proxy: what is in flight still arrives, followed by a FIN.
    pub(crate) fn cut(&mut self, now: Instant, network: &Network) {
        self.flush(now, network);
        self.last_due = self.last_due.max(now);
        self.entries.push_back(Entry { due: self.last_due, load: Load::Fin });
    }

    fn dispatch(&mut self, mut bytes: Bytes, now: Instant, network: &Network) {
        let start = now.max(self.open_at);
        let Some(bandwidth) = network.bandwidth_bytes_per_s else {
            if !bytes.is_empty() {
                self.push(Load::Bytes(bytes), start, network);
            }
            return;
        };
        while !bytes.is_empty() {
            let segment = bytes.split_to(bytes.len().min(segment(bandwidth)));
            self.link_free = self.link_free.max(start) + time_of(segment.len(), bandwidth);
            self.push(Load::Bytes(segment), self.link_free, network);
        }
    }

    fn push(&mut self, load: Load, leaves: Instant, network: &Network) {
        let arrives = leaves + network.rtt / 2 + self.rng.up_to(network.jitter);
        self.last_due = self.last_due.max(arrives);
        if let Load::Bytes(bytes) = &load {
            self.bytes += bytes.len();
            self.weight += bytes.len() + ENTRY_OVERHEAD;
        }
        self.entries.push_back(Entry { due: self.last_due, load });
    }

    /// Returns when the next entry arrives.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.entries.front().map(|entry| entry.due)
    }

    /// Takes an end that has arrived, once everything before it has been taken.
    pub(crate) fn take_end(&mut self, now: Instant) -> Option<Load> {
        let is_end = |entry: &mut Entry| entry.due <= now && !matches!(entry.load, Load::Bytes(_));
        self.entries.pop_front_if(is_end).map(|entry| entry.load)
    }

    /// Fills `slices` with the pieces that have arrived, as many as fit, and returns how many these are.
    pub(crate) fn arrived<'a>(&'a self, now: Instant, slices: &mut [IoSlice<'a>]) -> usize {
        let due = self.entries.iter().take_while(|entry| entry.due <= now);
        let pieces = due.map_while(|entry| match &entry.load {
            Load::Bytes(bytes) => Some(IoSlice::new(bytes)),
            Load::Fin | Load::Reset => None,
        });
        slices.iter_mut().zip(pieces).map(|(slice, piece)| *slice = piece).count()
    }

    /// Removes `count` bytes, which have been written to the receiver.
    pub(crate) fn delivered(&mut self, mut count: usize) {
        self.bytes -= count;
        while let Some(Entry { load: Load::Bytes(bytes), .. }) = self.entries.front_mut() {
            if count < bytes.len() {
                let _ = bytes.split_to(count);
                self.weight -= count;
                return;
            }
            count -= bytes.len();
            self.weight -= bytes.len() + ENTRY_OVERHEAD;
            self.entries.pop_front();
        }
        self.free_if_empty();
    }

    /// Frees the memory of an idle path.
    fn free_if_empty(&mut self) {
        if self.entries.is_empty() && self.entries.capacity() > 16 {
            self.entries = VecDeque::new();
        }
    }

    /// Discards everything in flight: the receiver has disconnected.
    pub(crate) fn discard(&mut self) {
        self.entries = VecDeque::new();
        self.held_back = BytesMut::new();
        (self.bytes, self.weight) = (0, 0);
    }
}

/// Returns how many bytes may be in flight: the bandwidth-delay product, like a sender's window.
fn window(network: &Network) -> usize {
    let Some(bandwidth) = network.bandwidth_bytes_per_s else { return MAX_IN_FLIGHT };
    let micros = (network.rtt + network.jitter * 2).as_micros();
    let fits = u128::from(bandwidth) * micros / 1_000_000;
    usize::try_from(fits).unwrap_or(usize::MAX).clamp(MIN_IN_FLIGHT, MAX_IN_FLIGHT)
}

/// Returns the size of a piece, bytes. On a fast link a piece takes half a millisecond, so that not every segment needs
/// a timer.
fn segment(bandwidth: u64) -> usize {
    usize::try_from(bandwidth / 2000).unwrap_or(usize::MAX).max(SEGMENT)
}

/// Returns how long `bytes` take at `per_s` bytes per second.
pub(crate) fn time_of(bytes: usize, per_s: u64) -> Duration {
    let nanos = bytes as u128 * 1_000_000_000 / u128::from(per_s.max(1));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
