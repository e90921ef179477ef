//! A look at what an endpoint answers to a plain request, for an error that shows it.

use std::time::Duration;

use feedlab_feed::wire::{RawUpdate, Stamp};
use feedlab_feed::{Cursor, Gap, Reset};
use hyper::StatusCode;
use tokio::time::timeout;

use crate::observer::{ClientError, Observer, Opened};
use crate::transport::Client;
use crate::transport::http::{Connections, Http};

/// How long the head, and then the start of the body, may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// How much of the body is read, bytes.
const MOST: usize = 1 << 10;

/// What an endpoint answers.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// The start of the body.
    pub(crate) start: Vec<u8>,
}

/// Requests the client's URL once, with its headers; `None` if there is no answer.
pub(crate) async fn look(client: &Client) -> Option<Answer> {
    let mut http = Http::new(client, Connections::Fresh);
    let (head, mut body) = http.get(&client.url, PATIENCE, &mut Nobody).await.ok()?;
    let mut start = Vec::new();
    let read = async {
        while start.len() < MOST
            && let Some(Ok(chunk)) = body.chunk().await
        {
            let most = chunk.len().min(MOST - start.len());
            start.extend_from_slice(&chunk[..most]);
        }
    };
    // A stream may stay silent: what has arrived until then is shown.
    let _ = timeout(PATIENCE, read).await;
    Some(Answer { status: head.status, start })
}

/// Observes nothing.
struct Nobody;

impl Observer for Nobody {
    fn opened(&mut self, _opened: Opened) {}

    fn update(&mut self, _stamp: Stamp, _raw: RawUpdate<'_>, _received_at_us: u64) {}

    fn gap(&mut self, _gap: Gap, _resume: Cursor) {}

    fn reset(&mut self, _reset: Reset) {}

    fn failure(&mut self, _error: &ClientError) {}

    fn reconnect(&mut self) {}
}
