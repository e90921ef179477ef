//! The page of choices: a slider moves, and answer, map and URL follow.

use serde_json::json;

use crate::{axe, in_browser, screen};

#[test]
fn a_slider_moves_and_answer_map_and_url_follow() {
    in_browser(async |browser| {
        let url = browser.serve("1", &["--no-lab"]);
        let page = browser.open(&format!("{url}/choose?budget=2s&cares_about=")).await;
        page.until("the map is there", "document.querySelector('#map').naturalWidth > 0").await;
        let first = page.js("document.querySelector('#best').innerText").await;
        assert_eq!(first, json!("SSE and WebSocket are equal; the simplest of them is SSE."));
        // Like a person with the keyboard: End is a thousand updates per second.
        page.find("#rate-slider").await.send_keys(thirtyfour::Key::End).await.unwrap();
        page.until("the answer has changed", "document.querySelector('#best').innerText.includes('polling')").await;
        let follows =
            "document.querySelector('#map').currentSrc.includes('rate=1000') && location.search.includes('rate=1000')";
        page.until("the map and the URL have changed", follows).await;
        page.until("the new map is there", "document.querySelector('#map').complete").await;
        assert_eq!(page.js("document.querySelector('#rate').value").await, json!("1000/s"));
        assert_eq!(page.js("document.querySelector('#rate-slider').ariaValueText").await, json!("1000/s"));
        screen::phone(&page, 844).await;
        screen::assert_fits(&page, "the page of choices").await;
        if axe::is_available() {
            axe::check(&page, "the page of choices").await;
        }
    });
}
