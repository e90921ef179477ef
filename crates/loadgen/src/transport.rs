//! One file a transport, each the mirror of the others and of the server's file of the same name: options, run, one
//! session or request, resume, failure mapping.
//!
//! Below them lies what they share: `dial` opens a socket, `tls` encrypts it, `http` asks over it, with a connection
//! of HTTP/1.1, one of HTTP/2, or a place on one that others use too, and `upgrade` makes a WebSocket of it. It is the
//! clients' own HTTP, whose times and bytes are measured; the control connections have another (`control.rs`).
//!
//! A client ends when its `stop` token is cancelled, or when its standard tells it to give up. Everything else that
//! can go wrong is told to the observer and tried again.

use std::net::IpAddr;

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
mod dial;
mod head;
pub(crate) mod http;
pub(crate) mod leg;
pub mod long_polling;
mod pace;
pub mod short_polling;
pub mod sse;
mod stream;
mod tls;
mod upgrade;
pub(crate) mod upstream;
pub mod websocket;

#[cfg(test)]
mod script;

/// One simulated client: where it goes and how it introduces itself.
#[derive(Clone, Debug)]
pub struct Client {
    /// The endpoint, as in `http://127.0.0.1:8080/feed/sse`.
    pub url: Url,
    /// How its connections are made.
    pub link: Link,
    /// Headers besides those that the transport needs.
    pub headers: HeaderMap,
    /// The address to connect from; any, if `None`.
    pub source: Option<IpAddr>,
    /// Where to begin: after this update, or with the next one that is published.
    pub after: Option<Cursor>,
    /// How it comes back after a loss.
    pub reconnect: ReconnectPolicy,
    /// As whom it introduces itself where another endpoint needs other headers: `headers` are those of the first.
    pub profile: Headers,
    /// Read buffer of a WebSocket, bytes; [`websocket::Options`] has the usual one.
    pub read_buffer: Option<usize>,
    /// How many bytes it reads in a second; all that come, if `None`.
    pub reads_per_s: Option<u64>,
    /// What it publishes over its WebSocket.
    pub(crate) publications: Option<Box<Publications>>,
    /// When it ends its connections by itself.
    pub(crate) churn: Churn,
    /// Decides phases and jitter.
    pub(crate) rng: ChaCha8Rng,
}

/// How a client's connections are made. By itself it speaks HTTP/1.1, and encrypts nothing.
#[derive(Clone, Debug, Default)]
pub struct Link {
    /// The version of HTTP. Encrypted, it must be agreed on (ALPN); plain HTTP/2 is spoken with prior knowledge.
    pub http: scenario::Http,
    /// Whom it trusts, where its URL is one of `https:` or `wss:`.
    pub tls: Option<Tls>,
    /// The HTTP/2 connections that it shares; without them it has its own.
    pub pool: Option<Pool>,
    /// Where what its connections carry is counted.
    pub leg: Leg,
    /// Whether the head of each connection's first answer is looked for, whose end is the handshake's.
    pub finds_heads: bool,
}

impl Client {
    /// A client that sends no headers of its own. The seed decides its phase and its jitter.
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
            read_buffer: None,
            reads_per_s: None,
            publications: None,
            churn: Churn::default(),
            rng,
        }
    }
}

/// Runs one client of what the options are for, until `stop` is cancelled or it gives up.
pub async fn run(client: Client, options: &Options, observer: &mut dyn Observer, stop: &CancellationToken) {
    match *options {
        Options::Auto { first, watchdog, climb, hold, interval, keepalive } => {
            let options = auto::Options { first, watchdog, climb, hold, interval, keepalive };
            Box::pin(auto::run(client, options, observer, stop)).await;
        }
        _ => run_one(client, options, observer, stop).await,
    }
}

/// Runs one client of one transport. A ladder is none, and nothing is run for it.
async fn run_one(client: Client, options: &Options, observer: &mut dyn Observer, stop: &CancellationToken) {
    let read_buffer = client.read_buffer.unwrap_or(websocket::Options::default().read_buffer);
    match *options {
        Options::ShortPolling { interval, keep_alive, conditional } => {
            let options = short_polling::Options { interval, keep_alive, conditional };
            Box::pin(short_polling::run(client, options, observer, stop)).await;
        }
        Options::LongPolling { hold, keep_alive } => {
            let options = long_polling::Options { hold, keep_alive };
            Box::pin(long_polling::run(client, options, observer, stop)).await;
        }
        Options::Sse { .. } => Box::pin(sse::run(client, sse::Options::default(), observer, stop)).await,
        Options::WebSocket { .. } => {
            let options = websocket::Options { read_buffer, ..websocket::Options::default() };
            Box::pin(websocket::run(client, options, observer, stop)).await;
        }
        Options::Auto { .. } => {}
    }
}

/// Sets a header that the transport needs, in the place of one that its user would send.
fn set(headers: &mut HeaderMap, (name, value): headers::Own) {
    headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
}

/// The headers of one client besides those that its transport needs; `origin` is the server's, as in
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
