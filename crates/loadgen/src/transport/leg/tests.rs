use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;

#[tokio::test]
async fn the_bytes_of_a_connection_stay_counted_when_it_has_closed() {
    let leg = Leg::keeping_sockets();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let mut client = Counted::new(stream, leg.clone());
    let (mut server, _) = listener.accept().await.unwrap();
    client.write_all(&[1; 100]).await.unwrap();
    server.read_exact(&mut [0; 100]).await.unwrap();
    server.write_all(&[2; 3_000]).await.unwrap();
    client.read_exact(&mut [0; 3_000]).await.unwrap();
    leg.updated();
    let open = leg.stats();
    assert_eq!((open.connections, open.open, open.up, open.down, open.updates), (1, 1, 100, 3_000, 1));
    assert_eq!((client.bytes(), open.bytes()), (3_100, 3_100));
    server.write_all(&[3; 500]).await.unwrap();
    drop(client);
    assert_eq!(server.read(&mut [0]).await.unwrap(), 0, "the FIN is sent at once");
    drop(server);
    let closed = leg.final_stats().await;
    assert!(leg.kernel().leaving.is_empty());
    assert_eq!((closed.connections, closed.open, closed.up), (1, 0, 100));
    if cfg!(target_os = "linux") {
        assert_eq!(closed.down, 3_500, "including what arrived and was not read");
        let (open, closed) = (open.wire.unwrap(), closed.wire.unwrap());
        // Two FINs and their acknowledgements, one of which may be combined with a FIN; and the last data.
        assert!((4..=6).contains(&(closed.packets() - open.packets())), "{open:?} {closed:?}");
        assert!(closed.bytes() > 3_100 + 52 * closed.packets(), "{closed:?}");
    }
}

#[tokio::test]
async fn a_kept_socket_closes_even_if_no_other_client_leaves() {
    let leg = Leg::keeping_sockets();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = Counted::new(TcpStream::connect(listener.local_addr().unwrap()).await.unwrap(), leg.clone());
    client.write_all(b"x").await.unwrap();
    drop(client);
    assert_eq!(leg.kernel().leaving.len(), 1);
    tokio::time::sleep(LAST_SEGMENTS).await;
    leg.settle();
    assert!(leg.kernel().leaving.is_empty());
}

#[tokio::test]
async fn a_client_that_is_not_measured_closes_at_once() {
    let leg = Leg::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = Counted::new(TcpStream::connect(listener.local_addr().unwrap()).await.unwrap(), leg.clone());
    client.write_all(b"x").await.unwrap();
    drop(client);
    assert!(leg.kernel().leaving.is_empty());
    assert_eq!(leg.stats().connections, 1);
}

/// A listener whose queue is full ignores a SYN, and the client's kernel sends it again a second later: a loss that needs
/// no lossy network.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_a_connection_sent_again_stays_counted_when_it_has_closed() {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let _in_the_queue = (TcpStream::connect(address).await.unwrap(), TcpStream::connect(address).await.unwrap());
    let late = tokio::spawn(TcpStream::connect(address));
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert!(!late.is_finished(), "its SYN is lost");
    let (_accepted, _) = (listener.accept().await.unwrap(), listener.accept().await.unwrap());
    let leg = Leg::keeping_sockets();
    let mut client = Counted::new(late.await.unwrap().unwrap(), leg.clone());
    client.write_all(b"x").await.unwrap();
    let open = leg.stats().wire.unwrap();
    assert_eq!(open.retransmits, 1, "{open:?}");
    assert!(matches!(open.timeouts, None | Some(1)), "absent before Linux 6.7: {open:?}");
    drop(client);
    let closed = leg.final_stats().await.wire.unwrap();
    assert!(leg.kernel().leaving.is_empty());
    assert_eq!((closed.retransmits, closed.timeouts), (open.retransmits, open.timeouts));
}
