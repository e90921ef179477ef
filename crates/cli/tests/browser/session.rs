//! A headless Chromium, the tabs that a test opens in it, and the checks at the end.

use std::sync::Mutex;

use thirtyfour::common::log::LoggingPrefsLogLevel;
use thirtyfour::{CapabilitiesHelper as _, ChromeCapabilities, ChromiumLikeCapabilities as _, WebDriver, WindowHandle};

use crate::chromedriver::Chromedriver;
use crate::devtools::DevTools;
use crate::feedlab::Server;
use crate::log::Log;
use crate::tab::Tab;

/// Flags of a browser that makes no requests except those of a page.
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
    /// The tab that stays open: without one, the browser exits.
    home: WindowHandle,
    // After the driver, which closes its session with it.
    process: Chromedriver,
    /// The browser's own endpoint, once a test needs it.
    tools: Mutex<Option<DevTools>>,
    /// The servers, which stop after the tabs; otherwise the tabs would log errors.
    servers: Mutex<Vec<Server>>,
    /// The errors that the page may log, because the test provokes them.
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
        Self { driver, home, process, tools: Mutex::default(), servers: Mutex::default(), expected: Mutex::default() }
    }

    /// Starts `feedlab serve` with `rate` updates per second for the rest of the test, and returns its URL.
    pub(crate) fn serve(&self, rate: &str, more: &[&str]) -> String {
        self.keep(Server::serve(rate, more))
    }

    /// Starts `feedlab workshop` for the rest of the test, and returns its URL.
    pub(crate) fn workshop(&self) -> String {
        self.keep(Server::workshop())
    }

    /// Keeps a server for the rest of the test, and returns its URL.
    pub(crate) fn keep(&self, server: Server) -> String {
        let url = server.url();
        self.servers.lock().unwrap().push(server);
        url
    }

    /// Opens a page in a new tab.
    pub(crate) async fn open(&self, url: &str) -> Tab {
        let tab = self.blank().await;
        tab.goto(url).await;
        tab
    }

    /// Opens an empty tab.
    pub(crate) async fn blank(&self) -> Tab {
        self.go_home().await;
        let window = self.driver.new_tab().await.unwrap();
        Tab::new(self.driver.clone(), window)
    }

    /// Opens an empty tab in a browser context of its own, which shares no storage with others: another person's phone.
    pub(crate) async fn apart(&self) -> Tab {
        self.go_home().await;
        let before = self.driver.windows().await.unwrap();
        self.open_apart();
        let windows = self.driver.windows().await.unwrap();
        let window = windows.into_iter().find(|window| !before.contains(window)).expect("the new tab has a handle");
        Tab::new(self.driver.clone(), window)
    }

    /// The contexts belong to one connection, so it stays open.
    fn open_apart(&self) {
        let mut tools = self.tools.lock().unwrap();
        tools.get_or_insert_with(|| DevTools::of(self.process.profile())).open_apart();
    }

    /// Expects console errors that contain one of these texts.
    pub(crate) fn expect(&self, errors: &[&str]) {
        self.expected.lock().unwrap().extend(errors.iter().map(|&text| text.to_owned()));
    }

    async fn go_home(&self) {
        self.driver.switch_to_window(self.home.clone()).await.unwrap();
    }

    /// Returns the browser's log since the last call.
    async fn log(&self) -> Log {
        self.go_home().await;
        let console = self.driver.get_log("browser").await.unwrap();
        let events = self.driver.get_log("performance").await.unwrap();
        Log::new(&console, &events)
    }

    /// Runs the two checks at the end of a test, and then closes its tabs.
    pub(crate) async fn check(&self) {
        let log = self.log().await;
        let expected = std::mem::take(&mut *self.expected.lock().unwrap());
        let unexpected = log.errors(&expected);
        assert!(unexpected.is_empty(), "the page logged errors:\n{}", unexpected.join("\n"));
        let foreign = log.foreign();
        assert!(foreign.is_empty(), "the page contacted other machines:\n{}", foreign.join("\n"));
        assert!(!log.asked.is_empty(), "the browser logged no requests");
        self.close_tabs().await;
        self.servers.lock().unwrap().clear();
        self.log().await;
    }

    /// Closes all tabs except the one that stays open.
    async fn close_tabs(&self) {
        for window in self.driver.windows().await.unwrap().into_iter().filter(|window| *window != self.home) {
            self.driver.switch_to_window(window).await.unwrap();
            self.driver.close_window().await.unwrap();
        }
        self.go_home().await;
    }
}
