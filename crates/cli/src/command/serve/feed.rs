//! The flags that choose the feed, as written. They become a [`SourceConfig`].

use std::path::PathBuf;
use std::str::FromStr;

use feedlab_feed::schedule::ScheduleKind;
use feedlab_feed::source::{SourceConfig, StreamAddress, StreamAddressError};

/// The flags of the feed. A flag without a default belongs only to some feeds, and is rejected for the others.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Feed")]
pub(in crate::command) struct FeedArgs {
    /// What to publish: none, synthetic, replay:FILE (NDJSON), stdin (one update per line), host (this machine's load)
    /// or nats://HOST/STREAM (a stream of NATS JetStream, which any number of servers can share)
    #[arg(long, value_name = "FEED", default_value = "host")]
    feed: FeedName,

    /// Updates per second [default: synthetic 10, host 1]
    #[arg(long, value_name = "R", value_parser = above_zero)]
    rate: Option<f64>,

    /// How synthetic updates are spread in time [default: constant]
    #[arg(long, value_enum)]
    schedule: Option<ScheduleKind>,

    /// Updates in a burst, with --schedule burst [default: 10]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    burst_size: Option<u32>,

    /// Payload size of a synthetic update, bytes [default: 256]
    #[arg(long, value_name = "BYTES", value_parser = payload)]
    payload_bytes: Option<usize>,

    /// Make synthetic payloads binary instead of text
    #[arg(long)]
    binary: bool,

    /// Random seed for --schedule poisson [default: 1]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// Replay this many times faster than the recording [default: 1]
    #[arg(long, value_name = "FACTOR", value_parser = above_zero)]
    speed: Option<f64>,

    /// Start a replay again when it ends
    #[arg(long)]
    repeat: bool,
}

/// The feed's name on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
enum FeedName {
    None,
    Synthetic,
    Replay(PathBuf),
    Stdin,
    Host,
    Stream(StreamAddress),
}

impl FromStr for FeedName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "none" => Self::None,
            "synthetic" => Self::Synthetic,
            "stdin" => Self::Stdin,
            "host" => Self::Host,
            _ if StreamAddress::is_meant(text) => {
                Self::Stream(text.parse().map_err(|error: StreamAddressError| error.to_string())?)
            }
            _ => match text.strip_prefix("replay:") {
                Some(file) if !file.is_empty() => Self::Replay(file.into()),
                _ => {
                    return Err(
                        "must be one of none, synthetic, replay:FILE, stdin, host, nats://HOST/STREAM".to_owned()
                    );
                }
            },
        })
    }
}

impl FeedArgs {
    /// Returns the source to open; `None` if only clients publish.
    pub(in crate::command) fn source(&self) -> anyhow::Result<Option<SourceConfig>> {
        let source = match &self.feed {
            FeedName::None => None,
            FeedName::Synthetic => Some(SourceConfig::Synthetic {
                rate: self.rate.unwrap_or(10.0),
                schedule: self.schedule.unwrap_or_default().with(self.seed.unwrap_or(1), self.burst_size.unwrap_or(10)),
                payload_bytes: self.payload_bytes.unwrap_or(256),
                binary: self.binary,
            }),
            FeedName::Replay(file) => {
                Some(SourceConfig::Replay { file: file.clone(), speed: self.speed.unwrap_or(1.0), repeat: self.repeat })
            }
            FeedName::Stdin => Some(SourceConfig::Stdin),
            FeedName::Host => Some(SourceConfig::Host { rate: self.rate.unwrap_or(1.0) }),
            FeedName::Stream(address) => Some(SourceConfig::Stream(address.clone())),
        };
        self.check_flags(&name(source.as_ref()))?;
        Ok(source)
    }

    /// Rejects flags without effect: the feed would not be the one that the user asked for.
    fn check_flags(&self, name: &str) -> anyhow::Result<()> {
        let synthetic = self.feed == FeedName::Synthetic;
        let replay = matches!(self.feed, FeedName::Replay(_));
        let rules = [
            (self.rate.is_some(), synthetic || self.feed == FeedName::Host, "--rate", "synthetic or --feed host"),
            (self.schedule.is_some(), synthetic, "--schedule", "synthetic"),
            (self.payload_bytes.is_some(), synthetic, "--payload-bytes", "synthetic"),
            (self.binary, synthetic, "--binary", "synthetic"),
            (self.burst_size.is_some(), self.is(ScheduleKind::Burst), "--burst-size", "synthetic --schedule burst"),
            (self.seed.is_some(), self.is(ScheduleKind::Poisson), "--seed", "synthetic --schedule poisson"),
            (self.speed.is_some(), replay, "--speed", "replay:FILE"),
            (self.repeat, replay, "--repeat", "replay:FILE"),
        ];
        for (given, applies, flag, feed) in rules {
            anyhow::ensure!(!given || applies, "{flag} requires --feed {feed}, but the feed is {name}");
        }
        Ok(())
    }

    fn is(&self, schedule: ScheduleKind) -> bool {
        self.feed == FeedName::Synthetic && self.schedule == Some(schedule)
    }
}

/// Returns the feed's name, as written for `--feed`.
pub(in crate::command) fn name(source: Option<&SourceConfig>) -> String {
    match source {
        None => "none".to_owned(),
        Some(SourceConfig::Synthetic { .. }) => "synthetic".to_owned(),
        Some(SourceConfig::Replay { file, .. }) => format!("replay:{}", file.display()),
        Some(SourceConfig::Recorded { .. }) => "recorded".to_owned(),
        Some(SourceConfig::Stdin) => "stdin".to_owned(),
        Some(SourceConfig::Host { .. }) => "host".to_owned(),
        Some(SourceConfig::Stream(address)) => address.to_string(),
    }
}

fn above_zero(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite() && *number > 0.0);
    number.ok_or_else(|| "must be a number above 0".to_owned())
}

fn payload(text: &str) -> Result<usize, String> {
    const MAX: usize = 16 << 20;
    text.parse().ok().filter(|bytes| *bytes <= MAX).ok_or_else(|| format!("must be a whole number up to {MAX}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use feedlab_feed::schedule::Schedule;

    #[derive(Parser)]
    struct TestArgs {
        #[command(flatten)]
        feed: FeedArgs,
    }

    fn source(flags: &str) -> Result<Option<SourceConfig>, String> {
        let line = TestArgs::try_parse_from(["test"].into_iter().chain(flags.split_whitespace()));
        line.map_err(|error| error.to_string())?.feed.source().map_err(|error| error.to_string())
    }

    #[test]
    fn flags_become_the_source_they_describe() {
        assert_eq!(source(""), Ok(Some(SourceConfig::Host { rate: 1.0 })));
        assert_eq!(source("--feed none"), Ok(None));
        assert_eq!(
            source("--feed synthetic --rate 50 --schedule poisson --seed 7 --payload-bytes 0"),
            Ok(Some(SourceConfig::Synthetic {
                rate: 50.0,
                schedule: Schedule::Poisson { seed: 7 },
                payload_bytes: 0,
                binary: false
            }))
        );
        assert_eq!(
            source("--feed replay:a.ndjson --speed 60 --repeat"),
            Ok(Some(SourceConfig::Replay { file: "a.ndjson".into(), speed: 60.0, repeat: true }))
        );
    }

    #[test]
    fn flags_of_another_feed_and_wrong_values_are_rejected() {
        for (flags, needle) in [
            ("--rate 5 --feed stdin", "--rate requires --feed synthetic or --feed host"),
            ("--speed 5", "--speed requires --feed replay:FILE, but the feed is host"),
            ("--feed synthetic --seed 5", "--seed requires --feed synthetic --schedule poisson"),
            ("--feed synthetic --rate 0", "above 0"),
            ("--feed synthetic --rate nan", "above 0"),
            ("--feed replay:", "one of none, synthetic"),
            ("--feed pigeon", "one of none, synthetic"),
        ] {
            let error = source(flags).unwrap_err();
            assert!(error.contains(needle), "{flags}: {error}");
        }
    }
}
