//! Six connections an origin: what that does to HTTP/1.1, and what it does not do to HTTP/2 and WebSockets.

use crate::in_browser;
use crate::live::LivePage;
use crate::panels::CUT;

#[test]
fn the_seventh_connection_waits_over_http1_and_none_does_over_http2_or_as_a_websocket() {
    in_browser(async |browser| {
        // The lesson sets the feed's rate, for which the tab's server starts again.
        browser.expect(&CUT);
        let url = browser.serve("10", &[]);
        let page = LivePage::open(browser, &url).await;
        page.until_all_open().await;
        page.lab("six-connections").await;
        page.tab.until("the grid is there", "document.querySelectorAll('#grid [data-cell]').length > 20").await;
        let words = "[...document.querySelectorAll('#grid [data-cell]')].map((cell) => cell.dataset.word)";
        let waiting = format!("{words}.filter((word) => word === 'waiting').length === 2");
        page.tab.until("two wait, of the eight over HTTP/1.1", &waiting).await;
        let all = format!("{words}.every((word) => word === 'open' || word === 'waiting')");
        page.tab.until("all others are open", &all).await;
        page.tab
            .until("the banner says that they wait", "/wait/.test(document.querySelector('#banner').innerText)")
            .await;
        page.until_all_received(5).await;
        page.until_all_open().await;
        page.lab("heal").await;
        page.tab.until("the grid is gone", "document.querySelector('#grid').hidden").await;
    });
}

#[test]
fn three_tabs_on_http1_are_all_served_where_each_has_a_lab_of_its_own() {
    in_browser(async |browser| {
        let url = browser.serve("10", &[]);
        let mut pages = Vec::new();
        for _ in 0..3 {
            let page = LivePage::open(browser, &url).await;
            page.until_all_open().await;
            page.until_all_received(3).await;
            pages.push(page);
        }
        pages[2].assert_nothing_missed().await;
    });
}

#[test]
fn without_the_lab_the_third_tab_says_why_it_waits() {
    in_browser(async |browser| {
        let url = browser.serve("10", &["--no-lab"]);
        let _two = [LivePage::open(browser, &url).await, LivePage::open(browser, &url).await];
        let tab = browser.blank().await;
        // The page itself may have to wait for a connection; so nobody waits for it to be complete.
        tab.js(&format!("setTimeout(() => location.replace('{url}'))")).await;
        let says = "((banner) => banner && !banner.hidden && /six|connection/i.test(banner.innerText))
                    (document.querySelector('#banner'))";
        tab.until("the banner says that the connections are used up", says).await;
    });
}
