//! The feed of a cell: when updates fall due, which of them are measured, and how large they are on each transport.
//!
//! The seed fixes the schedule, so the number of updates in the measured time is known before a run. All times are in
//! seconds from the start of the feed.

use std::borrow::Cow;

use feedlab_feed::schedule::Schedule;
use feedlab_feed::source::{Due, SourceConfig};

use super::{Sizes, Traffic};
use crate::Scenario;
use crate::plan::Cell;
use crate::scenario::{ScheduleKind, Source};

/// The maximum number of updates that are examined, over all repetitions of a Poisson schedule. Later updates are
/// expected to continue in the same way.
pub(crate) const LIMIT: usize = 200_000;

/// How updates fall due.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Arrivals {
    /// Independently, with this rate per second.
    Poisson(f64),
    /// At a constant interval, s.
    Constant(f64),
    /// At these times, ascending, for feeds without a closed form.
    DueTimes(Vec<f64>),
}

/// A period of time, s; the end is exclusive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Span {
    pub(crate) from: f64,
    pub(crate) to: f64,
}

impl Span {
    pub(crate) fn length(self) -> f64 {
        self.to - self.from
    }

    pub(crate) fn contains(self, time: f64) -> bool {
        self.from <= time && time < self.to
    }
}

/// The feed of one repetition.
#[derive(Clone, Debug)]
pub(crate) struct FeedModel {
    /// How updates fall due, in the measured time and around it.
    pub(crate) arrivals: Arrivals,
    /// The measured time, or the part of it that was examined.
    pub(crate) measured: Span,
    /// The ratio of the measured time to the part that was examined.
    pub(crate) scale: f64,
    /// The period from the start of the feed to the end of the drain.
    pub(crate) whole: Span,
    /// The number of updates due in `whole`: with independent arrivals it differs by chance from what the measured time
    /// suggests.
    pub(crate) whole_updates: f64,
    /// The due times of a seeded schedule; empty if the arrivals already contain them or nothing does.
    pub(crate) due: Vec<f64>,
    /// The number of updates due in the whole measured time.
    pub(crate) updates: f64,
    /// The mean sizes of the updates of the measured time.
    pub(crate) sizes: Sizes,
}

impl FeedModel {
    /// Returns the feeds of a cell's repetitions; a single one if the seed changes nothing. Empty if the feed cannot be
    /// predicted.
    pub(crate) fn of(scenario: &Scenario, payload_bytes: Option<usize>) -> Vec<Self> {
        let spans = spans(scenario);
        let Some(config) = source_config(scenario, payload_bytes, 1) else { return Vec::new() };
        match &scenario.feed.source {
            Source::Synthetic { updates_per_s: rate, schedule, .. } => match schedule {
                ScheduleKind::Constant => constant_rate(&config, *rate, spans).into_iter().collect(),
                ScheduleKind::Poisson => poisson(scenario, payload_bytes, *rate, spans, false),
                ScheduleKind::Burst => enumerated(&config, spans).into_iter().collect(),
            },
            Source::Host { updates_per_s: rate } => constant_rate(&config, *rate, spans).into_iter().collect(),
            Source::Replay { .. } => enumerated(&config, spans).into_iter().collect(),
            Source::Clients { updates_per_s: rate, .. } => poisson(scenario, payload_bytes, *rate, spans, true),
        }
    }

    /// Returns the known due times until `end` as a list, also for a feed that is defined by its period.
    pub(crate) fn due_until(&self, end: f64) -> Cow<'_, [f64]> {
        match &self.arrivals {
            Arrivals::DueTimes(due) => due.into(),
            Arrivals::Constant(period) => {
                (0..LIMIT).map(|i| i as f64 * period).take_while(|time| *time < end).collect()
            }
            Arrivals::Poisson(_) => self.due.as_slice().into(),
        }
    }

    /// Returns the arrivals of a span; for independent arrivals, with the rate of the updates that fall due in it.
    pub(crate) fn arrivals_in(&self, span: Span) -> Cow<'_, Arrivals> {
        match self.arrivals {
            Arrivals::Poisson(_) if span == self.whole && span != self.measured => {
                Cow::Owned(Arrivals::Poisson(self.whole_updates / span.length()))
            }
            _ => Cow::Borrowed(&self.arrivals),
        }
    }

    /// Sets the number of updates in the measured time, which is known exactly from the schedule.
    pub(crate) fn counted(&self, traffic: Traffic, span: Span) -> Traffic {
        match self.arrivals {
            Arrivals::Poisson(_) | Arrivals::Constant(_) if span == self.measured => {
                Traffic { updates: self.updates, ..traffic }
            }
            _ => traffic,
        }
    }

    /// Returns the number of updates due per second of the measured time.
    pub(crate) fn rate(&self) -> f64 {
        self.updates / self.scale / self.measured.length()
    }

    /// Whether a history can hold all updates that fall due within `seconds`, including clusters and bursts.
    pub(crate) fn fits(&self, history: usize, seconds: f64) -> bool {
        /// A margin for random clusters and bursts beyond the mean rate.
        const MARGIN: f64 = 1.5;
        const BURST: f64 = 20.0;
        history as f64 >= self.largest_burst().max(BURST) + MARGIN * (self.rate() * seconds)
    }

    /// Returns the size of the largest burst of a feed with known due times.
    fn largest_burst(&self) -> f64 {
        let Arrivals::DueTimes(due) = &self.arrivals else { return 0.0 };
        due.chunk_by(|a, b| a == b).map(<[f64]>::len).max().unwrap_or(0) as f64
    }
}

/// Returns the time from one update or burst to the next, s, if it is constant.
pub(crate) fn period(source: &Source) -> Option<f64> {
    match source {
        Source::Synthetic { updates_per_s, schedule: ScheduleKind::Constant, .. } | Source::Host { updates_per_s } => {
            Some(1.0 / updates_per_s)
        }
        Source::Synthetic { updates_per_s, schedule: ScheduleKind::Burst, burst_size, .. } => {
            Some(f64::from(*burst_size) / updates_per_s)
        }
        _ => None,
    }
}

/// Returns the feed of a repetition as in the plan; it does not depend on contender or clients. Updates that clients
/// publish are treated as a synthetic feed with independent arrivals.
pub(super) fn source_config(
    scenario: &Scenario,
    payload_bytes: Option<usize>,
    repetition: u32,
) -> Option<SourceConfig> {
    if let Source::Clients { updates_per_s: rate, payload_bytes } = scenario.feed.source {
        return Some(SourceConfig::Synthetic {
            rate,
            schedule: Schedule::Poisson { seed: 0 },
            payload_bytes,
            binary: false,
        });
    }
    let seed = scenario.seed.wrapping_add(u64::from(repetition) - 1);
    Cell { id: String::new(), contender: 0, clients: 1, payload_bytes, repetition, seed }.feed(scenario)
}

/// The measured time, and the period from the start of the feed to the end of the drain.
type Spans = (Span, Span);

fn spans(scenario: &Scenario) -> Spans {
    let from = scenario.measure.warm_up.as_secs_f64();
    let to = from + scenario.measure.duration.as_secs_f64();
    (Span { from, to }, Span { from: 0.0, to: to + scenario.measure.drain.as_secs_f64() })
}

/// Models one update every `1/rate` s, the first at 0.
fn constant_rate(config: &SourceConfig, rate: f64, (measured, whole): Spans) -> Option<FeedModel> {
    let before = (measured.from * rate).ceil();
    let updates = (measured.to * rate).ceil() - before;
    updates.is_finite().then_some(())?;
    Some(FeedModel {
        arrivals: Arrivals::Constant(1.0 / rate),
        measured,
        scale: 1.0,
        whole,
        whole_updates: (whole.to * rate).ceil(),
        due: Vec::new(),
        updates,
        sizes: Sizes::alike(config, before, updates)?,
    })
}

/// Models the expectation over all seeds.
pub(super) fn seedless(scenario: &Scenario, payload_bytes: Option<usize>, rate: f64) -> Option<FeedModel> {
    poisson(scenario, payload_bytes, rate, spans(scenario), true).pop()
}

/// Models independent arrivals: each repetition has its own seed, and thus its own number of updates.
fn poisson(
    scenario: &Scenario,
    payload_bytes: Option<usize>,
    rate: f64,
    spans: Spans,
    seedless: bool,
) -> Vec<FeedModel> {
    let (measured, whole) = spans;
    let repetitions = scenario.measure.repetitions;
    let is_too_long = seedless || rate * whole.to * f64::from(repetitions) > LIMIT as f64;
    let feed = |repetition: u32| {
        let config = source_config(scenario, payload_bytes, repetition + 1)?;
        let due = if is_too_long { Vec::new() } else { seeded(&config, whole.to) };
        let count = |span: Span| match is_too_long {
            true => (rate * span.length()).round(),
            false => due.iter().filter(|time| span.contains(**time)).count() as f64,
        };
        let (before, updates) = (count(Span { from: 0.0, to: measured.from }), count(measured));
        Some(FeedModel {
            arrivals: Arrivals::Poisson(updates / measured.length()),
            measured,
            scale: 1.0,
            whole,
            whole_updates: count(whole),
            updates,
            sizes: Sizes::alike(&config, before, updates)?,
            due,
        })
    };
    (0..if is_too_long { 1 } else { repetitions }).filter_map(feed).collect()
}

/// Returns the due times of a seeded schedule until `end`.
fn seeded(config: &SourceConfig, end: f64) -> Vec<f64> {
    let SourceConfig::Synthetic { rate, schedule, .. } = config else { return Vec::new() };
    schedule.due_times(*rate).map(|due| due.as_secs_f64()).take_while(|time| *time < end).collect()
}

/// Models a feed without a closed form by playing it without waiting.
fn enumerated(config: &SourceConfig, (mut measured, whole): Spans) -> Option<FeedModel> {
    let (requested, mut end) = (measured.length(), whole.to);
    let mut source = config.open().ok()?;
    let are_alike = matches!(config, SourceConfig::Synthetic { .. });
    let (mut due, mut each) = (Vec::new(), Vec::new());
    while let Some(Due::At(time)) = source.next_due() {
        let time = time.as_secs_f64();
        if time >= end {
            break;
        }
        due.push(time);
        if due.len() == LIMIT {
            end = time;
            break;
        }
        if !are_alike && measured.contains(time) {
            each.push((Sizes::of(&source.produce(), due.len() as u64), 1.0));
        }
    }
    measured.to = measured.to.min(end);
    let scale = requested / measured.length();
    let [before, end] = [measured.from, measured.to].map(|until| due.partition_point(|time| *time < until) as f64);
    let within = end - before;
    let sizes = if are_alike { Sizes::alike(config, before, within) } else { Sizes::mean(each) }?;
    (within > 0.0).then(|| FeedModel {
        whole_updates: due.len() as f64,
        arrivals: Arrivals::DueTimes(due),
        measured,
        scale,
        whole,
        due: Vec::new(),
        updates: within * scale,
        sizes,
    })
}
