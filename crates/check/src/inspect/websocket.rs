//! A WebSocket, watched: the handshake (RFC 6455, section 4), and messages, pings and the close code of the server.

use std::time::Instant;

use bytes::Bytes;
use feedlab_feed::clock;
use hyper::Method;
use hyper::header::{
    ACCEPT, CACHE_CONTROL, CONNECTION, HeaderValue, ORIGIN, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use super::arrivals::Arrival;
use super::exchange::{Answer, Ask};
use super::watch::{End, Record, Session, Watching};
use crate::decode::Coding;
use crate::frames::{self, BINARY, CLOSE, CONTINUATION, Header, PING, PONG, TEXT};
use crate::limits::MAX_EVENT_BYTES;

/// Returns the request of a handshake, and the answer that proves that it was understood.
pub(super) fn handshake(ask: &Ask, origin: &str) -> (Ask, String) {
    let key = frames::key();
    let mut upgrade = Ask { method: Method::GET, headers: ask.headers.clone(), body: Bytes::new() };
    upgrade.headers.remove(ACCEPT);
    upgrade.headers.remove(CACHE_CONTROL);
    upgrade.headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    upgrade.headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    upgrade.headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    let mut upgrade = upgrade.with(SEC_WEBSOCKET_KEY, &key);
    if !upgrade.headers.contains_key(ORIGIN) {
        // A browser sends one, and many servers require it.
        upgrade = upgrade.with(ORIGIN, origin);
    }
    (upgrade, frames::accept_of(&key))
}

/// Whether an answer opens the WebSocket that was asked for.
pub(super) fn is_open(answer: &Answer, accept: &str) -> bool {
    answer.head.status == 101 && answer.head.text(SEC_WEBSOCKET_ACCEPT.as_str()) == Some(accept)
}

/// Watches a WebSocket that was opened, until a deadline, its end, or `stop`.
pub(super) async fn watch(
    answer: Answer,
    until: Instant,
    watching: &mut dyn Watching,
    stop: &CancellationToken,
) -> Session {
    let Answer { head, response, asked, connection } = answer;
    let mut record = Record::new(Coding::Identity);
    let head_us = head.first_byte_us;
    match hyper::upgrade::on(response).await {
        Ok(socket) => {
            let mut socket = TokioIo::new(socket);
            record.end = read(&mut socket, &mut record, (asked, head_us, until), watching, stop).await;
            // The peer may be gone.
            let _ = timeout_at(
                (clock::now() + CLOSE_TIME).into(),
                socket.write_all(&control(CLOSE, &NORMAL.to_be_bytes())),
            )
            .await;
        }
        Err(error) => record.end = End::Cut(super::exchange::with_causes(&error)),
    }
    record.watched_us = clock::micros(asked.elapsed());
    record.arrivals.end(record.watched_us, head_us);
    drop(connection);
    Session { head, asked, record }
}

/// How long a last frame may take to be written.
const CLOSE_TIME: std::time::Duration = std::time::Duration::from_millis(500);
/// The status of a close that is as it should be (RFC 6455, section 7.4.1).
const NORMAL: u16 = 1000;
const BEAT: std::time::Duration = std::time::Duration::from_secs(1);

async fn read(
    socket: &mut TokioIo<Upgraded>,
    record: &mut Record,
    (asked, head_us, until): (Instant, u64, Instant),
    watching: &mut dyn Watching,
    stop: &CancellationToken,
) -> End {
    let (mut frames, mut buffer) = (Frames::default(), vec![0; 16 << 10]);
    loop {
        let beat = clock::now() + BEAT;
        let read = tokio::select! {
            biased;
            () = stop.cancelled() => return End::Open,
            read = socket.read(&mut buffer) => Some(read),
            () = sleep_until(until.min(beat).into()) => None,
        };
        let at_us = clock::micros(asked.elapsed());
        match read {
            Some(Ok(0)) => return End::Closed(None),
            Some(Ok(n)) => {
                if let Some(end) = frames.take(&buffer[..n], record, (at_us, head_us)) {
                    return end;
                }
                for ping in std::mem::take(&mut frames.pings) {
                    let pong = control(PONG, &ping);
                    let writing = timeout_at(until.into(), socket.write_all(&pong));
                    // If it cannot be written, the next read says why.
                    _ = stop.run_until_cancelled(writing).await;
                }
            }
            Some(Err(error)) => return End::Cut(super::text::quoted(&error.to_string())),
            None => {}
        }
        if watching.seen(record, at_us, head_us) || clock::now() >= until {
            return End::Open;
        }
    }
}

/// Returns a client's control frame. What it carries is cut to what one may have, 125 bytes.
fn control(opcode: u8, payload: &[u8]) -> Vec<u8> {
    frames::encode(opcode, payload.get(..125).unwrap_or(payload), true, Some(frames::mask()), false)
}

/// Reads a server's frames (RFC 6455, section 5.2).
#[derive(Debug, Default)]
struct Frames {
    /// Bytes of an incomplete frame; at most a message and the head of a frame.
    pending: Vec<u8>,
    /// The fragments of a message.
    message: Vec<u8>,
    /// The payloads of pings that are to be answered.
    pings: Vec<Vec<u8>>,
}

impl Frames {
    /// Takes bytes. Returns how the connection ends, if it does with them.
    fn take(&mut self, bytes: &[u8], record: &mut Record, (at_us, head_us): (u64, u64)) -> Option<End> {
        record.wire += bytes.len() as u64;
        record.decoded += bytes.len() as u64;
        record.first_body_us.get_or_insert(at_us);
        self.pending.extend_from_slice(bytes);
        let before = (record.framing.events, record.pings);
        let end = self.frames(record, at_us);
        let (events, comments) = (record.framing.events - before.0, record.pings - before.1);
        if events > 0 {
            record.first_event_us.get_or_insert(at_us);
        }
        let (wire, inside) = (bytes.len() as u64, !self.pending.is_empty());
        record.arrivals.push(Arrival { at_us, last_us: at_us, wire, bytes: wire, events, comments, inside }, head_us);
        end
    }

    fn frames(&mut self, record: &mut Record, at_us: u64) -> Option<End> {
        let mut from = 0;
        let end = loop {
            let Some(header) = Header::read(&self.pending[from..]) else { break None };
            let length = usize::try_from(header.length).unwrap_or(usize::MAX);
            if length > MAX_EVENT_BYTES || self.message.len() + length > MAX_EVENT_BYTES {
                break Some(End::EventTooLarge);
            }
            let begin = from + header.size;
            let Some(payload) = self.pending.get(begin..begin + length) else { break None };
            match header.opcode {
                CLOSE => break Some(End::Closed(payload.first_chunk().map(|code| u16::from_be_bytes(*code)))),
                PING => {
                    record.pings += 1;
                    self.pings.push(payload.to_vec());
                }
                CONTINUATION | TEXT | BINARY => {
                    self.message.extend_from_slice(payload);
                    if header.fin {
                        record.framing.message(&self.message, at_us);
                        self.message.clear();
                    }
                }
                _ => {}
            }
            from = begin + length;
        };
        self.pending.drain(..from);
        end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_whatever_chunks_they_come_in() {
        let bytes =
            [&[0x81, 2][..], b"ab", &[0x89, 1, b'p'], &[0x01, 1, b'c', 0x80, 1, b'd'], &[0x88, 2, 3, 0xe9]].concat();
        for size in 1..=bytes.len() {
            let (mut frames, mut record) = (Frames::default(), Record::new(Coding::Identity));
            let end = bytes.chunks(size).find_map(|chunk| frames.take(chunk, &mut record, (0, 0)));
            assert_eq!((end, record.framing.events, record.pings), (Some(End::Closed(Some(1001))), 2, 1), "{size}");
        }
    }

    #[test]
    fn a_message_that_is_too_large_is_not_collected() {
        let (mut frames, mut record) = (Frames::default(), Record::new(Coding::Identity));
        let head = [&[0x82, 127][..], &u64::MAX.to_be_bytes()].concat();
        assert_eq!(frames.take(&head, &mut record, (0, 0)), Some(End::EventTooLarge));
        let fragment = [&[0x02, 127][..], &(1_u64 << 20).to_be_bytes(), &[0; 1 << 20]].concat();
        let mut frames = Frames::default();
        assert_eq!(frames.take(&fragment, &mut record, (0, 0)), None);
        assert_eq!(frames.take(&[0x00, 1, 0], &mut record, (0, 0)), Some(End::EventTooLarge));
    }
}
