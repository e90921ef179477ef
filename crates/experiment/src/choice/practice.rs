//! What to do in practice with the transport that was chosen, one sentence each.

use std::time::Duration;

use feedlab_feed::Transport;
use humantime::format_duration;

use super::{Answer, Between, Candidate, Delivery, Question};
use crate::scenario::Options;

/// A server's usual wait before a browser reconnects an event stream.
const RETRY_S: f64 = 2.0;

impl Answer {
    /// Returns what to do with the chosen transport; empty if nothing fits.
    #[must_use]
    pub fn practice(&self) -> Vec<String> {
        let Some(candidate) = self.winner().and_then(|winner| self.candidate(winner)) else { return Vec::new() };
        let question = &self.question;
        let of_transport = match candidate.transport {
            Transport::ShortPolling => short_polling(candidate),
            Transport::LongPolling => long_polling(candidate),
            Transport::Sse => sse(question, candidate),
            Transport::WebSocket => websocket(candidate),
        };
        of_transport.into_iter().chain([history(question)]).chain(deploys(question, candidate)).collect()
    }
}

fn text(time: Duration) -> String {
    format_duration(time).to_string()
}

fn short_polling(candidate: &Candidate) -> Vec<String> {
    let Options::ShortPolling { interval, keep_alive, .. } = candidate.contender.options else { return Vec::new() };
    let connection = if keep_alive { "on one kept connection" } else { "each on its own connection" };
    vec![
        format!("Poll every {}, {connection}, from a random moment on, so that clients spread.", text(interval)),
        "Send a cursor, or If-None-Match, so that an answer has only what is new; any proxy and cache will do."
            .to_owned(),
    ]
}

fn long_polling(candidate: &Candidate) -> Vec<String> {
    let Options::LongPolling { hold, .. } = candidate.contender.options else { return Vec::new() };
    vec![
        format!("Answer after at most {}, before anything in between gives up on the request.", text(hold)),
        "Send the cursor with each request: what falls due between two requests comes with the next answer.".to_owned(),
        "Back off with jitter after an error: a request that fails at once must not be repeated at once.".to_owned(),
    ]
}

fn sse(question: &Question, candidate: &Candidate) -> Vec<String> {
    let Options::Sse { keepalive } = candidate.contender.options else { return Vec::new() };
    let proxy = match question.has(Between::Nginx) {
        true => "Send `X-Accel-Buffering: no`; in nginx `proxy_http_version 1.1; proxy_buffering off;` do the same.",
        false => "Send `Cache-Control: no-store` and `X-Accel-Buffering: no`, in case a proxy is added.",
    };
    let mut all =
        vec![format!("Send a comment after {} of silence, as a keepalive.", text(keepalive)), proxy.to_owned()];
    if question.browser && !question.has(Between::Http2) {
        all.push("A browser opens six HTTP/1.1 connections per server: more than a few tabs need HTTP/2.".to_owned());
    }
    all
}

fn websocket(candidate: &Candidate) -> Vec<String> {
    let Options::WebSocket { keepalive } = candidate.contender.options else { return Vec::new() };
    vec![
        format!("Ping every {}, and close a connection that does not answer.", text(keepalive)),
        "A proxy must forward the upgrade: `proxy_http_version 1.1;`, and the Upgrade and Connection headers."
            .to_owned(),
        "Write ids, reconnecting with backoff and jitter, and resuming yourself: the protocol has none.".to_owned(),
    ]
}

/// A minute of updates covers a deployment and most changes of network.
fn history(question: &Question) -> String {
    match question.delivery {
        Delivery::Newest => "Keep the newest update for clients that reconnect; older ones do not matter.".to_owned(),
        Delivery::Every => {
            let updates = super::setting::due_within(question, Duration::from_secs(60)).ceil();
            format!("Give updates ids and keep the last {updates:.0}, a minute's worth, for clients that reconnect.")
        }
    }
}

fn deploys(question: &Question, candidate: &Candidate) -> Option<String> {
    let is_kept = !matches!(candidate.contender.options, Options::ShortPolling { keep_alive: false, .. });
    (question.deploys_a_day > 0.0 && is_kept).then(|| {
        let clients = question.clients as f64;
        let spread = if candidate.transport == Transport::ShortPolling { "a polling interval" } else { "some seconds" };
        let per_s = (clients / RETRY_S).ceil();
        format!("Each deployment reconnects {clients:.0} clients: spread them over {spread}; within 2s they are {per_s:.0}/s.")
    })
}
