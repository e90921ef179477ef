//! What a request that changes something must be: of a page of this server, short, and JSON.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;

use super::refusal::Refusal;

/// The longest body, bytes.
pub(crate) const MAX_BODY: usize = 16 << 10;

/// Reads the JSON of a request that changes something.
pub(crate) fn read<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
    example: &str,
) -> Result<T, Refusal> {
    check_origin(headers)?;
    let media_type = text(headers, header::CONTENT_TYPE).split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/json") {
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send it as `Content-Type: application/json`"));
    }
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, format!("a request has at most {MAX_BODY} bytes"))
        }
        status => Refusal::new(status, "the request ended before its body did"),
    })?;
    serde_json::from_slice(&body).map_err(|error| Refusal::bad_request(format!("{error}; expected {example}")))
}

/// Refuses pages of another origin, and names that a stranger could have pointed at this machine (DNS rebinding).
/// Browsers send `Origin` with every POST and do not let a page change it; programs send none.
fn check_origin(headers: &HeaderMap) -> Result<(), Refusal> {
    let host = text(headers, header::HOST);
    if !is_of_this_network(host) {
        let message =
            format!("this server does not go by the name {host:?}; use its address, as in http://127.0.0.1:8080");
        return Err(Refusal::new(StatusCode::FORBIDDEN, message));
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().unwrap_or_default();
    if origin.split_once("://").is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host)) {
        return Ok(());
    }
    Err(Refusal::new(StatusCode::FORBIDDEN, "pages of another origin may not do that; open the workshop's own page"))
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Whether a `Host` is an address or a name that only a local network gives (RFC 6762, RFC 8375).
fn is_of_this_network(host: &str) -> bool {
    if host.starts_with('[') {
        return true;
    }
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name).to_ascii_lowercase();
    let is_local = [".local", ".lan", ".internal", ".home.arpa", ".localhost"].iter().any(|end| name.ends_with(end));
    is_local || !name.contains('.') || name.parse::<std::net::Ipv4Addr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pairs: &[(&'static str, &'static str)]) -> bool {
        let headers = pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        check_origin(&headers).is_ok()
    }

    #[test]
    fn own_pages_and_programs_may_and_others_may_not() {
        for host in ["127.0.0.1:8080", "192.168.0.7:8080", "[::1]:8080", "localhost:8080", "teacher:80", "mac.local"] {
            assert!(check(&[("host", host)]), "{host}");
        }
        assert!(check(&[("host", "127.0.0.1:8080"), ("origin", "http://127.0.0.1:8080")]));
        assert!(!check(&[("host", "127.0.0.1:8080"), ("origin", "http://127.0.0.1:8081")]));
        assert!(!check(&[("host", "127.0.0.1:8080"), ("origin", "null")]));
        assert!(!check(&[("host", "evil.example:8080"), ("origin", "http://evil.example:8080")]));
    }
}
