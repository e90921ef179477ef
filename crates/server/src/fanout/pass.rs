//! One pass over the streams of a shard: what they are sent, encoded once, and how many were sent it.

use std::sync::Arc;

use bytes::Bytes;
use feedlab_feed::Transport;
use feedlab_feed::stream::MAX_PIECES;

use crate::entry::{Encoding, Entry};
use crate::limits::MAX_BATCH_BYTES;
use crate::meter::Meters;
use crate::ring::Batch;

/// The updates that followed the last pass.
pub(crate) struct Pass {
    /// The `seq` before the first and of the last of them.
    from: u64,
    to: u64,
    entries: Vec<Arc<Entry>>,
    /// Whether there are more than a stream may hold, for another pass.
    has_more: bool,
    payload_bytes: u64,
    /// All of them in each encoding, as one piece; made for the first stream that needs it.
    encoded: [Option<Bytes>; Encoding::ALL.len()],
    /// Streams that were sent the updates, by encoding, and the bytes that their sockets took; since the last
    /// [`settle`](Self::settle).
    sent: [Sent; Encoding::ALL.len()],
    /// The number of places, the next one, and how many are left. Places that are added meanwhile are not part of it.
    places: usize,
    next: usize,
    left: usize,
}

#[derive(Clone, Copy, Default)]
struct Sent {
    streams: u64,
    bytes: u64,
}

impl Pass {
    /// Creates a pass over this many places, beginning at one of them. It takes as many of the updates as a stream may
    /// hold.
    pub(super) fn new(batch: Batch, places: usize, first: usize) -> Self {
        let mut bytes = 0;
        let fits = |entry: &&Arc<Entry>| {
            let fits = bytes <= MAX_BATCH_BYTES;
            bytes += entry.len();
            fits
        };
        let count = batch.entries.iter().take_while(fits).count();
        let Batch { resume: from, mut entries, .. } = batch;
        let has_more = count < entries.len() || count == MAX_PIECES;
        entries.truncate(count);
        Self {
            from,
            to: from + count as u64,
            has_more,
            payload_bytes: entries.iter().map(|entry| entry.len() as u64).sum(),
            entries,
            encoded: Default::default(),
            sent: Default::default(),
            places,
            next: first,
            left: places,
        }
    }

    /// The `seq` of a stream that has received everything before the pass.
    pub(crate) const fn from(&self) -> u64 {
        self.from
    }

    /// The `seq` of the last update.
    pub(crate) const fn to(&self) -> u64 {
        self.to
    }

    /// Whether there are more updates than a stream may hold, for another pass.
    pub(super) const fn has_more(&self) -> bool {
        self.has_more
    }

    /// The next place. Places that were added meanwhile are not part of the pass: what is there begins with all updates.
    pub(super) fn next(&mut self) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        let place = self.next % self.places;
        self.next = place + 1;
        Some(place)
    }

    /// The updates in an encoding.
    pub(crate) fn bytes(&mut self, encoding: Encoding) -> &Bytes {
        let Self { encoded, entries, .. } = self;
        encoded[encoding as usize].get_or_insert_with(|| joined(entries, encoding))
    }

    /// Counts a stream whose socket took this many bytes of the updates at once, and the rest later.
    pub(crate) const fn sent(&mut self, encoding: Encoding, bytes: usize) {
        let sent = &mut self.sent[encoding as usize];
        sent.streams += 1;
        sent.bytes += bytes as u64;
    }

    /// Adds what was sent to the counters of the endpoints.
    pub(super) fn settle(&mut self, meters: &Meters) {
        for (encoding, sent) in Encoding::ALL.into_iter().zip(std::mem::take(&mut self.sent)) {
            if sent.streams > 0 {
                let of = if encoding == Encoding::Frame { Transport::WebSocket } else { Transport::Sse };
                let endpoint = meters.endpoint(of);
                endpoint.updates.add(sent.streams * self.entries.len() as u64);
                endpoint.payload_bytes.add(sent.streams * self.payload_bytes);
                endpoint.bytes_out.add(sent.bytes);
            }
        }
    }
}

/// Returns the updates in one piece: the shared bytes of a single one, a copy of several.
fn joined(entries: &[Arc<Entry>], encoding: Encoding) -> Bytes {
    if let [entry] = entries {
        return entry.encoded(encoding);
    }
    entries.iter().map(|entry| entry.encoded(encoding)).collect::<Vec<_>>().concat().into()
}

#[cfg(test)]
mod tests;
