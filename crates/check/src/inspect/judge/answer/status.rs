//! The status, or why there is none.

use std::time::Duration;

use crate::inspect::exchange::{Failure, Head};
use crate::inspect::finding::{Finding, Id};
use crate::inspect::seen::{Found, Seen};
use crate::inspect::text::span;
use crate::inspect::watch::Session;

/// Whether it was answered as a stream is.
pub(in crate::inspect::judge) fn status(seen: &Seen) -> Option<Finding> {
    if let Some(failure) = &seen.failure {
        return Some(failed(seen, failure));
    }
    let Some(session) = seen.first() else {
        return Some(Id::Status.not_tested("interrupted before there was a response", &[]));
    };
    let status = session.head.status;
    let first_byte = span(session.head.first_byte_us);
    if status == 101 && seen.found == Found::WebSocket {
        return Some(Id::Status.good(format!("101, first byte {first_byte}")));
    }
    if status == 101 {
        return Some(Id::Status.bad("101, but Sec-WebSocket-Accept does not match the key", &[ACCEPT]));
    }
    if matches!(status, 200 | 304) || (status == 204 && seen.found == Found::LongPoll) {
        return Some(Id::Status.good(format!("{status}, first byte {first_byte}")));
    }
    if seen.lost.is_some() {
        return None;
    }
    let mut fix: Vec<&str> = remedies(status).to_vec();
    if at_origin(seen.direct.as_ref(), status) {
        fix.insert(0, "the origin answers with 200: check what is in between, its upstream address and its timeouts");
    }
    Some(Id::Status.bad(format!("{status}{}, first byte {first_byte}", meaning(status)), &fix))
}

const ACCEPT: &str = "something in between answered instead of the server: make it forward the Sec-WebSocket headers";

fn at_origin(direct: Option<&Session>, status: u16) -> bool {
    direct.is_some_and(|direct| matches!(direct.head.status, 101 | 200) && direct.head.status != status)
}

fn failed(seen: &Seen, failure: &Failure) -> Finding {
    if matches!(failure, Failure::NoHead { bytes: 0, .. }) {
        return without_a_byte(seen, failure);
    }
    let fix: &[&str] = match failure {
        Failure::HeadTooLarge => &["find out what sets these headers, such as cookies; nginx accepts 4 to 8 KiB"],
        Failure::NoHead { .. } => &["the head arrives piece by piece: check what writes it, and how"],
        Failure::Broken { .. } => &["check that the port is right and speaks HTTP; use https:// if it is encrypted"],
    };
    Id::Status.bad(failure.to_string(), fix)
}

/// Nothing arrived at all: a proxy or the application holds the head back, or a long poll has nothing new.
fn without_a_byte(seen: &Seen, failure: &Failure) -> Finding {
    if seen.identity.as_ref().is_some_and(|identity| identity.head.is_event_stream()) {
        return Id::Status.not_tested(format!("{failure}: see compression"), &[]);
    }
    if seen.direct.is_some() || seen.without_body.as_ref().is_some_and(Head::is_event_stream) {
        return Id::Status.not_tested(format!("{failure}: see buffering"), &[]);
    }
    let fix = [
        "application: send the head immediately, before the first event (res.flushHeaders() in Node)",
        "or a buffer in between waits until it is full: find out with --direct ORIGIN or --for 2m",
        "or it is a long poll with nothing new: try --for 60s",
    ];
    if seen.watch >= LONGEST_HOLD {
        return Id::Status.bad(failure.to_string(), &fix[..2]);
    }
    Id::Status.warn(failure.to_string(), &fix)
}

/// No long poll is held longer than this: proxies would cut it.
const LONGEST_HOLD: Duration = Duration::from_secs(60);

const fn meaning(status: u16) -> &'static str {
    match status {
        204 => " (no content)",
        401 | 403 => " (access denied)",
        404 | 410 => " (not found)",
        405 => " (method not allowed)",
        406 => " (not acceptable)",
        426 => " (upgrade required)",
        429 => " (too many requests)",
        502 => " (a proxy cannot reach the application)",
        503 => " (temporarily unavailable)",
        504 => " (a proxy got no response in time)",
        _ => "",
    }
}

const fn remedies(status: u16) -> &'static [&'static str] {
    match status {
        204 => &["204 tells an EventSource to stop permanently: send 200 with a body that stays open"],
        401 | 403 => &[
            "log in as a page does, with --cookie, --bearer-env NAME or --header; add --origin if the server checks it",
        ],
        404 | 410 => &[
            "check the path",
            "for a path prefix, nginx strips it if proxy_pass ends with a slash, as in location /app/ { proxy_pass http://127.0.0.1:3000/; }",
        ],
        405 => &["try --method POST --body TEXT; an EventSource can only send GET"],
        406 => &["application: answer Accept: text/event-stream with that type"],
        426 | 501 => &["it may expect an upgrade other than WebSocket, or another path"],
        429 => &["wait as long as Retry-After says; exempt stream reconnects from the rate limit"],
        502 => &["start the application, or correct the proxy's upstream address and port"],
        503 => &[
            "during a deployment: keep the old server until the new one is up, and let nginx try the next: proxy_next_upstream error timeout http_503;",
            "at other times: it may be a limit on connections or requests (nginx: limit_conn, limit_req); each stream occupies a connection",
            "page: an EventSource does not reconnect after this; in onerror, create a new one if readyState is 2",
        ],
        504 => &["application: send the head immediately; proxy: raise the read timeout for this path"],
        300..=399 => &["follow the redirect yourself, and use the final URL"],
        500..=599 => &["check the application's log"],
        _ => &["an EventSource requires status 200"],
    }
}
