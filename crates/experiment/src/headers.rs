//! The request headers that clients send: those that the transport requires, and optionally those of a browser.
//!
//! A bare client makes polling look better than it is: a browser adds about half a kilobyte to every request, and a
//! session's cookies as much again. A stream pays this cost once. The load generator sends the headers, and
//! [`crate::predict`] counts their bytes.

use std::borrow::Cow;

use feedlab_feed::Transport;
use feedlab_feed::wire::sse::CONTENT_TYPE;

use crate::scenario::Headers;

/// A header that a transport always sends: its lowercase name and its value.
pub type Own = (&'static str, &'static str);

/// Accepts any content type: for polls and publications, as with `fetch()`.
pub const ANY: Own = ("accept", "*/*");
/// Says that no other request will follow on the connection.
pub const LAST: Own = ("connection", "close");
/// Requests an event stream that is not from a cache (WHATWG HTML, section 9.2.2).
pub const EVENT_STREAM: [Own; 2] = [("accept", CONTENT_TYPE), ("cache-control", "no-cache")];
/// Says that a publication is text.
pub const TEXT: Own = ("content-type", "text/plain");

const AGENT: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";

/// The headers that desktop Chrome sends with a same-origin `fetch()`, without those that differ from request to
/// request.
const FETCH: &[(&str, &str)] = &[
    ("connection", "keep-alive"),
    ("sec-ch-ua-platform", "\"Linux\""),
    ("user-agent", AGENT),
    ("sec-ch-ua", "\"Chromium\";v=\"142\", \"Google Chrome\";v=\"142\", \"Not_A Brand\";v=\"99\""),
    ("sec-ch-ua-mobile", "?0"),
    ANY,
    ("sec-fetch-site", "same-origin"),
    ("sec-fetch-mode", "cors"),
    ("sec-fetch-dest", "empty"),
    ("accept-encoding", "gzip, deflate, br, zstd"),
    ("accept-language", "en-GB,en-US;q=0.9,en;q=0.8,de;q=0.7,fr;q=0.6"),
];

/// The headers that it sends when a page opens a WebSocket. `Sec-WebSocket-Extensions` is omitted: it would offer a
/// compression that these clients do not support.
const UPGRADE: &[(&str, &str)] = &[
    ("pragma", "no-cache"),
    ("cache-control", "no-cache"),
    ("user-agent", AGENT),
    ("accept-encoding", "gzip, deflate, br, zstd"),
    ("accept-language", "en-GB,en-US;q=0.9,en;q=0.8,de;q=0.7,fr;q=0.6"),
];

/// The cookies of a site with a session, a consent banner and two analytics services. They are invented, with realistic
/// sizes.
const COOKIES: &str = "session=eyJ1c2VyIjoiMzE0MTU5MjY1MyIsInNjb3BlIjoicmVhZGVyIiwiaXNzdWVkIjoxNzY3MjI1NjAwfQ.\
    c2lnbmF0dXJlLW9mLXRoZS1zZXNzaW9uLXRoYXQtbm9ib2R5LXdpbGwtY2hlY2s; \
    csrf=5f0c1b7a9d3e4826b1f7c0a8e6d25394; theme=dark; lang=en; region=eu-central; \
    consent=CPzHq4APzHq4AAfADCENA3CsAP_AAH_AAAYgJXtd_X__bX9n-_79__0eY1f9_r3v-QzjhfNs-8NyN_X_b_Xr2MyvBw5pqsUmZ2cM; \
    _va=VA1.1.1908246173.1764236512; _va_K7QX2M=VS1.1.s1767225600$o41$g1$t1767225733$j52$l0$h0; \
    _mt.id.7.1f2e=8c7be2d14a93f05b.1764236512.; _mt.ses.7.1f2e=1; \
    features=live-ticker.1_compact-list.0_new-charts.1_push-banner.0; \
    last_seen=1767225598214; ab=checkout-b_header-a_search-c; \
    cart=none; tz=Europe%2FBerlin; _rum=id&5d1f3a60-9c2e-4b7d-8f41-2e6a";

/// A header's lowercase name and its value.
pub type Header = (&'static str, Cow<'static, str>);

/// Returns the headers of one client; `origin` is the server's origin, as in `http://127.0.0.1:8080`. Names are unique.
#[must_use]
pub fn request_headers(headers: Headers, transport: Transport, origin: &str) -> Vec<Header> {
    if headers == Headers::Bare {
        return Vec::new();
    }
    let upgrades = transport == Transport::WebSocket;
    let list = if upgrades { UPGRADE } else { FETCH };
    let mut all: Vec<Header> = list.iter().map(|&(name, value)| (name, value.into())).collect();
    all.push(if upgrades { ("origin", origin.to_owned().into()) } else { ("referer", format!("{origin}/").into()) });
    if headers == Headers::BrowserCookies {
        all.push(("cookie", COOKIES.into()));
    }
    all
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_unique_and_lowercase() {
        for transport in Transport::ALL {
            let all = request_headers(Headers::BrowserCookies, transport, "http://127.0.0.1:40000");
            let names: HashSet<_> = all.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
            assert_eq!(names.len(), all.len());
            assert!(all.iter().all(|(name, _)| names.contains(*name)));
        }
    }
}
