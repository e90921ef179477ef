//! The live page and the workshop as a learner meets them: a real Chromium, the real binary, real sockets.
//!
//! One browser serves all tests, one after another; a test that fails takes it down, and the next one has a new one.
//! Every test ends with two questions that no test asks itself: did the page complain on its console, and did it ask
//! anybody but this machine?

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod axe;
mod chromedriver;
mod feedlab;
mod live;
mod log;
mod nginx;
mod screen;
mod session;
mod tab;

mod client;
mod connections;
mod lessons;
mod pace;
mod panels;
mod prefix;
mod presets;
mod reach;
mod screenshots;
mod workshop;

use std::io::Write as _;
use std::sync::{LazyLock, Mutex, PoisonError};

use session::Session;
use tokio::runtime::Runtime;

/// The browser, between two tests.
static BROWSER: Mutex<Option<Session>> = Mutex::new(None);

/// The connections to chromedriver belong to a runtime, and outlive a test.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// Runs a test in the browser, alone, and asks the two questions at its end.
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

/// Whether programs are there. In CI a test that needs them fails without; elsewhere it is skipped in sight.
fn is_there(programs: &[&str], remedy: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Debian has nginx where only root's path leads.
    let folders = || std::env::split_paths(&path).chain(["/usr/sbin".into()]);
    let found = programs.iter().all(|name| folders().any(|folder| folder.join(name).is_file()));
    assert!(found || std::env::var_os("CI").is_none(), "this test needs {programs:?}: {remedy}");
    if !found {
        say(&format!("SKIPPED: this test needs {programs:?}: {remedy}"));
    }
    found
}

/// A line that is seen although the test is well, which what `eprintln!` prints is not.
fn say(line: &str) {
    std::io::stderr().write_all(format!("{line}\n").as_bytes()).unwrap();
}
