//! What to inspect, according to the flags.

use anyhow::Context as _;
use feedlab_check::inspect::Target;
use feedlab_experiment::scenario::Http;
use feedlab_feed::{Transport, bounded};
use feedlab_loadgen::transport::Url;

use super::Args;
use super::{connection, request};

/// Checks the flags, and returns the target.
pub(super) fn of(args: &Args) -> anyhow::Result<Target> {
    let (mut url, is_websocket) = parse(&args.url, FORM)?;
    let direct = args.direct.as_deref().map(|origin| at_origin(&url, origin)).transpose()?;
    let encrypted = [Some(&url), direct.as_ref()].into_iter().flatten().find(|url| url.scheme() == "https");
    let link = connection::of(&args.link, encrypted.unwrap_or(&url))?;
    let headers = request::headers(&args.request, Transport::Sse, &mut url)?;
    let method: &str = &args.method.to_ascii_uppercase();
    let body = args.body.as_deref().map(body).transpose()?.unwrap_or_default();
    anyhow::ensure!(body.is_empty() || method != "GET", "--body needs --method POST: a GET has no body");
    anyhow::ensure!(
        !is_websocket || method == "GET",
        "--method {method} cannot be used for a WebSocket: its handshake is a GET"
    );
    Ok(Target {
        url,
        is_websocket,
        address: None,
        direct,
        http2: link.http == Http::V2,
        method: method
            .parse()
            .ok()
            .with_context(|| format!("`{}` is not a method: use GET or POST", args.method.escape_default()))?,
        body: body.into_bytes().into(),
        headers,
        tls: link.tls,
    })
}

/// How a URL is written.
const FORM: &str = "write it as https://app.example/events";

/// Parses a URL, and says whether it is a WebSocket's.
fn parse(text: &str, form: &str) -> anyhow::Result<(Url, bool)> {
    // A URL that cannot be parsed may contain a password anywhere.
    let shown = if text.contains(['@', '?']) { "the URL".to_owned() } else { format!("`{}`", text.escape_debug()) };
    anyhow::ensure!(text.contains("://"), "{shown} has no scheme: {form}, or http://127.0.0.1:8080/feed/sse");
    let is_websocket = text.starts_with("ws://") || text.starts_with("wss://");
    let text = if is_websocket { format!("http{}", &text[2..]) } else { text.to_owned() };
    let mut url = Url::parse(&text).map_err(|why| anyhow::anyhow!("{shown} is not a URL ({why}): {form}"))?;
    anyhow::ensure!(
        matches!(url.scheme(), "http" | "https"),
        "{shown} is not http://, https://, ws:// or wss://: {form}"
    );
    url.set_fragment(None);
    Ok((url, is_websocket))
}

/// Returns the same path at another origin.
fn at_origin(url: &Url, origin: &str) -> anyhow::Result<Url> {
    let with_scheme = if origin.contains("://") { origin.to_owned() } else { format!("http://{origin}") };
    let (origin, _) = parse(&with_scheme, "--direct takes the application's own address, as in 127.0.0.1:3000")?;
    let mut direct = origin.clone();
    if origin.path() == "/" {
        direct.set_path(url.path());
        direct.set_query(url.query());
    }
    let _ = (direct.set_username(""), direct.set_password(None));
    Ok(direct)
}

fn body(text: &str) -> anyhow::Result<String> {
    match text.strip_prefix('@') {
        None => Ok(text.to_owned()),
        Some(file) => bounded::read_text(file.as_ref(), bounded::TEXT_BYTES)
            .with_context(|| format!("cannot read {file}; --body takes the text, or @FILE")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_needs_its_scheme() {
        for (text, needle) in [
            ("localhost:8080/feed", "has no scheme"),
            ("ftp://h/", "is not http://"),
            ("http://", "is not a URL"),
            ("user:s3cret@h/?x", "the URL has no scheme"),
        ] {
            let error = parse(text, FORM).unwrap_err().to_string();
            assert!(error.contains(needle) && !error.contains("s3cret"), "{text}: {error}");
        }
        assert_eq!(parse("wss://h/feed/ws", FORM).unwrap(), ("https://h/feed/ws".parse().unwrap(), true));
    }

    #[test]
    fn the_origin_has_the_same_path_unless_it_has_its_own() {
        let url: Url = "https://app.example/events?room=7".parse().unwrap();
        assert_eq!(at_origin(&url, "127.0.0.1:3000").unwrap().as_str(), "http://127.0.0.1:3000/events?room=7");
        assert_eq!(at_origin(&url, "http://h:1/sse").unwrap().as_str(), "http://h:1/sse");
    }
}
