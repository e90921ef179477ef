//! One feed on a broker: made if it is to be, checked, written and read again.

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

/// How often an update is sent again, under the same name, when its acknowledgement does not come.
const TRIES: u32 = 3;
/// Time for one acknowledgement.
const ACK_TIMEOUT: Duration = Duration::from_secs(3);
/// Between two tries of who waits however long it takes.
const PAUSE: Duration = Duration::from_millis(200);
/// Within this time the broker knows an update that is sent again.
const DUPLICATE_WINDOW: Duration = Duration::from_secs(120);
/// Most updates of a page, and most payload bytes, but for one message that is larger.
const PAGE_UPDATES: usize = 256;
const PAGE_BYTES: usize = 1 << 20;
/// How long a broker keeps what a page was read with, should nobody end it.
const PAGE_LIFE: Duration = Duration::from_secs(5);

/// What to do about a stream that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Make it: on disk, for one server, without a bound on what it keeps.
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
    /// Opens a stream, and checks that it can be a feed: it keeps each update in its place until the oldest go.
    ///
    /// # Errors
    /// When the broker cannot be reached, has no JetStream or no such stream, or when the stream does not keep every update.
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
                // Nobody listens where JetStream would.
                GetStreamErrorKind::Request => return Err(Error::NoJetStream),
                _ => return Err(Error::failed("open the stream", error)),
            },
        };
        let info = handle.cached_info().clone();
        let subject = subject(&info).map_err(|reason| Error::Shape { stream: name.clone(), reason })?;
        Ok(Self { connection, epoch: epoch(&info), handle, name, subject })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The life of the feed: the same in every process, and another one when the stream is deleted and made again.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// How the connection to the broker stands.
    #[must_use]
    pub fn state(&self) -> BrokerStats {
        self.connection.state()
    }

    /// The `seq` of its oldest update and of its newest; the oldest is one more than the newest when it has none.
    ///
    /// # Errors
    /// When the broker does not answer, or has another stream under this name.
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

    /// Publishes an update that was due at `at`, µs of Unix time: its `seq`, once the stream has it. One that is sent again
    /// because no answer came is in the stream once.
    ///
    /// # Errors
    /// When the broker has not answered after some tries; the stream may have the update still.
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

    /// The same, however long the broker may be away. That an update is in the stream once holds for two minutes.
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
            Err(_) => Err(Error::failed("acknowledge the update", "it does not answer")),
        }
    }

    /// Follows it from the update after `seq`.
    #[must_use]
    pub fn follow(&self, seq: u64) -> Reader {
        Reader::new(self.clone(), seq)
    }

    /// Some of the updates after `seq`, oldest first: 256, or a megabyte of them, or all that there are. The first may be a
    /// later one than the next, where the stream no longer has that.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub async fn page(&self, seq: u64) -> Result<Vec<Update>, Error> {
        let failed = |error: &dyn std::fmt::Display| Error::failed("give older updates", error);
        let consumer = self.consumer(seq, PAGE_LIFE).await.map_err(|error| failed(&error))?;
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

    /// Bytes that may be asked for at a time: those of a page, and of one message more.
    pub(crate) fn page_bytes(&self) -> usize {
        PAGE_BYTES + self.connection.client.server_info().max_payload
    }

    /// A place from which to read what follows a `seq`; the broker forgets it when nobody has read for `life`.
    pub(crate) async fn consumer(&self, seq: u64, life: Duration) -> Result<Consumer<pull::Config>, ConsumerError> {
        let config = pull::Config {
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: seq + 1 },
            ack_policy: AckPolicy::None,
            inactive_threshold: life,
            memory_storage: true,
            num_replicas: 1,
            ..pull::Config::default()
        };
        self.handle.create_consumer(config).await
    }
}

/// A message as the update that it is.
pub(crate) struct Received {
    pub(crate) update: Update,
    /// Its number among those of a consumer: 1, 2, 3 …
    pub(crate) number: u64,
    /// When the broker stored it, µs of Unix time.
    pub(crate) stored_at: u64,
}

pub(crate) fn received(message: &jetstream::Message) -> Result<Received, Error> {
    let info = message.info().map_err(|error| Error::failed("say which message this is", error))?;
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
    connection.context.get_or_create_stream(config).await.map_err(|error| Error::failed("make the stream", error))
}

/// The one subject that a feed is published to, or why the stream is none.
fn subject(info: &Info) -> Result<String, String> {
    let Config { retention, max_messages_per_subject, allow_rollup, subjects, .. } = &info.config;
    if *retention != RetentionPolicy::Limits {
        return Err("its retention drops what one reader has seen; it must be `limits`".to_owned());
    }
    if *max_messages_per_subject > 0 || *allow_rollup {
        return Err("it drops updates from its middle: no limit for each subject and no rollup, please".to_owned());
    }
    if let Some(deleted) = info.state.deleted_count.filter(|deleted| *deleted > 0) {
        return Err(format!("{deleted} of its messages were deleted from its middle, and nobody could tell which"));
    }
    match &subjects[..] {
        [subject] if !subject.contains(['*', '>']) => Ok(subject.clone()),
        _ => Err(format!("it must have one subject without wildcards, and has {}", subjects.join(", "))),
    }
}

fn epoch(info: &Info) -> Epoch {
    Epoch::of(format!("{} {}", info.config.name, info.created.unix_timestamp_nanos()).as_bytes())
}

fn has_no_jetstream(error: &jetstream::Error) -> bool {
    let code = error.error_code();
    code == ErrorCode::JETSTREAM_NOT_ENABLED || code == ErrorCode::JETSTREAM_NOT_ENABLED_FOR_ACCOUNT
}
