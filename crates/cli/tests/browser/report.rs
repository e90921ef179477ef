//! The report of a run, as it is read: on a phone, a tablet, a laptop and a projector, in the dark, and on paper.
//!
//! Rows G2 and G4: with 2 to 12 contenders and labels of 60 characters, no text is cut or lies on another, and values
//! are under the pointer and in a file for other programs.

use std::path::Path;

use axum::Router;
use axum::http::Uri;
use axum::response::Html;
use feedlab_experiment::Metric;
use feedlab_experiment::plan::Cell;
use feedlab_experiment::scenario::{Contender, Transport};
use feedlab_experiment::summary::Predicted;
use serde_json::json;

use crate::session::Session;
use crate::tab::Tab;
use crate::{in_browser, screen};

mod answers;
#[path = "../../../report/src/tests/run.rs"]
mod run;

use run::CellFixture;

/// The numbers of contenders.
const CONTENDERS: [usize; 4] = [2, 4, 8, 12];

/// The widths of screens, and that of a sheet of A4 between the margins that browsers leave; CSS pixels.
const WIDTHS: [u64; 4] = [390, 768, 1280, 1600];
const SHEET: u64 = 718;

/// The seconds of a run, and the ages in each.
const SECONDS: u32 = 12;
const AGES: u32 = 25;

#[test]
fn no_label_of_a_report_is_cut_or_lies_on_another() {
    in_browser(async |browser| {
        let url = serve().await;
        for contenders in CONTENDERS {
            let tab = open(browser, &url, contenders).await;
            for width in WIDTHS {
                check(&tab, width, &format!("{contenders} contenders at {width} px")).await;
            }
            screen::prefer(&tab, "prefers-color-scheme", "dark").await;
            check(&tab, 1280, &format!("{contenders} contenders in the dark")).await;
            let print = json!({ "media": "print", "features": [] });
            tab.driver().await.cdp().send_raw("Emulation.setEmulatedMedia", print).await.unwrap();
            check(&tab, SHEET, &format!("{contenders} contenders on paper")).await;
            tab.close().await;
        }
    });
}

#[test]
fn values_are_under_the_pointer_and_in_a_file() {
    in_browser(async |browser| {
        let url = serve().await;
        let tab = open(browser, &url, 4).await;
        screen::window(&tab, 1280, 900).await;
        let charts = tab.js("document.querySelectorAll('figure:not(#checks)').length").await;
        assert_eq!(charts, json!(5));
        assert_eq!(tab.js(WITHOUT_VALUES).await, json!([]), "charts without values under the pointer");
        assert_eq!(tab.js(FILES).await, json!([[102, 5], [13, 9], [5, 11], [5, 6], [5, 11]]), "lines and columns");
    });
}

/// Serves a report of a run of as many contenders as the path says, for the rest of the test.
async fn serve() -> String {
    let page = |uri: Uri| async move {
        let (draw, number): (fn(usize) -> String, &str) = match uri.path().strip_prefix("/pair/") {
            Some(number) => (answers::pair, number),
            None => (report, uri.path().trim_start_matches('/')),
        };
        Html(number.parse().map_or_else(|_| String::new(), draw))
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(page)).await });
    url
}

async fn open(browser: &Session, url: &str, contenders: usize) -> Tab {
    browser.open(&format!("{url}/{contenders}")).await
}

/// Fails if a text at some width is cut or lies on another.
async fn check(tab: &Tab, width: u64, what: &str) {
    screen::window(tab, width, 900).await;
    assert_eq!(tab.js(PROBLEMS).await, json!([]), "{what}");
}

/// Every visible text that sticks out of its picture, its block or the page, and every pair of texts that overlap. What
/// scrolls sideways by itself may stick out of the page.
const PROBLEMS: &str = r"(() => {
    for (const it of document.querySelectorAll('details')) it.open = true;
    const page = { left: 0, right: document.documentElement.clientWidth, top: -1e9, bottom: 1e9 };
    const scrolls = (it) => it && (/auto|scroll/.test(getComputedStyle(it).overflowX) || scrolls(it.parentElement));
    const sticksOut = (it, box) => it.left < box.left - 2 || it.right > box.right + 2 || it.top < box.top - 2 || it.bottom > box.bottom + 2;
    const found = [], texts = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const node = walker.currentNode, parent = node.parentElement, text = node.data.trim();
        if (!text || !parent.checkVisibility({ visibilityProperty: true }) || parent.closest('title, desc, .skip')) continue;
        // On a phone the head of a table is there for screen readers only.
        if (getComputedStyle(parent.closest('thead') ?? parent).position === 'absolute') continue;
        const range = document.createRange();
        range.selectNodeContents(node);
        const picture = parent.closest('svg'), block = parent.closest('td, th, p, li, dt, dd, h1, h2, h3, summary');
        for (const box of picture ? [parent.getBoundingClientRect()] : range.getClientRects()) {
            if (box.width < 1) continue;
            texts.push({ node, text, box });
            const around = picture ?? block;
            if (around && !parent.closest('pre') && sticksOut(box, around.getBoundingClientRect())) found.push(`sticks out of its ${around.tagName}: ${text}`);
            if (!scrolls(parent) && sticksOut(box, page)) found.push(`sticks out of the page: ${text}`);
        }
    }
    texts.sort((a, b) => a.box.top - b.box.top);
    texts.forEach(({ node, text, box }, index) => {
        for (let next = index + 1; next < texts.length && texts[next].box.top < box.bottom - 2; next++) {
            const other = texts[next];
            const across = Math.min(box.right, other.box.right) - Math.max(box.left, other.box.left);
            const down = Math.min(box.bottom, other.box.bottom) - other.box.top;
            if (node !== other.node && across > 2 && down > 2) found.push(`${text} lies on ${other.text}`);
        }
    });
    return texts.length > 100 ? found.slice(0, 12) : ['the page has no text'];
})()";

/// The charts in which the pointer finds no value in the middle.
const WITHOUT_VALUES: &str = "[...document.querySelectorAll('figure')].filter((figure) => {
    const areas = [...figure.querySelectorAll('.wide .hover')];
    const area = areas[Math.floor(areas.length / 2)];
    area?.scrollIntoView({ block: 'center' });
    const box = area?.getBoundingClientRect();
    const hit = box && document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    hit?.dispatchEvent(new PointerEvent('pointerover', { bubbles: true }));
    return !/\\d/.test(figure.querySelector('.wide .tip:not([hidden])')?.textContent ?? '');
}).map((figure) => figure.id)";

/// The numbers of lines and of columns of each chart's CSV file. No cell contains a comma.
const FILES: &str = "[...document.querySelectorAll('figure:not(#checks) .data a[download$=\".csv\"]')].map((link) => {
    const text = decodeURIComponent(link.href.replace('data:text/csv;charset=utf-8,', ''));
    const lines = text.trimEnd().split('\\r\\n').map((line) => line.split(',').length);
    return [lines.length, Math.max(...lines)];
})";

/// Returns the report of a made-up run, and keeps it in the target folder, for a look.
fn report(contenders: usize) -> String {
    let folder = tempfile::tempdir().unwrap();
    let results = run::results(folder.path(), &scenario(contenders), fixture);
    let html = feedlab_report::render(&results).unwrap().html;
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("report-{contenders}.html"));
    std::fs::write(kept, &html).unwrap();
    html
}

/// Contenders over all four transports in turn, each with a label of 60 characters, the third without a space.
fn scenario(contenders: usize) -> String {
    let label = |number: usize| {
        let label = format!("number {number:02} of the contenders that have labels of sixty letters");
        let label: String = label.chars().take(60).collect();
        if number == 2 { label.replace(' ', "-") } else { label }
    };
    let contender = |number: usize| {
        let transport = Transport::ALL[number % 4];
        format!("{{ transport = \"{}\", label = \"{}\" }},", transport.id(), label(number))
    };
    let all: String = (0..contenders).map(contender).collect();
    let fault =
        if contenders == 8 { "fault = [{ kind = \"cut\", at = \"2s\", every = \"3s\", share = 0.2 }]" } else { "" };
    format!(
        r#"
schema = 1
name = "labels"
question = "Do all labels fit, however many contenders there are and however long their names?"
feed = {{ source = "synthetic", updates_per_s = 10 }}
clients = {{ count = 50 }}
measure = {{ duration = "{SECONDS}s", repetitions = 2 }}
contender = [{all}]
threshold = [
    {{ metric = "updates_missed", expect = "== 0" }},
    {{ metric = "age_p50_us", expect = "within 10% of predicted" }},
    {{ metric = "age_p50_us", expect = "within 10% of {}" }},
]
{fault}
"#,
        label(0)
    )
}

/// Polled ages are spread over a second, the others are small and close to each other; the cost of the kernel is the
/// same for all. With eight contenders, connections break.
fn fixture(contender: &Contender, cell: &Cell) -> CellFixture {
    let number = cell.contender as f64;
    let factor = 1.0 + f64::from(cell.repetition) / 50.0 + number / 7.0;
    let is_polling = contender.transport() == Transport::ShortPolling;
    let age = |step: u32| {
        let part = f64::from(step) / f64::from(AGES);
        let us = if is_polling { 1e6 * part / (1.0 + number / 4.0) } else { 400.0 + 300.0 * part };
        (us * factor) as u64
    };
    let updates = f64::from(AGES * SECONDS);
    let metrics = [
        (Metric::UpdatesPublished, updates),
        (Metric::UpdatesExpected, updates),
        (Metric::UpdatesReceived, updates),
        (Metric::UpdatesMissed, 0.0),
        (Metric::UpdatesDuplicated, 0.0),
        (Metric::UpdatesReordered, 0.0),
        (Metric::Requests, if is_polling { 600.0 } else { 0.0 }),
        (Metric::RequestsEmpty, if is_polling { 150.0 } else { 0.0 }),
        (Metric::PayloadBytesPerUpdate, 197.0),
        (Metric::FramingBytesPerUpdate, 58.0),
        (Metric::HeaderBytesPerUpdate, 320.0 * factor),
        (Metric::KeepaliveBytesPerUpdate, 3.0),
        (Metric::SocketBytesPerUpdate, 258.0 + 320.0 * factor),
        (Metric::WireBytesPerUpdate, 500.0 + 320.0 * factor),
        (Metric::PacketsPerUpdate, 2.0 * factor),
        (Metric::ServerRssBytesPerConnection, 17_000.0 * factor),
        (Metric::KernelBytesPerConnection, 3_717.0),
        (Metric::ClientRssBytesPerConnection, 61_000.0 * factor),
        (Metric::ConnectP50, 132.0 * factor),
        (Metric::RequestP50, 160.0 * factor),
        (Metric::OpenP50, 310.0 * factor),
        (Metric::FirstUpdateP50, 420.0 * factor),
        (Metric::HandshakeBytes, 530.0 * factor),
        (Metric::ServerCpuPerUpdate, 19.9 * factor),
        (Metric::Reconnects, 139.0 * factor),
        (Metric::ReconnectP50, 210_000.0 * factor),
        (Metric::RecoveryP50, 310_000.0 * factor),
    ];
    let predicted = [(Metric::AgeP50, 510_000.0), (Metric::SocketBytesPerUpdate, 640.0), (Metric::OpenP50, 300.0)];
    let ages = if is_polling { vec![(0.0, 0.0), (1.0, 1e6)] } else { Vec::new() };
    let predicted = Predicted { metrics: predicted.into(), ages, ..Predicted::default() };
    CellFixture {
        ages: (0..SECONDS).map(|_| (1..=AGES).map(age).collect()).collect(),
        metrics: metrics.into(),
        predicted: Some(predicted),
        ..CellFixture::default()
    }
}
