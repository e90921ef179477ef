//! One feed on a broker: creates it if allowed, checks it, writes and reads it.

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, Consumer, DeliverPolicy, pull};
use async_nats::jetstream::context::GetStreamErrorKind;
use async_nats::jetstream::stream::{Config, ConsumerError, Info, RetentionPolicy, StorageType};
use async_nats::jetstream::{self, ErrorCode};
use feedlab_feed::source::{Item, StreamAddress};
use feedlab_feed::stats::BrokerStats;
use feedlab_feed::{Epoch, Update};
use futures_util::TryStreamExt as _;

use crate::message::{self, Message};
use crate::{Connection, Credentials, Error, Reader};

/// How often an update is sent, with the same id, if its acknowledgement does not arrive.
const TRIES: u32 = 3;
/// Time for one acknowledgement.
const ACK_TIMEOUT: Duration = Duration::from_secs(3);
/// Pause between two attempts of a publisher that waits as long as it takes.
const PAUSE: Duration = Duration::from_millis(200);
/// How long the broker recognizes an update that is sent again.
const DUPLICATE_WINDOW: Duration = Duration::from_secs(120);
/// The largest number of updates in a page, and of payload bytes, except for one larger message.
const PAGE_UPDATES: usize = 256;
const PAGE_BYTES: usize = 1 << 20;
/// How long a broker keeps the consumer of a page if it is not deleted.
const PAGE_IDLE_TIMEOUT: Duration = Duration::from_secs(5);

/// What to do if a stream does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Create it: on disk, on one server, without a limit on what it keeps.
    Create,
    /// Refuse.
    Refuse,
}

/// One feed on a broker. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Stream {
    pub(crate) connection: Connection,
    pub(crate) handle: jetstream::stream::Stream,
    name: String,
    subject: String,
    epoch: Epoch,
}

impl Stream {
    /// Opens a stream, and checks that it can be a feed: it may drop only its oldest updates.
    ///
    /// # Errors
    /// When the broker cannot be reached, has no JetStream or no such stream, or when the stream does not keep every
    /// update.
    pub async fn open(address: &StreamAddress, credentials: &Credentials, missing: Missing) -> Result<Self, Error> {
        let connection = Connection::open(address.broker(), credentials).await?;
        let name = address.stream().to_owned();
        let handle = match connection.context.get_stream(&name).await {
            Ok(handle) => handle,
            Err(error) => match error.kind() {
                GetStreamErrorKind::JetStream(error) if error.error_code() == ErrorCode::STREAM_NOT_FOUND => {
                    create(&connection, &name, missing).await?
                }
                GetStreamErrorKind::JetStream(error) if has_no_jetstream(&error) => return Err(Error::NoJetStream),
                // No JetStream is listening.
                GetStreamErrorKind::Request => return Err(Error::NoJetStream),
                _ => return Err(Error::failed("open the stream", error)),
            },
        };
        let info = handle.cached_info().clone();
        let subject = subject(&info).map_err(|reason| Error::Shape { stream: name.clone(), reason })?;
        Ok(Self { connection, epoch: epoch(&info), handle, name, subject })
    }

    /// The name of the stream.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The epoch of the feed: the same in every process, and a different one if the stream is deleted and created
    /// again.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The state of the connection to the broker.
    #[must_use]
    pub fn state(&self) -> BrokerStats {
        self.connection.state()
    }

    /// Returns the `seq` of its oldest update and of its newest; the oldest is one more than the newest if it has none.
    ///
    /// # Errors
    /// When the broker does not answer, or has another stream with this name.
    pub async fn extent(&self) -> Result<(u64, u64), Error> {
        let replaced = || Error::Replaced { stream: self.name.clone() };
        let handle = self.connection.context.get_stream(&self.name).await.map_err(|error| match error.kind() {
            GetStreamErrorKind::JetStream(error) if error.error_code() == ErrorCode::STREAM_NOT_FOUND => replaced(),
            _ => Error::failed("describe the stream", error),
        })?;
        let info = handle.cached_info();
        if epoch(info) != self.epoch {
            return Err(replaced());
        }
        let last = info.state.last_sequence;
        Ok((if info.state.messages == 0 { last + 1 } else { info.state.first_sequence }, last))
    }

    /// Publishes an update that was due at `at`, µs of Unix time, and returns its `seq` once the stream has stored it.
    /// An update that is sent again because there was no answer is in the stream only once.
    ///
    /// # Errors
    /// When the broker has not answered after some attempts; the stream may have stored the update nevertheless.
    pub async fn publish(&self, item: Item, at: u64) -> Result<u64, Error> {
        let message = Message::new(item, at);
        let mut tries = 1;
        loop {
            match self.send(&message).await {
                Err(_) if tries < TRIES && self.state().connected => tries += 1,
                result => return result,
            }
        }
    }

    /// Publishes an update, however long the broker is unavailable. Only within two minutes is it certain that the
    /// update is in the stream only once.
    pub async fn publish_patiently(&self, item: Item, at: u64) -> u64 {
        let message = Message::new(item, at);
        loop {
            match self.send(&message).await {
                Ok(seq) => return seq,
                Err(error) => tracing::debug!(%error, "an update was not acknowledged; sending it again"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn send(&self, Message { headers, payload }: &Message) -> Result<u64, Error> {
        let send = async {
            let context = &self.connection.context;
            context.publish_with_headers(self.subject.clone(), headers.clone(), payload.clone()).await?.await
        };
        match tokio::time::timeout(ACK_TIMEOUT, send).await {
            Ok(Ok(ack)) => Ok(ack.sequence),
            Ok(Err(error)) => Err(Error::failed("acknowledge the update", error)),
            Err(_) => Err(Error::failed("acknowledge the update", "no answer in time")),
        }
    }

    /// Returns a reader that starts with the update after `seq`.
    #[must_use]
    pub fn follow(&self, seq: u64) -> Reader {
        Reader::new(self.clone(), seq)
    }

    /// Returns some of the updates after `seq`, oldest first: 256, or a megabyte of them, or all that exist. The first
    /// may be later than the next `seq` if the stream no longer has that.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub async fn page(&self, seq: u64) -> Result<Vec<Update>, Error> {
        let failed = |error: &dyn std::fmt::Display| Error::failed("return older updates", error);
        let consumer = self.consumer(seq, PAGE_IDLE_TIMEOUT).await.map_err(|error| failed(&error))?;
        let messages = consumer.fetch().max_messages(PAGE_UPDATES).max_bytes(self.page_bytes()).messages();
        let mut messages = messages.await.map_err(|error| failed(&error))?;
        let mut updates = Vec::new();
        let mut bytes = 0;
        while bytes < PAGE_BYTES
            && let Some(message) = messages.try_next().await.map_err(|error| failed(&error))?
        {
            bytes += message.payload.len();
            updates.push(received(&message)?.update);
        }
        drop(messages);
        let _ = self.handle.delete_consumer(&consumer.cached_info().name).await;
        Ok(updates)
    }

    /// The number of bytes to request at a time: a page, and one more message.
    pub(crate) fn page_bytes(&self) -> usize {
        PAGE_BYTES + self.connection.client.server_info().max_payload
    }

    /// Creates a consumer that reads what follows a `seq`; the broker deletes it when it has been idle for
    /// `idle_timeout`.
    pub(crate) async fn consumer(
        &self,
        seq: u64,
        idle_timeout: Duration,
    ) -> Result<Consumer<pull::Config>, ConsumerError> {
        let config = pull::Config {
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: seq + 1 },
            ack_policy: AckPolicy::None,
            inactive_threshold: idle_timeout,
            memory_storage: true,
            num_replicas: 1,
            ..pull::Config::default()
        };
        self.handle.create_consumer(config).await
    }
}

/// A message, decoded as an update.
pub(crate) struct Received {
    pub(crate) update: Update,
    /// The number of the message within its consumer: 1, 2, 3 …
    pub(crate) number: u64,
    /// When the broker stored it, µs of Unix time.
    pub(crate) stored_at: u64,
}

pub(crate) fn received(message: &jetstream::Message) -> Result<Received, Error> {
    let info = message.info().map_err(|error| Error::failed("identify the message", error))?;
    let stored_at = u64::try_from(info.published.unix_timestamp_nanos() / 1_000).unwrap_or_default();
    let (item, at) = message::decode(message.headers.as_ref(), message.payload.clone(), stored_at);
    let update = Update { seq: info.stream_sequence, at, event_type: item.event_type, data: item.data };
    Ok(Received { update, number: info.consumer_sequence, stored_at })
}

async fn create(connection: &Connection, name: &str, missing: Missing) -> Result<jetstream::stream::Stream, Error> {
    if missing == Missing::Refuse {
        return Err(Error::NoStream { stream: name.to_owned() });
    }
    let config = Config {
        name: name.to_owned(),
        subjects: vec![format!("feedlab.{name}")],
        storage: StorageType::File,
        duplicate_window: DUPLICATE_WINDOW,
        description: Some("A feed of feedlab: https://docs.nats.io/nats-concepts/jetstream".to_owned()),
        deny_delete: true,
        ..Config::default()
    };
    connection.context.get_or_create_stream(config).await.map_err(|error| Error::failed("create the stream", error))
}

/// Returns the one subject that the feed is published to, or why the stream cannot be a feed.
fn subject(info: &Info) -> Result<String, String> {
    let Config { retention, max_messages_per_subject, allow_rollup, subjects, .. } = &info.config;
    if *retention != RetentionPolicy::Limits {
        return Err("its retention policy drops what one reader has read; it must be `limits`".to_owned());
    }
    if *max_messages_per_subject > 0 || *allow_rollup {
        return Err("it may drop updates from its middle; remove the limit per subject and the rollup".to_owned());
    }
    if let Some(deleted) = info.state.deleted_count.filter(|deleted| *deleted > 0) {
        return Err(format!("{deleted} of its messages were deleted from its middle, which clients cannot notice"));
    }
    match &subjects[..] {
        [subject] if !subject.contains(['*', '>']) => Ok(subject.clone()),
        _ => Err(format!("it must have one subject without wildcards, but has {}", subjects.join(", "))),
    }
}

fn epoch(info: &Info) -> Epoch {
    Epoch::of(format!("{} {}", info.config.name, info.created.unix_timestamp_nanos()).as_bytes())
}

fn has_no_jetstream(error: &jetstream::Error) -> bool {
    let code = error.error_code();
    code == ErrorCode::JETSTREAM_NOT_ENABLED || code == ErrorCode::JETSTREAM_NOT_ENABLED_FOR_ACCOUNT
}
