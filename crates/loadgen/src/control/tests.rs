use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

/// A server with this process id that counts its starts and reports a process with 10 descriptors.
async fn serve(listener: TcpListener, instance: u64, starts: Arc<AtomicU32>) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 4_096];
        let length = stream.read(&mut request).await.unwrap();
        if request[..length].starts_with(b"POST /control/start") {
            starts.fetch_add(1, Ordering::Relaxed);
        }
        let feed = r#"{"head":7,"oldest":1,"payload_bytes":0,"publish_lag_p99_us":0,"publish_lag_max_us":0}"#;
        let body = format!(
            r#"{{"version":"","at":1,"instance":{instance},"feed":{feed},"connections":{{"open":1,"accepted":1,"refused":0}},
                "endpoints":{{}},"process":{{"cpu_us":1,"rss_bytes":null,"open_fds":10}}}}"#
        );
        let length = body.len();
        let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    }
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

fn control(server: SocketAddr, more_servers: Vec<SocketAddr>, patience: Option<Duration>) -> Control {
    Control {
        client: client(TIMEOUT).unwrap(),
        nodes: std::iter::once(server).chain(more_servers).map(Node::at).collect(),
        patience,
        between: Between::default(),
    }
}

#[tokio::test]
async fn all_servers_are_started_and_queried() {
    let ((one, first), (other, second)) = (listen().await, listen().await);
    let starts = Arc::<AtomicU32>::default();
    tokio::spawn(serve(one, 3, starts.clone()));
    tokio::spawn(serve(other, 4, starts.clone()));
    let control = control(first, vec![second], None);
    control.start(5).await.unwrap();
    let stats = control.snapshot().await.unwrap().stats;
    assert_eq!(starts.load(Ordering::Relaxed), 2);
    assert_eq!((stats.instance, stats.feed.head, stats.connections.open, stats.process.open_fds), (7, 7, 2, Some(20)));
}

#[tokio::test]
async fn a_server_that_restarts_is_waited_for() {
    let (listener, server) = listen().await;
    drop(listener);
    let control = control(server, Vec::new(), Some(Duration::from_secs(20)));
    let later = async {
        sleep(Duration::from_millis(200)).await;
        let listener = TcpListener::bind(server).await.unwrap();
        tokio::spawn(serve(listener, 9, Arc::default()));
    };
    let (stats, ()) = tokio::join!(control.stats_before(1), later);
    assert_eq!(stats.unwrap().instance, 9);
}

#[tokio::test]
async fn a_server_that_must_be_there_is_not_waited_for() {
    let ((listener, server), (gone, address)) = (listen().await, listen().await);
    drop(gone);
    tokio::spawn(serve(listener, 1, Arc::default()));
    let error = control(server, vec![address], None).snapshot().await.unwrap_err().to_string();
    assert!(error.starts_with(&format!("cannot query the server at {address} for /stats: ")), "{error}");
}
