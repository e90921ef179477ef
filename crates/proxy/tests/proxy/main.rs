//! The lab proxy between real sockets.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod answers;
mod bytes;
mod control;
mod distance;
mod ends;
mod faults;
mod flow;
mod rig;
