//! A client that reads the `seq`s of updates from the bytes of a transport.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Sse,
    WebSocket,
    LongPoll,
}

pub(super) struct Messages {
    kind: Kind,
    stream: TcpStream,
    buffer: Vec<u8>,
    /// Whether the head of the stream has been read.
    is_open: bool,
    /// All bytes that were read.
    pub(super) bytes: u64,
}

impl Messages {
    pub(super) const fn new(kind: Kind, stream: TcpStream) -> Self {
        Self { kind, stream, buffer: Vec::new(), is_open: false, bytes: 0 }
    }

    /// Asks for what follows a `seq`.
    pub(super) async fn ask(&mut self, seq: u64) {
        let upgrade = "Upgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        let (path, fields) = match self.kind {
            Kind::Sse => ("sse?", ""),
            Kind::WebSocket => ("ws?", upgrade),
            Kind::LongPoll => ("long-poll?hold=60s&", ""),
        };
        let request = format!("GET /feed/{path}after={seq} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n");
        self.stream.write_all(request.as_bytes()).await.unwrap();
    }

    /// Returns the `seq`s of the updates that come next, at least one.
    pub(super) async fn next(&mut self) -> Vec<u64> {
        loop {
            let updates = self.complete();
            if !updates.is_empty() {
                return updates;
            }
            let count = self.stream.read_buf(&mut self.buffer).await.unwrap();
            assert!(count > 0, "{:?} is closed after {}", self.kind, String::from_utf8_lossy(&self.buffer));
            self.bytes += count as u64;
        }
    }

    /// Takes the complete updates from the buffer.
    fn complete(&mut self) -> Vec<u64> {
        if self.kind == Kind::LongPoll {
            return self.answer().unwrap_or_default();
        }
        if !self.is_open {
            self.is_open = self.through(b"\r\n\r\n").is_some();
        }
        let mut updates = Vec::new();
        while self.is_open {
            let message = if self.kind == Kind::Sse { self.through(b"\n\n\r\n") } else { self.frame() };
            let Some(message) = message else { break };
            updates.extend(seq(self.kind, &String::from_utf8_lossy(&message)));
        }
        updates
    }

    /// Takes everything through a text.
    fn through(&mut self, end: &[u8]) -> Option<Vec<u8>> {
        let at = self.buffer.windows(end.len()).position(|window| window == end)?;
        Some(self.buffer.drain(..at + end.len()).collect())
    }

    /// Takes the payload of a frame of less than 64 KiB: RFC 6455, section 5.2.
    fn frame(&mut self) -> Option<Vec<u8>> {
        let (head, len) = match *self.buffer.get(..4)? {
            [_, 126, high, low] => (4, usize::from(u16::from_be_bytes([high, low]))),
            [_, len, ..] => (2, usize::from(len)),
            _ => return None,
        };
        assert!(len < 1 << 16);
        (self.buffer.len() >= head + len).then(|| self.buffer.drain(..head + len).skip(head).collect())
    }

    /// Takes an answer with a body.
    fn answer(&mut self) -> Option<Vec<u64>> {
        let text = String::from_utf8_lossy(&self.buffer).into_owned();
        let (head, body) = text.split_once("\r\n\r\n")?;
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        let len: usize = head.split("content-length: ").nth(1)?.split("\r\n").next()?.parse().ok()?;
        let body = body.get(..len)?;
        self.buffer.drain(..head.len() + 4 + len);
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert!(body["gap"].is_null(), "{body}");
        Some(body["updates"].as_array().unwrap().iter().map(|update| update["seq"].as_u64().unwrap()).collect())
    }
}

/// Returns the `seq` of a message if it is an update.
fn seq(kind: Kind, message: &str) -> Option<u64> {
    if kind == Kind::Sse {
        assert!(!message.contains("event: gap"), "{message}");
        let is_update = message.contains("\ndata: {\"at\":");
        let id = message.split("id: ").nth(1).filter(|_| is_update)?.split('\n').next()?;
        return id.rsplit('.').next()?.parse().ok();
    }
    let message: serde_json::Value = serde_json::from_str(message).unwrap();
    assert!(message["gap"].is_null(), "{message}");
    message["seq"].as_u64()
}
