//! Who asks: what the head of an HTTP request tells of the page behind it, for every address that is not open to all.
//!
//! Browsers send `Origin` with every WebSocket and every request that could change something, and let no page change it.
//! Programs send none and are free to lie, so for them it proves nothing and is not asked for. The server and the lab
//! proxy each decide with these whom they trust, and say no in their own words; nothing here knows an address or an answer.

mod host;
mod origin;

pub use host::{Host, HostName, Names, NotAHostName};
pub use origin::{NotAnOrigin, Origin};

use http::header::{HOST, HeaderMap, HeaderName, ORIGIN};
use http::{Request, Version};

/// Why a request is answered with 400: a browser sends no such head, and who reads half of it may be fooled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// A header that a request has once at most.
    #[error("a request has one `{0}`, and this one has several")]
    Several(&'static str),
    /// No `Host`, although the version of HTTP requires it (RFC 9112, section 3.2).
    #[error("the request has no `Host`")]
    NoHost,
    /// A `Host` that is no name, or no address, with a port or without.
    #[error("`Host` is a name or an address, and perhaps a port")]
    Host,
    /// An HTTP/2 request whose `Host` says something else than its authority (RFC 9113, section 8.3.1).
    #[error("`Host` and `:authority` differ")]
    TwoHosts,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// No page: nothing names an origin.
    Program,
    /// A page of the very scheme, host and port that are asked.
    OwnPage,
    /// A page of another origin; `None` where its origin is opaque (`null`), or no origin at all.
    Page(Option<Origin>),
}

/// Who asks, and by which name for this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The name by which this machine was asked for; `None` only in HTTP/1.0, which no browser speaks.
    pub host: Option<Host>,
    /// Who asks.
    pub caller: Caller,
}

impl Asked {
    /// Reads the head of a request that came to an address of this scheme, `http` or `https`.
    ///
    /// The scheme is the one that the address itself speaks: behind a proxy that ends TLS the pages' origin is another one
    /// than the server's own, and no header that claims so is believed.
    ///
    /// # Errors
    /// When the head names none, several or no usable hosts, or several origins.
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
    // What the request line names goes before the field (RFC 9112, section 3.2.2); HTTP/2 has both say the same.
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

/// The text of a header that comes once at most; empty if it is no text.
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
