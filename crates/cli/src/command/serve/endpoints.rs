//! What a server says when it is ready: where its endpoints are, and how to try each.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use feedlab_feed::Transport;
use feedlab_feed::source::SourceConfig;
use serde::{Deserialize, Serialize};

use super::feed;
use super::listen;
use super::tls::Security;
use crate::output;

/// The line for programs.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Listening {
    /// The address, with the port that port 0 became.
    pub(crate) listening: SocketAddr,
    /// That of the control address, if there is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) control: Option<SocketAddr>,
    /// With TLS, the certificate in PEM form, so that clients can be told to trust it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) certificate: Option<String>,
}

/// What people are told about a server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) address: SocketAddr,
    pub(super) control: Option<SocketAddr>,
    pub(super) source: Option<&'a SourceConfig>,
    pub(super) publishes: bool,
    pub(super) has_token: bool,
    pub(super) security: Security,
}

/// Tells people where to look.
pub(super) fn introduce(place: &Place<'_>) {
    if let Some(warning) = listen::warning(place.address, place.publishes, place.has_token) {
        output::advice(&warning);
    }
    if place.source.is_none() && !place.publishes {
        output::advice(
            "warning: nothing will ever be published: choose a --feed, or let clients do it with --allow-publish",
        );
    }
    let reachable = Place { address: reachable(place.address), ..*place };
    output::advice(endpoints(&reachable).trim_end());
}

/// "Any address" is a place to listen, and none to connect to.
pub(in crate::command) fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

fn endpoints(place: &Place<'_>) -> String {
    let (address, feed) = (place.address, feed::name(place.source));
    let scheme = Transport::Sse.scheme(place.is_secure());
    let mut text =
        format!("feedlab serves the feed `{feed}` on {scheme}://{address}/ (open it in a browser; Ctrl-C stops)\n");
    text.push_str(match place.security {
        Security::Plain | Security::Certified => "\n",
        Security::SelfSigned => {
            "nobody vouches for its certificate: curl takes it with -k; with --format json it is in the line that is \
             printed, for curl --cacert\n\n"
        }
    });
    let mut line = |label: &str, line: &str| {
        let _ = writeln!(text, "  {label:<15}{line}");
    };
    for transport in Transport::ALL {
        for (index, way) in place.ways_in(transport).into_iter().enumerate() {
            line(if index == 0 { transport.label() } else { "" }, &way);
        }
    }
    if place.publishes {
        line(
            "publish",
            &format!("{} -d 'hello' -H 'content-type: text/plain' {scheme}://{address}/feed", place.curl()),
        );
    }
    if let Some(control) = place.control {
        line("figures", &format!("curl http://{control}/stats"));
    }
    text
}

impl Place<'_> {
    fn is_secure(&self) -> bool {
        !self.security.is_plain()
    }

    fn curl(&self) -> String {
        let trust = if self.security == Security::SelfSigned { " -k" } else { "" };
        let token = if self.has_token { " -H \"Authorization: Bearer $FEEDLAB_TOKEN\"" } else { "" };
        format!("curl{trust}{token}")
    }

    /// How to try an endpoint. `feedlab watch` speaks plainly only.
    fn ways_in(&self, transport: Transport) -> Vec<String> {
        let (curl, is_secure) = (self.curl(), self.is_secure());
        let url = format!("{}://{}{}", transport.scheme(is_secure), self.address, transport.path());
        let curl = match transport {
            Transport::ShortPolling => Some(format!("{curl} '{url}?after=0'")),
            Transport::LongPolling => Some(format!("{curl} '{url}?hold=25s'")),
            Transport::Sse => Some(format!("{curl} -N {url}")),
            Transport::WebSocket => is_secure.then(|| format!("{url} (for any WebSocket client)")),
        };
        let watch = (!is_secure).then(|| format!("feedlab watch {url}"));
        curl.into_iter().chain(watch).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_endpoint_has_a_line_that_can_be_pasted() {
        let address = reachable("0.0.0.0:8080".parse().unwrap());
        let place = Place {
            address,
            control: None,
            source: Some(&SourceConfig::Host { rate: 1.0 }),
            publishes: true,
            has_token: true,
            security: Security::Plain,
        };
        insta::assert_snapshot!(endpoints(&place));
        let secure = Place { control: Some(address), has_token: false, security: Security::SelfSigned, ..place };
        insta::assert_snapshot!(endpoints(&secure));
    }
}
