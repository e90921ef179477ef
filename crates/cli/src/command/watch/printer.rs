//! Prints what a client observes: updates on standard output immediately, problems on standard error.

use std::cell::RefCell;
use std::rc::Rc;

use feedlab_experiment::record::Failure;
use feedlab_feed::text::visible;
use feedlab_feed::wire::sse::Event;
use feedlab_feed::wire::{RawUpdate, Stamp, update_json};
use feedlab_feed::{Cursor, Gap, Reset, Transport, clock};
use feedlab_loadgen::observer::{ClientError, Observer, Opened};
use feedlab_loadgen::transport::{Parts, header};
use tokio_util::sync::CancellationToken;

use super::line;
use super::tally::Tally;
use crate::output;

/// The format of the output lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lines {
    /// Updates, for people.
    People,
    /// Updates, as JSON.
    Json,
    /// Events of a stream, as JSON.
    Events,
}

/// The observer of the client.
#[derive(Debug)]
pub(super) struct Printer {
    pub(super) lines: Lines,
    pub(super) transport: Transport,
    /// How many lines are still to be printed; `None` for no limit.
    pub(super) left: Option<u64>,
    /// The URL, without secrets.
    pub(super) url: String,
    pub(super) tally: Rc<RefCell<Tally>>,
    pub(super) stop: CancellationToken,
    pub(super) state: State,
}

/// The state of the client so far.
#[derive(Debug, Default)]
pub(super) struct State {
    /// The connection that was opened and not printed yet.
    opened: Option<Opened>,
    /// Whether a request has succeeded at least once.
    connected: bool,
    /// Whether anything has been printed.
    followed: bool,
    /// The content type of the last answer.
    content_type: Option<String>,
    /// The detail of the last client error that was printed.
    reported: String,
    /// The error that ends the command.
    error: Option<anyhow::Error>,
}

impl Printer {
    /// Returns the error that ended it, if there was one.
    pub(super) fn end(self) -> anyhow::Result<()> {
        self.state.error.map_or(Ok(()), Err)
    }

    /// Prints a line that counts towards the limit. A chunk may contain more than the limit.
    fn count(&mut self, line: &str) {
        if self.left == Some(0) {
            return;
        }
        self.tally.borrow_mut().event(clock::now());
        self.print(line);
        self.left = self.left.map(|left| left.saturating_sub(1));
        if self.left == Some(0) {
            self.stop.cancel();
        }
    }

    fn print(&mut self, line: &str) {
        self.state.followed = true;
        self.state.reported.clear();
        if let Err(error) = output::data(line) {
            self.fail(error);
        }
    }

    fn fail(&mut self, error: anyhow::Error) {
        // Later errors are consequences of the first.
        self.state.error.get_or_insert(error);
        self.stop.cancel();
    }

    /// Returns whether trying again would fail in the same way.
    fn is_hopeless(&self, error: &ClientError) -> bool {
        match error.failure {
            Failure::GaveUp => true,
            Failure::Status => !self.state.connected,
            Failure::Malformed => !self.state.followed,
            // Trying again does not make a certificate trusted.
            Failure::Connect => !self.state.connected && error.detail.contains("invalid peer certificate"),
            _ => false,
        }
    }

    /// Returns the error that ends the command, with advice.
    fn final_error(&self, error: &ClientError) -> anyhow::Error {
        let advice = match (&self.state.content_type, error.failure) {
            _ if error.detail.contains("401") => {
                "; set FEEDLAB_TOKEN to its token, or put the user and password into the URL".to_owned()
            }
            (Some(content_type), Failure::Malformed) => format!("; the answer was {content_type}"),
            (_, Failure::Connect) => {
                "; trust its certificate with --cacert FILE, or skip verification with --insecure".into()
            }
            _ => String::new(),
        };
        anyhow::anyhow!("{}: {error}{advice}", self.url)
    }
}

impl Observer for Printer {
    fn opened(&mut self, opened: Opened) {
        self.state.opened = Some(opened);
    }

    fn answered(&mut self, head: &Parts) {
        self.tally.borrow_mut().sign(clock::now());
        self.state.content_type = line::field(head, &header::CONTENT_TYPE);
        let opened = self.state.opened.take();
        if !head.status.is_success() && !matches!(head.status.as_u16(), 101 | 304) {
            return;
        }
        let again = if std::mem::replace(&mut self.state.connected, true) { " again" } else { "" };
        if let Some(opened) = opened {
            self.state.reported.clear();
            output::advice(&format!("connected{again}: {}", line::of_answer(head, opened)));
        }
        if let Some(coding) = line::field(head, &header::CONTENT_ENCODING).filter(|coding| coding != "identity") {
            self.fail(anyhow::anyhow!(
                "{}: the answer is compressed ({coding}), as a browser's would be; compression holds updates back until there \
                 is enough data. Exclude the feed from compression; without --as browser, watch does not offer it",
                self.url
            ));
        }
    }

    fn alive(&mut self) {
        self.tally.borrow_mut().sign(clock::now());
    }

    fn update(&mut self, _stamp: Stamp, raw: RawUpdate<'_>, received_at_us: u64) {
        match raw.update() {
            Ok(update) if self.lines == Lines::People => self.count(&line::of_update(&update, received_at_us)),
            Ok(update) => self.count(&(update_json(&update) + "\n")),
            Err(error) => output::advice(&format!("cannot read an update: {}", visible(&error.to_string()))),
        }
    }

    fn gap(&mut self, gap: Gap, _resume: Cursor) {
        match self.lines {
            Lines::People => output::advice(&format!("gap: updates {} to {} are lost", gap.from, gap.to)),
            Lines::Json | Lines::Events => self.print(&line::of_gap(gap)),
        }
    }

    fn reset(&mut self, reset: Reset) {
        match self.lines {
            Lines::People => output::advice(&format!(
                "reset: the feed restarted; the updates after {} are lost, and their number is unknown",
                reset.asked
            )),
            Lines::Json | Lines::Events => self.print(&line::of_reset(reset)),
        }
    }

    fn event(&mut self, event: &Event) {
        if self.lines == Lines::Events {
            self.count(&line::of_event(event));
        }
    }

    /// Prints foreign data. A WebSocket message of another server may be any text; a poll's answer must be JSON.
    fn foreign(&mut self, raw: RawUpdate<'_>) -> bool {
        if let RawUpdate::Json(text) = raw
            && !self.transport.is_push()
            && !line::is_json(text)
        {
            return false;
        }
        if !self.state.followed {
            output::advice("these are not feedlab updates: printing the data unchanged");
        }
        match self.lines {
            Lines::People => self.count(&line::of_foreign(raw)),
            Lines::Json | Lines::Events => self.count(&line::of_foreign_as_json(raw)),
        }
        true
    }

    fn failure(&mut self, error: &ClientError) {
        if self.stop.is_cancelled() {
            return;
        }
        if self.is_hopeless(error) {
            self.fail(self.final_error(error));
        } else if self.state.reported != error.detail {
            // A server that is down for an hour is reported once.
            output::advice(&format!("{}; trying again", visible(&error.detail)));
            self.state.reported.clone_from(&error.detail);
        }
    }

    fn reconnect(&mut self) {
        self.tally.borrow_mut().reconnect();
    }
}
