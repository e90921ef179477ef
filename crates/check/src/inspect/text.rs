//! How findings show measured values and a server's text.

use std::time::Duration;

use feedlab_feed::text::visible;

use crate::limits::MAX_QUOTED;

/// Returns a server's text on one line that is harmless on a terminal, shortened if it is long.
pub(super) fn quoted(text: &str) -> String {
    let mut letters = text.chars();
    let start: String = letters.by_ref().take(MAX_QUOTED).collect();
    let rest = if letters.next().is_some() { "…" } else { "" };
    format!("{}{rest}", visible(&start))
}

/// Returns a number with thousands separated, as in `4,096`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Returns a duration in µs with a unit that suits it: `84 ms`, `5.0 s`, `12 min`.
pub(super) fn span(us: u64) -> String {
    match us {
        0..1_000 => "below 1 ms".to_owned(),
        1_000..1_000_000 => format!("{} ms", us / 1_000),
        1_000_000..600_000_000 => {
            let tenths = (us + 50_000) / 100_000;
            format!("{}.{} s", tenths / 10, tenths % 10)
        }
        _ => format!("{} min", us / 60_000_000),
    }
}

/// Returns a duration that somebody set, in whole seconds or ms.
pub(super) fn set(time: Duration) -> String {
    if time.subsec_millis() == 0 { format!("{} s", time.as_secs()) } else { format!("{} ms", time.as_millis()) }
}

/// Returns a count with its noun, as in `1 event` or `2 events`.
pub(super) fn count(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_for_people() {
        assert_eq!((grouped(7), grouped(4_096), grouped(1_234_567)), ("7".into(), "4,096".into(), "1,234,567".into()));
        assert_eq!(
            (span(84_200), span(5_040_000), span(720_000_000)),
            ("84 ms".into(), "5.0 s".into(), "12 min".into())
        );
        assert_eq!((span(999_999), span(4_960_000)), ("999 ms".into(), "5.0 s".into()));
        assert_eq!((count(1, "event"), count(2, "event")), ("1 event".into(), "2 events".into()));
        assert_eq!(quoted("a\u{1b}[31m"), "a\\u{1b}[31m");
        assert_eq!(quoted(&"x".repeat(500)).chars().count(), MAX_QUOTED + 1);
    }
}
