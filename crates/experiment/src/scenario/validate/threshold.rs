//! The thresholds: a metric that exists, a comparison that can be computed, contenders that it concerns.

use feedlab_feed::Transport;

use super::super::error::Refusal;
use super::super::written::{self, At};
use super::super::{Comparison, Contender, Threshold};
use crate::Metric;

pub(super) fn thresholds(written: &[written::Threshold], contenders: &[Contender]) -> Result<Vec<Threshold>, Refusal> {
    let used: Vec<Transport> = contenders.iter().map(Contender::transport).collect();
    written.iter().map(|one| threshold(one, &used)).collect()
}

fn threshold(written: &written::Threshold, used: &[Transport]) -> Result<Threshold, Refusal> {
    let (comparison, value) = expectation(&written.expect)?;
    if let Some(unused) = written.transport.as_ref().filter(|transport| !used.contains(transport)) {
        let problem = format!("no contender uses {}; add one, or remove the threshold", **unused);
        return Err(Refusal::of(unused, problem));
    }
    Ok(Threshold {
        metric: metric(&written.metric)?,
        comparison,
        value,
        transport: written.transport.as_deref().copied(),
    })
}

fn metric(written: &At<String>) -> Result<Metric, Refusal> {
    written.parse().map_err(|error: crate::metric::UnknownMetric| Refusal::of(written, error.to_string()))
}

fn expectation(written: &At<String>) -> Result<(Comparison, f64), Refusal> {
    let text = written.trim();
    let read = compared(text).or_else(|| within(text).map(|percent| (Comparison::Within, percent)));
    read.filter(|(_, number)| number.is_finite()).ok_or_else(|| {
        let text = written.as_str();
        let problem = format!(
            "{text:?} is not a condition; write a comparison (==, !=, <, <=, >, >=) and a number in the metric's \
             unit, as in \"== 0\", or a distance from what is predicted, as in \"within 5% of predicted\""
        );
        Refusal::of(written, problem)
    })
}

fn compared(text: &str) -> Option<(Comparison, f64)> {
    let comparison = Comparison::ALL.into_iter().find(|comparison| text.starts_with(comparison.symbol()))?;
    let number = text[comparison.symbol().len()..].trim().parse().ok()?;
    Some((comparison, number))
}

/// The percentage of `within 5% of predicted`, however it is spaced.
fn within(text: &str) -> Option<f64> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let percentage = words.strip_prefix(&["within"])?.strip_suffix(&["of", "predicted"])?.concat();
    percentage.strip_suffix('%')?.parse().ok().filter(|percent| *percent >= 0.0)
}
