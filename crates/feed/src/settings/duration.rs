//! Durations in files and documents: text with a unit, as in "250ms" or "1m 30s".

use std::time::Duration;

use serde::{Deserialize as _, Deserializer, Serializer};

/// Writes a duration as text.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&humantime::format_duration(*duration))
}

/// Reads a duration from text.
///
/// # Errors
/// When the text is not a number with a unit of time.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

/// Examples of durations, for messages.
pub const EXAMPLES: &str = "100ms, 2s or 1m";

/// The longest text, bytes. Every duration of whole milliseconds below a day is shorter, and the texts that make
/// humantime 2.4 overflow (2^64 s and 10^9 ns) are longer.
const MAX_LEN: usize = 20;

/// The longest duration that is accepted: a year. Added to the current time, it does not overflow any clock.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// Reads a duration of whole milliseconds, the resolution of timers.
///
/// # Errors
/// A message that says what is wrong with the text, and what it should look like.
pub fn parse(text: &str) -> Result<Duration, String> {
    let refuse = |what: String| Err(format!("{what}; write a duration as {EXAMPLES}"));
    match bounded(text) {
        None => refuse(format!("{text:?} is not a duration")),
        Some(parsed) => match parsed {
            Ok(duration) if duration.subsec_nanos() % 1_000_000 == 0 => Ok(duration),
            Ok(_) => refuse(format!("{text:?} is finer than a millisecond")),
            Err(humantime::DurationError::UnknownUnit { unit, .. }) if unit.is_empty() => {
                refuse(format!("{text:?} has no unit"))
            }
            Err(humantime::DurationError::UnknownUnit { unit, .. }) => {
                refuse(format!("unknown unit `{unit}` in {text:?}"))
            }
            Err(_) => refuse(format!("{text:?} is not a duration")),
        },
    }
}

/// Reads a duration of any resolution; `None` if the text is not a duration, or more than a year.
#[must_use]
pub fn parse_fine(text: &str) -> Option<Duration> {
    bounded(text)?.ok()
}

/// Parses the text with the library if it cannot overflow; `None` if the text or the duration is too long.
#[expect(clippy::disallowed_methods, reason = "the one place that bounds what it gives the library")]
fn bounded(text: &str) -> Option<Result<Duration, humantime::DurationError>> {
    let parsed = (text.len() <= MAX_LEN).then(|| humantime::parse_duration(text))?;
    Some(parsed).filter(|parsed| parsed.as_ref().map_or(true, |duration| *duration <= LONGEST))
}

/// An optional duration, as text.
pub mod option {
    use super::{Deserializer, Duration, Serializer, parse};
    use serde::Deserialize as _;

    /// Writes a duration as text.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(time: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        match time {
            Some(time) => super::serialize(time, serializer),
            None => serializer.serialize_none(),
        }
    }

    /// Reads a duration from text, if there is one.
    ///
    /// # Errors
    /// As [`deserialize`](super::deserialize).
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        text.map(|text| parse(&text).map_err(serde::de::Error::custom)).transpose()
    }
}

/// A duration as text, down to whole microseconds: a delay, which is finer than a timer.
pub mod fine {
    use super::{Deserializer, Duration, EXAMPLES, Serializer, parse_fine};
    use serde::Deserialize as _;

    /// Writes a duration as text.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        let micros = time.as_micros();
        // In several units, the text could be longer than what is read.
        if micros.is_multiple_of(1000) {
            super::serialize(time, serializer)
        } else {
            serializer.collect_str(&format_args!("{micros}us"))
        }
    }

    /// Reads a duration from text.
    ///
    /// # Errors
    /// If the text is not a duration of at most a year.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        let text = String::deserialize(from)?;
        let refused = || serde::de::Error::custom(format!("{text:?} is not a duration; write it as {EXAMPLES}"));
        parse_fine(&text).ok_or_else(refused)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_read_with_their_unit() {
        for (text, ms) in
            [("100ms", 100), ("2s", 2000), ("1.5 s", 1500), ("1m 30s", 90_000), ("1h", 3_600_000), ("0s", 0)]
        {
            assert_eq!(parse(text), Ok(Duration::from_millis(ms)), "{text}");
        }
    }

    #[test]
    fn f2_invalid_durations_are_refused() {
        let overflow = "18446744073709551615s1000000000ns";
        for text in [
            "",
            "s",
            "1",
            "1 parsec",
            "-1s",
            "1..5s",
            "100us",
            "1s 1ns",
            "99999999999999999999s",
            "367d",
            "584542046090y",
            overflow,
        ] {
            assert!(parse(text).unwrap_err().ends_with("; write a duration as 100ms, 2s or 1m"), "{text}");
        }
    }

    proptest! {
        #[test]
        fn durations_survive_their_text(ms in 0u64..=86_400_000) {
            let duration = Duration::from_millis(ms);
            prop_assert_eq!(parse(&humantime::format_duration(duration).to_string()), Ok(duration));
        }

        #[test]
        fn no_text_panics(text in "[0-9a-zµ. -]{0,40}|\\PC*") {
            let _ = (parse(&text), parse_fine(&text));
        }
    }
}
