//! Tests of the endpoints, with raw bytes on a real socket.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod access;
mod harness;

mod epoch;
mod history;
mod http2;
mod limits;
mod long_polling;
mod restart;
mod short_polling;
mod shutdown;
mod slow;
mod sse;
mod tls;
mod unread;
mod upstream;
mod websocket;
