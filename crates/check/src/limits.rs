//! The limits on everything that a judged server decides, each once and with its reason: [`TABLE`] has those of a check,
//! which docs/limits.md shows, and [`LIMITS`] those of an inspection.

use std::time::Duration;

use feedlab_feed::limit::Limit;
use feedlab_feed::limit::Most::{Bytes, Count, Time};

/// Bytes that are kept of what a connection receives; then it is not read further.
pub const RECORDING: usize = 8 << 20;
/// Chunks that are kept of what a connection receives. Each takes about 50 bytes beside its own, so that a server which
/// sends single bytes would take much more memory than it sends.
pub const CHUNKS: usize = 64 << 10;
/// Bytes of a response's status line and header fields; in a check and an inspection.
pub const HEAD: usize = 64 << 10;
/// Bytes of a response's body after its content coding is undone. A gzip bomb is a thousand times as large as what is sent.
pub const BODY: usize = 8 << 20;
/// Events, frames or items of an answer that are read. An empty one is a few bytes on the wire and about 200 in memory.
pub const ITEMS: usize = 64 << 10;
/// Time to resolve a name, connect and do the TLS handshake, together; in a check and an inspection.
pub const OPEN: Duration = Duration::from_secs(10);
/// Time for a server to take what is sent to it.
pub const SEND: Duration = Duration::from_secs(10);
/// Bytes that all connections of a case receive together; then the case fails.
pub const CASE: usize = 128 << 20;
/// Bytes of an entry of a trace.
pub const TRACE_ENTRY: usize = 2 << 10;
/// Entries of a trace.
pub const TRACE_ENTRIES: usize = 200;
/// Time for a command that publishes an update.
pub const COMMAND: Duration = Duration::from_secs(10);
/// Bytes that are kept of what a command says about its failure.
pub const COMMAND_OUTPUT: u64 = 4 << 10;
/// Time for a command that restarts the server, and then for the server to accept connections.
pub const RESTART: Duration = Duration::from_secs(60);

/// How long something that must happen is waited for, by default.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// How long a feed must not change to count as one on which only the check publishes.
pub const LISTEN: Duration = Duration::from_secs(1);

/// Connections to a server, with those of redirects, reconnects and short probes.
pub const MAX_CONNECTIONS: usize = 10;
/// Redirects in a row.
pub const MAX_REDIRECTS: usize = 5;
/// An event or a message, bytes.
pub const MAX_EVENT_BYTES: usize = 1 << 20;
/// The body of an answer after decompression, bytes.
pub const MAX_BODY_BYTES: u64 = 64 << 20;
/// Arrivals, and events, that are remembered one by one.
pub const MAX_RECORDS: usize = 10_000;
/// The beginning of a body that is kept to recognize what it is, bytes.
pub const MAX_SAMPLE_BYTES: usize = 4 << 10;
/// The text of events that is compressed to predict what compression would save, bytes.
pub const MAX_COMPRESSED_BYTES: usize = 1 << 20;
/// Text of a server that is quoted in a finding, characters.
pub const MAX_QUOTED: usize = 80;

/// All limits of a check.
pub const TABLE: [Limit; 13] = [
    Limit { name: "opening a connection", most: Time(OPEN), why: "time of a check; then the step fails" },
    Limit { name: "sending a request or a frame", most: Time(SEND), why: "time of a check; then the step fails" },
    Limit {
        name: "bytes received on a connection",
        most: Bytes(RECORDING),
        why: "memory of a check; then the connection is not read further",
    },
    Limit { name: "chunks received on a connection", most: Count(CHUNKS), why: "as above" },
    Limit {
        name: "status line and headers of a response",
        most: Bytes(HEAD),
        why: "memory; then the response is broken",
    },
    Limit { name: "decompressed body of a response", most: Bytes(BODY), why: "memory; then the response is broken" },
    Limit {
        name: "events, frames or items of a response",
        most: Count(ITEMS),
        why: "memory of a check; the rest is not read",
    },
    Limit { name: "bytes received in a case", most: Bytes(CASE), why: "memory of a check; then the case has failed" },
    Limit { name: "an entry of a trace", most: Bytes(TRACE_ENTRY), why: "a trace is for people; the rest is left out" },
    Limit { name: "entries of a trace", most: Count(TRACE_ENTRIES), why: "as above" },
    Limit { name: "a command that publishes", most: Time(COMMAND), why: "time of a check; then publishing has failed" },
    Limit {
        name: "output of a command that is kept",
        most: Bytes(COMMAND_OUTPUT as usize),
        why: "memory; the rest is dropped",
    },
    Limit { name: "a restart of the server", most: Time(RESTART), why: "time of a check; then the step fails" },
];

/// What `feedlab inspect` reads, holds and opens at most, whatever the server does.
pub const LIMITS: [Limit; 9] = [
    Limit {
        name: "connections of an inspection",
        most: Count(MAX_CONNECTIONS),
        why: "the server's; what needs more is not tested",
    },
    Limit { name: "redirects that are followed", most: Count(MAX_REDIRECTS), why: "time; beyond it a finding" },
    Limit { name: "head of an answer", most: Bytes(HEAD), why: "memory; beyond it a finding" },
    Limit { name: "event or message", most: Bytes(MAX_EVENT_BYTES), why: "memory; beyond it a finding" },
    Limit {
        name: "body, after decompression",
        most: Bytes(MAX_BODY_BYTES as usize),
        why: "processor time, and decompression bombs; then no more is read",
    },
    Limit {
        name: "arrivals and events that are remembered",
        most: Count(MAX_RECORDS),
        why: "memory; beyond it they are only counted",
    },
    Limit {
        name: "beginning of a body that is kept",
        most: Bytes(MAX_SAMPLE_BYTES),
        why: "memory; it is only to recognize a page or JSON",
    },
    Limit {
        name: "events that are compressed for a prediction",
        most: Bytes(MAX_COMPRESSED_BYTES),
        why: "processor time; the rest is predicted from them",
    },
    Limit { name: "connection to open, with DNS and TLS", most: Time(OPEN), why: "time; beyond it unreachable" },
];
