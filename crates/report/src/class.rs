//! What a class expected: the votes on a question, before and after, beside what was predicted and what came out.
//!
//! The report shows the questions of its run, a class page any question. A chart is one SVG element without script: the
//! page around it gives it its colors with [`palette_css`], and without that it is drawn for white paper.

use feedlab_experiment::class::{Measured, Questions, Tally, Vote};
use feedlab_experiment::results::Results;
use feedlab_experiment::summary::Entry;
use feedlab_experiment::verdict::Status;

use crate::chart::{self, Chart, Picture as _, Votes};
use crate::error::ReportError;
use crate::series::Scope;
use crate::wording;

pub use crate::chart::votes_chart as chart;
pub use crate::palette::css as palette_css;

/// What a class was asked and what it said.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Class<'a> {
    pub(crate) questions: &'a Questions,
    pub(crate) votes: &'a [Vote],
}

/// The section.
#[derive(Debug)]
pub(crate) struct Section {
    /// One for each question of this run that somebody answered.
    pub(crate) answered: Vec<AnsweredQuestion>,
}

/// One question.
#[derive(Debug)]
pub(crate) struct AnsweredQuestion {
    /// Its chart; the title is the question.
    pub(crate) chart: Chart,
    /// What was expected and what came out, in one sentence.
    pub(crate) sentence: String,
    /// Why it is so.
    pub(crate) because: String,
}

/// Makes the section.
pub(crate) fn of(results: &Results, class: Class<'_>, source: &str) -> Result<Section, ReportError> {
    let is_invalid = results.summary.verdict.status == Status::Invalid;
    let mut answered = Vec::new();
    for (question, measured) in class.questions.question.iter().filter_map(|q| Some((q, q.measured.as_ref()?))) {
        let is_answered = class.votes.iter().any(|vote| vote.question == question.id);
        if !is_answered || !measured.is_of(&results.manifest.scenario) {
            continue;
        }
        let (predicted, value) = values(measured, results);
        // What is invalid decides nothing.
        let value = value.filter(|_| !is_invalid);
        let tally = Tally::of(question, class.votes, value);
        let picture = Votes::new(question, &tally, predicted, value);
        let sentence = wording::sentence(&picture.finding()) + ".";
        let chart = chart::titled(&picture, &question.text, source, is_invalid)?;
        answered.push(AnsweredQuestion { chart, sentence, because: question.because.clone() });
    }
    Ok(Section { answered })
}

/// What was predicted and what was measured, in the question's unit: in a sweep, at its largest client count and payload,
/// which the charts show too.
fn values(measured: &Measured, results: &Results) -> (Option<f64>, Option<f64>) {
    let entries = &results.summary.contenders;
    let scope = Scope::of(entries);
    let is_meant = |entry: &&Entry| entry.label == measured.contender && scope.holds(entry);
    let Some(entry) = entries.iter().find(is_meant) else { return (None, None) };
    let predicted = entry.predicted.as_ref().and_then(|predicted| predicted.metrics.get(&measured.metric));
    let value = entry.metrics.get(&measured.metric).map(|estimate| estimate.value);
    (predicted.and_then(|value| measured.in_unit(*value)), value.and_then(|value| measured.in_unit(value)))
}
