//! The live page keeps its places: nothing moves under the pointer, nothing collides, and what belongs together is on one
//! screen. It also tells how old its newest data is.

use serde_json::{Value, json};

use crate::live::{ENDPOINTS, LivePage, field};
use crate::panels::CUT;
use crate::session::Session;
use crate::tab::Tab;
use crate::{in_browser, screen};

async fn page(browser: &Session, width: u64, height: u64, query: &str) -> LivePage {
    let page = LivePage { tab: browser.blank().await };
    if width < 600 {
        screen::phone(&page.tab, height).await;
    } else {
        screen::window(&page.tab, width, height).await;
    }
    page.goto(&format!("{}/{query}", browser.serve("10", &[]))).await;
    page.until_all_open().await;
    page.until_all_received(3).await;
    page
}

/// Returns the script for the age of a panel's newest update, s.
fn newest(endpoint: &str) -> String {
    format!("parseFloat({})", field(endpoint, "newest"))
}

#[test]
fn p2_each_panel_tells_the_age_of_its_newest_update_even_after_it_gave_up() {
    in_browser(async |browser| {
        browser.expect(&CUT);
        browser.expect(&["status of 503"]);
        let page = page(browser, 1280, 900, "").await;
        let fresh = format!("{} < 1", newest("sse"));
        page.tab.until("it is small while updates come", &fresh).await;
        page.lab("answer-503").await;
        page.until_state("sse", "closed — gave up").await;
        page.until_received("long-polling", 3).await;
        page.press("long-polling", "disconnect").await;
        for endpoint in ["sse", "long-polling"] {
            let grows = format!("{} > 3", newest(endpoint));
            page.tab.until(&format!("{endpoint}: it grows while nothing comes"), &grows).await;
        }
        let behind = format!("/^old, [1-9]\\d* behind$/.test({})", field("long-polling", "newest-after"));
        page.tab.until("it tells how many updates it lacks", &behind).await;
        let marked = "document.querySelector('.panel[data-endpoint=sse]').hasAttribute('data-stale')";
        page.tab.until("an old one is marked", marked).await;
        assert_eq!(page.tab.js(&format!("{} < 2", newest("websocket"))).await, json!(true), "the others are fresh");
        let size = "parseFloat(getComputedStyle(document.querySelector('[data-field=newest]')).fontSize)
            / parseFloat(getComputedStyle(document.querySelector('[data-field=seq]')).fontSize)";
        assert!(page.tab.js(size).await.as_f64().unwrap() >= 1.3, "it is larger than the other figures");
    });
}

/// The places of everything that a pointer may be over: buttons, figures, charts.
const PLACES: &str = "Object.fromEntries([...document.querySelectorAll(
        '.panel, .panel button, .panel dt, .panel dd, .panel canvas, .newest, .tools button, #timeline, [data-lab], [data-preset]')]
    .map((it, i) => [`${i} ${it.tagName}.${it.className} ${it.closest('[data-endpoint]')?.dataset.endpoint ?? ''} ${it.dataset.field ?? it.dataset.action ?? it.dataset.lab ?? ''}`, it])
    .map(([name, it]) => {
        const { left, top, width, height } = it.getBoundingClientRect();
        return [name, [left + scrollX, top + scrollY, width, height].map(Math.round).join(' ')];
    }))";

/// Makes all counts large, as after a day.
const LARGE: &str = "(() => { for (const panel of window.feedlab.app.panels.values()) {
        Object.assign(panel, { received: 12345678, missed: 123456, resets: 1, duplicated: 123456, requests: 1234567, requestsEmpty: 123456,
            counted: { down: 9876543210, up: 9876543 } });
        panel.handle.close();
        panel.handle.seq = 12345678;
    } })()";

fn moved<'a>(before: &'a Value, after: &'a Value) -> Vec<String> {
    let changed = before.as_object().unwrap().iter().filter(|(name, place)| after[*name] != **place);
    changed.map(|(name, place)| format!("{name}: {place} → {}", after[name])).collect()
}

#[test]
fn p3_nothing_moves_when_counters_grow_connections_break_and_states_change() {
    in_browser(async |browser| {
        browser.expect(&CUT);
        browser.expect(&["status of 503"]);
        for (width, height, query) in [(1600, 1000, ""), (1280, 720, "?projector"), (390, 844, "")] {
            let page = page(browser, width, height, query).await;
            // The row of buttons on a phone scrolls to the button that is about to be pressed.
            page.tab.find("[data-lab=answer-503]").await.scroll_into_view().await.unwrap();
            let before = page.tab.js(PLACES).await;
            assert!(before.as_object().unwrap().len() > 80, "{before}");
            page.lab("answer-503").await;
            page.until_state("sse", "closed — gave up").await;
            let after = page.tab.js(PLACES).await;
            assert_eq!(moved(&before, &after), Vec::<String>::new(), "{width} px{query}: after a fault");
            page.tab.js(LARGE).await;
            page.tab.until("the counts are large", &format!("{} === '12,345,678'", field("sse", "received"))).await;
            let after = page.tab.js(PLACES).await;
            assert_eq!(moved(&before, &after), Vec::<String>::new(), "{width} px{query}: with large counts");
            assert_eq!(page.tab.js(COLLISIONS).await, json!([]), "{width} px{query}: figures that collide or are cut");
            page.tab.close().await;
        }
    });
}

/// The figures whose text is cut, or lies on the text of the next.
const COLLISIONS: &str = "[...document.querySelectorAll('.panel .figures')].flatMap((list) => {
        const texts = [...list.querySelectorAll('dt, dd')].map((it) => {
            const range = document.createRange();
            range.selectNodeContents(it);
            return { it, box: range.getBoundingClientRect() };
        });
        const cut = texts.filter(({ it }) => /^(seq|received|bytes|age)/.test(it.dataset.field))
            .filter(({ it }) => it.scrollWidth > it.clientWidth).map(({ it }) => `cut: ${it.innerText}`);
        const over = texts.flatMap((a, i) => texts.slice(i + 1).filter((b) => {
            const [one, two] = [a.it.getBoundingClientRect(), b.it.getBoundingClientRect()];
            return one.right > two.left + 0.5 && two.right > one.left + 0.5 && one.bottom > two.top + 0.5 && two.bottom > one.top + 0.5;
        }).map((b) => `${a.it.innerText} on ${b.it.innerText}`));
        return [...cut, ...over];
    })";

#[test]
fn p3_on_a_phone_the_lessons_are_on_the_same_screen_as_the_panels_that_they_change() {
    in_browser(async |browser| {
        browser.expect(&CUT);
        browser.expect(&["status of 503"]);
        let page = page(browser, 390, 844, "").await;
        for endpoint in ENDPOINTS {
            page.tab.js(&format!("document.querySelector('.panel[data-endpoint={endpoint}]').scrollIntoView()")).await;
            for seen in [
                &format!(".panel[data-endpoint={endpoint}] .newest"),
                &*format!(".panel[data-endpoint={endpoint}] .costs"),
            ] {
                assert!(is_on_screen(&page.tab, seen).await, "{seen}");
            }
            assert!(is_on_screen(&page.tab, "[data-lab=answer-503]").await, "beside {endpoint}");
        }
        // The button is where the thumb is, and pressing it scrolls nothing away.
        let before = page.tab.js("scrollY").await;
        page.tab.find("[data-lab=answer-503]").await.click().await.unwrap();
        page.tab.until("the lesson tells something", "document.querySelector('#lesson').innerText !== ''").await;
        assert!(is_on_screen(&page.tab, "#lesson").await, "what the lesson says");
        assert_eq!(page.tab.js("scrollY").await, before);
        page.end_lesson("answer-503").await;
    });
}

/// Whether the middle of an element is on the screen and not covered.
async fn is_on_screen(tab: &Tab, css: &str) -> bool {
    let script = format!(
        "(() => {{ const it = document.querySelector('{css}'), box = it.getBoundingClientRect();
            const top = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
            return top !== null && (it.contains(top) || top.contains(it)) && top !== document.documentElement; }})()"
    );
    tab.js(&script).await == json!(true)
}
