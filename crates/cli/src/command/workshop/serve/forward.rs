//! Sends the votes of this machine to the class's server, from a laptop that serves the workshop itself.
//!
//! Started by `serve` for `--class http://…`. The file of votes is the queue: whatever the class's server has not
//! acknowledged since this process started is sent, and it counts a vote that it has already got once, by its id. So a
//! laptop may be out of reach for an hour, or restarted, and no vote is lost or doubled.

use std::error::Error as _;
use std::time::Duration;

use feedlab_workshop::Class;
use feedlab_workshop::limits::MAX_FORWARDED_VOTES;
use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};
use serde::Deserialize;
use serde_json::json;
use tokio_util::sync::CancellationToken;

/// How often this machine looks for new votes, and tries again.
const INTERVAL: Duration = Duration::from_secs(2);
/// How long a request may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How much of a response is read, bytes: it has a line for each vote that was refused.
const MAX_RESPONSE_BYTES: usize = 64 * 1024;
/// How much of the reason for a refusal is shown, characters.
const SHOWN: usize = 300;

/// The class's response.
#[derive(Debug, Deserialize)]
struct Taken {
    #[serde(default)]
    refused: Vec<String>,
}

/// Sends votes until `stop`.
pub(super) async fn forward(class: Class, to: Url, stop: CancellationToken) {
    let client = Client::builder().timeout(TIMEOUT).redirect(Policy::none()).no_proxy().build();
    let client = match client {
        Ok(client) => client,
        Err(error) => return tracing::error!("cannot send votes to {to}: {error}"),
    };
    let mut forwarder = Forwarder { class, client, to, next: 0, is_reachable: true };
    loop {
        let sent = forwarder.send().await;
        forwarder.tell(sent);
        tokio::select! {
            () = tokio::time::sleep(INTERVAL) => {}
            () = stop.cancelled() => return,
        }
    }
}

struct Forwarder {
    class: Class,
    client: Client,
    to: Url,
    /// The number of the first vote that the class's server has not acknowledged.
    next: usize,
    is_reachable: bool,
}

impl Forwarder {
    /// Sends all new votes; returns the reasons for those that were refused.
    async fn send(&mut self) -> Result<Vec<String>, String> {
        let mut refused = Vec::new();
        loop {
            let votes = self.class.votes_from(self.next, MAX_FORWARDED_VOTES).map_err(|error| error.to_string())?;
            let Some((last, _)) = votes.last() else { return Ok(refused) };
            let next = last + 1;
            // Hands are counted where they are raised, and what a program sent without an id could be counted twice.
            let sent: Vec<_> = votes.iter().map(|(_, vote)| vote).filter(|v| v.id.is_some() && v.count == 1).collect();
            if !sent.is_empty() {
                refused.extend(self.post(json!({ "votes": sent }).to_string()).await?.refused);
            }
            self.next = next;
        }
    }

    async fn post(&self, body: String) -> Result<Taken, String> {
        let url = self.to.join("workshop/votes/forwarded").map_err(|error| error.to_string())?;
        let request = self.client.post(url).header("content-type", "application/json").body(body);
        let response = request.send().await.map_err(|error| {
            let error = error.without_url();
            error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
        })?;
        let status = response.status();
        let text = start(response).await.map_err(|error| error.without_url().to_string())?;
        if !status.is_success() {
            return Err(format!("{status}: {}", text.trim().chars().take(SHOWN).collect::<String>()));
        }
        serde_json::from_str(&text).map_err(|_| "it does not answer like a class's server".to_owned())
    }

    /// Says what changed, once.
    fn tell(&mut self, sent: Result<Vec<String>, String>) {
        let to = &self.to;
        match sent {
            Ok(refused) => {
                if !self.is_reachable {
                    tracing::info!("{to} responds again: the votes of this machine are there");
                }
                for why in refused {
                    tracing::warn!("{to} did not accept a vote: {why}");
                }
                self.is_reachable = true;
            }
            Err(why) => {
                if self.is_reachable {
                    tracing::warn!("cannot send votes to {to}: {why}; they are kept here, and sent when it responds");
                }
                self.is_reachable = false;
            }
        }
    }
}

/// Returns the start of a response, up to [`MAX_RESPONSE_BYTES`].
async fn start(mut response: Response) -> reqwest::Result<String> {
    let mut bytes = Vec::new();
    while bytes.len() < MAX_RESPONSE_BYTES
        && let Some(chunk) = response.chunk().await?
    {
        bytes.extend_from_slice(&chunk[..chunk.len().min(MAX_RESPONSE_BYTES - bytes.len())]);
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
