//! Access control: one check for every request to an address, whatever handles it.
//!
//! In this order: an invalid head is answered with 400, a host name that is not this machine's with 403, a
//! state-changing request from an untrusted page with 403. A preflight request of a browser is answered before the
//! token is checked. [`feedlab_feed::access`] defines these terms; the [`Config`] says what this server trusts.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{self, HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use feedlab_feed::access::{Asked, Caller, Host, Malformed, Names, Origin};

use crate::config::Config;
use crate::rejection::Rejection;
use crate::{fields, limits};

/// Response headers that a page of an allowed origin may read, in addition to those it always may.
const READABLE: HeaderValue = HeaderValue::from_static("ETag, Retry-After");
/// Request headers that a page of an allowed origin may send, in addition to those it always may.
const SENDABLE: HeaderValue =
    HeaderValue::from_static("Authorization, Cache-Control, Content-Type, If-None-Match, Last-Event-ID");
/// The methods that a page of an allowed origin may use.
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST");

/// The cookie that may carry the token: a browser's `EventSource` and `WebSocket` can set no header.
const COOKIE: &str = "feedlab_token";

/// What an address trusts.
#[derive(Debug)]
pub(crate) struct Access {
    scheme: &'static str,
    /// The names of this machine; `None` if an attacker who points a name here gains nothing: a page of such a name has
    /// neither this server's token nor a certificate for the name.
    names: Option<Names>,
    origins: Vec<Origin>,
    token: Option<String>,
}

impl Access {
    /// The rules of a server's configuration, for one of its addresses, with or without TLS.
    pub(crate) fn new(config: &Config, is_tls: bool) -> Arc<Self> {
        let is_proven = is_tls || config.token.is_some();
        Arc::new(Self {
            scheme: if is_tls { "https" } else { "http" },
            names: (!is_proven).then(|| Names::of_this_machine(&config.allow_hosts)),
            origins: config.allow_origins.clone(),
            token: config.token.clone(),
        })
    }

    /// Returns the sender of a request that this address may answer.
    pub(crate) fn admit<B>(&self, request: &http::Request<B>) -> Result<Asked, Rejection> {
        check_form(request)?;
        let malformed = |error: Malformed| Rejection::bad_request(error.to_string());
        let asked = Asked::read(request, self.scheme).map_err(malformed)?;
        if let (Some(names), Some(host)) = (&self.names, &asked.host)
            && !names.contains(host)
        {
            return Err(unknown(host));
        }
        match &asked.caller {
            Caller::Page(origin) if is_order(request) && !self.allows(origin.as_ref()) => {
                Err(Rejection::forbidden("pages of this origin may not do that; allow it with --allow-origin"))
            }
            _ => Ok(asked),
        }
    }

    fn allows(&self, origin: Option<&Origin>) -> bool {
        origin.is_some_and(|origin| self.origins.contains(origin))
    }

    /// Returns the origin to send to the browser: one of the allowed ones, and not this server's own.
    fn readable_by(&self, caller: &Caller) -> Option<HeaderValue> {
        let Caller::Page(Some(origin)) = caller else { return None };
        let value = self.allows(Some(origin)).then(|| HeaderValue::try_from(origin.to_string()));
        value?.ok()
    }

    /// Whether pages of other origins may read responses, which then have more headers.
    pub(crate) const fn allows_pages(&self) -> bool {
        !self.origins.is_empty()
    }

    fn brings_token(&self, headers: &HeaderMap) -> bool {
        let mut texts = headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        !self.requires_token() || texts.any(|(name, value)| self.is_token_in(name, value))
    }

    /// Whether every request must contain the token.
    pub(crate) const fn requires_token(&self) -> bool {
        self.token.is_some()
    }

    /// Whether a header, with a name in any case, contains the token.
    pub(crate) fn is_token_in(&self, name: &str, value: &str) -> bool {
        self.token.as_ref().is_some_and(|token| brings(name, value, token))
    }
}

fn unknown(host: &Host) -> Rejection {
    let name = host.name();
    Rejection::forbidden(format!(
        "this server does not go by the name {name}; use its address, as in http://127.0.0.1:8080, or start it with \
         --allow-host {name}"
    ))
}

/// Whether a request is more than a read: it may change something, or opens a channel that a page can read.
fn is_order<B>(request: &http::Request<B>) -> bool {
    !request.method().is_safe() || request.headers().contains_key(header::UPGRADE)
}

/// Refuses requests that no handler should see.
fn check_form<B>(request: &http::Request<B>) -> Result<(), Rejection> {
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    if target > limits::MAX_TARGET_BYTES {
        let message = format!("the path and query may have at most {} bytes", limits::MAX_TARGET_BYTES);
        return Err(Rejection::new(StatusCode::URI_TOO_LONG, message).closing());
    }
    // RFC 9112, section 6.1: the end of a body in an unknown transfer coding cannot be determined.
    if fields::list(request.headers(), &header::TRANSFER_ENCODING).any(|coding| !coding.eq_ignore_ascii_case("chunked"))
    {
        return Err(
            Rejection::new(StatusCode::NOT_IMPLEMENTED, "only the transfer coding `chunked` is supported").closing()
        );
    }
    Ok(())
}

/// Passes on requests that this address may answer, and lets pages of the allowed origins read every response
/// (Fetch standard, section 3.2, "CORS protocol"). Without allowed origins, no response is a byte longer.
pub(crate) async fn check(State(access): State<Arc<Access>>, mut request: Request, next: Next) -> Response {
    let asked = match access.admit(&request) {
        Ok(asked) => asked,
        Err(rejection) => return rejection.into_response(),
    };
    let reader = access.readable_by(&asked.caller);
    let is_preflight = reader.is_some() && is_preflight(&request);
    request.extensions_mut().insert(asked);
    let mut response = if is_preflight { StatusCode::NO_CONTENT.into_response() } else { next.run(request).await };
    let headers = response.headers_mut();
    if access.allows_pages() {
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
    }
    if let Some(origin) = reader {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, READABLE);
    }
    if is_preflight {
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, SENDABLE);
    }
    response
}

fn is_preflight(request: &Request) -> bool {
    request.method() == Method::OPTIONS && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// Accepts state-changing requests only from this server's own pages and from programs, for routes that are not open to
/// the allowed origins.
pub(crate) async fn check_own(request: Request, next: Next) -> Result<Response, Rejection> {
    if is_order(&request) && matches!(request.extensions().get(), Some(Asked { caller: Caller::Page(_), .. })) {
        return Err(Rejection::forbidden("pages of another origin may not do that; open this server's own page"));
    }
    Ok(next.run(request).await)
}

/// Passes on a request if the server requires no token, or the request contains it.
pub(crate) async fn check_token(
    State(access): State<Arc<Access>>,
    request: Request,
    next: Next,
) -> Result<Response, Rejection> {
    if access.brings_token(request.headers()) {
        return Ok(next.run(request).await);
    }
    let message = format!("this server requires a token: send `Authorization: Bearer …` or the cookie `{COOKIE}`");
    Err(Rejection::new(StatusCode::UNAUTHORIZED, message).with(header::WWW_AUTHENTICATE, "Bearer"))
}

fn brings(name: &str, value: &str, token: &str) -> bool {
    let is_token = |candidate: &str| equal(candidate.as_bytes(), token.as_bytes());
    if name.eq_ignore_ascii_case(header::AUTHORIZATION.as_str()) {
        return bearer(value).is_some_and(is_token);
    }
    let cookies = value.split(';').filter_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='));
    name.eq_ignore_ascii_case(header::COOKIE.as_str()) && cookies.map(unquoted).any(is_token)
}

/// Returns the credentials of the scheme `Bearer`, in any case (RFC 9110, section 11.1).
fn bearer(value: &str) -> Option<&str> {
    let (scheme, credentials) = value.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| credentials.trim())
}

/// Returns a cookie's value, which may be in quotes (RFC 6265, section 4.1.1).
fn unquoted(value: &str) -> &str {
    value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value)
}

/// Compares in constant time, so that the duration does not reveal how much was right.
fn equal(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |different, (a, b)| different | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f6_a_token_comes_as_bearer_or_cookie() {
        for (name, value, is_taken) in [
            ("authorization", "Bearer s3cret", true),
            ("authorization", "bearer s3cret", true),
            ("authorization", "BEARER  s3cret", true),
            ("authorization", "Bearer s3cre", false),
            ("authorization", "Basic s3cret", false),
            ("authorization", "s3cret", false),
            ("cookie", "a=b; feedlab_token=s3cret", true),
            ("cookie", "feedlab_token=\"s3cret\"", true),
            ("cookie", "feedlab_token=\"s3cret", false),
            ("cookie", "feedlab_token2=s3cret", false),
            ("Cookie", "feedlab_token=s3cret", true),
            ("x-token", "Bearer s3cret", false),
        ] {
            assert_eq!(brings(name, value, "s3cret"), is_taken, "{name}: {value}");
        }
        let config = Config { token: Some("s3cret".to_owned()), ..Config::default() };
        assert!(!Access::new(&config, false).brings_token(&HeaderMap::new()));
        assert!(Access::new(&Config::default(), false).brings_token(&HeaderMap::new()));
    }
}
