//! Bounds of numbers and durations, and the owners of options: one message for each kind of mistake.

use std::ops::RangeInclusive;
use std::time::Duration;

use feedlab_feed::text;
use humantime::format_duration;

use super::super::error::FieldError;
use super::super::written::{At, OneOrMany, WrittenDuration, WrittenPercent};

/// Returns a whole number, or its default. The bounds must be within `T`.
pub(super) fn whole<T: TryFrom<i64>>(
    key: &str,
    written: Option<&At<i64>>,
    bounds: RangeInclusive<i64>,
    default: T,
) -> Result<T, FieldError> {
    let Some(written) = written else { return Ok(default) };
    let number = Some(**written).filter(|number| bounds.contains(number)).and_then(|number| T::try_from(number).ok());
    number.ok_or_else(|| outside(key, written, **written, &bounds))
}

/// Returns whole numbers, ascending and without duplicates.
pub(super) fn sweep(key: &str, written: &At<OneOrMany>, bounds: RangeInclusive<i64>) -> Result<Vec<i64>, FieldError> {
    let mut numbers = written.0.clone();
    if let Some(&number) = numbers.iter().find(|number| !bounds.contains(number)) {
        return Err(outside(key, written, number, &bounds));
    }
    if numbers.is_empty() {
        return Err(FieldError::at(written, format!("`{key}` is an empty list; give at least one number")));
    }
    numbers.sort_unstable();
    numbers.dedup();
    Ok(numbers)
}

/// Checks a text that reports and terminals show: it must not contain invisible characters, like a label.
pub(super) fn shown(key: &str, written: &At<String>) -> Result<(), FieldError> {
    let Some(hidden) = written.chars().find(|letter| text::is_hidden(*letter)) else { return Ok(()) };
    let code = u32::from(hidden);
    let problem = format!("`{key}` must be one line without invisible characters; remove U+{code:04X}");
    Err(FieldError::at(written, problem))
}

fn outside<T>(key: &str, at: &At<T>, number: i64, bounds: &RangeInclusive<i64>) -> FieldError {
    let (least, most) = (bounds.start(), bounds.end());
    FieldError::at(at, format!("`{key}` is {number}; it must be from {least} to {most}"))
}

/// Returns a number above 0.
pub(super) fn positive(key: &str, written: &At<f64>) -> Result<f64, FieldError> {
    let number = **written;
    if number.is_finite() && number > 0.0 {
        return Ok(number);
    }
    Err(FieldError::at(written, format!("`{key}` is {number}; it must be above 0")))
}

/// Returns a share of a whole: above 0 and at most 1.
pub(super) fn share(key: &str, written: &At<f64>) -> Result<f64, FieldError> {
    let number = **written;
    if number > 0.0 && number <= 1.0 {
        return Ok(number);
    }
    Err(FieldError::at(written, format!("`{key}` is {number}; it must be above 0 and at most 1 (all connections)")))
}

/// Returns a share that is written as a percentage: above 0 and at most 1.
pub(super) fn percent(key: &str, written: &At<WrittenPercent>) -> Result<f64, FieldError> {
    let percent = written.0;
    if percent > 0.0 && percent <= 100.0 {
        return Ok(percent / 100.0);
    }
    Err(FieldError::at(written, format!("`{key}` is {percent}%; it must be above 0% and at most 100%")))
}

/// Returns a flag, or its default.
pub(super) fn flag(written: Option<&At<bool>>, default: bool) -> bool {
    written.map_or(default, |given| **given)
}

/// Returns a duration, or its default.
pub(super) fn duration(
    key: &str,
    written: Option<&At<WrittenDuration>>,
    bounds: RangeInclusive<Duration>,
    default: Duration,
) -> Result<Duration, FieldError> {
    let Some(written) = written else { return Ok(default) };
    if bounds.contains(&written.0) {
        return Ok(written.0);
    }
    let [given, least, most] = [written.0, *bounds.start(), *bounds.end()].map(format_duration);
    Err(FieldError::at(written, format!("`{key}` is {given}; it must be from {least} to {most}")))
}

/// Rejects an option of another transport or source, and names its owners.
pub(super) fn belongs<T>(key: &str, written: Option<&At<T>>, owners: &[&str], chosen: &str) -> Result<(), FieldError> {
    match written {
        Some(written) if !owners.contains(&chosen) => {
            let owners = listed(owners);
            Err(FieldError::at(written, format!("`{key}` is an option of {owners}, not of {chosen}; remove it")))
        }
        _ => Ok(()),
    }
}

/// Joins names: `a`, `a and b`, `a, b and c`.
fn listed(names: &[&str]) -> String {
    match names {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        _ => names.concat(),
    }
}
