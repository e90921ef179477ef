//! One direction of an emulated link: what a scenario says, and what the emulator does to each packet.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::settings::duration;

/// The longest queue, packets: each takes its size in memory.
pub const MAX_PACKETS: usize = 20_000;
/// The largest number of steps of a recorded rate.
pub const MAX_STEPS: usize = 100_000;

/// What a link does to the packets of one direction: nothing, by default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Path {
    /// Propagation delay.
    #[serde(with = "duration::fine")]
    pub delay: Duration,
    /// Up to this much more, uniformly distributed.
    #[serde(with = "duration::fine")]
    pub jitter: Duration,
    /// Whether jitter may change the order of packets.
    pub reorder: bool,
    /// Which packets do not arrive.
    pub loss: Loss,
    /// How fast packets are sent; `None` for at once.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rate: Option<Rate>,
    /// How much may wait for the rate.
    pub queue: Queue,
}

/// Which packets are lost: each with the same probability, or in bursts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// Every packet arrives.
    #[default]
    None,
    /// Each packet is lost with this probability, independently of all others.
    Independent(f64),
    /// The Gilbert–Elliott model: a link that is good or bad, and may change with each packet (Gilbert, "Capacity of a
    /// burst-noise channel", 1960; Elliott, 1963; the parameters as in Hasslinger and Hohlfeld, MMB 2008).
    Bursts {
        /// The probability to become bad, per packet.
        to_bad: f64,
        /// The probability to become good, per packet: a bad time lasts 1/`to_good` packets on average.
        to_good: f64,
        /// The probability that a packet is lost while the link is bad.
        lost_when_bad: f64,
        /// The probability that a packet is lost while it is good.
        lost_when_good: f64,
    },
}

impl Loss {
    /// Returns bursts of `length` packets on average, in which every packet is lost, such that `share` of all packets is.
    /// A share of 1 or more, or a length below 1, is brought into its range.
    #[must_use]
    pub fn bursts(share: f64, length: f64) -> Self {
        let to_good = 1.0 / length.max(1.0);
        let share = share.clamp(0.0, 0.999);
        // In the long run, the link is bad for to_bad / (to_bad + to_good) of the packets.
        let to_bad = (share * to_good / (1.0 - share)).min(1.0);
        Self::Bursts { to_bad, to_good, lost_when_bad: 1.0, lost_when_good: 0.0 }
    }

    /// Returns the share of packets that is lost in the long run.
    #[must_use]
    pub fn share(&self) -> f64 {
        match *self {
            Self::None => 0.0,
            Self::Independent(share) => share,
            Self::Bursts { to_bad, to_good, lost_when_bad, lost_when_good } => {
                let bad = if to_bad + to_good > 0.0 { to_bad / (to_bad + to_good) } else { 0.0 };
                bad.mul_add(lost_when_bad, (1.0 - bad) * lost_when_good)
            }
        }
    }
}

/// How much may wait to be sent; what comes when it is full is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Queue {
    /// A number of packets, at most [`MAX_PACKETS`].
    Packets(usize),
    /// A number of bytes.
    Bytes(usize),
    /// The time that a packet would wait.
    Time(#[serde(with = "duration::fine")] Duration),
}

impl Default for Queue {
    /// As long as the default queue of a Linux interface (`txqueuelen`).
    fn default() -> Self {
        Self::Packets(1000)
    }
}

/// How fast a link sends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rate {
    /// Always the same, bits per second of IP packets.
    Constant(u64),
    /// A recording of a mobile link, which is repeated.
    Trace(Trace),
}

/// How a rate changes over time: at least one step has a length and a rate above 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Trace(Vec<Step>);

/// A part of a recorded rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// How long it lasts.
    #[serde(with = "duration::fine", rename = "for")]
    pub length: Duration,
    /// The rate, bits per second.
    pub rate: u64,
}

/// Why a recording of rates cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TraceError {
    /// Nothing would ever be sent.
    #[error("it sends nothing: at least one step must have a rate above 0 and a length")]
    Nothing,
    /// It is too long.
    #[error("it has more than {MAX_STEPS} steps; use longer ones")]
    TooLong,
    /// A line is not understood.
    #[error(
        "line {0} is not understood: write a time in ms on each line (a Mahimahi trace: when 1,500 bytes can be sent), in \
         ascending order"
    )]
    Line(usize),
}

impl Trace {
    /// The bytes that each line of a Mahimahi trace can send.
    const OPPORTUNITY: u64 = 1500;
    /// The length of the steps that a Mahimahi trace becomes: shorter ones would be longer than a packet at low rates.
    const STEP: Duration = Duration::from_millis(100);

    /// Returns a recording of these steps.
    ///
    /// # Errors
    /// If it sends nothing, or is too long.
    pub fn new(steps: Vec<Step>) -> Result<Self, TraceError> {
        if steps.len() > MAX_STEPS {
            return Err(TraceError::TooLong);
        }
        let sends = |step: &Step| step.rate > 0 && !step.length.is_zero();
        if steps.iter().any(sends) { Ok(Self(steps)) } else { Err(TraceError::Nothing) }
    }

    /// Reads a Mahimahi trace (Netravali et al., "Mahimahi: accurate record-and-replay for HTTP", USENIX ATC 2015): each
    /// line is a time in ms at which a packet of 1,500 bytes can be sent. The rate is that of each tenth of a second.
    ///
    /// # Errors
    /// If a line is not a time that is at least the one before, nothing is sent, or it is too long.
    pub fn mahimahi(text: &str) -> Result<Self, TraceError> {
        let (mut counts, mut last): (Vec<u64>, u64) = (Vec::new(), 0);
        let step_ms = Self::STEP.as_millis() as u64;
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let at: u64 = line.trim().parse().map_err(|_| TraceError::Line(number + 1))?;
            if at < last {
                return Err(TraceError::Line(number + 1));
            }
            last = at;
            let index = usize::try_from(at / step_ms).map_err(|_| TraceError::TooLong)?;
            if index >= MAX_STEPS {
                return Err(TraceError::TooLong);
            }
            counts.resize(counts.len().max(index + 1), 0);
            counts[index] += 1;
        }
        let rate = |count| count * Self::OPPORTUNITY * 8 * 1000 / step_ms;
        Self::new(counts.into_iter().map(|count| Step { length: Self::STEP, rate: rate(count) }).collect())
    }

    /// Returns the steps.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Returns the mean rate, bits per second.
    #[must_use]
    pub fn mean(&self) -> f64 {
        let time: f64 = self.0.iter().map(|step| step.length.as_secs_f64()).sum();
        self.0.iter().map(|step| step.length.as_secs_f64() * step.rate as f64).sum::<f64>() / time
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bursts_have_the_share_that_was_asked_for() {
        for (share, length) in [(0.0, 3.0), (0.02, 5.0), (0.15, 1.0), (0.5, 20.0)] {
            assert!((Loss::bursts(share, length).share() - share).abs() < 1e-12, "{share}, {length}");
        }
        assert!((Loss::Independent(0.3).share() - 0.3).abs() < 1e-12);
    }

    #[test]
    fn a_mahimahi_trace_is_a_rate_over_time() {
        // Three packets in the first tenth of a second, one in the third.
        let trace = Trace::mahimahi("0\n50\n50\n\n299\n").unwrap();
        let rates: Vec<u64> = trace.steps().iter().map(|step| step.rate).collect();
        assert_eq!(rates, [360_000, 0, 120_000]);
        assert!((trace.mean() - 160_000.0).abs() < 1e-6);
        for (text, expected) in [
            ("", TraceError::Nothing),
            ("5\nx", TraceError::Line(2)),
            ("5\n4", TraceError::Line(2)),
            ("-1", TraceError::Line(1)),
        ] {
            assert_eq!(Trace::mahimahi(text), Err(expected), "{text:?}");
        }
        assert_eq!(Trace::mahimahi(&format!("{}", u64::MAX)), Err(TraceError::TooLong));
    }

    #[test]
    fn a_path_that_is_written_as_json_is_read_back() {
        let step = Step { length: Duration::from_millis(1500), rate: 1 };
        let path = Path {
            delay: Duration::from_micros(12_500),
            loss: Loss::bursts(0.01, 3.0),
            rate: Some(Rate::Trace(Trace::new(vec![step]).unwrap())),
            queue: Queue::Time(Duration::from_millis(100)),
            ..Path::default()
        };
        let json = serde_json::to_string(&path).unwrap();
        assert_eq!(serde_json::from_str::<Path>(&json).unwrap(), path, "{json}");
    }
}
