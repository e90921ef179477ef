//! A feed that lives on NATS JetStream, so that any number of processes have the same one.
//!
//! In reading order: a [`Connection`] is to a broker and outlives its restarts; a [`Stream`] is one feed on it, whose
//! sequence numbers are the `seq` of the updates in every process; a `message` is an update as the broker keeps it; a
//! [`Reader`] follows a stream from any place. Servers read and publish, `feedlab publish` writes; nothing here knows of
//! transports or clients.
//!
//! What the broker promises is described in the documentation of NATS: [JetStream](https://docs.nats.io/nats-concepts/jetstream).

mod connection;
mod credentials;
mod error;
mod message;
mod reader;
mod stream;

pub use connection::Connection;
pub use credentials::{Credentials, CredentialsError};
pub use error::Error;
pub use reader::Reader;
pub use stream::{Missing, Stream};
