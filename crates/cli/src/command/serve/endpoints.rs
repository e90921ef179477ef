//! What a server prints when it is ready: the URL of each endpoint, and a command to try it.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use feedlab_feed::Transport;
use feedlab_feed::source::SourceConfig;
use serde::{Deserialize, Serialize};

use super::feed;
use super::listen;
use super::tls::Security;
use crate::output;

/// The line of JSON for programs.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Listening {
    /// The address that the server listens on, with the actual port.
    pub(crate) listening: SocketAddr,
    /// The control address, if there is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) control: Option<SocketAddr>,
    /// With TLS, the certificate in PEM form, for clients to trust.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) certificate: Option<String>,
}

/// The facts about a server that its output shows.
#[derive(Clone, Copy, Debug)]
pub(super) struct ServerInfo<'a> {
    pub(super) address: SocketAddr,
    pub(super) control: Option<SocketAddr>,
    pub(super) source: Option<&'a SourceConfig>,
    pub(super) publishes: bool,
    pub(super) has_token: bool,
    pub(super) security: Security,
}

/// Prints the endpoints for people.
pub(super) fn print_endpoints(info: &ServerInfo<'_>) {
    if let Some(warning) = listen::warning(info.address, info.publishes, info.has_token) {
        output::advice(&warning);
    }
    if info.source.is_none() && !info.publishes {
        output::advice(
            "warning: nothing will ever be published: choose a --feed, or let clients publish with --allow-publish",
        );
    }
    let reachable = ServerInfo { address: reachable(info.address), ..*info };
    output::advice(endpoints(&reachable).trim_end());
}

/// Returns an address that a client can connect to: the unspecified address becomes loopback.
pub(in crate::command) fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

fn endpoints(info: &ServerInfo<'_>) -> String {
    let (address, feed) = (info.address, feed::name(info.source));
    let scheme = Transport::Sse.scheme(info.is_secure());
    let mut text =
        format!("feedlab serves the feed `{feed}` on {scheme}://{address}/ (open it in a browser; Ctrl-C stops)\n");
    text.push_str(match info.security {
        Security::Plain | Security::Certified => "\n",
        Security::SelfSigned => {
            "its certificate is self-signed: curl accepts it with -k; with --format json it is in the printed line, \
             for curl --cacert\n\n"
        }
    });
    let mut line = |label: &str, line: &str| {
        let _ = writeln!(text, "  {label:<15}{line}");
    };
    for transport in Transport::ALL {
        for (index, way) in info.commands_for(transport).into_iter().enumerate() {
            line(if index == 0 { transport.label() } else { "" }, &way);
        }
    }
    if info.publishes {
        line("publish", &format!("{} -d 'hello' -H 'content-type: text/plain' {scheme}://{address}/feed", info.curl()));
    }
    // A browser that opens an address sends no token.
    if !info.has_token {
        line(
            "choose",
            &format!("{scheme}://{address}/choose (a page: which transport fits you, and when that changes)"),
        );
    }
    if let Some(control) = info.control {
        line("figures", &format!("curl http://{control}/stats"));
    }
    text
}

impl ServerInfo<'_> {
    fn is_secure(&self) -> bool {
        !self.security.is_plain()
    }

    fn curl(&self) -> String {
        let trust = if self.security == Security::SelfSigned { " -k" } else { "" };
        let token = if self.has_token { " -H \"Authorization: Bearer $FEEDLAB_TOKEN\"" } else { "" };
        format!("curl{trust}{token}")
    }

    /// Returns commands to try an endpoint. They include `feedlab watch` only without TLS.
    fn commands_for(&self, transport: Transport) -> Vec<String> {
        let (curl, is_secure) = (self.curl(), self.is_secure());
        let url = format!("{}://{}{}", transport.scheme(is_secure), self.address, transport.path());
        let curl = match transport {
            Transport::ShortPolling => Some(format!("{curl} '{url}?after=0'")),
            Transport::LongPolling => Some(format!("{curl} '{url}?hold=25s'")),
            Transport::Sse => Some(format!("{curl} -N {url}")),
            Transport::WebSocket => is_secure.then(|| format!("{url} (with any WebSocket client)")),
        };
        let watch = (!is_secure).then(|| format!("feedlab watch {url}"));
        curl.into_iter().chain(watch).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_endpoint_has_a_command_to_paste() {
        let address = reachable("0.0.0.0:8080".parse().unwrap());
        let info = ServerInfo {
            address,
            control: None,
            source: Some(&SourceConfig::Host { rate: 1.0 }),
            publishes: true,
            has_token: true,
            security: Security::Plain,
        };
        insta::assert_snapshot!(endpoints(&info));
        let secure = ServerInfo { control: Some(address), has_token: false, security: Security::SelfSigned, ..info };
        insta::assert_snapshot!(endpoints(&secure));
    }
}
