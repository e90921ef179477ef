//! Who asks: what the head of an HTTP request tells of the page behind it, for every address that is not open to all.
//!
//! Browsers send `Origin` with every WebSocket and every request that could change something, and let no page change it.
//! Programs send none and are free to lie, so for them it proves nothing and is not asked for. The server, the workshop
//! and the lab proxy each decide with these whom they trust, and say no in their own words; nothing here knows an address
//! or an answer.

use std::net::Ipv4Addr;

use http::header::{HOST, HeaderMap, HeaderName, ORIGIN};

/// The longest body of an order, bytes: at a lab, in a class, and at the lab proxy's control address.
pub const MAX_ORDER_BYTES: usize = 16 << 10;

/// The origin of the page that asks; `None` for a program, empty if it is no text.
#[must_use]
pub fn origin(headers: &HeaderMap) -> Option<&str> {
    text(headers, &ORIGIN)
}

/// The name by which this machine was asked for, with its port; empty if it is no text.
#[must_use]
pub fn host(headers: &HeaderMap) -> Option<&str> {
    text(headers, &HOST)
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    Some(headers.get(name)?.to_str().unwrap_or_default())
}

/// Whether a program asks, or a page of the very host and port that are asked, whatever the scheme.
#[must_use]
pub fn is_same_origin(headers: &HeaderMap) -> bool {
    let host = host(headers).unwrap_or_default();
    let is_own = |origin: &str| origin.split_once("://").is_some_and(|(_, own)| own.eq_ignore_ascii_case(host));
    origin(headers).is_none_or(is_own)
}

/// Whether a host in lower case, with a port or without, is this machine under one of its own names. Any other name that
/// leads here could have been pointed at this machine by a stranger, whose page is then of the same origin (DNS rebinding).
#[must_use]
pub fn is_this_machine(host: &str) -> bool {
    ["127.0.0.1", "localhost", "[::1]"].into_iter().any(|local| {
        let port = host.strip_prefix(local).and_then(|rest| rest.strip_prefix(':'));
        host == local || port.is_some_and(is_port)
    })
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a host is an address, or a name that only a local network gives (RFC 6762, RFC 8375).
#[must_use]
pub fn is_this_network(host: &str) -> bool {
    if host.starts_with('[') {
        return true;
    }
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name).to_ascii_lowercase();
    let is_local = [".local", ".lan", ".internal", ".home.arpa", ".localhost"].iter().any(|end| name.ends_with(end));
    is_local || !name.contains('.') || name.parse::<Ipv4Addr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_three_names_and_this_network_more() {
        for (host, is_machine, is_network) in [
            ("127.0.0.1", true, true),
            ("127.0.0.1:80", true, true),
            ("localhost", true, true),
            ("localhost:8080", true, true),
            ("[::1]:1", true, true),
            ("[::1]80", false, true),
            ("", false, true),
            ("127.0.0.1:", false, true),
            ("127.0.0.1:+1", false, true),
            ("127.0.0.1:99999", false, true),
            ("localhost80", false, true),
            ("192.168.0.7:8080", false, true),
            ("teacher:80", false, true),
            ("Mac.Local", false, true),
            ("127.0.0.1.example.org", false, false),
            ("localhost.example.org:80", false, false),
            ("example.org", false, false),
        ] {
            assert_eq!((is_this_machine(host), is_this_network(host)), (is_machine, is_network), "{host}");
        }
    }

    #[test]
    fn programs_and_own_pages_are_of_the_same_origin() {
        for (origin, is_same) in [
            (None, true),
            (Some("http://127.0.0.1:8080"), true),
            (Some("https://127.0.0.1:8080"), true),
            (Some("http://127.0.0.1:8081"), false),
            (Some("null"), false),
            (Some("\u{e9}"), false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, "127.0.0.1:8080".parse().unwrap());
            headers.extend(origin.map(|origin| (ORIGIN, origin.parse().unwrap())));
            assert_eq!(is_same_origin(&headers), is_same, "{origin:?}");
        }
    }
}
