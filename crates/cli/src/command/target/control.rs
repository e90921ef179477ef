//! The control address of a target: the part of our own server's that can be answered from outside it. Its load
//! generator asks for figures and starts the feed; `feedlab run` has one update published before it measures.

use std::io;
use std::sync::Arc;

use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, Query, Request as HttpRequest, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use feedlab_experiment::stamp;
use feedlab_feed::access::{Asked, Caller, Host};
use feedlab_feed::process::Usage;
use feedlab_feed::stats::{Start, Stats};
use feedlab_feed::{Epoch, clock};
use serde::Deserialize;
use tokio::net::TcpListener;

use super::MAX_ORDER_BYTES;
use super::publisher::Shared;
use super::request::Request;
use crate::build;

/// What the control address answers from.
#[derive(Clone, Debug)]
pub(super) struct Control {
    epoch: Epoch,
    shared: Arc<Shared>,
    /// How updates are published; `None` if the target has a feed of its own.
    request: Option<Request>,
    /// Whether the target's processes are this process's descendants.
    is_started_here: bool,
    /// Identifies this process: the time of its start.
    instance: u64,
}

impl Control {
    pub(super) fn new(epoch: Epoch, shared: Arc<Shared>, request: Option<Request>, is_started_here: bool) -> Self {
        // Microseconds of Unix time stay below 2^53 for another two centuries.
        Self { epoch, shared, request, is_started_here, instance: clock::unix_us() }
    }

    /// Serves the control address. Returns only if that fails.
    pub(super) async fn serve(self, listener: TcpListener) -> anyhow::Error {
        let router = Router::new()
            .route("/stats", get(stats))
            .route("/control/start", post(start))
            .route("/control/try", post(publish_one))
            .layer(DefaultBodyLimit::max(MAX_ORDER_BYTES))
            .layer(from_fn(only_programs))
            .with_state(self);
        let end = axum::serve(listener, router).await;
        let why = end.err().unwrap_or_else(|| io::Error::other("it ended"));
        anyhow::Error::from(why).context("the control address failed")
    }

    /// Reads what the target uses; nothing is known of one that was running already.
    async fn usage(&self) -> Usage {
        if !self.is_started_here {
            return Usage::default();
        }
        let usage = tokio::task::spawn_blocking(|| Usage::of_descendants(std::process::id()));
        usage.await.unwrap_or_default()
    }
}

#[derive(Deserialize)]
struct Question {
    before: Option<u64>,
}

async fn stats(State(control): State<Control>, question: Result<Query<Question>, QueryRejection>) -> Response {
    let Query(Question { before }) = match question {
        Ok(question) => question,
        Err(error) => return error.into_response(),
    };
    let (feed, process) = (control.shared.stats(before), control.usage().await);
    let (version, instance, at) = (build::VERSION.to_owned(), control.instance, clock::unix_us());
    let stats = Stats { version, instance, at, feed, process, ..Stats::default() };
    ([(header::CACHE_CONTROL, "no-store")], Json(stats)).into_response()
}

async fn start(State(control): State<Control>, order: Result<Json<Start>, JsonRejection>) -> Response {
    match order {
        Ok(Json(Start { at })) => Json(Start { at: control.shared.start(at) }).into_response(),
        Err(error) => error.into_response(),
    }
}

/// Publishes one update now, and reports what was sent and what came back.
async fn publish_one(State(control): State<Control>) -> Response {
    let Some(request) = &control.request else {
        return "nothing was sent: this target publishes a feed of its own".into_response();
    };
    let sender = match request.sender() {
        Ok(sender) => sender,
        Err(error) => return (StatusCode::BAD_GATEWAY, format!("{error:#}")).into_response(),
    };
    let bytes = control.shared.payload_bytes().max(stamp::MIN_BYTES);
    let answer = sender.send_trial(control.epoch, bytes).await;
    let status = if answer.is_accepted() { StatusCode::OK } else { StatusCode::BAD_GATEWAY };
    (status, answer.to_string()).into_response()
}

/// Rejects the requests of pages: this address is for the processes of a run.
async fn only_programs(request: HttpRequest, next: Next) -> Response {
    let is_one = Asked::read(&request, "http").is_ok_and(|Asked { host, caller }| {
        caller == Caller::Program && host.as_ref().is_none_or(Host::is_this_machine)
    });
    if is_one { next.run(request).await } else { StatusCode::FORBIDDEN.into_response() }
}
