//! The heads of requests and answers, byte for byte as the clients' and the server's HTTP libraries write them.
//!
//! The grammar is RFC 9112's (sections 3 and 4) and for the upgrade RFC 6455's (section 4); which headers there are is
//! the libraries' own choice (reqwest and tungstenite as clients, hyper as server) and was read off a capture. What
//! differs from request to request is written with one digit; [`super::bytes`] adds the others.

use feedlab_feed::transport::PUBLISH_PATH;
use feedlab_feed::wire::{poll, sse};
use feedlab_feed::{Cursor, Transport};

use crate::headers::request_headers;
use crate::scenario::{Contender, Headers, Options};

/// Where the server of a run listens: an ephemeral port, which has five digits nearly always.
const AUTHORITY: &str = "127.0.0.1:40000";
/// A server's life in an entity tag: 16 hexadecimal digits. One that begins with a zero is written with fewer: 0.07 bytes
/// on average.
const LIFE: u64 = u64::MAX;
/// Every date of HTTP has the same length (RFC 9110, section 5.6.7).
const DATE: &str = "Mon, 23 Nov 2026 19:07:09 GMT";
/// 16 bytes and 20 bytes in base64: RFC 6455, sections 4.1 and 4.2.2.
const KEY: &str = "Mj5KS/U/jgPx5z23LR147Q==";
const ACCEPT: &str = "waTwO7BrUm9SEP1ulbEysm9/Q/s=";

/// What an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// A poll's, with a body, news in it or not.
    Body,
    /// 204: the hold ended.
    NoContent,
    /// 304: the client has it all.
    NotModified,
    /// The head of a stream.
    Stream,
}

type Pairs<'a> = Vec<(&'a str, &'a str)>;

/// The head of a request with a cursor; `knows` tells whether it names an entity tag too.
pub(super) fn request(contender: &Contender, headers: Headers, knows: bool) -> String {
    let transport = contender.transport();
    let mut own: Pairs<'_> = match transport {
        Transport::ShortPolling | Transport::LongPolling => vec![("accept", "*/*")],
        Transport::Sse => vec![("accept", sse::CONTENT_TYPE), ("cache-control", "no-cache")],
        Transport::WebSocket => vec![
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", KEY),
        ],
    };
    own.push(("host", AUTHORITY));
    own.extend(closes(contender).then_some(("connection", "close")));
    let tag = poll::etag(LIFE, Cursor(0));
    own.extend(knows.then_some(("if-none-match", &*tag)));
    own.extend((transport == Transport::Sse).then_some(("last-event-id", "0")));
    let more = request_headers(headers, transport, &format!("http://{AUTHORITY}"));
    // What a transport sets itself goes before what its user would send.
    let more = more.iter().filter(|(name, _)| !own.iter().any(|(own, _)| own.eq_ignore_ascii_case(name)));
    let all: Pairs<'_> = own.iter().copied().chain(more.map(|(name, value)| (*name, &**value))).collect();
    text(&format!("GET {} HTTP/1.1", target(contender)), &all)
}

/// The head of a publication's POST with a body of so many bytes, beside another transport than a WebSocket.
pub(super) fn post(contender: &Contender, headers: Headers, length: usize) -> String {
    let (origin, length) = (format!("http://{AUTHORITY}"), length.to_string());
    let own: Pairs<'_> = vec![
        ("accept", "*/*"),
        ("content-type", "text/plain"),
        ("origin", &origin),
        ("host", AUTHORITY),
        ("content-length", &length),
    ];
    let more = request_headers(headers, contender.transport(), &origin);
    let more = more.iter().filter(|(name, _)| !own.iter().any(|(own, _)| own.eq_ignore_ascii_case(name)));
    let all: Pairs<'_> = own.iter().copied().chain(more.map(|(name, value)| (*name, &**value))).collect();
    text(&format!("POST {PUBLISH_PATH} HTTP/1.1"), &all)
}

/// Path and query.
fn target(contender: &Contender) -> String {
    let path = contender.transport().path();
    match &contender.options {
        Options::LongPolling { hold, .. } => format!("{path}?after=0&hold={}", poll::hold(*hold)),
        Options::Sse { .. } | Options::Auto { first: Transport::Sse, .. } => path.to_owned(),
        Options::ShortPolling { .. } | Options::WebSocket { .. } | Options::Auto { .. } => format!("{path}?after=0"),
    }
}

/// An answer's head; the length of a body is written with one digit.
pub(super) fn answer(contender: &Contender, answer: Answer) -> String {
    let transport = contender.transport();
    let tag = poll::etag(LIFE, Cursor(0));
    let validators = [("etag", &*tag), ("cache-control", poll::SHORT_CACHE_CONTROL)];
    let uncached = ("cache-control", poll::LONG_CACHE_CONTROL);
    let (status, mut all): (_, Pairs<'_>) = match (transport, answer) {
        (Transport::WebSocket, _) => (
            "101 Switching Protocols",
            vec![("upgrade", "websocket"), ("connection", "upgrade"), ("sec-websocket-accept", ACCEPT)],
        ),
        (Transport::Sse, _) => ("200 OK", [&sse::HEADERS[..], &[("transfer-encoding", "chunked")]].concat()),
        (_, Answer::NotModified) => ("304 Not Modified", validators.to_vec()),
        (_, Answer::NoContent) => ("204 No Content", vec![uncached]),
        (_, Answer::Body | Answer::Stream) => {
            let mut all = vec![("content-type", poll::CONTENT_TYPE), ("content-length", "0")];
            match transport {
                Transport::ShortPolling => all.extend(validators),
                _ => all.push(uncached),
            }
            ("200 OK", all)
        }
    };
    all.extend([("x-content-type-options", "nosniff"), ("date", DATE)]);
    all.extend(closes(contender).then_some(("connection", "close")));
    text(&format!("HTTP/1.1 {status}"), &all)
}

/// Whether each request has a connection of its own.
pub(super) fn closes(contender: &Contender) -> bool {
    matches!(
        contender.options,
        Options::ShortPolling { keep_alive: false, .. } | Options::LongPolling { keep_alive: false, .. }
    )
}

fn text(start: &str, headers: &Pairs<'_>) -> String {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("{start}\r\n{headers}\r\n")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn contender(options: Options) -> Contender {
        super::super::tests::contender(options)
    }

    /// Lengths of the heads that were captured on loopback, with cursors of one digit.
    #[test]
    fn heads_are_as_long_as_those_that_were_captured() {
        let poll = |keep_alive| {
            contender(Options::ShortPolling { interval: Duration::from_secs(1), keep_alive, conditional: true })
        };
        let long = |keep_alive| contender(Options::LongPolling { hold: Duration::from_secs(2), keep_alive });
        let stream = contender(Options::Sse { keepalive: Duration::from_secs(15) });
        let socket = contender(Options::WebSocket { keepalive: Duration::from_secs(15) });
        let ask = |contender: &Contender, headers, knows| request(contender, headers, knows).len();
        let (bare, cookies) = (Headers::Bare, Headers::BrowserCookies);
        assert_eq!(ask(&poll(true), bare, false), 71);
        assert_eq!(ask(&poll(true), bare, true), 108);
        assert_eq!(ask(&poll(false), bare, true), 71 + 19 + 37);
        assert_eq!(ask(&poll(false), cookies, true), 1280);
        assert_eq!(ask(&long(true), bare, false), 84);
        assert_eq!(ask(&long(true), cookies, false), 1262 - 1);
        assert_eq!(ask(&long(false), bare, false), 103);
        // Captured without a cursor: `last-event-id: 0` and its line end, and `?after=0`, are added.
        assert_eq!(ask(&stream, bare, false), 101 + 18);
        assert_eq!(ask(&stream, cookies, false), 1278 + 18);
        assert_eq!(ask(&socket, bare, false), 161 + 8);
        assert_eq!(ask(&socket, cookies, false), 1152 + 8);
        // Captured with bodies of 34 bytes: one digit more.
        assert_eq!(answer(&poll(true), Answer::Body).len() + 1 + 34, 228);
        assert_eq!(answer(&poll(false), Answer::Body).len() + 1 + 34, 247);
        assert_eq!(answer(&poll(true), Answer::NotModified).len(), 152);
        assert_eq!(answer(&long(true), Answer::Body).len() + 1 + 34, 200);
        assert_eq!(answer(&long(true), Answer::NoContent).len(), 122);
        assert_eq!(answer(&long(false), Answer::NoContent).len(), 141);
        assert_eq!(answer(&stream, Answer::Stream).len(), 198);
        assert_eq!(answer(&socket, Answer::Stream).len(), 199);
    }
}
