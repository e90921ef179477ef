//! The lab's API, below `/lab` on the page's own origin.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Extension, Path, Request, State};
use axum::http::{HeaderName, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use feedlab_proxy::{Fault, FaultKind};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::refusal::Refusal;
use super::{House, guard};

/// No order is longer than this.
const MAX_BODY: usize = 16 << 10;

/// The longest that a server can stay away.
const MAX_DOWN_MS: u64 = 60_000;

const NO_STORE: [(HeaderName, &str); 1] = [(header::CACHE_CONTROL, "no-store")];

/// The origin of the page that asks.
#[derive(Clone, Debug)]
struct Page(String);

pub(super) fn router(house: Arc<House>) -> Router {
    Router::new()
        .route("/lab/tabs", post(open))
        .route("/lab/tabs/{id}", get(look).delete(close))
        .route("/lab/tabs/{id}/settings", put(change))
        .route("/lab/tabs/{id}/fault", post(fault))
        .route("/lab/tabs/{id}/heal", post(heal))
        .route("/lab/tabs/{id}/restart", post(restart))
        .route("/lab/tabs/{id}/close", post(close))
        .layer(from_fn_with_state(house.clone(), check))
        .route("/lab", get(available))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(house)
}

/// Why there is no lab for who asks, if there is none.
fn refusal(house: &House, peer: SocketAddr, request: &axum::http::HeaderMap) -> Result<Page, &'static str> {
    match house.why_not {
        Some(why) => Err(why),
        None => guard::page(peer, request).map(Page),
    }
}

async fn available(
    State(house): State<Arc<House>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: axum::http::HeaderMap,
) -> Response {
    let answer = match refusal(&house, peer, &headers) {
        Ok(_) => json!({ "available": true }),
        Err(why) => json!({ "available": false, "why": why }),
    };
    (NO_STORE, Json(answer)).into_response()
}

async fn check(
    State(house): State<Arc<House>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let page = refusal(&house, peer, request.headers()).map_err(Refusal::forbidden)?;
    if request.method() != Method::GET && !guard::is_own(&page.0, request.headers()) {
        return Err(Refusal::forbidden("a page of another origin may not use this lab; open the page of this server"));
    }
    request.extensions_mut().insert(page);
    Ok(next.run(request).await)
}

async fn open(
    State(house): State<Arc<House>>,
    Extension(Page(origin)): Extension<Page>,
    body: Bytes,
) -> Result<Response, Refusal> {
    let defaults = house.defaults();
    let tab = house.open(defaults.patched(&body, defaults)?, origin).await?;
    Ok((StatusCode::CREATED, NO_STORE, Json(tab.place())).into_response())
}

async fn look(State(house): State<Arc<House>>, Path(id): Path<String>) -> Result<Response, Refusal> {
    Ok((NO_STORE, Json(house.find(&id)?.status().await)).into_response())
}

async fn change(State(house): State<Arc<House>>, Path(id): Path<String>, body: Bytes) -> Result<Json<Value>, Refusal> {
    let tab = house.find(&id)?;
    let restarted = tab.change(&body).await?;
    Ok(Json(json!({ "settings": tab.settings(), "restarted": restarted })))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    #[serde(default = "all")]
    door: String,
    kind: String,
    #[serde(default)]
    for_ms: u64,
}

fn all() -> String {
    "all".to_owned()
}

async fn fault(State(house): State<Arc<House>>, Path(id): Path<String>, body: Bytes) -> Result<Json<Value>, Refusal> {
    let tab = house.find(&id)?;
    let Order { door, kind, for_ms } = read(&body, "{\"door\": \"sse\", \"kind\": \"cut\", \"for_ms\": 0}")?;
    let kind = FaultKind::named(&kind).ok_or_else(|| {
        Refusal::bad_request(format!("`kind` is one of {}", FaultKind::ALL.map(FaultKind::name).join(", ")))
    })?;
    let hit = tab.ways.order(&door, Fault { length: Duration::from_millis(for_ms), ..Fault::now(kind) }).await?;
    Ok(Json(json!({ "hit": hit.hit, "open": hit.open })))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Healing {
    #[serde(default = "all")]
    door: String,
}

async fn heal(State(house): State<Arc<House>>, Path(id): Path<String>, body: Bytes) -> Result<Json<Value>, Refusal> {
    let tab = house.find(&id)?;
    let Healing { door } = read(&body, "{\"door\": \"all\"}, or empty")?;
    Ok(Json(json!({ "healed": tab.ways.heal(&door).await? })))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Restart {
    #[serde(default = "a_second")]
    down_ms: u64,
}

const fn a_second() -> u64 {
    1000
}

async fn restart(State(house): State<Arc<House>>, Path(id): Path<String>, body: Bytes) -> Result<Response, Refusal> {
    let tab = house.find(&id)?;
    let Restart { down_ms } = read(&body, "{\"down_ms\": 1000}, or empty")?;
    if down_ms > MAX_DOWN_MS {
        return Err(Refusal::bad_request(format!("`down_ms` is at most {MAX_DOWN_MS}")));
    }
    tab.restart(Duration::from_millis(down_ms))?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "down_ms": down_ms }))).into_response())
}

async fn close(State(house): State<Arc<House>>, Path(id): Path<String>) -> Result<StatusCode, Refusal> {
    house.close(&id)?;
    Ok(StatusCode::NO_CONTENT)
}

/// A body, whatever its type is called: a beacon names none that fits. An empty one is `{}`.
fn read<T: DeserializeOwned>(body: &[u8], form: &str) -> Result<T, Refusal> {
    let text = if body.trim_ascii().is_empty() { b"{}" } else { body };
    serde_json::from_slice(text).map_err(|error| Refusal::bad_request(format!("the body is {form}: {error}")))
}
