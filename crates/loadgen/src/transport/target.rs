//! The clients of a target, somebody else's server: the same as those of feedlab's own, except for what they look for in
//! a message and how they ask for what follows.
//!
//! The streams are the unchanged clients of their transports: they pass messages on unparsed, and their observer finds
//! the updates in them. A poll is a client of its own (`polling.rs`), because its cursor is part of every request.

use std::sync::Arc;

use feedlab_experiment::record::Failure;
use feedlab_experiment::scenario::{CursorRecipe, Options};
use feedlab_experiment::stamp::Finder;
use feedlab_feed::Epoch;
use tokio_util::sync::CancellationToken;

use super::{Client, Running, sse, websocket};
use crate::observer::{ClientError, Observer};

mod look;
mod observer;
mod place;
mod polling;

pub(crate) use look::look;

use observer::TargetObserver;
use polling::Pace;

/// How the feed of a target is read: the recipes of its scenario, compiled.
#[derive(Clone, Debug)]
pub struct Recipe {
    finder: Finder,
    cursor: CursorRecipe,
    /// The epoch of the feed; updates of another one are ignored. `None` accepts every epoch.
    epoch: Option<Epoch>,
}

impl Recipe {
    pub(crate) const fn new(finder: Finder, cursor: CursorRecipe, epoch: Option<Epoch>) -> Self {
        Self { finder, cursor, epoch }
    }

    /// Returns what is looked for in a message, in words.
    pub(crate) fn looked_for(&self) -> String {
        let finder = self.finder.looked_for();
        match self.epoch {
            Some(epoch) if finder.contains("EPOCH") => format!("{finder}, with the epoch {epoch}"),
            _ => finder,
        }
    }

    pub(crate) const fn cursor(&self) -> &CursorRecipe {
        &self.cursor
    }

    /// Whether an update belongs to the feed. Only feedlab's own text names an epoch.
    fn accepts(&self, epoch: Option<Epoch>) -> bool {
        epoch.is_none() || self.epoch.is_none() || epoch == self.epoch
    }
}

/// Runs one client of a target, until `stop` is cancelled or the client gives up.
pub(super) fn run<'a>(
    client: Client,
    recipe: Arc<Recipe>,
    options: Options,
    observer: &'a mut dyn Observer,
    stop: &'a CancellationToken,
) -> Running<'a> {
    // Boxed, so that a client that waits does not keep the memory of what it was made from.
    let mut client = Box::new(client);
    client.after = None;
    let sends_place = client.reconnect.with_cursor;
    match options {
        Options::ShortPolling { interval, keep_alive, .. } => {
            // A poll needs the cursor, whatever the reconnect policy says.
            let observer = TargetObserver::of_polls(recipe, true, observer);
            Box::pin(async move { polling::run(*client, Pace::Every(interval), keep_alive, observer, stop).await })
        }
        Options::LongPolling { hold, keep_alive } => {
            let observer = TargetObserver::of_polls(recipe, sends_place, observer);
            Box::pin(async move { polling::run(*client, Pace::Held(hold), keep_alive, observer, stop).await })
        }
        Options::Sse { .. } => {
            client.reconnect.with_cursor &= *recipe.cursor() == CursorRecipe::Standard;
            let options = sse::Options { raw_events: true, ..sse::Options::default() };
            let mut observer = TargetObserver::of_stream(recipe, sends_place, observer);
            Box::pin(async move { sse::run(*client, options, &mut observer, stop).await })
        }
        Options::WebSocket { .. } => {
            let read_buffer = client.read_buffer;
            let options = websocket::Options { read_buffer, raw_messages: true, ..websocket::Options::default() };
            let mut observer = TargetObserver::of_stream(recipe, sends_place, observer);
            Box::pin(async move { websocket::run(*client, options, &mut observer, stop).await })
        }
        // A job with both is refused before its clients start.
        Options::Auto { .. } => Box::pin(async move {
            observer.failure(&ClientError::new(Failure::GaveUp, "a target has no fallback ladder"));
        }),
    }
}

#[cfg(test)]
mod tests;
