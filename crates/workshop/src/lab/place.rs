//! Where the ports of a lab are, and the bounds that this sets: on loopback, or on an address that other machines reach.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use feedlab_feed::access::{Host, HostName};
use feedlab_server::Rejection;

use super::settings::TabSettings;
use crate::limits::{MAX_LAB_CONNECTIONS, MAX_SHARED_LAB_BYTES_PER_S, MAX_SHARED_LAB_CONNECTIONS};

/// How labs are open to other machines.
#[derive(Clone, Debug)]
pub struct Shared {
    /// The address that the labs listen on: that of the page's server.
    pub ip: IpAddr,
    /// The most labs at a time.
    pub most: usize,
    /// Additional host names that requests may use, as for the page's server.
    pub allow_hosts: Vec<HostName>,
}

/// The place of one lab.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// The address to listen on.
    pub(super) ip: IpAddr,
    /// The name by which the page reaches it.
    name: String,
    is_shared: bool,
    pub(super) allow_hosts: Vec<HostName>,
}

impl Place {
    /// A lab for this machine alone.
    pub(super) fn here() -> Self {
        let ip = Ipv4Addr::LOCALHOST;
        Self { ip: ip.into(), name: ip.to_string(), is_shared: false, allow_hosts: Vec::new() }
    }

    /// A lab that other machines can reach, for a page that was opened at this host.
    pub(super) fn of(shared: &Shared, host: &Host) -> Self {
        // The server listens on IPv4 loopback; `localhost` may be ::1.
        let name = if host.name() == "localhost" { "127.0.0.1" } else { host.name() };
        Self { ip: shared.ip, name: name.to_owned(), is_shared: true, allow_hosts: shared.allow_hosts.clone() }
    }

    /// Returns the origin of a listener of the lab, as its page reaches it.
    pub(super) fn origin(&self, scheme: &str, listener: SocketAddr) -> String {
        format!("{scheme}://{}:{}", self.name, listener.port())
    }

    /// The most connections to a port of the lab.
    pub(super) const fn max_connections(&self) -> usize {
        if self.is_shared { MAX_SHARED_LAB_CONNECTIONS } else { MAX_LAB_CONNECTIONS }
    }

    /// The most connections to a link. On loopback the server behind it responds with 503 beyond its own limit.
    pub(super) const fn max_link_connections(&self) -> usize {
        if self.is_shared { MAX_SHARED_LAB_CONNECTIONS } else { usize::MAX }
    }

    /// Checks that the feed of a lab is not too much for a network that many share.
    pub(super) fn check(&self, settings: &TabSettings) -> Result<(), Rejection> {
        let bytes_per_s = settings.updates_per_s * settings.payload_bytes as f64;
        if self.is_shared && bytes_per_s > MAX_SHARED_LAB_BYTES_PER_S as f64 {
            return Err(Rejection::bad_request(format!(
                "`updates_per_s` times `payload_bytes` is {bytes_per_s:.0} bytes per second; a lab that others share this \
                 network with may have {MAX_SHARED_LAB_BYTES_PER_S}"
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w3_a_shared_lab_has_a_bound_on_its_bytes_and_connections() {
        let shared = Shared { ip: Ipv4Addr::UNSPECIFIED.into(), most: 25, allow_hosts: Vec::new() };
        let place = Place::of(&shared, &Host::read("192.0.2.1:80").unwrap());
        let fast = TabSettings { updates_per_s: 200.0, payload_bytes: 65_536, ..TabSettings::of(false) };
        assert!(place.check(&fast).is_err() && Place::here().check(&fast).is_ok());
        assert!(place.check(&TabSettings { updates_per_s: 20.0, payload_bytes: 4096, ..fast }).is_ok(), "of a preset");
        assert!(place.max_connections() < Place::here().max_connections());
    }
}
