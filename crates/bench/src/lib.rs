//! What `scripts/bench-server` measures with: a raw reader of every transport, on one thread, and the bare write loop that is
//! the floor of a fan-out (`bin/bare.rs`).
//!
//! It shares no code with the other crates, so that a change there cannot move the ruler. It expects a server on this machine
//! that answers as it should, and stops at the first that does not: a tool for two processes of the same person, not for a
//! network.

pub mod clock;
pub mod stamp;

pub mod connect;
pub mod publisher;

pub mod hold;
pub mod polls;
pub mod streams;

pub mod report;
