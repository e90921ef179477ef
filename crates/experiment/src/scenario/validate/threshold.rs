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
    Ok(Threshold {
        metric,
        comparison,
        value,
        than,
        transport: written.transport.as_deref().copied(),
        contender: written.contender.as_ref().map(|label| concerned(label, contenders)).transpose()?,
    })
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
