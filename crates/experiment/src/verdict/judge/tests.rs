use std::time::Duration;

use super::*;
use crate::fixture;
use crate::scenario::ProcessFault;

/// The status and the reasons of a cell of 50 clients with these figures.
fn judged(metrics: &[(Metric, f64)], failures: &[(Failure, u64)], connected: u32, debug_build: bool) -> Verdict {
    let (metrics, failures) = (metrics.iter().copied().collect(), failures.iter().copied().collect());
    judge_cell(&CellFacts {
        metrics: &metrics,
        failures: &failures,
        clients: 50,
        connected,
        cores: 2,
        planned_stall_us: 0,
        faults: &[],
        is_ladder: false,
        ends_streams: false,
        debug_build,
    })
}

#[test]
fn a_cell_is_judged_by_what_could_distort_its_figures() {
    use Metric::{PublishLagP99, ScheduleLagP99, UpdatesPublished, UpdatesReceived};
    let good =
        [(ScheduleLagP99, 2_000.0), (PublishLagP99, 500.0), (UpdatesPublished, 100.0), (UpdatesReceived, 5000.0)];
    assert_eq!(judged(&good, &[(Failure::Connect, 0)], 50, false), Verdict::default());
    for (metrics, failures, connected, debug, status, what) in [
        (&good[..], &[][..], 50, true, Status::Suspect, "feedlab was built without optimization"),
        (&good, &[], 49, false, Status::Invalid, "only 49 of 50 clients were connected when the measurement started"),
        (
            &[(ScheduleLagP99, 20_000.0)],
            &[],
            50,
            false,
            Status::Suspect,
            "1% of the load generator's timers were at least 20 ms late (schedule_lag_p99_us); ages include such delays",
        ),
        (
            &[(PublishLagP99, 200_000.0)],
            &[],
            50,
            false,
            Status::Invalid,
            "1% of updates were at least 200 ms late (publish_lag_p99_us); ages include such delays",
        ),
        (
            &[(UpdatesPublished, 3.0), (UpdatesReceived, 150.0)],
            &[],
            50,
            false,
            Status::Suspect,
            "only 3 updates fell due in the measured time",
        ),
        (&[(UpdatesPublished, 0.0)], &[], 50, false, Status::Suspect, "only 0 updates fell due in the measured time"),
        (
            &[(UpdatesPublished, 30.0)],
            &[],
            50,
            false,
            Status::Invalid,
            "none of the 30 updates published in the measured time arrived",
        ),
        (
            &good,
            &[(Failure::Connect, 2), (Failure::Gap, 1)],
            50,
            false,
            Status::Suspect,
            "clients failed: 2 × connection refused or timed out, 1 × gap in the history",
        ),
    ] {
        let verdict = judged(metrics, failures, connected, debug);
        assert_eq!(verdict.status, status, "{what}");
        assert_eq!(verdict.reasons.iter().map(|reason| reason.what.as_str()).collect::<Vec<_>>(), [what]);
    }
}

#[test]
fn m7_the_load_of_proxies_counts_as_the_runs_own() {
    use Metric::{ClientCpuCores, LabProxyCpuCores, LinkCpuCores, NginxCpuCores, OtherCpuCores, ServerCpuCores};
    let direct = [(ServerCpuCores, 0.2), (ClientCpuCores, 0.2), (OtherCpuCores, 0.6)];
    assert_eq!(
        judged(&direct, &[], 50, false).status,
        Status::Suspect,
        "so much kernel work without a cause is suspect"
    );
    let behind = [&direct[..], &[(NginxCpuCores, 0.3), (LabProxyCpuCores, 0.2)]].concat();
    assert_eq!(judged(&behind, &[], 50, false), Verdict::default());
    let over_link = [&direct[..], &[(LinkCpuCores, 0.5)]].concat();
    assert_eq!(judged(&over_link, &[], 50, false), Verdict::default());
    let full = [&direct[..], &[(NginxCpuCores, 0.9), (LabProxyCpuCores, 0.1)]].concat();
    let reasons = judged(&full, &[], 50, false).reasons;
    assert!(reasons[0].what.starts_with("the machine was saturated: 2.0 of 2 cores busy"), "{reasons:?}");
}

#[test]
fn the_machine_is_judged_too() {
    use Metric::{ClientCpuCores, ClockStep, OtherCpuCores, Requests, RequestsSkipped, ServerCpuCores, SwappedBytes};
    let idle = [(ServerCpuCores, 0.3), (ClientCpuCores, 0.4), (OtherCpuCores, 0.2)];
    assert_eq!(judged(&idle, &[], 50, false), Verdict::default());
    for (metrics, status, what) in [
        (&[(ClientCpuCores, 1.7)][..], Status::Suspect, "the load generator itself used 1.7 of 2 cores"),
        (
            &[(ServerCpuCores, 0.9), (ClientCpuCores, 0.6), (OtherCpuCores, 0.45)],
            Status::Suspect,
            "the machine was saturated: 1.9 of 2 cores busy, 0.9 of them with the server",
        ),
        (
            &[(ServerCpuCores, 0.1), (ClientCpuCores, 0.1), (OtherCpuCores, 1.0)],
            Status::Suspect,
            "other processes on the machine used 1.0 of 2 cores",
        ),
        (
            &[(ClockStep, 3_000.0)],
            Status::Suspect,
            "the wall clock drifted 3.0 ms from the monotonic clock during the measurement",
        ),
        (
            &[(ClockStep, 3_000_000.0)],
            Status::Invalid,
            "the wall clock drifted 3000.0 ms from the monotonic clock during the measurement",
        ),
        (&[(SwappedBytes, 3e6)], Status::Suspect, "the machine read 2.9 MiB back from swap during the measurement"),
        (
            &[(Requests, 80.0), (RequestsSkipped, 20.0)],
            Status::Invalid,
            "20% of the polls were never sent because the previous ones were still in flight",
        ),
    ] {
        let verdict = judged(metrics, &[], 50, false);
        assert_eq!(verdict.reasons.iter().map(|reason| reason.what.as_str()).collect::<Vec<_>>(), [what]);
        assert_eq!(verdict.status, status, "{what}");
    }
}

#[test]
fn a_planned_stall_is_no_problem_and_a_longer_one_is() {
    let metrics = [(Metric::PublishLagP99, 480_000.0)].into();
    let failures = BTreeMap::new();
    let status = |planned_stall_us| {
        let facts = CellFacts {
            metrics: &metrics,
            failures: &failures,
            clients: 50,
            connected: 50,
            cores: 2,
            planned_stall_us,
            faults: &[],
            is_ladder: false,
            ends_streams: false,
            debug_build: false,
        };
        judge_cell(&facts).status
    };
    assert_eq!([status(500_000), status(300_000)], [Status::Valid, Status::Invalid]);
}

#[test]
fn planned_failures_are_no_reason_and_others_are() {
    use Failure::{Closed, Connect, Disconnected, Gap, GaveUp, Malformed, Status as BadStatus};
    let fault = |kind| Fault { kind, at: Duration::ZERO, every: None, length: Duration::ZERO, share: 1.0, node: 1 };
    let reasons = |faults: &[FaultKind], is_ladder: bool| {
        let all = [Connect, BadStatus, Disconnected, Closed, Malformed, Gap, GaveUp];
        let failures = all.into_iter().map(|failure| (failure, 3)).collect();
        let metrics = [(Metric::Requests, 50.0), (Metric::RequestsSkipped, 50.0)].into();
        let facts = CellFacts {
            metrics: &metrics,
            failures: &failures,
            clients: 50,
            connected: 50,
            cores: 2,
            planned_stall_us: 0,
            faults: &faults.iter().copied().map(fault).collect::<Vec<_>>(),
            is_ladder,
            ends_streams: false,
            debug_build: false,
        };
        judge_cell(&facts).reasons.into_iter().map(|reason| reason.what).collect::<Vec<_>>()
    };
    let skipped = "50% of the polls were never sent because the previous ones were still in flight";
    assert_eq!(reasons(&[FaultKind::Link(LinkFault::Cut)], false), ["clients failed: 3 × unreadable answer"]);
    assert_eq!(reasons(&[FaultKind::Link(LinkFault::Cut), FaultKind::Link(LinkFault::WrongType)], false), [""; 0]);
    let of_a_ladder = "clients failed: 3 × connection refused or timed out, 3 × gap in the history";
    assert_eq!(reasons(&[], true), [skipped, of_a_ladder]);
    assert_eq!(reasons(&[], false).len(), 2);
}

#[test]
fn h4_clients_that_gave_up_make_ages_and_costs_suspect_even_if_planned() {
    let kind = FaultKind::Process(ProcessFault::Restart);
    let faults = [Fault { kind, at: Duration::ZERO, every: None, length: Duration::ZERO, share: 1.0, node: 1 }];
    let (metrics, failures) = ([(Metric::ClientsGaveUp, 19.0)].into(), [(Failure::GaveUp, 19)].into());
    let facts = CellFacts {
        metrics: &metrics,
        failures: &failures,
        clients: 20,
        connected: 20,
        cores: 2,
        planned_stall_us: 0,
        faults: &faults,
        is_ladder: false,
        ends_streams: false,
        debug_build: false,
    };
    let verdict = judge_cell(&facts);
    assert_eq!(verdict.status, Status::Suspect);
    assert_eq!(verdict.reasons[0].what, "19 of 20 clients gave up: ages and costs describe only the others");
}

fn cell(repetition: u32, reasons: &[(Status, &str, &str)]) -> CellRecord {
    let mut cell = fixture::cell(repetition, &[]);
    reasons.iter().for_each(|&(status, what, advice)| cell.verdict.add(Reason::new(status, what, advice)));
    cell
}

#[test]
fn a_run_has_the_status_of_its_worst_cell_and_each_advice_once() {
    let debug = (Status::Suspect, "debug build", "use --release");
    let cells = [
        cell(1, &[debug]),
        cell(2, &[debug, (Status::Suspect, "20 ms late", "fewer clients")]),
        cell(3, &[debug, (Status::Invalid, "200 ms late", "fewer clients"), (Status::Suspect, "3 updates", "longer")]),
    ];
    let verdict = judge_run(&cells, 3);
    assert_eq!(verdict.status, Status::Invalid);
    let whats: Vec<_> = verdict.reasons.iter().map(|reason| reason.what.as_str()).collect();
    assert_eq!(
        whats,
        [
            "in 2 of 3 cells (for example SSE, 50 clients): 200 ms late",
            "SSE, 50 clients: 3 updates",
            "in every cell: debug build"
        ]
    );
}

#[test]
fn an_interrupted_run_says_so() {
    let verdict = judge_run(&[cell(1, &[])], 8);
    assert_eq!((verdict.status, verdict.reasons.len()), (Status::Suspect, 1));
    assert_eq!(verdict.reasons[0].what, "only 1 of 8 cells were measured");
    assert_eq!(judge_run(&[cell(1, &[])], 1), Verdict::default());
}
