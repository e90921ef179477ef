//! What the tests of several crates need: feedlab and a broker as processes, and an HTTP request in the test's own words.
//!
//! A dev-dependency and nothing else. It knows none of our crates, so that each of them can be tested with it, and no HTTP
//! library, so that what is tested is not tested with itself. What goes wrong here panics: it fails the test that asked.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod broker;
pub mod http;
mod process;

use std::time::Duration;

pub use broker::Broker;
pub use process::Feedlab;

/// How long a test waits for what must come, before it says that it does not: no measure of speed.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Waits for what must come, and not for ever.
#[track_caller]
pub fn soon<T>(future: impl Future<Output = T>) -> impl Future<Output = T> {
    let waiting = tokio::time::timeout(PATIENCE, future);
    async { waiting.await.expect("it comes within half a minute") }
}
