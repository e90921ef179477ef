//! An endpoint in front of a server: it forwards everything and counts connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

/// The endpoint, on its own thread, which ends with the test.
pub(crate) struct Endpoint {
    pub(crate) address: SocketAddr,
    passed: Arc<AtomicU64>,
}

impl Endpoint {
    pub(crate) fn before(server: SocketAddr) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let (address, passed) = (listener.local_addr().unwrap(), Arc::<AtomicU64>::default());
        let counter = passed.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::from_std(listener).unwrap();
                while let Ok((mut outside, _)) = listener.accept().await {
                    counter.fetch_add(1, Relaxed);
                    tokio::spawn(async move {
                        let mut inside = TcpStream::connect(server).await.unwrap();
                        let _ = copy_bidirectional(&mut outside, &mut inside).await;
                    });
                }
            });
        });
        Self { address, passed }
    }

    /// Returns the number of connections so far.
    pub(crate) fn passed(&self) -> u64 {
        self.passed.load(Relaxed)
    }
}
