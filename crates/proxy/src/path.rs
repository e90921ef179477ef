//! The way in one direction of one connection: what is on it, and when it arrives.
//!
//! Pure bookkeeping over moments that it is given: it knows no sockets and no clock.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use feedlab_feed::link::Network;

use crate::rng::Rng;

/// At most so much is on its way in one direction; then the proxy stops reading, and the sender's own TCP holds it back.
const MAX_ON_ITS_WAY: usize = 1 << 20;

/// At least so much may be, however slow the way is: what a router's queue takes.
const MIN_ON_ITS_WAY: usize = 64 << 10;

/// What an entry costs beside its bytes. Counted, so that many small ones do not escape the limit.
const ENTRY: usize = 128;

/// What is sent as one piece where bandwidth is limited: a segment of Ethernet (RFC 894, RFC 9293 section 3.7.1).
const SEGMENT: usize = 1460;

/// Bytes, or an end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Load {
    Bytes(Bytes),
    /// The sender has no more to say.
    Fin,
    /// The connection was torn.
    Reset,
}

#[derive(Debug)]
struct Entry {
    due: Instant,
    load: Load,
}

/// One direction.
#[derive(Debug)]
pub(crate) struct Path {
    entries: VecDeque<Entry>,
    /// What is held back until enough has come together.
    held_back: BytesMut,
    /// Bytes and overhead of the entries.
    weight: usize,
    bytes: usize,
    /// Nothing can be sent before the handshake is over.
    open_at: Instant,
    /// When the last byte so far has left the sender, where bandwidth is limited.
    link_free: Instant,
    /// When the last entry so far arrives. Nothing overtakes it.
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

    /// Whether it takes more.
    pub(crate) fn has_room(&self, network: &Network) -> bool {
        self.weight < window(network)
    }

    /// Bytes that have not arrived yet.
    pub(crate) fn held(&self) -> usize {
        self.bytes + self.held_back.len()
    }

    /// Nothing is on its way. What is held back is not.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Sends bytes now.
    pub(crate) fn send(&mut self, bytes: &[u8], now: Instant, network: &Network) {
        self.dispatch(Bytes::copy_from_slice(bytes), now, network);
    }

    /// Takes bytes that are held back until enough have come together.
    pub(crate) fn hold_back(&mut self, bytes: &[u8], now: Instant, network: &Network) {
        self.held_back.extend_from_slice(bytes);
        self.release(now, network);
    }

    /// Sends what was held back, if it is enough now, or if nothing is held back any more.
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

    /// The sender ends now; the word of it travels like bytes, behind them.
    pub(crate) fn end(&mut self, end: Load, now: Instant, network: &Network) {
        self.flush(now, network);
        let leaves = now.max(self.open_at).max(self.link_free);
        self.push(end, leaves, network);
    }

    /// The way ends where the proxy is: what is on it still arrives, and then a FIN.
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
            self.weight += bytes.len() + ENTRY;
        }
        self.entries.push_back(Entry { due: self.last_due, load });
    }

    /// When the next entry arrives.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.entries.front().map(|entry| entry.due)
    }

    /// An end that has arrived, and everything before it.
    pub(crate) fn take_end(&mut self, now: Instant) -> Option<Load> {
        let is_end = |entry: &mut Entry| entry.due <= now && !matches!(entry.load, Load::Bytes(_));
        self.entries.pop_front_if(is_end).map(|entry| entry.load)
    }

    /// The bytes that have arrived, as many pieces as fit, and how many these are.
    pub(crate) fn arrived<'a>(&'a self, now: Instant, slices: &mut [IoSlice<'a>]) -> usize {
        let due = self.entries.iter().take_while(|entry| entry.due <= now);
        let pieces = due.map_while(|entry| match &entry.load {
            Load::Bytes(bytes) => Some(IoSlice::new(bytes)),
            Load::Fin | Load::Reset => None,
        });
        slices.iter_mut().zip(pieces).map(|(slice, piece)| *slice = piece).count()
    }

    /// So many bytes have been handed over.
    pub(crate) fn delivered(&mut self, mut count: usize) {
        self.bytes -= count;
        while let Some(Entry { load: Load::Bytes(bytes), .. }) = self.entries.front_mut() {
            if count < bytes.len() {
                let _ = bytes.split_to(count);
                self.weight -= count;
                return;
            }
            count -= bytes.len();
            self.weight -= bytes.len() + ENTRY;
            self.entries.pop_front();
        }
        self.rest();
    }

    /// An idle way keeps no memory.
    fn rest(&mut self) {
        if self.entries.is_empty() && self.entries.capacity() > 16 {
            self.entries = VecDeque::new();
        }
    }

    /// Whoever would receive it is gone: all that is on its way is lost.
    pub(crate) fn lose(&mut self) {
        self.entries = VecDeque::new();
        self.held_back = BytesMut::new();
        (self.bytes, self.weight) = (0, 0);
    }
}

/// What may be on its way: what fits into the round-trip time at this bandwidth, as a sender's window does.
fn window(network: &Network) -> usize {
    let Some(bandwidth) = network.bandwidth_bytes_per_s else { return MAX_ON_ITS_WAY };
    let micros = (network.rtt + network.jitter * 2).as_micros();
    let fits = u128::from(bandwidth) * micros / 1_000_000;
    usize::try_from(fits).unwrap_or(usize::MAX).clamp(MIN_ON_ITS_WAY, MAX_ON_ITS_WAY)
}

/// A fast line carries half a millisecond in one piece, so that it does not cost an alarm a segment.
fn segment(bandwidth: u64) -> usize {
    usize::try_from(bandwidth / 2000).unwrap_or(usize::MAX).max(SEGMENT)
}

/// How long so many bytes take at so many a second.
pub(crate) fn time_of(bytes: usize, per_s: u64) -> Duration {
    let nanos = bytes as u128 * 1_000_000_000 / u128::from(per_s.max(1));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
