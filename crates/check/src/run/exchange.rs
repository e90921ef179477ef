//! An exchange of a case: a connection, what it was opened for, and what has arrived on it.

use bytes::Bytes;

use crate::connection::{Connection, Received};
use crate::contract::{Endpoint, Frame};
use crate::frames::{self, Incoming, Message};
use crate::http::{self, Response};
use crate::trace::readable;

/// A connection with its purpose.
pub(super) struct Exchange {
    /// Its name in the trace; members of a group are numbered.
    pub(super) name: String,
    /// What it was opened for.
    pub(super) endpoint: Endpoint,
    /// The method of its request, on which the framing of the answer depends.
    pub(super) method: String,
    /// The `Sec-WebSocket-Key` that was sent.
    pub(super) key: Option<String>,
    /// The connection.
    pub(super) connection: Connection,
}

/// What has arrived on an exchange until now, read.
pub(super) struct View {
    /// The bytes.
    pub(super) received: Received,
    /// The answer in them.
    pub(super) response: Response,
    /// The frames after an upgrade.
    pub(super) frames: Vec<Incoming>,
    /// The messages in the frames.
    pub(super) messages: Vec<Message>,
    /// What is wrong with the answer or with a frame, so that no client reads further.
    pub(super) problem: Option<String>,
}

impl Exchange {
    /// Reads what has arrived until now.
    pub(super) fn view(&self) -> View {
        let received = self.connection.recording().view(Clone::clone);
        let response = http::parse(&received, &self.method);
        let (frames, problem) = response.upgraded.as_deref().map(frames::parse).unwrap_or_default();
        let messages = frames::messages(&frames);
        let problem = response.problem.clone().or(problem);
        View { received, response, frames, messages, problem }
    }

    /// Whether the answer is a stream that never ends by itself.
    pub(super) fn is_stream(&self) -> bool {
        matches!(self.endpoint, Endpoint::Sse | Endpoint::Websocket)
    }
}

impl View {
    /// Whether the answer has ended: nothing more of it can arrive, even if the connection stays open.
    pub(super) const fn is_over(&self) -> bool {
        self.response.complete && self.response.upgraded.is_none()
    }

    /// The status of the answer.
    pub(super) fn status(&self) -> Option<u16> {
        self.response.head.as_ref().map(|head| head.status)
    }

    /// The status in words, or what is there instead of an answer.
    pub(super) fn status_text(&self) -> String {
        match (&self.response.head, &self.problem) {
            (Some(head), _) => format!("status {} {}", head.status, head.reason).trim_end().to_owned(),
            (None, Some(problem)) => format!("no HTTP response ({problem})"),
            (None, None) => "no response".to_owned(),
        }
    }

    /// The close frame, if one arrived.
    pub(super) fn close_frame(&self) -> Option<&Incoming> {
        self.frames.iter().find(|frame| frame.opcode == frames::CLOSE)
    }

    /// The bytes of the answer's head, before an upgrade.
    pub(super) fn head_bytes(&self) -> Vec<u8> {
        let upgraded: usize = self.response.upgraded.iter().flatten().map(|(_, bytes)| bytes.len()).sum();
        let mut bytes = concat(&self.received.chunks);
        bytes.truncate(bytes.len().saturating_sub(upgraded));
        bytes
    }

    /// Whether some bytes arrived: as they were sent, or in the body after codings are undone.
    pub(super) fn contains(&self, wanted: &[u8]) -> bool {
        let found = |bytes: &[u8]| wanted.is_empty() || memmem(bytes, wanted);
        found(&concat(&self.response.body)) || found(&concat(&self.received.chunks))
    }
}

/// The pieces as one.
pub(super) fn concat(pieces: &[(std::time::Duration, Bytes)]) -> Vec<u8> {
    pieces.iter().flat_map(|(_, bytes)| bytes.iter().copied()).collect()
}

fn memmem(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

/// A frame in words, as in `text frame: hello`.
pub(super) fn describe_frame(opcode: u8, fin: bool, payload: &[u8]) -> String {
    let part = if fin { "" } else { " (its message continues)" };
    let frame = Frame(opcode);
    if opcode == frames::CLOSE && payload.len() >= 2 {
        let code = u16::from_be_bytes([payload[0], payload[1]]);
        return format!("close frame: {code} {}", readable(&payload[2..])).trim_end().to_owned();
    }
    format!("{frame} frame{part}: {}", readable(payload)).trim_end_matches([':', ' ']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_described() {
        assert_eq!(describe_frame(1, true, b"hi"), "text frame: hi");
        assert_eq!(describe_frame(2, false, b"\xff"), "binary frame (its message continues): \\xff");
        assert_eq!(describe_frame(8, true, b"\x03\xe9bye"), "close frame: 1001 bye");
        assert_eq!(describe_frame(8, true, b""), "close frame");
        assert_eq!(describe_frame(3, true, b"x"), "opcode 3 frame: x");
    }
}
