//! Follows a stream, across failures of the broker and of the connection to it.

use std::time::Duration;

use async_nats::jetstream::consumer::pull;
use feedlab_feed::Update;
use futures_util::StreamExt as _;

use crate::stream::{Received, received};
use crate::{Error, Stream};

/// Pause between two attempts to continue.
const PAUSE: Duration = Duration::from_millis(200);
/// How often the broker sends a heartbeat while nothing is published; if two are missing, the reader requests again.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// How long one request for updates is valid, before the next is made.
const EXPIRES: Duration = Duration::from_secs(30);
/// The largest number of updates in flight.
const BATCH: usize = 256;
/// How long a broker keeps a reader's position after the reader is gone.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// An update from the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The update.
    pub update: Update,
    /// When the broker stored it, µs of Unix time.
    pub stored_at: u64,
}

/// Returns the updates of a stream, one after another.
///
/// Whenever the connection is restored, it starts to read again, after the last update that it returned: after a
/// restart of the broker, its previous position there is gone, which would be noticed only after a minute.
pub struct Reader {
    stream: Stream,
    /// The `seq` of the last update that was returned.
    seq: u64,
    reading: Option<Reading>,
}

/// Messages from the broker, numbered as they are delivered: a missing number is a message that was lost.
struct Reading {
    messages: pull::Stream,
    given: u64,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("stream", &self.stream.name()).field("seq", &self.seq).finish_non_exhaustive()
    }
}

impl Reader {
    pub(crate) const fn new(stream: Stream, seq: u64) -> Self {
        Self { stream, seq, reading: None }
    }

    /// Waits for the next update. Its `seq` skips updates that the stream no longer has.
    ///
    /// # Errors
    /// When the stream no longer exists, or was replaced. Every other error is retried.
    pub async fn next(&mut self) -> Result<Arrival, Error> {
        let mut changes = self.stream.connection.changes();
        changes.borrow_and_update();
        loop {
            let Some(reading) = &mut self.reading else {
                self.open().await?;
                continue;
            };
            tokio::select! {
                message = reading.messages.next() => match message {
                    Some(Ok(message)) => {
                        let Received { update, number, stored_at } = received(&message)?;
                        reading.given += 1;
                        if number != reading.given {
                            self.again("a message was lost").await;
                        } else if update.seq > self.seq {
                            self.seq = update.seq;
                            return Ok(Arrival { update, stored_at });
                        }
                    }
                    Some(Err(error)) => self.again(error).await,
                    None => self.again("the broker ended the request").await,
                },
                changed = changes.changed() => {
                    if changed.is_ok() && changes.borrow_and_update().connected {
                        self.reading = None;
                    }
                }
            }
        }
    }

    /// Starts to read after the last update, if the broker allows it.
    async fn open(&mut self) -> Result<(), Error> {
        if let Err(error @ Error::Replaced { .. }) = self.stream.extent().await {
            return Err(error);
        }
        let messages = async {
            let consumer = self.stream.consumer(self.seq, IDLE_TIMEOUT).await.ok()?;
            let batch = consumer.stream().heartbeat(HEARTBEAT).expires(EXPIRES).max_messages_per_batch(BATCH);
            batch.max_bytes_per_batch(self.stream.page_bytes()).messages().await.ok()
        };
        self.reading = messages.await.map(|messages| Reading { messages, given: 0 });
        if self.reading.is_none() {
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    async fn again(&mut self, error: impl std::fmt::Display) {
        tracing::debug!(%error, "the broker stopped sending updates; requesting again");
        self.reading = None;
        tokio::time::sleep(PAUSE).await;
    }
}
