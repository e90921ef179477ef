//! The request headers that clients send besides those that their transport needs.
//!
//! A bare client flatters polling: a browser adds about half a kilobyte to every request, and a session's cookies as
//! much again. A stream pays for that once.

use feedlab_experiment::scenario::Headers;
use feedlab_feed::Transport;
use reqwest::header::{COOKIE, HeaderMap, HeaderValue, ORIGIN, REFERER};

const AGENT: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";

/// What Chrome on a desktop sends on a same-origin `fetch()`, without what differs from request to request.
const FETCH: &[(&str, &str)] = &[
    ("connection", "keep-alive"),
    ("sec-ch-ua-platform", "\"Linux\""),
    ("user-agent", AGENT),
    ("sec-ch-ua", "\"Chromium\";v=\"142\", \"Google Chrome\";v=\"142\", \"Not_A Brand\";v=\"99\""),
    ("sec-ch-ua-mobile", "?0"),
    ("accept", "*/*"),
    ("sec-fetch-site", "same-origin"),
    ("sec-fetch-mode", "cors"),
    ("sec-fetch-dest", "empty"),
    ("accept-encoding", "gzip, deflate, br, zstd"),
    ("accept-language", "en-GB,en-US;q=0.9,en;q=0.8,de;q=0.7,fr;q=0.6"),
];

/// What it sends when a page opens a WebSocket. `Sec-WebSocket-Extensions` is left out: it would offer a compression
/// that these clients do not speak.
const UPGRADE: &[(&str, &str)] = &[
    ("pragma", "no-cache"),
    ("cache-control", "no-cache"),
    ("user-agent", AGENT),
    ("accept-encoding", "gzip, deflate, br, zstd"),
    ("accept-language", "en-GB,en-US;q=0.9,en;q=0.8,de;q=0.7,fr;q=0.6"),
];

/// The cookies of a site with a session, a consent banner and two analytics services. Invented, sized like real ones.
const COOKIES: &str = "session=eyJ1c2VyIjoiMzE0MTU5MjY1MyIsInNjb3BlIjoicmVhZGVyIiwiaXNzdWVkIjoxNzY3MjI1NjAwfQ.\
    c2lnbmF0dXJlLW9mLXRoZS1zZXNzaW9uLXRoYXQtbm9ib2R5LXdpbGwtY2hlY2s; \
    csrf=5f0c1b7a9d3e4826b1f7c0a8e6d25394; theme=dark; lang=en; region=eu-central; \
    consent=CPzHq4APzHq4AAfADCENA3CsAP_AAH_AAAYgJXtd_X__bX9n-_79__0eY1f9_r3v-QzjhfNs-8NyN_X_b_Xr2MyvBw5pqsUmZ2cM; \
    _va=VA1.1.1908246173.1764236512; _va_K7QX2M=VS1.1.s1767225600$o41$g1$t1767225733$j52$l0$h0; \
    _mt.id.7.1f2e=8c7be2d14a93f05b.1764236512.; _mt.ses.7.1f2e=1; \
    features=live-ticker.1_compact-list.0_new-charts.1_push-banner.0; \
    last_seen=1767225598214; ab=checkout-b_header-a_search-c; \
    cart=none; tz=Europe%2FBerlin; _rum=id&5d1f3a60-9c2e-4b7d-8f41-2e6a";

/// The headers of one client; `origin` is the server's, as in `http://127.0.0.1:8080`.
#[must_use]
pub fn request_headers(headers: Headers, transport: Transport, origin: &str) -> HeaderMap {
    let mut map = HeaderMap::new();
    if headers == Headers::Bare {
        return map;
    }
    let upgrades = transport == Transport::WebSocket;
    for (name, value) in if upgrades { UPGRADE } else { FETCH } {
        map.insert(*name, HeaderValue::from_static(value));
    }
    let (name, value) = if upgrades { (ORIGIN, origin.to_owned()) } else { (REFERER, format!("{origin}/")) };
    if let Ok(value) = HeaderValue::try_from(value) {
        map.insert(name, value);
    }
    if headers == Headers::BrowserCookies {
        map.insert(COOKIE, HeaderValue::from_static(COOKIES));
    }
    map
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes of the headers on the wire: `name: value\r\n`.
    fn size(headers: Headers, transport: Transport) -> usize {
        let map = request_headers(headers, transport, "http://127.0.0.1:40000");
        map.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum()
    }

    #[test]
    fn sizes_are_those_of_a_browser() {
        for transport in [Transport::ShortPolling, Transport::LongPolling, Transport::Sse] {
            assert_eq!(size(Headers::Bare, transport), 0);
            assert!((480..600).contains(&size(Headers::Browser, transport)), "{}", size(Headers::Browser, transport));
        }
        let cookies = size(Headers::BrowserCookies, Transport::Sse) - size(Headers::Browser, Transport::Sse);
        assert!((650..750).contains(&cookies), "{cookies}");
    }

    #[test]
    fn an_upgrade_names_its_origin_and_offers_no_compression() {
        let map = request_headers(Headers::BrowserCookies, Transport::WebSocket, "http://127.0.0.1:40000");
        assert_eq!(map[ORIGIN], "http://127.0.0.1:40000");
        assert!(map.contains_key(COOKIE));
        assert!(!map.contains_key("sec-websocket-extensions") && !map.contains_key("connection"));
    }
}
