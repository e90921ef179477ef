//! The control API: what people, pages and load generators order, over HTTP on a loopback port of its own.

mod endpoint;
mod orders;

pub(crate) use endpoint::{HEAD_TIMEOUT, MAX_CONNECTIONS};

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use feedlab_feed::access::{Asked, Caller, Host, Origin};
use feedlab_feed::body::{self, BodyError, MAX_ORDER_BYTES, collect};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::lab::Lab;
use endpoint::Endpoint;

/// Serves until the proxy is gone.
pub(crate) async fn serve(listener: TcpListener, lab: Arc<Lab>, gone: CancellationToken) {
    let help = listener.local_addr().map(help).unwrap_or_default();
    Endpoint::new(router(lab, help)).serve(listener, gone).await;
}

fn router(lab: Arc<Lab>, help: String) -> Router {
    Router::new()
        .route("/", get(|| std::future::ready(help)))
        .route("/healthz", get(|| std::future::ready("ok\n")))
        .route("/stats", get(stats))
        .route("/settings", get(settings).put(change))
        .route("/fault", post(fault))
        .route("/heal", post(heal))
        .fallback(|| async {
            Refusal::new(StatusCode::NOT_FOUND, "there are /, /healthz, /stats, /settings, /fault and /heal")
        })
        .layer(from_fn(read))
        .layer(from_fn(check))
        .with_state(lab)
}

async fn stats(State(lab): State<Arc<Lab>>) -> Response {
    Json(lab.stats()).into_response()
}

async fn settings(State(lab): State<Arc<Lab>>) -> Json<Value> {
    Json(orders::show(&lab.settings()))
}

/// Changes the fields that are named, and shows all of them.
async fn change(State(lab): State<Arc<Lab>>, body: Bytes) -> Result<Json<Value>, Refusal> {
    let settings = lab.update(|settings| orders::settings(&body, settings))?;
    Ok(Json(orders::show(&settings)))
}

async fn fault(State(lab): State<Arc<Lab>>, body: Bytes) -> Result<Json<Value>, Refusal> {
    let fault = orders::fault(&body)?;
    let hit = lab.order(&fault).await;
    Ok(Json(json!({ "hit": hit.hit, "kind": fault.kind.name(), "open": hit.open })))
}

async fn heal(State(lab): State<Arc<Lab>>) -> Json<Value> {
    Json(json!({ "healed": lab.heal().await }))
}

fn help(address: SocketAddr) -> String {
    include_str!("control/help.txt").replace("ADDRESS", &address.to_string())
}

/// Refuses requests of other origins, and tells the pages of this machine that they may read the answer (Fetch standard,
/// section 3.2, "CORS protocol").
async fn check(request: Request, next: Next) -> Response {
    let origin = match admitted(&request) {
        Ok(origin) => origin,
        Err(refusal) => return refusal.into_response(),
    };
    let is_preflight = request.method() == Method::OPTIONS;
    let mut response = if is_preflight { StatusCode::NO_CONTENT.into_response() } else { next.run(request).await };
    if let Some(origin) = origin {
        let_read(response.headers_mut(), origin, is_preflight);
    }
    response
}

/// The origin of the page that asks, if one does: any page of this machine may.
fn admitted(request: &Request) -> Result<Option<HeaderValue>, Refusal> {
    let Asked { host, caller } = Asked::read(request, "http").map_err(|error| error.to_string())?;
    if !host.as_ref().is_none_or(Host::is_this_machine) {
        return Err(Refusal::new(StatusCode::FORBIDDEN, "ask for this address as 127.0.0.1 or localhost"));
    }
    if matches!(&caller, Caller::Page(origin) if !origin.as_ref().is_some_and(Origin::is_this_machine)) {
        let message = "only pages of http://127.0.0.1 and http://localhost may ask here";
        return Err(Refusal::new(StatusCode::FORBIDDEN, message));
    }
    Ok(request.headers().get(header::ORIGIN).cloned())
}

/// Reads an order whole, before what it says is looked at.
async fn read(request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    let refusal = match tokio::time::timeout(body::TIMEOUT, collect(body, MAX_ORDER_BYTES)).await {
        Ok(Ok(body)) => return next.run(Request::from_parts(head, body.into())).await,
        Ok(Err(error @ BodyError::TooLong(_))) => Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, error.to_string()),
        Ok(Err(error @ BodyError::Broken)) => error.to_string().into(),
        Err(_) => Refusal::new(StatusCode::REQUEST_TIMEOUT, "the body did not come in time"),
    };
    ([(header::CONNECTION, "close")], refusal).into_response()
}

fn let_read(headers: &mut HeaderMap, origin: HeaderValue, is_preflight: bool) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    if is_preflight {
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, PUT"));
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("Content-Type"));
    }
}

/// An answer that is no: a status, and why as JSON.
struct Refusal {
    status: StatusCode,
    message: Cow<'static, str>,
}

impl Refusal {
    fn new(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, message: message.into() }
    }
}

/// An order that cannot be followed.
impl From<String> for Refusal {
    fn from(message: String) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "error": self.message }))).into_response()
    }
}
