//! State-changing requests: clients that publish, the start of a waiting feed, and requests to routes that other crates
//! add.
//!
//! Most publications do not come here: a shard reads those of the usual form, and `direct.rs` answers them in the same
//! way.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use feedlab_feed::body::MAX_ORDER_BYTES;
use feedlab_feed::source::Item;
use feedlab_feed::stats::Start;
use feedlab_feed::wire::websocket::Ack;
use feedlab_feed::wire::{self, Publication};
use feedlab_feed::{Data, EventType};

use crate::app::App;
use crate::fields;
use crate::handover::Exchange;
use crate::rejection::Rejection;

/// The media type of the answer to a publication.
pub(crate) const CONTENT_TYPE: &str = "application/json";

/// `POST /feed`: publishes the body, and returns its `seq`.
pub(crate) async fn publish(
    State(app): State<Arc<App>>,
    Extension(exchange): Extension<Exchange>,
    request: Request,
) -> Result<Response, Rejection> {
    if !app.config.settings.allow_publish {
        let message = "this server does not accept updates; start it with --allow-publish";
        return Err(Rejection::new(StatusCode::FORBIDDEN, message));
    }
    let (head, body) = request.into_parts();
    let body = app.bodies.read(body, app.config.max_message_bytes).await?;
    let Publication { event_type, data } = read(fields::single(&head.headers, &header::CONTENT_TYPE)?, &body)?;
    let answer = ack(app.hub.publish(Item { event_type, data }).await?);
    if let Some(endpoint) = exchange.meter().endpoint() {
        endpoint.body_bytes.add((body.len() + answer.len()) as u64);
    }
    Ok((StatusCode::ACCEPTED, [(header::CONTENT_TYPE, CONTENT_TYPE)], answer).into_response())
}

/// Reads a body according to its content type. Text is published unchanged.
pub(crate) fn read(content_type: Option<&str>, body: &[u8]) -> Result<Publication, Rejection> {
    let content_type = content_type.unwrap_or("text/plain");
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let plain = |data| Publication { event_type: EventType::default(), data };
    match essence.as_str() {
        "text/plain" => {
            let text = std::str::from_utf8(body).map_err(|_| Rejection::bad_request("text/plain must be UTF-8"))?;
            Ok(plain(Data::Text(text.to_owned())))
        }
        "application/json" => Publication::from_json(body)
            .map_err(|error| Rejection::bad_request(format!("the body must be {{\"type\":…,\"data\":…}}: {error}"))),
        "application/octet-stream" => Ok(plain(Data::Binary(Bytes::copy_from_slice(body)))),
        _ => {
            let message = "publish text/plain, application/json ({\"type\":…,\"data\":…}) or application/octet-stream";
            Err(Rejection::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message))
        }
    }
}

/// The body of the answer to a publication that got this `seq`.
pub(crate) fn ack(seq: u64) -> String {
    serde_json::to_string(&Ack { seq }).unwrap_or_default()
}

/// `POST /control/start`: starts a waiting feed, and returns its start.
pub(crate) async fn start(State(app): State<Arc<App>>, request: Request) -> Result<Response, Rejection> {
    if !app.config.await_start {
        return Err(Rejection::new(
            StatusCode::CONFLICT,
            "this feed already runs; start the server with --await-start to make it wait",
        ));
    }
    let body = app.bodies.read(request.into_body(), MAX_ORDER_BYTES).await?;
    let Start { at } = wire::object(&body)
        .map_err(|error| Rejection::bad_request(format!("the body must be {{\"at\": µs of Unix time}}: {error}")))?;
    Ok((StatusCode::ACCEPTED, Json(Start { at: app.gate.open(at) })).into_response())
}

/// Reads the bodies of state-changing requests to routes that other crates add, before their handlers run.
pub(crate) async fn read_order(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Result<Response, Rejection> {
    if request.method().is_safe() {
        return Ok(next.run(request).await);
    }
    let (head, body) = request.into_parts();
    let body = app.bodies.read(body, MAX_ORDER_BYTES).await?;
    Ok(next.run(Request::from_parts(head, body.into())).await)
}
