//! Tests of the lab proxy between real sockets.

#![expect(clippy::unwrap_used, reason = "a test fails at the first error")]

mod bytes;
mod control;
mod distance;
mod ends;
mod faults;
mod flow;
mod responses;
mod rig;
