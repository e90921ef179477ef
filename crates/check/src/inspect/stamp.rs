//! The timestamp that most feeds have somewhere in an event's data: it shows how old the event was when it arrived.

use feedlab_feed::clock;

/// How far from now a number may be to be taken for a time, ms.
const PLAUSIBLE_MS: i64 = 24 * 60 * 60 * 1_000;
/// How much of the data is searched, bytes.
const SEARCHED: usize = 4 << 10;

/// Returns the first time in the data, ms since the Unix epoch: a number of seconds, ms, µs or ns, or RFC 3339 in UTC.
pub(super) fn of(data: &str) -> Option<i64> {
    let now_ms = i64::try_from(clock::unix_us() / 1_000).ok()?;
    let bytes = &data.as_bytes()[..data.len().min(SEARCHED)];
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let length = bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let found = number(&bytes[at..at + length]).or_else(|| date(&bytes[at..]));
        if let Some(ms) = found.filter(|ms| (ms - now_ms).abs() < PLAUSIBLE_MS) {
            return Some(ms);
        }
        at += length;
    }
    None
}

fn number(digits: &[u8]) -> Option<i64> {
    let value: i64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    match digits.len() {
        10 => Some(value * 1_000),
        13 => Some(value),
        16 => Some(value / 1_000),
        19 => Some(value / 1_000_000),
        _ => None,
    }
}

/// `2026-01-01T00:00:00Z` to `2026-01-01T00:00:00.000000000Z`.
fn date(bytes: &[u8]) -> Option<i64> {
    let end = bytes.iter().take(30).position(|byte| *byte == b'Z')?;
    let text = std::str::from_utf8(&bytes[..=end]).ok()?;
    let time = humantime::parse_rfc3339(text).ok()?;
    i64::try_from(time.duration_since(std::time::UNIX_EPOCH).ok()?.as_millis()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_found_in_any_of_the_usual_forms() {
        let us = clock::unix_us();
        let ms = i64::try_from(us / 1_000).unwrap();
        let date = humantime::format_rfc3339_millis(clock::wall()).to_string();
        for text in [
            format!("{{\"at\":{us},\"data\":\"x\"}}"),
            format!("{{\"n\":7,\"ts\":{}}}", us / 1_000),
            format!("{}", us / 1_000_000),
            format!("{{\"time\":\"{date}\"}}"),
        ] {
            let found = of(&text).unwrap();
            assert!((found - ms).abs() <= 1_000, "{text}: {found}");
        }
        assert_eq!((of("order 4711, 12345678901234567890123"), of(""), of("1111111111")), (None, None, None));
    }
}
