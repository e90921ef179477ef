//! The trial of a target: before anything is measured, one client connects, one update is published, and the client has
//! to find it. If the paths, the publish request or a recipe are wrong, the error shows what arrived instead.
//!
//! A run calls this for each target and transport. It knows nothing of how an update is published.

use std::time::Duration;

use feedlab_experiment::scenario::{CursorRecipe, CursorSource};
use feedlab_feed::Transport;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::clients::{client, link};
use crate::transport::target::{Recipe, look};
use crate::transport::{self, Client, Leg, shown};
use crate::{Job, LoadError};

mod seen;

use seen::{Seen, TrialObserver, Watched, quoted};

/// How long the client may take to connect, and an update to arrive.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long an open client waits before an update is published. A server may answer before it has noted whom to send
/// updates to; and a poll that is held shows in no other way that it has been received.
const SETTLE: Duration = Duration::from_millis(500);

/// Why a target cannot be measured.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// The job is one that no client can be made for.
    #[error(transparent)]
    Job(#[from] LoadError),
    /// The endpoint does not do what its transport is.
    #[error("{endpoint} does not work: {why}{answer}; check the path of the endpoint")]
    Endpoint {
        /// The transport and the URL.
        endpoint: String,
        /// What went wrong.
        why: String,
        /// What a plain request is answered, if anything.
        answer: String,
    },
    /// The update could not be published.
    #[error("no update can be published: {0}")]
    Publish(String),
    /// A poll was not answered.
    #[error("{endpoint} was not answered within {seconds} s {since}; check its path and `publish`")]
    Unanswered {
        /// The transport and the URL.
        endpoint: String,
        /// How long the client waited, s.
        seconds: f64,
        /// Since when.
        since: &'static str,
    },
    /// No message arrived.
    #[error("no message arrived from {endpoint} within {seconds} s {since}; check its path and `publish`")]
    Nothing {
        /// The transport and the URL.
        endpoint: String,
        /// How long the client waited, s.
        seconds: f64,
        /// Since when.
        since: &'static str,
    },
    /// Messages arrived, but no update in them.
    #[error(
        "no update was found in what arrived from {endpoint}; looked for {looked_for}; the first message was {message}; \
         check `stamp` and the body of `publish`"
    )]
    Unfound {
        /// The transport and the URL.
        endpoint: String,
        /// What was looked for.
        looked_for: String,
        /// The start of the first message.
        message: String,
    },
    /// An update arrived without what the client has to send to continue after it.
    #[error("an update arrived from {endpoint}, but {missing}; {arrived}; check its `cursor`")]
    NoCursor {
        /// The transport and the URL.
        endpoint: String,
        /// What was not found.
        missing: String,
        /// What arrived instead.
        arrived: String,
    },
}

/// Tries the job's target with one client of the job's contender: it connects, `publish` publishes an update, and the
/// client has to find it within 5 s. If the target publishes a feed of its own, `publish` is not called, and any update
/// counts. Without a target there is nothing to try.
///
/// The future is not `Send`: the client belongs to the thread that runs it, as all clients do.
///
/// # Errors
/// When the target cannot be measured as its scenario describes it.
pub async fn trial(job: &Job, publish: impl AsyncFnMut() -> Result<(), String>) -> Result<(), TrialError> {
    within(PATIENCE, job, publish).await
}

async fn within(
    patience: Duration,
    job: &Job,
    mut publish: impl AsyncFnMut() -> Result<(), String>,
) -> Result<(), TrialError> {
    let link = link(job, Leg::default())?;
    let Some((target, recipe)) = job.target.as_ref().zip(link.target.clone()) else { return Ok(()) };
    let Some(client) = client(job, &link, 0) else { return Ok(()) };
    let transport = job.contender.transport();
    let trial = Trial { client, recipe: &recipe, transport, patience, publishes: target.publishes };
    let (watched, stop) = (Watched::default(), CancellationToken::new());
    let mut observer = TrialObserver(&watched);
    let running = transport::run(trial.client.clone(), &job.contender.options, &mut observer, &stop);
    let result = tokio::select! {
        biased;
        result = trial.steps(&watched, &mut publish) => result,
        // A client that gives up leaves nothing to wait for.
        () = running => Err(Failed::Client),
    };
    let seen = watched.take();
    match result {
        Ok(()) if seen.has_cursor => Ok(()),
        Ok(()) => Err(trial.without_cursor(&seen)),
        Err(Failed::Publish(why)) => Err(TrialError::Publish(why)),
        Err(Failed::Client) => Err(trial.failed(&seen).await),
    }
}

/// What is tried.
struct Trial<'a> {
    client: Client,
    recipe: &'a Recipe,
    transport: Transport,
    patience: Duration,
    publishes: bool,
}

/// The step at which a trial failed.
enum Failed {
    /// The update was not published.
    Publish(String),
    /// The client failed, or waited in vain.
    Client,
}

impl Trial<'_> {
    async fn steps(
        &self,
        watched: &Watched,
        publish: &mut impl AsyncFnMut() -> Result<(), String>,
    ) -> Result<(), Failed> {
        self.open(watched).await?;
        watched.start();
        if self.publishes {
            publish().await.map_err(Failed::Publish)?;
        }
        let is_found = timeout(self.patience, watched.until(|seen| seen.has_update)).await;
        is_found.map_err(|_| Failed::Client)
    }

    /// Waits until the client is open.
    async fn open(&self, watched: &Watched) -> Result<(), Failed> {
        let most = if self.transport.is_push() { self.patience } else { SETTLE };
        let decided = timeout(most, watched.until(|seen| seen.is_served || seen.failure.is_some())).await;
        let is_held = decided.is_err() && !self.transport.is_push();
        if !watched.is(|seen| seen.is_served) && !is_held {
            return Err(Failed::Client);
        }
        if !is_held {
            sleep(SETTLE).await;
        }
        Ok(())
    }

    /// Returns why no update was found.
    async fn failed(&self, seen: &Seen) -> TrialError {
        let (endpoint, seconds, since) = (self.endpoint(), self.patience.as_secs_f64(), self.since(seen));
        match (&seen.failure, seen.first()) {
            (_, Some(message)) => {
                let looked_for = self.recipe.looked_for();
                TrialError::Unfound { endpoint, looked_for, message: quoted(&message.start, message.is_whole()) }
            }
            (Some(error), None) => {
                let why = error.detail.clone();
                TrialError::Endpoint { endpoint, why, answer: self.answer().await }
            }
            (None, None) if seen.is_served => TrialError::Nothing { endpoint, seconds, since },
            (None, None) => TrialError::Unanswered { endpoint, seconds, since },
        }
    }

    const fn since(&self, seen: &Seen) -> &'static str {
        match (seen.is_started, self.publishes) {
            (false, _) => "of the request",
            (true, true) => "after an update was published",
            (true, false) => "of the target's own feed",
        }
    }

    /// What a plain request is answered, as the end of a sentence.
    async fn answer(&self) -> String {
        let Some(answer) = look(&self.client).await else { return String::new() };
        let body = match &*answer.start {
            [] => "an empty body".to_owned(),
            start => quoted(start, true),
        };
        format!("; a plain request is answered with {} and {body}", answer.status)
    }

    fn without_cursor(&self, seen: &Seen) -> TrialError {
        let fields = || format!("the response had the fields {}", quoted(seen.fields.as_bytes(), true));
        let (missing, arrived) = match self.recipe.cursor() {
            CursorRecipe::Query { from: CursorSource::Header(field), .. } => {
                (format!("its response has no field `{field}`"), fields())
            }
            CursorRecipe::Query { from: CursorSource::Pointer(pointer), .. } => {
                let message = seen
                    .carrier
                    .as_ref()
                    .map_or_else(String::new, |message| quoted(&message.start, message.is_whole()));
                (format!("there is no string or number at `{pointer}` in it"), format!("the message was {message}"))
            }
            _ => ("its response has neither `ETag` nor `Last-Modified`".to_owned(), fields()),
        };
        TrialError::NoCursor { endpoint: self.endpoint(), missing, arrived }
    }

    fn endpoint(&self) -> String {
        format!("{} at {}", self.transport.label(), shown(&self.client.url))
    }
}

#[cfg(test)]
mod tests;
