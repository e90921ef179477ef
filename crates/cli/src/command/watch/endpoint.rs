//! The endpoint that a URL refers to.

use feedlab_feed::transport::AFTER;
use feedlab_feed::{Cursor, Transport};
use feedlab_loadgen::transport::Url;

/// What to connect to, and how.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// The URL of the endpoint, without a cursor.
    pub(super) url: Url,
    /// The transport of the endpoint.
    pub(super) transport: Transport,
    /// The cursor from the URL, if it had one.
    pub(super) after: Option<Cursor>,
}

/// Parses the URL of a server, of an endpoint, or with `raw_events` of any event stream.
pub(super) fn find(text: &str, wanted: Option<Transport>, raw_events: bool) -> anyhow::Result<Endpoint> {
    let mut url = parse(text)?;
    // A proxy may have put the server behind a prefix.
    let of_path = Transport::ALL.into_iter().find(|transport| url.path().ends_with(transport.path()));
    let transport = match (of_path, wanted) {
        (Some(endpoint), Some(wanted)) if endpoint != wanted => {
            anyhow::bail!("{} is the endpoint of {endpoint}, not of {wanted}: omit one of the two", url.path())
        }
        (Some(transport), _) | (None, Some(transport)) => transport,
        (None, None) => Transport::Sse,
    };
    let is_server = of_path.is_none() && !raw_events && url.path().ends_with('/');
    if is_server {
        let path = format!("{}{}", url.path().trim_end_matches('/'), transport.path());
        url.set_path(&path);
    }
    // On another server, `after` may mean something else.
    let is_ours = !raw_events && (is_server || of_path.is_some() || wanted.is_some());
    let after = if is_ours { take_cursor(&mut url)? } else { None };
    Ok(Endpoint { url, transport, after })
}

fn parse(text: &str) -> anyhow::Result<Url> {
    let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    // A WebSocket's scheme is equivalent to that of the HTTP request that opens it.
    let as_http = match with_scheme.strip_prefix("ws") {
        Some(rest) => format!("http{rest}"),
        None => with_scheme,
    };
    let parsed = Url::parse(&as_http);
    let url = parsed.map_err(|why| {
        // A URL that cannot be parsed may contain a password anywhere.
        let text = if text.contains(['@', '?']) { "the address".to_owned() } else { format!("`{text}`") };
        anyhow::anyhow!("{text} is not a URL ({why}): write it as http://127.0.0.1:8080")
    })?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        other => {
            anyhow::bail!("unsupported scheme: {other}; a URL starts with http://, https://, ws:// or wss://")
        }
    }
}

/// Removes `?after=CURSOR` from the URL: the client sends its own cursor, in its transport's form. The rest of the
/// query stays unchanged, because it may be signed.
fn take_cursor(url: &mut Url) -> anyhow::Result<Option<Cursor>> {
    let Some((_, after)) = url.query_pairs().find(|(name, _)| name == AFTER) else { return Ok(None) };
    let after = after.parse().map_err(|error| anyhow::anyhow!("`after={after}`: {error}"))?;
    let is_other = |pair: &&str| pair.split('=').next() != Some(AFTER);
    let others: Vec<_> = url.query().unwrap_or_default().split('&').filter(is_other).collect();
    let others = others.join("&");
    url.set_query(Some(&others).filter(|others| !others.is_empty()).map(String::as_str));
    Ok(Some(after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, wanted: Option<Transport>, raw: bool) -> Result<(String, Transport, Option<Cursor>), String> {
        let endpoint = find(text, wanted, raw).map_err(|error| error.to_string())?;
        Ok((endpoint.url.to_string(), endpoint.transport, endpoint.after))
    }

    #[test]
    fn a_url_refers_to_an_endpoint() {
        use Transport::{LongPolling, Sse, WebSocket};
        let seven = Cursor { epoch: None, seq: 7 };
        let sse_of_h = "http://h/feed/sse";
        let sse = "http://127.0.0.1:8080/feed/sse";
        for (text, wanted, raw, url, transport, after) in [
            ("http://127.0.0.1:8080", None, false, sse, Sse, None),
            ("127.0.0.1:8080/", None, false, sse, Sse, None),
            ("localhost:8080", None, false, "http://localhost:8080/feed/sse", Sse, None),
            ("ws://127.0.0.1:8080/feed/ws", None, false, "http://127.0.0.1:8080/feed/ws", WebSocket, None),
            ("wss://h/feed/ws", None, false, "https://h/feed/ws", WebSocket, None),
            ("https://h:8443", None, false, "https://h:8443/feed/sse", Sse, None),
            ("wsgi.example/feed/ws", None, false, "http://wsgi.example/feed/ws", WebSocket, None),
            ("http://h/?after=7", Some(LongPolling), false, "http://h/feed/long-poll", LongPolling, Some(seven)),
            ("http://h/?after=k3f9.7", None, false, sse_of_h, Sse, "k3f9.7".parse().ok()),
            ("http://h/feed/sse?after=7&x=1", None, false, "http://h/feed/sse?x=1", Sse, Some(seven)),
            ("http://h/?after=7", None, true, "http://h/?after=7", Sse, None),
            ("http://h/events", None, true, "http://h/events", Sse, None),
            ("http://h/events", None, false, "http://h/events", Sse, None),
            ("http://h/events?after=theirs", None, false, "http://h/events?after=theirs", Sse, None),
            ("http://h/behind/a/proxy", Some(WebSocket), false, "http://h/behind/a/proxy", WebSocket, None),
        ] {
            assert_eq!(check(text, wanted, raw), Ok((url.to_owned(), transport, after)), "{text}");
        }
    }

    #[test]
    fn f14_a_prefix_is_kept() {
        let seven = Cursor { epoch: None, seq: 7 };
        for (text, wanted, url, transport, after) in [
            ("http://h/lab/feed/sse", None, "http://h/lab/feed/sse", Transport::Sse, None),
            ("ws://h/a/b/feed/ws?after=7", None, "http://h/a/b/feed/ws", Transport::WebSocket, Some(seven)),
            ("http://h/lab/?after=7", None, "http://h/lab/feed/sse", Transport::Sse, Some(seven)),
            ("http://h/lab/", Some(Transport::ShortPolling), "http://h/lab/feed/poll", Transport::ShortPolling, None),
        ] {
            assert_eq!(check(text, wanted, false), Ok((url.to_owned(), transport, after)), "{text}");
        }
    }

    #[test]
    fn f15_an_error_about_a_url_shows_no_password() {
        for text in
            ["http://user:pw@", "http://user:p/w@h/", "http://user:p?w@h/", "ftp://user:pw@h/", "http://h:x/?token=pw"]
        {
            let error = check(text, None, false).unwrap_err();
            assert!(!error.contains("pw") && !error.contains("user"), "{text}: {error}");
        }
    }

    #[test]
    fn f16_a_query_is_kept_unchanged() {
        let url = "http://h/feed/sse?sig=a%20b&after=7&y=%2B&flag";
        assert_eq!(check(url, None, false).unwrap().0, "http://h/feed/sse?sig=a%20b&y=%2B&flag");
        assert_eq!(check("http://h/?after=7", None, false).unwrap().0, "http://h/feed/sse");
    }

    #[test]
    fn a_wrong_url_is_rejected_with_a_remedy() {
        for (text, wanted, needle) in [
            ("http://h/feed/sse", Some(Transport::WebSocket), "is the endpoint of sse, not of websocket"),
            ("ftp://h/", None, "ws:// or wss://"),
            ("http://", None, "is not a URL"),
            ("http://h/?after=x", None, "`after=x`: a cursor is"),
        ] {
            let error = check(text, wanted, false).unwrap_err();
            assert!(error.contains(needle), "{text}: {error}");
        }
    }
}
