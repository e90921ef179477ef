//! The links to a tab's server: a lab proxy in front of each endpoint, and one in front of all of them.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use feedlab_feed::Transport;
use feedlab_feed::link::Network;
use feedlab_link::{Config, Fault, Handle, Hit, LinkSettings, Proxy, Stats};
use feedlab_server::Rejection;
use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;

use super::place::Place;
use super::unavailable;

/// The name of the link that leads to all endpoints.
pub(super) const SHARED: &str = "shared";

/// The name that stands for all links.
const ALL: &str = "all";

/// The lab proxies of a tab, by the endpoint that each leads to.
#[derive(Debug)]
pub(super) struct LabLinks(BTreeMap<&'static str, LabLink>);

/// One lab proxy.
#[derive(Debug)]
struct LabLink {
    address: SocketAddr,
    handle: Handle,
}

impl LabLinks {
    /// Starts a lab proxy for each endpoint, which runs until `end` is cancelled.
    pub(super) fn open(
        server: SocketAddr,
        place: &Place,
        settings: LinkSettings,
        end: &CancellationToken,
    ) -> Result<Self, Rejection> {
        let names = Transport::ALL.into_iter().map(Transport::id).chain([SHARED]);
        let links = names.map(|name| Ok((name, LabLink::open(server, place, settings_for(name, settings), end)?)));
        links.collect::<Result<_, Rejection>>().map(Self)
    }

    /// Returns the origin of each link.
    pub(super) fn origins(&self, place: &Place) -> BTreeMap<&'static str, String> {
        self.0.iter().map(|(name, link)| (*name, place.origin("http", link.address))).collect()
    }

    /// Changes the settings of all links.
    pub(super) fn set(&self, settings: LinkSettings) -> Result<(), Rejection> {
        self.0
            .iter()
            .try_for_each(|(name, link)| link.handle.set(settings_for(name, settings)))
            .map_err(Rejection::bad_request)
    }

    /// Injects a fault on one link, or on all.
    pub(super) async fn inject(&self, endpoint: &str, fault: Fault) -> Result<Hit, Rejection> {
        fault.check().map_err(Rejection::bad_request)?;
        let hits = join_all(self.chosen(endpoint)?.map(|handle| handle.inject(fault))).await;
        let mut sum = Hit { hit: 0, open: 0 };
        for hit in hits {
            let hit = hit.map_err(Rejection::bad_request)?;
            sum = Hit { hit: sum.hit + hit.hit, open: sum.open + hit.open };
        }
        Ok(sum)
    }

    /// Ends the faults of one link, or of all, and returns how many there were.
    pub(super) async fn heal(&self, endpoint: &str) -> Result<usize, Rejection> {
        Ok(join_all(self.chosen(endpoint)?.map(Handle::heal)).await.into_iter().sum())
    }

    /// Returns the statistics of each link.
    pub(super) fn stats(&self) -> BTreeMap<&'static str, Stats> {
        self.0.iter().map(|(name, link)| (*name, link.handle.stats())).collect()
    }

    fn chosen(&self, endpoint: &str) -> Result<impl Iterator<Item = &Handle>, Rejection> {
        if endpoint != ALL && !self.0.contains_key(endpoint) {
            let known: Vec<_> = self.0.keys().copied().chain([ALL]).collect();
            return Err(Rejection::bad_request(format!("`endpoint` must be one of {}", known.join(", "))));
        }
        Ok(self.0.iter().filter(move |(name, _)| endpoint == ALL || endpoint == **name).map(|(_, link)| &link.handle))
    }
}

/// Returns the settings of the link to one endpoint. A real proxy that buffers knows where a response ends and passes
/// it on then, so it does not delay a poll. The lab proxy knows only bytes, and would hold a short response forever; so
/// there is no buffer in front of the polling endpoints.
fn settings_for(name: &str, settings: LinkSettings) -> LinkSettings {
    let is_poll = name.parse().is_ok_and(|transport: Transport| !transport.is_push());
    let network = Network { buffer_bytes: None, ..settings.network };
    if is_poll { LinkSettings { network, ..settings } } else { settings }
}

impl LabLink {
    fn open(
        server: SocketAddr,
        place: &Place,
        settings: LinkSettings,
        end: &CancellationToken,
    ) -> Result<Self, Rejection> {
        let no_port = |error: &dyn std::fmt::Display| unavailable("no port for the lab", error);
        let listener = feedlab_link::listen((place.ip, 0).into()).map_err(|error| no_port(&error))?;
        let address = listener.local_addr().map_err(|error| no_port(&error))?;
        let config = Config { settings, seed: address.port().into() };
        let proxy = Proxy::open_to_others(listener, server, config, place.max_link_connections());
        let proxy = proxy.map_err(|error| no_port(&error))?;
        let handle = proxy.handle();
        let end = end.clone();
        tokio::spawn(async move {
            if let Err(error) = proxy.run(end).await {
                tracing::warn!("the lab proxy at {address} has failed: {error}");
            }
        });
        Ok(Self { address, handle })
    }
}
