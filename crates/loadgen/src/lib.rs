//! Many clients, one clock: simulated clients of each transport, and what they saw.
//!
//! In reading order: a [`Job`] is one cell to measure, and [`run`] takes it through its phases. A fleet of worker
//! threads holds the clients; each client is one future of [`transport`], watched by an [`observer`] that [`audit`]s
//! and [`recorder`]s its updates. Its [`transport::Link`] is HTTP/1.1 or HTTP/2, plain or encrypted, a connection of its
//! own or a place on one that is shared. At the end newcomers show what joining costs. The control connections ask the
//! servers what they saw, and measuring puts both sides together. Several processes drive a cell together when each
//! [takes part](take_part) with a [`Share`] of the clients; [`conclude`] makes one cell of them. Nothing here prints: what
//! there is to tell comes as [`Event`]s.

mod job;
mod part;
mod phases;

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
pub use transport::upstream::Publishing;
