//! Experiments: everything except running them and drawing their results.
//!
//! In reading order: a [`scenario`] is the question, the [`plan`] lists the cells to measure, the [`metric`] table
//! defines what is measured, [`record`]s hold the measurements, [`statistics`] pools them into a [`summary`], the
//! [`verdict`] says whether the figures can be trusted and the [`threshold`]s whether they are good enough, and
//! [`results`] is the folder that stores everything, with the ages as [`hlog`]s.

pub mod scenario;

pub mod clients;
pub mod headers;
pub mod metric;
pub mod plan;
pub mod precision;
pub mod predict;
pub mod stamp;

pub mod record;
pub mod statistics;
pub mod summary;
pub mod threshold;
pub mod verdict;

pub mod choice;
pub mod class;
pub mod compare;
pub mod hlog;
pub mod merge;
pub mod results;

mod nearest;
mod segment;

#[cfg(test)]
mod fixture;

pub use metric::Metric;
pub use scenario::Scenario;
pub use segment::{ParseSegmentError, Segment};
pub use verdict::Verdict;
