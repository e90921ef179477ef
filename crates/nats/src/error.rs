//! Why a stream cannot be had, each with what would help. None of them says a credential.

/// Why a stream cannot be had, read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody answers there.
    #[error("no NATS server answers at {servers}: {reason}; start one with: nats-server --jetstream")]
    Unreachable {
        /// Where it was looked for.
        servers: String,
        /// What the connection failed with.
        reason: String,
    },
    /// The credentials, or that there are none.
    #[error(
        "the NATS server at {servers} refuses these credentials: set NATS_USER and NATS_PASSWORD, NATS_TOKEN, or \
         NATS_CREDS=FILE"
    )]
    Unauthorized {
        /// Which server.
        servers: String,
    },
    /// The server keeps no streams.
    #[error("the NATS server has no JetStream; start it with: nats-server --jetstream --store_dir FOLDER")]
    NoJetStream,
    /// There is no such stream, and nobody asked to make it.
    #[error(
        "there is no stream {stream}; make it by publishing: feedlab publish --to nats://HOST/{stream}, or serve it with \
         --allow-publish"
    )]
    NoStream {
        /// Its name.
        stream: String,
    },
    /// The stream does not keep every update in its place.
    #[error("the stream {stream} cannot be a feed: {reason}")]
    Shape {
        /// Its name.
        stream: String,
        /// What about it, and what would be right.
        reason: String,
    },
    /// It was deleted, and perhaps made again, while it was followed: its numbers mean other updates now.
    #[error(
        "the stream {stream} is no longer the one that was opened: it was deleted, or lost by a broker that kept it in memory"
    )]
    Replaced {
        /// Its name.
        stream: String,
    },
    /// The broker did not do what was asked.
    #[error("the broker did not {what}: {reason}")]
    Failed {
        /// What it was to do.
        what: &'static str,
        /// What it said.
        reason: String,
    },
}

impl Error {
    /// Something that the broker was to do, and how that went wrong.
    pub(crate) fn failed(what: &'static str, reason: impl std::fmt::Display) -> Self {
        Self::Failed { what, reason: reason.to_string() }
    }
}
