//! A contender as it is written: the transport's options, how its connections are made, how its clients come back, and
//! what its server does differently.

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
    /// How updates reach the client; `auto` begins with a push transport and falls back when the way breaks it.
    pub(in super::super) transport: At<TransportKind>,
    /// Name in tables and charts; made from the options when it is not given.
    pub(in super::super) label: Option<At<String>>,

    /// Time from one request to the next; of short-polling and auto. Default 1s.
    pub(in super::super) interval: Option<At<WrittenDuration>>,
    /// How long the server may hold a request, at most 5m; of long-polling and auto. Default 25s.
    pub(in super::super) hold: Option<At<WrittenDuration>>,
    /// One connection for all requests of a client; of short-polling and long-polling. Default true.
    pub(in super::super) keep_alive: Option<At<bool>>,
    /// Send `If-None-Match`, so that "nothing new" is a 304 without a body; of short-polling. Default false.
    pub(in super::super) conditional: Option<At<bool>>,
    /// Time between the server's comments or pings; of sse, websocket and auto. Default 15s, of auto 1s.
    pub(in super::super) keepalive: Option<At<WrittenDuration>>,
    /// The transport that a ladder begins with, sse or websocket; of auto. Default sse.
    #[schemars(schema_with = "pushes_schema")]
    #[serde(default)]
    pub(in super::super) first: Option<At<Transport>>,
    /// How long a rung may bring nothing, not even a keepalive, until it counts as broken; of auto. Default 3s.
    pub(in super::super) watchdog: Option<At<WrittenDuration>>,
    /// How long a lower rung is used before the first is tried again; of auto. Default 30s.
    pub(in super::super) climb: Option<At<WrittenDuration>>,
    /// From when ages count: due (default), or publication, which forgives every stall of the publisher (coordinated
    /// omission) and is there to be compared with.
    #[serde(default)]
    pub(in super::super) age_from: AgeFrom,

    /// Encrypted (TLS 1.3), with a certificate that the run makes for itself. Default false.
    pub(in super::super) tls: Option<At<bool>>,
    /// Version of HTTP: "1.1" (default), or "2", which without TLS is spoken with prior knowledge.
    pub(in super::super) http: Option<At<Http>>,
    /// Whose a connection is: per-client (default), or shared by up to 100 clients, each a stream of HTTP/2.
    pub(in super::super) connections: Option<At<Connections>>,
    /// Who answers: direct (default) is the server itself; the others put nginx in front of it, as it is set up for
    /// streaming (nginx), as `proxy_pass` alone leaves it (nginx-default), or buffering whatever the server asks
    /// (nginx-buffering).
    pub(in super::super) via: Option<At<Via>>,

    /// Wait before a client connects again; without it each transport's own: what the stream asks for with sse, an
    /// exponential backoff with the others.
    pub(in super::super) reconnect_after: Option<At<WrittenDuration>>,
    /// Spread the waits of clients that come back at random, so that they do not come together. Default true.
    pub(in super::super) jitter: Option<At<bool>>,
    /// Come back with a cursor, and so be given what was missed; not of short-polling. Default true.
    pub(in super::super) cursor: Option<At<bool>>,

    /// How many updates a client that comes back can be given, instead of the feed's `history`.
    pub(in super::super) history: Option<At<i64>>,
    /// What becomes of a stream whose client reads too slowly: block (default), latest or disconnect; of sse and
    /// websocket.
    pub(in super::super) slow_policy: Option<At<SlowPolicy>>,
    /// Hand updates over at most so often, those in between together; of long-polling, sse, websocket and auto.
    pub(in super::super) coalesce: Option<At<WrittenDuration>>,
    /// End streams gracefully when they are so old, or up to half of it before, at random; of sse, websocket and auto. It
    /// is counted in quarters of `keepalive`.
    pub(in super::super) max_connection_age: Option<At<WrittenDuration>>,
    /// Size of a client's read buffer at the server, bytes; of websocket.
    pub(in super::super) read_buffer_bytes: Option<At<i64>>,
}

/// How updates reach the client: over one transport, or over the fallback ladder's, of which each is a rung.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum TransportKind {
    One(Transport),
    Auto,
}

impl TransportKind {
    /// All of them, but those that a predicate on transports refuses; the ladder, if it is asked for.
    pub(in super::super) fn those(of: impl Fn(Transport) -> bool, auto: bool) -> impl Iterator<Item = Self> {
        let transports = Transport::ALL.into_iter().filter(move |transport| of(*transport));
        transports.map(Self::One).chain(auto.then_some(Self::Auto))
    }

    /// The names of the transports that a ladder may begin with.
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
