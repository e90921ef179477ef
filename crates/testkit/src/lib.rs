//! Helpers for the tests of several crates: feedlab and a broker as processes, hand-written HTTP requests, and pages of
//! the documentation that are generated from the code.
//!
//! Only a dev-dependency. It depends on none of our crates, so that each of them can use it in tests, and on no HTTP
//! library, so that nothing is tested with itself. Errors here panic, which fails the calling test.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod broker;
pub mod docs;
pub mod http;
pub mod instructions;
mod process;

use std::time::Duration;

pub use broker::Broker;
pub use process::Feedlab;

/// How long a test waits for something that must happen before it fails; not a measure of speed.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Waits for something that must happen, up to a limit.
#[track_caller]
pub fn soon<T>(future: impl Future<Output = T>) -> impl Future<Output = T> {
    let waiting = tokio::time::timeout(PATIENCE, future);
    async { waiting.await.expect("it happens within half a minute") }
}
