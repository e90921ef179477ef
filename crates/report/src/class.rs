//! What a class expected: the votes on a question, before and after, beside what was predicted and what came out.
//!
//! The report shows the questions of its run, a class page any question. A chart is one SVG element without script: the
//! page around it gives it its colours with [`palette_css`], and without that it is drawn for white paper.

use feedlab_experiment::class::{Question, Vote};

use crate::chart;

mod section;
mod sentence;

pub use crate::palette::css as palette_css;
pub use sentence::sentence;

pub(crate) use section::{Class, Section, of};
pub(crate) use sentence::figure;

/// The votes on a question as an SVG element that takes the width of its place, for a page; it reads best at 600 CSS
/// pixels and more.
///
/// `votes` are those that count ([`feedlab_experiment::class::counted`]), of this question or of others too. `predicted`
/// and `measured` are in the question's unit, as [`feedlab_experiment::class::Measured`] makes them; which choice is
/// right is told as soon as it is known, so that a page that still waits for votes passes neither and shows no chart.
/// Votes before are hollow, those after solid, and likewise what was predicted and what was measured.
#[must_use]
pub fn chart(question: &Question, votes: &[&Vote], predicted: Option<f64>, measured: Option<f64>) -> String {
    chart::votes_chart(question, votes, predicted, measured)
}
