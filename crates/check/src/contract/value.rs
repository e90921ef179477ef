//! The values of a step that are more than a text or a number: times, counts and kinds of frames.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;

/// A time as it is written: `500ms`, `2s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time(pub Duration);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        feedlab_feed::settings::duration::parse(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

/// A number, or `"$N"`: the size that is being tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// This number.
    Fixed(u32),
    /// The size.
    Size,
}

impl Count {
    /// Returns the number for a size.
    #[must_use]
    pub const fn of(self, size: u32) -> u32 {
        match self {
            Self::Fixed(number) => number,
            Self::Size => size,
        }
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CountVisitor)
    }
}

struct CountVisitor;

impl serde::de::Visitor<'_> for CountVisitor {
    type Value = Count;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number or \"$N\"")
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Count, E> {
        u32::try_from(number).map(Count::Fixed).map_err(|_| E::custom(format!("{number} is no number of things")))
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Count, E> {
        u32::try_from(number).map(Count::Fixed).map_err(|_| E::custom(format!("{number} is too large")))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Count, E> {
        if text == "$N" { Ok(Count::Size) } else { Err(E::custom(format!("`{text}` is neither a number nor \"$N\""))) }
    }
}

/// The kind of a WebSocket frame: a name, or an opcode as text, as in `"3"` (RFC 6455, section 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame(pub u8);

impl Frame {
    const NAMES: [(&str, u8); 6] =
        [("continuation", 0), ("text", 1), ("binary", 2), ("close", 8), ("ping", 9), ("pong", 10)];
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Self::NAMES.iter().find(|(_, opcode)| *opcode == self.0) {
            Some((name, _)) => name.fmt(f),
            None => write!(f, "opcode {}", self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Frame {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let named = Self::NAMES.iter().find(|(name, _)| *name == text).map(|(_, opcode)| *opcode);
        let opcode = named.or_else(|| text.parse().ok().filter(|opcode| *opcode < 16));
        opcode
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom(format!("`{text}` is no frame: text, ping, or \"0\" to \"15\"")))
    }
}
