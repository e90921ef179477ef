//! Which pages may push the buttons: those of this machine, and no page that a name was bent to lead here.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::refusal;

/// Refuses requests of other origins, and tells the pages of this machine that they may read the answer (Fetch standard,
/// section 3.2, "CORS protocol").
pub(super) async fn check(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let Ok(origin) = origin(headers) else {
        return refusal(StatusCode::FORBIDDEN, "only pages of http://127.0.0.1 and http://localhost may ask here");
    };
    // A name of the outer world that resolves to this machine makes its page one of the same origin (DNS rebinding).
    if !headers.get(header::HOST).is_none_or(|host| is_local(host.to_str().unwrap_or_default())) {
        return refusal(StatusCode::FORBIDDEN, "ask for this address as 127.0.0.1 or localhost");
    }
    let origin = origin.cloned();
    let is_preflight = request.method() == Method::OPTIONS;
    let mut response = if is_preflight { StatusCode::NO_CONTENT.into_response() } else { next.run(request).await };
    if let Some(origin) = origin {
        allow(response.headers_mut(), origin, is_preflight);
    }
    response
}

/// The origin of the page that asks; `Err` if it is none of this machine.
fn origin(headers: &HeaderMap) -> Result<Option<&HeaderValue>, ()> {
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(None) };
    let host = origin.to_str().ok().and_then(|origin| origin.strip_prefix("http://"));
    if host.is_some_and(is_local) { Ok(Some(origin)) } else { Err(()) }
}

/// A host with a port or without that is this machine.
fn is_local(host: &str) -> bool {
    ["127.0.0.1", "localhost", "[::1]"].into_iter().any(|local| {
        let port = host.strip_prefix(local).and_then(|rest| rest.strip_prefix(':'));
        host == local || port.is_some_and(is_port)
    })
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn allow(headers: &mut HeaderMap, origin: HeaderValue, is_preflight: bool) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    if is_preflight {
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, PUT"));
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("Content-Type"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_local() {
        for local in ["127.0.0.1", "127.0.0.1:80", "localhost:8080", "[::1]:1", "localhost"] {
            assert!(is_local(local), "{local}");
        }
        for other in [
            "",
            "127.0.0.1.example.org",
            "localhost.example.org:80",
            "127.0.0.1:",
            "127.0.0.1:+1",
            "localhost80",
            "example.org",
            "127.0.0.1:99999",
            "[::1]80",
        ] {
            assert!(!is_local(other), "{other}");
        }
    }
}
