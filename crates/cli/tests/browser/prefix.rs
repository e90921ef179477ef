//! Everything behind a path prefix: nginx removes `/lab/` from the paths that it forwards.

use crate::feedlab::Server;
use crate::live::LivePage;
use crate::workshop::chapters;
use crate::{in_browser, is_there};

fn is_nginx_installed() -> bool {
    is_there(&["nginx"], "apt-get install -y nginx")
}

#[test]
fn f14_the_workshop_works_behind_a_prefix() {
    if !is_nginx_installed() {
        return;
    }
    in_browser(async |browser| {
        let url = browser.keep(Server::workshop().behind_a_prefix());
        let index = browser.open(&format!("{url}/workshop")).await;
        let all = chapters(&index).await;
        assert!(all.len() >= 10 && all.iter().all(|chapter| chapter.starts_with(&url)), "{all:?}");
        index.press(&format!("nav a[href$='{}']", all[0].rsplit('/').next().unwrap())).await;
        index.until("the chapter is there", "document.querySelector('[data-question]')").await;

        index.write("#who", "Ada").await;
        index.press("[data-question] input[type=radio]").await;
        index.press("[data-question] form > button").await;
        index.until("the prediction is saved", "document.querySelector('[data-question] .peek')").await;
        index.press("[data-question] .peek").await;
        index.until("the class's answers are shown", "document.querySelector('[data-question] .result a')").await;
        let report = "document.querySelector('[data-question] .result a').href";
        let report = browser.open(index.js(report).await.as_str().unwrap()).await;
        report.until("the report of what was measured", "document.querySelector('svg')").await;

        // The figures are still folded, because the chapter asks another question.
        index.press(".held > summary").await;
        index.press(".live summary").await;
        let live = "document.querySelector('.live iframe').contentDocument?.body?.dataset.ready === 'true'";
        index.until("the live page in the chapter", live).await;

        index.press("header a[href$=class]").await;
        index.until("one is here", "document.querySelector('#people')?.innerText === '1 joined'").await;
        let join = browser.open(&format!("{url}/join")).await;
        join.until("it knows the name", "document.querySelector('#you').innerText === 'You are Ada.'").await;
        index.press("header nav a:last-child").await;
        let page = LivePage { tab: index };
        page.until_ready().await;
        page.until_all_received(3).await;
        assert_eq!(page.mode().await, "lab");
    });
}

#[test]
fn f14_every_endpoint_of_the_live_page_works_behind_a_prefix() {
    if !is_nginx_installed() {
        return;
    }
    in_browser(async |browser| {
        let url = browser.keep(Server::serve("20", &["--no-lab"]).behind_a_prefix());
        let page = LivePage::open(browser, &format!("{url}/")).await;
        assert_eq!(page.mode().await, "direct");
        page.until_all_open().await;
        page.until_all_received(10).await;
        page.assert_the_same_updates(5).await;
    });
}
