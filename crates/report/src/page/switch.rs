//! The contenders as buttons, with which a script switches them off in all charts and tables. Without a script, the page
//! does not show them.

use feedlab_experiment::summary::Entry;

use crate::chart;
use crate::error::ReportError;
use crate::palette::Look;
use crate::series::{self, Series};

/// A contender.
#[derive(Debug)]
pub(crate) struct Switch {
    /// Its index, by which the parts of the pictures name it.
    pub(crate) of: usize,
    /// Its label.
    pub(crate) label: String,
    /// A sample of its line, as an SVG element.
    pub(crate) sample: String,
}

impl Switch {
    pub(crate) fn new(label: String, look: Look, invalid: bool) -> Result<Self, ReportError> {
        match chart::sample(look, invalid) {
            Ok(sample) => Ok(Self { of: look.contender, label, sample }),
            Err(error) => Err(ReportError::Chart { chart: format!("sample of {label}"), reason: error.to_string() }),
        }
    }
}

/// Returns all contenders of a run.
pub(super) fn all(entries: &[Entry], invalid: bool) -> Result<Vec<Switch>, ReportError> {
    let first = |&label: &&str| entries.iter().find(|entry| entry.label == label);
    let switch = |entry: &Entry| Switch::new(entry.label.clone(), Series::of(entry, entries).look, invalid);
    series::contenders(entries).iter().filter_map(first).map(switch).collect()
}
