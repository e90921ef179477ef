//! Formats figures for people: three digits, and the unit that fits the size.
//!
//! Tables, chart labels and sentences all use this module, so a value looks the same everywhere.

use std::time::Duration;

use feedlab_experiment::metric::Unit;
use feedlab_experiment::summary::Estimate;

/// The text in place of a figure that was not measured.
pub const ABSENT: &str = "—";

/// A unit: its name and its size in the base unit.
type Scale = (&'static str, f64);

const TIME: &[Scale] = &[("µs", 1.0), ("ms", 1e3), ("s", 1e6)];
const SIZE: &[Scale] =
    &[("B", 1.0), ("KiB", 1024.0), ("MiB", 1_048_576.0), ("GiB", 1_073_741_824.0), ("TiB", 1_099_511_627_776.0)];
const BITS: &[Scale] = &[("bit/s", 1.0), ("kbit/s", 1e3), ("Mbit/s", 1e6), ("Gbit/s", 1e9), ("Tbit/s", 1e12)];
const PLAIN: &[Scale] = &[("", 1.0)];

/// Formats a time given in µs: `312 µs`, `1.25 ms`, `25 s`.
#[must_use]
pub fn time(us: f64) -> String {
    quantity(us, TIME)
}

/// Formats a duration as [`time`] does.
#[must_use]
pub fn duration(duration: Duration) -> String {
    time(duration.as_secs_f64() * 1e6)
}

/// Formats a size given in bytes: `214 B`, `1.2 KiB`.
#[must_use]
pub fn size(bytes: f64) -> String {
    quantity(bytes, SIZE)
}

/// Formats a bandwidth given in bits per second: `1.2 Mbit/s`.
#[must_use]
pub fn bits(bits_per_s: f64) -> String {
    quantity(bits_per_s, BITS)
}

/// Formats a count that may be far below 1: `0.0003`, where [`count`] returns `0`.
#[must_use]
pub fn rough(value: f64) -> String {
    if value == 0.0 || value.abs() >= 0.01 {
        return count(value);
    }
    let decimals = (-value.abs().log10()).ceil().clamp(0.0, 12.0) as usize;
    format!("{value:.decimals$}")
}

/// Formats a count: `1,707`, `0.5`.
#[must_use]
pub fn count(value: f64) -> String {
    quantity(value, PLAIN)
}

/// Formats a value in its metric's unit.
#[must_use]
pub fn value(value: f64, unit: Unit) -> String {
    quantity(value, scales(unit))
}

/// Formats a share of `whole`: `37 %`, `< 1 %`, `> 99 %`; `None` if `whole` is not positive.
#[must_use]
pub fn share(part: f64, whole: f64) -> Option<String> {
    if whole <= 0.0 {
        return None;
    }
    let percent = 100.0 * part / whole;
    Some(match percent {
        p if p > 0.0 && p < 1.0 => "< 1 %".to_owned(),
        p if p > 99.0 && p < 100.0 => "> 99 %".to_owned(),
        p => format!("{p:.0} %"),
    })
}

/// Formats an estimate with its interval: `512 ms (498–530)`, both in the value's unit.
#[must_use]
pub fn estimate(estimate: Estimate, unit: Unit) -> String {
    let value = value(estimate.value, unit);
    let Some((low, high)) = estimate.low.zip(estimate.high) else { return value };
    let step = step(estimate.value, scales(unit));
    format!("{value} ({}–{})", digits(low / step.1), digits(high / step.1))
}

/// Formats a value and related figures in the unit of the largest. Only the first has the unit; minus signs are U+2212.
#[must_use]
pub fn together<const N: usize>(values: [f64; N], unit: Unit) -> [String; N] {
    let largest = values.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
    let (name, size) = step(largest, scales(unit));
    let mut texts = values.map(|value| digits(value / size).replace('-', "−"));
    if let Some(first) = texts.first_mut().filter(|_| !name.is_empty()) {
        *first = format!("{first} {name}");
    }
    texts
}

/// Formats a share as a percentage: `5 %`, `0.7 %`.
#[must_use]
pub fn percent(share: f64) -> String {
    format!("{} %", two_digits(100.0 * share))
}

/// Formats a relative deviation: `+2.4 %`, `−0.3 %`, `0 %`.
#[must_use]
pub fn signed_percent(share: f64) -> String {
    let text = percent(share.abs());
    match share {
        _ if text == "0 %" => text,
        share if share < 0.0 => format!("−{text}"),
        _ => format!("+{text}"),
    }
}

/// Formats the ratio of `large` to `small`: `5.7 times`, `twice`, `1,240 times`.
#[must_use]
pub fn times(large: f64, small: f64) -> String {
    match two_digits(large / small).as_str() {
        "2" => "twice".to_owned(),
        number => format!("{number} times"),
    }
}

/// Formats a number for a sentence: as a word below ten, in digits otherwise.
#[must_use]
pub fn word(number: usize) -> String {
    const WORDS: [&str; 10] = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    WORDS.get(number).map_or_else(|| count(number as f64), |&word| word.to_owned())
}

fn scales(unit: Unit) -> &'static [Scale] {
    match unit {
        Unit::Microseconds => TIME,
        Unit::Bytes => SIZE,
        Unit::Count => PLAIN,
    }
}

fn quantity(value: f64, scales: &[Scale]) -> String {
    let (unit, size) = step(value, scales);
    let digits = digits(value / size);
    if unit.is_empty() { digits } else { format!("{digits} {unit}") }
}

/// Returns the first unit whose rounded figure stays below the next unit, so that 999.9 µs becomes 1 ms.
fn step(value: f64, scales: &[Scale]) -> Scale {
    let fits = |pair: &&[Scale]| rounded(value.abs() / pair[0].1) * pair[0].1 < pair[1].1;
    scales.windows(2).find(fits).map_or(scales[scales.len() - 1], |pair| pair[0])
}

/// Rounds to three significant digits, but never drops digits of the integer part.
fn rounded(value: f64) -> f64 {
    let scale = 10f64.powi(decimals(value));
    (value * scale).round() / scale
}

fn decimals(value: f64) -> i32 {
    match value.abs() {
        v if v >= 99.95 => 0,
        v if v >= 9.995 => 1,
        _ => 2,
    }
}

fn digits(value: f64) -> String {
    let decimals = usize::try_from(decimals(value)).unwrap_or(0);
    let text = format!("{value:.decimals$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    grouped(if text == "-0" { "0" } else { text })
}

fn two_digits(value: f64) -> String {
    if value < 9.95 { digits((value * 10.0).round() / 10.0) } else { digits(value.round()) }
}

/// Puts commas between the thousands of the integer part.
fn grouped(number: &str) -> String {
    let (whole, fraction) = number.split_at(number.find('.').unwrap_or(number.len()));
    let (sign, whole) = whole.split_at(usize::from(whole.starts_with('-')));
    let mut out = String::from(sign);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out + fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_take_the_unit_that_fits() {
        for (us, text) in [
            (0.0, "0 µs"),
            (0.4, "0.4 µs"),
            (312.0, "312 µs"),
            (999.4, "999 µs"),
            (999.6, "1 ms"),
            (1_250.0, "1.25 ms"),
            (12_340.0, "12.3 ms"),
            (512_300.0, "512 ms"),
            (1_000_000.0, "1 s"),
            (3_600_000_000.0, "3,600 s"),
        ] {
            assert_eq!(time(us), text);
        }
    }

    #[test]
    fn sizes_count_in_1024() {
        for (bytes, text) in [(8.5, "8.5 B"), (214.0, "214 B"), (1023.0, "1,023 B"), (1024.0, "1 KiB")] {
            assert_eq!(size(bytes), text);
        }
        assert_eq!(size(1.5 * 1024.0 * 1024.0), "1.5 MiB");
        assert_eq!(size(-2048.0), "-2 KiB");
        assert_eq!(bits(1.25e6), "1.25 Mbit/s");
        assert_eq!([0.0, 0.0003, 0.02, 2.5].map(rough), ["0", "0.0003", "0.02", "2.5"]);
    }

    #[test]
    fn counts_are_grouped() {
        for (value, text) in
            [(0.0, "0"), (-0.0, "0"), (0.5, "0.5"), (999.0, "999"), (1_707.0, "1,707"), (1e6, "1,000,000")]
        {
            assert_eq!(count(value), text);
        }
        assert_eq!(count(-1234.0), "-1,234");
        assert_eq!(word(3), "three");
        assert_eq!(word(12), "12");
    }

    #[test]
    fn an_interval_shares_the_unit_of_its_value() {
        let with = Estimate { value: 512_000.0, low: Some(498_000.0), high: Some(1_100_000.0) };
        assert_eq!(estimate(with, Unit::Microseconds), "512 ms (498–1,100)");
        let without = Estimate { value: 2048.0, low: None, high: None };
        assert_eq!(estimate(without, Unit::Bytes), "2 KiB");
    }

    #[test]
    fn figures_that_belong_together_share_a_unit() {
        let texts = together([300.0, -400.0, 1_000.0], Unit::Microseconds);
        assert_eq!(texts, ["0.3 ms", "−0.4", "1"]);
        assert_eq!(together([3.0, -0.5], Unit::Count), ["3", "−0.5"]);
    }

    #[test]
    fn shares_never_round_to_none_or_all() {
        assert_eq!(share(0.0, 10.0).as_deref(), Some("0 %"));
        assert_eq!(share(1.0, 1000.0).as_deref(), Some("< 1 %"));
        assert_eq!(share(999.0, 1000.0).as_deref(), Some("> 99 %"));
        assert_eq!(share(10.0, 10.0).as_deref(), Some("100 %"));
        assert_eq!(share(0.0, 0.0), None);
        assert_eq!([0.05, 0.0074, 1.234].map(percent), ["5 %", "0.7 %", "123 %"]);
        assert_eq!([0.0241, -0.003, -0.0001].map(signed_percent), ["+2.4 %", "−0.3 %", "0 %"]);
        assert_eq!(times(5.74, 1.0), "5.7 times");
        assert_eq!(times(2.03, 1.0), "twice");
        assert_eq!(times(1240.4, 1.0), "1,240 times");
    }
}
