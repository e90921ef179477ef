//! The headers of requests and responses (the message heads), byte for byte as the HTTP libraries of the clients and
//! the server write them.
//!
//! The grammar is that of RFC 9112 (sections 3 and 4); the set of headers is chosen by the libraries (hyper and
//! tungstenite as clients, hyper as server) and was taken from a capture. Numbers that differ from request to request
//! are written with one digit; callers add the others.

use feedlab_feed::transport::{AFTER, PUBLISH_PATH};
use feedlab_feed::wire::poll;
use feedlab_feed::{Cursor, Epoch, Transport};

use crate::headers::{ANY, TEXT, request_headers};
use crate::scenario::Headers;

/// The server's address in a run: an ephemeral port, which almost always has five digits.
const AUTHORITY: &str = "127.0.0.1:40000";
/// All HTTP dates have the same length (RFC 9110, section 5.6.7).
const DATE: &str = "Mon, 23 Nov 2026 19:07:09 GMT";

/// Names and values of headers.
pub(crate) type Pairs<'a> = Vec<(&'a str, &'a str)>;

/// Returns the head of a transport's request for a path and query, with the headers that the transport itself sets.
pub(crate) fn request(transport: Transport, target: &str, own: Pairs<'_>, headers: Headers) -> String {
    with_headers(&format!("GET {target} HTTP/1.1"), transport, own, headers)
}

/// Returns the endpoint's path with the cursor to resume from.
pub(crate) fn resume(transport: Transport) -> String {
    format!("{}?{AFTER}={}", transport.path(), cursor())
}

/// Returns the head of the POST with which clients of transports other than WebSocket publish; its query names the
/// transport. `length` is the length of the body in bytes.
pub(crate) fn post(transport: Transport, headers: Headers, length: usize) -> String {
    let (origin, length) = (origin(), length.to_string());
    let own = vec![ANY, TEXT, ("origin", &*origin), ("content-length", &*length)];
    with_headers(&format!("POST {PUBLISH_PATH}?{} HTTP/1.1", transport.publish_query()), transport, own, headers)
}

/// Headers that the transport sets itself take precedence over those of the profile.
fn with_headers(start: &str, transport: Transport, mut own: Pairs<'_>, headers: Headers) -> String {
    own.push(("host", AUTHORITY));
    let more = request_headers(headers, transport, &origin());
    let more = more.iter().filter(|(name, _)| !own.iter().any(|(own, _)| own.eq_ignore_ascii_case(name)));
    let all: Pairs<'_> = own.iter().copied().chain(more.map(|(name, value)| (*name, &**value))).collect();
    text(start, &all)
}

fn origin() -> String {
    format!("http://{AUTHORITY}")
}

/// Returns the head of a response; the length of the body is written with one digit.
pub(crate) fn answer(status: &str, mut own: Pairs<'_>) -> String {
    own.extend([("x-content-type-options", "nosniff"), ("date", DATE)]);
    text(&format!("HTTP/1.1 {status}"), &own)
}

/// Returns an example epoch: all epochs have the same length.
pub(crate) fn epoch() -> Epoch {
    Epoch::of(b"predicted")
}

/// Returns a cursor whose `seq` has one digit.
pub(crate) fn cursor() -> Cursor {
    Cursor::new(epoch(), 0)
}

/// Returns the entity tag of that cursor.
pub(crate) fn tag() -> String {
    poll::etag(cursor())
}

fn text(start: &str, headers: &Pairs<'_>) -> String {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("{start}\r\n{headers}\r\n")
}
