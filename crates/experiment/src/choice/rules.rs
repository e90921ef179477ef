//! The rules that exclude a transport, each with its sentence.

use std::time::Duration;

use feedlab_feed::Transport;
use humantime::format_duration;
use serde::Serialize;

use super::candidate::Candidate;
use super::setting::{MOST_HISTORY, due_within};
use super::{Between, Question};
use crate::scenario::Options;

/// The number of connections that a browser opens to a server over HTTP/1.1, without the one that delivers updates.
const CONNECTIONS: f64 = 5.0;
/// The shortest hold or keepalive interval that is worth its name.
pub(super) const SHORTEST_SILENCE: Duration = Duration::from_millis(500);

/// Why a transport does not fit.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "rule", rename_all = "snake_case")]
pub enum Exclusion {
    /// Updates would be too old.
    BudgetMissed {
        /// The predicted age at the 99th percentile, s.
        p99_s: f64,
        /// The budget, s.
        budget_s: f64,
    },
    /// What is in between does not forward the upgrade of a WebSocket.
    NoUpgrade {
        /// What is in between.
        between: String,
    },
    /// What is in between holds back an answer until it is complete, and a stream never is.
    HeldBack {
        /// What is in between.
        between: String,
    },
    /// A connection that is idle is closed before a keepalive or an answer is due.
    IdleTooShort {
        /// The timeout, s.
        timeout_s: f64,
    },
    /// A browser's connections are all busy with messages.
    MessagesQueue {
        /// Connections that the messages need.
        needed: f64,
        /// Connections that a browser opens for them.
        available: f64,
    },
    /// More updates fall due between two polls than a server keeps.
    HistoryTooShort {
        /// Updates between two polls, with a margin.
        updates: f64,
        /// The largest history.
        history: f64,
    },
    /// The prediction does not cover it.
    NotPredicted,
}

impl Exclusion {
    /// Returns the sentence, without a period.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::BudgetMissed { p99_s, budget_s } => {
                let [age, budget, late] = [*p99_s, *budget_s, p99_s - budget_s].map(time);
                format!("updates are {age} old at p99, {late} over the budget of {budget}")
            }
            Self::NoUpgrade { between } => format!("{between} does not forward the upgrade to a WebSocket"),
            Self::HeldBack { between } => {
                format!("{between} holds back an answer until it is complete, and a stream never is")
            }
            Self::IdleTooShort { timeout_s } => {
                format!("an idle connection is closed after {}, before a sign of life can be due", time(*timeout_s))
            }
            Self::MessagesQueue { needed, available } => format!(
                "each message is a POST that occupies a connection for a round trip: {needed:.0} are needed at a time, and a \
                 browser has {available:.0} left"
            ),
            Self::HistoryTooShort { updates, history } => {
                format!("{updates:.0} updates may fall due between two polls, and a server keeps at most {history:.0}")
            }
            Self::NotPredicted => "its ages cannot be predicted; measure it".to_owned(),
        }
    }
}

fn time(seconds: f64) -> String {
    let rounded = if seconds < 10.0 {
        Duration::from_millis((seconds * 1e3).round() as u64)
    } else {
        Duration::from_secs(seconds.round() as u64)
    };
    format_duration(rounded).to_string()
}

/// Returns what excludes a candidate, given its predicted age at the 99th percentile, s.
pub(super) fn exclusions(question: &Question, candidate: &Candidate, p99_s: Option<f64>) -> Vec<Exclusion> {
    let found = [
        upgrade(question, candidate.transport),
        held_back(question, candidate.transport),
        idle(question, candidate),
        messages(question, candidate.transport),
        history(question, candidate),
        age(question, p99_s),
    ];
    found.into_iter().flatten().collect()
}

/// RFC 9110, section 7.8: an upgrade ends at the next intermediary, unless that one passes it on.
fn upgrade(question: &Question, transport: Transport) -> Option<Exclusion> {
    let blocks = [Between::Nginx, Between::CorporateProxy].into_iter().find(|one| question.has(*one))?;
    (transport == Transport::WebSocket).then(|| Exclusion::NoUpgrade { between: blocks.in_words() })
}

/// nginx, by contrast, honors the `X-Accel-Buffering: no` of an event stream.
fn held_back(question: &Question, transport: Transport) -> Option<Exclusion> {
    let holds = question.has(Between::CorporateProxy) && transport == Transport::Sse;
    holds.then(|| Exclusion::HeldBack { between: Between::CorporateProxy.in_words() })
}

fn idle(question: &Question, candidate: &Candidate) -> Option<Exclusion> {
    let timeout = question.idle_timeout()?;
    let silence = match candidate.contender.options {
        Options::Sse { keepalive } | Options::WebSocket { keepalive } => keepalive,
        Options::LongPolling { hold, .. } => hold,
        _ => return None,
    };
    (silence < SHORTEST_SILENCE).then_some(Exclusion::IdleTooShort { timeout_s: timeout.as_secs_f64() })
}

/// Messages that are POSTs occupy a connection for a round trip each (Little's law); over HTTP/2 they share one.
fn messages(question: &Question, transport: Transport) -> Option<Exclusion> {
    if transport == Transport::WebSocket || !question.browser || question.has(Between::Http2) {
        return None;
    }
    let needed = question.sends * question.rtt.as_secs_f64();
    (needed > CONNECTIONS).then(|| Exclusion::MessagesQueue { needed: needed.ceil(), available: CONNECTIONS })
}

fn history(question: &Question, candidate: &Candidate) -> Option<Exclusion> {
    let Options::ShortPolling { interval, .. } = candidate.contender.options else { return None };
    let updates = due_within(question, interval);
    (updates > MOST_HISTORY).then(|| Exclusion::HistoryTooShort { updates: updates.ceil(), history: MOST_HISTORY })
}

fn age(question: &Question, p99_s: Option<f64>) -> Option<Exclusion> {
    let budget_s = question.budget.as_secs_f64();
    match p99_s {
        None => Some(Exclusion::NotPredicted),
        Some(p99_s) => (p99_s > budget_s * (1.0 + 1e-9)).then_some(Exclusion::BudgetMissed { p99_s, budget_s }),
    }
}
