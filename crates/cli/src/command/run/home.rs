//! Where the feed of a cell lives: in its servers, or on a broker that the cell starts, with a publisher of its own.

use std::net::IpAddr;

use feedlab_experiment::Scenario;
use feedlab_experiment::plan::Cell;
use feedlab_experiment::scenario::Broker;
use feedlab_feed::Epoch;
use feedlab_feed::source::StreamAddress;
use feedlab_feed::stats::Start;

use super::child::{Child, words};
use super::server::Home;
use crate::command::{broker, publish};

/// The feed of a cell, and the processes that it needs.
#[derive(Debug)]
pub(super) struct Feed {
    home: Home,
    /// From the front to the back: the publisher, unless it is the clients who publish, and the broker.
    publisher: Option<Child>,
    broker: Option<Child>,
    /// When its time began, µs of Unix time.
    began_us: Option<u64>,
}

impl Feed {
    /// Starts what the scenario's feed needs: without a broker nothing. A broker listens at this address.
    pub(super) async fn settle(scenario: &Scenario, cell: &Cell, at: IpAddr) -> anyhow::Result<Self> {
        let Some(Broker::Nats) = scenario.feed.broker else {
            let home = Home::Servers(Epoch::random());
            return Ok(Self { home, publisher: None, broker: None, began_us: None });
        };
        let arguments = words(&format!("broker --at {at}"));
        let (broker, broker::Listening { listening }) = Child::serving("the broker", &arguments).await?;
        let stream: StreamAddress = format!("nats://{listening}/CELL").parse()?;
        let home = Home::Broker(stream.clone());
        let mut feed = Self { home, publisher: None, broker: Some(broker), began_us: None };
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

    /// What servers are told of it.
    pub(super) const fn home(&self) -> &Home {
        &self.home
    }

    /// Its time begins, µs of Unix time: who publishes in the servers' place is told.
    pub(super) async fn begin(&mut self, at_us: u64) -> anyhow::Result<()> {
        self.began_us = Some(at_us);
        match &mut self.publisher {
            Some(publisher) => publisher.tell(&Start { at: at_us }).await,
            None => Ok(()),
        }
    }

    /// When its time began, µs of Unix time.
    pub(super) fn began_us(&self) -> u64 {
        self.began_us.unwrap_or_default()
    }

    /// Its processes, none of which ends by itself: a feed of a scenario has no end.
    pub(super) fn processes(&mut self) -> impl Iterator<Item = &mut Child> {
        [self.publisher.as_mut(), self.broker.as_mut()].into_iter().flatten()
    }

    /// Ends it.
    pub(super) async fn end(self) -> anyhow::Result<()> {
        let mut result = Ok(());
        for process in [self.publisher, self.broker].into_iter().flatten() {
            result = result.and(process.stop().await);
        }
        result
    }
}
