//! The link between clients and server: its properties, their limits, and the faults that can occur on it. The lab
//! proxy emulates it; scenarios and flags configure it.

mod emulation;
mod path;

use std::time::Duration;

pub use emulation::{Emulation, MAX_QUEUE_BYTES, MTU, RATE, USUAL_MTU, parse_rate, parse_share};
pub use path::{Loss, MAX_PACKETS, MAX_STEPS, Path, Queue, Rate, Step, Trace, TraceError};
use serde::{Deserialize, Serialize};

use crate::settings::duration;
#[cfg(feature = "clap")]
use crate::settings::flag::some_time;

/// The longest round-trip time and the largest jitter.
pub const MAX_DELAY: Duration = Duration::from_secs(60);

/// By how much a ramp multiplies the round-trip time until it ends.
pub const RAMP_FACTOR: u32 = 10;

/// The longest idle timeout.
pub const MAX_IDLE_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

/// The largest buffer, bytes: what collects in it takes memory, for each connection.
pub const MAX_BUFFER_BYTES: u64 = 1 << 20;

/// The largest bandwidth that can be set, bytes per second; no loopback reaches more.
pub const MAX_BYTES_PER_S: u64 = 100_000_000_000;

/// What the lab proxy adds to plain loopback: nothing, by default. The doc of a field is also the help of its flag.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::Args), command(next_help_heading = "Path"))]
pub struct Network {
    /// Round-trip time to add: half in each direction, and a full one for the handshake
    #[cfg_attr(feature = "clap", arg(long, value_name = "TIME", default_value = "0ms", value_parser = parse_delay))]
    #[serde(with = "duration")]
    pub rtt: Duration,

    /// Up to this much extra delay each way, uniformly distributed; order is kept
    #[cfg_attr(feature = "clap", arg(long, value_name = "TIME", default_value = "0ms", value_parser = parse_delay))]
    #[serde(with = "duration")]
    pub jitter: Duration,

    /// Bytes per second of each connection in each direction [default: no limit]
    #[cfg_attr(feature = "clap", arg(long = "bandwidth", value_name = "BYTES_PER_S", value_parser = clap::value_parser!(u64).range(1..=MAX_BYTES_PER_S)))]
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub bandwidth_bytes_per_s: Option<u64>,

    /// Close connections that have been idle for this long [default: never]
    #[cfg_attr(feature = "clap", arg(long, value_name = "TIME", value_parser = idle_timeout))]
    #[serde(skip_serializing_if = "Option::is_none", default, with = "duration::option")]
    pub idle_timeout: Option<Duration>,

    /// Hold back what the server sends until this many bytes have collected [default: none]
    #[cfg_attr(feature = "clap", arg(long = "buffer", value_name = "BYTES", value_parser = clap::value_parser!(u64).range(1..=MAX_BUFFER_BYTES)))]
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub buffer_bytes: Option<u64>,
}

/// Parses a delay that a link adds.
///
/// # Errors
/// If it is not a time of at most [`MAX_DELAY`].
#[cfg(feature = "clap")]
pub fn parse_delay(text: &str) -> Result<Duration, String> {
    let time = duration::parse_fine(text).filter(|time| *time <= MAX_DELAY);
    time.ok_or_else(|| "write a time as 50ms or 2s, at most 1m".to_owned())
}

/// Parses the flag of the time after which a link closes idle connections.
#[cfg(feature = "clap")]
fn idle_timeout(text: &str) -> Result<Duration, String> {
    let time = some_time(text)?;
    if time > MAX_IDLE_TIMEOUT { Err("must be at most a day".to_owned()) } else { Ok(time) }
}

/// A fault on the path, by its name in scenarios and in the lab proxy's control API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum LinkFault {
    /// Connections are closed gracefully (FIN), after what is in flight has arrived.
    Cut,
    /// Connections are reset (RST); what is in flight is lost.
    Reset,
    /// Nothing passes, and neither side is notified.
    BlackHole,
    /// The round trip grows evenly, to ten times what it was when the fault is over; then it is as before.
    Ramp,
    /// New connections are refused.
    Refuse,
    /// New connections are answered with 503.
    #[serde(rename = "status-503")]
    Status503,
    /// New connections are answered with 204.
    #[serde(rename = "status-204")]
    Status204,
    /// New connections are answered with 200 and an HTML page.
    WrongType,
}

impl LinkFault {
    /// All faults.
    pub const ALL: [Self; 8] = [
        Self::Cut,
        Self::Reset,
        Self::BlackHole,
        Self::Ramp,
        Self::Refuse,
        Self::Status503,
        Self::Status204,
        Self::WrongType,
    ];

    /// The name of the fault.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cut => "cut",
            Self::Reset => "reset",
            Self::BlackHole => "black-hole",
            Self::Ramp => "ramp",
            Self::Refuse => "refuse",
            Self::Status503 => "status-503",
            Self::Status204 => "status-204",
            Self::WrongType => "wrong-type",
        }
    }

    /// Whether the fault can end the moment it happens.
    #[must_use]
    pub const fn is_momentary(self) -> bool {
        matches!(self, Self::Cut | Self::Reset)
    }

    /// Whether the fault affects open connections, and not only new ones.
    #[must_use]
    pub const fn hits_open(self) -> bool {
        matches!(self, Self::Cut | Self::Reset | Self::BlackHole | Self::Ramp)
    }

    /// Whether the fault is a response in place of the server's.
    #[must_use]
    pub const fn answers(self) -> bool {
        matches!(self, Self::Status503 | Self::Status204 | Self::WrongType)
    }

    /// The fault with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_that_is_written_as_json_is_read_back() {
        let (time, bytes) = (Duration::from_millis(1500), Some(u64::MAX));
        let full = Network {
            rtt: time,
            jitter: time / 2,
            bandwidth_bytes_per_s: bytes,
            idle_timeout: Some(time),
            buffer_bytes: bytes,
        };
        for network in [full, Network::default()] {
            let json = serde_json::to_string(&network).unwrap();
            assert_eq!(serde_json::from_str::<Network>(&json).unwrap(), network, "{json}");
        }
    }

    #[test]
    fn every_fault_has_its_own_name_and_serde_agrees() {
        for kind in LinkFault::ALL {
            assert_eq!(LinkFault::named(kind.name()), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
        assert_eq!(LinkFault::named("restart"), None);
    }
}
