//! Who may do what: the token, and the origins whose pages may act on this server.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use feedlab_feed::access;

use crate::app::App;
use crate::config::Config;
use crate::refusal::Refusal;

/// What a page may read of an answer beside what it always may.
const READABLE: HeaderValue = HeaderValue::from_static("ETag, Retry-After");

/// The cookie that may carry the token: a browser's `EventSource` and `WebSocket` can set no header.
const COOKIE: &str = "feedlab_token";

/// Lets a request pass when the server asks for no token, or the request brings it.
pub(crate) async fn check_token(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    match &app.config.token {
        Some(token) if !brings(request.headers(), token) => {
            let message = format!("this server asks for a token: `Authorization: Bearer …` or the cookie `{COOKIE}`");
            Err(Refusal::new(StatusCode::UNAUTHORIZED, message).with(header::WWW_AUTHENTICATE, "Bearer"))
        }
        _ => Ok(next.run(request).await),
    }
}

fn brings(headers: &HeaderMap, token: &str) -> bool {
    let texts = |name| headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    let bearer = texts(header::AUTHORIZATION).filter_map(|value| value.strip_prefix("Bearer "));
    let cookies = texts(header::COOKIE).flat_map(|value| value.split(';'));
    let cookie = cookies.filter_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='));
    bearer.chain(cookie).any(|candidate| equal(candidate.as_bytes(), token.as_bytes()))
}

/// Compares without telling by its duration how much was right.
fn equal(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |different, (a, b)| different | (a ^ b)) == 0
}

/// Tells a browser that pages of the allowed origins may read the answer, whatever it is (Fetch standard, section 3.2,
/// "CORS protocol"). Without such origins no answer is a byte longer.
pub(crate) async fn let_read(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let allowed = &app.config.allow_origins;
    let origin = request.headers().get(header::ORIGIN).filter(|origin| allowed.iter().any(|one| one == *origin));
    let origin = origin.cloned();
    let mut response = next.run(request).await;
    if !allowed.is_empty() {
        response.headers_mut().append(header::VARY, HeaderValue::from_static("Origin"));
    }
    if let Some(origin) = origin {
        response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        response.headers_mut().insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, READABLE);
    }
    response
}

/// Refuses a page of another origin that is not allowed either.
pub(crate) fn check_origin(headers: &HeaderMap, config: &Config) -> Result<(), Refusal> {
    let is_allowed = |origin: &str| config.allow_origins.iter().any(|allowed| allowed == origin);
    if access::is_same_origin(headers) || access::origin(headers).is_some_and(is_allowed) {
        return Ok(());
    }
    Err(Refusal::forbidden("pages of this origin may not do that; allow it with --allow-origin"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_token_comes_as_bearer_or_cookie() {
        assert!(brings(&headers(&[("authorization", "Bearer s3cret")]), "s3cret"));
        assert!(brings(&headers(&[("cookie", "a=b; feedlab_token=s3cret")]), "s3cret"));
        assert!(!brings(&headers(&[("authorization", "Bearer s3cre")]), "s3cret"));
        assert!(!brings(&headers(&[("cookie", "feedlab_token2=s3cret")]), "s3cret"));
        assert!(!brings(&HeaderMap::new(), "s3cret"));
    }
}
