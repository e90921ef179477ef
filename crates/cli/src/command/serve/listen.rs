//! The address to listen on, and what to do if listening fails.

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

    /// Treats `localhost` as 127.0.0.1: a name that needs a resolver could have several addresses.
    fn from_str(text: &str) -> Result<Self, String> {
        let literal =
            text.strip_prefix("localhost:").map_or_else(|| text.to_owned(), |port| format!("127.0.0.1:{port}"));
        literal
            .parse()
            .map(Self)
            .map_err(|_| "must be an IP address and a port, as in 127.0.0.1:8080, 0.0.0.0:80 or [::1]:0".to_owned())
    }
}

/// Listens on the address of a flag, and returns the listener with the actual address.
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

/// Adds the remedy to an error of listening.
fn explain(error: std::io::Error, flag: &str, address: SocketAddr) -> anyhow::Error {
    let (ip, port) = (address.ip(), address.port());
    match error.kind() {
        ErrorKind::AddrInUse => {
            anyhow::anyhow!("port {port} is in use: choose another, or let the system choose with {flag} {ip}:0")
        }
        ErrorKind::AddrNotAvailable => {
            anyhow::anyhow!("{ip} is not an address of this machine: use 127.0.0.1 for this machine only, or 0.0.0.0")
        }
        ErrorKind::PermissionDenied => {
            anyhow::anyhow!("port {port} requires root privileges: choose one above 1023, as in {flag} {ip}:8080")
        }
        _ => anyhow::Error::new(error).context(format!("cannot listen on {address}")),
    }
}

/// Returns a warning for a listener that other machines can reach without a token.
pub(super) fn warning(address: SocketAddr, publishes: bool, has_token: bool) -> Option<String> {
    if address.ip().is_loopback() || has_token {
        return None;
    }
    let what = if publishes { "read the feed and publish on it" } else { "read the feed" };
    Some(format!(
        "warning: every machine that reaches {address} can {what}; set FEEDLAB_TOKEN to require a token, \
         or listen on 127.0.0.1"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_an_ip_or_localhost() {
        assert_eq!("localhost:0".parse::<Address>().unwrap().0, "127.0.0.1:0".parse().unwrap());
        assert!("[::1]:80".parse::<Address>().is_ok());
        for wrong in ["8080", "127.0.0.1", "example.org:80", "127.0.0.1:99999"] {
            assert!(wrong.parse::<Address>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_an_open_listener_gets_a_warning() {
        let open = "0.0.0.0:80".parse().unwrap();
        assert!(warning("127.0.0.1:80".parse().unwrap(), true, false).is_none());
        assert!(warning(open, true, true).is_none());
        assert!(warning(open, true, false).unwrap().contains("publish"));
    }
}
