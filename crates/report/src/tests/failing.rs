//! A made-up run with a round trip and faults: every two seconds a fifth of the connections is cut, in the middle new
//! connections are refused, and near the end the server is killed. For tests of the sentences and charts about
//! failures.

use feedlab_experiment::Scenario;
use feedlab_experiment::record::Failure;

use super::*;

const SECONDS: u32 = 20;

/// Four contenders 50 ms away, nginx in front of one of them.
pub(crate) fn scenario(repetitions: u32) -> Scenario {
    let text = format!(
        r#"
        schema = 1
        name = "failing"
        question = "What does each transport do when things break?"
        feed = {{ source = "synthetic", updates_per_s = 10, payload_bytes = 100, history = 100 }}
        clients = {{ count = 50, slow = {{ count = 1, bytes_per_s = 1024 }} }}
        network = {{ rtt = "50ms", jitter = "2ms" }}
        measure = {{ duration = "{SECONDS}s", repetitions = {repetitions} }}
        fault = [
            {{ kind = "cut", at = "2s", every = "2s", share = 0.2 }},
            {{ kind = "refuse", at = "9s", for = "1s" }},
            {{ kind = "kill", at = "15s", for = "500ms" }},
        ]
        contender = [
            {{ transport = "short-polling" }},
            {{ transport = "long-polling" }},
            {{ transport = "sse", label = "SSE", via = "nginx" }},
            {{ transport = "websocket", label = "WebSocket", tls = true, reconnect_after = "200ms", jitter = false, slow_policy = "disconnect" }},
        ]
        threshold = [
            {{ metric = "updates_missed", expect = "== 0" }},
            {{ metric = "age_p50_us", expect = "within 10% of predicted" }},
            {{ metric = "age_p50_us", expect = "within 2ms of SSE", transport = "websocket" }},
            {{ metric = "requests", expect = "within 2% of predicted" }},
            {{ metric = "recovery_p50_us", expect = "<= 500000" }},
        ]
    "#
    );
    Scenario::parse(&text, Path::new("failing.toml")).unwrap()
}

/// The figures of one cell. SSE loses clients permanently, WebSocket misses updates that fell out of the history.
pub(crate) fn fixture(contender: &Contender, cell: &Cell) -> CellFixture {
    let transport = contender.transport();
    let clients = u64::from(cell.clients);
    let slower = 1.0 + f64::from(cell.repetition) / 50.0;
    let level = match transport {
        Transport::ShortPolling => 525_000.0,
        Transport::LongPolling => 38_000.0,
        Transport::Sse | Transport::WebSocket => 26_000.0,
    };
    let second = |second: u32| -> Vec<u64> {
        let peak = match second {
            15 => 600_000.0,
            9 => 900_000.0,
            even if even % 2 == 0 && even > 0 => 150_000.0,
            _ => 0.0,
        };
        let age = |step: u64| {
            let late = if step < 20 { peak * (step as f64 / 20.0) } else { 0.0 };
            ((level * (0.9 + 0.2 * step as f64 / 100.0) + late) * slower) as u64
        };
        (0..100).map(age).collect()
    };
    let updates = 10.0 * f64::from(SECONDS);
    let expected = updates * f64::from(cell.clients);
    // Missed, reported lost, replayed, gave up, reconnects, their peak, recovery p50 and p99 in ms.
    let [missed, reported, replayed, gave_up, reconnects, peak, p50, p99] = match transport {
        Transport::ShortPolling => [0.0, 0.0, 220.0, 0.0, 0.0, 12.0, 480.0, 1_020.0],
        Transport::LongPolling => [0.0, 0.0, 410.0, 0.0, 130.0, 22.0, 160.0, 1_350.0],
        Transport::Sse => [312.0, 0.0, 640.0, 3.0, 139.0, 50.0, 210.0, 1_150.0],
        Transport::WebSocket => [40.0, 40.0, 600.0, 0.0, 142.0, 50.0, 252.0, 1_190.0],
    };
    let requests = f64::from(match transport {
        Transport::ShortPolling => SECONDS * cell.clients,
        Transport::LongPolling => 10 * SECONDS * cell.clients,
        Transport::Sse | Transport::WebSocket => 0,
    });
    // The arithmetic does not cover what the cuts cost long polling.
    let factor = if transport == Transport::LongPolling { 1.05 } else { 1.0 };
    let is_tls = contender.link.tls;
    let metrics = [
        (Metric::UpdatesPublished, updates),
        (Metric::UpdatesExpected, expected),
        (Metric::UpdatesReceived, expected - missed),
        (Metric::UpdatesMissed, missed),
        (Metric::UpdatesDuplicated, 0.0),
        (Metric::UpdatesReordered, 0.0),
        (Metric::UpdatesReplayed, replayed),
        (Metric::UpdatesReportedLost, reported),
        (Metric::ClientsGaveUp, gave_up),
        (Metric::Requests, requests),
        (Metric::RequestsEmpty, 0.0),
        (Metric::Reconnects, reconnects),
        (Metric::ReconnectsPeak, peak),
        (Metric::RecoveryP50, p50 * 1e3 * slower),
        (Metric::RecoveryP99, p99 * 1e3 * slower),
        (Metric::ServerRssGrowth, 180_224.0),
        (Metric::PayloadBytesPerUpdate, 100.0),
        (Metric::SocketBytesPerUpdate, 190.0 * slower),
        (Metric::ServerRssBytesPerConnection, 10.0 * 1024.0),
        (Metric::ServerCpuPerUpdate, 12.5),
        (Metric::ConnectP50, 50_100.0),
        (Metric::RequestP50, 50_600.0),
        (Metric::OpenP50, if is_tls { 152_000.0 } else { 100_700.0 }),
    ];
    let mut metrics = BTreeMap::from(metrics);
    if is_tls {
        metrics.extend([(Metric::TlsP50, 51_300.0), (Metric::SlowDisconnected, 1.0)]);
    }
    let cut = reconnects as u64 + gave_up as u64;
    let failures = BTreeMap::from([
        (Failure::Disconnected, cut.min(clients)),
        (Failure::Closed, cut.saturating_sub(clients)),
        (Failure::Status, gave_up as u64),
    ]);
    let predicted = [
        (Metric::AgeP50, level),
        (Metric::Requests, factor * f64::from(REPETITIONS) * requests),
        (Metric::UpdatesMissed, 0.0),
        (Metric::ConnectP50, 50_000.0),
        (Metric::OpenP50, 100_000.0),
        (Metric::RecoveryP50, p50 * 1e3),
    ];
    CellFixture {
        ages: (0..SECONDS).map(second).collect(),
        metrics,
        failures: failures.into_iter().filter(|(_, count)| *count > 0).collect(),
        predicted: Some(Predicted { metrics: predicted.into(), ..Predicted::default() }),
        ..CellFixture::default()
    }
}

/// The number of repetitions of [`results`].
pub(crate) const REPETITIONS: u32 = 3;

/// The run in a folder that is deleted when the returned guard is dropped.
pub(crate) fn results() -> (tempfile::TempDir, Results) {
    let folder = tempfile::tempdir().unwrap();
    let results = run::results_of(folder.path(), scenario(REPETITIONS), None, fixture);
    (folder, results)
}
