//! The lab's buttons: what breaks, how each panel says so, and how it comes back.

use crate::in_browser;
use crate::live::{DOORS, LivePage};
use crate::panels::CUT;
use crate::session::Session;

/// A page with all four panels open.
async fn opened(browser: &Session, query: &str) -> LivePage {
    let url = browser.serve("20", &[]);
    let page = LivePage::open(browser, &format!("{url}/{query}")).await;
    page.until_all_open().await;
    page.until_all_received(3).await;
    page
}

#[test]
fn all_four_come_back_after_a_cut_without_a_hole() {
    in_browser(async |browser| {
        browser.expect(&CUT);
        let page = opened(browser, "").await;
        page.lab("cut-all").await;
        page.until_all_received(20).await;
        page.until_all_open().await;
        page.assert_the_same_updates(20).await;
    });
}

/// An answer that is no stream ends an `EventSource` for good; everyone else asks again.
async fn sse_gives_up(browser: &Session, button: &str) {
    let page = opened(browser, "").await;
    page.lab(button).await;
    page.until_state("sse", "closed — gave up").await;
    let reason = "document.querySelector('.panel[data-door=sse] [data-field=reason]').textContent.trim() !== ''";
    page.tab.until("it says why", reason).await;
    page.lab("heal").await;
    for door in ["short-polling", "long-polling", "websocket"] {
        page.until_received(door, 5).await;
        page.until_state(door, "open").await;
    }
    page.until_state("sse", "closed — gave up").await;
    page.press("sse", "connect").await;
    page.until_state("sse", "open").await;
    page.until_received("sse", 5).await;
    page.assert_nothing_missed().await;
}

#[test]
fn a_503_ends_an_event_source_and_nobody_else() {
    in_browser(async |browser| {
        browser.expect(&CUT);
        browser.expect(&["status of 503"]);
        sse_gives_up(browser, "answer-503").await;
    });
}

#[test]
fn a_204_ends_an_event_source_and_nobody_else() {
    in_browser(async |browser| {
        browser.expect(&CUT);
        browser.expect(&["Unexpected response code: 204", "status of 204"]);
        sse_gives_up(browser, "answer-204").await;
    });
}

#[test]
fn a_server_that_restarts_is_found_again_with_nothing_missed() {
    in_browser(async |browser| {
        browser.expect(&CUT);
        browser.expect(&["status of 502", "status of 503"]);
        let page = opened(browser, "").await;
        page.lab("restart").await;
        page.until_all_received(30).await;
        page.until_all_open().await;
        page.assert_nothing_missed().await;
    });
}

#[test]
fn a_way_that_ends_quiet_connections_is_shown_and_taken_back() {
    in_browser(async |browser| {
        browser.expect(&CUT);
        let page = opened(browser, "").await;
        page.lab("idle-timeout").await;
        page.lab("heal").await;
        page.until_all_received(20).await;
        page.until_all_open().await;
    });
}

#[test]
fn a_way_that_buffers_is_shown_and_taken_back() {
    in_browser(async |browser| {
        browser.expect(&CUT);
        let page = opened(browser, "").await;
        page.lab("buffering").await;
        page.lab("heal").await;
        page.until_all_received(20).await;
        page.until_all_open().await;
    });
}

#[test]
fn who_was_away_is_given_again_what_the_server_still_holds() {
    in_browser(async |browser| {
        browser.expect(&CUT);
        let page = opened(browser, "").await;
        page.lab("replay").await;
        page.until_all_received(20).await;
        page.until_all_open().await;
    });
}

#[test]
fn a_reader_that_is_slow_and_a_tab_that_is_hidden_have_their_lessons() {
    in_browser(async |browser| {
        browser.expect(&CUT);
        let page = opened(browser, "").await;
        page.lab("slow-consumer").await;
        page.lab("heal").await;
        page.until_all_received(20).await;
        page.lab("hidden-tab").await;
        page.until_all_received(5).await;
    });
}

#[test]
fn every_button_of_the_lab_is_there_and_explains_itself() {
    in_browser(async |browser| {
        let page = opened(browser, "").await;
        for name in BUTTONS {
            let words = page.tab.js(&explanation(name)).await;
            assert!(words.as_str().unwrap_or_default().contains(' '), "{name} does not explain itself: {words}");
        }
        for door in DOORS {
            for action in ["connect", "disconnect", "cut"] {
                page.tab.find(&format!(".panel[data-door={door}] button[data-action={action}]")).await;
            }
        }
    });
}

/// A sentence: beside the button, as what describes it, or as what it shows when it is pointed at.
fn explanation(name: &str) -> String {
    format!(
        "((button) => document.getElementById(button.getAttribute('aria-describedby') ?? '')?.textContent
            || button.title || button.parentElement.innerText.replace(button.innerText, '').trim())
         (document.querySelector('button[data-lab={name}]'))"
    )
}

const BUTTONS: [&str; 11] = [
    "idle-timeout",
    "buffering",
    "cut-all",
    "answer-503",
    "answer-204",
    "restart",
    "replay",
    "slow-consumer",
    "hidden-tab",
    "six-connections",
    "heal",
];
