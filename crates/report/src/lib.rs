//! Turns the results of a run into a report: one page to read, and charts for slides.
//!
//! In reading order: `dataset` extracts the figures from the results, `chart` draws them, `finding` describes in
//! sentences what they show, [`table`] lists every contender, `failure` what broke, `nodes` the load of each server,
//! `check` the thresholds, [`class`] what a class expected, `prediction` compares predictions with measurements, and
//! `page` renders all of it; `pair` does that for two runs, whose differences [`difference`] words. They build on `series`, which names the contender that a figure belongs to, `comparison`,
//! which decides what a set of figures shows, `complete`, which decides which contenders may be ranked by age, and
//! `wording`, [`human`] and `palette`, which format text, numbers and colors. Nothing here measures, prints, or uses a
//! network.

mod chart;
mod check;
pub mod class;
mod comparison;
mod complete;
mod dataset;
pub mod difference;
mod error;
mod failure;
mod fault;
mod finding;
pub mod human;
mod markdown;
mod nodes;
mod page;
mod pair;
mod palette;
mod prediction;
mod report;
mod series;
pub mod table;
mod wording;

pub use chart::{MapWidth, cost_chart, map_chart};
pub use error::ReportError;
pub use markdown::{pair_summary, summary};
pub use page::SCRIPT_SOURCE;
pub use pair::{Pair, render_pair};
pub use report::{Report, render, render_with_votes};

#[cfg(test)]
mod tests;
