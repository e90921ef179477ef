//! The response itself: status, redirects, type, versions, and the proxies it passed.

use std::fmt::Write as _;

use hyper::Version;

use super::super::finding::{Finding, Id};
use super::super::limits::MAX_REDIRECTS;
use super::super::open::Lost;
use super::super::report::version;
use super::super::seen::{Found, Seen};
use super::super::text::{count, quoted, span};

mod status;

pub(super) use status::status;

/// Where it redirects.
pub(super) fn redirect(seen: &Seen) -> Option<Finding> {
    let last = seen.hops.last();
    match seen.lost {
        None if seen.hops.is_empty() => None,
        None if seen.hops.iter().any(|hop| hop.crosses) => Some(Id::Redirect.warn(
            path(seen),
            &["use the final URL: every reconnect goes through the redirect, and credentials are not sent to another origin"],
        )),
        None => Some(Id::Redirect.good(path(seen))),
        Some(Lost::Circle) => Some(Id::Redirect.bad(
            format!("more than {MAX_REDIRECTS} in a row; the last ({}) leads to {}", last?.status, last?.to),
            &["redirect loop: compare the scheme that the proxy forwards (X-Forwarded-Proto) with the one that the application expects"],
        )),
        Some(Lost::Nowhere) => {
            Some(Id::Redirect.bad(format!("{}no HTTP URL in Location", prefix(seen)), &["application: send an http: or https: URL in Location"]))
        }
        Some(Lost::Changed) => Some(Id::Redirect.bad(
            format!("{}: following it would turn the request into a GET", path(seen)),
            &["application: answer with 307 or 308, which keep the method; or use the final URL"],
        )),
    }
}

fn path(seen: &Seen) -> String {
    let mut text = count(seen.hops.len() as u64, "redirect");
    for hop in seen.hops.iter().take(2) {
        let _ = write!(text, ", {} to {}", hop.status, hop.to);
    }
    text
}

fn prefix(seen: &Seen) -> String {
    if seen.hops.is_empty() { String::new() } else { format!("{}: ", path(seen)) }
}

fn looks_like_login(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["login", "log in", "signin", "sign-in", "sign_in", "sign in", "auth", "sso"].iter().any(|word| text.contains(word))
}

/// The media type of a stream.
pub(super) fn media_type(seen: &Seen) -> Option<Finding> {
    let session = seen.first().filter(|session| session.head.status == 200)?;
    let text = session.head.text("content-type").map(quoted);
    if seen.found == Found::Sse {
        return Some(charset(text.unwrap_or_default()));
    }
    let media_type = session.head.media_type();
    let (sample, framing) = (String::from_utf8_lossy(&session.record.sample), &session.record.framing);
    let shown = text.unwrap_or_else(|| "no Content-Type".to_owned());
    Some(if media_type.contains("html") {
        let title = title(&sample).map_or_else(String::new, |title| format!(" <title>{}</title>", quoted(title)));
        let is_login = looks_like_login(&title) || seen.hops.iter().any(|hop| looks_like_login(&hop.to));
        let after = if seen.hops.is_empty() { "" } else { ", after a redirect" };
        let fix = if is_login {
            "it is a login page: log in with --cookie or --bearer-env NAME; application: answer with 401, not with a page"
        } else {
            "probably an index.html fallback: check the path and the proxy's routes"
        };
        Id::Type.bad(format!("{shown}: a page, not a stream{after}{title}"), &[fix])
    } else if framing.events > 0 {
        Id::Type.bad(
            format!("{shown}, but the body is an event stream ({})", count(framing.events, "event")),
            &["application: Content-Type: text/event-stream; without it, an EventSource fails immediately"],
        )
    } else if seen.found == Found::OtherStream {
        Id::Type.warn(
            format!("{shown}: a stream that only fetch can read"),
            &["to use EventSource and its reconnects: Content-Type: text/event-stream"],
        )
    } else {
        Id::Type.bad(
            format!("{shown}, {} in total: not a stream", count(session.record.decoded, "byte")),
            &["application: Content-Type: text/event-stream, and keep the response open"],
        )
    })
}

fn charset(text: String) -> Finding {
    let lower = text.to_ascii_lowercase();
    match lower.split_once("charset=") {
        Some((_, charset)) if !charset.trim_matches(['"', ' ']).starts_with("utf-8") => {
            Id::Type.warn(text, &["an event stream is always decoded as UTF-8: omit charset, and send UTF-8"])
        }
        _ => Id::Type.good(text),
    }
}

fn title(page: &str) -> Option<&str> {
    let start = page.find("<title>")? + "<title>".len();
    let end = page[start..].find("</title>")? + start;
    Some(page[start..end].trim())
}

/// What kind of poll it is.
pub(super) fn poll(seen: &Seen) -> Option<Finding> {
    let session = seen.first()?;
    let size = count(session.record.decoded, "byte");
    if seen.found == Found::LongPoll {
        let held = session.head.first_byte_us.max(seen.again.as_ref().map_or(0, |head| head.first_byte_us));
        let or = if held < 1_000_000 { ", or a slow poll" } else { "" };
        return Some(Id::Type.good(format!("long polling{or}: a response took {}; {size}", span(held))));
    }
    let (etag, again) = (session.head.text("etag"), seen.again.as_ref().map(|head| head.status));
    Some(match (etag, again) {
        (Some(_), Some(304)) => Id::Type.good(format!("polling: {size}, and 304 when nothing is new")),
        (Some(_), _) => Id::Type.good(format!("polling: {size}, with an ETag")),
        (None, _) => Id::Type.warn(
            format!("polling: {size} for each poll, even if nothing is new: no ETag"),
            &["application: send an ETag and answer If-None-Match with 304, or use a cursor in the query"],
        ),
    })
}

/// Encryption.
pub(super) fn tls(seen: &Seen) -> Option<Finding> {
    let session = seen.first()?;
    Some(match &session.head.encryption {
        Some(tls) => {
            let alpn = tls.alpn.as_deref().map_or("no ALPN".to_owned(), |alpn| format!("ALPN {}", quoted(alpn)));
            Id::Tls.good(format!("{}, {alpn}", tls.version))
        }
        None if seen.is_local() => Id::Tls.not_tested("plain HTTP, on this machine", &[]),
        None => Id::Tls.warn(
            "plain HTTP: anything in between can read, buffer and change it",
            &["use https://, which also keeps many proxies from touching the stream, and allows HTTP/2"],
        ),
    })
}

/// The version of HTTP.
pub(super) fn http_version(seen: &Seen) -> Option<Finding> {
    let head = &seen.first()?.head;
    let name = version(head.version);
    Some(if head.version == Version::HTTP_10 || head.version == Version::HTTP_09 {
        Id::HttpVersion.warn(
            format!("{name}: no chunked bodies, and a new connection for each request"),
            &["answer with HTTP/1.1; in nginx: proxy_http_version 1.1;"],
        )
    } else {
        Id::HttpVersion.good(name)
    })
}

/// Headers that servers and proxies add, and that reveal them.
const MARKS: [&str; 12] = [
    "via",
    "server",
    "x-powered-by",
    "x-accel-buffering",
    "x-accel-expires",
    "x-cache",
    "x-served-by",
    "cf-ray",
    "x-amz-cf-id",
    "x-varnish",
    "x-envoy-upstream-service-time",
    "x-proxy-cache",
];

/// Which servers and proxies the response passed.
pub(super) fn proxy(seen: &Seen) -> Option<Finding> {
    let head = &seen.first()?.head;
    let found: Vec<String> =
        MARKS.iter().filter_map(|name| Some(format!("{name}: {}", quoted(head.text(name)?)))).collect();
    Some(if found.is_empty() { Id::Proxy.good("no header reveals one") } else { Id::Proxy.good(found.join(", ")) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_shows_its_title() {
        assert_eq!(title("<html><title> Sign in </title>"), Some("Sign in"));
        assert_eq!((title("<title>cut"), title("")), (None, None));
    }

    #[test]
    fn another_charset_is_a_warning() {
        use super::super::super::finding::Mark::{Good, Warn};
        for (text, mark) in [
            ("text/event-stream", Good),
            ("text/event-stream; charset=UTF-8", Good),
            ("text/event-stream;charset=\"utf-8\"", Good),
            ("text/event-stream; charset=iso-8859-1", Warn),
        ] {
            assert_eq!(charset(text.to_owned()).mark, mark, "{text}");
        }
    }
}
