//! Sixty updates per second in four panels. The number of frames is printed but not checked, because it depends on the
//! machine.

use std::time::Duration;

use crate::live::LivePage;
use crate::{in_browser, say};

/// How long to count the frames.
const WATCHED: Duration = Duration::from_secs(5);

#[test]
fn sixty_updates_per_second_reach_every_panel() {
    in_browser(async |browser| {
        let url = browser.serve("60", &[]);
        let page = LivePage::open(browser, &url).await;
        page.until_all_open().await;
        let before = page.snapshot().await["frames"].clone();
        page.until_all_received(60 * WATCHED.as_secs()).await;
        let after = page.snapshot().await["frames"].clone();
        let grown = |name: &str| after[name].as_f64().unwrap() - before[name].as_f64().unwrap();
        let [count, dropped] = ["count", "dropped"].map(grown);
        let longest = &after["longest_ms"];
        say(&format!("60 updates/s in four panels: {count} frames, {dropped} dropped, the longest {longest} ms"));
        page.assert_the_same_updates(60 * 2).await;
    });
}
