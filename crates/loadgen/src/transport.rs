//! One file per transport, each the mirror of the others and of the server's file of the same name: options, run, one
//! session or request, resume, failure mapping.
//!
//! They share the modules below them. `dial` opens a socket and `tls` encrypts it. `http` sends requests over an
//! HTTP/1.1 connection, an HTTP/2 connection, or a stream of a shared one, and `upgrade` opens a WebSocket, which is a
//! `socket`. A `gate` lets the libraries read only what is theirs; a stream's client reads the rest with the one
//! `buffer` of its thread, and finds whole WebSocket messages in it with `frames`. What an update says about itself is a
//! `stamp`, and `leave` is how a client learns that it should end. This is the clients' own HTTP, whose times and bytes are
//! measured; the control connections use another client (`control.rs`).
//!
//! `target` runs the same clients against somebody else's server, whose messages and cursors are of other forms.
//!
//! A client ends when its `stop` token is cancelled, or when the standard of its transport says that it must give up.
//! Every other failure is reported to the observer, and the client tries again.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use feedlab_experiment::headers;
use feedlab_experiment::scenario::{self, Headers, Options, ReconnectPolicy};
use feedlab_feed::{Cursor, Transport};
use hyper::header::{HeaderName, HeaderValue};
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use tokio_util::sync::CancellationToken;

use crate::churn::Churn;
use crate::observer::Observer;

use address::resume;
use upstream::Publications;

pub use address::shown;
pub use http::Pool;
pub use hyper::header::{self, HeaderMap};
pub use hyper::http::response::Parts;
pub use leg::{Leg, LegStats};
pub use tls::{Tls, TlsError};
pub use url::Url;

mod address;
pub mod auto;
mod body;
mod buffer;
mod dial;
mod frames;
mod gate;
mod head;
pub(crate) mod http;
mod leave;
pub(crate) mod leg;
pub mod long_polling;
mod pace;
pub mod short_polling;
mod socket;
pub mod sse;
mod stamp;
mod stream;
pub mod target;
mod tls;
mod upgrade;
pub(crate) mod upstream;
pub mod websocket;

#[cfg(test)]
pub(crate) mod script;

/// One simulated client: where it connects and how.
#[derive(Clone, Debug)]
pub struct Client {
    /// The endpoint, as in `http://127.0.0.1:8080/feed/sse`.
    pub url: Url,
    /// How its connections are made.
    pub link: Link,
    /// Headers in addition to those that the transport needs.
    pub headers: HeaderMap,
    /// The address to connect from; any, if `None`.
    pub source: Option<IpAddr>,
    /// The cursor to start from; `None` starts with the next update that is published.
    pub after: Option<Cursor>,
    /// How the client reconnects after a loss.
    pub reconnect: ReconnectPolicy,
    /// The header profile, for endpoints that need other headers: `headers` are those of the first.
    pub profile: Headers,
    /// How many bytes the client reads per second; `None` reads everything at once.
    pub reads_per_s: Option<u64>,
    /// The size of a read buffer that a WebSocket has for itself, bytes; `None` reads with the one of its thread.
    pub read_buffer: Option<usize>,
    /// What the client publishes over its WebSocket.
    pub(crate) publications: Option<Box<Publications>>,
    /// When the client closes its connections by itself.
    pub(crate) churn: Churn,
    /// The source of phases and jitter.
    pub(crate) rng: ChaCha8Rng,
}

/// How a client's connections are made. The default is HTTP/1.1 without encryption.
#[derive(Clone, Debug, Default)]
pub struct Link {
    /// The HTTP version. With TLS it must be negotiated (ALPN); HTTP/2 without TLS uses prior knowledge.
    pub http: scenario::Http,
    /// The certificates that the client trusts, for `https:` and `wss:` URLs.
    pub tls: Option<Tls>,
    /// The pool of shared HTTP/2 connections; without one, the client opens its own.
    pub pool: Option<Pool>,
    /// Counts what the connections carry.
    pub leg: Leg,
    /// Whether to find the end of the first response head on each connection, which is the end of the handshake.
    pub finds_heads: bool,
    /// How the feed is read, if the server is somebody else's.
    pub target: Option<Arc<target::Recipe>>,
}

impl Client {
    /// Creates a client without extra headers. The seed determines its phase and its jitter.
    #[must_use]
    pub fn new(url: Url, seed: u64) -> Self {
        let rng = ChaCha8Rng::seed_from_u64(seed);
        Self {
            url,
            link: Link::default(),
            headers: HeaderMap::new(),
            source: None,
            after: None,
            reconnect: ReconnectPolicy::default(),
            profile: Headers::default(),
            reads_per_s: None,
            read_buffer: None,
            publications: None,
            churn: Churn::default(),
            rng,
        }
    }
}

/// A client that runs, on the heap: what it has been is forgotten, and only what it needs while it waits is kept.
pub type Running<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Runs one client of the transport that the options are for, until `stop` is cancelled or the client gives up.
pub fn run<'a>(
    client: Client,
    options: &Options,
    observer: &'a mut dyn Observer,
    stop: &'a CancellationToken,
) -> Running<'a> {
    if let Some(recipe) = client.link.target.clone() {
        return target::run(client, recipe, *options, observer, stop);
    }
    match *options {
        Options::ShortPolling { interval, keep_alive, conditional } => {
            let options = short_polling::Options { interval, keep_alive, conditional };
            Box::pin(short_polling::run(client, options, observer, stop))
        }
        Options::LongPolling { hold, keep_alive } => {
            let options = long_polling::Options { hold, keep_alive };
            Box::pin(long_polling::run(client, options, observer, stop))
        }
        Options::Sse { .. } => Box::pin(sse::run(client, sse::Options::default(), observer, stop)),
        Options::WebSocket { .. } => {
            let options = websocket::Options { read_buffer: client.read_buffer, ..websocket::Options::default() };
            Box::pin(websocket::run(client, options, observer, stop))
        }
        Options::Auto { first, watchdog, climb, hold, interval, keepalive } => {
            let options = auto::Options { first, watchdog, climb, hold, interval, keepalive };
            Box::pin(auto::run(client, options, observer, stop))
        }
    }
}

/// Sets a header that the transport needs, replacing one that the user set.
fn set(headers: &mut HeaderMap, (name, value): headers::Own) {
    headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
}

/// Returns the headers of a client in addition to those that its transport needs. `origin` is the server's, as in
/// `http://127.0.0.1:8080`.
#[must_use]
pub fn request_headers(profile: Headers, transport: Transport, origin: &str) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in headers::request_headers(profile, transport, origin) {
        if let Ok(value) = HeaderValue::try_from(&*value) {
            map.insert(name, value);
        }
    }
    map
}

#[cfg(test)]
mod tests {
    use super::header::{COOKIE, ORIGIN};
    use super::*;

    /// Bytes of the headers on the wire: `name: value\r\n`.
    fn size(headers: Headers, transport: Transport) -> usize {
        let map = request_headers(headers, transport, "http://127.0.0.1:40000");
        map.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum()
    }

    #[test]
    fn sizes_are_those_of_a_browser() {
        for transport in [Transport::ShortPolling, Transport::LongPolling, Transport::Sse] {
            assert_eq!(size(Headers::Bare, transport), 0);
            assert!((480..600).contains(&size(Headers::Browser, transport)), "{}", size(Headers::Browser, transport));
        }
        let cookies = size(Headers::BrowserCookies, Transport::Sse) - size(Headers::Browser, Transport::Sse);
        assert!((650..750).contains(&cookies), "{cookies}");
    }

    #[test]
    fn an_upgrade_names_its_origin_and_offers_no_compression() {
        let map = request_headers(Headers::BrowserCookies, Transport::WebSocket, "http://127.0.0.1:40000");
        assert_eq!(map[ORIGIN], "http://127.0.0.1:40000");
        assert!(map.contains_key(COOKIE));
        assert!(!map.contains_key("sec-websocket-extensions") && !map.contains_key("connection"));
    }
}
