//! The live page on another machine, where the instructor has opened the labs. 127.0.0.2 stands in for the address that
//! machine uses: it is not one of the names of loopback.

use crate::feedlab::Server;
use crate::in_browser;
use crate::live::LivePage;

#[test]
fn w3_a_learners_page_has_a_lab_and_says_what_it_may_do() {
    in_browser(async |browser| {
        let url = browser.keep(Server::workshop_for_others("2"));
        let page = LivePage::open(browser, &format!("{url}/?preset=far")).await;
        assert_eq!(page.mode().await, "lab");
        page.until_all_received(3).await;
        let rules = "document.querySelector('#lab-rules').innerText";
        page.tab.until("the rules", &format!("/a server of its own.* Labs still free: 1 of 2/.test({rules})")).await;
        let other = LivePage::open(browser, &format!("{url}/")).await;
        assert_eq!(other.mode().await, "lab");
        other.until_all_received(3).await;
        browser.expect(&["status of 503"]);
        let third = LivePage::open(browser, &format!("{url}/")).await;
        assert_eq!(third.mode().await, "direct", "there are two");
        third.until_all_received(3).await;
    });
}
