//! Servers that would hurt a client that trusts them: each ends in a finding, soon, and without memory that grows.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod inspect;

use std::io::Write as _;
use std::time::Duration;

use feedlab_check::frames::accept_of;
use feedlab_check::inspect::{Id, Mark, Options, Target};
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use inspect::{SSE, Silent, WATCH, expect, inspected, run, serve, target};

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// Writes until the client is gone.
async fn forever(mut client: TcpStream, piece: &[u8], pause: Duration) {
    while client.write_all(piece).await.is_ok() {
        sleep(pause).await;
    }
}

#[tokio::test]
async fn headers_without_an_end() {
    let url = serve(|mut client| async move {
        let _ = client.write_all(b"HTTP/1.1 200 OK\r\n").await;
        forever(client, b"X-More: and more and more and more and more\r\n", Duration::ZERO).await;
    })
    .await;
    expect(&inspected(&url).await, Id::Status, Mark::Bad, "");
}

#[tokio::test]
async fn a_single_header_without_an_end() {
    let url = serve(|mut client| async move {
        let _ = client.write_all(b"HTTP/1.1 200 OK\r\nX-Long: ").await;
        forever(client, &[b'x'; 4_096], Duration::ZERO).await;
    })
    .await;
    expect(&inspected(&url).await, Id::Status, Mark::Bad, "larger than 64 KiB");
}

#[tokio::test]
async fn a_head_one_byte_at_a_time() {
    let url = serve(|mut client| async move {
        for byte in b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX: xxxxxxxxxxxxxxxxxxxxxxxxx" {
            if client.write_all(&[*byte]).await.is_err() {
                return;
            }
            sleep(Duration::from_millis(100)).await;
        }
    })
    .await;
    expect(&inspected(&url).await, Id::Status, Mark::Bad, "an incomplete head");
}

#[tokio::test]
async fn an_event_without_an_end() {
    let url = serve(|mut client| async move {
        let _ = client.write_all(SSE.as_bytes()).await;
        forever(client, &[b'x'; 1 << 16], Duration::ZERO).await;
    })
    .await;
    expect(&inspected(&url).await, Id::Framing, Mark::Bad, "an event of more than 1 MiB");
}

#[tokio::test]
async fn redirects_in_a_circle() {
    let url = serve(|mut client| async move {
        let head = b"HTTP/1.1 302 Found\r\nLocation: /again?token=s3cret\r\nContent-Length: 0\r\n\r\n";
        let _ = client.write_all(head).await;
        sleep(Duration::from_millis(100)).await;
    })
    .await;
    let report = inspected(&url).await;
    expect(&report, Id::Redirect, Mark::Bad, "more than 5 in a row");
    assert!(!serde_json::to_string(&report).unwrap().contains("s3cret"));
    assert!(report.counts.connections <= 10, "{}", report.counts.connections);
}

#[tokio::test]
async fn bytes_that_are_not_utf8() {
    let url = serve(|mut client| async move {
        let _ = client.write_all(SSE.as_bytes()).await;
        forever(client, b"data: \xff\xfe\n\n", Duration::from_millis(50)).await;
    })
    .await;
    expect(&inspected(&url).await, Id::Framing, Mark::Bad, "not UTF-8");
}

#[tokio::test]
async fn a_decompression_bomb() {
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..200 {
        // Empty lines, so that no event is too large.
        bomb.write_all(&[b'\n'; 1 << 20]).unwrap();
    }
    let bomb: &[u8] = bomb.finish().unwrap().leak();
    let url = serve(move |mut client| async move {
        let head = SSE.replace("\r\n\r\n", "\r\nContent-Encoding: gzip\r\n\r\n");
        let _ = client.write_all(head.as_bytes()).await;
        let _ = client.write_all(bomb).await;
        sleep(Duration::from_secs(30)).await;
    })
    .await;
    let report = inspected(&url).await;
    expect(&report, Id::Compression, Mark::Bad, "a decompression bomb");
    assert!(report.counts.body_bytes < 70 << 20, "{}", report.counts.body_bytes);
}

#[tokio::test]
async fn what_is_not_http() {
    let url = serve(|client| forever(client, b"220 mail.example ESMTP\r\n", Duration::from_millis(100))).await;
    expect(&inspected(&url).await, Id::Status, Mark::Bad, "no HTTP response");
}

#[tokio::test]
async fn a_connection_that_is_closed_at_once() {
    let url = serve(|client| async move { drop(client) }).await;
    expect(&inspected(&url).await, Id::Status, Mark::Bad, "ended without a response");
}

#[tokio::test]
async fn text_of_the_server_is_harmless_on_a_terminal() {
    let url = serve(|mut client| async move {
        let page = "<title>\u{1b}[31mred\u{202e}</title>";
        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n", page.len());
        let _ = client.write_all(format!("{head}{page}").as_bytes()).await;
        sleep(Duration::from_secs(5)).await;
    })
    .await;
    let report = inspected(&url).await;
    expect(&report, Id::Type, Mark::Bad, "a page, not a stream");
    assert!(report.findings.iter().all(|finding| !finding.evidence.contains(['\u{1b}', '\u{202e}'])));
}

/// A server whose small receive buffer is soon full. Returns it and its URL.
fn small_listener() -> (TcpListener, String) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 << 10).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(8).unwrap();
    let url = format!("http://{}/events", listener.local_addr().unwrap());
    (listener, url)
}

#[tokio::test]
async fn http_2_pings_whose_answers_are_never_read() {
    let (listener, url) = small_listener();
    let flood = tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
        let ping = [0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];
        client.write_all(&settings).await.unwrap();
        forever(client, &ping.repeat(1_000), Duration::ZERO).await;
    });
    let report = run(&Target { http2: true, ..target(&url) }, Duration::from_secs(1)).await.unwrap();
    expect(&report, Id::Status, Mark::Bad, "");
    timeout(PATIENCE, flood).await.expect("no connection outlives an inspection").unwrap();
}

#[tokio::test]
async fn websocket_pings_whose_answers_are_never_read_can_be_interrupted() {
    let (listener, url) = small_listener();
    tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 4_096];
        let length = client.read(&mut request).await.unwrap();
        let request = String::from_utf8_lossy(&request[..length]).into_owned();
        let key = request.lines().find_map(|line| line.strip_prefix("sec-websocket-key: ")).unwrap();
        let head = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
        let head = format!("{head}Sec-WebSocket-Accept: {}\r\n\r\n", accept_of(key));
        client.write_all(head.as_bytes()).await.unwrap();
        forever(client, &[0x89, 0].repeat(4_096), Duration::ZERO).await;
    });
    let target = Target { is_websocket: true, ..target(&url) };
    let options = Options { watch: Duration::from_secs(600), find_timeout: false, probe: Duration::from_secs(1) };
    let stop = CancellationToken::new();
    let interrupting = async {
        sleep(Duration::from_secs(2)).await;
        stop.cancel();
    };
    let mut silent = Silent;
    let inspecting = feedlab_check::inspect::run(&target, &options, &mut silent, &stop);
    let inspecting = async { tokio::join!(inspecting, interrupting).0 };
    let report = timeout(PATIENCE, inspecting).await.expect("it ends when it is interrupted").unwrap();
    assert!(report.interrupted && report.counts.comments > 0, "{report:?}");
}

#[tokio::test]
async fn a_secret_that_the_server_repeats_is_not_shown() {
    let url = serve(|mut client| async move {
        let head = "HTTP/1.1 200 s3cretpassword\r\nContent-Type: text/event-stream; x=s3cretpassword\r\n\
                    Via: 1.1 s3cretpassword\r\nCache-Control: s3crettoken\r\nConnection: close\r\n\r\n";
        let _ = client.write_all(head.as_bytes()).await;
        let _ = client.write_all(b"id: s3cretpassword\ndata: s3crettoken\n\n").await;
    })
    .await;
    let mut target = target(&format!("{url}?token=s3crettoken"));
    target.headers.insert("authorization", "Bearer s3cretpassword".parse().unwrap());
    let report = format!("{:?}", run(&target, WATCH).await.unwrap());
    assert!(report.contains("via: 1.1 …") && !report.contains("s3cret"), "{report}");
}
