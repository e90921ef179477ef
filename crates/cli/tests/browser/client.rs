//! The client library, as a page would use it that copied it.

use crate::in_browser;
use crate::live::LivePage;
use crate::panels::CUT;

#[test]
fn the_ladder_leaves_streams_that_a_proxy_holds_back_and_ends_on_long_polls() {
    in_browser(async |browser| {
        browser.expect(&CUT);
        let page = LivePage::open(browser, &browser.serve("20", &[])).await;
        page.until_all_open().await;
        page.tab.js(HOLD_BACK).await;
        page.tab.js(CLIMB).await;
        page.tab.until("it climbed down", "window.climb?.rungs.join() === 'websocket,sse,long-polling'").await;
        page.tab.until("it receives", "window.climb.seqs.length > 20 && window.climb.link.state === 'open'").await;
        let whole = "window.climb.seqs.every((seq, index, all) => seq === all[0] + index)";
        assert_eq!(page.tab.js(whole).await, true, "a hole, or one twice: {}", page.tab.js("window.climb.seqs").await);
    });
}

/// More than the feed sends in the time of the test.
const HOLD_BACK: &str = "(window.feedlab.app.tab.settings({ buffer_bytes: 1000000 }), true)";

/// Each rung's door is behind a proxy of its own, so the address changes with the rung.
const CLIMB: &str = "(import('/page/feed-client.js').then(({ ladder }) => {
    const { doors } = window.feedlab.app.tab;
    const climb = window.climb = { rungs: [], seqs: [] };
    climb.link = ladder(['websocket', 'sse', 'long-polling'], {
        get url() { return doors[climb.rungs.at(-1)]; },
        onrung: (door) => climb.rungs.push(door),
        onupdate: ({ seq }) => climb.seqs.push(seq),
        silenceMs: 1500,
        tries: 1,
    });
}), true)";
