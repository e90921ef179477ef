//! The live page: its panels, its buttons, and its state.

use std::time::Duration;

use serde_json::Value;

use crate::session::Session;
use crate::tab::Tab;

pub(crate) const ENDPOINTS: [&str; 4] = ["short-polling", "long-polling", "sse", "websocket"];

/// How long a lesson may take: the longest one observes for half a minute.
const LONGEST_LESSON: Duration = Duration::from_secs(90);

pub(crate) struct LivePage {
    pub(crate) tab: Tab,
}

impl LivePage {
    /// Opens the page in a new tab, and waits until it is ready.
    pub(crate) async fn open(browser: &Session, url: &str) -> Self {
        let page = Self { tab: browser.blank().await };
        page.goto(url).await;
        page
    }

    /// Opens another address of the page in the same tab.
    pub(crate) async fn goto(&self, url: &str) {
        self.tab.goto(url).await;
        self.until_ready().await;
    }

    pub(crate) async fn reload(&self) {
        self.tab.driver().await.refresh().await.unwrap();
        self.until_ready().await;
    }

    /// Waits until the page is ready, however it was opened.
    pub(crate) async fn until_ready(&self) {
        self.tab.until("the page is set up", "document.body?.dataset.ready === 'true'").await;
    }

    /// Returns `lab` or `direct`.
    pub(crate) async fn mode(&self) -> String {
        self.tab.js("document.body.dataset.mode").await.as_str().unwrap().to_owned()
    }

    /// Presses a button of an endpoint's panel.
    pub(crate) async fn press(&self, endpoint: &str, action: &str) {
        self.tab.press(&format!(".panel[data-endpoint={endpoint}] button[data-action={action}]")).await;
    }

    /// Presses a button of the lab, and waits until its lesson is over.
    pub(crate) async fn lab(&self, name: &str) {
        self.begin_lesson(name).await;
        self.end_lesson(name).await;
    }

    /// Presses a button of the lab, without waiting for the end of its lesson.
    pub(crate) async fn begin_lesson(&self, name: &str) {
        self.tab.press(&format!("button[data-lab={name}]")).await;
        self.tab.until(&format!("{name} began"), &format!("{} !== null", busy(name))).await;
    }

    /// Waits until a lesson is over, and returns its text.
    pub(crate) async fn end_lesson(&self, name: &str) -> String {
        self.tab.within(LONGEST_LESSON, &format!("{name} is over"), &format!("{} === 'false'", busy(name))).await;
        self.lesson().await
    }

    /// Ends all faults, and returns the text of the page.
    pub(crate) async fn heal(&self) -> String {
        self.begin_lesson("heal").await;
        self.end_lesson("heal").await
    }

    async fn lesson(&self) -> String {
        self.tab.js("document.querySelector('#lesson').innerText.trim()").await.as_str().unwrap().to_owned()
    }

    /// Waits until a panel's state is exactly this text.
    pub(crate) async fn until_state(&self, endpoint: &str, words: &str) {
        let state = format!("{} === '{words}'", field(endpoint, "state"));
        self.tab.until(&format!("{endpoint} is '{words}'"), &state).await;
    }

    pub(crate) async fn until_all_open(&self) {
        for endpoint in ENDPOINTS {
            self.until_state(endpoint, "open").await;
        }
    }

    /// Returns the page's counts.
    pub(crate) async fn snapshot(&self) -> Value {
        self.tab.js("window.feedlab.snapshot()").await
    }

    /// Waits until an endpoint has received `more` further updates.
    pub(crate) async fn until_received(&self, endpoint: &str, more: u64) {
        self.until_each_received(&[endpoint], more).await;
    }

    /// Waits until every endpoint has received `more` further updates.
    pub(crate) async fn until_all_received(&self, more: u64) {
        self.until_each_received(&ENDPOINTS, more).await;
    }

    async fn until_each_received(&self, endpoints: &[&str], more: u64) {
        let before = self.snapshot().await;
        for endpoint in endpoints {
            let enough = before["endpoints"][endpoint]["received"].as_u64().unwrap() + more;
            let received = format!("window.feedlab.snapshot().endpoints['{endpoint}'].received >= {enough}");
            self.tab.until(&format!("{endpoint} has received {more} more updates"), &received).await;
        }
    }

    /// Checks that all endpoints have the same updates, none missed and none duplicated. Compares at least `at_least`
    /// updates that all of them have.
    pub(crate) async fn assert_the_same_updates(&self, at_least: u64) {
        let snapshot = self.snapshot().await;
        let seqs = ENDPOINTS.map(|endpoint| seqs(&snapshot, endpoint));
        let first = seqs.iter().map(|list| list[0]).max().unwrap();
        let last = seqs.iter().map(|list| list[list.len() - 1]).min().unwrap();
        assert!(first + at_least <= last + 1, "too few common updates: {first} to {last}");
        for (endpoint, seqs) in ENDPOINTS.iter().zip(seqs) {
            let within: Vec<u64> = seqs.into_iter().filter(|seq| (first..=last).contains(seq)).collect();
            assert!(
                within.iter().copied().eq(first..=last),
                "{endpoint}: not {first} to {last}, each once: {within:?}"
            );
        }
        self.assert_nothing_missed().await;
    }

    pub(crate) async fn assert_nothing_missed(&self) {
        let snapshot = self.snapshot().await;
        for endpoint in ENDPOINTS {
            let counts = [&snapshot["endpoints"][endpoint]["missed"], &snapshot["endpoints"][endpoint]["duplicated"]];
            assert_eq!(counts, [0, 0], "{endpoint}: missed, duplicated");
        }
    }
}

/// Returns the script for whether a lesson is running.
fn busy(name: &str) -> String {
    format!("document.querySelector('button[data-lab={name}]').ariaBusy")
}

/// Returns the script for the text of a panel's field.
pub(crate) fn field(endpoint: &str, name: &str) -> String {
    format!("document.querySelector('.panel[data-endpoint={endpoint}] [data-field={name}]').textContent.trim()")
}

fn seqs(snapshot: &Value, endpoint: &str) -> Vec<u64> {
    let list = snapshot["endpoints"][endpoint]["seqs"].as_array().unwrap();
    list.iter().map(|seq| seq.as_u64().unwrap()).collect()
}
