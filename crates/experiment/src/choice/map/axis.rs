//! The axes of a map: their ranges, and how inputs and their values are written.

use std::str::FromStr;

use feedlab_feed::settings::duration;
use serde::Serialize;

use crate::choice::{Input, Question, parse_count, parse_rate, parse_size};

/// A logarithmic axis.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct MapAxis {
    /// The input.
    pub input: Input,
    /// The smallest value, above zero.
    pub low: f64,
    /// The largest value.
    pub high: f64,
}

impl MapAxis {
    /// Returns the axis of an input, widened to the question's own value.
    pub(super) fn new(question: &Question, input: Input) -> Self {
        let (low, high) = input.usual();
        let (least, most) = input.range();
        let own = input.value(question).filter(|value| *value > 0.0).map(|value| value.clamp(least, most));
        Self { input, low: own.map_or(low, |own| low.min(own)), high: own.map_or(high, |own| high.max(own)) }
    }

    /// Returns the value at a share of the way.
    #[must_use]
    pub fn value(&self, share: f64) -> f64 {
        match share {
            0.0 => self.low,
            1.0 => self.high,
            share => self.low * (self.high / self.low).powf(share),
        }
    }

    /// Returns the share of the way at which a value is; that of the end if it is beyond.
    #[must_use]
    pub fn share(&self, value: f64) -> f64 {
        let value = value.clamp(self.low, self.high);
        (value / self.low).ln() / (self.high / self.low).ln()
    }
}

/// Reads the two inputs of a map, as in `rate,rtt`.
///
/// # Errors
/// A message that names the inputs.
pub fn parse_axes(text: &str) -> Result<(Input, Input), String> {
    let wrong = || format!("{text:?} is not a pair of inputs; write it as rate,rtt");
    let (x, y) = text.split_once(',').ok_or_else(wrong)?;
    Ok((x.parse()?, y.parse()?))
}

impl Input {
    /// Returns the range in which most questions are; one beyond it widens an axis.
    #[must_use]
    pub const fn usual(self) -> (f64, f64) {
        match self {
            Self::Rate => (0.001, 1_000.0),
            Self::Rtt => (0.001, 2.0),
            Self::Clients => (10.0, 1e7),
            Self::Payload => (10.0, 65_536.0),
            Self::Budget => (0.01, 600.0),
            Self::Sends => (0.001, 100.0),
            Self::IdleTimeout => (1.0, 3_600.0),
            Self::PollInterval => (0.05, 600.0),
            Self::Deploys => (0.1, 1_000.0),
        }
    }

    /// Returns its name on command lines and in URLs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::IdleTimeout => "idle_timeout",
            other => other.key(),
        }
    }

    /// Reads a value with its unit, as in `5/s`, `40ms`, `10k` or `2 kB`; its range is not checked.
    ///
    /// # Errors
    /// A message that says what is wrong with the text, and what it should look like.
    pub fn parse(self, text: &str) -> Result<f64, String> {
        let seconds = || duration::parse(text).map(|time| time.as_secs_f64());
        match self {
            Self::Rate | Self::Sends => parse_rate(text),
            Self::Payload => parse_size(text).map(|bytes| bytes as f64),
            Self::Clients => parse_count(text).map(|count| count as f64),
            Self::Rtt | Self::Budget | Self::IdleTimeout | Self::PollInterval => seconds(),
            Self::Deploys => {
                let number = text.trim().parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0);
                number.ok_or_else(|| format!("{text:?} is not a number of deployments; write it as 2 or 0.5"))
            }
        }
    }
}

impl FromStr for Input {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.trim().to_lowercase().replace([' ', '-'], "_");
        Self::ALL.into_iter().find(|one| one.name() == name).ok_or_else(|| {
            let all = Self::ALL.map(Self::name).join(", ");
            format!("{text:?} is not an input; write one of {all}")
        })
    }
}
