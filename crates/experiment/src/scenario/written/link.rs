//! Values of a link that people write as text: a share of packets, a rate, the length of a queue. A number is read as the
//! text of it.

use std::borrow::Cow;
use std::fmt;

use feedlab_feed::link::{Queue, parse_rate, parse_share};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

/// A share of packets.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct WrittenShare(pub(in super::super) f64);

/// A rate, bits per second.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct WrittenRate(pub(in super::super) u64);

/// The length of a queue.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct WrittenQueue(pub(in super::super) Queue);

/// Reads a value from its text.
struct Parsed<T> {
    expected: &'static str,
    parse: fn(&str) -> Result<T, String>,
}

impl<T> Visitor<'_> for Parsed<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.parse)(text).map_err(E::custom)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }
}

impl<'de> Deserialize<'de> for WrittenShare {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let parsed = Parsed { expected: "a share of packets, such as \"1%\" or 0.01", parse: parse_share };
        deserializer.deserialize_any(parsed).map(Self)
    }
}

impl<'de> Deserialize<'de> for WrittenRate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let parsed = Parsed { expected: "a rate in quotes with its unit, such as \"10Mbit\"", parse: parse_rate };
        deserializer.deserialize_any(parsed).map(Self)
    }
}

impl<'de> Deserialize<'de> for WrittenQueue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = "the length of a queue in quotes, such as \"100ms\", \"64kB\" or \"50 packets\"";
        deserializer.deserialize_any(Parsed { expected, parse: |text| text.parse() }).map(Self)
    }
}

impl JsonSchema for WrittenShare {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Share".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "string", "pattern": "^[0-9.]+ *%?$", "examples": ["1%", "0.5%"] },
            { "type": "number", "minimum": 0, "exclusiveMaximum": 1 },
        ] })
    }
}

impl JsonSchema for WrittenRate {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Rate".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "string", "pattern": "^[0-9.]+ *[kKmMgG]?(bit)?(/s)?$", "examples": ["10Mbit", "384kbit"] },
            { "type": "integer", "minimum": 1000 },
        ] })
    }
}

impl JsonSchema for WrittenQueue {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Queue".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9].*[A-Za-z]$", "examples": ["100ms", "64kB", "50 packets"] })
    }
}
