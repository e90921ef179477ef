//! What a class expected: the votes on a question, before and after, with the predicted and the measured value.
//!
//! The report shows the questions of its run, a class page shows any question. A chart is one SVG element without a
//! script. A page sets its colors with [`palette_css`]; without that the chart is drawn for white paper.

use feedlab_experiment::class::{Measured, Questions, Tally, Vote};
use feedlab_experiment::results::Results;
use feedlab_experiment::summary::Entry;
use feedlab_experiment::verdict::Status;

use crate::chart::{self, Chart, Picture as _, Votes};
use crate::error::ReportError;
use crate::series::Scope;
use crate::wording;

pub use crate::chart::{Place, votes_chart as chart};
pub use crate::palette::css as palette_css;

/// The questions to a class and its votes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Class<'a> {
    pub(crate) questions: &'a Questions,
    pub(crate) votes: &'a [Vote],
}

/// The section of the page.
#[derive(Debug)]
pub(crate) struct Section {
    /// The questions about this run that have votes.
    pub(crate) answered: Vec<AnsweredQuestion>,
}

/// One question with its votes.
#[derive(Debug)]
pub(crate) struct AnsweredQuestion {
    /// The chart, with the question as its title.
    pub(crate) chart: Chart,
    /// One sentence about the expected and the measured value.
    pub(crate) sentence: String,
    /// The explanation of the answer.
    pub(crate) because: String,
}

/// Returns the section.
pub(crate) fn of(results: &Results, class: Class<'_>, source: &str) -> Result<Section, ReportError> {
    let is_invalid = results.summary.verdict.status == Status::Invalid;
    let mut answered = Vec::new();
    for (question, measured) in class.questions.question.iter().filter_map(|q| Some((q, q.measured.as_ref()?))) {
        let is_answered = class.votes.iter().any(|vote| vote.question == question.id);
        if !is_answered || !measured.is_of(&results.manifest.scenario) {
            continue;
        }
        let (predicted, value) = values(measured, results);
        // An invalid measurement decides no answer.
        let value = value.filter(|_| !is_invalid);
        let tally = Tally::of(question, class.votes, value);
        let picture = Votes::new(question, &tally, predicted, value);
        let sentence = wording::sentence(&picture.finding()) + ".";
        let chart = chart::titled(&picture, &question.text, source, is_invalid)?;
        answered.push(AnsweredQuestion { chart, sentence, because: question.because.clone() });
    }
    Ok(Section { answered })
}

/// Returns the predicted and the measured value in the question's unit. In a sweep they are those at the largest client
/// count and payload, which the charts show too.
fn values(measured: &Measured, results: &Results) -> (Option<f64>, Option<f64>) {
    let entries = &results.summary.contenders;
    let scope = Scope::of(entries);
    let is_meant = |entry: &&Entry| entry.label == measured.contender && scope.holds(entry);
    let Some(entry) = entries.iter().find(is_meant) else { return (None, None) };
    let predicted = entry.predicted.as_ref().and_then(|predicted| predicted.metrics.get(&measured.metric));
    let value = entry.metrics.get(&measured.metric).map(|estimate| estimate.value);
    (predicted.and_then(|value| measured.in_unit(*value)), value.and_then(|value| measured.in_unit(value)))
}
