//! Follows a stream, over whatever happens to the broker and the connection to it.

use std::time::Duration;

use async_nats::jetstream::consumer::pull;
use feedlab_feed::Update;
use futures_util::StreamExt as _;

use crate::stream::{Received, received};
use crate::{Error, Stream};

/// Between two tries to go on.
const PAUSE: Duration = Duration::from_millis(200);
/// How often the broker says that it is there while nothing is published; without two of these it is asked again.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// How long one request for updates holds, before the next is made.
const EXPIRES: Duration = Duration::from_secs(30);
/// Most updates that may be on the way.
const BATCH: usize = 256;
/// How long a broker keeps a reader's place when the reader is gone.
const LIFE: Duration = Duration::from_secs(60);

/// An update from the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The update.
    pub update: Update,
    /// When the broker stored it, µs of Unix time.
    pub stored_at: u64,
}

/// Gives the updates of a stream, one after another.
///
/// It reads again, from the update after the last that it gave, whenever the connection comes back: what the broker kept for
/// the reading before is gone when the broker was restarted, and would be missed only after a minute.
pub struct Reader {
    stream: Stream,
    /// The last update that was given.
    seq: u64,
    reading: Option<Reading>,
}

/// Messages from the broker, numbered as they are given: a number that is left out is one that was lost on the way.
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

    /// The next update, whenever it comes. Its `seq` is beyond the next one where the stream no longer has that.
    ///
    /// # Errors
    /// When the stream is not there any more, or is another one. Everything else is tried again.
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
                            self.again("a message was lost on the way").await;
                        } else if update.seq > self.seq {
                            self.seq = update.seq;
                            return Ok(Arrival { update, stored_at });
                        }
                    }
                    Some(Err(error)) => self.again(error).await,
                    None => self.again("it ended the reading").await,
                },
                changed = changes.changed() => {
                    if changed.is_ok() && changes.borrow_and_update().connected {
                        self.reading = None;
                    }
                }
            }
        }
    }

    /// Begins to read after the last update, when the broker lets it.
    async fn open(&mut self) -> Result<(), Error> {
        if let Err(error @ Error::Replaced { .. }) = self.stream.extent().await {
            return Err(error);
        }
        let messages = async {
            let consumer = self.stream.consumer(self.seq, LIFE).await.ok()?;
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
        tracing::debug!(%error, "the broker stopped giving updates; asking again");
        self.reading = None;
        tokio::time::sleep(PAUSE).await;
    }
}
