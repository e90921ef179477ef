//! The figures of a candidate, and where each comes from.

use std::str::FromStr;

use feedlab_feed::Transport;
use serde::{Deserialize, Serialize};

use super::candidate;
use super::setting::Age;
use super::{Per, Question};
use crate::predict;
use crate::predict::scale::{Limits, Need};
use crate::scenario::Contender;

/// The length of a month, s: 30 days.
const MONTH: f64 = 30.0 * 86_400.0;

/// What a candidate costs, for all clients together unless noted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// The median age of updates, s.
    pub age_p50_s: f64,
    /// The age of updates at the 99th percentile, s.
    pub age_p99_s: f64,
    /// Bytes on the wire of one client per second, both directions, including its messages.
    pub bytes_per_client_s: f64,
    /// Bytes on the wire per month of 30 days.
    pub bytes_per_month: f64,
    /// Upstream bytes of one message of a client; `None` if clients send nothing.
    pub bytes_per_message: Option<f64>,
    /// Requests per second.
    pub requests_per_s: f64,
    /// Busy cores.
    pub cores: Option<f64>,
    /// Memory of the connections, bytes.
    pub memory_bytes: Option<f64>,
    /// The number of servers.
    pub servers: f64,
    /// Money per month, in the currency of the prices; `None` without prices.
    pub money_per_month: Option<f64>,
}

/// By what candidates are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Criterion {
    /// The age at the 99th percentile, s.
    Age,
    /// Bytes on the wire of one client per second.
    Bytes,
    /// Requests per second.
    Requests,
    /// Busy cores.
    Cpu,
    /// Memory of the connections, bytes.
    Memory,
    /// The number of servers.
    Servers,
    /// Money per month.
    Money,
}

/// Where a figure comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Computed, from this formula.
    Predicted(String),
    /// Extrapolated from the costs that this run measured.
    Measured(String),
}

impl Criterion {
    /// All criteria.
    pub const ALL: [Self; 7] =
        [Self::Age, Self::Bytes, Self::Requests, Self::Cpu, Self::Memory, Self::Servers, Self::Money];

    /// Returns its name in files and on command lines.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Age => "age",
            Self::Bytes => "bytes",
            Self::Requests => "requests",
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Servers => "servers",
            Self::Money => "money",
        }
    }

    /// Returns the relative difference up to which two values are equal, because the figures are no more certain.
    #[must_use]
    pub const fn tolerance(self) -> f64 {
        match self {
            Self::Age | Self::Bytes | Self::Requests | Self::Money => 0.05,
            Self::Cpu | Self::Memory => 0.1,
            Self::Servers => 0.0,
        }
    }

    /// Returns the absolute difference up to which two values are equal: for ages, the machine's own time of 2 ms; for
    /// requests, one in 100 s for each client.
    #[must_use]
    pub const fn resolution(self, clients: u64) -> f64 {
        match self {
            Self::Age => 0.002,
            Self::Requests => 0.01 * clients as f64,
            _ => 0.0,
        }
    }

    /// Returns where the values come from.
    #[must_use]
    pub fn basis(self, transport: Transport) -> Basis {
        match self {
            Self::Age => Basis::Predicted(age_formula(transport).to_owned()),
            Self::Bytes => Basis::Predicted("requests, answers, frames and packets of the update rate".to_owned()),
            Self::Requests => Basis::Predicted(request_formula(transport).to_owned()),
            Self::Cpu | Self::Memory | Self::Servers | Self::Money => {
                Basis::Measured(candidate::reference().to_owned())
            }
        }
    }
}

const fn age_formula(transport: Transport) -> &'static str {
    match transport {
        Transport::ShortPolling => "0.99 T + d",
        Transport::LongPolling => "d, and up to a round trip more between two polls",
        Transport::Sse | Transport::WebSocket => "d",
    }
}

const fn request_formula(transport: Transport) -> &'static str {
    match transport {
        Transport::ShortPolling => "clients / T",
        Transport::LongPolling => "one per answer with updates, and one per hold without any",
        Transport::Sse | Transport::WebSocket => "none after the connection is open",
    }
}

impl FromStr for Criterion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.trim().to_lowercase();
        Self::ALL.into_iter().find(|one| one.name() == name).ok_or_else(|| {
            let all = Self::ALL.map(Self::name).join(", ");
            format!("{text:?} is not a criterion; write one of {all}")
        })
    }
}

/// What a message of a client costs a server: a POST as much as a poll, a frame as much as a delivery.
#[derive(Clone, Copy, Debug)]
pub(super) struct Messages {
    /// Messages of all clients per second; 0 in a chat that the feed consists of.
    per_s: f64,
    request_cpu_s: Option<f64>,
    frame_cpu_s: Option<f64>,
}

impl Messages {
    pub(super) fn new(question: &Question, needs: &[Need]) -> Self {
        let of = |transport| needs.iter().find(|need: &&Need| need.transport == transport);
        let per = |need: &Need, events: f64| need.cores.map(|cores| cores / events).filter(|cost| cost.is_finite());
        Self {
            per_s: question.sends * question.clients as f64,
            request_cpu_s: of(Transport::ShortPolling).and_then(|need| per(need, need.requests_per_s)),
            frame_cpu_s: of(Transport::WebSocket).and_then(|need| per(need, need.updates_per_s)),
        }
    }

    fn cores(&self, is_request: bool) -> Option<f64> {
        let each = if is_request { self.request_cpu_s } else { self.frame_cpu_s };
        if self.per_s > 0.0 { Some(each? * self.per_s) } else { Some(0.0) }
    }
}

impl Figures {
    pub(super) fn of(
        question: &Question,
        contender: &Contender,
        age: Age,
        need: &Need,
        messages: &Messages,
        limits: &Limits,
    ) -> Self {
        let message = predict::message(contender, question.request_headers(), question.payload_bytes);
        let cores = need.cores.zip(messages.cores(message.is_request)).map(|(cores, more)| cores + more);
        let bytes = need.bits_per_s / 8.0 / need.clients + question.sends * message.bytes;
        let requests = need.requests_per_s + if message.is_request { messages.per_s } else { 0.0 };
        let mut figures = Self {
            age_p50_s: age.p50,
            age_p99_s: age.p99,
            bytes_per_client_s: bytes,
            bytes_per_month: bytes * need.clients * MONTH,
            bytes_per_message: (question.sends > 0.0).then_some(message.bytes),
            requests_per_s: requests,
            cores,
            memory_bytes: need.memory_bytes,
            servers: cores.map_or(need.servers, |cores| need.servers.max((cores / limits.cores).ceil())),
            money_per_month: None,
        };
        figures.money_per_month = figures.money(question);
        figures
    }

    fn money(&self, question: &Question) -> Option<f64> {
        let amounts = [
            (Per::Gigabyte, self.bytes_per_month * 1e-9),
            (Per::MillionRequests, self.requests_per_s * MONTH * 1e-6),
            (Per::Server, self.servers),
            (Per::Core, self.cores.unwrap_or(0.0)),
        ];
        let costs = amounts.into_iter().filter_map(|(per, amount)| Some(question.price(per)? * amount));
        (!question.prices.is_empty()).then(|| costs.sum())
    }

    /// Returns the value by which a criterion compares; `None` if it is not known.
    #[must_use]
    pub const fn value(&self, criterion: Criterion) -> Option<f64> {
        match criterion {
            Criterion::Age => Some(self.age_p99_s),
            Criterion::Bytes => Some(self.bytes_per_client_s),
            Criterion::Requests => Some(self.requests_per_s),
            Criterion::Cpu => self.cores,
            Criterion::Memory => self.memory_bytes,
            Criterion::Servers => Some(self.servers),
            Criterion::Money => self.money_per_month,
        }
    }
}
