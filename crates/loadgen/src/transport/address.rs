//! Addresses: what a client asks for beyond its endpoint's, and how much of one may be shown.

use feedlab_feed::Cursor;
use feedlab_feed::transport::AFTER;
use feedlab_feed::wire::poll::HOLD;
use url::Url;

/// The endpoint's address with the cursor to resume from. Its query is kept as it stands: it may be signed.
pub(super) fn resume(endpoint: &Url, cursor: Option<Cursor>) -> Url {
    let mut url = endpoint.clone();
    if let Some(cursor) = cursor {
        url.query_pairs_mut().append_pair(AFTER, &cursor.to_string());
    }
    url
}

/// A URL as it may be shown to whoever looks on: without user and password, and of its query only what the endpoints of feedlab
/// ask. Keys, tokens and signatures are where an address is told to others by mistake.
#[must_use]
pub fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // They fail where a URL has no host, and then it has no user.
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
    fn f16_a_query_is_kept_as_it_stands() {
        let endpoint = "http://h/feed/sse?sig=a%20b&y=%2B&flag".parse().unwrap();
        let url = resume(&endpoint, "k3f9.7".parse().ok());
        assert_eq!(url.query(), Some("sig=a%20b&y=%2B&flag&after=k3f9.7"));
        assert_eq!(resume(&endpoint, None), endpoint);
    }
}
