//! URLs: the one that a client requests, and how much of a URL may be shown.

use feedlab_feed::Cursor;
use feedlab_feed::transport::AFTER;
use feedlab_feed::wire::poll::HOLD;
use url::Url;

/// Returns the endpoint's URL with the cursor to resume from. The rest of the query is kept unchanged, because it may
/// be signed.
pub(super) fn resume(endpoint: &Url, cursor: Option<Cursor>) -> Url {
    let mut url = endpoint.clone();
    if let Some(cursor) = cursor {
        url.query_pairs_mut().append_pair(AFTER, &cursor.to_string());
    }
    url
}

/// An endpoint, and its URL with the cursor to resume from. That is built again only when the cursor has moved, because a
/// poll asks for the same until there is news.
#[derive(Debug)]
pub(super) struct Endpoint {
    url: Url,
    cursor: Option<Cursor>,
    resumed: Url,
}

impl Endpoint {
    pub(super) fn new(url: Url) -> Self {
        Self { resumed: url.clone(), cursor: None, url }
    }

    /// The URL with this cursor.
    pub(super) fn after(&mut self, cursor: Option<Cursor>) -> &Url {
        if self.cursor != cursor {
            (self.cursor, self.resumed) = (cursor, resume(&self.url, cursor));
        }
        &self.resumed
    }
}

/// Returns a URL in a form that is safe to show: without user and password, and with only those query values that
/// feedlab's endpoints define. Keys, tokens and signatures often end up in URLs that are shared by mistake.
#[must_use]
pub fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // They fail if the URL has no host, and then it has no user either.
    let _ = (url.set_username(""), url.set_password(None));
    url.set_fragment(None);
    let query = url.query().map(|query| format!("?{}", query.split('&').map(parameter).collect::<Vec<_>>().join("&")));
    url.set_query(None);
    format!("{url}{}", query.unwrap_or_default())
}

fn parameter(pair: &str) -> String {
    match pair.split_once('=') {
        Some((name, _)) if name != AFTER && name != HOLD => format!("{name}=…"),
        _ => pair.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f15_no_secret_is_shown() {
        for (url, text) in [
            ("http://user:pw@h:80/feed/sse", "http://h/feed/sse"),
            ("https://user@h/#pw", "https://h/"),
            ("http://h/?token=s3cret&after=k3f9.7&flag&sig=a%20b", "http://h/?token=…&after=k3f9.7&flag&sig=…"),
            ("http://h/feed/sse", "http://h/feed/sse"),
        ] {
            assert_eq!(shown(&url.parse().unwrap()), text, "{url}");
        }
    }

    #[test]
    fn f16_a_query_is_kept_unchanged() {
        let endpoint = "http://h/feed/sse?sig=a%20b&y=%2B&flag".parse().unwrap();
        let url = resume(&endpoint, "k3f9.7".parse().ok());
        assert_eq!(url.query(), Some("sig=a%20b&y=%2B&flag&after=k3f9.7"));
        assert_eq!(resume(&endpoint, None), endpoint);
        let mut kept = Endpoint::new(endpoint.clone());
        for cursor in [None, "k3f9.7".parse().ok(), "k3f9.7".parse().ok(), "k3f9.8".parse().ok(), None] {
            assert_eq!(*kept.after(cursor), resume(&endpoint, cursor));
        }
    }
}
