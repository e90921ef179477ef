//! Presets: each one is applied, is in the URL, and is restored from it.

use serde_json::Value;

use crate::in_browser;
use crate::live::LivePage;
use crate::panels::CUT;

pub(crate) const PRESETS: [&str; 7] =
    ["healthy", "far", "idle-proxy", "buffering-proxy", "deploy-503", "slow-client", "six-tabs"];

/// Returns the values of the controls.
async fn controls(page: &LivePage) -> Value {
    page.tab.js("Object.fromEntries(new FormData(document.querySelector('#controls')))").await
}

#[test]
fn each_preset_is_applied_and_restored_from_the_url() {
    in_browser(async |browser| {
        browser.expect(&CUT);
        browser.expect(&["status of 503", "status of 502"]);
        let url = browser.workshop();
        let page = LivePage::open(browser, &format!("{url}/")).await;
        let plain = controls(&page).await;
        let mut seen = Vec::new();
        for preset in PRESETS {
            page.tab.press(&format!("button[data-preset={preset}]")).await;
            let named = format!("new URLSearchParams(location.search).get('preset') === '{preset}'");
            page.tab.until(&format!("{preset} is in the address"), &named).await;
            let (address, set) = (page.tab.js("location.search").await, controls(&page).await);
            page.reload().await;
            assert_eq!(page.tab.js("location.search").await, address, "{preset}: the address after a reload");
            assert_eq!(controls(&page).await, set, "{preset}: the controls after a reload");
            assert!(!seen.contains(&address), "{preset} has the address of another preset: {address}");
            seen.push(address);
        }
        page.heal().await;
        assert_eq!(controls(&page).await, plain, "healed");
        page.until_all_open().await;
    });
}
