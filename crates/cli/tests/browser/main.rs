//! The live page and the workshop as a learner sees them: a real Chromium, the real binary, real sockets.
//!
//! One browser runs all tests, one after another. A test that fails ends it, and the next test starts a new one. Every
//! test ends with two checks: the page must not log errors on its console, and must not contact another machine.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod axe;
mod chromedriver;
mod devtools;
mod feedlab;
mod killed;
mod live;
mod log;
mod nginx;
mod screen;
mod session;
mod tab;

mod chapters;
mod choose;
mod client;
mod connections;
mod contract;
mod lessons;
mod pace;
mod panels;
mod prefix;
mod presets;
mod reach;
mod rehearsal;
mod report;
mod screenshots;
#[cfg(target_os = "linux")]
mod shared;
mod steady;
mod survives;
mod timeline;
mod workshop;

use std::io::Write as _;
use std::sync::{LazyLock, Mutex, PoisonError};

use session::Session;
use tokio::runtime::Runtime;

/// The browser, kept between tests.
static BROWSER: Mutex<Option<Session>> = Mutex::new(None);

/// The runtime of the connections to chromedriver, which outlives a test.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// Runs a test in the browser, one at a time, followed by the two checks.
fn in_browser(test: impl AsyncFnOnce(&Session)) {
    if !is_there(&["chromium", "chromedriver"], "apt-get install -y chromium chromium-driver") {
        return;
    }
    let mut browser = BROWSER.lock().unwrap_or_else(PoisonError::into_inner);
    let session = browser.take();
    let session = RUNTIME.block_on(async {
        let session = match session {
            Some(session) => session,
            None => Session::start().await,
        };
        test(&session).await;
        session.check().await;
        session
    });
    *browser = Some(session);
}

/// Returns whether programs are installed. In CI, a test fails without them; elsewhere, the test is skipped visibly.
fn is_there(programs: &[&str], remedy: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Debian installs nginx in a folder that is only in root's `PATH`.
    let folders = || std::env::split_paths(&path).chain(["/usr/sbin".into()]);
    let found = programs.iter().all(|name| folders().any(|folder| folder.join(name).is_file()));
    assert!(found || std::env::var_os("CI").is_none(), "this test needs {programs:?}: {remedy}");
    if !found {
        say(&format!("SKIPPED: this test needs {programs:?}: {remedy}"));
    }
    found
}

/// Prints a line that is visible even if the test passes, unlike the output of `eprintln!`.
fn say(line: &str) {
    std::io::stderr().write_all(format!("{line}\n").as_bytes()).unwrap();
}
