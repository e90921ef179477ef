//! The control API: what people, pages and load generators order, over HTTP on a loopback port of its own.

mod fields;
mod guard;
mod orders;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::lab::Lab;
use crate::series;
use fields::Fields;

/// No order is longer than this.
const MAX_BODY: usize = 16 << 10;

/// Serves until the proxy is gone.
pub(crate) async fn serve(listener: TcpListener, lab: Arc<Lab>, gone: CancellationToken) {
    let help = listener.local_addr().map(help).unwrap_or_default();
    let serving = axum::serve(listener, router(lab, help)).with_graceful_shutdown(gone.cancelled_owned());
    let _ = serving.await;
}

fn router(lab: Arc<Lab>, help: String) -> Router {
    Router::new()
        .route("/", get(|| std::future::ready(help)))
        .route("/healthz", get(|| std::future::ready("ok\n")))
        .route("/stats", get(stats))
        .route("/settings", get(settings).put(change))
        .route("/fault", post(fault))
        .route("/heal", post(heal))
        .fallback(|| {
            std::future::ready(refusal(
                StatusCode::NOT_FOUND,
                "there are /, /healthz, /stats, /settings, /fault and /heal",
            ))
        })
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn(guard::check))
        .with_state(lab)
}

async fn stats(State(lab): State<Arc<Lab>>) -> Response {
    Json(lab.stats()).into_response()
}

async fn settings(State(lab): State<Arc<Lab>>) -> Json<Value> {
    Json(orders::show(&lab.settings()))
}

/// Changes the fields that are named, and shows all of them.
async fn change(State(lab): State<Arc<Lab>>, body: Bytes) -> Result<Json<Value>, Refused> {
    let settings = lab.update(|settings| orders::settings(Fields::read(&body)?, settings))?;
    Ok(Json(orders::show(&settings)))
}

async fn fault(State(lab): State<Arc<Lab>>, body: Bytes) -> Result<Json<Value>, Refused> {
    let fault = orders::fault(Fields::read(&body)?)?;
    let hit = lab.order(&fault).await;
    if let Some(every) = fault.every {
        series::start(&lab, fault, every);
    }
    Ok(Json(json!({ "hit": hit.hit, "kind": fault.kind.name(), "open": hit.open })))
}

async fn heal(State(lab): State<Arc<Lab>>) -> Json<Value> {
    Json(json!({ "healed": lab.heal().await }))
}

/// An order that cannot be followed.
struct Refused(String);

impl From<String> for Refused {
    fn from(why: String) -> Self {
        Self(why)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        refusal(StatusCode::BAD_REQUEST, &self.0)
    }
}

fn refusal(status: StatusCode, why: &str) -> Response {
    (status, Json(json!({ "error": why }))).into_response()
}

fn help(address: SocketAddr) -> String {
    include_str!("control/help.txt").replace("ADDRESS", &address.to_string())
}
