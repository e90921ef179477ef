//! Streams with one fault each, and healthy ones: the right finding, and no false alarm.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod inspect;

use std::io::Write as _;
use std::time::Duration;

use feedlab_check::inspect::{Found, Id, Mark, Report};
use feedlab_feed::schedule::Schedule;
use feedlab_feed::settings::Settings;
use feedlab_feed::source::SourceConfig;
use feedlab_loadgen::transport::Tls;
use feedlab_server::tls::{Identity, self_signed};
use feedlab_server::{Config, Listeners};
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;
use tokio_util::sync::{CancellationToken, DropGuard};

use inspect::{SSE, WATCH, expect, inspected, run, serve, target};

#[track_caller]
fn expect_no_alarm(report: &Report) {
    let alarms: Vec<_> = report.with(Mark::Bad).chain(report.with(Mark::Warn)).collect();
    assert!(alarms.is_empty(), "{alarms:#?}");
}

/// Our own server, with ten updates per second.
async fn healthy(tls: Option<Identity>) -> (std::net::SocketAddr, DropGuard) {
    let schedule = Schedule::Constant;
    let source = SourceConfig::Synthetic { rate: 10.0, schedule, payload_bytes: 100, binary: false };
    let settings = Settings { source: Some(source), ..Settings::default() };
    let config = Config { tls, ..settings.into() };
    let endpoints = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = endpoints.local_addr().unwrap();
    let stop = CancellationToken::new();
    let token = stop.clone();
    tokio::spawn(async move {
        feedlab_server::run(Listeners { endpoints, control: None }, config, token).await.unwrap();
    });
    (address, stop.drop_guard())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_server_gives_no_alarm_over_any_transport() {
    let (address, _stop) = healthy(None).await;
    for (path, found) in [("feed/sse", Found::Sse), ("feed/ws", Found::WebSocket), ("feed/poll", Found::Poll)] {
        let report = inspected(&format!("http://{address}/{path}")).await;
        assert_eq!(report.transport, found, "{path}: {report:#?}");
        expect_no_alarm(&report);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_server_over_tls_and_http2_gives_no_alarm() {
    let identity = self_signed().unwrap();
    let tls = Tls::trusting(&identity.certificate).unwrap();
    let (address, _stop) = healthy(Some(identity)).await;
    let mut target = target(&format!("https://localhost:{}/feed/sse", address.port()));
    target.tls = Some(tls);
    target.address = Some(address);
    let report = run(&target, WATCH).await.unwrap();
    assert_eq!(report.http, Some("HTTP/2"));
    expect_no_alarm(&report);
    expect(&report, Id::Resume, Mark::Good, "in order");
    expect(&report, Id::SixConnections, Mark::Good, "HTTP/2");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_connection_there_is_an_error_and_no_report() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = run(&target(&format!("http://{closed}/")), WATCH).await.unwrap_err().to_string();
    assert!(error.contains("start the server"), "{error}");
    let identity = self_signed().unwrap();
    let other = self_signed().unwrap();
    let (address, _stop) = healthy(Some(identity)).await;
    let mut target = target(&format!("https://localhost:{}/feed/sse", address.port()));
    target.tls = Some(Tls::trusting(&other.certificate).unwrap());
    target.address = Some(address);
    let error = run(&target, WATCH).await.unwrap_err().to_string();
    assert!(error.contains("--cacert FILE"), "{error}");
}

/// Writes events with ids, one at a time.
async fn events(mut client: TcpStream, every: Duration) {
    let _ = client.write_all(SSE.as_bytes()).await;
    for n in 0.. {
        if client.write_all(format!("id: {n}\ndata: {{\"n\":{n}}}\n\n").as_bytes()).await.is_err() {
            return;
        }
        sleep(every).await;
    }
}

/// Passes on a stream of small events only in full buffers of 4 KiB.
async fn buffered(mut client: TcpStream) {
    let _ = client.write_all(SSE.as_bytes()).await;
    let mut held = Vec::new();
    for n in 0.. {
        held.extend_from_slice(format!("id: {n}\ndata: {}\n\n", "x".repeat(400)).as_bytes());
        if held.len() >= 4_096 {
            let rest = held.split_off(4_096);
            if client.write_all(&held).await.is_err() {
                return;
            }
            held = rest;
        }
        sleep(Duration::from_millis(60)).await;
    }
}

#[tokio::test]
async fn a_buffer_is_recognized_by_where_it_cuts() {
    let report = inspected(&serve(buffered).await).await;
    expect(&report, Id::Buffering, Mark::Bad, "in the middle of an event");
}

#[tokio::test]
async fn a_feed_of_bursts_is_not_called_a_buffer() {
    let url = serve(|mut client| async move {
        let _ = client.write_all(SSE.as_bytes()).await;
        for burst in 0.. {
            let events: String = (0..10).map(|n| format!("id: {burst}.{n}\ndata: {n}\n\n")).collect();
            if client.write_all(events.as_bytes()).await.is_err() {
                return;
            }
            sleep(Duration::from_millis(1_600)).await;
        }
    })
    .await;
    let report = run(&target(&url), Duration::from_secs(6)).await.unwrap();
    expect(&report, Id::Buffering, Mark::NotTested, "a batch, or a buffer");
}

#[tokio::test]
async fn a_quiet_feed_is_not_judged() {
    let url = serve(|mut client| async move {
        let _ = client.write_all(SSE.as_bytes()).await;
        sleep(Duration::from_secs(30)).await;
    })
    .await;
    let report = inspected(&url).await;
    expect(&report, Id::Buffering, Mark::NotTested, "a quiet feed, or a buffer");
    expect_no_alarm(&report);
}

#[tokio::test]
async fn the_origin_shows_whose_fault_it_is() {
    let mut target = target(
        &serve(|mut client| async move {
            let _ = client.write_all(SSE.as_bytes()).await;
            sleep(Duration::from_secs(30)).await;
        })
        .await,
    );
    target.direct = Some(serve(|client| events(client, Duration::from_millis(200))).await.parse().unwrap());
    let report = run(&target, WATCH).await.unwrap();
    expect(&report, Id::Buffering, Mark::Bad, "directly at the origin");
}

#[tokio::test]
async fn gzip_that_is_not_flushed_is_reported_from_a_quiet_feed() {
    let url = serve_requests(|mut client, request| async move {
        if request.contains("gzip") {
            let head = SSE.replace("\r\n\r\n", "\r\nContent-Encoding: gzip\r\n\r\n");
            let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
            gzip.write_all(b"id: 1\ndata: 1\n\n").unwrap();
            let _ = client.write_all(&[head.as_bytes(), gzip.get_ref()].concat()).await;
            sleep(Duration::from_secs(30)).await;
        } else {
            events(client, Duration::from_millis(100)).await;
        }
    })
    .await;
    let report = inspected(&url).await;
    expect(&report, Id::Compression, Mark::Bad, "browsers hang");
    assert_eq!(report.with(Mark::Bad).count(), 1, "{:#?}", report.findings);
}

#[tokio::test]
async fn gzip_that_is_flushed_is_good() {
    let url = serve(|mut client| async move {
        let head = SSE.replace("\r\n\r\n", "\r\nContent-Encoding: gzip\r\n\r\n");
        let _ = client.write_all(head.as_bytes()).await;
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        for n in 0.. {
            gzip.write_all(format!("id: {n}\ndata: {n}\n\n").as_bytes()).unwrap();
            gzip.flush().unwrap();
            if client.write_all(&std::mem::take(gzip.get_mut())).await.is_err() {
                return;
            }
            sleep(Duration::from_millis(100)).await;
        }
    })
    .await;
    expect(&inspected(&url).await, Id::Compression, Mark::Good, "gzip, flushed");
}

/// Serves each connection with a function of its request, in lower case.
async fn serve_requests<F>(answer: impl Fn(TcpStream, String) -> F + Send + 'static) -> String
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut request = vec![0; 4_096];
            let length = client.read(&mut request).await.unwrap_or(0);
            tokio::spawn(answer(client, String::from_utf8_lossy(&request[..length]).to_lowercase()));
        }
    });
    format!("http://{address}/events")
}

#[tokio::test]
async fn a_stream_that_is_cut_in_silence_names_the_timeout() {
    let url = serve(|mut client| async move {
        let head = SSE.replace("Connection: close", "Transfer-Encoding: chunked");
        let _ = client.write_all(format!("{head}f\r\nid: 1\ndata: 1\n\n\r\n").as_bytes()).await;
        sleep(Duration::from_millis(1_200)).await;
    })
    .await;
    let report = inspected(&url).await;
    expect(&report, Id::IdleTimeout, Mark::Bad, "cut after 1.");
}

#[tokio::test]
async fn a_stream_that_ends_at_an_age_is_not_cut_in_silence() {
    let url = serve(|mut client| async move {
        let _ = client.write_all(SSE.as_bytes()).await;
        for n in 0..3 {
            sleep(Duration::from_millis(1_100)).await;
            let _ = client.write_all(format!("id: {n}\ndata: {n}\n\n").as_bytes()).await;
        }
        sleep(Duration::from_millis(1_100)).await;
    })
    .await;
    let report = run(&target(&url), Duration::from_secs(6)).await.unwrap();
    expect(&report, Id::IdleTimeout, Mark::Warn, "ended cleanly after 4.");
}

#[tokio::test]
async fn equal_events_are_not_taken_for_late_ones() {
    let pings = |mut client: TcpStream| async move {
        let _ = client.write_all(SSE.as_bytes()).await;
        while client.write_all(b"event: tick\ndata: the same\n\n").await.is_ok() {
            sleep(Duration::from_millis(300)).await;
        }
    };
    let mut target = target(&serve(pings).await);
    target.direct = Some(serve(pings).await.parse().unwrap());
    expect(&run(&target, WATCH).await.unwrap(), Id::Buffering, Mark::Good, "not held back");
}

#[tokio::test]
async fn events_without_ids_cannot_be_resumed() {
    let url = serve(|mut client| async move {
        let _ = client.write_all(SSE.as_bytes()).await;
        while client.write_all(b"data: x\n\n").await.is_ok() {
            sleep(Duration::from_millis(100)).await;
        }
    })
    .await;
    let report = inspected(&url).await;
    expect(&report, Id::Ids, Mark::Bad, "none has an id");
    expect(&report, Id::Resume, Mark::NotTested, "no event has an id");
}

#[tokio::test]
async fn a_greeting_on_each_connection_is_not_taken_for_a_replay() {
    let url = serve_requests(|mut client, request| async move {
        let from = request.split("last-event-id: ").nth(1).and_then(|text| text.split('\r').next()?.parse().ok());
        let _ = client.write_all(format!("{SSE}event: welcome\ndata: hello\n\n").as_bytes()).await;
        for n in from.map_or(1, |last: u32| last + 1).. {
            if client.write_all(format!("id: {n}\ndata: {n}\n\n").as_bytes()).await.is_err() {
                return;
            }
            sleep(Duration::from_millis(100)).await;
        }
    })
    .await;
    let report = inspected(&url).await;
    expect(&report, Id::Resume, Mark::Good, "in order");
    expect_no_alarm(&report);
}

#[tokio::test]
async fn ids_that_nobody_looks_at_do_not_resume() {
    let url = serve(events_from_now).await;
    expect(&inspected(&url).await, Id::Resume, Mark::Bad, "0 of the 2");
}

/// Writes events with the time as their id, whatever the client had.
async fn events_from_now(mut client: TcpStream) {
    let _ = client.write_all(SSE.as_bytes()).await;
    loop {
        let now = feedlab_feed::clock::unix_us();
        if client.write_all(format!("id: {now}\ndata: {now}\n\n").as_bytes()).await.is_err() {
            return;
        }
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_status_and_a_type_that_end_an_event_source_are_named() {
    for (head, id, needle) in [
        ("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", Id::Status, "503"),
        ("HTTP/1.1 204 No Content\r\n\r\n", Id::Status, "204"),
        (
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\ndata: 1\n\n",
            Id::Type,
            "is an event stream",
        ),
    ] {
        let url = serve(move |mut client| async move {
            let _ = client.write_all(head.as_bytes()).await;
            sleep(Duration::from_secs(5)).await;
        })
        .await;
        let report = inspected(&url).await;
        expect(&report, id, Mark::Bad, needle);
        expect(&report, Id::EventSource, Mark::Warn, "permanently");
    }
}

#[tokio::test]
async fn another_origin_gets_no_secret() {
    let elsewhere = serve_headers().await;
    let (url, received) = elsewhere;
    let location = format!("HTTP/1.1 302 Found\r\nLocation: {url}\r\nContent-Length: 0\r\n\r\n");
    let from = serve(move |mut client| {
        let location = location.clone();
        async move {
            let _ = client.write_all(location.as_bytes()).await;
            sleep(Duration::from_millis(200)).await;
        }
    })
    .await;
    let mut target = target(&from);
    target.headers.insert("authorization", "Bearer s3cret".parse().unwrap());
    target.headers.insert("cookie", "session=s3cret".parse().unwrap());
    let report = run(&target, WATCH).await.unwrap();
    expect(&report, Id::Redirect, Mark::Warn, "1 redirect");
    assert!(!serde_json::to_string(&report).unwrap().contains("s3cret"));
    let received = received.lock().unwrap();
    assert!(received.contains("accept: text/event-stream") && !received.contains("s3cret"), "{received}");
}

#[tokio::test]
async fn what_is_not_a_get_is_sent_once() {
    let connections = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = connections.clone();
    let url = serve(move |mut client| {
        counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        async move {
            let _ = client.write_all(format!("{SSE}data: 1\n\ndata: 2\n\n").as_bytes()).await;
        }
    })
    .await;
    let mut target = target(&url);
    target.method = "POST".parse().unwrap();
    target.body = bytes::Bytes::from_static(b"{\"stream\":true}");
    let report = run(&target, WATCH).await.unwrap();
    assert_eq!(connections.load(std::sync::atomic::Ordering::Relaxed), 1);
    expect_no_alarm(&report);
}

/// Serves an empty stream and keeps what was asked.
async fn serve_headers() -> (String, std::sync::Arc<std::sync::Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let received = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
    let kept = received.clone();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut request = vec![0; 4_096];
            let length = client.read(&mut request).await.unwrap_or(0);
            kept.lock().unwrap().push_str(&String::from_utf8_lossy(&request[..length]).to_lowercase());
            tokio::spawn(async move {
                let _ = client.write_all(SSE.as_bytes()).await;
                sleep(Duration::from_secs(10)).await;
            });
        }
    });
    (format!("http://{address}/events"), received)
}
