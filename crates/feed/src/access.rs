//! The sender of an HTTP request: what its head says about the page behind it, for every address that is not open to
//! all.
//!
//! Browsers send `Origin` with every WebSocket and every request that could change something, and no page can change
//! it. Programs send none and can send any value, so it proves nothing about them and is not required. The server and
//! the lab proxy each use this to decide which requests to trust, and write their own refusals; nothing here knows an
//! address or a response.

mod host;
mod origin;

pub use host::{Host, HostName, Names, NotAHostName};
pub use origin::{NotAnOrigin, Origin};

use http::header::{HOST, HeaderMap, HeaderName, ORIGIN};
use http::{Request, Version};

/// Why a request is answered with 400: browsers never send such a head, and reading only half of it is unsafe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Several headers of a name that a request may have only once.
    #[error("the request has several `{0}` headers; only one is allowed")]
    Several(&'static str),
    /// No `Host`, although the version of HTTP requires it (RFC 9112, section 3.2).
    #[error("the request has no `Host` header")]
    NoHost,
    /// A `Host` that is neither a name nor an address, with or without a port.
    #[error("`Host` must be a name or an address, optionally with a port")]
    Host,
    /// An HTTP/2 request whose `Host` differs from its authority (RFC 9113, section 8.3.1).
    #[error("`Host` and `:authority` differ")]
    TwoHosts,
}

/// The kind of client that sent a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// A program rather than a page: the request names no origin.
    Program,
    /// A page with the same scheme, host and port as the request itself.
    OwnPage,
    /// A page of another origin; `None` if its origin is opaque (`null`) or not a valid origin.
    Page(Option<Origin>),
}

/// The sender of a request, and the name that it used for this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The host that the request names; `None` only in HTTP/1.0, which no browser speaks.
    pub host: Option<Host>,
    /// The kind of client that sent it.
    pub caller: Caller,
}

impl Asked {
    /// Reads the head of a request that arrived at an address of this scheme, `http` or `https`.
    ///
    /// The scheme is the one that the address itself speaks: behind a proxy that terminates TLS, the origin of the
    /// pages differs from the server's own, and no header that claims otherwise is trusted.
    ///
    /// # Errors
    /// When the head names no host, several hosts or an unusable one, or several origins.
    pub fn read<B>(request: &Request<B>, scheme: &str) -> Result<Self, Malformed> {
        let host = host(request)?;
        let caller = match single(request.headers(), &ORIGIN, "Origin")? {
            None => Caller::Program,
            Some(origin) => {
                let origin = origin.parse::<Origin>().ok();
                let own = host.as_ref().and_then(|host| Origin::of(scheme, host));
                if origin.is_some() && origin == own { Caller::OwnPage } else { Caller::Page(origin) }
            }
        };
        Ok(Self { host, caller })
    }
}

fn host<B>(request: &Request<B>) -> Result<Option<Host>, Malformed> {
    let field = single(request.headers(), &HOST, "Host")?;
    // The request line takes precedence over the field (RFC 9112, section 3.2.2); in HTTP/2 both must be the same.
    let authority = request.uri().authority().map(http::uri::Authority::as_str);
    if let (Version::HTTP_2, Some(authority), Some(field)) = (request.version(), authority, field)
        && !authority.eq_ignore_ascii_case(field)
    {
        return Err(Malformed::TwoHosts);
    }
    match authority.or(field) {
        Some(text) => Host::read(text).map(Some).ok_or(Malformed::Host),
        None if request.version() <= Version::HTTP_10 => Ok(None),
        None => Err(Malformed::NoHost),
    }
}

/// Returns the text of a header that may occur only once; empty if it is not text.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName, called: &'static str) -> Result<Option<&'a str>, Malformed> {
    let mut lines = headers.get_all(name).iter();
    let first = lines.next();
    if lines.next().is_some() {
        return Err(Malformed::Several(called));
    }
    Ok(first.map(|value| value.to_str().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(lines: &[(&str, &str)]) -> Request<()> {
        let mut request = Request::builder().uri("/");
        for (name, value) in lines {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap()
    }

    #[test]
    fn programs_own_pages_and_other_pages_are_distinguished_by_scheme_host_and_port() {
        let page = |text: &str| Caller::Page(Some(text.parse().unwrap()));
        for (scheme, host, origin, caller) in [
            ("http", "127.0.0.1:8080", "http://127.0.0.1:8080", Caller::OwnPage),
            ("http", "LOCALHOST:80", "http://localhost", Caller::OwnPage),
            ("https", "localhost", "https://localhost:443", Caller::OwnPage),
            ("http", "[::1]:1", "http://[::1]:1", Caller::OwnPage),
            ("http", "127.0.0.1:8080", "https://127.0.0.1:8080", page("https://127.0.0.1:8080")),
            ("https", "127.0.0.1:8080", "http://127.0.0.1:8080", page("http://127.0.0.1:8080")),
            ("http", "127.0.0.1:8080", "http://127.0.0.1:8081", page("http://127.0.0.1:8081")),
            ("http", "127.0.0.1:8080", "null", Caller::Page(None)),
            ("http", "127.0.0.1:8080", "\u{e9}", Caller::Page(None)),
        ] {
            let asked = Asked::read(&request(&[("host", host), ("origin", origin)]), scheme).unwrap();
            assert_eq!(asked.caller, caller, "{scheme} {host} {origin}");
        }
        assert_eq!(Asked::read(&request(&[("host", "a")]), "http").unwrap().caller, Caller::Program);
    }

    #[test]
    fn f12_heads_without_a_host_or_with_several_are_malformed() {
        for (lines, why) in [
            (&[][..], Malformed::NoHost),
            (&[("host", "a"), ("host", "a")], Malformed::Several("Host")),
            (&[("host", "a b")], Malformed::Host),
            (&[("host", "")], Malformed::Host),
            (&[("host", "a"), ("origin", "http://a"), ("origin", "http://b")], Malformed::Several("Origin")),
        ] {
            assert_eq!(Asked::read(&request(lines), "http").unwrap_err(), why, "{lines:?}");
        }
        let mut old = request(&[]);
        *old.version_mut() = Version::HTTP_10;
        assert_eq!(Asked::read(&old, "http"), Ok(Asked { host: None, caller: Caller::Program }));
    }

    #[test]
    fn the_request_line_takes_precedence_over_the_field_and_must_agree_with_it_on_http_2() {
        let mut asked = request(&[("host", "localhost")]);
        *asked.uri_mut() = "http://evil.example/".parse().unwrap();
        assert_eq!(Asked::read(&asked, "http").unwrap().host, Host::read("evil.example"));
        *asked.version_mut() = Version::HTTP_2;
        assert_eq!(Asked::read(&asked, "http"), Err(Malformed::TwoHosts));
    }
}
