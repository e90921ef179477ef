//! The control API: people, pages and load generators control the proxy over HTTP, on a separate loopback port.

pub(crate) mod json;
mod server;

pub(crate) use server::{HEAD_TIMEOUT, MAX_CONNECTIONS};

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
use server::ControlServer;

/// Serves the control API until `stop` is cancelled.
pub(crate) async fn serve(listener: TcpListener, lab: Arc<Lab>, stop: CancellationToken) {
    let help = listener.local_addr().map(help).unwrap_or_default();
    ControlServer::new(router(lab, help)).serve(listener, stop).await;
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
            ErrorResponse::new(
                StatusCode::NOT_FOUND,
                "not found; the paths are /, /healthz, /stats, /settings, /fault and /heal",
            )
        })
        .layer(from_fn(read))
        .layer(from_fn(check))
        .with_state(lab)
}

async fn stats(State(lab): State<Arc<Lab>>) -> Response {
    Json(lab.stats()).into_response()
}

async fn settings(State(lab): State<Arc<Lab>>) -> Json<Value> {
    Json(json::show(&lab.settings()))
}

/// Changes the fields in the body, and responds with all of them.
async fn change(State(lab): State<Arc<Lab>>, body: Bytes) -> Result<Json<Value>, ErrorResponse> {
    let settings = lab.update(|settings| json::settings(&body, settings))?;
    Ok(Json(json::show(&settings)))
}

async fn fault(State(lab): State<Arc<Lab>>, body: Bytes) -> Result<Json<Value>, ErrorResponse> {
    let fault = json::fault(&body)?;
    let hit = lab.inject(&fault).await;
    Ok(Json(json!({ "hit": hit.hit, "kind": fault.kind.name(), "open": hit.open })))
}

async fn heal(State(lab): State<Arc<Lab>>) -> Json<Value> {
    Json(json!({ "healed": lab.heal().await }))
}

fn help(address: SocketAddr) -> String {
    include_str!("control/help.txt").replace("ADDRESS", &address.to_string())
}

/// Rejects requests from other origins, and lets the pages of this machine read the response (Fetch standard, section
/// 3.2, "CORS protocol").
async fn check(request: Request, next: Next) -> Response {
    let origin = match allowed_origin(&request) {
        Ok(origin) => origin,
        Err(error) => return error.into_response(),
    };
    let is_preflight = request.method() == Method::OPTIONS;
    let mut response = if is_preflight { StatusCode::NO_CONTENT.into_response() } else { next.run(request).await };
    if let Some(origin) = origin {
        allow_reading(response.headers_mut(), origin, is_preflight);
    }
    response
}

/// Returns the origin of the page that sends the request, if a page does. Only pages of this machine may.
fn allowed_origin(request: &Request) -> Result<Option<HeaderValue>, ErrorResponse> {
    let Asked { host, caller } = Asked::read(request, "http").map_err(|error| error.to_string())?;
    if !host.as_ref().is_none_or(Host::is_this_machine) {
        return Err(ErrorResponse::new(
            StatusCode::FORBIDDEN,
            "use 127.0.0.1 or localhost as the host name of this address",
        ));
    }
    if matches!(&caller, Caller::Page(origin) if !origin.as_ref().is_some_and(Origin::is_this_machine)) {
        let message = "only pages of http://127.0.0.1 and http://localhost may use this address";
        return Err(ErrorResponse::new(StatusCode::FORBIDDEN, message));
    }
    Ok(request.headers().get(header::ORIGIN).cloned())
}

/// Reads the whole body before the request is handled.
async fn read(request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    let error = match tokio::time::timeout(body::TIMEOUT, collect(body, MAX_ORDER_BYTES)).await {
        Ok(Ok(body)) => return next.run(Request::from_parts(head, body.into())).await,
        Ok(Err(error @ BodyError::TooLong(_))) => ErrorResponse::new(StatusCode::PAYLOAD_TOO_LARGE, error.to_string()),
        Ok(Err(error @ BodyError::Broken)) => error.to_string().into(),
        Err(_) => ErrorResponse::new(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time"),
    };
    ([(header::CONNECTION, "close")], error).into_response()
}

fn allow_reading(headers: &mut HeaderMap, origin: HeaderValue, is_preflight: bool) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    if is_preflight {
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, PUT"));
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("Content-Type"));
    }
}

/// An error response: a status, and the reason as JSON.
struct ErrorResponse {
    status: StatusCode,
    message: Cow<'static, str>,
}

impl ErrorResponse {
    fn new(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, message: message.into() }
    }
}

/// An order that is not valid.
impl From<String> for ErrorResponse {
    fn from(message: String) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }
}

impl IntoResponse for ErrorResponse {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "error": self.message }))).into_response()
    }
}
