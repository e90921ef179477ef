//! The live page outlives its server: in a lab and without one, with cuts, restarts and a laptop that sleeps.

use std::time::Duration;

use feedlab_feed::clock;
use serde_json::{Value, json};

use crate::killed::Killed;
use crate::live::{ENDPOINTS, LivePage, field};
use crate::panels::CUT;
use crate::session::Session;
use crate::{in_browser, say};

/// What a browser logs about a server that is away, and about a lab that has ended.
const AWAY: [&str; 2] = ["net::ERR_", "status of 404"];

/// How long the server may be back before every panel is open again.
const RECOVERY: Duration = Duration::from_secs(40);

/// One of the two modes of the page, with its own server.
struct Subject {
    server: Killed,
    page: LivePage,
    mode: &'static str,
}

impl Subject {
    async fn open(browser: &Session, more: &[&'static str], query: &str) -> Self {
        let server = Killed::start(more);
        let page = LivePage::open(browser, &format!("{}{query}", server.url())).await;
        let mode = if more.is_empty() { "lab" } else { "direct" };
        assert_eq!(page.mode().await, mode);
        page.until_all_open().await;
        page.until_all_received(10).await;
        Self { server, page, mode }
    }

    async fn until_all_open_again(&self) {
        let open = "[...window.feedlab.app.panels.values()].every((panel) => panel.word === 'open')";
        self.page.tab.within(RECOVERY, &format!("{}: all panels are open again", self.mode), open).await;
    }

    /// Waits until a panel no longer has a connection.
    async fn until_away(&self) {
        let away = "[...window.feedlab.app.panels.values()].every((panel) => panel.word !== 'open')";
        self.page.tab.until(&format!("{}: all panels have noticed", self.mode), away).await;
    }

    async fn cut(&self) {
        let cut = "[...window.feedlab.app.panels.values()].forEach((panel) => panel.cut())";
        self.page.tab.js(cut).await;
    }

    /// Freezes the tab, as a browser does with one that is hidden for long, or wakes it up.
    async fn set_frozen(&self, is_frozen: bool) {
        let state = if is_frozen { "frozen" } else { "active" };
        let cdp = self.page.tab.driver().await.cdp();
        cdp.send_raw("Page.setWebLifecycleState", json!({"state": state})).await.unwrap();
    }
}

async fn both(browser: &Session) -> [Subject; 2] {
    browser.expect(&CUT);
    browser.expect(&AWAY);
    [
        Subject::open(browser, &[], "?rtt_ms=40&source=synthetic&updates_per_s=20").await,
        Subject::open(browser, &["--no-lab"], "").await,
    ]
}

async fn wait(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[test]
fn p1_the_page_goes_on_when_its_server_is_another_process() {
    in_browser(async |browser| {
        let mut subjects = both(browser).await;
        let lab = "JSON.stringify(window.feedlab.app.tab?.endpoints ?? null)";
        let labs = [subjects[0].page.tab.js(lab).await, subjects[1].page.tab.js(lab).await];
        subjects.iter_mut().for_each(|subject| subject.server.kill());
        for subject in &subjects {
            subject.until_away().await;
            let told = "/does not answer/.test(document.querySelector('#server').innerText)";
            subject.page.tab.until("the page says that the server is away", told).await;
        }
        wait(10).await;
        subjects.iter_mut().for_each(|subject| subject.server.restart());
        for (Subject { page, mode, .. }, before) in subjects.iter().zip(&labs) {
            let told = "/another (lab|process)/.test(document.querySelector('#server').innerText)";
            page.tab.within(RECOVERY, &format!("{mode}: the page says that the server is another"), told).await;
            assert_eq!(page.tab.js(lab).await == *before, *mode == "direct", "{mode}: a new lab, if there was one");
        }
        for subject in &subjects {
            subject.until_all_open_again().await;
            subject.page.until_all_received(20).await;
            assert_resets_are_shown(subject).await;
        }
        let kept = "window.feedlab.app.controls.values.rtt_ms + window.feedlab.app.controls.values.updates_per_s";
        assert_eq!(subjects[0].page.tab.js(kept).await, json!(60), "the conditions are those in the address");
    });
}

/// The feed of another process has another epoch: each panel says so, and has received nothing twice.
async fn assert_resets_are_shown(subject: &Subject) {
    let snapshot = subject.page.snapshot().await;
    for endpoint in ENDPOINTS {
        let panel = &snapshot["endpoints"][endpoint];
        assert_eq!([&panel["resets"], &panel["duplicated"]], [1, 0], "{} {endpoint}: resets, twice", subject.mode);
        let shown = format!("{}.endsWith(', reset')", field(endpoint, "missed"));
        subject.page.tab.until(&format!("{endpoint} shows the reset"), &shown).await;
    }
}

#[test]
fn p1_a_panel_that_was_closed_stays_closed_and_finds_the_new_lab() {
    in_browser(async |browser| {
        browser.expect(&CUT);
        browser.expect(&AWAY);
        let mut subject = Subject::open(browser, &[], "").await;
        subject.page.press("sse", "disconnect").await;
        subject.server.kill();
        subject.server.restart();
        let page = &subject.page;
        let told = "/another lab/.test(document.querySelector('#server').innerText)";
        page.tab.within(RECOVERY, "the page has another lab", told).await;
        page.until_received("websocket", 5).await;
        page.until_state("sse", "closed").await;
        page.press("sse", "connect").await;
        page.until_state("sse", "open").await;
        page.until_received("sse", 5).await;
    });
}

#[test]
fn p1_nothing_is_lost_silently_in_half_a_minute_of_cuts_restarts_and_sleep() {
    audit(Duration::from_secs(30));
}

/// `FEEDLAB_PAGE_MINUTES` sets the length.
#[test]
#[ignore = "takes ten minutes: scripts/check-page runs it"]
fn p1_nothing_is_lost_silently_in_ten_minutes_of_cuts_restarts_and_sleep() {
    let minutes = std::env::var("FEEDLAB_PAGE_MINUTES").map_or(10, |text| text.parse().unwrap());
    audit(Duration::from_secs(60 * minutes));
}

/// Cuts connections, kills servers and freezes tabs for some time, then checks what every endpoint delivered.
fn audit(length: Duration) {
    in_browser(async |browser| {
        let mut subjects = both(browser).await;
        for subject in &subjects {
            subject.page.tab.js(&format!("(() => {{ {} }})()", include_str!("audit.js"))).await;
        }
        let (began, mut rounds) = (clock::now(), 0);
        while rounds == 0 || began.elapsed() + ROUND < length {
            round(&mut subjects, rounds).await;
            rounds += 1;
        }
        for subject in &subjects {
            subject.until_all_open_again().await;
            until_caught_up(subject).await;
            report(subject, rounds).await;
        }
    });
}

/// About how long a round takes.
const ROUND: Duration = Duration::from_secs(30);

/// In every round connections are cut, the server is killed for a while, and the tab sleeps. In every second round the
/// server is another process when the tab wakes up; in the third, the tab sleeps for so long that its lab has ended.
async fn round(subjects: &mut [Subject; 2], number: usize) {
    wait(3).await;
    for subject in &*subjects {
        subject.cut().await;
    }
    wait(3).await;
    for subject in &mut *subjects {
        subject.server.kill();
    }
    wait(3).await;
    for subject in &mut *subjects {
        subject.server.restart();
    }
    for subject in &*subjects {
        subject.until_all_open_again().await;
        subject.page.until_all_received(20).await;
        subject.set_frozen(true).await;
    }
    if number % 2 == 1 {
        for subject in &mut *subjects {
            subject.server.kill();
            subject.server.restart();
        }
    }
    wait(if number == 2 { 190 } else { 6 }).await;
    for subject in &*subjects {
        subject.set_frozen(false).await;
        subject.page.until_all_received(20).await;
    }
}

/// Waits until every endpoint has what the most advanced one has.
async fn until_caught_up(subject: &Subject) {
    let tab = &subject.page.tab;
    let head = tab.js("Math.max(...Object.values(window.audit.seen).map(({ seq }) => seq))").await;
    let caught_up = format!("Object.values(window.audit.seen).every(({{ seq }}) => seq >= {head})");
    tab.until("every endpoint has what the first has", &caught_up).await;
}

async fn report(subject: &Subject, rounds: usize) {
    let audit = subject.page.tab.js("window.audit").await;
    let stopped = audit["longest_stop_ms"].as_f64().unwrap() / 1000.0;
    say(&format!("{}: {rounds} rounds of cut, restart and sleep; its longest sleep {stopped:.1} s", subject.mode));
    let epochs: Vec<&Value> = ENDPOINTS.iter().map(|endpoint| &audit["seen"][endpoint]["epoch"]).collect();
    for endpoint in ENDPOINTS {
        let seen = &audit["seen"][endpoint];
        let figure = |name: &str| seen[name].as_u64().unwrap();
        say(&format!(
            "  {endpoint}: {} received, {} missed silently, {} delivered twice, {} reported lost, {} resets",
            figure("received"),
            figure("missed_silently"),
            figure("delivered_twice"),
            figure("reported_lost"),
            figure("resets"),
        ));
        assert_eq!([figure("missed_silently"), figure("delivered_twice")], [0, 0], "{} {endpoint}", subject.mode);
        assert!(figure("resets") >= rounds as u64, "{endpoint}: each restart is reported: {seen}");
    }
    assert!(epochs.windows(2).all(|pair| pair[0] == pair[1]), "all follow the same feed: {epochs:?}");
    assert!(stopped > 5.0, "the tab did not sleep: {stopped} s");
}
