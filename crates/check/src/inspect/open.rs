//! Opens an answer: follows redirects as `fetch` does (WHATWG Fetch, section 4.4), and sends no secret to another origin.

use std::time::Instant;

use bytes::Bytes;
use feedlab_loadgen::transport::shown;
use hyper::Method;
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT,
};
use url::Url;

use super::dial::{Dialer, Endpoint, Offer};
use super::exchange::{Answer, Ask, Failure, send};
use super::text::quoted;
use super::{InspectError, Target};
use crate::limits::MAX_REDIRECTS;

/// Where a redirect led.
#[derive(Clone, Debug)]
pub(super) struct Hop {
    pub(super) status: u16,
    /// The URL, without secrets.
    pub(super) to: String,
    /// Whether it is of another origin.
    pub(super) crosses: bool,
}

/// Why redirects were not followed to their end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// There were too many.
    Circle,
    /// One has no location, or one that is not HTTP.
    Nowhere,
    /// One would repeat a request that is not a GET as one.
    Changed,
}

/// What came of a request.
pub(super) struct Opened {
    /// Where it was answered in the end.
    pub(super) endpoint: Endpoint,
    pub(super) hops: Vec<Hop>,
    pub(super) lost: Option<Lost>,
    pub(super) answer: Result<Answer, Failure>,
    /// What is to be asked there: without secrets, if it is another origin.
    pub(super) ask: Ask,
}

/// Opens an answer until a deadline.
pub(super) async fn open(
    dialer: &Dialer,
    endpoint: &Endpoint,
    ask: &Ask,
    (offer, until): (Offer, Instant),
) -> Result<Opened, InspectError> {
    let (endpoint, ask) = (endpoint.clone(), ask.clone());
    let broken = Failure::Broken { bytes: 0, why: String::new() };
    let mut opened = Opened { endpoint, hops: Vec::new(), lost: None, answer: Err(broken), ask };
    loop {
        let dialed = dialer.dial(&opened.endpoint, offer).await?;
        opened.answer = send(dialed, &opened.ask, &opened.endpoint.url, until).await;
        let Ok(answer) = &opened.answer else { return Ok(opened) };
        let (status, location) = (answer.head.status, answer.head.text("location").map(str::to_owned));
        if !matches!(status, 301 | 302 | 303 | 307 | 308) {
            return Ok(opened);
        }
        if let Some(lost) = opened.follow(status, location.as_deref()) {
            opened.lost = Some(lost);
            return Ok(opened);
        }
    }
}

impl Opened {
    /// Turns to where a redirect leads. Returns why it cannot.
    fn follow(&mut self, status: u16, location: Option<&str>) -> Option<Lost> {
        let Some(next) = location.and_then(|to| self.endpoint.url.join(to).ok()) else { return Some(Lost::Nowhere) };
        let crosses = next.origin() != self.endpoint.url.origin();
        self.hops.push(Hop { status, to: quoted(&shown(&next)), crosses });
        if !matches!(next.scheme(), "http" | "https") {
            return Some(Lost::Nowhere);
        }
        if self.ask.method != Method::GET && !matches!(status, 307 | 308) {
            return Some(Lost::Changed);
        }
        if self.hops.len() > MAX_REDIRECTS {
            return Some(Lost::Circle);
        }
        if crosses {
            self.ask.headers = without_secrets(&self.ask.headers);
        }
        let address = self.endpoint.address.filter(|_| !crosses);
        self.endpoint = Endpoint { url: without_user(next), address };
        None
    }
}

/// What can be decompressed. A browser also accepts br, and zstd; what holds events back in one does in all of them.
const CODINGS: &str = "gzip, deflate";

/// Whether no coding is asked for that cannot be decompressed.
fn is_decoded(value: &HeaderValue) -> bool {
    let known = |coding: &str| matches!(coding.trim(), "gzip" | "deflate" | "identity");
    value.to_str().is_ok_and(|text| text.split(',').all(known))
}

/// The headers that an inspection itself sets.
const OWN: [HeaderName; 5] = [ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_TYPE, USER_AGENT];

fn without_secrets(headers: &HeaderMap) -> HeaderMap {
    headers.iter().filter(|(name, _)| OWN.contains(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn without_user(mut url: Url) -> Url {
    // They fail only without a host, and then there is no user.
    let _ = (url.set_username(""), url.set_password(None));
    url.set_fragment(None);
    url
}

impl Ask {
    /// The request for a stream: what an `EventSource` sends, with the headers of a target, which override it.
    pub(super) fn of(target: &Target) -> Self {
        let is_get = target.method == Method::GET;
        let mut headers = HeaderMap::new();
        let accept = if is_get { "text/event-stream" } else { "text/event-stream, application/json" };
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(CODINGS));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("feedlab/", env!("CARGO_PKG_VERSION"))));
        if !target.body.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(type_of(&target.body)));
        }
        for name in target.headers.keys() {
            headers.remove(name);
        }
        headers.extend(target.headers.iter().map(|(name, value)| (name.clone(), value.clone())));
        if !headers.get(ACCEPT_ENCODING).is_some_and(is_decoded) {
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(CODINGS));
        }
        Self { method: target.method.clone(), headers, body: target.body.clone() }
    }

    /// The same request with another header.
    pub(super) fn with(&self, name: HeaderName, value: &str) -> Self {
        let mut ask = self.clone();
        // A value that a header cannot have is one that no client could send.
        if let Ok(value) = HeaderValue::try_from(value) {
            ask.headers.insert(name, value);
        }
        ask
    }
}

fn type_of(body: &Bytes) -> &'static str {
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{' | b'[') => "application/json",
        _ => "text/plain;charset=utf-8",
    }
}
