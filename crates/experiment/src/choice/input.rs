//! The numbers of a question that can be varied: by the search for crossings, and as the axes of a map.

use std::time::Duration;

use humantime::format_duration;
use serde::{Deserialize, Serialize};

use super::{Between, Question};

/// A number of a question. Times are in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// Updates per second.
    Rate,
    /// The round-trip time.
    Rtt,
    /// The number of clients.
    Clients,
    /// The payload of an update, bytes.
    Payload,
    /// The budget.
    Budget,
    /// Messages per second of a client.
    Sends,
    /// The idle timeout; absent if there is none.
    IdleTimeout,
    /// A given polling interval; absent if it follows from the budget.
    PollInterval,
    /// Deployments per day.
    Deploys,
}

impl Input {
    /// All inputs, in the order in which crossings are reported.
    pub const ALL: [Self; 9] = [
        Self::Rate,
        Self::Budget,
        Self::Rtt,
        Self::Clients,
        Self::Payload,
        Self::Sends,
        Self::IdleTimeout,
        Self::PollInterval,
        Self::Deploys,
    ];

    /// Returns its key in a question.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::Rtt => "rtt",
            Self::Clients => "clients",
            Self::Payload => "payload",
            Self::Budget => "budget",
            Self::Sends => "sends",
            Self::IdleTimeout => "idle timeout",
            Self::PollInterval => "poll_interval",
            Self::Deploys => "deploys_a_day",
        }
    }

    /// Returns its name on an axis, with the unit.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Rate => "updates per second",
            Self::Rtt => "round-trip time",
            Self::Clients => "clients",
            Self::Payload => "payload of an update",
            Self::Budget => "budget: how old an update may be",
            Self::Sends => "messages per second of a client",
            Self::IdleTimeout => "idle timeout",
            Self::PollInterval => "polling interval",
            Self::Deploys => "deployments per day",
        }
    }

    /// Returns the smallest and the largest value.
    #[must_use]
    pub const fn range(self) -> (f64, f64) {
        match self {
            Self::Rate => (1e-4, 1e4),
            Self::Rtt => (0.001, 10.0),
            Self::Clients => (1.0, 1e8),
            Self::Payload => (1.0, 65_536.0),
            Self::Budget => (0.002, 3_600.0),
            Self::Sends => (1e-4, 1e3),
            Self::IdleTimeout => (1.0, 3_600.0),
            Self::PollInterval => (0.01, 3_600.0),
            Self::Deploys => (0.01, 1_000.0),
        }
    }

    /// Whether zero is also a value: no distance, no payload, no messages, no deployments.
    #[must_use]
    pub const fn may_be_zero(self) -> bool {
        matches!(self, Self::Rtt | Self::Payload | Self::Sends | Self::Deploys)
    }

    /// Returns its value in a question; `None` if it has none, or if it follows from others.
    #[must_use]
    pub fn value(self, question: &Question) -> Option<f64> {
        match self {
            Self::Rate => (!question.chat).then_some(question.rate),
            Self::Rtt => Some(question.rtt.as_secs_f64()),
            Self::Clients => Some(question.clients as f64),
            Self::Payload => Some(question.payload_bytes as f64),
            Self::Budget => Some(question.budget.as_secs_f64()),
            Self::Sends => Some(question.sends),
            Self::IdleTimeout => question.idle_timeout().map(|time| time.as_secs_f64()),
            Self::PollInterval => question.poll_interval.map(|time| time.as_secs_f64()),
            Self::Deploys => Some(question.deploys_a_day),
        }
    }

    /// Returns the question with another value.
    #[must_use]
    pub fn with(self, question: &Question, value: f64) -> Question {
        let mut other = question.clone();
        let time = || Duration::try_from_secs_f64(value).unwrap_or_default();
        match self {
            Self::Rate => other.rate = value,
            Self::Rtt => other.rtt = time(),
            Self::Clients => other.clients = value.round() as u64,
            Self::Payload => other.payload_bytes = value.round() as usize,
            Self::Budget => other.budget = time(),
            Self::Sends => other.sends = value,
            Self::IdleTimeout => {
                other.between.retain(|one| one.idle_timeout().is_none());
                other.between.push(Between::IdleTimeout(time()));
            }
            Self::PollInterval => other.poll_interval = Some(time()),
            Self::Deploys => other.deploys_a_day = value,
        }
        other
    }

    /// Whether a value of it changes anything: in a chat, the rate follows from the messages.
    #[must_use]
    pub const fn matters(self, question: &Question) -> bool {
        match self {
            Self::Rate => !question.chat,
            Self::PollInterval => question.poll_interval.is_some(),
            _ => true,
        }
    }

    /// Returns a value with its unit, rounded to three digits.
    #[must_use]
    pub fn text(self, value: f64) -> String {
        match self {
            Self::Rate | Self::Sends => format!("{}/s", rounded(value)),
            Self::Rtt | Self::Budget | Self::IdleTimeout | Self::PollInterval => time(value),
            Self::Clients | Self::Deploys => grouped(value),
            Self::Payload => format!("{} B", grouped(value)),
        }
    }
}

/// Rounds a number to three significant digits.
fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let digits = 2 - value.abs().log10().floor() as i32;
    let shift = 10f64.powi(digits.abs());
    if digits >= 0 { (value * shift).round() / shift } else { (value / shift).round() * shift }
}

fn grouped(value: f64) -> String {
    let value = rounded(value);
    if value.abs() < 1_000.0 {
        return value.to_string();
    }
    let digits = format!("{value:.0}");
    let groups = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy);
    groups.collect::<Vec<_>>().join(",")
}

/// Returns a time in the resolution of timers.
fn time(seconds: f64) -> String {
    let milliseconds = (rounded(seconds) * 1e3).round().max(0.0) as u64;
    format_duration(Duration::from_millis(milliseconds)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_is_set_is_the_value() {
        for input in Input::ALL {
            let (least, most) = input.range();
            for value in [least, most] {
                assert_eq!(input.value(&input.with(&Question::default(), value)), Some(value), "{input:?}");
            }
        }
    }

    #[test]
    fn values_have_three_digits_and_a_unit() {
        let text = |input: Input, value| input.text(value);
        assert_eq!(text(Input::Rate, 0.123_456), "0.123/s");
        assert_eq!(text(Input::Clients, 1_234_567.0), "1,230,000");
        assert_eq!(text(Input::Budget, 2.345), "2s 350ms");
        assert_eq!(text(Input::Payload, 412.0), "412 B");
        assert_eq!(text(Input::Rtt, 0.0), "0s");
    }
}
