//! What the feed does in a cell: when updates fall due, which of them are measured, and how large they are on each
//! wire.
//!
//! A seed fixes the schedule, so that the number of updates in the measured time is known before a run. Times count in
//! seconds from the start of the feed.

use std::borrow::Cow;

use feedlab_feed::schedule::Schedule;
use feedlab_feed::source::{Due, SourceConfig};

use super::{Sizes, Traffic};
use crate::Scenario;
use crate::plan::Cell;
use crate::scenario::{ScheduleKind, Source};

/// How many updates of a course are looked at, all repetitions of a Poisson schedule together. What lies beyond is
/// expected to go on alike.
pub(crate) const LIMIT: usize = 200_000;

/// How updates fall due.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Arrivals {
    /// Independently, so many a second.
    Poisson(f64),
    /// One every so many seconds.
    Constant(f64),
    /// At these times, ascending: what has no closed form.
    DueTimes(Vec<f64>),
}

/// A stretch of time, s; its end is not part of it.
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

/// One repetition's feed.
#[derive(Clone, Debug)]
pub(crate) struct FeedModel {
    /// How updates fall due, in the measured time and around it.
    pub(crate) arrivals: Arrivals,
    /// The measured time, or as much of it as was looked at.
    pub(crate) measured: Span,
    /// How many times longer the measured time is.
    pub(crate) scale: f64,
    /// From the feed's begin to the end of the drain.
    pub(crate) whole: Span,
    /// Independent updates due in all of that: by chance more or fewer than the measured time's share of them says.
    pub(crate) whole_updates: f64,
    /// When the updates of a seeded schedule fall due; empty where the arrivals say it, or nothing does.
    pub(crate) due: Vec<f64>,
    /// Updates due in the measured time, all of it.
    pub(crate) updates: f64,
    /// What the updates of the measured time are on the wires, on average.
    pub(crate) sizes: Sizes,
}

impl FeedModel {
    /// The courses of a cell's repetitions: one that stands for all where the seed changes nothing. Empty where nobody
    /// can know what will be published.
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

    /// Due times as a list, as far as they are known one by one; also of a feed that is given by its period.
    pub(crate) fn due_until(&self, end: f64) -> Cow<'_, [f64]> {
        match &self.arrivals {
            Arrivals::DueTimes(due) => due.into(),
            Arrivals::Constant(period) => {
                (0..LIMIT).map(|i| i as f64 * period).take_while(|time| *time < end).collect()
            }
            Arrivals::Poisson(_) => self.due.as_slice().into(),
        }
    }

    /// The arrivals of a span: independent ones as many as fall due in it.
    pub(crate) fn arrivals_in(&self, span: Span) -> Cow<'_, Arrivals> {
        match self.arrivals {
            Arrivals::Poisson(_) if span == self.whole && span != self.measured => {
                Cow::Owned(Arrivals::Poisson(self.whole_updates / span.length()))
            }
            _ => Cow::Borrowed(&self.arrivals),
        }
    }

    /// In the measured time the number of updates is known better than their rate says: by the schedule.
    pub(crate) fn counted(&self, traffic: Traffic, span: Span) -> Traffic {
        match self.arrivals {
            Arrivals::Poisson(_) | Arrivals::Constant(_) if span == self.measured => {
                Traffic { updates: self.updates, ..traffic }
            }
            _ => traffic,
        }
    }

    /// Updates due in a second of the measured time.
    pub(crate) fn rate(&self) -> f64 {
        self.updates / self.scale / self.measured.length()
    }

    /// Whether a history holds whatever falls due in so many seconds, clusters and heaps included.
    pub(crate) fn fits(&self, history: usize, seconds: f64) -> bool {
        /// Chance and heaps make more than the rate says.
        const MARGIN: f64 = 1.5;
        const BURST: f64 = 20.0;
        history as f64 >= self.largest_burst().max(BURST) + MARGIN * (self.rate() * seconds)
    }

    /// The largest heap of a feed that is known update by update.
    fn largest_burst(&self) -> f64 {
        let Arrivals::DueTimes(due) = &self.arrivals else { return 0.0 };
        due.chunk_by(|a, b| a == b).map(<[f64]>::len).max().unwrap_or(0) as f64
    }
}

/// From one update, or one burst, to the next, s, where that is always the same.
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

/// The feed of a repetition, as the plan has it: it knows neither the contender nor the clients. What clients publish is
/// like a synthetic feed that comes independently.
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

/// The measured time, and that from the feed's begin to the end of the drain.
type Spans = (Span, Span);

fn spans(scenario: &Scenario) -> Spans {
    let from = scenario.measure.warm_up.as_secs_f64();
    let to = from + scenario.measure.duration.as_secs_f64();
    (Span { from, to }, Span { from: 0.0, to: to + scenario.measure.drain.as_secs_f64() })
}

/// One update every `1/rate` s, the first at 0.
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

/// What is expected of any seed.
pub(super) fn seedless(scenario: &Scenario, payload_bytes: Option<usize>, rate: f64) -> Option<FeedModel> {
    poisson(scenario, payload_bytes, rate, spans(scenario), true).pop()
}

/// Each repetition has a seed of its own, and with it another number of updates.
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

/// The due times of a seeded schedule until a time.
fn seeded(config: &SourceConfig, end: f64) -> Vec<f64> {
    let SourceConfig::Synthetic { rate, schedule, .. } = config else { return Vec::new() };
    schedule.due_times(*rate).map(|due| due.as_secs_f64()).take_while(|time| *time < end).collect()
}

/// A feed without a closed form, played without waiting.
fn enumerated(config: &SourceConfig, (mut measured, whole): Spans) -> Option<FeedModel> {
    let (asked, mut end) = (measured.length(), whole.to);
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
    let scale = asked / measured.length();
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
