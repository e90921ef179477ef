//! Twelve broken servers, one fault each: the case for that fault finds it, and no other case fails.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod fault;
mod frames;

use std::net::SocketAddr;
use std::time::Duration;

use fault::Fault;
use feedlab_check::contract::Contract;
use feedlab_check::outcome::{CaseResult, Progress, Report, Verdict};
use feedlab_check::run::{Options, check};
use feedlab_feed::settings::Settings;
use feedlab_server::{Config, Listeners};
use futures_util::future::join_all;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Nobody watches.
struct Silent;

impl Progress for Silent {
    fn begins(&mut self, _: &Report) {}
    fn stage(&mut self, _: u8, _: &str, _: &str, _: usize) {}
    fn case(&mut self, _: &CaseResult) {}
    fn waiting(&mut self, _: &str, _: Duration) {}
}

/// Starts our server, which ends with the runtime.
async fn server() -> SocketAddr {
    let bind = || TcpListener::bind("127.0.0.1:0");
    let (endpoints, control) = (bind().await.unwrap(), bind().await.unwrap());
    let address = endpoints.local_addr().unwrap();
    let config: Config = Settings { allow_publish: true, ..Settings::default() }.into();
    let listeners = Listeners { endpoints, control: Some(control) };
    tokio::spawn(feedlab_server::run(listeners, config, CancellationToken::new()));
    address
}

/// Judges a server by the whole contract.
async fn judge(address: SocketAddr) -> Report {
    let url = format!("http://{address}/").parse().unwrap();
    let options = Options::new(url, Contract::ours().unwrap());
    check(options, &mut Silent, &CancellationToken::new()).await.unwrap()
}

/// The cases that failed, with what came.
fn failed(report: &Report) -> Vec<String> {
    let cases = report.cases().filter_map(|case| match &case.verdict {
        Verdict::Failed(failure) => {
            Some(format!("{}: {} / {}\n{}", case.id, failure.expected, failure.came, failure.trace.diagram(120)))
        }
        _ => None,
    });
    cases.collect()
}

/// Each fault, with the case that is there for it.
const FAULTS: [(Fault, &str); 12] = [
    (Fault::LostBetweenPolls, "long-poll-between-two"),
    (Fault::DoubledAfterResume, "sse-resume-once"),
    (Fault::NoBlankLine, "sse-blank-line"),
    (Fault::IdAfterData, "sse-ids"),
    (Fault::NoFlush, "sse-flushed"),
    (Fault::GzipWithoutFlush, "sse-gzip-flushed"),
    (Fault::NoContentLoop, "long-poll-waits"),
    (Fault::WrongContentType, "sse-content-type"),
    (Fault::CloseWithoutFrame, "ws-close-answered"),
    (Fault::IgnoresPing, "ws-ping"),
    (Fault::AcceptsAnyCursor, "cursor-nonsense"),
    (Fault::LeaksOnClose, "vanished-client-fin"),
];

/// All at the same time: a check waits more than it computes.
#[tokio::test(flavor = "multi_thread")]
async fn each_fault_is_found_by_its_own_case_and_by_no_other() {
    let checks = FAULTS.map(|(fault, case)| async move {
        let report = judge(fault::serve(server().await, fault).await).await;
        (fault, case, failed(&report))
    });
    let outcomes = join_all(checks).await;
    let is_right = |case: &str, failed: &[String]| failed.len() == 1 && failed[0].starts_with(&format!("{case}: "));
    let wrong: Vec<_> = outcomes.iter().filter(|(_, case, failed)| !is_right(case, failed)).collect();
    for (fault, case, failed) in &wrong {
        eprintln!("{fault:?}, for which {case} is there:\n{}", failed.join("\n"));
    }
    assert!(wrong.is_empty(), "{} faults are not found as they should be", wrong.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_server_passes_everything_that_can_be_tried() {
    for address in [server().await, fault::serve(server().await, Fault::None).await] {
        let report = judge(address).await;
        assert_eq!(failed(&report), Vec::<String>::new());
        let not_tried: Vec<_> =
            report.cases().filter(|case| matches!(case.verdict, Verdict::NotTried { .. })).collect();
        let all_need_a_restart = not_tried.iter().all(|case| match &case.verdict {
            Verdict::NotTried { reason } => reason.contains("--restart-command"),
            _ => false,
        });
        assert!(all_need_a_restart && report.cases().count() > 60, "{not_tried:#?}");
    }
}
