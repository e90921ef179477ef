//! Screenshots of the live page and the workshop, for the documentation and for review. Not a test:
//! `scripts/screenshots` runs it.

use std::path::PathBuf;

use thirtyfour::WebDriver;

use crate::live::LivePage;
use crate::presets::PRESETS;
use crate::session::Session;
use crate::{in_browser, screen};

/// What a screenshot needs.
struct Studio<'a> {
    browser: &'a Session,
    url: String,
    folder: PathBuf,
}

#[test]
#[ignore = "takes screenshots: scripts/screenshots runs it"]
fn screenshots_of_every_preset_and_of_the_workshop() {
    in_browser(async |browser| {
        browser.expect(&[""]);
        let url = browser.workshop();
        let folder = std::env::var_os("FEEDLAB_SCREENSHOTS").map_or_else(std::env::temp_dir, PathBuf::from);
        let studio = Studio { browser, url, folder };
        for preset in PRESETS {
            studio.preset(preset, "light").await;
        }
        studio.preset("healthy", "dark").await;
        studio.preset("deploy-503", "dark").await;
        studio.phone().await;
        studio.projector().await;
        studio.six_connections().await;
        for (name, path) in [("workshop", "workshop"), ("chapter", "workshop/01-how-old"), ("class", "workshop/class")]
        {
            studio.pages(name, path).await;
        }
    });
}

impl Studio<'_> {
    async fn preset(&self, preset: &str, scheme: &str) {
        let page = self.page(scheme).await;
        page.tab.press(&format!("button[data-preset={preset}]")).await;
        watched(&page).await;
        let name = if scheme == "light" { preset.to_owned() } else { format!("{preset}-{scheme}") };
        self.take(page, &name).await;
    }

    async fn phone(&self) {
        let page = LivePage { tab: self.browser.blank().await };
        screen::phone(&page.tab, 844).await;
        page.goto(&self.url).await;
        watched(&page).await;
        let height = page.tab.js("document.documentElement.scrollHeight").await.as_u64().unwrap();
        screen::phone(&page.tab, height.min(5000)).await;
        self.take(page, "phone").await;
    }

    async fn projector(&self) {
        let page = self.page("light").await;
        page.tab.press("button[data-page=projector]").await;
        watched(&page).await;
        self.take(page, "projector").await;
    }

    async fn six_connections(&self) {
        let page = self.page("light").await;
        page.lab("six-connections").await;
        watched(&page).await;
        page.tab.js("document.querySelector('#grid').scrollIntoView({ block: 'center' })").await;
        self.take(page, "six-connections").await;
    }

    /// Takes a whole page of the workshop, up to a maximum height.
    async fn pages(&self, name: &str, path: &str) {
        let page = LivePage { tab: self.browser.blank().await };
        screen::window(&page.tab, 1200, 500).await;
        page.tab.goto(&format!("{}/{path}", self.url)).await;
        let height = page.tab.js("document.documentElement.scrollHeight").await.as_u64().unwrap();
        screen::window(&page.tab, 1200, height.min(4000)).await;
        self.take(page, name).await;
    }

    async fn page(&self, scheme: &str) -> LivePage {
        let page = LivePage { tab: self.browser.blank().await };
        screen::window(&page.tab, 1600, 1000).await;
        screen::prefer(&page.tab, "prefers-color-scheme", scheme).await;
        page.goto(&self.url).await;
        page
    }

    /// Takes the screenshot and closes the tab, so that it does not slow down the next one.
    async fn take(&self, page: LivePage, name: &str) {
        let driver: &WebDriver = page.tab.driver().await;
        driver.screenshot(&self.folder.join(format!("{name}.png"))).await.unwrap();
        page.tab.close().await;
    }
}

/// Waits until the timeline is well filled and the preset has taken effect.
async fn watched(page: &LivePage) {
    page.tab.js("window.watchedSince = performance.now()").await;
    page.tab.until("there is something to see", "performance.now() - window.watchedSince > 12000").await;
}
