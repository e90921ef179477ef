//! A server of a few lines for each test, and an inspection of it.

use std::time::Duration;

use feedlab_check::inspect::{self, Connected, Id, InspectError, Mark, Options, Progress, Report, Status, Target};
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// The head of an event stream that ends with its connection.
pub(crate) const SSE: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nConnection: close\r\n\r\n";

/// How long a stream is watched in these tests, and each short connection.
pub(crate) const WATCH: Duration = Duration::from_millis(2_500);
const PROBE: Duration = Duration::from_secs(1);

/// Serves each connection, after its request was read, with a function. Returns the URL.
pub(crate) async fn serve<F>(answer: impl Fn(TcpStream) -> F + Send + 'static) -> String
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let _ = client.read(&mut [0; 4_096]).await;
            tokio::spawn(answer(client));
        }
    });
    format!("http://{address}/events")
}

/// A stream to inspect with a GET.
pub(crate) fn target(url: &str) -> Target {
    Target {
        url: url.parse().unwrap(),
        is_websocket: false,
        address: None,
        direct: None,
        http2: false,
        method: "GET".parse().unwrap(),
        body: bytes::Bytes::new(),
        headers: feedlab_loadgen::transport::HeaderMap::new(),
        tls: None,
    }
}

/// Inspects a stream for as long as these tests do.
pub(crate) async fn inspected(url: &str) -> Report {
    run(&target(url), WATCH).await.unwrap()
}

/// Inspects a stream. It must be over soon after the time, whatever the server does.
pub(crate) async fn run(target: &Target, watch: Duration) -> Result<Report, InspectError> {
    let options = Options { watch, find_timeout: false, probe: PROBE };
    let stop = CancellationToken::new();
    let running = async { inspect::run(target, &options, &mut Silent, &stop).await };
    timeout(watch + Duration::from_secs(30), running).await.expect("an inspection is bounded in time")
}

/// Fails unless a finding is as expected, with a text in its evidence.
#[track_caller]
pub(crate) fn expect(report: &Report, id: Id, mark: Mark, needle: &str) {
    let finding = report.findings.iter().find(|finding| finding.id == id);
    let finding = finding.unwrap_or_else(|| panic!("no finding on {}: {:#?}", id.name(), report.findings));
    assert!(finding.mark == mark && finding.evidence.contains(needle), "{finding:#?}");
}

/// Tells nobody.
pub(crate) struct Silent;

impl Progress for Silent {
    fn connected(&mut self, _: &Connected) {}
    fn watching(&mut self, _: &Status) {}
    fn trying(&mut self, _: &str) {}
}
