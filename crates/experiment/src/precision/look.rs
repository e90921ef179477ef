//! One look at the repetitions so far: which intervals are narrow enough, which need more, and which never will be.
//!
//! A look depends on nothing but the finished cells, so that a resumed run decides as an uninterrupted one.

use hdrhistogram::Histogram;
use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;

use super::{Goal, LOOKS, Obstacle, Precision, obstacle};
use crate::metric::Group;
use crate::plan::{self, Cell, MOST_REPETITIONS, Point};
use crate::record::CellRecord;
use crate::scenario::Scenario;
use crate::statistics::Sample;
use crate::summary::{self, Estimate};

/// What a look found for one contender at one client count and payload size, in one metric.
#[derive(Clone, Debug)]
pub struct Look {
    pub(crate) point: Point,
    pub(super) label: String,
    /// What was asked for.
    pub goal: Goal,
    /// The repetitions so far.
    pub repetitions: u32,
    /// The value with its interval, if there is one.
    pub estimate: Option<Estimate>,
    /// How it stands.
    pub progress: Progress,
}

/// How the interval of a metric stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It is as narrow as asked.
    Narrow,
    /// It needs more repetitions: about this many in all, as far as can be said.
    Open {
        /// The number of repetitions; `None` without an interval.
        needed: Option<u32>,
    },
    /// It cannot be measured as asked.
    Obstructed(Obstacle),
}

/// When a look takes place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Between two rounds.
    Between,
    /// After the last round before the cap.
    AtCap,
    /// After the run was stopped.
    Stopped,
}

impl Look {
    /// Returns a display name of what was measured: "SSE, 50 clients".
    #[must_use]
    pub fn name(&self) -> String {
        summary::name(&self.label, self.point.clients, self.point.payload_bytes)
    }

    /// Returns how far the interval reaches on either side, as a share of the value; `None` without an interval.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        self.estimate.and_then(share)
    }

    const fn is_open(&self) -> bool {
        matches!(self.progress, Progress::Open { .. })
    }
}

/// Looks at the finished cells of a run. Points without a cell are omitted.
///
/// # Errors
/// If a histogram cannot be read; the error is the caller's own.
pub fn look<E>(
    scenario: &Scenario,
    precision: &Precision,
    cells: &[CellRecord],
    when: When,
    mut histogram: impl FnMut(&CellRecord) -> Result<Histogram<u64>, E>,
) -> Result<Vec<Look>, E> {
    let has_ages = precision.goals.iter().any(|goal| goal.metric.row().group == Group::Freshness);
    let mut looks = Vec::new();
    for point in plan::points(scenario) {
        let mut own: Vec<&CellRecord> = cells.iter().filter(|cell| point.is_of(scenario, cell)).collect();
        own.sort_by_key(|cell| cell.started_at);
        if own.is_empty() {
            continue;
        }
        let ages: Vec<_> = match has_ages {
            true => own.iter().map(|cell| histogram(cell)).collect::<Result<_, E>>()?,
            false => Vec::new(),
        };
        let at = At { scenario, precision, cells: &own, ages: &ages, when };
        looks.extend(precision.goals.iter().map(|goal| at.look(point, *goal)));
    }
    Ok(looks)
}

/// Returns the next round: one more repetition of each point with an open interval, in random order, so that a machine
/// that becomes slower affects all alike. It is empty when nothing is open.
#[must_use]
pub fn next_round(scenario: &Scenario, looks: &[Look]) -> Vec<Cell> {
    let mut round = Vec::new();
    for one in looks.iter().filter(|look| look.is_open() && look.repetitions < MOST_REPETITIONS) {
        let cell = plan::cell(scenario, one.point, one.repetitions + 1);
        if !round.contains(&cell) {
            round.push(cell);
        }
    }
    let number = round.iter().map(|cell| cell.repetition).max().unwrap_or_default();
    round.shuffle(&mut ChaCha8Rng::seed_from_u64(scenario.seed.wrapping_add(u64::from(number) << 32)));
    round
}

/// The repetitions of one point at one moment.
struct At<'a> {
    scenario: &'a Scenario,
    precision: &'a Precision,
    cells: &'a [&'a CellRecord],
    ages: &'a [Histogram<u64>],
    when: When,
}

impl At<'_> {
    fn look(&self, point: Point, goal: Goal) -> Look {
        let estimate = self.estimate(goal, self.cells.len());
        let label = self.scenario.contenders[point.contender].label.clone();
        let repetitions = self.cells.len() as u32;
        Look { point, label, goal, repetitions, estimate, progress: self.progress(goal, estimate) }
    }

    /// Returns the estimate over the first `count` repetitions.
    fn estimate(&self, goal: Goal, count: usize) -> Option<Estimate> {
        // Other metrics do not use the ages.
        let count_of_ages = if goal.metric.row().group == Group::Freshness { count } else { 0 };
        let ages = &self.ages[..count_of_ages.min(self.ages.len())];
        Sample::new(self.cells[..count].to_vec(), ages).stopping_estimate(goal.metric, self.scenario.seed)
    }

    fn progress(&self, goal: Goal, estimate: Option<Estimate>) -> Progress {
        let repetitions = self.cells.len() as u32;
        let open = Progress::Open { needed: estimate.and_then(|estimate| needed(estimate, goal, repetitions)) };
        if repetitions < self.scenario.measure.repetitions {
            return self.ended(open, estimate);
        }
        let Some(value) = estimate else {
            let most = most_repetitions(self.scenario, self.precision);
            let obstacle = obstacle::without_value(goal, self.cells, most);
            return obstacle.map_or_else(|| self.ended(open, None), Progress::Obstructed);
        };
        let is_narrow = share(value).is_some_and(|share| share <= goal.share)
            && (1..LOOKS as usize).all(|back| self.was_narrow(goal, self.cells.len().saturating_sub(back)));
        if is_narrow || self.when != When::Between || is_checkpoint(repetitions, self.scenario.measure.repetitions) {
            let is_stalled = self.scenario.feed.stall.is_some();
            if let Some(found) = obstacle::of(goal, value.value, self.cells, is_stalled, self.scenario.seed) {
                return Progress::Obstructed(found);
            }
        }
        if is_narrow { Progress::Narrow } else { self.ended(open, estimate) }
    }

    /// Whether the interval of the first `count` repetitions was narrow.
    fn was_narrow(&self, goal: Goal, count: usize) -> bool {
        self.estimate(goal, count).and_then(share).is_some_and(|share| share <= goal.share)
    }

    /// Returns what happens to an open interval at this moment.
    fn ended(&self, open: Progress, estimate: Option<Estimate>) -> Progress {
        let Progress::Open { needed } = open else { return open };
        let share = estimate.and_then(share);
        match self.when {
            When::Between => open,
            When::AtCap => Progress::Obstructed(obstacle::out_of_time(share, needed)),
            When::Stopped => Progress::Obstructed(obstacle::stopped(share, needed)),
        }
    }
}

/// Returns how many repetitions the cap allows, if all points need as many.
fn most_repetitions(scenario: &Scenario, precision: &Precision) -> u32 {
    let round = plan::cell_duration(scenario).as_secs_f64() * plan::points(scenario).len() as f64;
    ((precision.cap.as_secs_f64() / round) as u32).min(MOST_REPETITIONS)
}

/// Whether the order of the repetitions is tested although the interval is not narrow: at the first look, and then each
/// time that the number has doubled. Testing after every repetition would find a trend by chance in the end.
fn is_checkpoint(repetitions: u32, first: u32) -> bool {
    repetitions.is_multiple_of(first) && (repetitions / first).is_power_of_two()
}

/// Returns how far an interval reaches above its value, as a share of it. Zero is as precise as can be only if it never
/// varied.
fn share(estimate: Estimate) -> Option<f64> {
    let reach = estimate.high? - estimate.value;
    Some(if reach == 0.0 { 0.0 } else { reach / estimate.value.abs() })
}

/// Returns how many repetitions the interval needs: its width falls with the square root of their number (Kalibera and
/// Jones, "Rigorous benchmarking in reasonable time", ISMM 2013, with one level of repetition).
fn needed(estimate: Estimate, goal: Goal, repetitions: u32) -> Option<u32> {
    let share = share(estimate).filter(|share| share.is_finite())?;
    let needed = f64::from(repetitions) * (share / goal.share).powi(2);
    Some((needed.ceil().min(1e9) as u32).max(repetitions + 1))
}
