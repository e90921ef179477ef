//! Redirects: their target, and the headers that may be sent to another origin. Event streams follow redirects; polls
//! do not.

use hyper::StatusCode;
use hyper::header::{HeaderMap, LOCATION};
use hyper::http::response::Parts;
use url::Url;

/// How many redirects are followed: twenty, as in Fetch (section 4.4).
pub(super) const MAX_REDIRECTS: u32 = 20;

/// The headers that may be sent to another origin: those that request an event stream, and those that any browser sends
/// about itself.
const HARMLESS: [&str; 14] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "connection",
    "last-event-id",
    "pragma",
    "sec-ch-ua",
    "sec-ch-ua-mobile",
    "sec-ch-ua-platform",
    "sec-fetch-dest",
    "sec-fetch-mode",
    "sec-fetch-site",
    "user-agent",
];

/// Returns the target of a redirect, if the response is one.
pub(super) fn target(url: &Url, head: &Parts) -> Option<Url> {
    use StatusCode as Is;
    let moved = [Is::MOVED_PERMANENTLY, Is::FOUND, Is::SEE_OTHER, Is::TEMPORARY_REDIRECT, Is::PERMANENT_REDIRECT];
    let location = head.headers.get(LOCATION).filter(|_| moved.contains(&head.status))?;
    url.join(std::str::from_utf8(location.as_bytes()).ok()?).ok()
}

/// Removes headers that another origin must not receive. Any header that the user set may be a secret, whatever its
/// name, so the list says which ones stay. (Fetch, section 4.4, removes `Authorization`; for a page's own headers, the
/// browser first asks the other origin whether it accepts them.)
pub(super) fn keep_harmless(headers: &mut HeaderMap) {
    let secret = headers.keys().filter(|name| !HARMLESS.contains(&name.as_str())).cloned().collect::<Vec<_>>();
    for name in secret {
        headers.remove(name);
    }
}
