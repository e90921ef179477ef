use super::*;
use crate::fixture;

/// The status and the reasons of a cell of 50 clients with these figures.
fn judged(metrics: &[(Metric, f64)], failures: &[(Failure, u64)], connected: u32, debug_build: bool) -> Verdict {
    let (metrics, failures) = (metrics.iter().copied().collect(), failures.iter().copied().collect());
    judge_cell(&CellFacts { metrics: &metrics, failures: &failures, clients: 50, connected, debug_build })
}

#[test]
fn a_cell_is_judged_by_what_could_explain_its_figures() {
    use Metric::{PublishLagP99, ScheduleLagP99, UpdatesPublished, UpdatesReceived};
    let good =
        [(ScheduleLagP99, 2_000.0), (PublishLagP99, 500.0), (UpdatesPublished, 100.0), (UpdatesReceived, 5000.0)];
    assert_eq!(judged(&good, &[(Failure::Connect, 0)], 50, false), Verdict::default());
    for (metrics, failures, connected, debug, status, what) in [
        (&good[..], &[][..], 50, true, Status::Suspect, "this feedlab was built without optimization"),
        (&good, &[], 49, false, Status::Invalid, "only 49 of 50 clients were connected when measuring began"),
        (
            &[(ScheduleLagP99, 20_000.0)],
            &[],
            50,
            false,
            Status::Suspect,
            "the load generator's timers were up to 20 ms late (schedule_lag_p99_us), which is part of every age",
        ),
        (
            &[(PublishLagP99, 200_000.0)],
            &[],
            50,
            false,
            Status::Invalid,
            "updates were up to 200 ms late (publish_lag_p99_us), which is part of every age",
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
            "none of the 30 updates of the measured time arrived",
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

fn cell(repetition: u32, reasons: &[(Status, &str, &str)]) -> CellRecord {
    let mut cell = fixture::cell(repetition, &[]);
    reasons.iter().for_each(|&(status, what, advice)| cell.verdict.add(Reason::new(status, what, advice)));
    cell
}

#[test]
fn a_run_is_as_good_as_its_worst_cell_and_gives_each_advice_once() {
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
            "in 2 of 3 cells, as in SSE, 50 clients: 200 ms late",
            "SSE, 50 clients: 3 updates",
            "in every cell: debug build"
        ]
    );
}

#[test]
fn a_run_that_was_cut_short_says_so() {
    let verdict = judge_run(&[cell(1, &[])], 8);
    assert_eq!((verdict.status, verdict.reasons.len()), (Status::Suspect, 1));
    assert_eq!(verdict.reasons[0].what, "only 1 of 8 cells were measured");
    assert_eq!(judge_run(&[cell(1, &[])], 1), Verdict::default());
}
