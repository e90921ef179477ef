//! Many clients, one clock: simulated clients of each transport, and what they measure.
//!
//! In reading order: a [`Job`] is one cell to measure, and [`run`] takes it through its phases. Worker threads hold the
//! fleet of clients. Each client is one future of [`transport`], watched by an [`observer`], which checks its updates
//! with an [`audit`] and records them with a [`recorder`]. A client's [`transport::Link`] is HTTP/1.1 or HTTP/2, plain
//! or encrypted, with a connection of its own or a stream of a shared one. At the end, the join probe measures what
//! joining costs. The control connections query the servers' counts, and `measure` combines both sides. Several
//! processes can drive a cell together: each [takes part](take_part) with a [`Share`] of the clients, and [`conclude`]
//! merges them into one cell. A [`JobTarget`] is somebody else's server, measured by the same clients; a [`trial`] shows
//! beforehand that its updates arrive. Nothing here prints; progress is reported as [`Event`]s.

mod job;
mod part;
mod phases;
mod target;
mod trial;

mod cell_run;
mod conclude;
mod share;

mod client_observer;
mod clients;
mod fleet;
mod outage;
mod worker;

mod backoff;
mod churn;
pub mod observer;
pub mod transport;

pub mod audit;
pub mod recorder;
mod seconds;

mod control;
mod faults;
mod join_probe;
mod measure;
mod moments;
mod nodes;

pub use conclude::{PartsError, conclude};
pub use job::{Between, Event, Job, LoadError, Outcome, Phase};
pub use part::Part;
pub use phases::{run, take_part};
pub use seconds::Live;
pub use share::{Led, Portion, Share};
pub use target::JobTarget;
pub use transport::upstream::Publishing;
pub use trial::{TrialError, trial};
