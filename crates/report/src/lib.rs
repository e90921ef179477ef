//! From records to pictures: what a run found, as one page that a person can read, and as charts for slides.
//!
//! In reading order: the `dataset` takes the figures out of the results, the `chart`s draw them, the `finding` says in words
//! what they show, the [`table`] lists every contender, `failure` what broke, `nodes` which server had whom, `check` what was required, [`class`] what a
//! class expected, the `prediction` stands beside what was measured, and the `page` puts it all together. Below them, a
//! `series` is who a figure belongs to, a `comparison` says what a set of figures may be said to show, `complete` who may be ranked by age, and `wording`,
//! [`human`] and `palette` are how anything is said, written and colored. Nothing here measures, prints, or reaches a
//! network.

mod chart;
mod check;
pub mod class;
mod comparison;
mod complete;
mod dataset;
mod error;
mod failure;
mod fault;
mod finding;
pub mod human;
mod nodes;
mod page;
mod palette;
mod prediction;
mod report;
mod series;
pub mod table;
mod wording;

pub use chart::cost_chart;
pub use error::ReportError;
pub use report::{Report, render, render_with_votes};

#[cfg(test)]
mod tests;
