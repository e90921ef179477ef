//! The settings of a server, declared only here: the server of a cell reads [`Settings`] as JSON, `feedlab serve` reads
//! them as flags, the server acts on them, and scenario files and the labs of the live page share their types. What
//! belongs to a single process (addresses, certificates, tokens) is not part of them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::source::SourceConfig;
use crate::wire::sse::RETRY;

pub mod duration;
#[cfg(feature = "clap")]
pub mod flag;

/// Updates that are kept, and that a client may ask for.
const HISTORY: usize = 4096;
/// Time between keepalives. Below the idle timeouts of common proxies (60 s).
pub const KEEPALIVE: Duration = Duration::from_secs(15);
/// The longest hold of a long poll.
const MAX_HOLD: Duration = Duration::from_secs(60);
/// Updates after which a stalled stream is ended, if that is the policy.
const SLOW_LIMIT: u64 = 256;
/// Connections that are accepted.
const MAX_CONNECTIONS: usize = 65_536;

/// What is published, and how it is delivered. The doc of a field is also the help of its flag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::Args), command(next_help_heading = "Endpoints"))]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The source of the updates; without one, clients publish them
    #[cfg_attr(feature = "clap", arg(skip))]
    pub source: Option<SourceConfig>,

    /// Stamp updates with the time they were due, or with the time they were published, which hides every delay before
    /// that
    #[cfg_attr(
        feature = "clap",
        arg(long = "stamp", value_name = "STAMP", value_enum, default_value_t, help_heading = "Feed")
    )]
    pub age_from: AgeFrom,

    /// Pause the feed on purpose: 4s:500ms publishes nothing for half a second, 4 s after its start
    #[cfg_attr(feature = "clap", arg(long, value_name = "AFTER:FOR", value_parser = flag::stall, help_heading = "Feed"))]
    pub stall: Option<Stall>,

    /// How many past updates a connecting or polling client may ask for; with 0, polling gets only gaps
    #[cfg_attr(feature = "clap", arg(long, value_name = "N", default_value_t = HISTORY))]
    pub history: usize,

    /// How many updates an open stream may fall behind before it gets a gap; raised to --history if lower
    #[cfg_attr(feature = "clap", arg(long, value_name = "N", default_value_t = HISTORY, value_parser = flag::at_least_one))]
    pub queue: usize,

    /// What to do with a stream whose client reads too slowly
    #[cfg_attr(feature = "clap", arg(long, value_enum, default_value_t))]
    pub slow_policy: SlowPolicy,

    /// With --slow-policy disconnect, end a stream once this many updates were published since it stalled [default:
    /// 256]
    #[cfg_attr(feature = "clap", arg(long, value_name = "N"))]
    pub slow_limit: Option<u64>,

    /// Write to a stream at most this often, batching the updates in between
    #[cfg_attr(feature = "clap", arg(long, value_name = "TIME", value_parser = flag::some_time))]
    #[serde(with = "duration::option")]
    pub coalesce: Option<Duration>,

    /// The kernel's send buffer of each connection; a small one reveals slow clients early [default: the kernel's
    /// choice]
    #[cfg_attr(feature = "clap", arg(long, value_name = "BYTES", value_parser = flag::at_least_one))]
    pub send_buffer: Option<usize>,

    /// Time between two keepalives on an idle stream
    #[cfg_attr(feature = "clap", arg(long, value_name = "TIME", default_value = flag::seconds(KEEPALIVE), value_parser = flag::some_time))]
    #[serde(with = "duration")]
    pub keepalive: Duration,

    /// How long a client of an event stream waits before it reconnects
    #[cfg_attr(feature = "clap", arg(long, value_name = "TIME", default_value = flag::seconds(RETRY), value_parser = flag::some_time))]
    #[serde(with = "duration")]
    pub retry: Duration,

    /// End streams gracefully at this age, or at random up to half of it earlier: their clients reconnect, to whichever
    /// server the balancer picks by then
    #[cfg_attr(feature = "clap", arg(long, value_name = "TIME", value_parser = flag::some_time))]
    #[serde(with = "duration::option")]
    pub max_connection_age: Option<Duration>,

    /// The longest hold that a long poll may ask for
    #[cfg_attr(feature = "clap", arg(long, value_name = "TIME", default_value = flag::seconds(MAX_HOLD), value_parser = flag::some_time))]
    #[serde(with = "duration")]
    pub max_hold: Duration,

    /// Accept updates from clients: POST /feed and WebSocket messages
    #[cfg_attr(feature = "clap", arg(long, help_heading = "Safety"))]
    pub allow_publish: bool,

    /// Connections beyond this many are answered with 503, after which an EventSource gives up; requests for /stats and
    /// /metrics count too, unless they use --control
    #[cfg_attr(feature = "clap", arg(long, value_name = "N", default_value_t = MAX_CONNECTIONS, value_parser = flag::at_least_one, help_heading = "Safety", display_order = 999))]
    pub max_connections: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            source: None,
            age_from: AgeFrom::Due,
            stall: None,
            history: HISTORY,
            queue: HISTORY,
            slow_policy: SlowPolicy::Block,
            slow_limit: None,
            coalesce: None,
            send_buffer: None,
            keepalive: KEEPALIVE,
            retry: RETRY,
            max_connection_age: None,
            max_hold: MAX_HOLD,
            allow_publish: false,
            max_connections: MAX_CONNECTIONS,
        }
    }
}

impl Settings {
    /// The number of updates after which a stalled stream is ended, if that is the policy.
    #[must_use]
    pub fn disconnect_after(&self) -> Option<u64> {
        (self.slow_policy == SlowPolicy::Disconnect).then(|| self.slow_limit.unwrap_or(SLOW_LIMIT))
    }
}

/// The time from which the age of an update counts: the meaning of its `at`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
#[cfg_attr(
    feature = "schemars",
    derive(schemars::JsonSchema),
    schemars(description = "The time from which the age of an update counts.")
)]
#[serde(rename_all = "kebab-case")]
pub enum AgeFrom {
    /// When it was due, however late it was published: a stall ages every update that fell into it.
    #[default]
    #[cfg_attr(feature = "clap", value(help = "When it was due"))]
    Due,
    /// When it was published: what a measurement sees if it waits for the system under test, and so omits what a stall
    /// delayed (coordinated omission). Show it next to the other, never instead.
    #[cfg_attr(feature = "clap", value(help = "When it was published"))]
    Publication,
}

impl AgeFrom {
    /// Whether ages count from the due time, as they do unless a contender says otherwise.
    #[must_use]
    pub const fn is_due(&self) -> bool {
        matches!(self, Self::Due)
    }
}

/// A period in which nothing is published. Updates due during it are published at its end, and keep their due time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stall {
    /// When it begins: in a scenario, from the start of the measured period; at a server, from the start of the feed.
    #[serde(with = "duration")]
    pub after: Duration,
    /// How long it lasts.
    #[serde(with = "duration", rename = "for")]
    pub length: Duration,
}

impl Stall {
    /// Returns when an update is published that is due `due` after the same start.
    #[must_use]
    pub fn release(&self, due: Duration) -> Duration {
        let end = self.after.saturating_add(self.length);
        if self.after <= due && due < end { end } else { due }
    }
}

/// What to do with a stream whose client reads too slowly.
///
/// The cost of such a client is bounded under every policy, because its updates wait in the ring that all clients
/// share. Its own memory is at most 64 updates that the socket has not taken (references to shared bytes, filled up to
/// 64 KiB and one update), at most 128 answers to what it sent, and the kernel's send buffer (as large as configured,
/// or else up to the last figure of `net.ipv4.tcp_wmem`). TLS adds a buffer of at most 64 KiB, and an HTTP/2 stream one
/// of at most 64 KiB in at most 1,024 frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
#[cfg_attr(
    feature = "schemars",
    derive(schemars::JsonSchema),
    schemars(description = "What to do with a stream whose client reads too slowly. Each policy bounds memory.")
)]
#[serde(rename_all = "kebab-case")]
pub enum SlowPolicy {
    /// It gets everything in order, at its own pace; what leaves the history meanwhile is reported as a gap.
    #[default]
    #[cfg_attr(feature = "clap", value(help = "It gets everything in order, at its own pace; beyond --queue, a gap"))]
    Block,
    /// It gets the newest update whenever it can take one; the skipped ones are reported as a gap.
    #[cfg_attr(feature = "clap", value(help = "It skips to the newest update; the others are reported as a gap"))]
    Latest,
    /// It is disconnected, and may reconnect with its cursor.
    #[cfg_attr(feature = "clap", value(help = "It is disconnected, and may reconnect with its cursor"))]
    Disconnect,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Schedule;

    fn synthetic(schedule: Schedule) -> SourceConfig {
        SourceConfig::Synthetic { rate: 0.25, schedule, payload_bytes: 9, binary: true }
    }

    #[test]
    fn settings_survive_json() {
        let ms = Duration::from_millis;
        for source in [
            None,
            Some(synthetic(Schedule::Constant)),
            Some(synthetic(Schedule::Poisson { seed: u64::MAX })),
            Some(synthetic(Schedule::Burst { size: 3 })),
            Some(SourceConfig::Replay { file: "a week/of quakes.ndjson".into(), speed: 10_000.5, repeat: true }),
            Some(SourceConfig::Host { rate: 2.0 }),
            Some(SourceConfig::Stdin),
        ] {
            let settings = Settings {
                source,
                age_from: AgeFrom::Publication,
                stall: Some(Stall { after: ms(4000), length: ms(500) }),
                slow_policy: SlowPolicy::Disconnect,
                slow_limit: Some(10),
                coalesce: Some(ms(50)),
                max_connection_age: Some(ms(600_000)),
                send_buffer: Some(65_536),
                ..Settings::default()
            };
            let json = serde_json::to_string(&settings).unwrap();
            assert_eq!(serde_json::from_str::<Settings>(&json).unwrap(), settings, "{json}");
        }
        assert!(serde_json::from_str::<Settings>("{\"color\":1}").unwrap_err().to_string().contains("color"));
    }

    #[test]
    fn a_stall_releases_at_its_end_what_fell_due_during_it() {
        let ms = Duration::from_millis;
        let stall = Stall { after: ms(10), length: ms(5) };
        assert_eq!([9, 10, 14, 15].map(|due| stall.release(ms(due))), [9, 15, 15, 15].map(ms));
    }
}
