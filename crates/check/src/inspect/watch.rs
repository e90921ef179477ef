//! Reads the body of one answer for a time, and records what arrives and when; of the body itself only its beginning is
//! kept.

use std::time::Instant;

use feedlab_feed::clock;
use http_body_util::BodyExt as _;
use hyper::header::CONTENT_ENCODING;
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;

use super::arrivals::{Arrival, Arrivals, Silences};
use super::exchange::{Answer, Head, with_causes};
use super::framing::Framing;
use crate::decode::{Coding, Decoder, Rest};
use crate::limits::{MAX_BODY_BYTES, MAX_SAMPLE_BYTES};

/// One answer, watched.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) head: Head,
    /// When the request was sent.
    pub(super) asked: Instant,
    pub(super) record: Record,
}

/// What a body consisted of.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) coding: Coding,
    /// Whether the body could not be decompressed.
    pub(super) undecoded: bool,
    /// Bytes as they were sent, and after decompression.
    pub(super) wire: u64,
    pub(super) decoded: u64,
    /// The first byte and the first event of the body, µs after the request.
    pub(super) first_body_us: Option<u64>,
    pub(super) first_event_us: Option<u64>,
    pub(super) arrivals: Arrivals,
    pub(super) framing: Framing,
    /// The beginning of the body.
    pub(super) sample: Vec<u8>,
    /// How long it was watched, µs after the request.
    pub(super) watched_us: u64,
    pub(super) end: End,
    /// Pings of a WebSocket.
    pub(super) pings: u64,
}

/// Silence before an end that makes it the end of an idle stream, µs.
const IDLE_US: u64 = 1_000_000;

/// How watching ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It was still open when the time was over, or when enough had been seen.
    Open,
    /// The server ended it cleanly.
    Ended,
    /// The connection broke. Holds the reason.
    Cut(String),
    /// An event was larger than is read.
    EventTooLarge,
    /// The body was larger than is read.
    BodyTooLarge,
    /// A WebSocket was closed with this code, if there was one.
    Closed(Option<u16>),
}

impl Record {
    pub(super) fn new(coding: Coding) -> Self {
        Self {
            coding,
            undecoded: false,
            wire: 0,
            decoded: 0,
            first_body_us: None,
            first_event_us: None,
            arrivals: Arrivals::default(),
            framing: Framing::new(),
            sample: Vec::new(),
            watched_us: 0,
            end: End::Open,
            pings: 0,
        }
    }

    /// How long the silence before the end lasted, µs, if it is the reason for the end: it is longer than any before.
    pub(super) fn cut_in_silence_us(&self) -> Option<u64> {
        let Silences { last_us, before_us } = self.arrivals.silences();
        (self.is_over() && last_us >= IDLE_US && last_us >= before_us + before_us / 2).then_some(last_us)
    }

    /// Whether the server or something in between ended it.
    pub(super) const fn is_over(&self) -> bool {
        matches!(self.end, End::Ended | End::Cut(_) | End::Closed(_))
    }

    /// Adds bytes that arrived. Returns how watching ends, if it does with them.
    fn push(&mut self, decoder: &mut Decoder, bytes: &[u8], (at_us, head_us): (u64, u64)) -> Option<End> {
        self.wire += bytes.len() as u64;
        self.first_body_us.get_or_insert(at_us);
        let (before, mut end) = (self.decoded, None);
        let mut arrival = Arrival { at_us, last_us: at_us, wire: bytes.len() as u64, ..Arrival::default() };
        let decoded = decoder.push(bytes, |piece| {
            self.decoded += piece.len() as u64;
            let room = MAX_SAMPLE_BYTES - self.sample.len();
            self.sample.extend_from_slice(&piece[..piece.len().min(room)]);
            match self.framing.push(piece, at_us) {
                Ok(added) => {
                    arrival.events += u64::from(added.events);
                    arrival.comments += u64::from(added.comments);
                }
                Err(_) => end = Some(End::EventTooLarge),
            }
            if self.decoded > MAX_BODY_BYTES {
                end.get_or_insert(End::BodyTooLarge);
            }
            end.is_none()
        });
        self.undecoded |= decoded.is_err();
        arrival.bytes = self.decoded - before;
        arrival.inside = self.framing.is_inside_line();
        if arrival.events > 0 {
            self.first_event_us.get_or_insert(at_us);
        }
        self.arrivals.push(arrival, head_us);
        end
    }
}

/// Receives what happens to an answer while it is watched.
pub(super) trait Watching {
    /// Something arrived, or a second has passed. Returns whether enough has been seen.
    fn seen(&mut self, record: &Record, at_us: u64, head_us: u64) -> bool;
}

/// Reports nothing, and watches to the end.
pub(super) struct Unseen;

impl Watching for Unseen {
    fn seen(&mut self, _: &Record, _: u64, _: u64) -> bool {
        false
    }
}

/// Watches until enough events have come.
pub(super) struct Events(pub(super) u64);

impl Watching for Events {
    fn seen(&mut self, record: &Record, _: u64, _: u64) -> bool {
        record.framing.events >= self.0
    }
}

/// Watches an answer until a deadline, until it ends, or until `stop`.
pub(super) async fn watch(
    answer: Answer,
    until: Instant,
    watching: &mut dyn Watching,
    stop: &CancellationToken,
) -> Session {
    let Answer { head, response, asked, connection } = answer;
    let coding = Coding::of(head.headers.get_all(CONTENT_ENCODING).iter().filter_map(|value| value.to_str().ok()));
    let (mut decoder, mut record) = (Decoder::new(&coding, Rest::Ignored), Record::new(coding));
    let mut body = response.into_body();
    let head_us = head.first_byte_us;
    let mut beat = clock::now() + BEAT;
    loop {
        let next = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            frame = body.frame() => Some(frame),
            () = sleep_until(until.min(beat).into()) => None,
        };
        let at_us = clock::micros(asked.elapsed());
        match next {
            Some(Some(Ok(frame))) => {
                let Ok(bytes) = frame.into_data() else { continue };
                if let Some(end) = record.push(&mut decoder, &bytes, (at_us, head_us)) {
                    record.end = end;
                    break;
                }
            }
            Some(Some(Err(error))) => {
                record.end = End::Cut(with_causes(&error));
                break;
            }
            Some(None) => {
                record.end = End::Ended;
                break;
            }
            None => beat = clock::now() + BEAT,
        }
        if watching.seen(&record, at_us, head_us) || clock::now() >= until {
            break;
        }
    }
    record.watched_us = clock::micros(asked.elapsed());
    record.arrivals.end(record.watched_us, head_us);
    drop(connection);
    Session { head, asked, record }
}

/// How often a silent stream is reported.
const BEAT: std::time::Duration = std::time::Duration::from_secs(1);
