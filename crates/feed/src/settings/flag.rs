//! Parsers for settings as values of flags, for `feedlab serve` and other commands.

use std::time::Duration;

use super::{Stall, duration};

/// Parses a time as in a scenario file, at any resolution.
///
/// # Errors
/// When the text is not a time, or the time is zero.
pub fn some_time(text: &str) -> Result<Duration, String> {
    let time = duration::parse_fine(text).ok_or("write a time as 250ms, 15s or 1m")?;
    if time.is_zero() { Err("must be longer than zero".to_owned()) } else { Ok(time) }
}

/// Parses a whole number.
///
/// # Errors
/// When the text is not a number, or less than 1.
pub fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| "must be a whole number, at least 1".to_owned())
}

/// Parses a pause of the feed: `4s:500ms`.
///
/// # Errors
/// When the text is not two times.
pub(super) fn stall(text: &str) -> Result<Stall, String> {
    let parse = duration::parse_fine;
    let times = text.split_once(':').and_then(|(after, length)| Some((parse(after)?, parse(length)?)));
    let (after, length) = times.ok_or("write when it begins and how long it lasts, as in 4s:500ms")?;
    Ok(Stall { after, length })
}

/// Formats a default in whole seconds.
pub(super) fn seconds(time: Duration) -> String {
    format!("{}s", time.as_secs())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::Settings;
    use super::*;

    #[derive(Parser)]
    struct CommandLine {
        #[command(flatten)]
        settings: Settings,
    }

    fn settings(flags: &str) -> Settings {
        CommandLine::try_parse_from(["test"].into_iter().chain(flags.split_whitespace())).unwrap().settings
    }

    #[test]
    fn flags_set_their_settings_and_leave_the_others_at_their_defaults() {
        assert_eq!(settings(""), Settings::default());
        let stall = Some(Stall { after: Duration::from_secs(4), length: Duration::from_millis(500) });
        let coalesce = Some(Duration::from_micros(50));
        assert_eq!(
            settings("--stall 4s:500ms --coalesce 50us --slow-limit 9 --allow-publish"),
            Settings { stall, coalesce, slow_limit: Some(9), allow_publish: true, ..Settings::default() }
        );
    }
}
