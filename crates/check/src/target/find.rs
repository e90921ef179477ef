//! What kind of server is behind a URL, found by asking it.

use std::time::Duration;

use feedlab_feed::Transport;
use feedlab_feed::transport::PUBLISH_PATH;
use feedlab_loadgen::transport::Tls;
use serde_json::Value;
use url::Url;

use super::request::{Until, ask};
use super::{Mapping, Request, Target, shown};
use crate::contract::{Endpoint, Profile};
use crate::http::Response;
use crate::http::{is_event_stream, is_json};
use crate::outcome::CheckError;

/// What is known about a server before it is asked.
#[derive(Clone, Debug)]
pub struct Search {
    /// Where it is.
    pub url: Url,
    /// What kind of server it is, if the user says so.
    pub profile: Option<Profile>,
    /// Header fields to add to every request.
    pub headers: Vec<(String, String)>,
    /// The certificates to trust.
    pub tls: Option<Tls>,
    /// Where updates and cursors are.
    pub mapping: Mapping,
    /// How long to wait for an answer.
    pub within: Duration,
}

impl Search {
    /// Nothing is known but the URL.
    #[must_use]
    pub fn new(url: Url) -> Self {
        let within = crate::limits::PATIENCE;
        Self { url, profile: None, headers: Vec::new(), tls: None, mapping: Mapping::default(), within }
    }
}

/// Finds out what kind of server is behind a URL. Returns it with the reason.
///
/// # Errors
/// When the URL cannot be used, nothing answers, or the answer is of no known kind.
pub async fn find(search: &Search) -> Result<(Target, String), CheckError> {
    if !matches!(search.url.scheme(), "http" | "https" | "ws" | "wss") || search.url.host_str().is_none() {
        let what = format!("{} is not the address of a server: write it as http://HOST:PORT/PATH", shown(&search.url));
        return Err(CheckError::BadInput(what));
    }
    search.mapping.check().map_err(CheckError::BadInput)?;
    let (profile, reason) = match search.profile {
        Some(profile) => (profile, "as specified".to_owned()),
        None => detect(search).await?,
    };
    let target = Target::new(profile, search)?;
    listens(&target, search.within).await.map_err(CheckError::Unreachable)?;
    if profile == Profile::Poll {
        check_mapping(&target, search.within).await?;
    }
    Ok((target, reason))
}

/// The base of a feedlab server, given the base or any of its endpoints.
pub(super) fn base_of(url: &Url) -> Url {
    let mut base = url.clone();
    let path = url.path().trim_end_matches('/');
    let endpoints = Transport::ALL.into_iter().map(Transport::path).chain([PUBLISH_PATH]);
    let prefix = endpoints.filter_map(|endpoint| path.strip_suffix(endpoint)).next();
    base.set_query(None);
    base.set_path(prefix.unwrap_or(path));
    let scheme = match url.scheme() {
        "ws" => "http",
        "wss" => "https",
        other => other,
    }
    .to_owned();
    // Both are special schemes, between which a URL may change.
    let _ = base.set_scheme(&scheme);
    base
}

async fn detect(search: &Search) -> Result<(Profile, String), CheckError> {
    let feedlab = Target::new(Profile::Feedlab, search)?;
    let is_websocket = matches!(search.url.scheme(), "ws" | "wss");
    if is_websocket && !search.url.path().ends_with(Transport::WebSocket.path()) {
        return Ok((Profile::Websocket, format!("the scheme is {}", search.url.scheme())));
    }
    if is_feedlab(&feedlab, search.within).await.map_err(CheckError::Unreachable)? {
        return Ok((Profile::Feedlab, format!("{} answers like feedlab", Transport::ShortPolling.path())));
    }
    if is_websocket {
        return Ok((Profile::Websocket, format!("the scheme is {}", search.url.scheme())));
    }
    let target = Target::new(Profile::Sse, search)?;
    let answer = get(&target, "text/event-stream, application/json", search.within).await.map_err(|what| {
        CheckError::Unreachable(format!(
            "{}: {what}: specify the kind of server with --profile if it responds only later, or find out what delays the \
             response with `feedlab inspect`",
            target.shown()
        ))
    })?;
    kind_of(&answer).map_err(|what| CheckError::BadInput(format!("{}: {}", target.shown(), target.secrets.hide(&what))))
}

/// Opens a connection. The error says why it cannot be opened.
async fn listens(target: &Target, within: Duration) -> Result<(), String> {
    let opened = target.open(&target.base, within, feedlab_feed::clock::now()).await;
    opened.map(|_| ()).map_err(|error| error.to_string())
}

/// Whether the short poll of a server answers as feedlab's does. An error means that nothing listens there.
async fn is_feedlab(target: &Target, within: Duration) -> Result<bool, String> {
    let url = target.endpoint(Endpoint::Poll);
    listens(target, within).await?;
    let mut request = Request::new("GET", &url, "application/json");
    request.replace(&target.headers);
    let Ok(response) = ask(target, &url, &request, Until::Complete, within).await else { return Ok(false) };
    let body: Option<Value> = serde_json::from_str(&response.text()).ok();
    Ok(body.is_some_and(|body| body["updates"].is_array() && body["next"].is_string() && body.get("gap").is_some()))
}

async fn get(target: &Target, accept: &str, within: Duration) -> Result<Response, String> {
    let mut request = Request::new("GET", &target.base, accept);
    request.replace(&target.headers);
    ask(target, &target.base, &request, Until::Complete, within).await
}

/// The kind of server that gives this answer.
fn kind_of(answer: &Response) -> Result<(Profile, String), String> {
    let Some(head) = &answer.head else { return Err("no response".to_owned()) };
    let content_type = head.first("content-type").unwrap_or_default();
    match head.status {
        200..=299 if is_event_stream(content_type) => Ok((Profile::Sse, format!("it answers with {content_type}"))),
        200..=299 if is_json(content_type) => Ok((Profile::Poll, format!("it answers with {content_type}"))),
        426 => Ok((Profile::Websocket, "it asks for an upgrade (status 426)".to_owned())),
        status @ (401 | 403) => Err(format!("status {status}: pass credentials with --header 'Authorization: …'")),
        status @ 300..=399 => {
            let to = head.first("location").unwrap_or("elsewhere");
            Err(format!("status {status}: it redirects to {to}; check that address"))
        }
        status => {
            let kind = if content_type.is_empty() { "no content type" } else { content_type };
            Err(format!(
                "status {status} with {kind}: use the URL of an event stream, a poll or a WebSocket, or specify its kind with --profile"
            ))
        }
    }
}

/// A poll whose updates are not found where they should be would fail every case for that reason.
async fn check_mapping(target: &Target, within: Duration) -> Result<(), CheckError> {
    let answer = get(target, "application/json", within)
        .await
        .map_err(|what| CheckError::Unreachable(format!("{}: {what}", target.shown())))?;
    let Ok(body) = serde_json::from_str::<Value>(&answer.text()) else { return Ok(()) };
    if target.mapping.items(&body).is_some() {
        return Ok(());
    }
    let place =
        target.mapping.items.as_deref().map_or_else(|| "anywhere".to_owned(), |pointer| format!("at {pointer}"));
    let what = format!("the answer has no list {place}: specify where the updates are with --items /POINTER");
    Err(CheckError::BadInput(format!("{}: {what}", target.shown())))
}
