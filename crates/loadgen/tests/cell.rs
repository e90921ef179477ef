//! A whole cell, through its phases, against a server whose every figure is known in advance.

#![expect(clippy::unwrap_used, reason = "what a test cannot unwrap has failed it")]

use std::collections::BTreeMap;
use std::time::Duration;

use feedlab_experiment::plan::Cell;
use feedlab_experiment::record::Failure;
use feedlab_experiment::scenario::{
    Clients, Contender, CursorRecipe, CursorSource, Endpoint as TargetEndpoint, Fault, FaultKind, Headers, LinkFault,
    Measure, Options, ProcessFault, SlowClients, StampRecipe, Target, TimeUnit,
};
use feedlab_experiment::verdict::Status;
use feedlab_experiment::{Metric, Segment, hlog};
use feedlab_feed::{Transport, clock};
use feedlab_loadgen::{Event, Job, JobTarget, LoadError, Outcome, Part, Phase, conclude, run, take_part};
use tokio_util::sync::CancellationToken;

#[path = "cell/endpoint.rs"]
mod endpoint;
#[path = "cell/server.rs"]
mod server;

use endpoint::Endpoint;
use server::{Feed, PERIOD_US, Server};

const CLIENTS: u32 = 12;
/// How long the load generator waits for clients that are still connecting: many times what a cell of these tests
/// takes.
const CONNECT_GRACE: Duration = Duration::from_secs(15);
const MEASURED: Duration = Duration::from_millis(1_500);

fn short_polling(keep_alive: bool) -> Options {
    Options::ShortPolling { interval: Duration::from_millis(100), keep_alive, conditional: false }
}

const SSE: Options = Options::Sse { keepalive: Duration::from_secs(15) };

fn job(server: &Server, options: Options, folder: &tempfile::TempDir) -> Job {
    let ms = Duration::from_millis;
    let cell = Cell { id: "c".into(), contender: 0, clients: CLIENTS, payload_bytes: None, repetition: 1, seed: 42 };
    let clients = Clients { count: vec![CLIENTS], ramp: ms(100), headers: Headers::Browser, slow: None, churn: None };
    let measure = Measure { settle: ms(50), warm_up: ms(100), duration: MEASURED, drain: ms(300), repetitions: 1 };
    Job::new(server.address, cell, Contender::new("contender", options), clients, measure, folder.path().join("c.hlog"))
}

/// Measures a cell and checks what holds for every transport: everything arrives, once and in order.
fn check(options: Options) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(Feed::default());
    let job = job(&server, options, &folder);
    let mut events = Vec::new();
    let outcome = run(&job, &mut |event| events.push(event), CancellationToken::new()).unwrap();
    let record = &outcome.record;
    let metric = |metric: Metric| record.metrics.get(&metric).copied();

    let end = record.started_at + record.duration_us;
    let published = server.feed.before(end) - server.feed.before(record.started_at);
    assert!(published.abs_diff(record.duration_us / PERIOD_US) <= 1);
    let expected = (published * u64::from(CLIENTS)) as f64;
    assert_eq!(metric(Metric::UpdatesPublished), Some(published as f64));
    assert_eq!(metric(Metric::UpdatesExpected), Some(expected));
    assert_eq!(metric(Metric::UpdatesReceived), Some(expected));
    for nothing in [Metric::UpdatesMissed, Metric::UpdatesDuplicated, Metric::UpdatesReordered, Metric::Reconnects] {
        assert_eq!(metric(nothing), Some(0.0), "{nothing}");
    }
    assert!(record.failures.is_empty(), "{:?}", record.failures);
    use Metric::{AgeMax, AgeMean, AgeP90, FirstUpdateP50, ScheduleLagP99, SocketBytesDown};
    for present in [AgeMean, AgeP90, AgeMax, FirstUpdateP50, ScheduleLagP99, SocketBytesDown] {
        assert!(metric(present).is_some(), "{present}");
    }
    // The settle time is too short for the first, and this server does not report the second.
    for absent in [Metric::IdleBytesPerClientMin, Metric::WireBytesPerUpdate] {
        assert_eq!(metric(absent), None, "{absent}");
    }

    assert_eq!(hlog::read(&job.hlog).unwrap().len() as f64, expected);
    assert_eq!(outcome.seconds.iter().map(|second| second.updates).sum::<u64>() as f64, expected);
    check_events(&events, &outcome);
    outcome
}

fn check_events(events: &[Event], outcome: &Outcome) {
    let phases: Vec<Phase> = events
        .iter()
        .filter_map(|event| if let Event::Phase { phase, .. } = event { Some(*phase) } else { None })
        .collect();
    use Phase::{Connect, Disconnect, Drain, Measure, Settle, WarmUp};
    assert_eq!(phases, [Connect, Settle, WarmUp, Measure, Drain, Disconnect]);
    assert!(events.contains(&Event::Connected { clients: CLIENTS }));
    let seconds: Vec<_> = events.iter().filter(|event| matches!(event, Event::Second(_))).cloned().collect();
    assert_eq!(seconds, outcome.seconds.iter().cloned().map(Event::Second).collect::<Vec<_>>());
    assert_eq!(outcome.seconds.iter().map(|second| second.second).collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn short_polling_is_late_by_half_its_interval() {
    let record = check(short_polling(true)).record;
    // Of the two updates in a response, one waited for a whole period and half of the wait of the other.
    assert!(record.metrics[&Metric::AgeMean] >= (PERIOD_US / 2) as f64, "{:?}", record.metrics);
    assert_eq!(record.metrics[&Metric::ConnectionsOpened], f64::from(CLIENTS));
    // Each client has a request due every 100 ms; the edges of the window may cut some off.
    let due = record.metrics[&Metric::Requests] + record.metrics[&Metric::RequestsSkipped];
    assert!((due - f64::from(CLIENTS * 15)).abs() <= f64::from(CLIENTS * 2), "{due}");
}

#[test]
fn short_polling_without_keep_alive_opens_a_connection_each_time() {
    let record = check(short_polling(false)).record;
    assert!(record.metrics[&Metric::ConnectionsOpened] >= record.metrics[&Metric::Requests] + f64::from(CLIENTS));
    assert!(record.metrics[&Metric::ConnectP50] > 0.0);
}

#[test]
fn long_polling() {
    let record = check(Options::LongPolling { hold: Duration::from_secs(1), keep_alive: true }).record;
    assert_eq!(record.metrics[&Metric::ConnectionsOpened], f64::from(CLIENTS));
    // No client sends a request before it has the response, and every response has an update.
    let most = record.metrics[&Metric::UpdatesExpected] + f64::from(CLIENTS);
    assert!((1.0..=most).contains(&record.metrics[&Metric::Requests]), "{:?}", record.metrics);
}

#[test]
fn sse() {
    let record = check(SSE).record;
    assert_eq!(record.metrics[&Metric::Requests], 0.0);
}

#[test]
fn websocket() {
    let record = check(Options::WebSocket { keepalive: Duration::from_secs(15) }).record;
    assert_eq!(record.metrics[&Metric::Requests], 0.0);
}

#[test]
fn a_ladder_that_nothing_breaks_stays_on_its_first_rung() {
    let second = Duration::from_secs(1);
    for first in [Transport::Sse, Transport::WebSocket] {
        // The feed of these tests has no keepalive, and is silent until it starts.
        let (watchdog, climb) = (20 * second, second);
        let options = Options::Auto { first, watchdog, climb, hold: second, interval: second, keepalive: second };
        let record = check(options).record;
        assert_eq!((record.metrics[&Metric::Fallbacks], record.metrics[&Metric::Climbs]), (0.0, 0.0));
    }
}

/// Cuts every client twice, and checks that each reconnects with its cursor: nothing is missed and nothing is
/// duplicated.
#[track_caller]
fn check_cuts(options: Options) {
    let ms = Duration::from_millis;
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(Feed::default());
    // Between two updates, so that every client has its next request pending.
    let cut = |kind, at| Fault { kind, at, every: Some(ms(600)), length: ms(5), share: 0.5, node: 1 };
    let mut job = job(&server, options, &folder);
    job.proxy = Some(server.address);
    job.faults = vec![
        cut(FaultKind::Link(LinkFault::Cut), ms(375)),
        cut(FaultKind::Process(ProcessFault::ReloadNginx), ms(400)),
    ];
    job.contender.reconnect.after = Some(ms(120));
    let mut events = Vec::new();
    let record = run(&job, &mut |event| events.push(event), CancellationToken::new()).unwrap().record;
    let faults: Vec<_> = events
        .iter()
        .filter_map(|event| if let Event::Fault { index } = event { Some(*index) } else { None })
        .collect();
    assert_eq!(faults, [0, 1, 0, 1]);
    assert_eq!(*server.feed.faults.lock().unwrap(), [r#"{"kind":"cut","for_ms":5,"share":0.5}"#; 2]);
    let metric = |metric: Metric| record.metrics.get(&metric).copied();
    for nothing in
        [Metric::UpdatesMissed, Metric::UpdatesDuplicated, Metric::UpdatesReordered, Metric::UpdatesReportedLost]
    {
        assert_eq!(metric(nothing), Some(0.0), "{nothing}");
    }
    assert_eq!(metric(Metric::UpdatesReceived), metric(Metric::UpdatesExpected));
    // No client is back before the wait is over, and two updates are due in that time.
    assert_eq!(metric(Metric::Reconnects), Some(f64::from(2 * CLIENTS)));
    assert!(metric(Metric::ReconnectsPeak) >= Some(2.0), "{:?}", metric(Metric::ReconnectsPeak));
    assert!(metric(Metric::RecoveryP50) >= Some(120_000.0), "{:?}", metric(Metric::RecoveryP50));
    assert!(
        metric(Metric::UpdatesReplayed) >= Some(f64::from(2 * 2 * CLIENTS)),
        "{:?}",
        metric(Metric::UpdatesReplayed)
    );
    assert!(record.failures.contains_key(&Failure::Disconnected), "{:?}", record.failures);
    assert!(!record.verdict.reasons.iter().any(|reason| reason.what.contains("failed")), "{:?}", record.verdict);
}

#[test]
fn long_polling_that_is_cut_continues_where_it_was() {
    check_cuts(Options::LongPolling { hold: Duration::from_secs(1), keep_alive: true });
}

#[test]
fn sse_that_is_cut_continues_where_it_was() {
    check_cuts(SSE);
}

#[test]
fn a_websocket_that_is_cut_continues_where_it_was() {
    check_cuts(Options::WebSocket { keepalive: Duration::from_secs(15) });
}

#[test]
fn short_polling_that_is_cut_continues_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(Feed::default());
    let mut job = job(&server, short_polling(true), &folder);
    let (at, every) = (Duration::from_millis(330), Some(Duration::from_millis(170)));
    job.proxy = Some(server.address);
    job.faults =
        vec![Fault { kind: FaultKind::Link(LinkFault::Reset), at, every, length: Duration::ZERO, share: 1.0, node: 1 }];
    let record = run(&job, &mut |_| {}, CancellationToken::new()).unwrap().record;
    assert_eq!(record.metrics[&Metric::UpdatesReceived], record.metrics[&Metric::UpdatesExpected]);
    assert_eq!(record.metrics[&Metric::UpdatesDuplicated], 0.0);
    assert!(record.metrics[&Metric::Reconnects] >= f64::from(CLIENTS), "{:?}", record.metrics);
}

/// A job that treats the server as somebody else's: its clients know only where updates and cursors are in what arrives.
fn target_job(server: &Server, options: Options, from: CursorSource, folder: &tempfile::TempDir) -> Job {
    let job = job(server, options, folder);
    let transport = job.contender.transport();
    let cursor = CursorRecipe::Query { name: "after".to_owned(), from };
    let pattern = r#""seq":(?<seq>\d+),"at":(?<at>\d+)"#.to_owned();
    let target = Target {
        name: "mine".to_owned(),
        command: None,
        url: format!("http://{}/feed", server.address),
        remote: false,
        ready: None,
        endpoints: BTreeMap::from([(
            transport,
            TargetEndpoint { path: transport.path().trim_start_matches("/feed").to_owned(), cursor },
        )]),
        publish: None,
        stamp: StampRecipe::Pattern { pattern, unit: TimeUnit::Micros },
    };
    let target = Some(JobTarget { target, epoch: None, publishes: true });
    Job { endpoint: Some(server.address), target, ..job }
}

#[test]
fn a_target_is_measured_by_the_same_clients() {
    let next = || CursorSource::Pointer("/next".to_owned());
    for (options, from) in [
        (short_polling(true), next()),
        (Options::LongPolling { hold: Duration::from_secs(1), keep_alive: true }, next()),
        (Options::WebSocket { keepalive: Duration::from_secs(15) }, CursorSource::Seq),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(Feed::default());
        let job = target_job(&server, options, from, &folder);
        let record = run(&job, &mut |_| {}, CancellationToken::new()).unwrap().record;
        let metric = |metric: Metric| record.metrics.get(&metric).copied();
        assert!(metric(Metric::UpdatesExpected) >= Some(f64::from(29 * CLIENTS)), "{options:?}");
        assert_eq!(metric(Metric::UpdatesReceived), metric(Metric::UpdatesExpected), "{options:?}");
        for nothing in [Metric::UpdatesMissed, Metric::UpdatesDuplicated, Metric::UpdatesReordered, Metric::Reconnects]
        {
            assert_eq!(metric(nothing), Some(0.0), "{nothing}");
        }
        assert!(record.failures.is_empty(), "{:?}", record.failures);
        assert_eq!(metric(Metric::ConnectionsOpened), Some(f64::from(CLIENTS)));
        assert_eq!(metric(Metric::PayloadBytesPerUpdate), Some(10.0));
        for present in [Metric::AgeMean, Metric::SocketBytesPerUpdate, Metric::HandshakeBytes, Metric::Requests] {
            assert!(metric(present).is_some(), "{present} of {options:?}");
        }
        // What this server reports of its endpoints is not looked at.
        for absent in [Metric::RequestsEmpty, Metric::HeaderBytesPerUpdate, Metric::FirstUpdateP50] {
            assert_eq!(metric(absent), None, "{absent} of {options:?}");
        }
        assert_eq!(metric(Metric::Requests) > Some(0.0), !matches!(options, Options::WebSocket { .. }));
    }
}

#[test]
fn a_target_that_is_cut_off_is_asked_for_what_was_missed() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(Feed::default());
    let websocket = Options::WebSocket { keepalive: Duration::from_secs(15) };
    let mut job = target_job(&server, websocket, CursorSource::Seq, &folder);
    let (at, length) = (Duration::from_millis(375), Duration::from_millis(5));
    job.proxy = Some(server.address);
    job.faults = vec![Fault { kind: FaultKind::Link(LinkFault::Cut), at, every: None, length, share: 0.5, node: 1 }];
    job.contender.reconnect.after = Some(Duration::from_millis(120));
    let record = run(&job, &mut |_| {}, CancellationToken::new()).unwrap().record;
    let metric = |metric: Metric| record.metrics.get(&metric).copied();
    assert_eq!(metric(Metric::UpdatesReceived), metric(Metric::UpdatesExpected));
    assert_eq!(metric(Metric::UpdatesDuplicated), Some(0.0));
    assert_eq!(metric(Metric::Reconnects), Some(f64::from(CLIENTS)));
    assert!(metric(Metric::UpdatesReplayed) >= Some(f64::from(2 * CLIENTS)), "{:?}", record.metrics);
}

/// Every client ends its connection about once per second and reconnects: nothing is missed, duplicated or out of
/// order, no client fails, and each return is a connection.
#[track_caller]
fn check_churn(options: Options) {
    const CHURNED: u32 = 20;
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(Feed::default());
    let mut job = job(&server, options, &folder);
    (job.cell.clients, job.clients.churn) = (CHURNED, Some(1.0));
    job.measure.duration = Duration::from_millis(2_500);
    let began = clock::now();
    let record = run(&job, &mut |_| {}, CancellationToken::new()).unwrap().record;
    let took_s = began.elapsed().as_secs_f64();
    let metric = |metric: Metric| record.metrics.get(&metric).copied().unwrap_or_default();
    assert!(metric(Metric::UpdatesExpected) >= f64::from(49 * CHURNED), "{:?}", record.metrics);
    assert_eq!(metric(Metric::UpdatesReceived), metric(Metric::UpdatesExpected));
    for nothing in
        [Metric::UpdatesMissed, Metric::UpdatesDuplicated, Metric::UpdatesReordered, Metric::UpdatesReportedLost]
    {
        assert_eq!(metric(nothing), 0.0, "{nothing}");
    }
    assert!(record.failures.is_empty(), "{:?}", record.failures);
    assert!(!record.verdict.reasons.iter().any(|reason| reason.what.contains("failed")), "{:?}", record.verdict);

    // A client that leaves by itself has no outage to recover from.
    assert_eq!(metric(Metric::UpdatesReplayed), 0.0);
    for absent in [Metric::RecoveryP50, Metric::ReconnectP50] {
        assert!(!record.metrics.contains_key(&absent), "{absent}");
    }
    let reconnects = metric(Metric::Reconnects);
    let (least, most) = (0.5 * 2.5 * f64::from(CHURNED), 2.0 * took_s * f64::from(CHURNED));
    assert!((least..most).contains(&reconnects), "{reconnects} in {took_s} s");
    // With a ladder, all endpoints are added, and this server reports the same count for each of them.
    let endpoints = if job.contender.is_auto() { Transport::ALL.len() } else { 1 };
    let opened = metric(Metric::ConnectionsOpened) / endpoints as f64 - f64::from(CHURNED);
    // A client may be reconnecting at the end.
    assert!((reconnects - f64::from(CHURNED)..=reconnects).contains(&opened), "{opened} of {reconnects}");
}

#[test]
fn short_polling_clients_with_churn_miss_nothing() {
    check_churn(short_polling(true));
}

#[test]
fn long_polling_clients_with_churn_miss_nothing() {
    check_churn(Options::LongPolling { hold: Duration::from_secs(1), keep_alive: true });
}

#[test]
fn sse_clients_with_churn_miss_nothing() {
    check_churn(SSE);
}

#[test]
fn websocket_clients_with_churn_miss_nothing() {
    check_churn(Options::WebSocket { keepalive: Duration::from_secs(15) });
}

#[test]
fn clients_of_a_ladder_with_churn_stay_on_their_rung() {
    let second = Duration::from_secs(1);
    let (first, watchdog, climb) = (Transport::Sse, 20 * second, second);
    check_churn(Options::Auto { first, watchdog, climb, hold: second, interval: second, keepalive: second });
}

#[test]
fn polls_without_keep_alive_have_no_churn() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(Feed::default());
    for options in [short_polling(false), Options::LongPolling { hold: Duration::from_secs(1), keep_alive: false }] {
        let mut job = job(&server, options, &folder);
        job.clients.churn = Some(1.0);
        let record = run(&job, &mut |_| {}, CancellationToken::new()).unwrap().record;
        assert_eq!(record.metrics[&Metric::Reconnects], 0.0);
        assert!(record.failures.is_empty(), "{:?}", record.failures);
    }
}

#[test]
fn slow_readers_are_connected_and_not_part_of_the_other_clients_figures() {
    for options in [SSE, Options::WebSocket { keepalive: Duration::from_secs(15) }] {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(Feed::default());
        let mut job = job(&server, options, &folder);
        job.clients.slow = Some(SlowClients { count: 3, bytes_per_s: 100 });
        let record = run(&job, &mut |_| {}, CancellationToken::new()).unwrap().record;
        let metric = |metric: Metric| record.metrics.get(&metric).copied();
        assert_eq!(metric(Metric::UpdatesReceived), metric(Metric::UpdatesExpected));
        assert_eq!(metric(Metric::ConnectionsOpened), Some(f64::from(CLIENTS + 3)));
        assert_eq!(metric(Metric::SlowDisconnected), Some(0.0));
        assert!(!record.verdict.reasons.iter().any(|reason| reason.what.contains("slow")), "{:?}", record.verdict);
    }
}

#[test]
fn a_fault_that_cannot_be_ordered_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(Feed::default());
    let mut job = job(&server, SSE, &folder);
    let at = Duration::from_millis(10);
    job.faults =
        vec![Fault { kind: FaultKind::Link(LinkFault::BlackHole), at, every: None, length: at, share: 1.0, node: 1 }];
    let error = run(&job, &mut |_| {}, CancellationToken::new()).unwrap_err().to_string();
    assert_eq!(error, "cannot order the fault black-hole: the job names no lab proxy");
    job.proxy = Some("127.0.0.1:1".parse().unwrap());
    let error = run(&job, &mut |_| {}, CancellationToken::new()).unwrap_err().to_string();
    assert!(error.starts_with("cannot order the fault black-hole: the lab proxy at 127.0.0.1:1: "), "{error}");
}

#[test]
fn a_server_without_its_count_makes_the_verdict_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(Feed::forgetful());
    let record = run(&job(&server, SSE, &folder), &mut |_| {}, CancellationToken::new()).unwrap().record;
    assert_ne!(record.verdict.status, Status::Valid);
    assert!(record.verdict.reasons.iter().any(|reason| reason.what.contains("could not report")));
    assert!(record.metrics[&Metric::UpdatesPublished] >= 29.0);
    assert_eq!(record.metrics[&Metric::UpdatesMissed], 0.0);
}

#[test]
fn clients_that_are_refused_are_counted_and_the_cell_ends() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(Feed::shut());
    let began = clock::now();
    let record = run(&job(&server, SSE, &folder), &mut |_| {}, CancellationToken::new()).unwrap().record;
    assert!(began.elapsed() < CONNECT_GRACE, "it does not wait for clients that gave up");
    assert_eq!(record.failures[&Failure::GaveUp], u64::from(CLIENTS));
    assert_eq!(record.verdict.status, Status::Invalid);
    assert_eq!(record.metrics[&Metric::UpdatesReceived], 0.0);
    assert!(!record.metrics.contains_key(&Metric::SocketBytesPerUpdate));
}

#[test]
fn clients_connect_to_the_endpoint_and_queries_go_to_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(Feed::default());
    let endpoint = Endpoint::before(server.address);
    let job = Job { endpoint: Some(endpoint.address), ..job(&server, SSE, &folder) };
    let record = run(&job, &mut |_| {}, CancellationToken::new()).unwrap().record;
    assert!(record.failures.is_empty() && record.metrics[&Metric::UpdatesMissed] == 0.0, "{:?}", record.failures);
    let probes = endpoint.passed() - u64::from(CLIENTS);
    assert!((1..=30).contains(&probes), "{probes}");
}

#[test]
fn an_invalid_certificate_ends_the_cell_before_it_starts() {
    let folder = tempfile::tempdir().unwrap();
    let mut job = job(&Server::start(Feed::default()), SSE, &folder);
    job.contender.link.tls = true;
    for certificate in [None, Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned())] {
        let error = run(&Job { certificate, ..job.clone() }, &mut |_| {}, CancellationToken::new()).unwrap_err();
        assert!(error.to_string().starts_with("cannot trust the job's certificate: "), "{error}");
    }
}

#[test]
fn a_stop_ends_the_cell_in_its_current_phase() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(Feed::default());
    let mut job = job(&server, SSE, &folder);
    job.measure.settle = Duration::from_secs(3_600);
    let stop = CancellationToken::new();
    let mut phases = Vec::new();
    let mut tell = |event| {
        let Event::Phase { phase, .. } = event else { return };
        phases.push(phase);
        if phase == Phase::Settle {
            stop.cancel();
        }
    };
    let result = run(&job, &mut tell, stop.clone());
    assert!(matches!(result, Err(LoadError::Interrupted)));
    assert_eq!(phases, [Phase::Connect, Phase::Settle]);
}

#[test]
fn without_a_server_the_error_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut job = job(&Server::start(Feed::default()), SSE, &folder);
    job.server.set_port(1);
    let error = run(&job, &mut |_| {}, CancellationToken::new()).unwrap_err().to_string();
    assert!(error.starts_with("cannot query the server at 127.0.0.1:1 for /stats: "), "{error}");
    assert!(error.contains("refused"), "{error}");
}

#[test]
fn a_histogram_that_cannot_be_written_is_an_error_that_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(Feed::default());
    let mut job = job(&server, SSE, &folder);
    job.hlog = folder.path().join("missing").join("c.hlog");
    let error = run(&job, &mut |_| {}, CancellationToken::new()).unwrap_err().to_string();
    assert!(error.starts_with("cannot write ") && error.contains("c.hlog"), "{error}");
}

#[test]
fn job_and_events_survive_json() {
    let folder = tempfile::tempdir().unwrap();
    let job = job(&Server::start(Feed::default()), short_polling(true), &folder);
    let json = serde_json::to_string(&job).unwrap();
    assert!(!json.contains('\n'));
    assert_eq!(serde_json::from_str::<Job>(&json).unwrap(), job);
    let event = Event::Phase { phase: Phase::WarmUp, seconds: 2.0 };
    let json = serde_json::to_string(&event).unwrap();
    assert_eq!(json, r#"{"event":"phase","phase":"warm_up","seconds":2.0}"#);
    assert_eq!(serde_json::from_str::<Event>(&json).unwrap(), event);
}

/// One process queries the servers and has no clients, and two have the clients: together they measure what one would.
#[test]
fn a_cell_of_several_processes_is_one_cell() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(Feed::default());
    let job = job(&server, SSE, &folder);
    let ramp_us = clock::unix_us() + 4_000_000;
    let parts = [None, Segment::new(1, 2), Segment::new(2, 2)].map(|segment| {
        let leads = segment.is_none();
        let hlog = folder.path().join(format!("{}.hlog", segment.map_or(0, Segment::index)));
        let job = Job { hlog, ..job.clone() };
        std::thread::spawn(move || {
            let (tell, start) = tokio::sync::oneshot::channel();
            tell.send(ramp_us).unwrap();
            let mut events = Vec::new();
            let stop = CancellationToken::new();
            let portion =
                take_part(&job, Part { segment, leads }, start, &mut |event| events.push(event), stop).unwrap();
            (serde_json::to_string(&portion).unwrap(), std::fs::read(&job.hlog).unwrap(), events)
        })
    });
    let parts = parts.map(|part| part.join().unwrap());
    let of_one = |part: &(String, Vec<u8>, Vec<Event>)| {
        let connected = part.2.iter().filter_map(|event| match event {
            Event::Connected { clients } => Some(*clients),
            _ => None,
        });
        let seconds = part.2.iter().filter(|event| matches!(event, Event::Ages { .. })).count();
        (part.2[0] == Event::Ready, connected.max(), seconds)
    };
    assert_eq!(parts.each_ref().map(of_one), [(true, None, 2), (true, Some(6), 2), (true, Some(6), 2)]);
    let portions = parts.map(|(portion, log, _)| (serde_json::from_str(&portion).unwrap(), log));
    let outcome = conclude(&job, portions.to_vec(), &[]).unwrap();
    let metric = |metric: Metric| outcome.record.metrics.get(&metric).copied();
    let published = metric(Metric::UpdatesPublished).unwrap();
    assert!(published > 10.0);
    assert_eq!(metric(Metric::UpdatesReceived), Some(published * f64::from(CLIENTS)));
    assert_eq!(metric(Metric::UpdatesMissed), Some(0.0));
    assert_eq!(hlog::read(&job.hlog).unwrap().len() as f64, published * f64::from(CLIENTS));
    assert!(outcome.record.failures.is_empty(), "{:?}", outcome.record.failures);
    assert!(metric(Metric::FirstUpdateP50).is_some() && metric(Metric::ClientCpuCores).is_some());

    let one_is_lost = conclude(&job, portions[..2].to_vec(), &["agent b was lost".to_owned()]).unwrap().record;
    assert_eq!(one_is_lost.verdict.status, Status::Invalid);
    assert!(one_is_lost.verdict.reasons.iter().any(|reason| reason.what == "agent b was lost"));
    assert_eq!(one_is_lost.metrics[&Metric::UpdatesMissed], published * 6.0, "never silently smaller");
    assert!(conclude(&job, portions[1..].to_vec(), &[]).unwrap_err().to_string().starts_with("0 of the parts"));
    let twice = [portions[0].clone(), portions[1].clone(), portions[1].clone()].to_vec();
    assert_eq!(conclude(&job, twice, &[]).unwrap_err().to_string(), "segment 1/2 occurs twice");
}
