//! The feed of a cell: in its servers, or in a stream of a broker that the cell starts together with a publisher.

use std::net::IpAddr;

use feedlab_experiment::Scenario;
use feedlab_experiment::plan::Cell;
use feedlab_experiment::scenario::Broker;
use feedlab_feed::Epoch;
use feedlab_feed::source::StreamAddress;
use feedlab_feed::stats::Start;

use super::child::{Child, words};
use super::server::FeedLocation;
use crate::command::{broker, publish};

/// The feed of a cell, and its processes.
#[derive(Debug)]
pub(super) struct Feed {
    location: FeedLocation,
    /// `None` if the clients publish.
    publisher: Option<Child>,
    broker: Option<Child>,
    /// When the feed's clock started, µs of Unix time.
    began_us: Option<u64>,
}

impl Feed {
    /// Starts the processes of the scenario's feed: none without a broker. A broker listens at the address `at`.
    pub(super) async fn start(scenario: &Scenario, cell: &Cell, at: IpAddr) -> anyhow::Result<Self> {
        let Some(Broker::Nats) = scenario.feed.broker else {
            let location = FeedLocation::Servers(Epoch::random());
            return Ok(Self { location, publisher: None, broker: None, began_us: None });
        };
        let arguments = words(&format!("broker --at {at}"));
        let (broker, broker::Listening { listening }) = Child::serving("the broker", &arguments).await?;
        let stream: StreamAddress = format!("nats://{listening}/CELL").parse()?;
        let location = FeedLocation::Broker(stream.clone());
        let mut feed = Self { location, publisher: None, broker: Some(broker), began_us: None };
        if let Some(source) = cell.feed(scenario) {
            let arguments = words(&format!("publish --feed-from-stdin --to {stream}"));
            let ready = async { Child::working("the publisher", &arguments, &source).await?.listening().await };
            match ready.await {
                Ok((publisher, publish::Ready { .. })) => feed.publisher = Some(publisher),
                Err(error) => {
                    feed.end().await?;
                    return Err(error);
                }
            }
        }
        Ok(feed)
    }

    /// Returns where servers get the feed from.
    pub(super) const fn location(&self) -> &FeedLocation {
        &self.location
    }

    /// Starts the feed's clock at `at_us`, µs of Unix time, and tells the publisher if there is one.
    pub(super) async fn begin(&mut self, at_us: u64) -> anyhow::Result<()> {
        self.began_us = Some(at_us);
        match &mut self.publisher {
            Some(publisher) => publisher.tell(&Start { at: at_us }).await,
            None => Ok(()),
        }
    }

    /// Returns when the feed's clock started, µs of Unix time.
    pub(super) fn began_us(&self) -> u64 {
        self.began_us.unwrap_or_default()
    }

    /// Returns its processes. None of them exits by itself, because a scenario's feed has no end.
    pub(super) fn processes(&mut self) -> impl Iterator<Item = &mut Child> {
        [self.publisher.as_mut(), self.broker.as_mut()].into_iter().flatten()
    }

    /// Stops its processes.
    pub(super) async fn end(self) -> anyhow::Result<()> {
        let mut result = Ok(());
        for process in [self.publisher, self.broker].into_iter().flatten() {
            result = result.and(process.stop().await);
        }
        result
    }
}
