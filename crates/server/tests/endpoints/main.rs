//! Tests of the endpoints, with raw bytes on a real socket.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod access;
mod harness;

mod crowd;
mod epoch;
mod handover;
mod history;
mod http2;
mod limits;
mod long_polling;
mod pipelining;
mod restart;
mod shared;
mod short_polling;
mod shutdown;
mod slow;
mod sse;
mod tls;
mod unread;
mod upstream;
mod websocket;
