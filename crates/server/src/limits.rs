//! What bounds whatever a peer decides: each bound with its reason, once, and [`TABLE`], which `feedlab serve --help` and
//! docs/limits.md show. What people set is in the settings; the frames of a WebSocket are bounded as bodies are.

use std::time::Duration;

use feedlab_feed::limit::Limit;
use feedlab_feed::limit::Most::{Bytes, Count, Keepalives, Time};
use feedlab_feed::stream::MAX_PIECES;
use feedlab_feed::{Cursor, EventType, body};

/// Connections that the control address takes.
pub(crate) const MAX_CONTROL: usize = 256;
/// Time for the handshake of TLS.
pub(crate) const TLS_TIMEOUT: Duration = Duration::from_secs(5);
/// Time for a request's headers to arrive; also how long a connection may rest between two requests.
pub(crate) const HEADER_TIMEOUT: Duration = Duration::from_secs(75);
/// Bytes of request line and headers: what nginx takes (`large_client_header_buffers`, four of 8 KiB).
pub(crate) const MAX_HEADER_BYTES: usize = 32 << 10;
/// Number of headers.
pub(crate) const MAX_HEADERS: usize = 100;
/// Bytes of a request's path and query. RFC 9112, section 3, asks for 8,000 at least.
pub(crate) const MAX_TARGET_BYTES: usize = 8 << 10;
/// Bytes of an update that a client may publish, unless a server is told otherwise.
pub(crate) const MAX_MESSAGE_BYTES: usize = 64 << 10;

/// Payload bytes that the history may hold, whatever its number of updates.
pub(crate) const MAX_HISTORY_BYTES: usize = 64 << 20;
/// Bytes of a poll's answer that are copied at a time. A connection has one waiting for its
/// socket.
pub(crate) const MAX_PIECE_BYTES: usize = 16 << 10;
/// JSON that is kept, beyond the history, for longer answers that have not come so far: an eighth of the history.
pub(crate) const MAX_RETIRED_BYTES: usize = 8 << 20;
/// Bytes of bodies that have begun to come and are waited for, over all connections; each counts with what it may become.
pub(crate) const MAX_BODIES_BYTES: usize = 2 << 20;
/// What a request that waits for its body counts besides: what its connection or stream holds meanwhile.
pub(crate) const BODY_OVERHEAD_BYTES: usize = 4 << 10;
/// Keepalive intervals for which a client may take no byte of a stream or of an answer before it counts as gone.
pub(crate) const MAX_STALLED: u8 = 4;

/// Bytes after which a stream's batch is full.
pub(crate) const MAX_BATCH_BYTES: usize = 64 << 10;
/// Answers to the client's frames that may wait for a socket; beyond it, they are neither read nor decoded.
pub(crate) const MAX_WAITING: usize = 2 * MAX_PIECES;

/// Requests that may be under way on a connection of HTTP/2. Browsers hold themselves to 100 and nginx allows 128; a client
/// that wants more opens another connection, and above some hundreds sharing one saves nothing any more.
pub(crate) const MAX_STREAMS: u32 = 250;
/// Bytes that a stream of HTTP/2 may have waiting for the client's window or the socket. The library's own 400 KB would hide
/// for long that a client is slow.
pub(crate) const MAX_SEND_BUFFER: usize = 64 << 10;
/// Bytes of long answers that a connection of HTTP/2 may have waiting for its socket: one piece, over all its streams. A frame's
/// head of nine bytes is 0.2 % of it.
pub(crate) const MAX_LONG_PIECE_BYTES: usize = 4 << 10;
/// Frames that such a stream may have waiting. The library bounds their bytes, and holds some 300 more for each frame: without
/// this bound, pongs of two bytes would be 10 MB before they are 64 KiB. Updates have more than 64 bytes.
pub(crate) const MAX_FRAMES: usize = 1_024;

/// How long a poll waits for updates that a broker has to give.
pub(crate) const BROKER_PATIENCE: Duration = Duration::from_secs(5);
/// Pages of older updates that are kept of a feed on a broker, and those that are asked of it at a time. A page has 256
/// updates or a megabyte, but for one larger message.
pub(crate) const MAX_PAGES: usize = 16;
pub(crate) const MAX_PAGES_LOADING: usize = 8;

/// All of them.
pub const TABLE: [Limit; 24] = [
    Limit { name: "connections to --control", most: Count(MAX_CONTROL), why: "descriptors; beyond it 503" },
    Limit { name: "TLS handshake", most: Time(TLS_TIMEOUT), why: "memory of a handshake; then closed" },
    Limit {
        name: "headers to come, or rest between requests",
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
        name: "order to a lab, a class or a waiting feed",
        most: Bytes(body::MAX_ORDER_BYTES),
        why: "memory of a body; beyond it 413",
    },
    Limit { name: "body to come", most: Time(body::TIMEOUT), why: "memory of a body; then 408" },
    Limit { name: "event type", most: Bytes(EventType::MAX_LEN), why: "every client's memory; beyond it 400" },
    Limit { name: "cursor", most: Bytes(Cursor::MAX_LEN), why: "nothing grows; beyond it 400" },
    Limit { name: "history", most: Bytes(MAX_HISTORY_BYTES), why: "memory of all; the oldest updates go" },
    Limit {
        name: "bodies that are waited for, together",
        most: Bytes(MAX_BODIES_BYTES),
        why: "memory of all; beyond it 503, unless a body comes with its head",
    },
    Limit {
        name: "piece of a poll's answer",
        most: Bytes(MAX_PIECE_BYTES),
        why: "memory of a poll that is not taken; the rest stays in the history",
    },
    Limit {
        name: "JSON kept for answers behind the history",
        most: Bytes(MAX_RETIRED_BYTES),
        why: "memory of all; answers further behind end early",
    },
    Limit {
        name: "stream or answer of which nothing is taken",
        most: Keepalives(MAX_STALLED),
        why: "memory and descriptors; then reset",
    },
    Limit {
        name: "updates that a stream holds",
        most: Count(MAX_PIECES),
        why: "memory of a stream; the rest stays in the history",
    },
    Limit { name: "bytes that a stream holds, and one update", most: Bytes(MAX_BATCH_BYTES), why: "as before" },
    Limit {
        name: "answers to a stream's own frames",
        most: Count(MAX_WAITING),
        why: "memory of a stream; beyond it nothing is read",
    },
    Limit {
        name: "requests at a time on HTTP/2",
        most: Count(MAX_STREAMS as usize),
        why: "memory of a connection; beyond it refused",
    },
    Limit {
        name: "waiting bytes of a stream on HTTP/2",
        most: Bytes(MAX_SEND_BUFFER),
        why: "memory of a stream; the rest waits",
    },
    Limit { name: "waiting frames of a stream on HTTP/2", most: Count(MAX_FRAMES), why: "as before" },
    Limit {
        name: "waiting bytes of long answers on a connection of HTTP/2",
        most: Bytes(MAX_LONG_PIECE_BYTES),
        why: "memory of a connection; the others wait their turn",
    },
    Limit {
        name: "pages of older updates, of a feed on NATS",
        most: Count(MAX_PAGES),
        why: "memory of all; read from the stream again",
    },
];
