//! What is said while the stream is watched: the answer at once, then on a terminal a line that is drawn again each
//! second, and what long silence after the head may mean.

use std::io::IsTerminal as _;
use std::time::Duration;

use feedlab_check::inspect::{Connected, Progress, Status};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output;

/// Says what happens on standard error.
#[derive(Debug)]
pub(super) struct Told {
    speaks: bool,
    line: Option<ProgressBar>,
    hinted: bool,
}

/// Silence after the head that asks for a hint.
const HINT_AFTER: Duration = Duration::from_secs(12);

impl Told {
    /// Creates one that is silent if it should not speak.
    pub(super) fn new(speaks: bool) -> Self {
        let draws = speaks && std::io::stderr().is_terminal();
        let line = draws.then(line);
        if let Some(line) = &line {
            line.tick();
        }
        Self { speaks, line, hinted: false }
    }

    /// Removes the line.
    pub(super) fn end(&self) {
        if let Some(line) = &self.line {
            line.finish_and_clear();
        }
    }

    fn say(&self, text: &str) {
        match &self.line {
            _ if !self.speaks => {}
            Some(line) => line.suspend(|| output::advice(text)),
            None => output::advice(text),
        }
    }
}

fn line() -> ProgressBar {
    let line = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let line = match ProgressStyle::with_template("… {wide_msg}") {
        Ok(style) => line.with_style(style),
        Err(_) => line,
    };
    line.with_message("waiting for the response")
}

impl Progress for Told {
    fn connected(&mut self, connected: &Connected) {
        let Connected { status, content_type, http, server, encoding, is_websocket } = connected;
        let mut text = format!("connected: {status} {content_type} over {http}");
        if *is_websocket {
            text = format!("connected: {status}, a WebSocket over {http}");
        }
        if let Some(server) = server {
            text += &format!(", via {server}");
        }
        if let Some(encoding) = encoding {
            text += &format!(", Content-Encoding: {encoding}");
        }
        self.say(&text);
    }

    fn watching(&mut self, status: &Status) {
        if !self.hinted && status.body_bytes == 0 && status.silence >= HINT_AFTER {
            self.hinted = true;
            self.say(
                "… the head arrived, but no body: buffering, compression or a quiet feed; --direct ORIGIN tells which",
            );
        }
        if let Some(line) = &self.line {
            line.set_message(format!(
                "{} of {} s, {} bytes of body, {} events, {} comments, silent for {} s",
                status.elapsed.as_secs(),
                status.of.as_secs(),
                status.body_bytes,
                status.events,
                status.comments,
                status.silence.as_secs()
            ));
        }
    }

    fn trying(&mut self, what: &str) {
        if let Some(line) = &self.line {
            line.set_message(format!("trying {what}"));
        }
    }
}
