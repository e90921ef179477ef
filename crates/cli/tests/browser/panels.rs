//! The four panels: the same feed in each, and their own three buttons.

use crate::in_browser;
use crate::live::{DOORS, LivePage, field};

#[test]
fn four_panels_receive_the_same_updates_none_missed_and_none_twice() {
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
fn without_the_lab_the_doors_are_the_pages_own_and_the_page_says_why() {
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
fn each_panel_is_closed_and_opened_and_comes_back_after_a_cut() {
    in_browser(async |browser| {
        browser.expect(&CUT);
        let url = browser.serve("20", &[]);
        let page = LivePage::open(browser, &url).await;
        page.until_all_open().await;
        for door in DOORS {
            page.press(door, "disconnect").await;
            page.until_state(door, "closed").await;
            page.press(door, "connect").await;
            page.until_state(door, "open").await;
            page.until_received(door, 3).await;
            page.press(door, "cut").await;
            page.until_received(door, 10).await;
            page.until_state(door, "open").await;
        }
        page.assert_nothing_missed().await;
    });
}

#[test]
fn a_panel_shows_the_last_message_as_it_came_and_the_command_that_asks_for_it() {
    in_browser(async |browser| {
        let url = browser.serve("10", &[]);
        let page = LivePage::open(browser, &url).await;
        page.until_all_received(3).await;
        for (door, raw) in [("short-polling", "\"updates\""), ("sse", "data:"), ("websocket", "\"seq\"")] {
            page.tab.until(&format!("{door} shows {raw}"), &format!("{}.includes('{raw}')", field(door, "raw"))).await;
        }
        for door in DOORS {
            let asks = format!("{}.includes('/feed/{}')", field(door, "curl"), path(door));
            page.tab.until(&format!("{door} shows its command"), &asks).await;
        }
    });
}

/// The last part of a door's path.
fn path(door: &str) -> &str {
    match door {
        "short-polling" => "poll",
        "long-polling" => "long-poll",
        "websocket" => "ws",
        other => other,
    }
}

/// What a browser notes down about a connection that breaks.
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
