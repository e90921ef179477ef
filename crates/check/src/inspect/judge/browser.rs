//! What a browser does with the response: caches, other origins, `EventSource`, and its six connections.

use super::super::course::ELSEWHERE;
use super::super::exchange::{Failure, Head};
use super::super::finding::{Finding, Id};
use super::super::seen::{Found, Refusal, Seen};
use super::super::text::quoted;

/// Whether a cache may store it.
pub(super) fn caching(seen: &Seen) -> Option<Finding> {
    const FIX: &str = "application: Cache-Control: no-cache (or no-store)";
    let head = &seen.first()?.head;
    let control = head.text("cache-control").map(str::to_ascii_lowercase);
    let is_hit = head.text("age").is_some_and(|age| age.trim() != "0")
        || head.text("x-cache").is_some_and(|text| text.to_ascii_lowercase().starts_with("hit"));
    if is_hit {
        return Some(
            Id::Caching.bad("served from a cache (Age, X-Cache): old events", &[FIX, "cache: bypass it for this path"]),
        );
    }
    Some(match control.as_deref() {
        Some(text) if ["no-cache", "no-store", "private", "max-age=0"].iter().any(|word| text.contains(word)) => {
            Id::Caching.good(format!("Cache-Control: {}", quoted(text)))
        }
        Some(text) if text.contains("public") || text.contains("max-age") => Id::Caching
            .bad(format!("Cache-Control: {}: a cache may store the stream and replay it", quoted(text)), &[FIX]),
        _ if seen.is_post => Id::Caching.good("a response to POST is not cached"),
        _ if head.text("etag").is_some() => Id::Caching.good("no Cache-Control, but an ETag to revalidate with"),
        _ => Id::Caching.warn("no Cache-Control: a cache in between may store it", &[FIX]),
    })
}

/// Which other origins may read it.
pub(super) fn cors(seen: &Seen) -> Option<Finding> {
    let (origin, head) = match &seen.origin {
        Some(origin) => (origin.as_str(), &seen.first()?.head),
        None => match &seen.cors {
            Some(head) => (ELSEWHERE, head),
            None => {
                return Some(
                    Id::Cors.not_tested("not requested from another origin", &["--origin https://app.example"]),
                );
            }
        },
    };
    Some(crossing(seen, origin, head))
}

fn crossing(seen: &Seen, origin: &str, head: &Head) -> Finding {
    let allowed = head.text("access-control-allow-origin").map(str::trim);
    let credentials = head.text("access-control-allow-credentials").is_some_and(|text| text.trim() == "true");
    let named = seen.origin.is_some();
    match allowed {
        None if named => Id::Cors.bad(
            format!("Origin {}: no Access-Control-Allow-Origin; its pages cannot read the stream", quoted(origin)),
            &["application: Access-Control-Allow-Origin with the page's origin, and Vary: Origin"],
        ),
        None => Id::Cors.good("no other origin may read it (no Access-Control-Allow-Origin)"),
        Some("*") if seen.sends_cookie => Id::Cors.bad(
            "Access-Control-Allow-Origin: * does not allow cookies: a browser blocks the response",
            &["application: name the origin instead of *, add Access-Control-Allow-Credentials: true, and Vary: Origin"],
        ),
        Some("*") => Id::Cors.good("any origin may read it, without cookies (Access-Control-Allow-Origin: *)"),
        Some(text) if text == origin && !named && credentials => Id::Cors.warn(
            "any origin may read it with the user's cookies: every Origin is allowed, with credentials",
            &["application: allow only your own origins"],
        ),
        Some(text) if text == origin && seen.sends_cookie && !credentials => Id::Cors.bad(
            format!("Origin {}: no Access-Control-Allow-Credentials; with cookies, a browser blocks it", quoted(origin)),
            &["application: Access-Control-Allow-Credentials: true"],
        ),
        Some(text) if text == origin => Id::Cors.good(format!("Origin {} may read it", quoted(origin))),
        Some(text) if named => Id::Cors.bad(
            format!("Origin {}, but only {} may read it", quoted(origin), quoted(text)),
            &["application: answer with the page's origin if it is one of yours, and Vary: Origin"],
        ),
        Some(text) => Id::Cors.good(format!("only {} may read it", quoted(text))),
    }
}

/// What an `EventSource` does with the response (WHATWG HTML, sections 9.2.2 and 9.2.3).
pub(super) fn event_source(seen: &Seen) -> Option<Finding> {
    match &seen.failure {
        Some(Failure::NoHead { .. }) => {
            return Some(Id::EventSource.not_tested("waits for the head, in readyState 0", &[]));
        }
        Some(_) => return Some(Id::EventSource.not_tested("retries forever: there is no response", &[])),
        None => {}
    }
    let head = &seen.first()?.head;
    if let Some(Refusal::Answered(status)) =
        seen.refusals.iter().find(|refusal| matches!(refusal, Refusal::Answered(_)))
    {
        return Some(Id::EventSource.bad(
            format!("a reconnect was answered with {status}: it closes permanently"),
            &[
                "application: send retry: before shutdown; balancer: hold connections until another server is up",
                "page: in onerror, create a new one after a delay if readyState is 2",
            ],
        ));
    }
    if let Some(Refusal::Unreachable(why)) = seen.refusals.first() {
        return Some(Id::EventSource.warn(format!("a reconnect failed, and is retried: {why}"), &[]));
    }
    if seen.is_post {
        return Some(Id::EventSource.good("not usable: it only sends GET; use fetch, and reconnect in your own code"));
    }
    if !seen.own_headers.is_empty() && seen.found == Found::Sse {
        let names = quoted(&seen.own_headers.join(", "));
        return Some(
            Id::EventSource.good(format!("opens, unless the server requires headers that it cannot send: {names}")),
        );
    }
    Some(match (seen.found, head.status) {
        (Found::Sse, _) => Id::EventSource.good("opens, and retries whenever the connection ends"),
        (Found::Poll | Found::LongPoll, _) => Id::EventSource.good("not for polling: use fetch"),
        (_, 300..=399) => Id::EventSource.warn("retries without success: the redirects lead nowhere", &[]),
        // The fault is the type or the status; this is what follows from it.
        (_, 200) => Id::EventSource.warn("fails permanently: the type is not text/event-stream", &[]),
        (_, status) => Id::EventSource.warn(format!("closes permanently: {status}"), &[]),
    })
}

/// Whether tabs use up a browser's connections.
pub(super) fn six_connections(seen: &Seen) -> Option<Finding> {
    let head = &seen.first()?.head;
    let fix = "HTTP/2 (nginx: listen 443 ssl http2; or, since 1.25.1, http2 on;), or one stream that tabs share (SharedWorker, BroadcastChannel)";
    if head.version == hyper::Version::HTTP_2 {
        return Some(Id::SixConnections.good("HTTP/2: tabs share one connection with about 100 streams"));
    }
    Some(match &head.encryption {
        Some(_) => Id::SixConnections
            .warn("only HTTP/1.1 (ALPN: no h2): the seventh tab hangs, and so does every fetch", &[fix]),
        None if seen.is_local() => Id::SixConnections
            .not_tested("plain HTTP on this machine: browsers use HTTP/1.1, with six connections per host", &[]),
        None => Id::SixConnections
            .warn("plain HTTP, so only HTTP/1.1: the seventh tab hangs, and so does every fetch", &[fix]),
    })
}
