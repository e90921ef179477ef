//! Who may use the lab: pages of this machine, shown on this machine.
//!
//! A lab opens ports and keeps threads, on 127.0.0.1 alone. Nobody else could use one, and nobody else may order one.

use std::net::SocketAddr;

use axum::http::{HeaderMap, header};

/// The origin of the page that asks, or why it may not.
pub(super) fn page(peer: SocketAddr, headers: &HeaderMap) -> Result<String, &'static str> {
    if !peer.ip().to_canonical().is_loopback() {
        return Err("the lab is for the machine that runs feedlab alone: open the page there, as http://127.0.0.1");
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    // A name of the outer world that resolves to this machine makes its page one of the same origin (DNS rebinding).
    if !is_local(host) {
        return Err("the lab needs the page opened as http://127.0.0.1 or http://localhost, and no other name");
    }
    Ok(format!("http://{}", host.to_ascii_lowercase()))
}

/// Whether what a browser sends comes from the page itself. Browsers send `Origin` with every request that could change
/// something and let no page forge it; programs send none.
pub(super) fn is_own(page: &str, headers: &HeaderMap) -> bool {
    headers.get(header::ORIGIN).is_none_or(|origin| origin.as_bytes().eq_ignore_ascii_case(page.as_bytes()))
}

/// A host with a port or without that is this machine.
fn is_local(host: &str) -> bool {
    ["127.0.0.1", "localhost", "[::1]"].into_iter().any(|local| {
        let is_it = host.get(..local.len()).is_some_and(|start| start.eq_ignore_ascii_case(local));
        is_it && matches!(&host[local.len()..], rest if rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port))
    })
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn only_this_machine_under_its_own_name_may_ask() {
        let here = "127.0.0.1:5".parse().unwrap();
        for host in ["127.0.0.1:8080", "localhost", "LocalHost:1", "[::1]:80"] {
            let page = page(here, &headers(&[("host", host)])).unwrap();
            assert_eq!(page, format!("http://{}", host.to_lowercase()));
        }
        for host in
            ["", "example.org", "127.0.0.1.example.org", "localhost:", "localhost:+1", "127.0.0.1:99999", "[::1]80"]
        {
            assert!(page(here, &headers(&[("host", host)])).is_err(), "{host}");
        }
        let local = headers(&[("host", "127.0.0.1:8080")]);
        assert!(page("192.0.2.7:5".parse().unwrap(), &local).unwrap_err().contains("alone"));
        assert!(page("[::ffff:127.0.0.1]:5".parse().unwrap(), &local).is_ok());
        assert!(page(here, &HeaderMap::new()).is_err(), "HTTP/1.0 without a host");
    }

    #[test]
    fn a_foreign_page_changes_nothing() {
        let page = "http://127.0.0.1:8080";
        assert!(is_own(page, &HeaderMap::new()));
        assert!(is_own(page, &headers(&[("origin", page)])));
        for origin in ["http://127.0.0.1:8081", "https://127.0.0.1:8080", "null", "http://evil.example"] {
            assert!(!is_own(page, &headers(&[("origin", origin)])), "{origin}");
        }
    }
}
