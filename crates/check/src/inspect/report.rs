//! The report of an inspection: what was found, and the figures beside it.

use feedlab_loadgen::transport::shown;
use hyper::Version;
use serde::Serialize;

use super::arrivals::Picture;
use super::finding::{Finding, Mark};
use super::seen::{Found, Seen};
use super::text::quoted;
use super::watch::Session;
use crate::connection::{DialTimes, Encryption};

/// What an inspection found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Where the stream is in the end, without secrets.
    pub url: String,
    /// The method.
    pub method: String,
    /// The transport.
    pub transport: Found,
    /// The status of the answer.
    pub status: Option<u16>,
    /// Its media type.
    pub content_type: Option<String>,
    /// The version of HTTP.
    pub http: Option<&'static str>,
    /// The version of TLS, and the protocol that was agreed on.
    pub tls: Option<Encryption>,
    /// How long each step took.
    pub times: Option<Times>,
    /// What came.
    pub counts: Counts,
    /// The arrivals of events, drawn.
    pub pictures: Vec<Picture>,
    /// The findings, in a fixed order.
    pub findings: Vec<Finding>,
    /// Whether it was interrupted, so that not everything was tried.
    pub interrupted: bool,
}

/// How long each step to the first event took, µs.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Times {
    /// The connection.
    pub connection: DialTimes,
    /// From the request to the head of the answer.
    pub first_byte_us: u64,
    /// From the request to the first byte of the body.
    pub first_body_byte_us: Option<u64>,
    /// From the request to the first event.
    pub first_event_us: Option<u64>,
}

/// What came on all connections to the stream.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Counts {
    /// How long it was watched, µs.
    pub watched_us: u64,
    /// Events or messages.
    pub events: u64,
    /// Comments, or pings.
    pub comments: u64,
    /// Bytes of the body as they were sent.
    pub wire_bytes: u64,
    /// Bytes of the body after decompression.
    pub body_bytes: u64,
    /// The longest time without a byte, µs.
    pub longest_silence_us: u64,
    /// How often it reconnected.
    pub reconnects: usize,
    /// All connections, with short ones and those to the origin.
    pub connections: usize,
}

impl Report {
    /// Returns the findings with a mark.
    pub fn with(&self, mark: Mark) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| finding.mark == mark)
    }
}

/// Returns the name of a version of HTTP.
pub(super) const fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "HTTP/0.9",
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2",
        Version::HTTP_3 => "HTTP/3",
        _ => "HTTP/1.1",
    }
}

/// Makes the report.
pub(super) fn of(seen: &Seen, findings: Vec<Finding>, connections: usize, interrupted: bool) -> Report {
    let first = seen.first();
    Report {
        url: shown(&seen.url),
        method: seen.method.to_string(),
        transport: seen.found,
        status: first.map(|session| session.head.status),
        content_type: first.map(|session| quoted(session.head.text("content-type").unwrap_or_default())),
        http: first.map(|session| version(session.head.version)),
        tls: first.and_then(|session| session.head.encryption.clone()),
        times: first.map(times),
        counts: counts(seen, connections),
        pictures: pictures(seen),
        findings,
        interrupted,
    }
}

fn times(session: &Session) -> Times {
    Times {
        connection: session.head.dial,
        first_byte_us: session.head.first_byte_us,
        first_body_byte_us: session.record.first_body_us,
        first_event_us: session.record.first_event_us,
    }
}

fn counts(seen: &Seen, connections: usize) -> Counts {
    let mut counts = Counts { reconnects: seen.sessions.len().saturating_sub(1), connections, ..Counts::default() };
    for Session { record, .. } in &seen.sessions {
        counts.watched_us += record.watched_us;
        counts.events += record.framing.events;
        counts.comments += record.framing.comments() + record.pings;
        counts.wire_bytes += record.wire;
        counts.body_bytes += record.decoded;
        counts.longest_silence_us = counts.longest_silence_us.max(record.arrivals.longest_silence_us);
    }
    counts
}

/// Draws the session with most events, and the companions, over the same time.
fn pictures(seen: &Seen) -> Vec<Picture> {
    let Some(best) = seen.best().filter(|_| seen.is_stream()) else { return Vec::new() };
    let over_us = best.record.watched_us;
    let others = [("without compression", &seen.identity), ("direct", &seen.direct)];
    let others = others.into_iter().filter_map(|(name, session)| Some((name, session.as_ref()?)));
    let all = std::iter::once(("arrivals", best)).chain(others);
    let picture = |(name, session): (&str, &Session)| Picture {
        of: name.to_owned(),
        row: session.record.arrivals.row(over_us, later_us(best, session)),
        column_us: over_us / super::COLUMNS as u64,
    };
    all.map(picture).collect()
}

/// How much later than another session one began, µs.
fn later_us(one: &Session, other: &Session) -> i64 {
    let us = |later: &Session, earlier: &Session| {
        i64::try_from(later.asked.saturating_duration_since(earlier.asked).as_micros()).unwrap_or(i64::MAX)
    };
    us(one, other) - us(other, one)
}
