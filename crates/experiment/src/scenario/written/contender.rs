//! A contender as written: the transport's options, how its connections are made, how its clients reconnect, and what
//! its server does differently.

use std::borrow::Cow;

use feedlab_feed::Transport;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

use super::super::lab::named;
use super::super::{AgeFrom, Connections, Http, SlowPolicy, Via};
use super::{At, WrittenDuration};

/// A transport with its options: one line of the comparison.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Contender {
    /// Name of a `[target.NAME]`: measure that server instead of feedlab's own. Options that configure feedlab's own server
    /// are not possible then.
    pub(in super::super) target: Option<At<String>>,
    /// How updates reach the client; `auto` starts with a push transport and falls back if it does not work on the
    /// network path.
    pub(in super::super) transport: At<TransportKind>,
    /// Name in tables and charts; derived from the options by default, as in `long polling, hold 25 s`.
    pub(in super::super) label: Option<At<String>>,

    /// Time from one request to the next; for short-polling and auto. Default 1s.
    pub(in super::super) interval: Option<At<WrittenDuration>>,
    /// How long the server may hold a request, at most 5m; for long-polling and auto. Default 25s.
    pub(in super::super) hold: Option<At<WrittenDuration>>,
    /// Use one connection for all requests of a client; for short-polling and long-polling. Default true.
    pub(in super::super) keep_alive: Option<At<bool>>,
    /// Send `If-None-Match`, so that the answer "nothing new" is a 304 without a body; for short-polling. Default
    /// false.
    pub(in super::super) conditional: Option<At<bool>>,
    /// Time between the server's keepalive comments or pings; for sse, websocket and auto. Default 15s, for auto 1s.
    pub(in super::super) keepalive: Option<At<WrittenDuration>>,
    /// The first transport of the fallback ladder, sse or websocket; for auto. Default sse.
    #[schemars(schema_with = "pushes_schema")]
    #[serde(default)]
    pub(in super::super) first: Option<At<Transport>>,
    /// How long a rung may be silent, without even a keepalive, before it counts as broken; for auto. Default 3s.
    pub(in super::super) watchdog: Option<At<WrittenDuration>>,
    /// How long a lower rung is used before the first is tried again; for auto. Default 30s.
    pub(in super::super) climb: Option<At<WrittenDuration>>,
    /// The moment from which ages count: due (default), or publication, which hides every stall of the publisher
    /// (coordinated omission) and exists for comparison.
    pub(in super::super) age_from: Option<At<AgeFrom>>,

    /// Use TLS 1.3, with a self-signed certificate that the run creates. Default false.
    pub(in super::super) tls: Option<At<bool>>,
    /// HTTP version: "1.1" (default), or "2", which is used with prior knowledge if there is no TLS.
    pub(in super::super) http: Option<At<Http>>,
    /// Connections: per-client (default), or shared by up to 100 clients, each on its own HTTP/2 stream.
    pub(in super::super) connections: Option<At<Connections>>,
    /// What clients connect to: direct (default) is the server itself; the others put nginx in front of it, configured
    /// for streaming (nginx), with only `proxy_pass` (nginx-default), or buffering regardless of what the server asks
    /// for (nginx-buffering).
    pub(in super::super) via: Option<At<Via>>,

    /// Wait before a client reconnects; by default that of the transport: what the stream asks for with sse, an
    /// exponential backoff with the others.
    pub(in super::super) reconnect_after: Option<At<WrittenDuration>>,
    /// Randomize the waits of reconnecting clients, so that they do not all reconnect at once. Default true.
    pub(in super::super) jitter: Option<At<bool>>,
    /// Reconnect with a cursor and thus receive missed updates; not for short-polling. Default true.
    pub(in super::super) cursor: Option<At<bool>>,

    /// How many past updates a reconnecting client can receive, instead of the feed's `history`.
    pub(in super::super) history: Option<At<i64>>,
    /// What to do with a stream whose client reads too slowly: block (default), latest or disconnect; for sse and
    /// websocket.
    pub(in super::super) slow_policy: Option<At<SlowPolicy>>,
    /// Shortest time between two deliveries; updates in between are sent together; for long-polling, sse, websocket and
    /// auto.
    pub(in super::super) coalesce: Option<At<WrittenDuration>>,
    /// Close streams gracefully at a random age between half of this and all of it; for sse, websocket and auto. It is
    /// counted in quarters of `keepalive`.
    pub(in super::super) max_connection_age: Option<At<WrittenDuration>>,
    /// Size of a read buffer that each client has for itself, bytes; without it, the clients of a thread share one. For
    /// websocket.
    pub(in super::super) read_buffer_bytes: Option<At<i64>>,
}

/// How updates reach the client: over one transport, or over the fallback ladder's, of which each is a rung.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum TransportKind {
    One(Transport),
    Auto,
}

impl TransportKind {
    /// Returns the transports that match a predicate, and the fallback ladder if `auto` is set.
    pub(in super::super) fn those(of: impl Fn(Transport) -> bool, auto: bool) -> impl Iterator<Item = Self> {
        let transports = Transport::ALL.into_iter().filter(move |transport| of(*transport));
        transports.map(Self::One).chain(auto.then_some(Self::Auto))
    }

    /// Returns the names of the transports with which a ladder may start.
    pub(in super::super) fn pushes() -> Vec<&'static str> {
        Self::those(Transport::is_push, false).map(Self::id).collect()
    }

    pub(in super::super) const fn id(self) -> &'static str {
        match self {
            Self::One(transport) => transport.id(),
            Self::Auto => "auto",
        }
    }
}

impl<'de> Deserialize<'de> for TransportKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        named(deserializer, Self::those(|_| true, true), Self::id)
    }
}

impl JsonSchema for TransportKind {
    fn schema_name() -> Cow<'static, str> {
        "TransportKind".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let auto = "The fallback ladder: a push transport, then long polling, then short polling, and back up.";
        json_schema!({ "anyOf": [
            generator.subschema_for::<Transport>(),
            { "type": "string", "const": Self::Auto.id(), "description": auto },
        ] })
    }
}

fn pushes_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": TransportKind::pushes() })
}
