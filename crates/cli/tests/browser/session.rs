//! A headless Chromium, the tabs that a test opens in it, and what is asked of it at the end.

use std::sync::Mutex;

use thirtyfour::common::log::LoggingPrefsLogLevel;
use thirtyfour::{CapabilitiesHelper as _, ChromeCapabilities, ChromiumLikeCapabilities as _, WebDriver, WindowHandle};

use crate::chromedriver::Chromedriver;
use crate::feedlab::Server;
use crate::log::Log;
use crate::tab::Tab;

/// A browser that asks nobody for anything unless a page does.
const FLAGS: [&str; 13] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-crash-reporter",
    "--disable-dev-shm-usage",
    "--no-default-browser-check",
    "--window-size=1600,1000",
    "--force-color-profile=srgb",
];

pub(crate) struct Session {
    driver: WebDriver,
    /// The tab that stays open: a browser without one ends.
    home: WindowHandle,
    // After the driver, which says goodbye to it.
    _process: Chromedriver,
    /// They end after the tabs, which would complain.
    servers: Mutex<Vec<Server>>,
    /// What the page may complain about, because the test provokes it.
    expected: Mutex<Vec<String>>,
}

impl Session {
    pub(crate) async fn start() -> Self {
        let process = Chromedriver::start();
        let mut wishes = ChromeCapabilities::new();
        for flag in FLAGS {
            wishes.add_arg(flag).unwrap();
        }
        wishes.add_arg(&format!("--user-data-dir={}", process.profile().display())).unwrap();
        wishes.accept_insecure_certs(true).unwrap();
        wishes.set_logging_prefs("browser", LoggingPrefsLogLevel::All).unwrap();
        wishes.set_logging_prefs("performance", LoggingPrefsLogLevel::All).unwrap();
        let driver = WebDriver::new(&process.url, wishes).await.unwrap();
        driver.goto("about:blank").await.unwrap();
        let home = driver.window().await.unwrap();
        Self { driver, home, _process: process, servers: Mutex::default(), expected: Mutex::default() }
    }

    /// `feedlab serve` with so many updates per second, for as long as the test lasts. Its URL.
    pub(crate) fn serve(&self, rate: &str, more: &[&str]) -> String {
        self.keep(Server::serve(rate, more))
    }

    /// `feedlab workshop`, for as long as the test lasts. Its URL.
    pub(crate) fn workshop(&self) -> String {
        self.keep(Server::workshop())
    }

    /// Keeps a server for as long as the test lasts. Its URL.
    pub(crate) fn keep(&self, server: Server) -> String {
        let url = server.url();
        self.servers.lock().unwrap().push(server);
        url
    }

    /// A tab of its own, on this page.
    pub(crate) async fn open(&self, url: &str) -> Tab {
        let tab = self.blank().await;
        tab.goto(url).await;
        tab
    }

    /// A tab that shows nothing yet.
    pub(crate) async fn blank(&self) -> Tab {
        self.go_home().await;
        let window = self.driver.new_tab().await.unwrap();
        Tab::new(self.driver.clone(), window)
    }

    /// Errors on the console that have this in them are what the test provokes.
    pub(crate) fn expect(&self, errors: &[&str]) {
        self.expected.lock().unwrap().extend(errors.iter().map(|&text| text.to_owned()));
    }

    async fn go_home(&self) {
        self.driver.switch_to_window(self.home.clone()).await.unwrap();
    }

    /// What the browser has noted since it was asked last.
    async fn log(&self) -> Log {
        self.go_home().await;
        let console = self.driver.get_log("browser").await.unwrap();
        let events = self.driver.get_log("performance").await.unwrap();
        Log::new(&console, &events)
    }

    /// The two questions of a test's end; then its tabs are closed.
    pub(crate) async fn check(&self) {
        let log = self.log().await;
        let expected = std::mem::take(&mut *self.expected.lock().unwrap());
        let unexpected = log.errors(&expected);
        assert!(unexpected.is_empty(), "the page complains:\n{}", unexpected.join("\n"));
        let foreign = log.foreign();
        assert!(foreign.is_empty(), "the page asks others than this machine:\n{}", foreign.join("\n"));
        assert!(!log.asked.is_empty(), "the browser did not say what it asked for");
        self.close_tabs().await;
        self.servers.lock().unwrap().clear();
        self.log().await;
    }

    /// All but the one that stays.
    async fn close_tabs(&self) {
        for window in self.driver.windows().await.unwrap().into_iter().filter(|window| *window != self.home) {
            self.driver.switch_to_window(window).await.unwrap();
            self.driver.close_window().await.unwrap();
        }
        self.go_home().await;
    }
}
