//! The ways to a tab's server: a lab proxy before each endpoint, and one before all of them.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use feedlab_feed::Transport;
use feedlab_feed::link::Network;
use feedlab_proxy::{Config, Fault, Handle, Hit, LinkSettings, Proxy, Stats};
use feedlab_server::Rejection;
use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;

use super::unable;

/// The one that leads to all endpoints.
pub(super) const SHARED: &str = "shared";

/// All of them.
const ALL: &str = "all";

/// The proxies of a tab, by the endpoint that each is for.
#[derive(Debug)]
pub(super) struct Ways(BTreeMap<&'static str, Way>);

#[derive(Debug)]
struct Way {
    address: SocketAddr,
    handle: Handle,
}

impl Ways {
    /// Opens a port for each, until `end`.
    pub(super) fn open(server: SocketAddr, settings: LinkSettings, end: &CancellationToken) -> Result<Self, Rejection> {
        let names = Transport::ALL.into_iter().map(Transport::id).chain([SHARED]);
        let ways = names.map(|name| Ok((name, Way::open(server, at(name, settings), end)?)));
        ways.collect::<Result<_, Rejection>>().map(Self)
    }

    /// Where each is, as an origin.
    pub(super) fn origins(&self) -> BTreeMap<&'static str, String> {
        self.0.iter().map(|(name, way)| (*name, format!("http://{}", way.address))).collect()
    }

    /// Changes all of them at once.
    pub(super) fn set(&self, settings: LinkSettings) -> Result<(), Rejection> {
        self.0.iter().try_for_each(|(name, way)| way.handle.set(at(name, settings))).map_err(Rejection::bad_request)
    }

    /// Lets a fault happen on one, or on all.
    pub(super) async fn order(&self, endpoint: &str, fault: Fault) -> Result<Hit, Rejection> {
        fault.check().map_err(Rejection::bad_request)?;
        let hits = join_all(self.chosen(endpoint)?.map(|handle| handle.inject(fault))).await;
        let mut sum = Hit { hit: 0, open: 0 };
        for hit in hits {
            let hit = hit.map_err(Rejection::bad_request)?;
            sum = Hit { hit: sum.hit + hit.hit, open: sum.open + hit.open };
        }
        Ok(sum)
    }

    /// Ends the faults of one, or of all, and tells how many these were.
    pub(super) async fn heal(&self, endpoint: &str) -> Result<usize, Rejection> {
        Ok(join_all(self.chosen(endpoint)?.map(Handle::heal)).await.into_iter().sum())
    }

    /// What each has done.
    pub(super) fn stats(&self) -> BTreeMap<&'static str, Stats> {
        self.0.iter().map(|(name, way)| (*name, way.handle.stats())).collect()
    }

    fn chosen(&self, endpoint: &str) -> Result<impl Iterator<Item = &Handle>, Rejection> {
        if endpoint != ALL && !self.0.contains_key(endpoint) {
            let known: Vec<_> = self.0.keys().copied().chain([ALL]).collect();
            return Err(Rejection::bad_request(format!("`endpoint` is one of {}", known.join(", "))));
        }
        Ok(self.0.iter().filter(move |(name, _)| endpoint == ALL || endpoint == **name).map(|(_, way)| &way.handle))
    }
}

/// The settings of the way to one endpoint. A proxy that buffers knows where an answer ends and passes it on then, so it holds
/// no poll up; the lab proxy, which knows bytes alone, would hold a short answer for ever.
fn at(name: &str, settings: LinkSettings) -> LinkSettings {
    let is_poll = name.parse().is_ok_and(|transport: Transport| !transport.is_push());
    let network = Network { buffer_bytes: None, ..settings.network };
    if is_poll { LinkSettings { network, ..settings } } else { settings }
}

impl Way {
    fn open(server: SocketAddr, settings: LinkSettings, end: &CancellationToken) -> Result<Self, Rejection> {
        let no_port = |error: &dyn std::fmt::Display| unable("the lab has no port", error);
        let listener = feedlab_proxy::listen((Ipv4Addr::LOCALHOST, 0).into()).map_err(|error| no_port(&error))?;
        let address = listener.local_addr().map_err(|error| no_port(&error))?;
        let config = Config { settings, seed: address.port().into() };
        let proxy = Proxy::new(listener, server, config).map_err(|error| no_port(&error))?;
        let handle = proxy.handle();
        let end = end.clone();
        tokio::spawn(async move {
            if let Err(error) = proxy.run(end).await {
                tracing::warn!("the lab proxy at {address} has ended: {error}");
            }
        });
        Ok(Self { address, handle })
    }
}
