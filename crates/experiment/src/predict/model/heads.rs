//! The heads of requests and answers, byte for byte as the clients' and the server's HTTP libraries write them.
//!
//! The grammar is RFC 9112's (sections 3 and 4); which headers there are is the libraries' own choice (hyper and tungstenite
//! as clients, hyper as server) and was read off a capture. What differs from request to request is written with one digit;
//! whoever counts adds the others.

use feedlab_feed::transport::{AFTER, PUBLISH_PATH};
use feedlab_feed::wire::poll;
use feedlab_feed::{Cursor, Epoch, Transport};

use crate::headers::{ANY, TEXT, request_headers};
use crate::scenario::Headers;

/// Where the server of a run listens: an ephemeral port, which has five digits nearly always.
const AUTHORITY: &str = "127.0.0.1:40000";
/// Every date of HTTP has the same length (RFC 9110, section 5.6.7).
const DATE: &str = "Mon, 23 Nov 2026 19:07:09 GMT";

/// Names and values of headers.
pub(crate) type Pairs<'a> = Vec<(&'a str, &'a str)>;

/// The head of a transport's request for a path and query, with the headers that the transport sets itself.
pub(crate) fn request(transport: Transport, target: &str, own: Pairs<'_>, headers: Headers) -> String {
    with_headers(&format!("GET {target} HTTP/1.1"), transport, own, headers)
}

/// The endpoint's path with the cursor to resume from.
pub(crate) fn resume(transport: Transport) -> String {
    format!("{}?{AFTER}={}", transport.path(), cursor())
}

/// The head of a publication's POST with a body of so many bytes, beside another transport than a WebSocket, whose endpoint it
/// names.
pub(crate) fn post(transport: Transport, headers: Headers, length: usize) -> String {
    let (origin, length) = (origin(), length.to_string());
    let own = vec![ANY, TEXT, ("origin", &*origin), ("content-length", &*length)];
    with_headers(&format!("POST {PUBLISH_PATH}?{} HTTP/1.1", transport.publish_query()), transport, own, headers)
}

/// What a transport sets itself goes before what its user would send.
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

/// An answer's head; the length of a body is written with one digit.
pub(crate) fn answer(status: &str, mut own: Pairs<'_>) -> String {
    own.extend([("x-content-type-options", "nosniff"), ("date", DATE)]);
    text(&format!("HTTP/1.1 {status}"), &own)
}

/// An epoch like any other: all are of one length.
pub(crate) fn epoch() -> Epoch {
    Epoch::of(b"predicted")
}

/// A cursor whose `seq` has one digit.
pub(crate) fn cursor() -> Cursor {
    Cursor::new(epoch(), 0)
}

/// The entity tag of a cursor.
pub(crate) fn tag() -> String {
    poll::etag(cursor())
}

fn text(start: &str, headers: &Pairs<'_>) -> String {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("{start}\r\n{headers}\r\n")
}
