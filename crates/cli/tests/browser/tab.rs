//! A tab: what a learner sees and presses in it.

use std::time::Duration;

use feedlab_feed::clock;
use serde_json::Value;
use thirtyfour::{By, Key, WebDriver, WebElement, WindowHandle};

/// How long a condition may take to become true. This is a limit, not a wait: the test continues as soon as it is.
const PATIENCE: Duration = Duration::from_secs(20);

/// Interval between checks of a condition.
const CHECK_INTERVAL: Duration = Duration::from_millis(30);

pub(crate) struct Tab {
    driver: WebDriver,
    window: WindowHandle,
}

impl Tab {
    pub(crate) const fn new(driver: WebDriver, window: WindowHandle) -> Self {
        Self { driver, window }
    }

    /// Returns the driver, switched to this tab.
    pub(crate) async fn driver(&self) -> &WebDriver {
        self.driver.switch_to_window(self.window.clone()).await.unwrap();
        &self.driver
    }

    pub(crate) async fn goto(&self, url: &str) {
        self.driver().await.goto(url).await.unwrap();
    }

    /// Evaluates an expression in the page.
    pub(crate) async fn js(&self, expression: &str) -> Value {
        let script = format!("return ({expression});");
        self.driver().await.execute(script, Vec::new()).await.unwrap().json().clone()
    }

    /// Waits until an expression is true in the page.
    pub(crate) async fn until(&self, what: &str, expression: &str) {
        self.within(PATIENCE, what, expression).await;
    }

    /// Waits with a different time limit.
    pub(crate) async fn within(&self, patience: Duration, what: &str, expression: &str) {
        let deadline = clock::now() + patience;
        while self.js(&format!("Boolean({expression})")).await != Value::Bool(true) {
            assert!(clock::now() < deadline, "not within {patience:?}: {what}\n{}", self.seen().await);
            tokio::time::sleep(CHECK_INTERVAL).await;
        }
    }

    /// Returns the visible state, for the message of a failed wait.
    async fn seen(&self) -> String {
        let script = "[location.href, ...[...document.querySelectorAll('[data-endpoint] .state, #banner, #lesson')]
            .map((it) => it.innerText.trim())].filter(Boolean).join('\\n')";
        self.js(script).await.as_str().unwrap_or_default().to_owned()
    }

    pub(crate) async fn find(&self, css: &str) -> WebElement {
        self.driver().await.find(By::Css(css)).await.unwrap()
    }

    /// Clicks an element, which must be visible and not covered by another.
    pub(crate) async fn press(&self, css: &str) {
        let element = self.find(css).await;
        element.scroll_into_view().await.unwrap();
        element.click().await.unwrap();
    }

    /// Types into a field, and leaves it with the Tab key.
    pub(crate) async fn write(&self, css: &str, text: &str) {
        self.find(css).await.send_keys(text + Key::Tab).await.unwrap();
    }

    pub(crate) async fn close(self) {
        self.driver().await.close_window().await.unwrap();
    }
}
