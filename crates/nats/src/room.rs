//! How the processes of one run communicate over a broker: messages under the run's name, and a store for data that is
//! too large for a message.
//!
//! This module does not know the contents of the messages. Only one run at a time has a name: the run that takes it
//! creates the store, with its id in the store's description, so that the broker itself refuses a second one.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use async_nats::jetstream::context::CreateKeyValueErrorKind;
use async_nats::jetstream::object_store::{Config, ObjectStore};
use async_nats::{Client, Subscriber};
use bytes::Bytes;
use feedlab_feed::source::BrokerAddress;
use futures_util::StreamExt as _;
use tokio::io::AsyncReadExt as _;

use crate::{Connection, Credentials, Error};

/// The largest object that a [`Store`] returns, bytes: the results of a process for a cell that takes a day.
pub const MAX_OBJECT_BYTES: usize = 256 << 20;
/// Time for another process to answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The name of a run or an agent on a broker.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name(String);

/// A text that is not a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a name is 1 to {max} characters of A-Z, a-z, 0-9, - and _", max = Name::MAX_BYTES)]
pub struct NotAName;

impl Name {
    /// The longest name, bytes.
    pub const MAX_BYTES: usize = 64;
}

impl FromStr for Name {
    type Err = NotAName;

    fn from_str(text: &str) -> Result<Self, NotAName> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let is_name = (1..=Self::MAX_BYTES).contains(&text.len()) && text.bytes().all(is_plain);
        is_name.then(|| Self(text.to_owned())).ok_or(NotAName)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The messages and the store of a run on a broker, under its name. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Room {
    connection: Connection,
    name: Name,
}

/// A subscription to messages.
#[derive(Debug)]
pub struct Inbox(Subscriber);

/// A received message.
#[derive(Debug)]
pub struct Letter {
    /// The contents of the message.
    pub payload: Bytes,
    reply: Option<async_nats::Subject>,
    client: Client,
}

/// A run's own store, as long as the run has its name.
pub struct Store(ObjectStore);

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

impl Room {
    /// Connects to the broker.
    ///
    /// # Errors
    /// When no broker answers, or the broker refuses the credentials.
    pub async fn open(address: &BrokerAddress, credentials: &Credentials, name: &Name) -> Result<Self, Error> {
        let connection = Connection::open(address, credentials).await?;
        Ok(Self { connection, name: name.clone() })
    }

    fn subject(&self, to: &str) -> String {
        format!("feedlab.run.{}.{to}", self.name)
    }

    fn bucket(&self) -> String {
        format!("feedlab-run-{}", self.name)
    }

    /// Takes the name for a run by creating its store, which no other run can create under the name until it is
    /// [given back](Self::leave). Returns `None` if another run has the name.
    ///
    /// # Errors
    /// When the broker does not support stores.
    pub async fn take(&self, id: &str) -> Result<Option<Store>, Error> {
        let config = Config {
            bucket: self.bucket(),
            description: Some(format!("What the agents of a run of feedlab found: {id}")),
            ..Config::default()
        };
        match self.connection.context.create_object_store(config).await {
            Ok(store) => Ok(Some(Store(store))),
            Err(error) if error.kind() == CreateKeyValueErrorKind::BucketCreate => {
                match self.connection.context.get_object_store(self.bucket()).await {
                    Ok(_) => Ok(None),
                    Err(_) => Err(Error::NoJetStream),
                }
            }
            Err(error) => Err(Error::failed("create a store", error)),
        }
    }

    /// Returns the store of the run that has the name.
    ///
    /// # Errors
    /// When there is no such store.
    pub async fn store(&self) -> Result<Store, Error> {
        let store = self.connection.context.get_object_store(self.bucket()).await;
        store.map(Store).map_err(|error| Error::failed("find the run's store", error))
    }

    /// Gives the name back, and removes what was stored.
    ///
    /// # Errors
    /// When the broker does not remove the store.
    pub async fn leave(&self) -> Result<(), Error> {
        let deleted = self.connection.context.delete_object_store(self.bucket()).await;
        deleted.map(drop).map_err(|error| Error::failed("remove the run's store", error))
    }

    /// Subscribes to the messages for a recipient.
    ///
    /// # Errors
    /// When the connection is closed permanently.
    pub async fn listen(&self, to: &str) -> Result<Inbox, Error> {
        let client = &self.connection.client;
        let subscribed = client
            .subscribe(self.subject(to))
            .await
            .map_err(|error| Error::failed("accept the subscription", error))?;
        // The broker has the subscription before any process is asked to answer.
        client.flush().await.map_err(|error| Error::failed("accept the subscription", error))?;
        Ok(Inbox(subscribed))
    }

    /// Sends a message to all subscribers of a recipient.
    ///
    /// # Errors
    /// When the connection is closed permanently.
    pub async fn say(&self, to: &str, payload: Vec<u8>) -> Result<(), Error> {
        let said = self.connection.client.publish(self.subject(to), payload.into()).await;
        said.map_err(|error| Error::failed("pass on a message", error))
    }

    /// Waits until the broker has received what was sent.
    ///
    /// # Errors
    /// When the connection is closed permanently.
    pub async fn flush(&self) -> Result<(), Error> {
        self.connection.client.flush().await.map_err(|error| Error::failed("receive the messages", error))
    }

    /// Sends a message to one subscriber, and waits for the answer.
    ///
    /// # Errors
    /// When there is no answer in time.
    pub async fn ask(&self, to: &str, payload: Vec<u8>) -> Result<Bytes, Error> {
        let asked = self.connection.client.request(self.subject(to), payload.into());
        match tokio::time::timeout(TIMEOUT, asked).await {
            Ok(Ok(message)) => Ok(message.payload),
            Ok(Err(error)) => Err(Error::failed("deliver an answer", error)),
            Err(_) => Err(Error::failed("deliver an answer", "none was sent in time")),
        }
    }
}

impl Inbox {
    /// Waits for the next message; `None` if the connection is closed permanently. Dropping the future loses no
    /// message.
    pub async fn next(&mut self, room: &Room) -> Option<Letter> {
        let message = self.0.next().await?;
        Some(Letter { payload: message.payload, reply: message.reply, client: room.connection.client.clone() })
    }
}

impl Letter {
    /// Answers the message, if the sender waits for an answer.
    ///
    /// # Errors
    /// When the connection is closed permanently.
    pub async fn answer(&self, payload: Vec<u8>) -> Result<(), Error> {
        let Some(reply) = self.reply.clone() else { return Ok(()) };
        let said = self.client.publish(reply, payload.into()).await;
        said.map_err(|error| Error::failed("pass on an answer", error))
    }
}

impl Store {
    /// Stores data under a name; the broker has all of it when this returns.
    ///
    /// # Errors
    /// When the broker does not accept it.
    pub async fn put(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let mut bytes = bytes;
        let kept = self.0.put(name, &mut bytes).await;
        kept.map(drop).map_err(|error| Error::failed("store the results", error))
    }

    /// Returns the data, verified by the digest that was computed when it was stored.
    ///
    /// # Errors
    /// When the data does not exist, is damaged, or is larger than any that a run stores.
    pub async fn get(&self, name: &str) -> Result<Vec<u8>, Error> {
        let failed = |error: &dyn fmt::Display| Error::failed("return the stored results", error);
        let object = self.0.get(name).await.map_err(|error| failed(&error))?;
        if object.info().size > MAX_OBJECT_BYTES {
            return Err(failed(&"they are larger than any that a run stores"));
        }
        let mut bytes = Vec::new();
        object.take(MAX_OBJECT_BYTES as u64).read_to_end(&mut bytes).await.map_err(|error| failed(&error))?;
        Ok(bytes)
    }
}
