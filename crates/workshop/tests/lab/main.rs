//! The labs as a page uses them: the API on the page's origin, and real sockets at each endpoint.

#![expect(clippy::unwrap_used, reason = "a test fails at the first error")]

mod endpoints;
mod faults;
mod harness;
mod sessions;
mod settings;
#[cfg(target_os = "linux")]
mod shared;
