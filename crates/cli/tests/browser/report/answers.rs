//! The report answers back: values under the pointer and the keyboard, contenders that are switched off, sorted tables
//! (G4). Without a script, and on paper, it is as readable as ever.

use serde_json::json;
use thirtyfour::Key;

use super::{PROBLEMS, check, fixture, open, run, scenario, serve};
use crate::tab::Tab;
use crate::{axe, in_browser, screen};

/// The text beside the value that is pointed at; null if there is none.
const TIP: &str = "document.querySelector('#age-ecdf .wide .tip:not([hidden])')?.innerText ?? null";

#[test]
fn values_follow_the_pointer_and_the_arrow_keys() {
    in_browser(async |browser| {
        let url = serve().await;
        let tab = open(browser, &url, 4).await;
        screen::window(&tab, 1280, 900).await;
        assert_eq!(tab.js(TIP).await, json!(null));
        let area = tab.find("#age-ecdf .wide .hover:nth-last-of-type(9)").await;
        area.scroll_into_view().await.unwrap();
        tab.driver().await.action_chain().move_to_element_center(&area).perform().await.unwrap();
        tab.until("the pointer shows values", &format!("/at most .* old\\n.*%/.test({TIP})")).await;

        let chart = tab.find("#age-ecdf .wide").await;
        chart.send_keys(Key::Home).await.unwrap();
        let said = "document.querySelector('.said').textContent";
        let first = tab.js(said).await;
        assert!(first.as_str().is_some_and(|text| text.starts_with("at most ")), "{first}");
        chart.send_keys(Key::Right).await.unwrap();
        assert!(tab.js(said).await != first && tab.js(TIP).await != json!(null), "the next value");
        chart.send_keys(Key::Left + Key::Left).await.unwrap();
        assert_eq!(tab.js(said).await, first, "it stops at the first");
        chart.send_keys(Key::Escape).await.unwrap();
        assert_eq!(tab.js(TIP).await, json!(null));

        // Over time, up and down lead to the same second of another contender.
        let course = tab.find("#age-over-time .wide").await;
        course.send_keys(Key::Home + Key::Right + Key::Right).await.unwrap();
        let here = tab.js(said).await;
        course.send_keys(Key::Down).await.unwrap();
        let there = tab.js(said).await;
        let second = |text: &serde_json::Value| {
            text.as_str().unwrap().split("; ").nth(1).unwrap().split(':').next().unwrap().to_owned()
        };
        assert!(here != there && second(&here) == "2 to 3 s" && second(&there) == "2 to 3 s", "{here} {there}");
        tab.close().await;
    });
}

#[test]
fn contenders_are_switched_off_everywhere_and_the_address_keeps_it() {
    in_browser(async |browser| {
        let url = serve().await;
        let tab = open(browser, &url, 4).await;
        screen::window(&tab, 1280, 900).await;
        let shown = "[...document.querySelectorAll('[data-part=\"1\"], .hover[data-of=\"1\"]')].filter((it) => it.getBoundingClientRect().width > 0).length";
        let rows = "[...document.querySelectorAll('tbody tr')].filter((it) => it.textContent.includes('number 01') && it.checkVisibility()).length";
        assert!(tab.js(shown).await.as_u64() > Some(20) && tab.js(rows).await.as_u64() > Some(1));
        tab.press(".switches [data-of='1']").await;
        let off = async |tab: &Tab| {
            let pressed =
                tab.js("document.querySelector('.switches [data-of=\"1\"]').getAttribute('aria-pressed')").await;
            assert_eq!(pressed, json!("false"));
            assert_eq!([tab.js(shown).await, tab.js(rows).await], [json!(0), json!(0)]);
            assert_eq!(tab.js("location.hash").await, json!("#without=1"));
        };
        off(&tab).await;
        tab.driver().await.refresh().await.unwrap();
        off(&tab).await;
        tab.find("#age-ecdf .wide").await.send_keys(Key::End).await.unwrap();
        assert_eq!(tab.js(&format!("({TIP}).split('\\n').length")).await, json!(4), "three contenders");
        tab.press(".switches .all").await;
        assert!(tab.js(shown).await.as_u64() > Some(20) && tab.js("location.hash").await == json!(""));
        tab.goto(&format!("{url}/4#without=99.x")).await;
        assert!(tab.js(shown).await.as_u64() > Some(20), "an address that names no contender switches none off");
        tab.close().await;
    });
}

#[test]
fn tables_are_sorted_by_figure_and_back() {
    in_browser(async |browser| {
        let url = serve().await;
        let tab = open(browser, &url, 8).await;
        screen::window(&tab, 1280, 900).await;
        let head = ".contenders:not(.checks) thead th:nth-child(3)";
        let order = "[...document.querySelector('.contenders:not(.checks)').tBodies[0].rows].map((row) => row.cells[0].textContent.slice(7, 9)).join()";
        let sorted = format!("document.querySelector('{head}').getAttribute('aria-sort')");
        let original = tab.js(order).await;
        // By the median age: polling is slower, although "510 µs" has the larger number.
        let rounds = [(json!("ascending"), "0"), (json!("descending"), "1"), (json!(null), "2")];
        let mut seen = Vec::new();
        for (state, _) in rounds {
            tab.press(&format!("{head} button")).await;
            assert_eq!(tab.js(&sorted).await, state);
            seen.push(tab.js(order).await.as_str().unwrap().to_owned());
        }
        assert_eq!(json!(seen[2]), original);
        screen::window(&tab, 390, 900).await;
        tab.press(&format!("{head} button")).await;
        assert_eq!(tab.js(&sorted).await, json!("ascending"), "on a phone the head is there to press");
        let reversed: Vec<&str> = seen[1].split(',').rev().collect();
        assert_eq!(reversed.join(","), seen[0]);
        // The numbers of polling contenders are 0 and 4: their ages are those of half a second.
        assert!(seen[0].ends_with("04,00") || seen[0].ends_with("00,04"), "{seen:?}");
        tab.close().await;
    });
}

#[test]
fn without_a_script_and_on_paper_everything_is_there_and_no_button() {
    in_browser(async |browser| {
        let url = serve().await;
        let tab = open(browser, &url, 4).await;
        screen::window(&tab, 718, 900).await;
        let buttons = "[...document.querySelectorAll('.switches, .tip, .data, .projector, summary')].filter((it) => it.checkVisibility()).length";
        assert!(tab.js(buttons).await.as_u64() > Some(5));
        let print = json!({ "media": "print", "features": [] });
        tab.driver().await.cdp().send_raw("Emulation.setEmulatedMedia", print).await.unwrap();
        assert_eq!(tab.js(buttons).await, json!(0));
        let closed = "[...document.querySelectorAll('details table')].filter((it) => it.getBoundingClientRect().height < 20).length";
        assert_eq!(tab.js(closed).await, json!(0), "all details are open on paper");
        tab.close().await;

        let tab = browser.open("about:blank").await;
        let off = json!({ "value": true });
        tab.driver().await.cdp().send_raw("Emulation.setScriptExecutionDisabled", off).await.unwrap();
        screen::window(&tab, 1280, 900).await;
        tab.goto(&format!("{url}/4")).await;
        assert_eq!(tab.js("document.documentElement.classList.contains('js')").await, json!(false));
        assert_eq!(
            tab.js("[...document.querySelectorAll('button')].filter((it) => it.checkVisibility()).length").await,
            json!(0)
        );
        assert!(tab.js("document.querySelectorAll('.hover title').length").await.as_u64() > Some(100));
        assert_eq!(tab.js(PROBLEMS).await, json!([]));
        tab.close().await;
    });
}

/// Returns the page of two runs, of which the second is slower.
pub(super) fn pair(contenders: usize) -> String {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let slower = |contender: &_, cell: &_| {
        let mut fixture = fixture(contender, cell);
        fixture.ages.iter_mut().flatten().for_each(|age| *age = *age * 3 / 2);
        fixture
    };
    let scenario = scenario(contenders);
    let a = run::results(folders[0].path(), &scenario, fixture);
    let b = run::results(folders[1].path(), &scenario, slower);
    feedlab_report::render_pair(&a, &b).unwrap().html
}

#[test]
fn two_runs_side_by_side_fit_every_screen_and_can_be_switched_off() {
    in_browser(async |browser| {
        let url = serve().await;
        let tab = browser.open(&format!("{url}/pair/8")).await;
        for width in [390, 1280] {
            check(&tab, width, &format!("two runs at {width} px")).await;
        }
        if axe::is_available() {
            axe::check(&tab, "two runs").await;
        }
        tab.press(".switches [data-of='3']").await;
        let off = tab.js("[...document.querySelectorAll('.wide g.off')].map((it) => it.dataset.part)").await;
        let off: Vec<_> = off.as_array().unwrap().iter().collect();
        assert!(off.len() > 5 && off.iter().all(|part| **part == json!("3")), "only one of the sixteen: {off:?}");
        assert_eq!(tab.js("location.hash").await, json!("#without=3"));
        tab.close().await;
    });
}

#[test]
fn axe_finds_nothing_in_a_report() {
    if !axe::is_available() {
        return;
    }
    in_browser(async |browser| {
        let url = serve().await;
        for (width, scheme) in [(1280, "light"), (390, "dark")] {
            let tab = open(browser, &url, 4).await;
            screen::window(&tab, width, 900).await;
            screen::prefer(&tab, "prefers-color-scheme", scheme).await;
            axe::check(&tab, &format!("the report at {width} px, {scheme}")).await;
            tab.close().await;
        }
    });
}
