//! Errors of opening and using a stream, each with a remedy. No message contains credentials.

/// Why a stream cannot be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No server answers at the address.
    #[error("no NATS server answers at {servers}: {reason}; start one with: nats-server --jetstream")]
    Unreachable {
        /// The addresses of the servers.
        servers: String,
        /// The error of the connection.
        reason: String,
    },
    /// The server refuses the credentials, or requires some.
    #[error(
        "the NATS server at {servers} refuses these credentials: set NATS_USER and NATS_PASSWORD, NATS_TOKEN, or \
         NATS_CREDS=FILE"
    )]
    Unauthorized {
        /// The addresses of the servers.
        servers: String,
    },
    /// The server does not store streams.
    #[error("the NATS server has no JetStream; start it with: nats-server --jetstream --store_dir FOLDER")]
    NoJetStream,
    /// The stream does not exist, and may not be created.
    #[error(
        "there is no stream {stream}; create it by publishing: feedlab publish --to nats://HOST/{stream}, or serve it \
         with --allow-publish"
    )]
    NoStream {
        /// The name of the stream.
        stream: String,
    },
    /// The stream may drop updates other than the oldest.
    #[error("the stream {stream} cannot be a feed: {reason}")]
    Shape {
        /// The name of the stream.
        stream: String,
        /// What is wrong with it, and what would be right.
        reason: String,
    },
    /// The stream was deleted, and possibly created again, while it was read: its numbers now mean other updates.
    #[error(
        "the stream {stream} is no longer the one that was opened: it was deleted, or lost by a broker that kept it in memory"
    )]
    Replaced {
        /// The name of the stream.
        stream: String,
    },
    /// The broker failed to do something.
    #[error("the broker did not {what}: {reason}")]
    Failed {
        /// What the broker should have done, as a verb phrase.
        what: &'static str,
        /// The broker's error.
        reason: String,
    },
}

impl Error {
    /// Creates the error for something that the broker failed to do.
    pub(crate) fn failed(what: &'static str, reason: impl std::fmt::Display) -> Self {
        Self::Failed { what, reason: reason.to_string() }
    }
}
