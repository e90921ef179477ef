//! What a sweep shows: how ages change from the fewest to the most clients, and how the overhead of a transport changes
//! from the smallest to the largest payload.

use feedlab_experiment::Metric;
use feedlab_experiment::summary::{Entry, Estimate};

use crate::human;
use crate::series::{Scope, Series};

/// A growth below this factor is not reported.
const LEVEL: f64 = 1.5;

/// Returns sentences without their full stops; none without a sweep, or without figures at both ends of it.
pub(super) fn findings(entries: &[Entry]) -> Vec<String> {
    let top = Scope::of(entries);
    ages_over_clients(entries, top).into_iter().chain(overhead_over_payloads(entries, top)).collect()
}

/// One contender at the low and the high end of a sweep.
struct Ends<'a> {
    low: &'a Entry,
    high: &'a Entry,
}

/// Returns each contender at the high end and at a lower point.
fn ends<'a>(entries: &'a [Entry], top: Scope, low: Scope) -> impl Iterator<Item = Ends<'a>> {
    entries.iter().filter(move |entry| low.holds(entry)).filter_map(move |low| {
        let high = entries.iter().find(|entry| entry.label == low.label && top.holds(entry))?;
        Some(Ends { low, high })
    })
}

/// How ages change with the number of clients, at the largest payload.
fn ages_over_clients(entries: &[Entry], top: Scope) -> Option<String> {
    let clients = entries.iter().map(|entry| entry.clients).min().filter(|_| top.clients_swept)?;
    let (metric, name) = age(entries);
    let is_complete = |ends: &Ends<'_>| ends.low.loss().is_none() && ends.high.loss().is_none();
    let ends = ends(entries, top, Scope { clients, ..top }).filter(is_complete);
    let moves =
        ends.filter_map(|ends| Some((ends.low, *ends.low.metrics.get(&metric)?, *ends.high.metrics.get(&metric)?)));
    let (entry, from, to) = moves.max_by(|a, b| growth(a.1, a.2).total_cmp(&growth(b.1, b.2)))?;
    let span = format!("from {} to {} clients", human::count(f64::from(clients)), human::count(f64::from(top.clients)));
    if growth(from, to) < LEVEL || !is_parted(from, to) {
        return Some(format!("{span}, no contender's {name} grows by half or more"));
    }
    let (from, to) = (human::time(from.value), human::time(to.value));
    Some(format!("{span}, the {name} grows most over {}: from {from} to {to}", Series::of(entry, entries).spoken))
}

/// The metric to compare: the 99th percentile, which shows overload first, or the median if some row has too few
/// updates for it.
fn age(entries: &[Entry]) -> (Metric, &'static str) {
    let tails = entries.iter().all(|entry| entry.metrics.contains_key(&Metric::AgeP99));
    if tails { (Metric::AgeP99, "99th percentile of the age") } else { (Metric::AgeP50, "median age") }
}

fn growth(from: Estimate, to: Estimate) -> f64 {
    to.value / from.value.max(1.0)
}

/// Whether the intervals, if there are any, do not overlap.
fn is_parted(from: Estimate, to: Estimate) -> bool {
    from.high.zip(to.low).is_none_or(|(high, low)| high < low)
}

/// How the share that a transport adds changes with the payload, at the largest client count, for the transport that
/// adds most.
fn overhead_over_payloads(entries: &[Entry], top: Scope) -> Option<String> {
    let smallest = entries.iter().filter_map(|entry| entry.payload_bytes).min().filter(|_| top.payload_swept)?;
    let ends = ends(entries, top, Scope { payload_bytes: Some(smallest as u64), ..top });
    let shares = ends.filter_map(|ends| Some((ends.low, added(ends.low)?, added(ends.high)?)));
    let (entry, from, to) = shares.max_by(|a, b| a.1.total_cmp(&b.1))?;
    let (from, to) = (human::share(from, 1.0)?, human::share(to, 1.0)?);
    let size = |bytes: u64| human::size(bytes as f64);
    let span = format!("from {} to {} of payload", size(smallest as u64), size(top.payload_bytes?));
    let name = Series::of(entry, entries).spoken;
    let change = if from == to { format!("stays at {to}") } else { format!("goes from {from} to {to}") };
    Some(format!("{span}, the share of the socket bytes that {name} adds {change}"))
}

/// The share of the socket bytes that is not payload.
fn added(entry: &Entry) -> Option<f64> {
    let socket = entry.value(Metric::SocketBytesPerUpdate).filter(|&bytes| bytes > 0.0)?;
    let payload = entry.value(Metric::PayloadBytesPerUpdate)?;
    Some(((socket - payload) / socket).max(0.0))
}
