//! The long-run behavior of a feed, independent of the seed and of the position of the measured time, at its own rate
//! or another. Used by [`scale`](crate::predict::scale), where one additional burst in a short measured time must not
//! matter.

use feedlab_feed::source::{Due, SourceConfig};

use super::feed_model::{self, Arrivals, FeedModel, Span};
use super::{LIMIT, Sizes};
use crate::Scenario;
use crate::scenario::{ScheduleKind, Source};

/// The maximum number of updates of a repeated cycle that are examined: once to settle and once to count.
const MOST: usize = LIMIT / 40;

/// The feed of a scenario.
#[derive(Clone, Debug)]
pub(crate) struct LongRun {
    scenario: Scenario,
    payload_bytes: Option<usize>,
    /// The rate, updates per second.
    rate: f64,
    /// The cycle that repeats; `None` for a feed with a closed form.
    cycle: Option<Cycle>,
}

/// A part of a feed that repeats indefinitely.
#[derive(Clone, Debug)]
struct Cycle {
    /// The due times of its updates, ascending, as fractions of its length.
    due: Vec<f64>,
    sizes: Sizes,
}

impl LongRun {
    /// Returns `None` if the long run of the feed is unknown: for a recording that cannot be read, or one whose updates
    /// are all at the same time.
    pub(crate) fn of(scenario: &Scenario, payload_bytes: Option<usize>) -> Option<Self> {
        let config = feed_model::source_config(scenario, payload_bytes, 1)?;
        let (rate, cycle) = match scenario.feed.source {
            Source::Synthetic { updates_per_s, schedule: ScheduleKind::Burst, burst_size, .. } => {
                (updates_per_s, Some(Cycle::burst(&config, burst_size)?))
            }
            Source::Synthetic { updates_per_s, .. }
            | Source::Host { updates_per_s }
            | Source::Clients { updates_per_s, .. } => (updates_per_s, None),
            Source::Replay { .. } => {
                let (rate, cycle) = Cycle::recorded(&config)?;
                (rate, Some(cycle))
            }
        };
        Some(Self { scenario: scenario.clone(), payload_bytes, rate, cycle })
    }

    /// The rate, updates per second.
    pub(crate) const fn rate(&self) -> f64 {
        self.rate
    }

    /// Returns the feed at its own rate.
    pub(crate) fn model(&self) -> Option<FeedModel> {
        self.model_at(self.rate)
    }

    /// Returns the feed at another rate, everything else being equal: bursts have the same size but are more frequent,
    /// and a recording is played faster.
    pub(crate) fn model_at(&self, rate: f64) -> Option<FeedModel> {
        let Some(cycle) = &self.cycle else { return self.closed(rate) };
        let requested = self.scenario.measure.duration.as_secs_f64();
        let length = cycle.due.len() as f64 / rate;
        let most = (MOST / cycle.due.len()).max(1) as f64;
        let times = (requested / length).ceil().clamp(1.0, most);
        let from = times * length;
        let due =
            (0..2 * times as u32).flat_map(|turn| cycle.due.iter().map(move |at| (f64::from(turn) + at) * length));
        let whole = Span { from: 0.0, to: 2.0 * from };
        let updates = times * cycle.due.len() as f64;
        Some(FeedModel {
            arrivals: Arrivals::DueTimes(due.collect()),
            measured: Span { from, ..whole },
            scale: 1.0,
            whole,
            whole_updates: 2.0 * updates,
            due: Vec::new(),
            updates,
            sizes: cycle.sizes,
        })
    }

    /// Returns the feed in closed form, with the measured time long after the start of the feed, where its position
    /// does not matter.
    fn closed(&self, requested: f64) -> Option<FeedModel> {
        const LATER: f64 = 1e6;
        let mut scenario = self.scenario.clone();
        let source = &mut scenario.feed.source;
        if let Source::Synthetic { updates_per_s, .. }
        | Source::Host { updates_per_s }
        | Source::Clients { updates_per_s, .. } = source
        {
            *updates_per_s = requested;
        }
        let is_poisson = matches!(source, Source::Synthetic { schedule: ScheduleKind::Poisson, .. });
        let model = match is_poisson {
            true => feed_model::seedless(&scenario, self.payload_bytes, requested)?,
            false => FeedModel::of(&scenario, self.payload_bytes).pop()?,
        };
        let arrivals = if is_poisson { Arrivals::Poisson(requested) } else { model.arrivals };
        let rate = match arrivals {
            Arrivals::Poisson(rate) => rate,
            Arrivals::Constant(period) => 1.0 / period,
            Arrivals::DueTimes(_) => return None,
        };
        let Span { from, to } = model.measured;
        let measured = Span { from: from + LATER, to: to + LATER };
        Some(FeedModel { arrivals, measured, updates: rate * measured.length(), ..model })
    }
}

impl Cycle {
    /// A cycle of one burst.
    fn burst(config: &SourceConfig, size: u32) -> Option<Self> {
        let due = vec![0.0; usize::try_from(size).ok().filter(|size| (1..=LIMIT / 2).contains(size))?];
        Some(Self { due, sizes: Sizes::alike(config, 0.0, size.into())? })
    }

    /// Returns the recording as a cycle, from its first update to its last plus one mean interval, and its rate.
    fn recorded(config: &SourceConfig) -> Option<(f64, Self)> {
        let mut source = config.open().ok()?;
        let (mut due, mut each) = (Vec::new(), Vec::new());
        while let Some(Due::At(time)) = source.next_due().filter(|_| due.len() < LIMIT / 2) {
            due.push(time.as_secs_f64());
            each.push((Sizes::of(&source.produce(), due.len() as u64), 1.0));
        }
        let (first, last) = (*due.first()?, *due.last()?);
        let rate = (due.len() - 1) as f64 / (last - first);
        if !rate.is_finite() || rate <= 0.0 {
            return None;
        }
        let length = due.len() as f64 / rate;
        let due = due.into_iter().map(|time| (time - first) / length).collect();
        Some((rate, Self { due, sizes: Sizes::mean(each)? }))
    }
}
