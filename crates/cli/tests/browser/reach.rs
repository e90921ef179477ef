//! The page for people without a mouse, on a phone, who prefer reduced motion, or who sit at the back of the room.

use serde_json::json;

use crate::live::LivePage;
use crate::panels::CUT;
use crate::tab::Tab;
use crate::{axe, in_browser, screen};

/// The number of Tab presses that is enough for any page.
const MOST_STOPS: usize = 200;

#[test]
fn the_tab_key_reaches_every_control() {
    in_browser(async |browser| {
        let url = browser.serve("10", &[]);
        let page = LivePage::open(browser, &url).await;
        page.until_all_open().await;
        assert_eq!(unreached(&page.tab).await, Vec::<String>::new());
    });
}

/// Returns the controls that the Tab key does not reach.
async fn unreached(tab: &Tab) -> Vec<String> {
    let controls =
        "window.controls = [...document.querySelectorAll('button, input, select, textarea, a[href], summary')]
        .filter((it) => !it.disabled && it.checkVisibility({ visibilityProperty: true })), window.reached = new Set(),
        document.activeElement.blur(), window.controls.length";
    let count = tab.js(controls).await;
    assert!(count.as_u64().unwrap() > 40, "{count} controls are not all of them");
    for _ in 0..MOST_STOPS {
        tab.driver().await.action_chain().send_keys(thirtyfour::Key::Tab).perform().await.unwrap();
        let again = "window.reached.has(document.activeElement) || !window.reached.add(document.activeElement)";
        if tab.js(again).await == json!(true) {
            break;
        }
    }
    let left =
        tab.js("window.controls.filter((it) => !window.reached.has(it)).map((it) => it.outerHTML.slice(0, 120))").await;
    left.as_array().unwrap().iter().map(ToString::to_string).collect()
}

#[test]
fn the_page_fits_a_phone_and_respects_reduced_motion() {
    in_browser(async |browser| {
        let url = browser.serve("10", &[]);
        let page = LivePage { tab: browser.blank().await };
        screen::phone(&page.tab, 844).await;
        screen::prefer(&page.tab, "prefers-reduced-motion", "reduce").await;
        page.goto(&url).await;
        page.until_all_open().await;
        page.until_all_received(3).await;
        screen::assert_fits(&page.tab, "the live page").await;
        let moving = page.tab.js("document.getAnimations().filter((it) => it.playState === 'running').length").await;
        assert_eq!(moving, json!(0), "animations run");
    });
}

#[test]
fn p5_axe_finds_nothing_above_minor_in_any_mode_scheme_and_size() {
    if !axe::is_available() {
        return;
    }
    in_browser(async |browser| {
        browser.expect(&CUT);
        browser.expect(&["status of 503"]);
        let lab = browser.serve("10", &[]);
        let direct = browser.serve("10", &["--no-lab"]);
        for (scheme, width) in [("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)] {
            let page = LivePage { tab: browser.blank().await };
            screen::prefer(&page.tab, "prefers-color-scheme", scheme).await;
            if width == 390 {
                screen::phone(&page.tab, 844).await;
            } else {
                screen::window(&page.tab, width, 900).await;
            }
            page.goto(&direct).await;
            page.until_all_received(3).await;
            axe::check_above_minor(&page.tab, &format!("{scheme}, {width} px, without a lab")).await;
            page.goto(&format!("{lab}/?preset=idle-proxy")).await;
            page.until_all_open().await;
            axe::check_above_minor(&page.tab, &format!("{scheme}, {width} px, a preset")).await;
            // A client that gave up, what the lesson says, and the grid of connections.
            if (scheme == "light") == (width == 1280) {
                page.lab("answer-503").await;
                axe::check_above_minor(&page.tab, &format!("{scheme}, {width} px, after a lesson")).await;
                page.lab("six-connections").await;
                axe::check_above_minor(&page.tab, &format!("{scheme}, {width} px, with the grid")).await;
            }
            page.tab.press("button[data-page=projector]").await;
            axe::check_above_minor(&page.tab, &format!("{scheme}, {width} px, projector")).await;
            page.tab.close().await;
        }
    });
}
