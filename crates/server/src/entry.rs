//! An update of the history with its encoding for each transport: each is made at most once, by the first connection
//! that needs it, for all of them. The ring decides how long it is kept.

use std::sync::OnceLock;

use bytes::Bytes;
use feedlab_feed::wire::{sse, update_json, websocket};
use feedlab_feed::{Epoch, Update};

/// How a stream's updates are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// An event in an HTTP chunk of its own.
    Chunk,
    /// The same event for a client that knows no chunks.
    Event,
    /// A WebSocket frame.
    Frame,
}

impl Encoding {
    pub(crate) const ALL: [Self; 3] = [Self::Chunk, Self::Event, Self::Frame];
}

/// An update and its encodings, each in a buffer of exactly its size.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    epoch: Epoch,
    pub(crate) update: Update,
    json: OnceLock<Bytes>,
    sse_chunk: OnceLock<Bytes>,
    frame: OnceLock<Bytes>,
}

impl Entry {
    pub(crate) const fn new(epoch: Epoch, update: Update) -> Self {
        Self { epoch, update, json: OnceLock::new(), sse_chunk: OnceLock::new(), frame: OnceLock::new() }
    }

    /// The length of the payload, bytes.
    pub(crate) fn len(&self) -> usize {
        self.update.data.len()
    }

    /// The JSON object of the polling endpoints.
    pub(crate) fn json(&self) -> &Bytes {
        self.json.get_or_init(|| update_json(&self.update).into_boxed_str().into_boxed_bytes().into())
    }

    /// The update in the encoding of a stream.
    pub(crate) fn encoded(&self, encoding: Encoding) -> Bytes {
        match encoding {
            Encoding::Chunk => self.sse_chunk().clone(),
            Encoding::Event => sse::unchunked(self.sse_chunk()),
            Encoding::Frame => self.frame().clone(),
        }
    }

    /// The event, as one chunk of a chunked body.
    pub(crate) fn sse_chunk(&self) -> &Bytes {
        self.sse_chunk.get_or_init(|| sse::chunk(sse::update_event(self.epoch, &self.update).as_bytes()))
    }

    /// The WebSocket frame.
    pub(crate) fn frame(&self) -> &Bytes {
        self.frame.get_or_init(|| websocket::update_frame(&self.update))
    }

    /// Releases the encodings for streams, except where a stream still has to send them.
    pub(crate) fn drop_stream_encodings(&mut self) {
        self.sse_chunk = OnceLock::new();
        self.frame = OnceLock::new();
    }

    #[cfg(test)]
    pub(crate) fn is_encoded_for_streams(&self) -> bool {
        self.sse_chunk.get().is_some() && self.frame.get().is_some()
    }
}
