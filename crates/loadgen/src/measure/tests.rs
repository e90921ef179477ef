use std::time::Duration;

use feedlab_experiment::hlog;
use feedlab_experiment::plan::Cell;
use feedlab_experiment::scenario::{Clients, Contender, CursorRecipe, Headers, Measure, Options};
use feedlab_experiment::verdict::Status;
use feedlab_feed::process::{HostLoad, Usage};
use feedlab_feed::stats::{ConnectionStats, EndpointStats, FeedStats, HopStats, WireStats};
use feedlab_feed::{Gap, Transport};

use super::*;
use crate::{Between, JobTarget};

const CLIENTS: u32 = 10;

fn job() -> Job {
    let second = Duration::from_secs(1);
    let cell = Cell { id: "c".into(), contender: 0, clients: CLIENTS, payload_bytes: Some(9), repetition: 2, seed: 1 };
    let clients = Clients { count: vec![CLIENTS], ramp: second, headers: Headers::Bare, slow: None, churn: None };
    let measure = Measure { settle: second, warm_up: second, duration: second, drain: second, repetitions: 1 };
    let contender = Contender::new("SSE", Options::Sse { keepalive: second });
    Job::new("127.0.0.1:80".parse().unwrap(), cell, contender, clients, measure, "c.hlog".into())
}

/// A snapshot in which every counter of the endpoint is `count`, `count` updates of 20 bytes are published, and both
/// processes have used `count` of everything.
fn snapshot(at_s: u64, count: u64) -> Snapshot {
    let usage = Usage { cpu_us: Some(count), rss_bytes: Some(count), open_fds: Some(count) };
    let endpoint = EndpointStats {
        connections: count,
        active: count,
        requests: count,
        requests_empty: count / 2,
        updates: count / 5,
        bytes_out: count,
        bytes_in: count / 2,
        header_bytes: count / 10,
        payload_bytes: 4 * (count / 5),
        keepalive_bytes: count / 100,
        wire: Some(WireStats {
            packets_out: count / 50,
            packets_in: count / 50,
            bytes_out: 2 * count,
            bytes_in: count,
            retransmits: count / 1_000,
            timeouts: Some(count / 2_000),
        }),
        ..EndpointStats::default()
    };
    let feed = FeedStats { head: count, payload_bytes: 20 * count, publish_lag_p99_us: 77, ..FeedStats::default() };
    let server = Stats {
        version: String::new(),
        instance: 1,
        at: at_s * 1_000_000,
        feed,
        connections: ConnectionStats { open: count / 20, kernel_bytes: Some(9 * count), ..ConnectionStats::default() },
        endpoints: BTreeMap::from([(Transport::Sse, endpoint)]),
        process: usage,
        ..Stats::default()
    };
    let host = HostLoad { cpu_busy_ticks: Some(at_s * 100), pages_swapped_in: Some(7), ..HostLoad::default() };
    Snapshot {
        open: 0,
        server,
        own: usage,
        own_cpu_here_us: usage.cpu_us,
        nginx: Usage::default(),
        lab_proxy: Usage::default(),
        emulator: Usage::default(),
        leg: leg(count),
        host,
        wall_ahead_us: 5_000 + count as i64,
    }
}

/// The clients' sockets when each counter of theirs is `count`: twice the bytes of the server's.
fn leg(count: u64) -> LegStats {
    LegStats {
        connections: count,
        requests: count / 2,
        open: count / 20,
        up: count,
        down: 2 * count,
        updates: count / 10,
        handshakes: count / 50,
        handshake_bytes: 7 * count,
        wire: Some(WireStats {
            packets_out: count / 25,
            packets_in: 0,
            bytes_out: 6 * count,
            bytes_in: 0,
            retransmits: count / 500,
            timeouts: Some(count / 1_000),
        }),
    }
}

fn facts(job: &Job) -> Facts<'_> {
    Facts {
        clock_bound_us: None,
        job,
        window: Window { start_us: 20_000_000, end_us: 30_000_000 },
        open: CLIENTS,
        baseline: [snapshot(0, 100), snapshot(0, 100), snapshot(1, 100)],
        ramp: vec![(2, snapshot(2, 120)), (6, snapshot(3, 160)), (10, snapshot(14, 200))],
        connected: snapshot(4, 200),
        settled: snapshot(14, 300),
        start: snapshot(20, 1_000),
        end: snapshot(30, 3_000),
        last: snapshot(32, 3_100).server,
        last_leg: leg(3_100),
        due_before: (Some(5), Some(45)),
        was_restarted: false,
        counts: Counts { received: 400, ..Counts::new() },
        ages: hlog::new_histogram(),
        nodes: Vec::new(),
        join_probe: JoinProbe {
            first_updates: hlog::new_histogram(),
            snapshots: Some([snapshot(40, 1_000), snapshot(41, 3_000), snapshot(41, 3_000)]),
        },
    }
}

/// Checks that these metrics have these values, or are absent.
#[track_caller]
fn check(facts: &Facts<'_>, expected: &[(Metric, Option<f64>)]) {
    let metrics = facts.record().metrics;
    for (metric, value) in expected {
        assert_eq!(metrics.get(metric).copied(), *value, "{metric}");
    }
}

#[test]
fn ages_below_the_clock_bound_are_absent_and_without_a_median_a_cell_is_suspect() {
    use Metric::*;
    let job = job();
    let mut facts = facts(&job);
    (1..=400).for_each(|age| facts.ages.saturating_record(age * 10));
    check(&facts, &[(ClockBound, None), (AgeP50, Some(2_000.0))]);
    facts.clock_bound_us = Some(1_500.0);
    check(&facts, &[(ClockBound, Some(1_500.0)), (AgeP50, Some(2_000.0))]);
    let before = facts.record().verdict;
    facts.clock_bound_us = Some(3_000.0);
    check(&facts, &[(AgeP50, None), (AgeMean, None), (AgeP90, Some(3_601.0)), (AgeMax, Some(4_001.0))]);
    let reasons = facts.record().verdict.reasons;
    assert_eq!(reasons.len(), before.reasons.len() + 1, "{reasons:?}");
    let said = "the machines' clocks are only synchronized to within 3.00 ms, and the median age is below that";
    assert!(reasons.iter().any(|reason| reason.what == said), "{reasons:?}");
}

#[test]
fn hops_are_means_that_add_up_to_the_mean_age() {
    use Metric::*;
    let job = job();
    let mut facts = facts(&job);
    (0..100).for_each(|_| facts.ages.saturating_record(1_000));
    check(&facts, &[(HopToBroker, None), (HopToServer, None), (HopToClient, None)]);
    let hops = |updates, to_broker_us, to_server_us| Some(HopStats { updates, to_broker_us, to_server_us });
    facts.start.server.feed.hops = hops(10, 9_000, 100);
    facts.end.server.feed.hops = hops(50, 25_000, -1_900);
    check(&facts, &[(HopToBroker, Some(400.0)), (HopToServer, Some(-50.0)), (HopToClient, Some(650.0))]);
    facts.end.server.feed.hops = hops(10, i64::MAX, i64::MIN);
    check(&facts, &[(HopToBroker, None), (HopToClient, None)]);
}

#[test]
fn counts_are_differences_between_the_right_snapshots() {
    use Metric::*;
    let job = job();
    check(
        &facts(&job),
        &[
            (UpdatesPublished, Some(40.0)),
            (UpdatesExpected, Some(400.0)),
            (UpdatesMissed, Some(0.0)),
            (Requests, Some(2_000.0)),
            (RequestsEmpty, Some(1_000.0)),
            (ConnectionsOpened, Some(3_000.0)),
            (SocketBytesUp, Some(1_000.0)),
            (SocketBytesDown, Some(2_000.0)),
            (SocketBytesPerUpdate, Some(7.5)),
            (PayloadBytesPerUpdate, Some(4.0)),
            (HeaderBytesPerUpdate, Some(0.5)),
            (KeepaliveBytesPerUpdate, Some(0.05)),
            (FramingBytesPerUpdate, Some(7.5 - 4.0 - 0.5 - 0.05)),
            (WireBytesPerUpdate, Some(15.0)),
            (PacketsPerUpdate, Some(0.2)),
            (Retransmits, Some(2.0)),
            (Timeouts, Some(1.0)),
            (ClientRetransmits, Some(4.0)),
            (ClientTimeouts, Some(2.0)),
            // 100 bytes out and 50 in within 10 s, for 10 clients: 90 per minute each.
            (IdleBytesPerClientMin, Some(90.0)),
            (ServerRssBytesPerConnection, Some(20.0)),
            (KernelBytesPerConnection, Some(180.0)),
            (ClientRssBytesPerConnection, Some(10.0)),
            (ServerFdsPerConnection, Some(20.0)),
            (HandshakeBytes, Some(0.1)),
            (ServerCpuPerUpdate, Some(5.0)),
            (ClientCpuPerUpdate, Some(5.0)),
            (ServerCpuPerRequest, Some(1.0)),
            (ServerCpuIdle, Some(0.0)),
            (ClockStep, Some(2_000.0)),
            (SwappedBytes, Some(0.0)),
            (OtherCpuCores, Some(0.9996)),
            (PublishLagP99, Some(77.0)),
        ],
    );
}

#[test]
fn the_record_says_which_cell_it_is() {
    let job = job();
    let record = facts(&job).record();
    assert_eq!((record.cell.as_str(), record.label.as_str(), record.transport), ("c", "SSE", Transport::Sse));
    assert_eq!((record.clients, record.payload_bytes, record.repetition), (CLIENTS, Some(9), 2));
    assert_eq!((record.started_at, record.duration_us), (20_000_000, 10_000_000));
}

#[test]
fn a_disturbed_baseline_leaves_the_cost_absent_and_not_zero() {
    let job = job();
    let mut facts = facts(&job);
    let cpu = |at: &Snapshot| at.server.process.cpu_us;
    assert!(facts.busy_us(cpu).is_some_and(|us| us > 0.0));
    facts.baseline[2].server.process.cpu_us = facts.baseline[1].server.process.cpu_us.map(|us| us + 1_000_000);
    assert_eq!(facts.busy_us(cpu), None);
}

#[test]
fn the_cost_of_a_snapshot_is_not_part_of_a_join_probe() {
    let job = job();
    let mut facts = facts(&job);
    check(&facts, &[(Metric::ServerCpuPerConnection, Some(1.0))]);
    let snapshot_takes = |facts: &mut Facts<'_>, us: u64| {
        let [_, after, again] = facts.join_probe.snapshots.as_mut().unwrap();
        again.server.process.cpu_us = after.server.process.cpu_us.map(|before| before + us);
    };
    snapshot_takes(&mut facts, 500);
    check(&facts, &[(Metric::ServerCpuPerConnection, Some(0.75))]);
    snapshot_takes(&mut facts, 2_000);
    check(&facts, &[(Metric::ServerCpuPerConnection, None)]);
    let mut far = job.clone();
    far.between.lab_proxy = Some(7);
    check(&Facts { job: &far, ..self::facts(&job) }, &[(Metric::ServerCpuPerConnection, None)]);
}

#[test]
fn what_was_not_measured_is_absent_and_not_zero() {
    use Metric::*;
    let job = job();
    let mut facts = facts(&job);
    facts.counts.received = 0;
    facts.end.server.endpoints = facts.start.server.endpoints.clone();
    facts.connected.server.at = facts.settled.server.at - 4_999_999;
    for (_, snapshot) in &mut facts.ramp {
        snapshot.own.rss_bytes = None;
        snapshot.server.connections.open = 7;
    }
    facts.join_probe.snapshots = None;
    facts.baseline[1].server.process.cpu_us = None;
    facts.last.feed.head = 0;
    let absent = [
        AgeMean,
        SocketBytesPerUpdate,
        PayloadBytesPerUpdate,
        IdleBytesPerClientMin,
        ServerRssBytesPerConnection,
        ClientRssBytesPerConnection,
        ServerCpuPerUpdate,
        WireBytesPerUpdate,
        HandshakeBytes,
        ConnectP50,
        FirstUpdateP50,
        ScheduleLagP99,
        PublishLagP99,
    ];
    check(&facts, &absent.map(|metric| (metric, None)));
    check(&facts, &[(UpdatesReceived, Some(0.0)), (UpdatesMissed, Some(400.0))]);
}

#[test]
fn without_the_servers_count_what_the_clients_received_counts() {
    let job = job();
    let mut facts = facts(&job);
    facts.due_before = (Some(5), None);
    facts.counts.ranges = [(None, (11, 60))].into();
    check(&facts, &[(Metric::UpdatesPublished, Some(50.0)), (Metric::UpdatesMissed, Some(100.0))]);
    assert!(facts.record().verdict.reasons.iter().any(|reason| reason.advice.contains("history")));
    facts.counts.ranges.clear();
    check(&facts, &[(Metric::UpdatesPublished, Some(0.0))]);
}

#[test]
fn d1_updates_of_two_epochs_of_a_feed_are_added_and_not_merged() {
    let job = job();
    let mut facts = facts(&job);
    let [old, new] = ["0ld0", "new0"].map(|epoch| Some(epoch.parse().unwrap()));
    facts.start.server.feed.epoch = old;
    facts.last.feed.epoch = new;
    // Before the measured time 5 were due; 6 to 31 arrived, and then 1 to 45 of another feed were published.
    facts.counts.ranges = [(old, (6, 31)), (new, (1, 40))].into();
    check(&facts, &[(Metric::UpdatesPublished, Some(26.0 + 45.0)), (Metric::UpdatesMissed, Some(710.0 - 400.0))]);
}

#[test]
fn a_server_that_restarted_has_no_differences_and_the_clients_figures_stay() {
    use Metric::*;
    let job = job();
    let mut facts = facts(&job);
    facts.end.server.instance = 2;
    facts.last.instance = 2;
    let absent = [
        Requests,
        RequestsEmpty,
        ConnectionsOpened,
        SocketBytesUp,
        SocketBytesPerUpdate,
        WireBytesPerUpdate,
        Retransmits,
        Timeouts,
        ServerCpuPerUpdate,
        ServerCpuPerRequest,
        ServerCpuCores,
        OtherCpuCores,
        ServerRssGrowth,
        PublishLagP99,
    ];
    check(&facts, &absent.map(|metric| (metric, None)));
    let present = [
        (UpdatesPublished, 40.0),
        (UpdatesMissed, 0.0),
        (IdleBytesPerClientMin, 90.0),
        (ServerCpuIdle, 0.0),
        (ClientRetransmits, 4.0),
        (ClientTimeouts, 2.0),
    ];
    check(&facts, &present.map(|(metric, value)| (metric, Some(value))));
}

#[test]
fn timeouts_that_a_kernel_does_not_report_are_absent_and_its_retransmits_are_not() {
    use Metric::*;
    let job = job();
    let mut facts = facts(&job);
    let silent = |wire: &mut Option<WireStats>| *wire = wire.map(|wire| WireStats { timeouts: None, ..wire });
    silent(&mut facts.end.leg.wire);
    check(&facts, &[(ClientRetransmits, Some(4.0)), (ClientTimeouts, None), (Timeouts, Some(1.0))]);
    facts.end.server.endpoints.values_mut().for_each(|endpoint| silent(&mut endpoint.wire));
    check(&facts, &[(Retransmits, Some(2.0)), (Timeouts, None)]);
}

#[test]
fn recovery_is_computed_from_what_clients_saw() {
    use Metric::*;
    let job = job();
    let mut facts = facts(&job);
    facts.counts.reconnects_by_bin = vec![0, 7, 2];
    facts.counts.failures.insert(Failure::GaveUp, 3);
    facts.counts.reported_lost = 5;
    // The last update of the measured time is 45.
    facts.counts.late_gaps = vec![Gap { from: 41, to: 60 }, Gap { from: 46, to: 60 }, Gap { from: 44, to: 44 }];
    for _ in 0..20 {
        facts.counts.recoveries.saturating_record(250);
        facts.counts.tls.saturating_record(70);
        facts.counts.requests.saturating_record(30);
    }
    let expected = [
        (RecoveryP50, Some(250.0)),
        (RecoveryP99, None),
        (ReconnectsPeak, Some(7.0)),
        (ClientsGaveUp, Some(3.0)),
        (UpdatesReportedLost, Some(5.0 + 5.0 + 1.0)),
        (ServerRssGrowth, Some(2_000.0)),
        (TlsP50, Some(70.0)),
        (RequestP50, Some(30.0)),
        (Fallbacks, None),
    ];
    check(&facts, &expected);
}

#[test]
fn the_endpoints_of_a_ladder_are_added() {
    let second = Duration::from_secs(1);
    let mut job = job();
    job.contender.options = Options::Auto {
        first: Transport::Sse,
        watchdog: second,
        climb: second,
        hold: second,
        interval: second,
        keepalive: second,
    };
    let mut facts = facts(&job);
    facts.counts.fallbacks = 4;
    for at in [&mut facts.start, &mut facts.end] {
        let endpoint = at.server.endpoints[&Transport::Sse].clone();
        at.server.endpoints.insert(Transport::LongPolling, endpoint);
    }
    check(
        &facts,
        &[
            (Metric::Requests, Some(4_000.0)),
            (Metric::SocketBytesPerUpdate, Some(7.5)),
            (Metric::WireBytesPerUpdate, Some(15.0)),
            (Metric::Fallbacks, Some(4.0)),
            (Metric::Climbs, Some(0.0)),
        ],
    );
}

#[test]
fn a_percentile_needs_ten_samples_beyond_it() {
    let job = job();
    let mut facts = facts(&job);
    for _ in 0..19 {
        facts.counts.connects.saturating_record(50);
    }
    check(&facts, &[(Metric::ConnectP50, None)]);
    facts.counts.connects.saturating_record(50);
    check(&facts, &[(Metric::ConnectP50, Some(50.0)), (Metric::ConnectP99, None)]);
    for _ in 0..980 {
        facts.counts.connects.saturating_record(50);
    }
    check(&facts, &[(Metric::ConnectP99, Some(50.0))]);
}

#[test]
fn a_guard_metric_is_reported_however_few_its_samples() {
    let job = job();
    let mut facts = facts(&job);
    facts.counts.lags.saturating_record(900);
    check(&facts, &[(Metric::ScheduleLagP99, Some(900.0))]);
}

#[test]
fn clients_that_never_opened_count_as_failures_once() {
    let job = job();
    let mut facts = facts(&job);
    assert!(facts.record().failures.is_empty());
    facts.open = 7;
    assert_eq!(facts.record().failures[&Failure::Connect], 3);
    facts.counts.failures.insert(Failure::Connect, 50);
    assert_eq!(facts.record().failures[&Failure::Connect], 50);
    assert_eq!(facts.record().verdict.status, Status::Invalid);
}

#[test]
fn h1_behind_a_proxy_the_clients_leg_and_the_servers_leg_are_separate() {
    use Metric::*;
    let between = Between { nginx: Some(7), ..Between::default() };
    let behind_nginx = Job { between, ..job() };
    let clients = [
        (SocketBytesUp, Some(2_000.0)),
        (SocketBytesDown, Some(4_000.0)),
        (SocketBytesPerUpdate, Some(30.0)),
        (WireBytesPerUpdate, Some(60.0)),
        (PacketsPerUpdate, Some(0.4)),
        (Retransmits, Some(4.0)),
        (Timeouts, Some(2.0)),
        (ClientRetransmits, Some(4.0)),
        (ConnectionsOpened, Some(3_100.0)),
        (HandshakeBytes, Some(350.0)),
        (PayloadBytesPerUpdate, Some(4.0)),
        // 300 bytes in ten seconds, for ten clients.
        (IdleBytesPerClientMin, Some(180.0)),
    ];
    let parts = [HeaderBytesPerUpdate, FramingBytesPerUpdate, KeepaliveBytesPerUpdate];
    let server = [
        (ServerLegSocketBytes, Some(7.5)),
        (ServerLegHeaderBytes, Some(0.5)),
        (ServerLegWireBytes, Some(15.0)),
        (ServerLegPackets, Some(0.2)),
        (ServerLegConnections, Some(3_000.0)),
    ];
    let mut facts_behind = facts(&behind_nginx);
    let Facts { baseline, ramp, start, end, .. } = &mut facts_behind;
    let snapshots = baseline.iter_mut().chain(ramp.iter_mut().map(|(_, snapshot)| snapshot)).chain([start, end]);
    snapshots.for_each(|snapshot| snapshot.nginx = snapshot.own);
    check(&facts_behind, &clients);
    check(&facts_behind, &parts.map(|part| (part, None)));
    check(&facts_behind, &server);
    check(
        &facts_behind,
        &[(NginxCpuPerUpdate, Some(10.0)), (NginxFdsPerConnection, Some(20.0)), (NginxCpuCores, Some(0.0002))],
    );

    let behind_lab_proxy = Job { between: Between { lab_proxy: Some(7), ..Between::default() }, ..job() };
    let facts_behind = facts(&behind_lab_proxy);
    check(&facts_behind, &clients);
    check(&facts_behind, &server);
    check(&facts_behind, &[(HeaderBytesPerUpdate, Some(0.5)), (KeepaliveBytesPerUpdate, Some(0.05))]);

    let direct = job();
    let facts_direct = facts(&direct);
    check(&facts_direct, &server.map(|(metric, _)| (metric, None)));
    check(&facts_direct, &[(SocketBytesPerUpdate, Some(7.5)), (NginxCpuPerUpdate, None), (LabProxyCpuCores, None)]);
    check(&facts_direct, &[(LinkCpuCores, None)]);

    // Packets pass through the emulator of a link, but no connection ends there.
    let over_link = Job { between: Between { emulator: Some(7), ..Between::default() }, ..job() };
    let mut facts_over_link = facts(&over_link);
    let Facts { start, end, .. } = &mut facts_over_link;
    [start, end].into_iter().for_each(|snapshot| snapshot.emulator = snapshot.own);
    check(&facts_over_link, &server.map(|(metric, _)| (metric, None)));
    check(&facts_over_link, &[(SocketBytesPerUpdate, Some(7.5)), (LinkCpuCores, Some(0.0002))]);
}

#[test]
fn a_target_is_measured_at_its_clients_and_what_it_cannot_report_is_absent() {
    use Metric::*;
    let target = crate::target::tests::target(Transport::Sse, "/sse", CursorRecipe::Standard);
    let job = Job { target: Some(target), ..job() };
    let mut facts = facts(&job);
    let Facts { baseline, ramp, connected, settled, start, end, .. } = &mut facts;
    let snapshots = baseline.iter_mut().chain(ramp.iter_mut().map(|(_, snapshot)| snapshot));
    for snapshot in snapshots.chain([connected, settled, start, end]) {
        snapshot.server.endpoints.clear();
        snapshot.server.connections = ConnectionStats::default();
    }
    facts.last.endpoints.clear();
    let measured = [
        (UpdatesPublished, Some(40.0)),
        (UpdatesMissed, Some(0.0)),
        (Requests, Some(1_000.0)),
        (ConnectionsOpened, Some(3_100.0)),
        (SocketBytesPerUpdate, Some(30.0)),
        (WireBytesPerUpdate, Some(60.0)),
        (PayloadBytesPerUpdate, Some(20.0)),
        (IdleBytesPerClientMin, Some(180.0)),
        (HandshakeBytes, Some(350.0)),
        (ServerCpuPerUpdate, Some(10.0)),
        (ClientCpuPerUpdate, Some(10.0)),
        (ServerCpuPerRequest, Some(2.0)),
        (ServerRssBytesPerConnection, Some(20.0)),
        (ServerFdsPerConnection, Some(20.0)),
        (ServerRssGrowth, Some(2_000.0)),
        (PublishLagP99, Some(77.0)),
    ];
    check(&facts, &measured);
    let absent = [
        RequestsEmpty,
        UpdatesReportedLost,
        HeaderBytesPerUpdate,
        FramingBytesPerUpdate,
        KeepaliveBytesPerUpdate,
        ServerLegSocketBytes,
        ServerLegConnections,
        KernelBytesPerConnection,
        ServerCpuPerConnection,
        FirstUpdateP50,
    ];
    check(&facts, &absent.map(|metric| (metric, None)));
    // A target that runs already has no figures of a process either.
    for snapshot in [&mut facts.start, &mut facts.end] {
        snapshot.server.process = Usage::default();
    }
    check(&facts, &[(ServerCpuPerUpdate, None), (ServerCpuCores, None), (ServerRssGrowth, None)]);
}

#[test]
fn the_verdict_does_not_ask_a_target_for_a_history() {
    let target = crate::target::tests::target(Transport::Sse, "/sse", CursorRecipe::Standard);
    for (publishes, complaints) in [(true, 1), (false, 0)] {
        let target = JobTarget { publishes, ..target.clone() };
        let job = Job { target: Some(target), ..job() };
        let mut facts = facts(&job);
        facts.due_before = (None, None);
        facts.last.feed = FeedStats::default();
        facts.counts.ranges = [(None, (11, 60))].into();
        check(&facts, &[(Metric::UpdatesPublished, Some(50.0)), (Metric::PayloadBytesPerUpdate, None)]);
        let reasons = facts.record().verdict.reasons;
        let told = reasons.iter().filter(|reason| reason.advice.contains("history")).count();
        assert_eq!(told, complaints, "{reasons:?}");
    }
}
