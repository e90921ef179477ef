//! Emulated screens and preferences: size, color scheme, motion.

use serde_json::{Value, json};

use crate::tab::Tab;

/// Emulates a user preference, such as (`prefers-color-scheme`, `dark`).
pub(crate) async fn prefer(tab: &Tab, feature: &str, value: &str) {
    command(tab, "Emulation.setEmulatedMedia", json!({"features": [{"name": feature, "value": value}]})).await;
}

/// Emulates the screen of a phone with a height in CSS pixels.
pub(crate) async fn phone(tab: &Tab, height: u64) {
    let screen = json!({"width": 390, "height": height, "deviceScaleFactor": 1, "mobile": true});
    command(tab, "Emulation.setDeviceMetricsOverride", screen).await;
}

/// Emulates a window with a size in CSS pixels.
pub(crate) async fn window(tab: &Tab, width: u64, height: u64) {
    let screen = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
    command(tab, "Emulation.setDeviceMetricsOverride", screen).await;
}

async fn command(tab: &Tab, name: &str, parameters: Value) {
    tab.driver().await.cdp().send_raw(name, parameters).await.unwrap();
}

/// Fails if the page scrolls sideways, and reports the elements that are too wide.
pub(crate) async fn assert_fits(tab: &Tab, page: &str) {
    let wide = tab.js("document.documentElement.scrollWidth > document.documentElement.clientWidth").await;
    assert_eq!(wide, json!(false), "{page} scrolls sideways: {}", tab.js(STICKS_OUT).await);
}

const STICKS_OUT: &str = "[...document.body.querySelectorAll('*')]
    .filter((it) => it.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
    .map((it) => `${it.tagName}.${it.className}#${it.id}`).slice(0, 8)";
