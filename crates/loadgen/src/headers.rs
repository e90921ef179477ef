//! The request headers of the scenario, as the HTTP libraries take them.

use feedlab_experiment::headers;
use feedlab_experiment::scenario::Headers;
use feedlab_feed::Transport;
use reqwest::header::{HeaderMap, HeaderValue};

/// The headers of one client besides those that its transport needs; `origin` is the server's, as in
/// `http://127.0.0.1:8080`.
#[must_use]
pub fn request_headers(headers: Headers, transport: Transport, origin: &str) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in headers::request_headers(headers, transport, origin) {
        if let Ok(value) = HeaderValue::try_from(&*value) {
            map.insert(name, value);
        }
    }
    map
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::{COOKIE, ORIGIN};

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
