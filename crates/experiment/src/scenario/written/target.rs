//! A target as written: somebody else's server, its endpoints, and how updates are published to it and found again.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::super::TimeUnit;
use super::At;

/// Somebody else's server, which a contender measures with `target = "NAME"`: how it is started, where its endpoints are,
/// and how updates are published to it and found in what it sends. At least one endpoint is required.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Target {
    /// Shell command that starts the server, at most 4 KiB. It runs in the folder in which feedlab was started, with the
    /// environment variable `PORT`, a free port, for which `$PORT` stands too, and is ended with all its processes after each
    /// cell. Without a command the server must be running already, and its CPU and memory are not measured.
    pub(in super::super) command: Option<At<String>>,
    /// Where the server is: `http://`, a host and a port, and possibly a path before those of the endpoints. Required
    /// without `command`; default `http://127.0.0.1:$PORT`.
    pub(in super::super) url: Option<At<String>>,
    /// Path that the server answers with a status below 400 as soon as it is ready. By default it is ready when it accepts
    /// connections.
    pub(in super::super) ready: Option<At<String>>,
    /// Allow a `url` on another machine, which must be yours to put under load. Default false.
    pub(in super::super) remote: Option<At<bool>>,
    /// The request that publishes an update, as in `{ path = "/pub", body = "$UPDATE" }`. Without it, the server publishes a
    /// feed of its own, and `stamp` is required.
    pub(in super::super) publish: Option<Publish>,
    /// How an update is found in what the server sends, as in `{ seq = "/id", at = "/ts", unit = "ms" }`. By default, the
    /// text that was published for `$UPDATE` is looked for in every message, whatever is around it.
    pub(in super::super) stamp: Option<At<Stamp>>,
    /// Endpoint of short polling: its path, or a table of path and `cursor`.
    #[serde(rename = "short-polling")]
    pub(in super::super) short_polling: Option<At<Endpoint>>,
    /// Endpoint of long polling: its path, or a table of path and `cursor`.
    #[serde(rename = "long-polling")]
    pub(in super::super) long_polling: Option<At<Endpoint>>,
    /// Endpoint of Server-Sent Events: its path, or a table of path and `cursor`.
    pub(in super::super) sse: Option<At<Endpoint>>,
    /// Endpoint of WebSocket: its path, or a table of path and `cursor`.
    pub(in super::super) websocket: Option<At<Endpoint>>,
}

/// The request that publishes an update, over HTTP/1.1 and one kept connection.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Publish {
    /// Method: POST (default), PUT or PATCH.
    pub(in super::super) method: Option<At<Method>>,
    /// Path, which may have a query.
    pub(in super::super) path: At<String>,
    /// Up to 16 header fields in addition to `Host` and `Content-Length`, as in `{ content-type = "text/plain" }`.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    pub(in super::super) headers: BTreeMap<At<String>, At<String>>,
    /// Body, at most 16 KiB. `$UPDATE` stands for the text of the update, `payload_bytes` long, without a character that JSON
    /// or a URL escapes; `$SEQ` for its number, which counts from 1; and `$AT` for when it was due, µs of Unix time. Default
    /// `$UPDATE`.
    pub(in super::super) body: Option<At<String>>,
}

/// The method of a publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(inline)]
pub(in super::super) enum Method {
    #[serde(rename = "POST")]
    Post,
    #[serde(rename = "PUT")]
    Put,
    #[serde(rename = "PATCH")]
    Patch,
}

impl Method {
    pub(in super::super) const fn id(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
        }
    }
}

/// How an update is found: with JSON pointers to its number and its time, or with a pattern.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Stamp {
    /// JSON pointer (RFC 6901) to the update's number, which grows by one, as in `"/id"`. If a message is a list, it applies
    /// to each element.
    pub(in super::super) seq: Option<At<String>>,
    /// JSON pointer to when the update was due, or was published if the server publishes a feed of its own: a number, or a
    /// string that contains one.
    pub(in super::super) at: Option<At<String>>,
    /// Instead of `seq` and `at`: a regular expression with the groups `seq` and `at`, at most 1 KiB, as in
    /// `"seq=(?<seq>\\d+) at=(?<at>\\d+)"`; each match is an update.
    pub(in super::super) pattern: Option<At<String>>,
    /// Unit of the time, counted from the start of Unix time: us (default), ms or s.
    #[serde(default)]
    pub(in super::super) unit: TimeUnit,
}

/// An endpoint: its path, or a table.
pub(in super::super) type Endpoint = TextOrTable<String, WrittenEndpoint>;

/// An endpoint with the cursor that its clients send.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Endpoint")]
pub(in super::super) struct WrittenEndpoint {
    /// Path, which may have a query.
    pub(in super::super) path: At<String>,
    /// What a client sends to continue where it was: none, etag, or a query parameter, as in
    /// `{ query = "after", pointer = "/next" }`. By default what the transport defines: `Last-Event-ID` for sse, nothing for
    /// the others.
    pub(in super::super) cursor: Option<At<Cursor>>,
}

/// A cursor: one of two words, or a query parameter.
pub(in super::super) type Cursor = TextOrTable<CursorWord, QueryCursor>;

/// A cursor that needs no more than a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "CursorKind")]
pub(in super::super) enum CursorWord {
    /// Nothing is sent, not even `Last-Event-ID`.
    None,
    /// The last response's `ETag` and `Last-Modified` are sent as `If-None-Match` and `If-Modified-Since`; for short-polling
    /// and long-polling.
    Etag,
}

/// A cursor in a query parameter; exactly one of `header`, `pointer` and `from` says where its value is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct QueryCursor {
    /// Name of the query parameter. It is not sent until it has a value.
    pub(in super::super) query: At<String>,
    /// Header field of the last response that has the value; for short-polling and long-polling.
    pub(in super::super) header: Option<At<String>>,
    /// JSON pointer to the value in the last response or message.
    pub(in super::super) pointer: Option<At<String>>,
    /// The value is the number of the last update: seq.
    pub(in super::super) from: Option<At<CursorOrigin>>,
}

/// A value that the clients have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(in super::super) enum CursorOrigin {
    Seq,
}

/// A text, or a table with more.
#[derive(Debug)]
pub(in super::super) enum TextOrTable<W, T> {
    Text(W),
    Table(T),
}

impl<'de, W: Deserialize<'de>, T: Deserialize<'de>> Deserialize<'de> for TextOrTable<W, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOrTableVisitor(PhantomData))
    }
}

struct TextOrTableVisitor<W, T>(PhantomData<(W, T)>);

impl<'de, W: Deserialize<'de>, T: Deserialize<'de>> Visitor<'de> for TextOrTableVisitor<W, T> {
    type Value = TextOrTable<W, T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text in quotes, or a table")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        W::deserialize(StrDeserializer::new(text)).map(TextOrTable::Text)
    }

    fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(table)).map(TextOrTable::Table)
    }
}

impl<W: JsonSchema, T: JsonSchema> JsonSchema for TextOrTable<W, T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("{}Or{}", W::schema_name(), T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [generator.subschema_for::<W>(), generator.subschema_for::<T>()] })
    }
}
