//! Six connections an origin: what that does to HTTP/1.1, and what it does not do to HTTP/2 and WebSockets.

use crate::in_browser;
use crate::live::LivePage;
use crate::tab::Tab;

/// How many cells of the grid are, of a kind that its words tell, in each of its groups.
async fn cells(tab: &Tab) -> Vec<String> {
    let words =
        tab.js("[...document.querySelectorAll('#grid [data-cell]')].map((cell) => cell.innerText.trim())").await;
    words.as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_seventh_connection_waits_over_http1_and_none_does_over_http2_or_as_a_websocket() {
    in_browser(async |browser| {
        let url = browser.serve("10", &[]);
        let page = LivePage::open(browser, &url).await;
        page.until_all_open().await;
        page.lab("six-connections").await;
        page.tab.until("the grid is there", "document.querySelectorAll('#grid [data-cell]').length > 20").await;
        let count = |word: &str| {
            format!(
                "[...document.querySelectorAll('#grid [data-cell]')].filter((it) => /\\b{word}\\b/.test(it.textContent)).length"
            )
        };
        page.tab.until("two wait", &format!("{} === 2", count("waiting"))).await;
        let cells = cells(&page.tab).await;
        assert!(!cells.iter().any(|words| words.contains("failed")), "{cells:?}");
        page.until_all_received(5).await;
        page.until_all_open().await;
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
