//! NATS JetStream: feeds that are stored there, so that any number of processes serve the same one, and the messages
//! between the processes of one run.
//!
//! In reading order: a [`Connection`] is to a broker and survives its restarts; a [`Stream`] is one feed on it, whose
//! sequence numbers are the `seq` of the updates in every process; a `message` is an update as the broker stores it; a
//! [`Reader`] follows a stream from any position. Servers read and publish, `feedlab publish` writes. In a [`Room`], a
//! run and its agents exchange messages. Nothing here knows about transports or clients.
//!
//! The NATS documentation describes what the broker guarantees:
//! [JetStream](https://docs.nats.io/nats-concepts/jetstream).

mod connection;
mod credentials;
mod error;
mod message;
mod reader;
mod room;
mod stream;

pub use connection::Connection;
pub use credentials::{Credentials, CredentialsError};
pub use error::Error;
pub use reader::{Arrival, Reader};
pub use room::{Inbox, Letter, MAX_OBJECT_BYTES, Name, NotAName, Room, Store};
pub use stream::{Missing, Stream};
