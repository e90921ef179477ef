//! The client library, used as by a page that copied it.

use feedlab_testkit::Feedlab;
use rustix::process::Signal;
use serde_json::json;

use crate::in_browser;
use crate::live::{ENDPOINTS, LivePage, field};
use crate::panels::CUT;

#[test]
fn j1_j2_the_ladder_falls_when_its_stream_is_refused_and_climbs_back() {
    in_browser(async |browser| {
        browser.expect(&CUT);
        let page = LivePage::open(browser, &browser.serve("20", &[])).await;
        page.until_all_open().await;
        page.tab
            .js("(window.feedlab.app.tab.fault('sse', 'refuse', 60_000).then(() => (window.refused = true)), true)")
            .await;
        page.tab.until("it is refused", "window.refused").await;
        page.tab.js(FALL).await;
        page.tab.until("J1: it fell", "window.fall.rungs.join() === 'sse,short-polling'").await;
        page.tab.until("it receives", "window.fall.seqs.length > 20").await;
        page.tab.js("(window.feedlab.app.tab.heal(), true)").await;
        page.tab.until("J2: it climbed back", "window.fall.rungs.at(-1) === 'sse'").await;
        page.tab.js("(window.fall.before = window.fall.seqs.length, true)").await;
        page.tab.until("it receives there", "window.fall.seqs.length > window.fall.before + 20").await;
        let whole = "window.fall.seqs.every((seq, index, all) => seq === all[0] + index)";
        assert_eq!(page.tab.js(whole).await, true, "missed or duplicated: {}", page.tab.js("window.fall.seqs").await);
    });
}

const FALL: &str = "(import('/page/feed-client.js').then(({ ladder }) => {
    const fall = window.fall = { rungs: [], seqs: [] };
    fall.link = ladder(['sse', 'short-polling'], {
        url: (endpoint) => window.feedlab.app.tab.endpoints[endpoint],
        onrung: (endpoint) => fall.rungs.push(endpoint),
        onupdate: ({ seq }) => fall.seqs.push(seq),
        intervalMs: 100,
        climbMs: 500,
    });
}), true)";

#[test]
fn the_ladder_falls_back_from_buffered_streams_to_long_polling() {
    in_browser(async |browser| {
        browser.expect(&CUT);
        let page = LivePage::open(browser, &browser.serve("20", &[])).await;
        page.until_all_open().await;
        page.tab.js(HOLD_BACK).await;
        page.tab.js(CLIMB).await;
        page.tab.until("it climbed down", "window.climb?.rungs.join() === 'websocket,sse,long-polling'").await;
        page.tab.until("it receives", "window.climb.seqs.length > 20 && window.climb.link.state === 'open'").await;
        let whole = "window.climb.seqs.every((seq, index, all) => seq === all[0] + index)";
        assert_eq!(
            page.tab.js(whole).await,
            true,
            "missed or duplicated updates: {}",
            page.tab.js("window.climb.seqs").await
        );
    });
}

/// A buffer larger than what the feed sends during the test.
const HOLD_BACK: &str = "(window.feedlab.app.tab.settings({ buffer_bytes: 1000000 }), true)";

/// Each rung's endpoint is behind a separate proxy, so the address changes with the rung.
const CLIMB: &str = "(import('/page/feed-client.js').then(({ ladder }) => {
    const { endpoints } = window.feedlab.app.tab;
    const climb = window.climb = { rungs: [], seqs: [] };
    climb.link = ladder(['websocket', 'sse', 'long-polling'], {
        url: (endpoint) => endpoints[endpoint],
        onrung: (endpoint) => climb.rungs.push(endpoint),
        onupdate: ({ seq }) => climb.seqs.push(seq),
        silenceMs: 1500,
        tries: 1,
    });
}), true)";

#[test]
fn f20_feed_events_with_the_names_of_eventsource_events_are_only_updates() {
    in_browser(async |browser| {
        let page = LivePage::open(browser, &browser.serve("1", &["--allow-publish"])).await;
        page.tab.js(LISTEN).await;
        page.tab.until("it is open", "window.named?.link.state === 'open'").await;
        page.tab.js(PUBLISH).await;
        page.tab.until("all three are updates", "window.named.types.join() === 'open,error,message'").await;
        let counts = "[window.named.requests, window.named.opened, window.named.link.state]";
        assert_eq!(page.tab.js(counts).await, json!([1, 1, "open"]), "the stream opened once and never failed");
    });
}

/// `eventSource` is the page's own transport; the library's gets events of every name anyway.
const LISTEN: &str =
    "(Promise.all(['feed-client.js', 'feed-client/link.js', 'event-source.js'].map((name) => import(`/page/${name}`)))
    .then(([{ connect, OPEN }, { TRANSPORTS }, { eventSource }]) => {
    const named = window.named = { requests: 0, opened: 0, types: [] };
    named.link = connect({
        endpoint: 'sse',
        url: location.origin,
        transports: { ...TRANSPORTS, sse: eventSource },
        types: ['open', 'error', 'message'],
        onrequest: () => (named.requests += 1),
        onstate: (word) => (named.opened += word === OPEN ? 1 : 0),
        onupdate: ({ type }) => named.types.push(type),
    });
}), true)";

const PUBLISH: &str = "(['open', 'error', 'message'].reduce((before, type) => before.then(() => fetch('/feed', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ type, data: 'x' }),
})), Promise.resolve()), true)";

#[test]
fn d1_a_restarted_feed_is_shown_as_a_reset() {
    in_browser(async |browser| {
        browser.expect(&CUT);
        let serve = ["serve", "--feed", "host", "--rate", "20", "--no-lab"];
        let start = |more: &[&str]| Feedlab::run(assert_cmd::cargo::cargo_bin!("feedlab"), &[&serve, more].concat());
        let server = start(&[]);
        let address = server.address().to_string();
        let page = LivePage::open(browser, &format!("http://{address}")).await;
        page.until_all_open().await;
        page.until_all_received(20).await;
        server.signal(Signal::KILL);
        server.close();
        let _server = start(&["--listen", &address]);
        for endpoint in ENDPOINTS {
            let resets = format!("window.feedlab.snapshot().endpoints['{endpoint}'].resets === 1");
            page.tab.until(&format!("{endpoint} gets a reset"), &resets).await;
            page.tab.until("it shows", &format!("{}.endsWith(', reset')", field(endpoint, "missed"))).await;
        }
        page.until_all_received(5).await;
        page.tab.close().await;
    });
}
