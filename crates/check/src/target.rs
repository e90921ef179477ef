//! The server that is judged: what kind it is, where its endpoints are, and how it is asked. The runner and the publisher
//! use it; it knows nothing about cases.

use std::time::{Duration, Instant};

use feedlab_feed::Transport;
use feedlab_feed::transport::PUBLISH_PATH;
use feedlab_loadgen::transport::Tls;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use crate::connection::{Dialer, OpenError};
use crate::contract::{Endpoint, Profile};
use crate::outcome::CheckError;

pub(crate) mod find;
mod mapping;
pub(crate) mod request;
mod secrets;

pub use find::{Search, find};
pub use mapping::Mapping;
pub(crate) use request::{Request, ask};
pub use secrets::Secrets;

/// A server.
#[derive(Clone, Debug)]
pub struct Target {
    /// What kind of server it is.
    pub profile: Profile,
    /// Where it is: the URL before `/feed/…` of a feedlab server, the endpoint itself of any other.
    pub base: Url,
    /// Header fields that the user adds to every request.
    pub headers: Vec<(String, String)>,
    /// The certificates that are trusted, if it speaks TLS.
    pub tls: Option<Tls>,
    /// Where updates and cursors are in the answers of a server that is not feedlab.
    pub mapping: Mapping,
    /// What must not be shown.
    pub secrets: Secrets,
}

impl Target {
    /// Describes a server of a known kind.
    ///
    /// # Errors
    /// When the URL or a header field cannot be used.
    pub fn new(profile: Profile, search: &Search) -> Result<Self, CheckError> {
        let secrets = Secrets::of(&search.url, &search.headers);
        let mut headers = search.headers.clone();
        let mut base = search.url.clone();
        request::check_fields(&headers)?;
        if let Some(field) = request::authorization(&base) {
            headers.insert(0, field);
        }
        // They fail only if the URL has no host, and then it has no user either.
        let _ = (base.set_username(""), base.set_password(None));
        base.set_fragment(None);
        if profile == Profile::Feedlab {
            base = find::base_of(&base);
        }
        Ok(Self { profile, base, headers, tls: search.tls.clone(), mapping: search.mapping.clone(), secrets })
    }

    /// The URL of an endpoint. A server that is not feedlab has only one.
    #[must_use]
    pub fn endpoint(&self, endpoint: Endpoint) -> Url {
        let mut url = self.base.clone();
        if self.profile == Profile::Feedlab {
            let path = match endpoint {
                Endpoint::Poll => Transport::ShortPolling.path(),
                Endpoint::LongPoll => Transport::LongPolling.path(),
                Endpoint::Sse => Transport::Sse.path(),
                Endpoint::Websocket => Transport::WebSocket.path(),
                Endpoint::Publish => PUBLISH_PATH,
            };
            url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        }
        url
    }

    /// Opens connections to the server of a URL.
    pub(crate) fn dialer(&self, url: &Url, within: Duration) -> Result<Dialer, OpenError> {
        let mut dialer = Dialer::to(url, self.tls.clone())?;
        dialer.within = within.min(dialer.within);
        Ok(dialer)
    }

    /// Opens a connection to the server of a URL.
    pub(crate) async fn open(
        &self,
        url: &Url,
        within: Duration,
        began: Instant,
    ) -> Result<crate::connection::Connection, OpenError> {
        self.dialer(url, within)?.open(began).await
    }

    /// The URL as it may be shown: without user, password and query.
    #[must_use]
    pub fn shown(&self) -> String {
        shown(&self.base)
    }
}

/// A URL without its user, password, query and fragment.
#[must_use]
pub fn shown(url: &Url) -> String {
    let mut url = url.clone();
    let _ = (url.set_username(""), url.set_password(None));
    url.set_query(None);
    url.set_fragment(None);
    url.to_string()
}

/// Where the `Host` field of a request for a URL points.
pub(crate) fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// The path and the query of a URL.
pub(crate) fn path_of(url: &Url) -> String {
    url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
}

/// A URL with a query appended. Parameters with the names of `replacing` are dropped first.
pub(crate) fn with_query(url: &Url, query: &str, replacing: bool) -> Url {
    let name = |pair: &str| pair.split('=').next().unwrap_or_default().to_owned();
    let new: Vec<String> = query.split('&').map(name).collect();
    let old = url.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    let mut pairs: Vec<&str> = old.filter(|pair| !replacing || !new.contains(&name(pair))).collect();
    pairs.push(query);
    let mut url = url.clone();
    url.set_query(Some(&pairs.join("&")));
    url
}

/// What is escaped in a query's value: all but the unreserved characters (RFC 3986, section 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A text as a value in a query.
pub(crate) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn target(profile: Profile, url: &str) -> Target {
        Target::new(profile, &Search::new(url.parse().unwrap())).unwrap()
    }

    #[test]
    fn a_feedlab_server_may_be_named_by_any_of_its_endpoints() {
        for url in [
            "http://h:1",
            "http://h:1/feed/sse",
            "http://h:1/feed/long-poll?hold=1s",
            "ws://h:1/feed/ws",
            "http://h:1/feed",
        ] {
            let target = target(Profile::Feedlab, url);
            assert_eq!(target.endpoint(Endpoint::Poll).as_str(), "http://h:1/feed/poll", "{url}");
        }
        let prefixed = target(Profile::Feedlab, "https://h/a/b/feed/sse");
        assert_eq!(prefixed.endpoint(Endpoint::Websocket).as_str(), "https://h/a/b/feed/ws");
    }

    #[test]
    fn a_query_is_appended_and_a_cursor_replaces_its_own() {
        let url: Url = "http://h/poll?room=1&since=5".parse().unwrap();
        assert_eq!(path_of(&with_query(&url, "x=2", false)), "/poll?room=1&since=5&x=2");
        assert_eq!(path_of(&with_query(&url, "since=9", true)), "/poll?room=1&since=9");
    }

    #[test]
    fn credentials_in_the_url_become_a_field() {
        let target = target(Profile::Sse, "http://me:pass@h/events");
        assert_eq!(target.headers, [("Authorization".to_owned(), "Basic bWU6cGFzcw==".to_owned())]);
        assert_eq!(target.shown(), "http://h/events");
    }
}
