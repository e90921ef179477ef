//! The lab's API, below `/lab` on the page's own origin, and who may use it: pages of this machine, shown on this machine.
//!
//! A lab opens ports and keeps threads, on 127.0.0.1 alone. Nobody else could use one, and nobody else may order one.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{ConnectInfo, Extension, Path, Request, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use feedlab_feed::access::{Asked, Origin};
use feedlab_feed::link::LinkFault;
use feedlab_feed::wire;
use feedlab_proxy::Fault;
use feedlab_server::Rejection;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::House;
use crate::limits::MAX_DOWN;

const NO_STORE: [(HeaderName, &str); 1] = [(header::CACHE_CONTROL, "no-store")];

/// The origin of the page that asks.
#[derive(Clone, Debug)]
struct Page(Origin);

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
        .with_state(house)
}

async fn available(
    State(house): State<Arc<House>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Extension(asked): Extension<Asked>,
) -> Response {
    let answer = match page(&house, peer, &asked) {
        Ok(_) => json!({ "available": true }),
        Err(why) => json!({ "available": false, "why": why }),
    };
    (NO_STORE, Json(answer)).into_response()
}

async fn check(
    State(house): State<Arc<House>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Extension(asked): Extension<Asked>,
    mut request: Request,
    next: Next,
) -> Result<Response, Told> {
    let page = page(&house, peer, &asked).map_err(Rejection::forbidden)?;
    request.extensions_mut().insert(page);
    Ok(next.run(request).await)
}

/// The page that asks, or why there is no lab for it.
fn page(house: &House, peer: SocketAddr, asked: &Asked) -> Result<Page, &'static str> {
    if let Some(why) = house.why_not {
        return Err(why);
    }
    if !peer.ip().to_canonical().is_loopback() {
        return Err("the lab is for the machine that runs feedlab alone: open the page there, as http://127.0.0.1");
    }
    let host = asked.host.as_ref().filter(|host| host.is_this_machine());
    let origin = host.and_then(|host| Origin::of("http", host));
    origin.map(Page).ok_or("the lab needs the page opened as http://127.0.0.1 or http://localhost, and no other name")
}

/// A rejection as the page's script reads it.
struct Told(Rejection);

impl From<Rejection> for Told {
    fn from(rejection: Rejection) -> Self {
        Self(rejection)
    }
}

impl IntoResponse for Told {
    fn into_response(self) -> Response {
        (self.0.status(), NO_STORE, Json(json!({ "error": self.0.message() }))).into_response()
    }
}

async fn open(
    State(house): State<Arc<House>>,
    Extension(Page(origin)): Extension<Page>,
    body: Bytes,
) -> Result<Response, Told> {
    let defaults = house.defaults();
    let tab = house.open(defaults.patched(&body, defaults)?, origin).await?;
    Ok((StatusCode::CREATED, NO_STORE, Json(tab.place())).into_response())
}

async fn look(State(house): State<Arc<House>>, Path(id): Path<String>) -> Result<Response, Told> {
    Ok((NO_STORE, Json(house.find(&id)?.status().await)).into_response())
}

async fn change(State(house): State<Arc<House>>, Path(id): Path<String>, body: Bytes) -> Result<Json<Value>, Told> {
    let tab = house.find(&id)?;
    let restarted = tab.change(&body).await?;
    Ok(Json(json!({ "settings": tab.settings(), "restarted": restarted })))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    #[serde(default = "all")]
    endpoint: String,
    kind: String,
    #[serde(default)]
    for_ms: u64,
}

fn all() -> String {
    "all".to_owned()
}

async fn fault(State(house): State<Arc<House>>, Path(id): Path<String>, body: Bytes) -> Result<Json<Value>, Told> {
    let tab = house.find(&id)?;
    let Order { endpoint, kind, for_ms } = read(&body, "{\"endpoint\": \"sse\", \"kind\": \"cut\", \"for_ms\": 0}")?;
    let kind = LinkFault::named(&kind).ok_or_else(|| {
        Rejection::bad_request(format!("`kind` is one of {}", LinkFault::ALL.map(LinkFault::name).join(", ")))
    })?;
    let hit = tab.ways.order(&endpoint, Fault { length: Duration::from_millis(for_ms), ..Fault::now(kind) }).await?;
    Ok(Json(json!({ "hit": hit.hit, "open": hit.open })))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Healing {
    #[serde(default = "all")]
    endpoint: String,
}

async fn heal(State(house): State<Arc<House>>, Path(id): Path<String>, body: Bytes) -> Result<Json<Value>, Told> {
    let tab = house.find(&id)?;
    let Healing { endpoint } = read(&body, "{\"endpoint\": \"all\"}, or empty")?;
    Ok(Json(json!({ "healed": tab.ways.heal(&endpoint).await? })))
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

async fn restart(State(house): State<Arc<House>>, Path(id): Path<String>, body: Bytes) -> Result<Response, Told> {
    let tab = house.find(&id)?;
    let Restart { down_ms } = read(&body, "{\"down_ms\": 1000}, or empty")?;
    let down = Duration::from_millis(down_ms);
    if down > MAX_DOWN {
        return Err(Rejection::bad_request(format!("`down_ms` is at most {}", MAX_DOWN.as_millis())).into());
    }
    tab.restart(down)?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "down_ms": down_ms }))).into_response())
}

async fn close(State(house): State<Arc<House>>, Path(id): Path<String>) -> Result<StatusCode, Told> {
    house.close(&id)?;
    Ok(StatusCode::NO_CONTENT)
}

/// A body, whatever its type is called: a beacon names none that fits. An empty one is `{}`.
fn read<T: DeserializeOwned>(body: &[u8], form: &str) -> Result<T, Rejection> {
    let text = if body.trim_ascii().is_empty() { b"{}" } else { body };
    wire::object(text).map_err(|error| Rejection::bad_request(format!("the body is {form}: {error}")))
}

#[cfg(test)]
mod tests {
    use feedlab_feed::access::{Caller, Host};

    use super::super::Labs;
    use super::*;

    #[test]
    fn only_this_machine_under_its_own_name_has_labs() {
        let Labs(house) = Labs::new(None);
        let page = |peer: &str, host: &str| {
            let asked = Asked { host: Host::read(host), caller: Caller::Program };
            page(&house, peer.parse().unwrap(), &asked).map(|Page(origin)| origin.to_string())
        };
        assert_eq!(page("127.0.0.1:5", "LocalHost:1").unwrap(), "http://localhost:1");
        assert_eq!(page("[::ffff:127.0.0.1]:5", "127.0.0.1:8080").unwrap(), "http://127.0.0.1:8080");
        assert!(page("192.0.2.7:5", "127.0.0.1:8080").unwrap_err().contains("alone"));
        assert!(page("127.0.0.1:5", "").unwrap_err().contains("no other name"));
    }
}
