//! The timeline: it can be stopped, shows more or less, and describes the update under the pointer.

use serde_json::json;
use thirtyfour::Key;

use crate::in_browser;
use crate::live::LivePage;

const PICKED: &str = "document.querySelector('#picked').innerText";

/// A line that describes an update.
const DESCRIBED: &str = r"/^[-\w ]+: update [\d,]+ arrived at \d\d:\d\d:\d\d\.\d{3}, [\d.]+ m?s old\.$/.test(document.querySelector('#picked').innerText)";

/// The picture, to compare.
const PICTURE: &str = "document.querySelector('#timeline').toDataURL()";

fn tool(label: &str) -> String {
    format!("[...document.querySelectorAll('#timeline-tools button')].find((it) => it.innerText === '{label}')")
}

#[test]
fn p4_the_timeline_pauses_zooms_and_tells_about_an_update() {
    in_browser(async |browser| {
        let page = LivePage::open(browser, &browser.serve("10", &[])).await;
        page.until_all_open().await;
        page.until_all_received(20).await;
        let tab = &page.tab;
        tab.js(&format!("{}.click()", tool("Pause"))).await;
        tab.js("new Promise((resume) => setTimeout(resume, 300))").await;
        let stopped = tab.js(PICTURE).await;
        page.until_all_received(10).await;
        assert!(tab.js(PICTURE).await == stopped, "the picture moves although it is paused");

        for zoom in ["10 s", "60 s"] {
            let before = tab.js(PICTURE).await;
            tab.js(&format!("{}.focus()", tool(zoom))).await;
            tab.driver().await.action_chain().send_keys(Key::Enter).perform().await.unwrap();
            tab.until(&format!("{zoom} is pressed"), &format!("{}.ariaPressed === 'true'", tool(zoom))).await;
            tab.until(&format!("{zoom} shows another picture"), &format!("{PICTURE} !== {before}")).await;
        }
        tab.js(&format!("{}.click()", tool("10 s"))).await;

        // The pointer, near the right edge of the SSE lane: ten updates per second leave no larger hole than a tenth.
        let canvas = tab.find("#timeline").await;
        canvas.scroll_into_view().await.unwrap();
        let size = canvas.rect().await.unwrap();
        let (right, down) = (size.width as i64 / 2 - 30, size.height as i64 / 8);
        let moves = tab.driver().await.action_chain().move_to_element_with_offset(&canvas, right, down);
        moves.perform().await.unwrap();
        tab.until("the update under the pointer is described", DESCRIBED).await;
        let pointed = tab.js(PICKED).await;
        assert!(pointed.as_str().unwrap().starts_with("Server-Sent Events: update"), "{pointed}");

        // The keys: to the update before, and to another endpoint.
        tab.js("document.querySelector('#timeline').focus()").await;
        tab.driver().await.action_chain().send_keys(Key::Left).perform().await.unwrap();
        let [from, to] = [pointed, tab.js(PICKED).await].map(|line| seq(line.as_str().unwrap()));
        assert_eq!(to + 1, from, "the left arrow goes to the update before");
        tab.driver().await.action_chain().send_keys(Key::Down).perform().await.unwrap();
        tab.until("another lane", &format!("{PICKED}.startsWith('WebSocket: update')")).await;
    });
}

/// Returns the sequence number in a description.
fn seq(line: &str) -> u64 {
    let digits = line.split("update ").nth(1).unwrap().split(' ').next().unwrap();
    digits.replace(',', "").parse().unwrap()
}

#[test]
fn p4_names_of_lanes_are_beside_the_picture_and_sparklines_have_a_scale() {
    in_browser(async |browser| {
        let page = LivePage::open(browser, &browser.serve("10", &[])).await;
        page.until_all_received(3).await;
        let beside = "[...document.querySelectorAll('#lanes li')].every((it) =>
            it.getBoundingClientRect().right <= document.querySelector('#timeline').getBoundingClientRect().left)";
        assert_eq!(page.tab.js(beside).await, json!(true), "no flag can lie over a name");
        let names = page.tab.js("[...document.querySelectorAll('#lanes li')].map((it) => it.innerText)").await;
        assert_eq!(names, json!(["Short polling", "Long polling", "Server-Sent Events", "WebSocket"]));
        let labels = "import('./page/sparkline.js').then(({ labels, scale }) => [labels(), scale])";
        let found = page.tab.js(labels).await;
        let ends = [&found[0][0][0], &found[0].as_array().unwrap().last().unwrap()[0]];
        assert_eq!(
            ends,
            [&found[1]["max"], &found[1]["min"]],
            "the first and the last label are the ends of the scale"
        );
    });
}
