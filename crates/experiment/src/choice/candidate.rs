//! The candidates: each transport with the options that suit a question.

use std::sync::LazyLock;
use std::time::Duration;

use feedlab_feed::Transport;
use serde::Serialize;

use super::figures::{Figures, Messages};
use super::rules::{self, Exclusion};
use super::setting::{self, Age};
use super::{Between, Question};
use crate::predict::scale::{Limits, Reference, Study};
use crate::scenario::{Contender, Options};

/// The shortest and the longest polling interval that is proposed.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(10);
const LONGEST_INTERVAL: Duration = Duration::from_secs(3_600);
/// What the machines on both sides add to an age.
const MACHINES: Duration = Duration::from_millis(2);
/// Servers and proxies usually close a connection that is idle for longer.
const USUAL_KEEP_ALIVE: Duration = Duration::from_secs(60);
/// The usual hold and keepalive interval.
const HOLD: Duration = Duration::from_secs(25);
const KEEPALIVE: Duration = Duration::from_secs(15);

/// The run that ships with feedlab.
static REFERENCE: LazyLock<Option<Reference>> = LazyLock::new(Reference::built_in);

/// A transport with the options that suit a question, and what is known about it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Candidate {
    /// The transport.
    pub transport: Transport,
    /// The transport with its options.
    pub contender: Contender,
    /// Why it does not fit; empty if it does.
    pub exclusions: Vec<Exclusion>,
    /// What it costs; `None` if it cannot be predicted.
    pub figures: Option<Figures>,
}

impl Candidate {
    /// Whether it fits.
    #[must_use]
    pub const fn fits(&self) -> bool {
        self.exclusions.is_empty() && self.figures.is_some()
    }

    fn new(question: &Question, transport: Transport) -> Self {
        let contender = contender(question, transport);
        Self { transport, contender, exclusions: Vec::new(), figures: None }
    }
}

/// Returns the id of the run whose measured costs are used.
pub(super) fn reference() -> &'static str {
    REFERENCE.as_ref().map_or("", |reference| &reference.run)
}

/// Returns all candidates with their figures.
pub(super) fn all(question: &Question) -> Vec<Candidate> {
    let mut all: Vec<Candidate> = Transport::ALL.into_iter().map(|one| Candidate::new(question, one)).collect();
    let ages: Vec<Option<Age>> = all.iter().map(|one| setting::age(question, &one.contender)).collect();
    for (candidate, age) in all.iter_mut().zip(&ages) {
        candidate.exclusions = rules::exclusions(question, candidate, age.map(|age| age.p99));
    }
    let Some(figures) = figures(question, &all, &ages) else { return all };
    for (candidate, figures) in all.iter_mut().zip(figures) {
        candidate.figures = figures;
    }
    all
}

/// Returns the figures of each candidate whose age is known, from one study of all of them.
fn figures(question: &Question, all: &[Candidate], ages: &[Option<Age>]) -> Option<Vec<Option<Figures>>> {
    let contenders = all.iter().map(|one| one.contender.clone()).collect();
    let study = Study::new(&setting::traffic(question, contenders), REFERENCE.as_ref()?).ok()?;
    let limits = Limits::default();
    let needs = study.needs(question.clients as f64, &limits);
    let messages = Messages::new(question, &needs);
    let of = |((candidate, age), need): ((&Candidate, &Option<Age>), _)| {
        age.map(|age| Figures::of(question, &candidate.contender, age, need, &messages, &limits))
    };
    Some(all.iter().zip(ages).zip(&needs).map(of).collect())
}

fn contender(question: &Question, transport: Transport) -> Contender {
    let options = match transport {
        Transport::ShortPolling => return short_polling(question),
        Transport::LongPolling => Options::LongPolling { hold: hold(question), keep_alive: true },
        Transport::Sse => Options::Sse { keepalive: silence(question, KEEPALIVE) },
        Transport::WebSocket => Options::WebSocket { keepalive: silence(question, KEEPALIVE) },
    };
    Contender::new(label(&options), options)
}

/// Returns how long a server may hold a poll.
pub(super) fn hold(question: &Question) -> Duration {
    silence(question, HOLD)
}

/// Returns how long a connection may be silent: the usual time, or safely less than an idle timeout.
fn silence(question: &Question, usual: Duration) -> Duration {
    const SAFELY: f64 = 0.9;
    let Some(timeout) = question.idle_timeout() else { return usual };
    let longest = timeout.mul_f64(SAFELY).saturating_sub(question.rtt);
    whole_milliseconds(usual.min(longest)).max(Duration::from_millis(1))
}

/// Polls as rarely as the budget permits. The interval follows from the distance, and the prediction confirms it.
fn short_polling(question: &Question) -> Contender {
    /// The number of attempts, each with an interval that is shorter by a tenth.
    const ATTEMPTS: u32 = 12;
    if let Some(interval) = question.poll_interval {
        return poller(question, interval);
    }
    let room = question.budget.saturating_sub(question.shortest_age() + MACHINES);
    let mut interval = three_digits(room.clamp(SHORTEST_INTERVAL, LONGEST_INTERVAL));
    for _ in 0..ATTEMPTS {
        let meets = |age: Age| age.p99 <= question.budget.as_secs_f64();
        if interval <= SHORTEST_INTERVAL || setting::age(question, &poller(question, interval)).is_some_and(meets) {
            break;
        }
        interval = three_digits(interval.mul_f64(0.9)).max(SHORTEST_INTERVAL);
    }
    poller(question, interval)
}

/// A connection that would be closed between two polls is not kept; HTTP/2 knows only connections that are kept.
fn poller(question: &Question, interval: Duration) -> Contender {
    let interval = whole_milliseconds(interval).max(Duration::from_millis(1));
    let keep_alive = interval <= silence(question, USUAL_KEEP_ALIVE) || question.has(Between::Http2);
    let options = Options::ShortPolling { interval, keep_alive, conditional: false };
    let mut contender = Contender::new(label(&options), options);
    contender.serving.history = Some(setting::history(question, interval));
    contender
}

/// Shortens a time to three digits: what people write into a configuration.
fn three_digits(time: Duration) -> Duration {
    let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let step = 10u64.pow(milliseconds.checked_ilog10().unwrap_or(0).saturating_sub(2));
    Duration::from_millis(milliseconds / step * step)
}

fn whole_milliseconds(time: Duration) -> Duration {
    Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

fn label(options: &Options) -> String {
    let text = |time: &Duration| match time.as_secs_f64() {
        seconds if seconds >= 1.0 => format!("{seconds} s"),
        _ => format!("{} ms", time.as_millis()),
    };
    match options {
        Options::ShortPolling { interval, keep_alive: true, .. } => format!("short polling, {}", text(interval)),
        Options::ShortPolling { interval, .. } => format!("short polling, {}, no keep-alive", text(interval)),
        Options::LongPolling { hold, .. } => format!("long polling, hold {}", text(hold)),
        Options::Sse { .. } => "SSE".to_owned(),
        Options::WebSocket { .. } | Options::Auto { .. } => "WebSocket".to_owned(),
    }
}
