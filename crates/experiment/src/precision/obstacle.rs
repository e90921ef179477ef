//! Why a metric cannot be measured as precisely as asked: each obstacle with its figure and the remedy.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Goal;
use super::goal::percent;
use crate::Metric;
use crate::metric::Pooling;
use crate::record::CellRecord;
use crate::statistics::{SAMPLES_BEYOND, dependence, trend};

/// How unlikely an order of the repetitions must be by chance before it counts: it is tested several times per interval,
/// for each contender.
const CHANCE: f64 = 0.002;
/// The part of a tail that may be the harness's own delay.
const OWN_SHARE: f64 = 0.5;
/// The resolution of the load generator's timers, µs: up to this much their lag is no delay of its sockets.
const TIMER_US: f64 = 2_000.0;

/// The kind of an obstacle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The values rise or fall from repetition to repetition.
    Drift,
    /// Each value resembles the one before it.
    Dependence,
    /// Too much of the value is the harness's own delay.
    Generator,
    /// There are too few updates for the percentile.
    FewEvents,
    /// The metric was not measured.
    NotMeasured,
    /// The time ran out.
    Cap,
    /// The run was stopped.
    Stopped,
}

/// One obstacle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Obstacle {
    /// The kind.
    pub kind: Kind,
    /// What was observed, with its figure.
    pub what: String,
    /// What to do about it.
    pub advice: String,
}

impl Obstacle {
    pub(super) fn new(kind: Kind, what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { kind, what: what.into(), advice: advice.into() }
    }
}

/// Returns what stands in the way although there is a value, the worst first. `cells` are in the order in which they were
/// measured.
pub(super) fn of(goal: Goal, value: f64, cells: &[&CellRecord], is_stalled: bool, seed: u64) -> Option<Obstacle> {
    let values: Option<Vec<f64>> = cells.iter().map(|cell| cell.metrics.get(&goal.metric).copied()).collect();
    let order = values.and_then(|values| drift(goal, &values, seed).or_else(|| dependent(&values, seed)));
    order.or_else(|| own_delay(goal, value, cells, is_stalled))
}

fn drift(goal: Goal, values: &[f64], seed: u64) -> Option<Obstacle> {
    let found = trend(values, seed)?;
    let change = found.share_of_median();
    if found.chance >= CHANCE || change.abs() <= goal.share {
        return None;
    }
    let what = format!(
        "it {} by {} % of its median over {} repetitions (Mann–Kendall, p = {:.4})",
        if change > 0.0 { "rises" } else { "falls" },
        percent(change.abs()),
        values.len(),
        found.chance
    );
    let advice = "the machine is not in a steady state: let it reach its temperature, stop what else runs, or warm up longer \
                  (`measure.warm_up`)";
    Some(Obstacle::new(Kind::Drift, what, advice))
}

fn dependent(values: &[f64], seed: u64) -> Option<Obstacle> {
    let found = dependence(values, seed)?;
    if found.chance >= CHANCE {
        return None;
    }
    let what = format!(
        "each of {} repetitions resembles the one before it (Spearman, lag 1: {:.2}, p = {:.4}), so the interval is too \
         narrow",
        values.len(),
        found.correlation,
        found.chance
    );
    let advice = "something changes more slowly than a repetition lasts: measure longer (`measure.duration`), or stop what \
                  else runs";
    Some(Obstacle::new(Kind::Dependence, what, advice))
}

/// Compares like with like: the tail of the harness's own delay with the tail of the ages.
fn own_delay(goal: Goal, value: f64, cells: &[&CellRecord], is_stalled: bool) -> Option<Obstacle> {
    if !matches!(goal.metric.row().pooling, Pooling::AgeQuantile(quantile) if quantile >= 0.99) {
        return None;
    }
    let timers = (median(cells, Metric::ScheduleLagP99).unwrap_or_default() - TIMER_US).max(0.0);
    let publisher = median(cells, Metric::PublishLagP99).filter(|_| !is_stalled).unwrap_or_default();
    let (own, metric) =
        if timers > publisher { (timers, Metric::ScheduleLagP99) } else { (publisher, Metric::PublishLagP99) };
    if own <= OWN_SHARE * value {
        return None;
    }
    let what = format!("feedlab's own delay ({metric}) is {:.1} ms, {} % of it", own / 1000.0, percent(own / value));
    let advice = "use fewer clients or a lower rate, more cores, or agents on other machines (`--agents`); `feedlab doctor \
                  --calibrate` measures what this machine can drive";
    Some(Obstacle::new(Kind::Generator, what, advice))
}

fn median(cells: &[&CellRecord], metric: Metric) -> Option<f64> {
    let mut values: Vec<f64> = cells.iter().filter_map(|cell| cell.metrics.get(&metric).copied()).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// Returns why there is no value after all repetitions so far; `None` if further repetitions will provide one.
pub(super) fn without_value(goal: Goal, cells: &[&CellRecord], most: u32) -> Option<Obstacle> {
    let received: f64 = cells.iter().filter_map(|cell| cell.metrics.get(&Metric::UpdatesReceived)).sum();
    match goal.metric.row().pooling {
        Pooling::AgeQuantile(quantile) if received > 0.0 => few_events(quantile, received, cells.len(), most),
        _ => {
            let what = format!("nothing in {} repetitions produced it", cells.len());
            let advice = "name a metric that this scenario measures (`feedlab schema`, docs/metrics.md)";
            Some(Obstacle::new(Kind::NotMeasured, what, advice))
        }
    }
}

fn few_events(quantile: f64, received: f64, repetitions: usize, most: u32) -> Option<Obstacle> {
    let needed = SAMPLES_BEYOND as f64 / (1.0 - quantile);
    if received / repetitions as f64 * f64::from(most) >= needed {
        return None;
    }
    let what = format!("{repetitions} repetitions received only {received:.0} updates, and it needs {needed:.0}");
    let advice = "measure longer (`measure.duration`), raise the rate, or ask for a lower percentile";
    Some(Obstacle::new(Kind::FewEvents, what, advice))
}

/// Returns the obstacle of an interval that is still too wide when the cap is reached.
pub(super) fn out_of_time(share: Option<f64>, needed: Option<u32>) -> Obstacle {
    let advice = "raise `cap`, measure longer (`measure.duration`), or ask for less precision";
    Obstacle::new(Kind::Cap, format!("the cap is reached, and {}", so_far(share, needed)), advice)
}

/// Returns the obstacle of an interval that is still too wide when the run is stopped.
pub(super) fn stopped(share: Option<f64>, needed: Option<u32>) -> Obstacle {
    let advice = "let the run finish";
    Obstacle::new(Kind::Stopped, format!("the run was stopped, and {}", so_far(share, needed)), advice)
}

fn so_far(share: Option<f64>, needed: Option<u32>) -> String {
    let reached =
        share.map_or_else(|| "it has no interval".to_owned(), |share| format!("it is ± {} %", percent(share)));
    needed.map_or_else(|| reached.clone(), |needed| format!("{reached}: about {needed} repetitions are needed"))
}
