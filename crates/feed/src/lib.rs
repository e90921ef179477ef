//! The data that is sent: one feed, as a list of updates, and how each transport encodes it.
//!
//! Both sides of the wire use this crate, so that an encoding and its decoding are in the same file.

pub mod cursor;
pub mod link;
pub mod stream;
pub mod tcp;
pub mod tcp_info;
pub mod transport;
pub mod update;
pub mod wire;

pub mod schedule;
pub mod source;

pub mod settings;

pub mod access;
pub mod body;
pub mod bounded;
pub mod clock;
pub mod limit;
pub mod process;
pub mod stats;
pub mod text;

pub use cursor::{Cursor, Epoch, Reset};
pub use transport::Transport;
pub use update::{Data, EventType, Gap, Update};
