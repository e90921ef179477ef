//! A relay to the servers of a feed that a test can cut, close, pause and redirect.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use feedlab_feed::Transport;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// A TCP relay in front of one or more servers.
pub(crate) struct Relay {
    addr: SocketAddr,
    state: Arc<State>,
}

struct State {
    /// The servers, to which new connections are forwarded in turn.
    targets: Mutex<Vec<SocketAddr>>,
    /// `None` while the relay is closed.
    connections: Mutex<Option<CancellationToken>>,
    /// Whether data from the servers is forwarded.
    flowing: watch::Sender<bool>,
}

impl Relay {
    pub(crate) async fn to(targets: Vec<SocketAddr>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let state = Arc::new(State {
            targets: Mutex::new(targets),
            connections: Mutex::new(Some(CancellationToken::new())),
            flowing: watch::Sender::new(true),
        });
        tokio::spawn(accept(listener, state.clone()));
        Self { addr, state }
    }

    pub(crate) fn url(&self, transport: Transport) -> String {
        crate::harness::url(self.addr, transport)
    }

    /// Closes every connection; new ones are accepted.
    pub(crate) fn cut(&self) {
        self.close();
        self.open();
    }

    /// Closes every connection, and all new ones.
    pub(crate) fn close(&self) {
        if let Some(token) = self.state.connections.lock().unwrap().take() {
            token.cancel();
        }
    }

    pub(crate) fn open(&self) {
        *self.state.connections.lock().unwrap() = Some(CancellationToken::new());
    }

    /// Stops reading from the servers.
    pub(crate) fn hold(&self) {
        self.state.flowing.send_replace(false);
    }

    pub(crate) fn release(&self) {
        self.state.flowing.send_replace(true);
    }

    /// Forwards new connections to other servers.
    pub(crate) fn redirect(&self, targets: Vec<SocketAddr>) {
        *self.state.targets.lock().unwrap() = targets;
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    while let Ok((client, _)) = listener.accept().await {
        let token = state.connections.lock().unwrap().clone();
        let mut targets = state.targets.lock().unwrap().clone();
        state.targets.lock().unwrap().rotate_left(1);
        let target = targets.remove(0);
        if let Some(token) = token {
            let flowing = state.flowing.subscribe();
            tokio::spawn(async move { token.run_until_cancelled(forward(client, target, flowing)).await });
        }
    }
}

/// Forwards a connection until either end closes it.
async fn forward(client: TcpStream, target: SocketAddr, flowing: watch::Receiver<bool>) {
    let Ok(server) = TcpStream::connect(target).await else { return };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let up = tokio::io::copy(&mut from_client, &mut to_server);
    let down = async {
        let mut flowing = flowing;
        let mut buffer = vec![0; 16 << 10];
        loop {
            let _ = flowing.wait_for(|flowing| *flowing).await;
            match from_server.read(&mut buffer).await {
                Ok(count) if count > 0 => to_client.write_all(&buffer[..count]).await?,
                _ => return std::io::Result::Ok(()),
            }
        }
    };
    tokio::select! {
        _ = up => {}
        _ = down => {}
    }
}
