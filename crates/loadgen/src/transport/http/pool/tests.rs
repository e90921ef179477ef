use std::time::Duration;

use ::h2::SendStream;
use bytes::Bytes;
use feedlab_experiment::scenario::{Http, Options};
use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::observer::Opened;
use crate::transport::script::h2::{Connection, Http2Settings, send};
use crate::transport::script::{Log, Server, run_script};
use crate::transport::{Client, Link, run};

const SSE: Options = Options::Sse { keepalive: Duration::ZERO };
const POLL: Options =
    Options::ShortPolling { interval: Duration::from_millis(20), keep_alive: true, conditional: false };

/// Runs `count` clients that share their connections, and returns what each observed and how it was opened. The
/// server's script waits for observations of the first.
async fn fleet(
    count: usize,
    options: Options,
    script: impl AsyncFnOnce(&mut Server),
) -> Vec<(Vec<String>, Vec<Opened>)> {
    let mut all = Vec::new();
    let clients = async |client: Client, log: &mut Log, stop: &CancellationToken| {
        let link = Link { http: Http::V2, pool: Some(Pool::default()), ..Link::default() };
        let client = Client { link, ..client };
        let mut logs: Vec<Log> = (1..count).map(|_| Log::default()).collect();
        let running = logs.iter_mut().map(|log| run(client.clone(), &options, log, stop));
        tokio::join!(run(client.clone(), &options, log, stop), join_all(running));
        logs.insert(0, log.clone());
        all = logs.iter().map(|log| (log.lines(), log.openings())).collect();
    };
    let first = run_script("/feed/sse", clients, script).await;
    all[0].0 = first;
    all
}

/// Answers `count` requests with a stream, and sends an update on each.
async fn feed(connection: &mut Connection, count: usize, seq: u64) -> Vec<SendStream<Bytes>> {
    let mut streams = Vec::new();
    for _ in 0..count {
        let mut stream = connection.request().await.head(200, "text/event-stream");
        send(&mut stream, format!("retry: 10\nid: {seq}\nevent: tick\ndata: {{\"at\":1,\"data\":\"x\"}}\n\n"));
        streams.push(stream);
    }
    streams
}

fn count(fleet: &[(Vec<String>, Vec<Opened>)], line: &str) -> usize {
    fleet.iter().filter(|(lines, _)| lines.iter().any(|seen| seen == line)).count()
}

/// The number of clients that reported a connect.
fn connects(fleet: &[(Vec<String>, Vec<Opened>)]) -> usize {
    fleet.iter().flat_map(|(_, openings)| openings).filter(|opened| opened.connect_us.is_some()).count()
}

#[tokio::test]
async fn clients_are_streams_of_one_connection_and_one_of_them_reports_its_connect() {
    let fleet = fleet(PER_CONNECTION, SSE, async |server| {
        let mut connection = server.accept_h2(Http2Settings::default()).await;
        let _streams = feed(&mut connection, PER_CONNECTION, 1).await;
        server.observed("update 1").await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(connection.has_no_request());
    })
    .await;
    assert_eq!((count(&fleet, "update 1"), connects(&fleet)), (PER_CONNECTION, 1));
    assert_eq!(count(&fleet, "Disconnected"), 0);
}

#[tokio::test]
async fn one_client_too_many_opens_another_connection() {
    let fleet = fleet(PER_CONNECTION + 1, SSE, async |server| {
        let mut first = server.accept_h2(Http2Settings::default()).await;
        let mut second = server.accept_h2(Http2Settings::default()).await;
        let _streams = tokio::join!(feed(&mut first, PER_CONNECTION, 1), feed(&mut second, 1, 1));
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(first.has_no_request() && second.has_no_request());
    })
    .await;
    assert_eq!((count(&fleet, "update 1"), connects(&fleet)), (PER_CONNECTION + 1, 2));
}

#[tokio::test]
async fn the_servers_limit_is_kept() {
    let limit = Http2Settings { streams: Some(3), ..Http2Settings::default() };
    let fleet = fleet(7, SSE, async |server| {
        let mut first = server.accept_h2(limit).await;
        let streams = feed(&mut first, 3, 1).await;
        // Requests that were sent before the clients knew of the limit.
        let refuse = async {
            loop {
                first.request().await.refuse();
            }
        };
        let others = async {
            let mut second = server.accept_h2(limit).await;
            let mut third = server.accept_h2(limit).await;
            let _streams = (tokio::join!(feed(&mut second, 3, 1), feed(&mut third, 1, 1)), second, third);
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        tokio::select! { () = refuse => {}, () = others => {} };
        drop(streams);
    })
    .await;
    assert_eq!((count(&fleet, "update 1"), connects(&fleet)), (7, 3));
    assert_eq!(count(&fleet, "Disconnected"), 0, "a refused request is sent again, and is not an error");
}

#[tokio::test]
async fn a_connection_breaks_with_all_its_streams_and_all_return_on_one() {
    let fleet = fleet(20, SSE, async |server| {
        let mut connection = server.accept_h2(Http2Settings::default()).await;
        let _streams = feed(&mut connection, 20, 1).await;
        server.observed("update 1").await;
        drop(connection);
        let mut connection = server.accept_h2(Http2Settings::default()).await;
        let _streams = feed(&mut connection, 20, 2).await;
        server.observed("update 2").await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    })
    .await;
    for line in ["update 1", "Disconnected", "reconnect", "update 2"] {
        assert_eq!(count(&fleet, line), 20, "{line}");
    }
    assert_eq!(connects(&fleet), 2);
}

#[tokio::test]
async fn polls_keep_their_place_from_one_request_to_the_next() {
    let fleet = fleet(3, POLL, async |server| {
        let mut connection = server.accept_h2(Http2Settings::default()).await;
        for _ in 0..12 {
            connection.request().await.body(r#"{"updates":[],"next":"k3f9.5","gap":null}"#);
        }
    })
    .await;
    assert!(fleet.iter().all(|(lines, _)| *lines == ["opened"]), "{fleet:?}");
    assert_eq!(connects(&fleet), 1);
}

#[tokio::test]
async fn an_unreachable_server_is_a_failed_connect_for_each() {
    let fleet = fleet(5, SSE, async |server| {
        server.close();
        server.observed("Connect").await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    })
    .await;
    assert_eq!(count(&fleet, "Connect"), 5);
}

#[tokio::test]
async fn the_connection_closes_when_the_last_client_has_left() {
    let mut left = None;
    fleet(2, SSE, async |server| {
        let mut connection = server.accept_h2(Http2Settings::default()).await;
        let streams = feed(&mut connection, 2, 1).await;
        server.observed("update 1").await;
        left = Some((connection, streams));
    })
    .await;
    let (mut connection, _streams) = left.unwrap();
    tokio::time::timeout(Duration::from_secs(10), connection.closed()).await.unwrap();
}
