//! The workshop's pages, as a class sees them.

use crate::feedlab::Server;
use crate::tab::Tab;
use crate::{axe, in_browser, screen};

/// Pages that exist in addition to the chapters.
const PAGES: [&str; 3] = ["workshop", "workshop/class", "join"];

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
        let pages: Vec<String> = PAGES.iter().map(|page| format!("{url}/{page}")).chain([chapter]).collect();
        for scheme in ["light", "dark"] {
            let tab = browser.blank().await;
            screen::prefer(&tab, "prefers-color-scheme", scheme).await;
            for page in &pages {
                tab.goto(page).await;
                axe::check(&tab, &format!("{page}, {scheme}")).await;
            }
        }
    });
}

#[test]
fn w1_a_learner_who_reads_alone_opens_the_answer_after_their_prediction() {
    in_browser(async |browser| {
        let url = browser.workshop();
        let chapter = browser.open(&format!("{url}/workshop/01-how-old")).await;
        let result = "document.querySelector('[data-question] .result')";
        let text = format!("{result}.innerText");
        chapter.until("the figures are folded", "document.querySelectorAll('.held:not([open])').length === 2").await;
        chapter.until("nothing is shown yet", &format!("{result}.hidden")).await;
        chapter.press("[data-question] input[type=radio]").await;
        chapter.press("[data-question] form > button").await;
        chapter
            .until(
                "W5: the name is asked for",
                "document.activeElement.id === 'who' && document.querySelector('#who-said').innerText",
            )
            .await;
        chapter.write("#who", "Ada").await;
        chapter.press("[data-question] form > button").await;
        chapter.until("the prediction is saved", &format!("{text}.includes('Measure it below')")).await;
        assert_eq!(chapter.js(&format!("/uniform|right answer|svg/.test({result}.innerHTML)")).await, false);
        chapter.press("[data-question] .peek").await;
        chapter
            .until("the answer is shown", &format!("{text}.includes('uniform') && {result}.querySelector('svg')"))
            .await;
        assert_eq!(chapter.js("document.querySelectorAll('.held[open]').length").await, 0, "there is another question");
        chapter.goto(&format!("{url}/workshop/01-how-old")).await;
        chapter.until("a reload keeps it open", &format!("{text}.includes('uniform')")).await;
    });
}

#[test]
fn w4_a_chapter_follows_the_instructor_and_holds_its_answers_back() {
    in_browser(async |browser| {
        let server = Server::workshop();
        let instructor = server.instructor();
        let url = browser.keep(server);
        let class = browser.open(&instructor).await;
        class.press("#next").await;
        class
            .until("it began", "document.querySelector('[data-step=join]').getAttribute('aria-pressed') === 'true'")
            .await;
        let chapter = browser.open(&format!("{url}/workshop/02-the-answer-that-waits")).await;
        chapter.write("#who", "Ada").await;
        chapter.press(".follow input").await;
        class.press("#next").await;
        chapter.until("it went along", "location.pathname.endsWith('/01-how-old')").await;
        chapter.until("the vote is open", "!document.querySelector('#question-poll-median button').disabled").await;
        chapter.until("the other is closed", "document.querySelector('#question-poll-empty button').disabled").await;
        chapter.press("#question-poll-median input[type=radio]").await;
        chapter.press("#question-poll-median form > button").await;
        let result = "document.querySelector('#question-poll-median .result')";
        chapter
            .until("it is saved", &format!("{result}.innerText.includes('The instructor reveals the answer')"))
            .await;
        assert_eq!(chapter.js("[...document.querySelectorAll('.held')].every((it) => it.hidden)").await, true);
        class.press("[data-step=discuss]").await;
        chapter.until("the votes are shown", &format!("{result}.querySelector('svg')")).await;
        assert_eq!(chapter.js(&format!("{result}.innerText.includes('uniform')")).await, false);
        class.press("[data-step=reveal]").await;
        chapter.until("the answer is shown", &format!("{result}.innerText.includes('uniform')")).await;
        class.until("here too", "document.querySelector('#known').innerText.includes('uniform')").await;
    });
}

/// Returns the URLs of the chapters that the index links to.
pub(crate) async fn chapters(index: &Tab) -> Vec<String> {
    let links = "[...new Set([...document.querySelectorAll('a[href]')].map((it) => it.href.split('#')[0])
        .filter((it) => /\\/workshop\\/\\d\\d-/.test(it)))]";
    let links = index.js(links).await;
    links.as_array().unwrap().iter().map(|link| link.as_str().unwrap().to_owned()).collect()
}
