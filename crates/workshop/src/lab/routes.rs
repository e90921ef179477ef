//! The lab's API, below `/lab` on the page's own origin. Only pages that this machine serves and shows may use it, or with
//! `feedlab workshop --labs` pages that it serves to other machines.
//!
//! A lab opens ports and threads, on 127.0.0.1 unless labs are shared. Otherwise other machines cannot use a lab, and may
//! not open one.

use std::net::{IpAddr, SocketAddr};
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
use feedlab_link::Fault;
use feedlab_server::Rejection;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::LabRegistry;
use super::place::Place;
use crate::limits::MAX_RESTART_DOWNTIME;

const NO_STORE: [(HeaderName, &str); 1] = [(header::CACHE_CONTROL, "no-store")];

/// The page that sends the request: its origin, where its lab is, and the machine that shows it.
#[derive(Clone, Debug)]
struct Page {
    origin: Origin,
    place: Place,
    machine: IpAddr,
}

pub(super) fn router(registry: Arc<LabRegistry>) -> Router {
    Router::new()
        .route("/lab/tabs", post(open))
        .route("/lab/tabs/{id}", get(look).delete(close))
        .route("/lab/tabs/{id}/settings", put(change))
        .route("/lab/tabs/{id}/fault", post(fault))
        .route("/lab/tabs/{id}/heal", post(heal))
        .route("/lab/tabs/{id}/restart", post(restart))
        .route("/lab/tabs/{id}/close", post(close))
        .layer(from_fn_with_state(registry.clone(), check))
        .route("/lab", get(available))
        .with_state(registry)
}

async fn available(
    State(registry): State<Arc<LabRegistry>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Extension(asked): Extension<Asked>,
) -> Response {
    let answer = match page(&registry, peer, &asked) {
        Ok(_) => match &registry.config.shared {
            None => json!({ "available": true }),
            Some(_) => json!({ "available": true, "free": registry.free(), "most": registry.most(), "rules": RULES }),
        },
        Err(why) => json!({ "available": false, "why": why }),
    };
    (NO_STORE, Json(answer)).into_response()
}

async fn check(
    State(registry): State<Arc<LabRegistry>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Extension(asked): Extension<Asked>,
    mut request: Request,
    next: Next,
) -> Result<Response, JsonRejection> {
    let page = page(&registry, peer, &asked).map_err(Rejection::forbidden)?;
    request.extensions_mut().insert(page);
    Ok(next.run(request).await)
}

/// Returns the page that sends the request, or why it cannot have a lab.
fn page(registry: &LabRegistry, peer: SocketAddr, asked: &Asked) -> Result<Page, &'static str> {
    if let Some(why) = registry.config.why_not {
        return Err(why);
    }
    let machine = peer.ip().to_canonical();
    if registry.config.shared.is_none() && !machine.is_loopback() {
        return Err(
            "the lab works only on the machine that runs feedlab: open the page there, as http://127.0.0.1. For labs on \
             other machines, start `feedlab workshop` with --labs",
        );
    }
    // Where labs are shared, the server has already refused names that are not this machine's.
    let host = asked.host.as_ref().filter(|host| registry.config.shared.is_some() || host.is_this_machine());
    let page = host.and_then(|host| {
        let place = registry.config.shared.as_ref().map_or_else(Place::here, |shared| Place::of(shared, host));
        Some(Page { origin: Origin::of("http", host)?, place, machine })
    });
    page.ok_or("to use the lab, open the page as http://127.0.0.1 or http://localhost")
}

/// What a page tells its visitors about labs that are open to other machines.
const RULES: &str = "This tab has a server of its own on the instructor’s machine. Here you may change its feed, its \
    distance and its settings, restart it and break it: nobody else notices. A lab that no page uses ends after three \
    minutes.";

/// A rejection as JSON, which the page's script reads.
struct JsonRejection(Rejection);

impl From<Rejection> for JsonRejection {
    fn from(rejection: Rejection) -> Self {
        Self(rejection)
    }
}

impl IntoResponse for JsonRejection {
    fn into_response(self) -> Response {
        (self.0.status(), NO_STORE, Json(json!({ "error": self.0.message() }))).into_response()
    }
}

async fn open(
    State(registry): State<Arc<LabRegistry>>,
    Extension(Page { origin, place, machine }): Extension<Page>,
    body: Bytes,
) -> Result<Response, JsonRejection> {
    let defaults = registry.defaults();
    let tab = registry.open(defaults.patched(&body, defaults)?, (origin, place), machine).await?;
    Ok((StatusCode::CREATED, NO_STORE, Json(tab.info())).into_response())
}

async fn look(State(registry): State<Arc<LabRegistry>>, Path(id): Path<String>) -> Result<Response, JsonRejection> {
    Ok((NO_STORE, Json(registry.find(&id)?.status().await)).into_response())
}

async fn change(
    State(registry): State<Arc<LabRegistry>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, JsonRejection> {
    let tab = registry.find(&id)?;
    let restarted = tab.change(&body).await?;
    Ok(Json(json!({ "settings": tab.settings(), "restarted": restarted })))
}

/// The body of a fault order.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultOrder {
    #[serde(default = "all")]
    endpoint: String,
    kind: String,
    #[serde(default)]
    for_ms: u64,
}

fn all() -> String {
    "all".to_owned()
}

async fn fault(
    State(registry): State<Arc<LabRegistry>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, JsonRejection> {
    let tab = registry.find(&id)?;
    let FaultOrder { endpoint, kind, for_ms } =
        read(&body, "{\"endpoint\": \"sse\", \"kind\": \"cut\", \"for_ms\": 0}")?;
    let kind = LinkFault::named(&kind).ok_or_else(|| {
        Rejection::bad_request(format!("`kind` must be one of {}", LinkFault::ALL.map(LinkFault::name).join(", ")))
    })?;
    let hit = tab.links.inject(&endpoint, Fault { length: Duration::from_millis(for_ms), ..Fault::now(kind) }).await?;
    Ok(Json(json!({ "hit": hit.hit, "open": hit.open })))
}

/// The body of an order to heal.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HealOrder {
    #[serde(default = "all")]
    endpoint: String,
}

async fn heal(
    State(registry): State<Arc<LabRegistry>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, JsonRejection> {
    let tab = registry.find(&id)?;
    let HealOrder { endpoint } = read(&body, "{\"endpoint\": \"all\"}, or empty")?;
    Ok(Json(json!({ "healed": tab.links.heal(&endpoint).await? })))
}

/// The body of an order to restart the server.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RestartOrder {
    #[serde(default = "a_second")]
    down_ms: u64,
}

const fn a_second() -> u64 {
    1000
}

async fn restart(
    State(registry): State<Arc<LabRegistry>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, JsonRejection> {
    let tab = registry.find(&id)?;
    let RestartOrder { down_ms } = read(&body, "{\"down_ms\": 1000}, or empty")?;
    let down = Duration::from_millis(down_ms);
    if down > MAX_RESTART_DOWNTIME {
        return Err(
            Rejection::bad_request(format!("`down_ms` must be at most {}", MAX_RESTART_DOWNTIME.as_millis())).into()
        );
    }
    tab.restart(down)?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "down_ms": down_ms }))).into_response())
}

async fn close(State(registry): State<Arc<LabRegistry>>, Path(id): Path<String>) -> Result<StatusCode, JsonRejection> {
    registry.close(&id)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Parses a body whatever its content type: a beacon cannot set a suitable one. An empty body counts as `{}`.
fn read<T: DeserializeOwned>(body: &[u8], form: &str) -> Result<T, Rejection> {
    let text = if body.trim_ascii().is_empty() { b"{}" } else { body };
    wire::object(text).map_err(|error| Rejection::bad_request(format!("the body must be {form}: {error}")))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use feedlab_feed::access::{Caller, Host};

    use super::super::{Labs, Shared};
    use super::*;

    #[test]
    fn only_loopback_pages_have_labs() {
        let Labs(registry) = Labs::new(None);
        let page = |peer: &str, host: &str| {
            let asked = Asked { host: Host::read(host), caller: Caller::Program };
            page(&registry, peer.parse().unwrap(), &asked).map(|page| page.origin.to_string())
        };
        assert_eq!(page("127.0.0.1:5", "LocalHost:1").unwrap(), "http://localhost:1");
        assert_eq!(page("[::ffff:127.0.0.1]:5", "127.0.0.1:8080").unwrap(), "http://127.0.0.1:8080");
        assert!(page("192.0.2.7:5", "127.0.0.1:8080").unwrap_err().contains("the machine that runs feedlab"));
        assert!(page("127.0.0.1:5", "").unwrap_err().contains("http://localhost"));
    }

    #[test]
    fn w3_shared_labs_are_for_the_pages_of_other_machines_too() {
        let shared = Shared { ip: Ipv4Addr::UNSPECIFIED.into(), most: 25, allow_hosts: Vec::new() };
        let Labs(registry) = Labs::new(None).shared(shared);
        let page = |peer: &str, host: &str| {
            let asked = Asked { host: Host::read(host), caller: Caller::Program };
            let page = page(&registry, peer.parse().unwrap(), &asked)?;
            Ok::<_, &str>((page.origin.to_string(), page.place.origin("http", "0.0.0.0:9".parse().unwrap())))
        };
        let seen = |origin: &str, lab: &str| Ok((origin.to_owned(), lab.to_owned()));
        assert_eq!(page("192.0.2.7:5", "192.0.2.1:8080"), seen("http://192.0.2.1:8080", "http://192.0.2.1:9"));
        assert_eq!(page("192.0.2.7:5", "teacher.lan:8080"), seen("http://teacher.lan:8080", "http://teacher.lan:9"));
        assert_eq!(page("127.0.0.1:5", "localhost:8080"), seen("http://localhost:8080", "http://127.0.0.1:9"));
        assert!(page("192.0.2.7:5", "").is_err());
    }
}
