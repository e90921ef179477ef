//! What a server says when it is ready: where its doors are, and how to try each.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use feedlab_feed::Transport;
use serde::{Deserialize, Serialize};

use super::feed::{FeedArgs, FeedName};
use super::listen;
use crate::output;

/// The line for programs.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Listening {
    /// The address, with the port that port 0 became.
    pub(crate) listening: SocketAddr,
    /// That of the control address, if there is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) control: Option<SocketAddr>,
}

/// Tells people where to look.
pub(super) fn introduce(address: SocketAddr, feed: &FeedArgs, publishes: bool, has_token: bool) {
    if let Some(warning) = listen::warning(address, publishes, has_token) {
        output::advice(&warning);
    }
    if *feed.name() == FeedName::None && !publishes {
        output::advice(
            "warning: nothing will ever be published: choose a --feed, or let clients do it with --allow-publish",
        );
    }
    output::advice(doors(reachable(address), feed.name(), publishes, has_token).trim_end());
}

/// "Any address" is a place to listen, and none to connect to.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

fn doors(address: SocketAddr, feed: &FeedName, publishes: bool, has_token: bool) -> String {
    let token = if has_token { " -H \"Authorization: Bearer $FEEDLAB_TOKEN\"" } else { "" };
    let mut text =
        format!("feedlab serves the feed `{feed}` on http://{address}/ (open it in a browser; Ctrl-C stops)\n\n");
    for transport in Transport::ALL {
        for (index, line) in ways_in(transport, address, token).into_iter().enumerate() {
            let label = if index == 0 { transport.label() } else { "" };
            let _ = writeln!(text, "  {label:<15}{line}");
        }
    }
    if publishes {
        let _ = writeln!(
            text,
            "  {:<15}curl{token} -d 'hello' -H 'content-type: text/plain' http://{address}/feed",
            "publish"
        );
    }
    text
}

fn ways_in(transport: Transport, address: SocketAddr, token: &str) -> Vec<String> {
    let path = transport.path();
    let scheme = if transport == Transport::WebSocket { "ws" } else { "http" };
    let watch = format!("feedlab watch {scheme}://{address}{path}");
    match transport {
        Transport::ShortPolling => vec![format!("curl{token} 'http://{address}{path}?after=0'"), watch],
        Transport::LongPolling => vec![format!("curl{token} 'http://{address}{path}?hold=25s'"), watch],
        Transport::Sse => vec![format!("curl{token} -N http://{address}{path}"), watch],
        Transport::WebSocket => vec![watch],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_door_has_a_line_that_can_be_pasted() {
        let address = reachable("0.0.0.0:8080".parse().unwrap());
        insta::assert_snapshot!(doors(address, &FeedName::Host, true, true));
    }
}
