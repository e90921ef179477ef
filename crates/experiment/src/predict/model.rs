//! The types that the arithmetic of all transports shares: the feed and the sizes of its updates, the network path
//! between client and server, the traffic on it, and the reasons why something is not predicted. Independent of any
//! transport.

use crate::Scenario;
use crate::clients::START_LEAD;
use crate::scenario::Contender;

mod ages;
mod churn;
mod feed_model;
pub(super) mod heads;
mod jitter;
mod long_run;
mod network_path;
mod not_predicted;
mod packets;
mod sizes;
mod traffic;
mod wait;

pub(super) use ages::Ages;
pub(super) use churn::{completed_share, while_away};
pub(super) use feed_model::{Arrivals, FeedModel, LIMIT, Span, period};
pub(super) use jitter::extra;
pub(super) use long_run::LongRun;
pub(super) use network_path::NetworkPath;
pub(super) use not_predicted::{FigureKind, NotPredicted};
pub(super) use packets::{CLOSE, DELAYED_ACK, OPEN, Wire, acks, segments, wire};
pub(super) use sizes::{AT, Sizes, digits};
pub(super) use traffic::{Bytes, Traffic};
pub(super) use wait::Wait;

/// One contender with a number of clients, and the network path between them and the server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) contender: &'a Contender,
    pub(super) clients: f64,
    pub(super) path: NetworkPath,
}

impl<'a> Case<'a> {
    pub(super) fn new(scenario: &'a Scenario, contender: &'a Contender, clients: u32) -> Self {
        Self { scenario, contender, clients: clients.into(), path: NetworkPath::of(scenario, contender) }
    }

    /// Returns how many past updates the server keeps for clients that reconnect or poll.
    pub(super) fn history(&self) -> usize {
        self.contender.serving.history.unwrap_or(self.scenario.feed.history)
    }

    /// Returns the time from the first connect to the start of the feed, s.
    pub(super) fn feed_start(&self) -> f64 {
        (self.scenario.clients.ramp.as_secs_f64() + self.scenario.measure.settle.as_secs_f64())
            + START_LEAD.as_secs_f64()
    }

    /// Returns the mean traffic over clients that join evenly over the ramp; `of` returns the traffic of a client that
    /// joined at a time, s from the start.
    pub(super) fn mean_over_ramp(&self, of: impl Fn(f64) -> Traffic) -> Traffic {
        /// The number of join times that represent all clients.
        const CLIENTS: u32 = 64;
        let ramp = self.scenario.clients.ramp.as_secs_f64();
        let joined = (0..CLIENTS).map(|client| ramp * (f64::from(client) + 0.5) / f64::from(CLIENTS));
        joined.map(of).sum::<Traffic>().times(1.0 / f64::from(CLIENTS))
    }
}
