//! A link as people describe it: in scenarios and on the command line of `feedlab link`. The emulator gets two
//! [`Path`]s, one for each direction.

use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Loss, MAX_DELAY, MAX_PACKETS, Path, Queue, Rate};
use crate::settings::duration;

/// The largest IP packet on Ethernet, bytes.
pub const USUAL_MTU: u32 = 1500;
/// The smallest packet that IPv4 must carry and the largest that it can, bytes. Below the first, TCP has little to send.
pub const MTU: std::ops::RangeInclusive<u32> = 576..=65_535;
/// The range of a rate, bits per second: a modem, and what no emulator in user space reaches.
pub const RATE: std::ops::RangeInclusive<u64> = 1_000..=10_000_000_000;
/// The largest queue in bytes.
pub const MAX_QUEUE_BYTES: usize = 64 << 20;

/// A link: nothing between both sides, by default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Emulation {
    /// Round-trip time: half of it in each direction.
    #[serde(with = "duration::fine")]
    pub rtt: Duration,
    /// Up to this much more each way, uniformly distributed.
    #[serde(with = "duration::fine")]
    pub jitter: Duration,
    /// Whether jitter may change the order of packets.
    pub reorder: bool,
    /// The share of packets that is lost, in each direction.
    pub loss: f64,
    /// The mean number of packets that are lost in a row; `None` if each is lost independently.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub loss_burst: Option<f64>,
    /// The rate from the server to the clients, shared by all of them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rate: Option<Rate>,
    /// The rate from the clients to the server; `None` for the same.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rate_up: Option<Rate>,
    /// How much may wait, in each direction.
    pub queue: Queue,
    /// The largest packet, bytes.
    pub mtu: u32,
}

impl Default for Emulation {
    fn default() -> Self {
        Self {
            rtt: Duration::ZERO,
            jitter: Duration::ZERO,
            reorder: false,
            loss: 0.0,
            loss_burst: None,
            rate: None,
            rate_up: None,
            queue: Queue::default(),
            mtu: USUAL_MTU,
        }
    }
}

impl Emulation {
    /// Returns the path from the clients to the server.
    #[must_use]
    pub fn up(&self) -> Path {
        self.path(self.rate_up.as_ref().or(self.rate.as_ref()))
    }

    /// Returns the path from the server to the clients.
    #[must_use]
    pub fn down(&self) -> Path {
        self.path(self.rate.as_ref())
    }

    fn path(&self, rate: Option<&Rate>) -> Path {
        let loss = match (self.loss, self.loss_burst) {
            (share, _) if share <= 0.0 => Loss::None,
            (share, None) => Loss::Independent(share),
            (share, Some(length)) => Loss::bursts(share, length),
        };
        let (delay, jitter, reorder, queue) = (self.rtt / 2, self.jitter, self.reorder, self.queue);
        Path { delay, jitter, reorder, loss, rate: rate.cloned(), queue }
    }
}

/// Parses a share of packets: `1%`, `0.5 %` or `0.005`.
///
/// # Errors
/// If it is not a number, or not from 0 up to 1.
pub fn parse_share(text: &str) -> Result<f64, String> {
    let (number, unit) = text.trim().strip_suffix('%').map_or((text.trim(), 1.0), |percent| (percent.trim(), 0.01));
    let share = number.parse::<f64>().ok().map(|number| number * unit);
    share
        .filter(|share| (0.0..1.0).contains(share))
        .ok_or_else(|| format!("{text:?} is not a share of packets; write it as 1% or 0.01, below 100%"))
}

/// Parses a rate: `10Mbit`, `384 kbit` or `1000000`, bits per second.
///
/// # Errors
/// If it is not a rate, or out of [`RATE`].
pub fn parse_rate(text: &str) -> Result<u64, String> {
    let refuse =
        || format!("{text:?} is not a rate; write it as 10Mbit or 384kbit, bits per second from 1kbit to 10Gbit");
    let trimmed = text.trim();
    let trimmed = trimmed.strip_suffix("/s").unwrap_or(trimmed);
    let end = trimmed.find(|letter: char| letter.is_ascii_alphabetic()).unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(end);
    let unit = match unit {
        "" | "bit" => 1.0,
        "kbit" | "Kbit" => 1e3,
        "Mbit" | "mbit" => 1e6,
        "Gbit" | "gbit" => 1e9,
        _ => return Err(refuse()),
    };
    let rate = number.trim().parse::<f64>().map_err(|_| refuse())? * unit;
    let rate = if rate.is_finite() && rate >= 0.0 { rate.round() as u64 } else { 0 };
    if RATE.contains(&rate) { Ok(rate) } else { Err(refuse()) }
}

impl FromStr for Queue {
    type Err = String;

    /// Parses `100ms`, `64kB` or `50 packets`.
    fn from_str(text: &str) -> Result<Self, String> {
        let refuse = || {
            format!(
                "{text:?} is not a length of a queue; write it as the time that a packet may wait (100ms), as bytes (64kB) or as \
                 packets (50 packets, at most {MAX_PACKETS})"
            )
        };
        let trimmed = text.trim();
        let number = |rest: &str| rest.trim().parse::<usize>().map_err(|_| refuse());
        if let Some(packets) = trimmed.strip_suffix("packets").or_else(|| trimmed.strip_suffix("packet")) {
            let packets = number(packets)?;
            return if (1..=MAX_PACKETS).contains(&packets) { Ok(Self::Packets(packets)) } else { Err(refuse()) };
        }
        for (unit, bytes) in [("kB", 1000), ("KB", 1000), ("KiB", 1024), ("MB", 1_000_000), ("MiB", 1 << 20), ("B", 1)]
        {
            if let Some(rest) = trimmed.strip_suffix(unit) {
                let bytes = number(rest)?.saturating_mul(bytes);
                return if (1..=MAX_QUEUE_BYTES).contains(&bytes) { Ok(Self::Bytes(bytes)) } else { Err(refuse()) };
            }
        }
        let time = duration::parse_fine(trimmed).filter(|time| !time.is_zero() && *time <= MAX_DELAY);
        time.map(Self::Time).ok_or_else(refuse)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_rates_and_queues_are_written_as_people_do() {
        assert_eq!([parse_share("1%"), parse_share("0.5 %"), parse_share("0.15")], [Ok(0.01), Ok(0.005), Ok(0.15)]);
        assert_eq!(
            [parse_rate("10Mbit"), parse_rate("384 kbit/s"), parse_rate("1000000")],
            [Ok(10_000_000), Ok(384_000), Ok(1_000_000)]
        );
        let queues = ["100ms", "64kB", "50 packets", "1MiB"].map(str::parse);
        let expected =
            [Queue::Time(Duration::from_millis(100)), Queue::Bytes(64_000), Queue::Packets(50), Queue::Bytes(1 << 20)];
        assert_eq!(queues, expected.map(Ok));
        for wrong in ["", "x", "100%", "-1%", "1.5", "NaN"] {
            assert!(parse_share(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "10MB", "fast", "1bit", "1e99Gbit", "-1Mbit", "NaN"] {
            assert!(parse_rate(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "100", "0ms", "0 packets", "1000000 packets", "100GB", "99999999999999999999B"] {
            assert!(wrong.parse::<Queue>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_link_has_a_path_each_way() {
        let link = Emulation {
            rtt: Duration::from_millis(80),
            loss: 0.02,
            rate: Some(Rate::Constant(9_000_000)),
            rate_up: Some(Rate::Constant(1_000_000)),
            ..Emulation::default()
        };
        assert_eq!((link.up().delay, link.down().delay), (Duration::from_millis(40), Duration::from_millis(40)));
        assert_eq!((link.up().rate, link.down().rate), (link.rate_up.clone(), link.rate.clone()));
        assert_eq!(link.down().loss, Loss::Independent(0.02));
        let bursts = Emulation { loss_burst: Some(4.0), ..link };
        assert!((bursts.up().loss.share() - 0.02).abs() < 1e-12);
        assert_eq!(Emulation { rate_up: None, ..bursts }.up().rate, Some(Rate::Constant(9_000_000)));
        assert_eq!((Emulation::default().up(), Emulation::default().down()), (Path::default(), Path::default()));
    }
}
