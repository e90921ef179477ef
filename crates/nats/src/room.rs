//! Where the processes of one run meet on a broker: messages under the run's name, and a store for what is too large for one.
//!
//! What is said there is not known here. A name is one run's at a time: who takes it makes the store, and says in the store's
//! description who it is, so that the broker itself refuses a second one.

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

/// The largest object that a [`Store`] gives, bytes: what a process finds of a cell of a day.
pub const MAX_OBJECT_BYTES: usize = 256 << 20;
/// Time for another process to answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What somebody goes by on a broker: a run, an agent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name(String);

/// Why a text is no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a name has 1 to {max} of A-Z, a-z, 0-9, - and _", max = Name::MAX_BYTES)]
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

/// A place on a broker under a name. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Room {
    connection: Connection,
    name: Name,
}

/// Messages that come.
#[derive(Debug)]
pub struct Inbox(Subscriber);

/// One of them.
#[derive(Debug)]
pub struct Letter {
    /// What it says.
    pub payload: Bytes,
    reply: Option<async_nats::Subject>,
    client: Client,
}

/// A run's own store, while it has its name.
pub struct Store(ObjectStore);

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

impl Room {
    /// Connects.
    ///
    /// # Errors
    /// When no broker answers, or it refuses the credentials.
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

    /// Takes the name for a run: its store, which nobody else can make under the name until it is [given back](Self::leave).
    /// `None` if another run has it.
    ///
    /// # Errors
    /// When the broker keeps no stores.
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
            Err(error) => Err(Error::failed("make a store", error)),
        }
    }

    /// The store of the run that has the name.
    ///
    /// # Errors
    /// When there is none.
    pub async fn store(&self) -> Result<Store, Error> {
        let store = self.connection.context.get_object_store(self.bucket()).await;
        store.map(Store).map_err(|error| Error::failed("find the run's store", error))
    }

    /// Gives the name back, and removes what was stored.
    ///
    /// # Errors
    /// When the broker does not.
    pub async fn leave(&self) -> Result<(), Error> {
        let deleted = self.connection.context.delete_object_store(self.bucket()).await;
        deleted.map(drop).map_err(|error| Error::failed("remove the run's store", error))
    }

    /// Takes what is said to somebody.
    ///
    /// # Errors
    /// When the connection is gone permanently.
    pub async fn listen(&self, to: &str) -> Result<Inbox, Error> {
        let client = &self.connection.client;
        let subscribed = client.subscribe(self.subject(to)).await.map_err(|error| Error::failed("listen", error))?;
        // The broker has it before anybody is asked to answer.
        client.flush().await.map_err(|error| Error::failed("listen", error))?;
        Ok(Inbox(subscribed))
    }

    /// Says something to whoever listens.
    ///
    /// # Errors
    /// When the connection is gone permanently.
    pub async fn say(&self, to: &str, payload: Vec<u8>) -> Result<(), Error> {
        let said = self.connection.client.publish(self.subject(to), payload.into()).await;
        said.map_err(|error| Error::failed("pass a message on", error))
    }

    /// Waits until the broker has what was said.
    ///
    /// # Errors
    /// When the connection is gone permanently.
    pub async fn flush(&self) -> Result<(), Error> {
        self.connection.client.flush().await.map_err(|error| Error::failed("take what was said", error))
    }

    /// Says something to one who listens, and waits for the answer.
    ///
    /// # Errors
    /// When nobody answers in time.
    pub async fn ask(&self, to: &str, payload: Vec<u8>) -> Result<Bytes, Error> {
        let asked = self.connection.client.request(self.subject(to), payload.into());
        match tokio::time::timeout(TIMEOUT, asked).await {
            Ok(Ok(message)) => Ok(message.payload),
            Ok(Err(error)) => Err(Error::failed("bring an answer", error)),
            Err(_) => Err(Error::failed("bring an answer", "nobody gave one in time")),
        }
    }
}

impl Inbox {
    /// The next message; `None` when the connection is gone permanently. Dropping the future loses none.
    pub async fn next(&mut self, room: &Room) -> Option<Letter> {
        let message = self.0.next().await?;
        Some(Letter { payload: message.payload, reply: message.reply, client: room.connection.client.clone() })
    }
}

impl Letter {
    /// Answers, if an answer is waited for.
    ///
    /// # Errors
    /// When the connection is gone permanently.
    pub async fn answer(&self, payload: Vec<u8>) -> Result<(), Error> {
        let Some(reply) = self.reply.clone() else { return Ok(()) };
        let said = self.client.publish(reply, payload.into()).await;
        said.map_err(|error| Error::failed("pass an answer on", error))
    }
}

impl Store {
    /// Keeps something under a name; the broker has all of it when this returns.
    ///
    /// # Errors
    /// When the broker does not take it.
    pub async fn put(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let mut bytes = bytes;
        let kept = self.0.put(name, &mut bytes).await;
        kept.map(drop).map_err(|error| Error::failed("store what was found", error))
    }

    /// Gives it back, compared with the digest that was made of it when it was put there.
    ///
    /// # Errors
    /// When it is not there, is damaged, or larger than any that a run makes.
    pub async fn get(&self, name: &str) -> Result<Vec<u8>, Error> {
        let failed = |error: &dyn fmt::Display| Error::failed("give back what was stored", error);
        let object = self.0.get(name).await.map_err(|error| failed(&error))?;
        if object.info().size > MAX_OBJECT_BYTES {
            return Err(failed(&"it is larger than what a run finds"));
        }
        let mut bytes = Vec::new();
        object.take(MAX_OBJECT_BYTES as u64).read_to_end(&mut bytes).await.map_err(|error| failed(&error))?;
        Ok(bytes)
    }
}
