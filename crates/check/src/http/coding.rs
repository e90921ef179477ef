//! The body of a response without its content coding, up to the limit of a check.

use std::io;

use super::Head;
use crate::decode::{Coding, Decoder, Rest};
use crate::limits;

/// A body whose coding is undone.
pub(super) struct Content {
    decoder: Decoder,
    /// The bytes that have come out in all.
    total: usize,
}

impl Content {
    /// Returns the body of a response, and what is wrong with its coding.
    pub(super) fn of(head: &Head) -> (Self, Option<String>) {
        let coding = Coding::of(head.all("content-encoding"));
        let (coding, unknown) = match coding {
            Coding::Other(other) => {
                (Coding::Identity, Some(format!("the content coding `{}` was not requested", other.escape_debug())))
            }
            known => (known, None),
        };
        (Self { decoder: Decoder::new(&coding, Rest::Read), total: 0 }, unknown)
    }

    /// Adds to `content` all that can be decoded after these bytes.
    pub(super) fn undo(&mut self, bytes: &[u8], content: &mut Vec<u8>) -> Result<(), String> {
        self.run(content, |decoder, take| decoder.push(bytes, take))
    }

    /// Checks that the coding ends where the body does.
    pub(super) fn finish(&mut self, content: &mut Vec<u8>) -> Result<(), String> {
        self.run(content, |decoder, take| decoder.finish(take))
    }

    fn run(
        &mut self,
        content: &mut Vec<u8>,
        step: impl FnOnce(&mut Decoder, &mut dyn FnMut(&[u8]) -> bool) -> io::Result<()>,
    ) -> Result<(), String> {
        let total = &mut self.total;
        let result = step(&mut self.decoder, &mut |piece| {
            *total += piece.len();
            let has_room = *total <= limits::BODY;
            content.extend_from_slice(if has_room { piece } else { &[] });
            has_room
        });
        if self.total > limits::BODY {
            return Err(format!("the body is over {} MiB after decompression", limits::BODY >> 20));
        }
        result.map_err(|error| format!("the compressed body is corrupt: {error}"))
    }
}
