//! Thresholds: the metric must exist, the comparison must be computable, and the contenders must be in the scenario.

use super::super::error::FieldError;
use super::super::written::{self, At};
use super::super::{Contender, Threshold};
use crate::Metric;

mod expectation;

use expectation::Expectation;

pub(super) fn thresholds(
    written: &[written::Threshold],
    contenders: &[Contender],
) -> Result<Vec<Threshold>, FieldError> {
    written.iter().map(|one| threshold(one, contenders)).collect()
}

fn threshold(written: &written::Threshold, contenders: &[Contender]) -> Result<Threshold, FieldError> {
    let metric = metric(&written.metric)?;
    let Expectation { comparison, value, than } = expectation::read(&written.expect, metric.row().unit, contenders)?;
    let used = |transport| contenders.iter().any(|contender| contender.transport() == transport);
    if let Some(unused) = written.transport.as_ref().filter(|transport| !used(***transport)) {
        let problem = format!("no contender uses {}; add one, or remove the threshold", **unused);
        return Err(FieldError::at(unused, problem));
    }
    let threshold = Threshold {
        metric,
        comparison,
        value,
        than,
        transport: written.transport.as_deref().copied(),
        contender: written.contender.as_ref().map(|label| concerned(label, contenders)).transpose()?,
    };
    predicted(&threshold, &written.expect, contenders)?;
    Ok(threshold)
}

/// What a target sends is its own choice, which no arithmetic knows.
fn predicted(threshold: &Threshold, written: &At<String>, contenders: &[Contender]) -> Result<(), FieldError> {
    let concerns = |one: &&Contender| {
        threshold.transport.is_none_or(|transport| transport == one.transport())
            && threshold.contender.as_ref().is_none_or(|label| *label == one.label)
    };
    let is_of_prediction = threshold.comparison.is_distance() && threshold.than.is_none();
    let target = contenders.iter().filter(concerns).find(|one| one.target.is_some() && is_of_prediction);
    let Some(Contender { label, .. }) = target else { return Ok(()) };
    let problem = format!(
        "nothing is predicted for {label:?}, whose server is not feedlab's; compare with a contender, or limit the \
         threshold to another one with `contender`"
    );
    Err(FieldError::at(written, problem))
}

fn metric(written: &At<String>) -> Result<Metric, FieldError> {
    written.parse().map_err(|error: crate::metric::UnknownMetric| FieldError::at(written, error.to_string()))
}

fn concerned(written: &At<String>, contenders: &[Contender]) -> Result<String, FieldError> {
    if contenders.iter().any(|contender| contender.label == **written) {
        return Ok(written.to_string());
    }
    let labels: Vec<_> = contenders.iter().map(|contender| format!("{:?}", contender.label)).collect();
    let problem = format!("no contender has the label {:?}; the labels are {}", written.as_str(), labels.join(", "));
    Err(FieldError::at(written, problem))
}
