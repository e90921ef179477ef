//! The four panels: the same feed in each, and three buttons per panel.

use crate::in_browser;
use crate::live::{ENDPOINTS, LivePage, field};

#[test]
fn four_panels_receive_the_same_updates_without_loss_or_duplicates() {
    in_browser(async |browser| {
        let url = browser.serve("40", &[]);
        let page = LivePage::open(browser, &url).await;
        assert_eq!(page.mode().await, "lab");
        page.until_all_open().await;
        page.until_all_received(60).await;
        page.assert_the_same_updates(50).await;
    });
}

#[test]
fn without_the_lab_the_page_uses_its_own_endpoints_and_says_why() {
    in_browser(async |browser| {
        let url = browser.serve("40", &["--no-lab"]);
        let page = LivePage::open(browser, &url).await;
        assert_eq!(page.mode().await, "direct");
        page.until_all_open().await;
        page.until_all_received(60).await;
        page.assert_the_same_updates(50).await;
        page.tab.until("the lab's buttons are off", "document.querySelector('[data-lab=cut-all]').disabled").await;
    });
}

#[test]
fn each_panel_closes_and_opens_and_reconnects_after_a_cut() {
    in_browser(async |browser| {
        browser.expect(&CUT);
        let url = browser.serve("20", &[]);
        let page = LivePage::open(browser, &url).await;
        page.until_all_open().await;
        for endpoint in ENDPOINTS {
            page.press(endpoint, "disconnect").await;
            page.until_state(endpoint, "closed").await;
            page.press(endpoint, "connect").await;
            page.until_state(endpoint, "open").await;
            page.until_received(endpoint, 3).await;
            page.press(endpoint, "cut").await;
            page.until_received(endpoint, 10).await;
            page.until_state(endpoint, "open").await;
        }
        page.assert_nothing_missed().await;
    });
}

#[test]
fn a_panel_shows_the_raw_last_message_and_its_curl_command() {
    in_browser(async |browser| {
        let url = browser.serve("10", &[]);
        let page = LivePage::open(browser, &url).await;
        page.until_all_received(3).await;
        for (endpoint, raw) in [("short-polling", "\"updates\""), ("sse", "data:"), ("websocket", "\"seq\"")] {
            page.tab
                .until(&format!("{endpoint} shows {raw}"), &format!("{}.includes('{raw}')", field(endpoint, "raw")))
                .await;
        }
        for endpoint in ENDPOINTS {
            let asks = format!("{}.includes('/feed/{}')", field(endpoint, "curl"), path(endpoint));
            page.tab.until(&format!("{endpoint} shows its command"), &asks).await;
        }
    });
}

/// Returns the last part of an endpoint's path.
fn path(endpoint: &str) -> &str {
    match endpoint {
        "short-polling" => "poll",
        "long-polling" => "long-poll",
        "websocket" => "ws",
        other => other,
    }
}

/// What a browser logs about a broken connection.
pub(crate) const CUT: [&str; 8] = [
    "net::ERR_CONTENT_LENGTH_MISMATCH",
    "net::ERR_SOCKET_NOT_CONNECTED",
    "net::ERR_INCOMPLETE_CHUNKED_ENCODING",
    "net::ERR_CONNECTION_RESET",
    "net::ERR_CONNECTION_CLOSED",
    "net::ERR_CONNECTION_REFUSED",
    "net::ERR_EMPTY_RESPONSE",
    "WebSocket connection to 'ws://127.0.0.1",
];
