//! The address that the lab proxy listens on, and the server that it forwards to.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::str::FromStr;

use anyhow::{Context as _, anyhow};
use tokio::net::{TcpListener, lookup_host};

use crate::exit::bad_input;

/// An address of this machine that no other machine can reach.
#[derive(Clone, Copy, Debug)]
pub(super) struct Local(SocketAddr);

impl FromStr for Local {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let literal =
            text.strip_prefix("localhost:").map_or_else(|| text.to_owned(), |port| format!("127.0.0.1:{port}"));
        let address: SocketAddr = literal
            .parse()
            .map_err(|_| "must be an IP address and a port, as in 127.0.0.1:8090 or [::1]:0".to_owned())?;
        if address.ip().is_loopback() {
            return Ok(Self(address));
        }
        Err(format!(
            "the lab proxy listens only on this machine; otherwise others could reach through it what only this machine \
             may reach: use 127.0.0.1:{}",
            address.port()
        ))
    }
}

impl Local {
    /// Listens on it. An error includes the remedy.
    pub(super) fn bind(self, flag: &str) -> anyhow::Result<TcpListener> {
        let address = self.0;
        let (ip, port) = (address.ip(), address.port());
        feedlab_link::listen(address).map_err(|error| match error.kind() {
            ErrorKind::AddrInUse => {
                anyhow!("port {port} is in use: choose another, or let the system choose with {flag} {ip}:0")
            }
            ErrorKind::PermissionDenied => {
                anyhow!("port {port} requires root privileges: choose one above 1023, as in {flag} {ip}:8090")
            }
            _ => anyhow::Error::new(error).context(format!("cannot listen on {address}")),
        })
    }
}

/// A server, by address or by name.
#[derive(Clone, Debug)]
pub(in crate::command) struct Upstream(String);

impl FromStr for Upstream {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_host_and_port = text.parse::<SocketAddr>().is_ok()
            || text.rsplit_once(':').is_some_and(|(host, port)| is_name(host) && port.parse::<u16>().is_ok());
        if is_host_and_port {
            Ok(Self(text.to_owned()))
        } else {
            Err("must be a host and a port, without a scheme or a path, as in 127.0.0.1:8080 or example.org:80"
                .to_owned())
        }
    }
}

fn is_name(host: &str) -> bool {
    !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}

impl Upstream {
    /// Returns its address: the first one, IPv4 before IPv6, like the address that feedlab's own server listens on.
    pub(in crate::command) async fn resolve(&self) -> anyhow::Result<SocketAddr> {
        let found = lookup_host(&self.0).await.with_context(|| format!("cannot resolve the host of --to {}", self.0));
        let mut addresses: Vec<_> = found.map_err(bad_input)?.collect();
        addresses.sort_by_key(SocketAddr::is_ipv6);
        addresses.first().copied().ok_or_else(|| bad_input(anyhow!("the host of --to {} has no address", self.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_accepted() {
        assert!(
            ["127.0.0.1:0", "127.9.9.9:1", "[::1]:80", "localhost:8090"]
                .iter()
                .all(|text| text.parse::<Local>().is_ok())
        );
        let why = "0.0.0.0:80".parse::<Local>().unwrap_err();
        assert!(why.ends_with("use 127.0.0.1:80"), "{why}");
        assert!("8090".parse::<Local>().is_err());
    }

    #[test]
    fn a_server_is_a_host_and_a_port() {
        for fine in ["127.0.0.1:8080", "[::1]:80", "localhost:8080", "my-host.example.org:80"] {
            assert!(fine.parse::<Upstream>().is_ok(), "{fine}");
        }
        for wrong in ["8080", "127.0.0.1", "http://127.0.0.1:8080", "127.0.0.1:8080/", ":80", "host:99999", "a b:80"] {
            assert!(wrong.parse::<Upstream>().is_err(), "{wrong}");
        }
    }

    #[tokio::test]
    async fn localhost_resolves_to_the_address_of_the_server() {
        let found = "localhost:8080".parse::<Upstream>().unwrap().resolve().await.unwrap();
        assert!(found.ip().is_loopback() && found.port() == 8080, "{found}");
    }
}
