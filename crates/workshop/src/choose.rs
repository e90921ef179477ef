//! The page of choices: which transport fits a team, as a form with sliders, an answer in words, and the map of choices.
//!
//! Everything is computed here, by the code of `feedlab choose` and `feedlab predict --map`; the page asks over HTTP.
//! `feedlab serve` and `feedlab workshop` mount [`routes`] next to the server's. The page knows nothing of the feed.
//!
//! In reading order: `query` reads a question from a URL, `words` answers it, and `form` is the page.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use feedlab_experiment::choice::map::Map;
use feedlab_report::{MapWidth, map_chart};
use feedlab_server::Rejection;
use tokio::sync::Semaphore;

use crate::limits::MAX_CHOICES_AT_ONCE;

mod form;
mod query;
mod words;

use query::Asked;
use words::Words;

/// The content security policy of the page: its own script, style and pictures, and nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
    base-uri 'none'; form-action 'self'; frame-ancestors 'self'";
/// That of the map: no script, and its style for dark screens.
const PICTURE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";
const NO_CACHE: (HeaderName, &str) = (header::CACHE_CONTROL, "no-cache");

/// The answers that are computed at the moment.
type Desk = Arc<Semaphore>;

/// Returns the page's routes, all at or below `/choose`.
pub fn routes() -> Router {
    Router::new()
        .route("/choose", get(page))
        .route("/choose/answer", get(answer))
        .route("/choose/map.svg", get(map))
        .route("/choose/choose.js", get(script))
        .route("/choose/choose.css", get(style))
        .with_state(Arc::new(Semaphore::new(MAX_CHOICES_AT_ONCE)))
}

/// `GET /choose?…`: the page with the answer, for browsers without JavaScript too. A question without an answer has the
/// page with the reason.
async fn page(State(desk): State<Desk>, at: Uri) -> Response {
    let asked = match query::read(&at) {
        Ok(asked) => asked,
        Err(error) => return form(StatusCode::BAD_REQUEST, &Asked::default(), &Err(error)),
    };
    let question = asked.question.clone();
    match compute(&desk, move || Words::of(&question)).await {
        Ok(words) => {
            let status = if words.is_ok() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
            form(status, &asked, &words)
        }
        Err(busy) => busy,
    }
}

fn form(status: StatusCode, asked: &Asked, words: &Result<Words, String>) -> Response {
    let head = [(header::CONTENT_SECURITY_POLICY, POLICY), NO_CACHE];
    (status, head, Html(form::page(asked, words))).into_response()
}

/// `GET /choose/answer?…`: the answer as JSON.
async fn answer(State(desk): State<Desk>, at: Uri) -> Result<Response, Response> {
    let asked = query::read(&at).map_err(|error| Rejection::bad_request(error).into_response())?;
    let words = compute(&desk, move || Words::of(&asked.question)).await?;
    let words = words.map_err(|error| Rejection::bad_request(error).into_response())?;
    Ok(([NO_CACHE], axum::Json(words)).into_response())
}

/// `GET /choose/map.svg?x=rate&y=rtt&…`: the map as a picture.
async fn map(State(desk): State<Desk>, at: Uri) -> Result<Response, Response> {
    let asked = query::read(&at).map_err(|error| Rejection::bad_request(error).into_response())?;
    let svg = compute(&desk, move || picture(&asked)).await?;
    let svg = svg.map_err(|error| Rejection::bad_request(error).into_response())?;
    let head = [(header::CONTENT_TYPE, "image/svg+xml"), (header::CONTENT_SECURITY_POLICY, PICTURE_POLICY), NO_CACHE];
    Ok((head, svg).into_response())
}

fn picture(asked: &Asked) -> Result<String, String> {
    let (x, y) = asked.axes;
    let map = Map::of(&asked.question, x, y, Map::QUICK).map_err(|error| error.to_string())?;
    let width = if asked.narrow { MapWidth::Narrow } else { MapWidth::Wide };
    let svg = map_chart(&map, width).map_err(|error| error.to_string())?;
    // A picture of its own does not see the page's colors.
    let style = format!("<style>{}</style>", feedlab_report::class::palette_css());
    Ok(svg.replacen("\n<title", &format!("\n{style}<title"), 1))
}

/// Computes on a thread that may block. A request beyond the limit is refused for a second.
async fn compute<T: Send + 'static>(desk: &Desk, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Response> {
    let Ok(permit) = desk.clone().try_acquire_owned() else {
        let busy = Rejection::unavailable("other answers are being computed; ask again in a second");
        return Err(([(header::RETRY_AFTER, "1")], busy).into_response());
    };
    let work = move || {
        let _permit = permit;
        work()
    };
    tokio::task::spawn_blocking(work).await.map_err(|_| {
        Rejection::new(StatusCode::INTERNAL_SERVER_ERROR, "the request failed; see the server's log").into_response()
    })
}

async fn script() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8"), NO_CACHE], include_str!("choose/page/choose.js"))
}

async fn style() -> impl IntoResponse {
    let css = feedlab_report::class::palette_css() + include_str!("choose/page/choose.css");
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8"), NO_CACHE], css)
}
