//! The workshop's pages, as a class sees them.

use crate::tab::Tab;
use crate::{axe, in_browser, screen};

/// Pages that exist in addition to the chapters.
const PAGES: [&str; 2] = ["workshop", "workshop/class"];

#[test]
fn every_page_of_the_workshop_opens_and_fits_a_phone() {
    in_browser(async |browser| {
        let url = browser.workshop();
        let tab = browser.open(&format!("{url}/workshop")).await;
        let mut pages = chapters(&tab).await;
        assert!(!pages.is_empty(), "the index links no chapter");
        pages.extend(PAGES.map(|page| format!("{url}/{page}")));
        screen::phone(&tab, 844).await;
        for page in pages {
            tab.goto(&page).await;
            tab.until("it has a heading", "document.querySelector('h1')?.innerText.trim()").await;
            screen::assert_fits(&tab, &page).await;
        }
    });
}

#[test]
fn axe_finds_nothing_serious_in_the_workshop() {
    if !axe::is_available() {
        return;
    }
    in_browser(async |browser| {
        let url = browser.workshop();
        let index = browser.open(&format!("{url}/workshop")).await;
        let chapter = chapters(&index).await.swap_remove(0);
        let [first, second] = PAGES.map(|page| format!("{url}/{page}"));
        for scheme in ["light", "dark"] {
            let tab = browser.blank().await;
            screen::prefer(&tab, "prefers-color-scheme", scheme).await;
            for page in [&chapter, &first, &second] {
                tab.goto(page).await;
                axe::check(&tab, &format!("{page}, {scheme}")).await;
            }
        }
    });
}

#[test]
fn a_learner_predicts_before_seeing_anything_and_the_class_page_counts() {
    in_browser(async |browser| {
        let url = browser.workshop();
        let index = browser.open(&format!("{url}/workshop")).await;
        let chapter = browser.open(&chapters(&index).await[0]).await;
        let hidden = "document.querySelector('[data-question] .result').hidden";
        chapter.until("nothing is shown yet", hidden).await;
        chapter.write("#who", "Ada").await;
        chapter.press("[data-question] input[type=radio]").await;
        chapter.press("[data-question] form > button").await;
        chapter.until("the class's answers are shown", &format!("!{hidden}")).await;
        let class = browser.open(&format!("{url}/workshop/class")).await;
        class.until("one has predicted", "/^1 predicted/.test(document.querySelector('#count').innerText)").await;
        class.press("#votes").await;
        class.until("the votes are drawn", "document.querySelector('#chart svg')").await;
    });
}

/// Returns the URLs of the chapters that the index links to.
pub(crate) async fn chapters(index: &Tab) -> Vec<String> {
    let links = "[...new Set([...document.querySelectorAll('a[href]')].map((it) => it.href.split('#')[0])
        .filter((it) => /\\/workshop\\/\\d\\d-/.test(it)))]";
    let links = index.js(links).await;
    links.as_array().unwrap().iter().map(|link| link.as_str().unwrap().to_owned()).collect()
}
