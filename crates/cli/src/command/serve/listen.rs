//! The address to listen on, and why it could not be had.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::str::FromStr;

use anyhow::Context as _;
use feedlab_feed::tcp::BACKLOG;
use tokio::net::{TcpListener, TcpSocket};

/// Where to listen.
#[derive(Clone, Copy, Debug)]
pub(in crate::command) struct Address(pub(super) SocketAddr);

impl FromStr for Address {
    type Err = String;

    /// `localhost` is taken as 127.0.0.1: a name that needs a resolver could mean several addresses.
    fn from_str(text: &str) -> Result<Self, String> {
        let literal =
            text.strip_prefix("localhost:").map_or_else(|| text.to_owned(), |port| format!("127.0.0.1:{port}"));
        literal
            .parse()
            .map(Self)
            .map_err(|_| "an address is an IP and a port, as in 127.0.0.1:8080, 0.0.0.0:80 or [::1]:0".to_owned())
    }
}

/// Listens where a flag says; with the address that port 0 became.
pub(in crate::command) fn bind(flag: &str, Address(address): Address) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let listener = listen(address).map_err(|error| explain(error, flag, address))?;
    let address = listener.local_addr().context("the listener has no address")?;
    Ok((listener, address))
}

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// The remedy for an address that could not be had.
fn explain(error: std::io::Error, flag: &str, address: SocketAddr) -> anyhow::Error {
    let (ip, port) = (address.ip(), address.port());
    match error.kind() {
        ErrorKind::AddrInUse => {
            anyhow::anyhow!("port {port} is in use: choose another, or let the system choose with {flag} {ip}:0")
        }
        ErrorKind::AddrNotAvailable => {
            anyhow::anyhow!("{ip} is no address of this machine: use 127.0.0.1 for this machine alone, or 0.0.0.0")
        }
        ErrorKind::PermissionDenied => {
            anyhow::anyhow!("port {port} needs special rights: choose one above 1023, as in {flag} {ip}:8080")
        }
        _ => anyhow::Error::new(error).context(format!("cannot listen on {address}")),
    }
}

/// What a listener that others can reach is warned of.
pub(super) fn warning(address: SocketAddr, publishes: bool, has_token: bool) -> Option<String> {
    if address.ip().is_loopback() || has_token {
        return None;
    }
    let what = if publishes { "read the feed and publish on it" } else { "read the feed" };
    Some(format!(
        "warning: every machine that reaches {address} can {what}; set FEEDLAB_TOKEN to demand a token, \
         or listen on 127.0.0.1"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_numbers_or_localhost() {
        assert_eq!("localhost:0".parse::<Address>().unwrap().0, "127.0.0.1:0".parse().unwrap());
        assert!("[::1]:80".parse::<Address>().is_ok());
        for wrong in ["8080", "127.0.0.1", "example.org:80", "127.0.0.1:99999"] {
            assert!(wrong.parse::<Address>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_an_open_listener_is_warned_of() {
        let open = "0.0.0.0:80".parse().unwrap();
        assert!(warning("127.0.0.1:80".parse().unwrap(), true, false).is_none());
        assert!(warning(open, true, true).is_none());
        assert!(warning(open, true, false).unwrap().contains("publish"));
    }
}
