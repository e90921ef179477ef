//! The browser's log: the console output of the pages, and every URL that they requested.

use serde_json::Value;
use thirtyfour::BrowserLogEntry;

/// The addresses that tests use.
const LOOPBACK: [&str; 2] = ["//127.0.0.1:", "//127.0.0.2:"];

pub(crate) struct Log {
    /// The logged errors: by a page, about a page's code, or about its network.
    errors: Vec<String>,
    /// Every URL that was requested, including WebSockets.
    pub(crate) asked: Vec<String>,
}

impl Log {
    pub(crate) fn new(console: &[BrowserLogEntry], events: &[BrowserLogEntry]) -> Self {
        let errors =
            console.iter().filter(|entry| entry.level == "SEVERE").map(|entry| entry.message.clone()).collect();
        Self { errors, asked: events.iter().filter_map(|event| asked(&event.message)).collect() }
    }

    /// Returns the errors that the test did not expect.
    pub(crate) fn errors(&self, expected: &[String]) -> Vec<&str> {
        let is_expected = |error: &&String| expected.iter().any(|text| error.contains(text));
        self.errors.iter().filter(|error| !is_expected(error)).map(String::as_str).collect()
    }

    /// Returns the URLs that are not on this machine.
    pub(crate) fn foreign(&self) -> Vec<&str> {
        let is_here = |url: &&String| {
            let (scheme, rest) = url.split_once(':').unwrap_or((url, ""));
            // The first two are in the page itself, the others in the browser, which starts with its own tab.
            matches!(scheme, "data" | "blob" | "about" | "chrome")
                || (LOOPBACK.iter().any(|address| rest.starts_with(address))
                    && matches!(scheme, "http" | "https" | "ws" | "wss"))
        };
        self.asked.iter().filter(|url| !is_here(url)).map(String::as_str).collect()
    }
}

/// Returns the URL in an event of the DevTools protocol, if it is a request.
fn asked(message: &str) -> Option<String> {
    let event: Value = serde_json::from_str(message).ok()?;
    let (method, params) = (&event["message"]["method"], &event["message"]["params"]);
    let url = match method.as_str()? {
        "Network.requestWillBeSent" => &params["request"]["url"],
        "Network.webSocketCreated" => &params["url"],
        _ => return None,
    };
    url.as_str().map(str::to_owned)
}

#[test]
fn a_request_to_another_machine_is_detected() {
    let request = |url: &str| BrowserLogEntry {
        level: "INFO".into(),
        message: format!(
            r#"{{"message":{{"method":"Network.requestWillBeSent","params":{{"request":{{"url":"{url}"}}}}}}}}"#
        ),
        timestamp: 0,
        source: None,
    };
    let urls = ["http://127.0.0.1:8080/", "https://fonts.example/a.woff", "http://127.0.0.1.example:80/", "data:,"];
    let log = Log::new(&[], &urls.map(request));
    assert_eq!(log.foreign(), [urls[1], urls[2]]);
}

#[test]
fn an_unexpected_error_is_reported() {
    let error = |level: &str, message: &str| BrowserLogEntry {
        level: level.into(),
        message: message.into(),
        timestamp: 0,
        source: None,
    };
    let log =
        Log::new(&[error("SEVERE", "status of 503"), error("SEVERE", "x is not defined"), error("INFO", "hm")], &[]);
    assert_eq!(log.errors(&["status of 503".to_owned()]), ["x is not defined"]);
}
