//! Where a target is: on this machine, unless its table says otherwise.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::super::super::PORT;
use super::super::super::error::FieldError;
use super::super::super::written::{self, At};
use super::{has_port, path};

const EXAMPLE: &str = "\"http://127.0.0.1:8080\"";

/// Returns the URL without a slash at its end, so that paths can follow.
pub(super) fn url(name: &At<String>, written: &written::Target) -> Result<String, FieldError> {
    let Some(given) = &written.url else {
        return match (&written.command, &written.remote) {
            (None, _) => Err(FieldError::at(
                name,
                format!(
                    "nothing says where the server is; add `url = {EXAMPLE}`, or a `command` that starts it on $PORT"
                ),
            )),
            (Some(_), Some(remote)) if **remote => Err(FieldError::at(remote, here())),
            _ => Ok(format!("http://127.0.0.1:{PORT}")),
        };
    };
    let wrong = |problem: String| FieldError::at(given, problem);
    if given.starts_with("https:") {
        return Err(wrong(format!(
            "a target is measured without TLS; give the address of the server itself, as in {EXAMPLE}"
        )));
    }
    if has_port(given) && written.command.is_none() {
        return Err(wrong(format!(
            "{PORT} is the port of a server that the run starts; add `command`, or write the port"
        )));
    }
    let (host, rest) =
        parts(given).ok_or_else(|| wrong(format!("this is not the URL of a server; write it as {EXAMPLE}")))?;
    if !rest.is_empty() {
        path("url", rest, given.span())?;
    }
    distance(host, given, written)?;
    Ok(given.trim_end_matches('/').to_owned())
}

/// Splits a URL into the host and the path, which may be empty; the port must be right.
fn parts(url: &str) -> Option<(&str, &str)> {
    let rest = url.strip_prefix("http://")?;
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let end = authority.rfind(']').map_or(0, |bracket| bracket + 1);
    let (host, port) = match authority[end..].find(':') {
        Some(colon) => (&authority[..end + colon], &authority[end + colon + 1..]),
        None => (authority, "80"),
    };
    let is_port = port == PORT || port.parse::<u16>().is_ok_and(|port| port > 0);
    (is_host(host) && is_port && !path.starts_with(['?', '#']) && !path.contains('?')).then_some((host, path))
}

fn is_host(host: &str) -> bool {
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_name = |host: &str| {
        !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
    };
    bracketed.map_or_else(|| is_name(host), |host| host.parse::<Ipv6Addr>().is_ok())
}

/// A measurement is a load, which nobody may put on a machine by mistake.
fn distance(host: &str, given: &At<String>, written: &written::Target) -> Result<(), FieldError> {
    let remote = written.remote.as_ref().filter(|remote| ***remote);
    match (is_loopback(host), remote) {
        (true, Some(remote)) => Err(FieldError::at(remote, here())),
        (false, None) => {
            let problem = format!(
                "{host} is another machine, and a measurement puts it under load; if it is yours, add `remote = true`"
            );
            Err(FieldError::at(given, problem))
        }
        _ => Ok(()),
    }
}

fn here() -> String {
    "`remote` allows a server on another machine, and this one is here; remove it".to_owned()
}

fn is_loopback(host: &str) -> bool {
    let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost")
        || ip.is_ok_and(|ip| match ip {
            IpAddr::V4(ip) => Ipv4Addr::is_loopback(&ip),
            IpAddr::V6(ip) => Ipv6Addr::is_loopback(&ip),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_has_a_host_a_port_and_possibly_a_path() {
        for (url, expected) in [
            ("http://127.0.0.1:8080", Some(("127.0.0.1", ""))),
            ("http://localhost:$PORT/app/", Some(("localhost", "/app/"))),
            ("http://[::1]:80/", Some(("[::1]", "/"))),
            ("http://example.org", Some(("example.org", ""))),
            ("http://", None),
            ("http://:80", None),
            ("http://a:0", None),
            ("http://a:65536", None),
            ("http://a:x", None),
            ("http://a:", None),
            ("http://user@a:80", None),
            ("http://[::1:80", None),
            ("http://[a]:80", None),
            ("http://a/?q", None),
            ("http://a?q", None),
            ("http://a#f", None),
            ("ws://a:80", None),
            ("127.0.0.1:80", None),
            ("http://é:80", None),
        ] {
            assert_eq!(parts(url), expected, "{url}");
        }
    }

    #[test]
    fn only_addresses_of_this_machine_are_here() {
        for host in ["localhost", "LOCALHOST", "127.0.0.1", "127.8.8.8", "[::1]"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["0.0.0.0", "10.0.0.1", "[::]", "localhost.example.org", "example.org", "127.0.0.1.example.org"] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
