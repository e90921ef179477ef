//! Judges what was seen: a finding for each property that applies, in a fixed order. Each text has its one place in the
//! files below; all of them are pure functions of what was seen.

use super::finding::Finding;
use super::seen::{Found, Seen};

mod answer;
mod browser;
mod buffering;
mod compared;
mod compression;
mod cost;
mod framing;
mod resume;
mod silence;

/// Returns the findings.
pub(super) fn findings(seen: &Seen) -> Vec<Finding> {
    let judges: &[fn(&Seen) -> Option<Finding>] = match seen.found {
        _ if seen.failure.is_some() => &[
            answer::status,
            answer::redirect,
            buffering::without_an_answer,
            compression::without_an_answer,
            browser::event_source,
        ],
        Found::Sse => &[
            answer::status,
            answer::redirect,
            answer::media_type,
            answer::tls,
            answer::http_version,
            buffering::judge,
            compression::judge,
            framing::judge,
            silence::keepalive,
            silence::idle_timeout,
            resume::ids,
            resume::resume,
            resume::retry,
            browser::caching,
            browser::cors,
            answer::proxy,
            browser::event_source,
            browser::six_connections,
            cost::bytes,
        ],
        Found::WebSocket => &[
            answer::status,
            answer::redirect,
            answer::tls,
            answer::http_version,
            buffering::judge,
            framing::judge,
            silence::keepalive,
            silence::idle_timeout,
            answer::proxy,
            cost::bytes,
        ],
        Found::OtherStream => &[
            answer::status,
            answer::redirect,
            answer::media_type,
            answer::tls,
            answer::http_version,
            buffering::judge,
            compression::judge,
            framing::judge,
            silence::idle_timeout,
            browser::caching,
            browser::cors,
            answer::proxy,
            browser::event_source,
        ],
        Found::Poll | Found::LongPoll => &[
            answer::status,
            answer::redirect,
            answer::poll,
            answer::tls,
            answer::http_version,
            browser::caching,
            answer::proxy,
            browser::event_source,
        ],
        Found::None => &[
            answer::status,
            answer::redirect,
            answer::media_type,
            answer::tls,
            answer::http_version,
            compression::judge,
            answer::proxy,
            browser::event_source,
        ],
    };
    judges.iter().filter_map(|judge| judge(seen)).collect()
}
