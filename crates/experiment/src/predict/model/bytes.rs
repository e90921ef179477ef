//! Bytes on the sockets: what the application wanted to say, and what each transport wraps around it.
//!
//! Sizes come from the encoders ([`super::sizes`]) and from the heads as the libraries write them ([`super::heads`]).
//! Numbers that are written with more digits as a run goes on (cursors, content lengths) count with the digits of their
//! mean.

/// One client's bytes. Their sum is what passes the server's socket.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Bytes {
    /// From the client.
    pub(crate) up: f64,
    /// To the client.
    pub(crate) down: f64,
    /// Of both: what the application wanted to say.
    pub(crate) payload: f64,
    /// Of both: heads of requests and answers.
    pub(crate) headers: f64,
    /// Of both: what wraps payloads.
    pub(crate) framing: f64,
    /// Of both: what is there to keep idle connections open.
    pub(crate) keepalive: f64,
    /// Of the mean answer that brings news, or of the mean write of a stream.
    pub(crate) answer: f64,
}
