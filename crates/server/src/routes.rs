//! The routes of the server.

use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Extension, Request};
use axum::http::{StatusCode, Uri, header};
use axum::middleware::{from_fn, from_fn_with_state, map_request, map_response};
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use feedlab_feed::Transport;
use feedlab_feed::transport::PUBLISH_PATH;

use crate::access::Access;
use crate::app::App;
use crate::handover::Exchange;
use crate::rejection::Rejection;
use crate::transport::{enter, long_polling, short_polling, sse, websocket};
use crate::{access, inspect, page, upstream};

/// Returns the routes of the endpoints' address. A new transport is one line here.
pub(crate) fn router(app: Arc<App>, access: &Arc<Access>, more: Router) -> Router {
    let endpoint = |transport: Transport, methods: MethodRouter<Arc<App>>| {
        (transport.path(), methods.layer(from_fn_with_state(transport, enter)))
    };
    let endpoints = [
        endpoint(Transport::ShortPolling, get(short_polling::get)),
        endpoint(Transport::LongPolling, stream(get(long_polling::get))),
        endpoint(Transport::Sse, stream(get(sse::get))),
        endpoint(Transport::WebSocket, stream(get(websocket::get).connect(websocket::connect))),
    ];
    let routes = endpoints.into_iter().fold(Router::new(), |router, (path, methods)| router.route(path, methods));
    let routes = routes
        .route(PUBLISH_PATH, post(upstream::publish))
        .merge(figures())
        .merge(
            more.layer(map_request(insert_peer))
                .layer(from_fn_with_state(app.clone(), upstream::read_order))
                .layer(from_fn(access::check_own))
                .with_state(()),
        )
        .layer(from_fn_with_state(access.clone(), access::check_token))
        .route("/", get(page::index))
        .route("/page/{*name}", get(page::file))
        .fallback(|| async { Rejection::new(StatusCode::NOT_FOUND, "nothing here; `GET /` lists the endpoints") });
    finish(routes, app, access)
}

/// Returns the routes of the control address: enough to observe the server and to start the feed, and no endpoint.
pub(crate) fn control(app: Arc<App>, access: &Arc<Access>) -> Router {
    let routes = figures().layer(from_fn_with_state(access.clone(), access::check_token)).fallback(|| async {
        Rejection::new(StatusCode::NOT_FOUND, "only /stats, /metrics, /healthz and /control/start are here")
    });
    finish(routes, app, access)
}

/// Returns the endpoint that a request's connection counts for: the requested one, or the one that a publisher names,
/// as a client that receives over SSE does with `POST /feed?from=sse`. A WebSocket's publications count for its own
/// endpoint anyway.
pub(crate) fn transport_of(uri: &Uri) -> Option<Transport> {
    Transport::of_path(uri.path())
        .or_else(|| Transport::of_publish_query(uri.query().filter(|_| uri.path() == PUBLISH_PATH)?))
}

fn figures() -> Router<Arc<App>> {
    Router::new()
        .route("/control/start", post(upstream::start))
        .route("/stats", get(inspect::stats))
        .route("/metrics", get(inspect::metrics))
}

/// Makes the client's address available to the handlers of routes that other crates add.
async fn insert_peer(Extension(exchange): Extension<Exchange>, mut request: Request) -> Request {
    request.extensions_mut().insert(ConnectInfo(exchange.peer()));
    request
}

/// Adds what all addresses have in common.
fn finish(routes: Router<Arc<App>>, app: Arc<App>, access: &Arc<Access>) -> Router {
    routes
        .route("/healthz", get(inspect::health))
        .layer(from_fn_with_state(access.clone(), access::check))
        .layer(map_response(no_sniff))
        .with_state(app)
}

/// Removes the `HEAD` that `get` adds: it would have to wait, or stream, only to discard the body.
fn stream(methods: MethodRouter<Arc<App>>) -> MethodRouter<Arc<App>> {
    methods.head(only_get).fallback(only_get)
}

async fn only_get() -> Rejection {
    Rejection::new(StatusCode::METHOD_NOT_ALLOWED, "only GET is allowed here").with(header::ALLOW, "GET")
}

/// Keeps browsers from interpreting an update as a page.
async fn no_sniff(mut response: Response) -> Response {
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, header::HeaderValue::from_static("nosniff"));
    response
}
