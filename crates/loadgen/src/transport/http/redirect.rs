//! Where an answer sends its client, and what goes along to another origin. Event streams follow; polls do not.

use hyper::StatusCode;
use hyper::header::{HeaderMap, LOCATION};
use hyper::http::response::Parts;
use url::Url;

/// How often a redirect is followed: Fetch (section 4.4) follows twenty times.
pub(super) const MOST: u32 = 20;

/// What may go along to another origin: what an event stream asks with, and what any browser tells of itself.
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

/// Where an answer sends its client, if it does.
pub(super) fn target(url: &Url, head: &Parts) -> Option<Url> {
    use StatusCode as Is;
    let moved = [Is::MOVED_PERMANENTLY, Is::FOUND, Is::SEE_OTHER, Is::TEMPORARY_REDIRECT, Is::PERMANENT_REDIRECT];
    let location = head.headers.get(LOCATION).filter(|_| moved.contains(&head.status))?;
    url.join(std::str::from_utf8(location.as_bytes()).ok()?).ok()
}

/// Takes away what another origin must not be told. A header that the user named may be a secret whatever it is called, so that
/// the list is of what stays. (Fetch, section 4.4, takes `Authorization` away; the other origin of a page's own headers is asked
/// first whether it wants them.)
pub(super) fn keep_harmless(headers: &mut HeaderMap) {
    let secret = headers.keys().filter(|name| !HARMLESS.contains(&name.as_str())).cloned().collect::<Vec<_>>();
    for name in secret {
        headers.remove(name);
    }
}
