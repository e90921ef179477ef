//! The limit of six connections per origin: it affects HTTP/1.1, but not HTTP/2 and WebSockets.

use crate::in_browser;
use crate::live::LivePage;
use crate::panels::CUT;

#[test]
fn the_seventh_connection_waits_over_http1_but_not_over_http2_or_websocket() {
    in_browser(async |browser| {
        // The lesson sets the feed's rate, which restarts the tab's server.
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
fn three_tabs_on_http1_all_work_when_each_has_its_own_lab() {
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
        // The page itself may have to wait for a connection, so do not wait until it is complete.
        tab.js(&format!("setTimeout(() => location.replace('{url}'))")).await;
        let says = "((banner) => banner && !banner.hidden && /six|connection/i.test(banner.innerText))
                    (document.querySelector('#banner'))";
        tab.until("the banner says that the connections are used up", says).await;
    });
}
