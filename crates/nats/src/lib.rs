//! NATS JetStream: a feed that lives there, so that any number of processes have the same one, and the place where the
//! processes of one run meet.
//!
//! In reading order: a [`Connection`] is to a broker and outlives its restarts; a [`Stream`] is one feed on it, whose
//! sequence numbers are the `seq` of the updates in every process; a `message` is an update as the broker keeps it; a
//! [`Reader`] follows a stream from any place. Servers read and publish, `feedlab publish` writes. In a [`Room`] a run and its
//! agents talk. Nothing here knows of transports or clients.
//!
//! What the broker promises is described in the documentation of NATS: [JetStream](https://docs.nats.io/nats-concepts/jetstream).

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
