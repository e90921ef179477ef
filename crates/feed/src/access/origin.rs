//! Origins of pages: RFC 6454, in the form in which browsers send them.

use std::str::FromStr;

use url::Url;

use super::Host;

/// A scheme, a host and a port: the host in lower case and in ASCII, the scheme's default port omitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(url::Origin);

/// A text that is not an origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an origin is a scheme, a host and optionally a port, as in https://example.org; patterns are not supported")]
pub struct NotAnOrigin;

impl FromStr for Origin {
    type Err = NotAnOrigin;

    fn from_str(text: &str) -> Result<Self, NotAnOrigin> {
        let (scheme, host) = text.split_once("://").ok_or(NotAnOrigin)?;
        let is_web = ["http", "https"].iter().any(|web| scheme.eq_ignore_ascii_case(web));
        // Letters of URL parts that an origin does not have, or that a URL parser would ignore silently.
        let is_more = |letter: char| "/\\?#@*".contains(letter) || letter.is_whitespace() || letter.is_control();
        let url = Url::parse(text).ok().filter(|_| is_web && !host.contains(is_more));
        url.map(|url| Self(url.origin())).ok_or(NotAnOrigin)
    }
}

impl Origin {
    /// The origin of an address with this scheme, requested under this host.
    #[must_use]
    pub fn of(scheme: &str, host: &Host) -> Option<Self> {
        format!("{scheme}://{host}").parse().ok()
    }

    /// Whether this is the origin of a page on this machine over plain HTTP, under a name that only reaches loopback.
    #[must_use]
    pub fn is_this_machine(&self) -> bool {
        let url::Origin::Tuple(scheme, host, _) = &self.0 else { return false };
        scheme == "http" && Host::read(&host.to_string()).is_some_and(|host| host.is_this_machine())
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.ascii_serialization())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f5_origins_are_normalized_or_refused() {
        for (text, origin) in [
            ("https://Lab.Example", "https://lab.example"),
            ("HTTPS://a:443", "https://a"),
            ("http://a:080", "http://a"),
            ("http://a:443", "http://a:443"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
            ("http://[::1]:1", "http://[::1]:1"),
        ] {
            assert_eq!(text.parse::<Origin>().unwrap().to_string(), origin, "{text}");
        }
        for text in [
            "null",
            "*",
            "example.org",
            "https://",
            "https:a",
            "https://*.example",
            "https://a b",
            "https://a?x",
            "https://a#x",
            "https://a/",
            "https://u@a",
            "ftp://a",
            "https://a:+1",
            "https://a\\b",
            "\thttps://a",
        ] {
            assert_eq!(text.parse::<Origin>(), Err(NotAnOrigin), "{text}");
        }
    }

    #[test]
    fn pages_of_this_machine_use_plain_http_and_one_of_three_names() {
        for (text, is_machine) in [
            ("http://127.0.0.1:1", true),
            ("http://localhost", true),
            ("http://[::1]:1", true),
            ("https://localhost", false),
            ("http://localhost.evil.example", false),
            ("http://192.168.0.7", false),
        ] {
            assert_eq!(text.parse::<Origin>().unwrap().is_this_machine(), is_machine, "{text}");
        }
    }
}
