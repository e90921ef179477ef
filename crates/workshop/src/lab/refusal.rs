//! An answer of the lab's API that is no: a status and a line that says why, and what to do.

use std::fmt::Display;

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::MAX_LABS;

/// An answer that is no.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    why: String,
}

impl Refusal {
    pub(super) fn bad_request(why: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, why: why.into() }
    }

    pub(super) fn forbidden(why: impl Into<String>) -> Self {
        Self { status: StatusCode::FORBIDDEN, why: why.into() }
    }

    pub(super) fn conflict(why: impl Into<String>) -> Self {
        Self { status: StatusCode::CONFLICT, why: why.into() }
    }

    pub(super) fn ended() -> Self {
        Self { status: StatusCode::NOT_FOUND, why: "this lab has ended; reload the page".to_owned() }
    }

    pub(super) fn full() -> Self {
        let why = format!("{MAX_LABS} labs are open, and that is the most; close some tabs and reload this one");
        Self { status: StatusCode::SERVICE_UNAVAILABLE, why }
    }

    /// The system did not give what was needed.
    pub(super) fn unable(what: &str, error: impl Display) -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            why: format!("{what}: {error}; see `ulimit -n`, and try again"),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, [(header::CACHE_CONTROL, "no-store")], Json(json!({ "error": self.why }))).into_response()
    }
}
