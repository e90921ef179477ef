//! Amounts as people write them: 400 B, 2 kB, 10k, 1e6, 5/s.

use serde::{Deserializer, Serializer, de};

/// Reads a size in bytes: a number, possibly with B, kB, KiB, MB or MiB.
///
/// # Errors
/// A message that says what is wrong with the text, and what it should look like.
pub fn parse_size(text: &str) -> Result<usize, String> {
    let wrong = || format!("{text:?} is not a size; write it as 400 B, 2 kB or 1 KiB");
    let text_only = text.trim();
    let split = text_only.find(|c: char| c.is_alphabetic()).unwrap_or(text_only.len());
    let (number, unit) = text_only.split_at(split);
    let factor = match &*unit.to_lowercase() {
        "" | "b" | "byte" | "bytes" => 1.0,
        "k" | "kb" => 1e3,
        "kib" => 1024.0,
        "m" | "mb" => 1e6,
        "mib" => 1_048_576.0,
        _ => return Err(wrong()),
    };
    let number: f64 = number.trim().parse().map_err(|_| wrong())?;
    let bytes = (number * factor).round();
    if number.is_finite() && (0.0..=1e12).contains(&bytes) { Ok(bytes as usize) } else { Err(wrong()) }
}

/// Reads a rate per second: `5`, `5/s`, `12/min`, `3 per hour`.
///
/// # Errors
/// A message that says what is wrong with the text, and what it should look like.
pub fn parse_rate(text: &str) -> Result<f64, String> {
    let wrong = || format!("{text:?} is not a rate; write it as 5/s, 12/min or 3/h");
    let words = text.trim().to_lowercase().replace("per", "/");
    let (number, unit) = words.split_once('/').unwrap_or((&words, "s"));
    let seconds = match unit.trim() {
        "s" | "sec" | "second" => 1.0,
        "min" | "m" | "minute" => 60.0,
        "h" | "hour" => 3_600.0,
        "d" | "day" => 86_400.0,
        _ => return Err(wrong()),
    };
    let number: f64 = number.trim().parse().map_err(|_| wrong())?;
    if number.is_finite() && number >= 0.0 { Ok(number / seconds) } else { Err(wrong()) }
}

/// Reads a count: `3000`, `10k`, `1M` or `1e6`.
///
/// # Errors
/// A message that says what is wrong with the text, and what it should look like.
pub fn parse_count(text: &str) -> Result<u64, String> {
    whole(text).ok_or_else(|| format!("{text:?} is not a whole number; write it as 3000, 10k or 1e6"))
}

/// Reads a whole number, possibly with separators or as `10k`, `1M` or `1e6`.
pub(super) fn whole(text: &str) -> Option<u64> {
    let plain = text.trim().replace(['_', ','], "").to_lowercase();
    let (digits, factor) = match plain.strip_suffix('k') {
        Some(digits) => (digits, 1e3),
        None => plain.strip_suffix('m').map_or((&*plain, 1.0), |digits| (digits, 1e6)),
    };
    let number = digits.trim().parse::<f64>().ok()? * factor;
    ((0.0..=1e15).contains(&number) && number.fract() == 0.0).then_some(number as u64)
}

/// Sizes in files: a number of bytes, or text with a unit.
pub(super) mod size {
    use super::{Deserializer, Serializer, de};

    struct Size;

    impl de::Visitor<'_> for Size {
        type Value = usize;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a size in bytes, as in 400 or \"400 B\"")
        }

        fn visit_u64<E: de::Error>(self, bytes: u64) -> Result<usize, E> {
            usize::try_from(bytes).map_err(E::custom)
        }

        fn visit_i64<E: de::Error>(self, bytes: i64) -> Result<usize, E> {
            usize::try_from(bytes)
                .map_err(|_| E::custom(format_args!("{bytes} is not a size; it must not be negative")))
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<usize, E> {
            super::parse_size(text).map_err(E::custom)
        }
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
    pub(in crate::choice) fn serialize<S: Serializer>(bytes: &usize, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(*bytes as u64)
    }

    pub(in crate::choice) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_any(Size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_rates_are_read_as_people_write_them() {
        for (text, bytes) in [("400 B", 400), ("400", 400), ("2kB", 2_000), ("1.5 KiB", 1_536), ("1 MB", 1_000_000)] {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        for text in ["", "many", "-4 B", "4 GB", "1e300", "NaN"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
        for (text, rate) in [("5", 5.0), ("5/s", 5.0), ("12 / min", 0.2), ("36 per hour", 0.01), ("0", 0.0)] {
            assert_eq!(parse_rate(text), Ok(rate), "{text}");
        }
        assert!(parse_rate("5/fortnight").is_err() && parse_rate("-1").is_err() && parse_rate("inf").is_err());
        assert_eq!(
            ["10k", "1M", "3,000", "1e6"].map(whole),
            [Some(10_000), Some(1_000_000), Some(3_000), Some(1_000_000)]
        );
        assert_eq!(["", "1.5", "-3", "k"].map(whole), [None; 4]);
    }
}
