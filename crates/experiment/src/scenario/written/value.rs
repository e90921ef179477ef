//! Value types of scenario files that TOML does not have.

use std::borrow::Cow;
use std::fmt;
use std::ops::{Deref, Range};
use std::time::Duration;

use feedlab_feed::settings::duration;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use toml::Spanned;

/// A value with its position in the file, so that an error can name line and column. It is compared by the value alone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"), transparent)]
pub(in super::super) struct At<T>(Spanned<T>);

impl<T> At<T> {
    /// Returns the value's position, in bytes of the text.
    pub(in super::super) fn span(&self) -> Range<usize> {
        self.0.span()
    }
}

impl<T> Deref for At<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.get_ref()
    }
}

impl<T: JsonSchema> JsonSchema for At<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// A whole number, or a list of them.
#[derive(Clone, Debug)]
pub(in super::super) struct OneOrMany(pub(in super::super) Vec<i64>);

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrManyVisitor)
    }
}

struct OneOrManyVisitor;

impl<'de> Visitor<'de> for OneOrManyVisitor {
    type Value = OneOrMany;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number or a list of them, as in [50, 500]")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<OneOrMany, E> {
        Ok(OneOrMany(vec![number]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<OneOrMany, A::Error> {
        let mut numbers = Vec::new();
        while let Some(number) = list.next_element()? {
            numbers.push(number);
        }
        Ok(OneOrMany(numbers))
    }
}

impl JsonSchema for OneOrMany {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "OneOrMany".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "integer" },
            { "type": "array", "items": { "type": "integer" }, "minItems": 1 },
        ] })
    }
}

/// A text, or a list of texts.
#[derive(Clone, Debug)]
pub(in super::super) struct Texts(pub(in super::super) Vec<String>);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextsVisitor)
    }
}

struct TextsVisitor;

impl<'de> Visitor<'de> for TextsVisitor {
    type Value = Texts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text in quotes, or a list of texts")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Texts, E> {
        Ok(Texts(vec![text.to_owned()]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Texts, A::Error> {
        let mut texts = Vec::new();
        while let Some(text) = list.next_element()? {
            texts.push(text);
        }
        Ok(Texts(texts))
    }
}

impl JsonSchema for Texts {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Texts".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "string" },
            { "type": "array", "items": { "type": "string" }, "minItems": 1 },
        ] })
    }
}

/// A duration with its unit.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct WrittenDuration(pub(in super::super) Duration);

impl<'de> Deserialize<'de> for WrittenDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DurationVisitor)
    }
}

struct DurationVisitor;

impl Visitor<'_> for DurationVisitor {
    type Value = WrittenDuration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a duration in quotes with its unit, such as {}", duration::EXAMPLES)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<WrittenDuration, E> {
        duration::parse(text).map(WrittenDuration).map_err(E::custom)
    }
}

impl JsonSchema for WrittenDuration {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9]", "examples": ["100ms", "2s", "1m"] })
    }
}

/// A percentage with its sign.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct WrittenPercent(pub(in super::super) f64);

impl<'de> Deserialize<'de> for WrittenPercent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PercentVisitor)
    }
}

struct PercentVisitor;

impl Visitor<'_> for PercentVisitor {
    type Value = WrittenPercent;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a percentage in quotes with its sign, such as \"0.3%\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<WrittenPercent, E> {
        let number = text.strip_suffix('%').and_then(|number| number.trim_end().parse().ok());
        number.map(WrittenPercent).ok_or_else(|| {
            E::custom(format!("{text:?} is not a percentage; write a number and its sign, such as \"0.3%\""))
        })
    }
}

impl JsonSchema for WrittenPercent {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Percent".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9.]+ *%$", "examples": ["0.3%", "5%"] })
    }
}
