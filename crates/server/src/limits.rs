//! The limits on everything that a peer decides: each limit once, with its reason, and [`TABLE`], which `feedlab serve
//! --help` and docs/limits.md show. What users configure is in the settings; WebSocket frames have the same limits as
//! bodies.

use std::time::Duration;

use feedlab_feed::limit::Limit;
use feedlab_feed::limit::Most::{Bytes, Count, Keepalives, Time};
use feedlab_feed::stream::MAX_PIECES;
use feedlab_feed::{Cursor, EventType, body};

/// Connections that the control address accepts.
pub(crate) const MAX_CONTROL: usize = 256;
/// Time for the TLS handshake.
pub(crate) const TLS_TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of a TLS handshake message or record of which the rest is awaited: what rustls allows for a message. A record
/// has 18 KiB at most.
pub(crate) const MAX_UNFINISHED_TLS_BYTES: usize = 64 << 10;
/// Bytes that are encrypted at once, and then wait for the socket: RFC 8446, section 5.1.
pub(crate) const MAX_RECORD_BYTES: usize = 16 << 10;
/// Time for a request's headers to arrive; also how long a connection may be idle between two requests.
pub(crate) const HEADER_TIMEOUT: Duration = Duration::from_secs(75);
/// Bytes of request line and headers: what nginx accepts (`large_client_header_buffers`, four of 8 KiB).
pub(crate) const MAX_HEADER_BYTES: usize = 32 << 10;
/// Bytes behind a request that a shard keeps until that is answered: some twenty polls. With more, it is for the HTTP
/// library, so that a client that sends many at once delays no other connection of the shard.
pub(crate) const MAX_PIPELINED_BYTES: usize = 2 << 10;
/// Number of headers.
pub(crate) const MAX_HEADERS: usize = 100;
/// Bytes of a request's path and query. RFC 9112, section 3, recommends at least 8,000.
pub(crate) const MAX_TARGET_BYTES: usize = 8 << 10;
/// Bytes of an update that a client may publish, by default.
pub(crate) const MAX_MESSAGE_BYTES: usize = 64 << 10;

/// Payload bytes that the history may hold, whatever its number of updates.
pub(crate) const MAX_HISTORY_BYTES: usize = 64 << 20;
/// Bytes of a poll's response that are copied at a time. A connection has one such piece waiting for its socket.
pub(crate) const MAX_PIECE_BYTES: usize = 16 << 10;
/// Bytes of JSON that are kept beyond the history for unfinished long responses: an eighth of the history.
pub(crate) const MAX_RETIRED_BYTES: usize = 8 << 20;
/// Bytes of incomplete bodies that the server waits for, over all connections; each counts with its largest possible
/// size.
pub(crate) const MAX_BODIES_BYTES: usize = 2 << 20;
/// Bytes that a request waiting for its body counts in addition: what its connection or stream holds meanwhile.
pub(crate) const BODY_OVERHEAD_BYTES: usize = 4 << 10;
/// Keepalive intervals for which a client may read nothing of a stream or response before it counts as gone.
pub(crate) const MAX_STALLED: u8 = 4;

/// Bytes after which a stream's batch is full.
pub(crate) const MAX_BATCH_BYTES: usize = 64 << 10;
/// Answers to the client's frames that may wait for a socket; beyond it, frames are neither read nor decoded.
pub(crate) const MAX_WAITING: usize = 2 * MAX_PIECES;

/// Concurrent requests on an HTTP/2 connection. Browsers limit themselves to 100 and nginx allows 128; a client that
/// wants more opens another connection, and above a few hundred, sharing one saves nothing.
pub(crate) const MAX_STREAMS: u32 = 250;
/// Streams that the server resets for a client's errors, over the life of an HTTP/2 connection: as many again as it
/// accepts, because a client that has not read the server's settings yet may open more. A client that makes the server
/// reset its streams would otherwise have any number of requests in progress (CVE-2025-8671).
pub(crate) const MAX_ERROR_RESETS: usize = MAX_STREAMS as usize;
/// Streams on an HTTP/2 connection that their client has reset before the server accepted them: those no longer count
/// as concurrent (CVE-2023-44487). What hyper allows.
pub(crate) const MAX_UNACCEPTED_RESETS: usize = 20;
/// Resets that an HTTP/2 client may send in a second. A page that is left resets all its streams at once.
pub(crate) const MAX_RESETS: u32 = 2 * MAX_STREAMS;
/// Frames without a part of a request that an HTTP/2 client may send in a second: settings, pings, priorities,
/// continuations, empty data, window updates, and frames of unknown types (CVE-2019-9512, -9515, -9518).
pub(crate) const MAX_EMPTY_FRAMES: u32 = 1_000;
/// Bytes that an HTTP/2 client must have been sent for each further one of these frames: clients may answer each update
/// with a window update for the stream and one for the connection, and an update has more than twice this number.
pub(crate) const BYTES_PER_FRAME: u64 = 32;
/// Bytes that an HTTP/2 stream may have waiting for the client's window or the socket. The library's default of 400 KB
/// would hide for a long time that a client is slow.
pub(crate) const MAX_SEND_BUFFER: usize = 64 << 10;
/// Bytes of long responses that an HTTP/2 connection may have waiting for its socket: one piece, over all its streams.
/// A frame header of nine bytes is 0.2% of it.
pub(crate) const MAX_LONG_PIECE_BYTES: usize = 4 << 10;
/// Frames that an HTTP/2 stream may have waiting. The library limits their bytes, and holds about 300 more for each
/// frame: without this limit, two-byte pongs would take 10 MB before they reach 64 KiB. Updates have more than 64
/// bytes.
pub(crate) const MAX_FRAMES: usize = 1_024;

/// Short answers to polls that a thread keeps for other clients with the same cursor: at most a megabyte.
pub(crate) const MAX_KEPT_ANSWERS: usize = 64;

/// How long a poll waits for updates from a broker.
pub(crate) const BROKER_PATIENCE: Duration = Duration::from_secs(5);
/// Pages of older updates that are kept for a feed on a broker, and how many are requested at a time. A page has 256
/// updates or a megabyte, or one larger message.
pub(crate) const MAX_PAGES: usize = 16;
pub(crate) const MAX_PAGES_LOADING: usize = 8;

/// All limits of the server.
pub const TABLE: [Limit; 32] = [
    Limit { name: "connections to --control", most: Count(MAX_CONTROL), why: "descriptors; beyond it 503" },
    Limit { name: "TLS handshake", most: Time(TLS_TIMEOUT), why: "memory of a handshake; then closed" },
    Limit {
        name: "incomplete message or record of TLS",
        most: Bytes(MAX_UNFINISHED_TLS_BYTES),
        why: "memory of a connection; beyond it closed",
    },
    Limit {
        name: "waiting bytes of a TLS connection",
        most: Bytes(MAX_RECORD_BYTES),
        why: "memory of a connection; the rest waits",
    },
    Limit {
        name: "waiting for headers, or idle between requests",
        most: Time(HEADER_TIMEOUT),
        why: "descriptors; then closed",
    },
    Limit {
        name: "request line and headers",
        most: Bytes(MAX_HEADER_BYTES),
        why: "memory of a request; beyond it 431",
    },
    Limit { name: "headers", most: Count(MAX_HEADERS), why: "memory of a request; beyond it 431" },
    Limit { name: "path and query", most: Bytes(MAX_TARGET_BYTES), why: "memory of a request; beyond it 414" },
    Limit {
        name: "publication",
        most: Bytes(MAX_MESSAGE_BYTES),
        why: "memory of a body or a frame; beyond it 413 or 1009",
    },
    Limit {
        name: "command to a lab, a class or a waiting feed",
        most: Bytes(body::MAX_ORDER_BYTES),
        why: "memory of a body; beyond it 413",
    },
    Limit { name: "waiting for a body", most: Time(body::TIMEOUT), why: "memory of a body; then 408" },
    Limit { name: "event type", most: Bytes(EventType::MAX_LEN), why: "every client's memory; beyond it 400" },
    Limit { name: "cursor", most: Bytes(Cursor::MAX_LEN), why: "no memory is at stake; beyond it 400" },
    Limit { name: "history", most: Bytes(MAX_HISTORY_BYTES), why: "server memory; the oldest updates are dropped" },
    Limit {
        name: "bodies that the server waits for, in total",
        most: Bytes(MAX_BODIES_BYTES),
        why: "server memory; beyond it 503, unless a body arrives with its head",
    },
    Limit {
        name: "requests behind another, without the HTTP library",
        most: Bytes(MAX_PIPELINED_BYTES),
        why: "memory of a connection; beyond it the library reads them",
    },
    Limit {
        name: "answers to polls that a thread keeps for other clients",
        most: Count(MAX_KEPT_ANSWERS),
        why: "server memory; made again",
    },
    Limit {
        name: "piece of a poll's response",
        most: Bytes(MAX_PIECE_BYTES),
        why: "memory of an unread response; the rest stays in the history",
    },
    Limit {
        name: "JSON kept for responses behind the history",
        most: Bytes(MAX_RETIRED_BYTES),
        why: "server memory; responses further behind end early",
    },
    Limit {
        name: "stream or response of which nothing is read",
        most: Keepalives(MAX_STALLED),
        why: "memory and descriptors; then reset",
    },
    Limit {
        name: "updates held by a stream",
        most: Count(MAX_PIECES),
        why: "memory of a stream; the rest stays in the history",
    },
    Limit { name: "bytes held by a stream, plus one update", most: Bytes(MAX_BATCH_BYTES), why: "as above" },
    Limit {
        name: "answers to a stream's own frames",
        most: Count(MAX_WAITING),
        why: "memory of a stream; beyond it nothing is read",
    },
    Limit {
        name: "concurrent requests on an HTTP/2 connection",
        most: Count(MAX_STREAMS as usize),
        why: "memory of a connection; beyond it refused",
    },
    Limit {
        name: "errors of an HTTP/2 client for which a stream is reset",
        most: Count(MAX_ERROR_RESETS),
        why: "requests in progress; then the connection ends",
    },
    Limit {
        name: "HTTP/2 streams reset before they are accepted",
        most: Count(MAX_UNACCEPTED_RESETS),
        why: "as above",
    },
    Limit {
        name: "resets of an HTTP/2 client per second",
        most: Count(MAX_RESETS as usize),
        why: "CPU time; then the connection ends",
    },
    Limit {
        name: "empty frames of an HTTP/2 client per second",
        most: Count(MAX_EMPTY_FRAMES as usize),
        why: "as above; 32 received bytes allow one more",
    },
    Limit {
        name: "waiting bytes of an HTTP/2 stream",
        most: Bytes(MAX_SEND_BUFFER),
        why: "memory of a stream; the rest waits",
    },
    Limit { name: "waiting frames of an HTTP/2 stream", most: Count(MAX_FRAMES), why: "as above" },
    Limit {
        name: "waiting bytes of long responses on an HTTP/2 connection",
        most: Bytes(MAX_LONG_PIECE_BYTES),
        why: "memory of a connection; the others wait their turn",
    },
    Limit {
        name: "pages of older updates, for a feed on NATS",
        most: Count(MAX_PAGES),
        why: "server memory; read from the stream again",
    },
];
