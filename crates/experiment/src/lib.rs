//! What is asked and what is found: everything about an experiment that is not running it and not drawing it.
//!
//! In reading order: a [`scenario`] is asked, the [`plan`] says which cells are measured, the [`metric`] table says
//! what is measured, [`record`]s hold what was found, [`statistics`] pools them into a [`summary`], the [`verdict`]
//! says what may be claimed and the [`threshold`]s whether it is enough, and [`results`] is the folder that keeps it
//! all, the ages as [`hlog`]s.

pub mod scenario;

pub mod clients;
pub mod headers;
pub mod metric;
pub mod plan;
pub mod predict;

pub mod record;
pub mod statistics;
pub mod summary;
pub mod threshold;
pub mod verdict;

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
pub use segment::{NotASegment, Segment};
pub use verdict::Verdict;
