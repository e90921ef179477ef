//! The lab's buttons, each of which starts a lesson: what breaks, what the panels show, and what the lesson reports at
//! its end.

use serde_json::Value;

use crate::in_browser;
use crate::live::LivePage;
use crate::panels::CUT;
use crate::session::Session;

/// A button, the text of its lesson at the end (a JavaScript regular expression), and the state of the SSE panel then.
struct Lesson(&'static str, &'static str, &'static str);

const BREAKING: [Lesson; 4] = [
    Lesson("cut-all", r"[1-9]\d* connections were cut.*nothing is missing", "open"),
    Lesson("answer-503", "gives up permanently", "closed — gave up"),
    Lesson("answer-204", "not to reconnect", "closed — gave up"),
    Lesson("restart", "close code 1001", "open"),
];

const WATCHING: [Lesson; 4] = [
    Lesson("idle-timeout", r"SSE (once|\d+ times).*0 updates lost.*Keepalive 1 s:.*SSE never, WebSocket never", "open"),
    Lesson("buffering", r"SSE [1-9]\d+ at once.*Errors: SSE never, WebSocket never", "open"),
    Lesson(
        "replay",
        r"→ [1-9]\d* updates? replayed, 0 missed.*history 0:.*, [1-9]\d* missed, and reported as a gap",
        "open",
    ),
    Lesson("slow-consumer", r"“block” delivered.*server skipped [1-9].*ended the stream (once|\d+ times)", ""),
];

/// Runs lessons in parallel, each in a tab with its own lab, and checks the text of each.
async fn run_lessons(browser: &Session, lessons: &[Lesson]) -> Vec<LivePage> {
    browser.expect(&CUT);
    browser.expect(&["status of 503", "Unexpected response code: 204", "status of 204"]);
    let url = browser.serve("20", &[]);
    let mut pages = Vec::new();
    for Lesson(button, ..) in lessons {
        let page = LivePage::open(browser, &url).await;
        page.until_all_open().await;
        page.begin_lesson(button).await;
        pages.push(page);
    }
    for (Lesson(button, says, sse), page) in lessons.iter().zip(&pages) {
        let said = page.end_lesson(button).await;
        let matches =
            page.tab.js(&format!("new RegExp({}).test({})", Value::from(*says), Value::from(said.clone()))).await;
        assert_eq!(matches, true, "{button} should say /{says}/ and says: {said}");
        if !sse.is_empty() {
            page.until_state("sse", sse).await;
        }
    }
    pages
}

#[test]
fn every_client_recovers_without_loss_except_an_event_source_that_gave_up() {
    in_browser(async |browser| {
        for (page, Lesson(button, _, sse)) in run_lessons(browser, &BREAKING).await.iter().zip(BREAKING) {
            for endpoint in ["short-polling", "long-polling", "websocket"] {
                page.until_received(endpoint, 3).await;
                page.until_state(endpoint, "open").await;
            }
            if sse != "open" {
                page.tab.until(&format!("{button}: SSE says why"), &format!("{REASON} !== ''")).await;
                page.press("sse", "connect").await;
                page.until_state("sse", "open").await;
            }
            page.until_received("sse", 3).await;
            page.assert_nothing_missed().await;
        }
    });
}

const REASON: &str = "document.querySelector('.panel[data-endpoint=sse] [data-field=reason]').textContent.trim()";

#[test]
fn lessons_report_the_effects_of_the_path_the_history_and_a_slow_reader() {
    in_browser(async |browser| {
        for page in run_lessons(browser, &WATCHING).await {
            let said = page.heal().await;
            assert!(said.contains("4 of 4 endpoints are open"), "{said}");
            page.tab.close().await;
        }
    });
}

#[test]
fn a_hidden_page_still_receives_what_is_pushed() {
    in_browser(async |browser| {
        let page = LivePage::open(browser, &browser.serve("20", &[])).await;
        page.until_all_open().await;
        page.begin_lesson("hidden-tab").await;
        // In a headless browser, a background tab counts as visible; a minimized window does not.
        page.tab.driver().await.minimize_window().await.unwrap();
        page.tab.until("the page is hidden", "document.hidden").await;
        page.until_received("sse", 40).await;
        page.tab.driver().await.set_window_rect(0, 0, 1600, 1000).await.unwrap();
        let said = page.end_lesson("hidden-tab").await;
        assert!(said.starts_with("Hidden for") && !said.contains("SSE 0 updates"), "{said}");
    });
}

#[test]
fn every_button_of_the_lab_exists_and_has_a_description() {
    in_browser(async |browser| {
        let page = LivePage::open(browser, &browser.serve("20", &[])).await;
        for name in BUTTONS {
            let words = page.tab.js(&explanation(name)).await;
            assert!(words.as_str().unwrap_or_default().contains(' '), "{name} does not explain itself: {words}");
        }
    });
}

/// Returns the script for the description of a button.
fn explanation(name: &str) -> String {
    let described = format!("document.querySelector('button[data-lab={name}]').getAttribute('aria-describedby')");
    format!("document.getElementById({described})?.textContent")
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
