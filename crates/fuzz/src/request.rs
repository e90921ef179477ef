//! Bytes on a connection to a server: whatever they are, it answers or closes the connection, and serves the next one.

use std::io;
use std::net::SocketAddr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use feedlab_feed::settings::Settings;
use feedlab_server::Config;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

/// How long the server may take until it answers or closes: far more than it needs, since a client that has said that it
/// will send nothing more is waited for nowhere.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a stream is read after its last byte.
const QUIET: Duration = Duration::from_millis(1);
/// Bytes of an answer that are read; a stream may have no end.
const MAX_ANSWER_BYTES: usize = 256 << 10;

pub(crate) fn run(input: &[u8]) {
    static SERVER: OnceLock<Server> = OnceLock::new();
    let server = SERVER.get_or_init(Server::start);
    let is_answered =
        || server.runtime.block_on(async { tokio::time::timeout(PATIENCE, server.ask(input)).await }).is_ok();
    // A machine that pauses this process for longer is no bug, and does not do it twice.
    assert!(is_answered() || is_answered(), "twice neither answered nor closed within {PATIENCE:?}");
    assert!(!PANICKED.load(Ordering::Relaxed), "the server panicked: the message is above");
}

/// Whether anything has panicked: a panic in a task of the runtime ends only the task.
static PANICKED: AtomicBool = AtomicBool::new(false);

/// A server on this thread, so that an input runs the same code each time.
struct Server {
    runtime: Runtime,
    address: SocketAddr,
}

impl Server {
    fn start() -> Self {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANICKED.store(true, Ordering::Relaxed);
            before(panic);
        }));
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(feedlab_server::run(listener, config(), CancellationToken::new()));
        Self { runtime, address }
    }

    /// Sends all bytes, and reads until the server has nothing more to say. A connection that the server resets is
    /// closed too.
    async fn ask(&self, bytes: &[u8]) {
        let _ = self.exchange(bytes).await;
    }

    async fn exchange(&self, bytes: &[u8]) -> io::Result<()> {
        let socket = TcpSocket::new_v4()?;
        socket.set_zero_linger()?; // no connection is left behind that would hold its port for a minute
        let mut stream = socket.connect(self.address).await.unwrap();
        stream.write_all(bytes).await?;
        stream.shutdown().await?;
        let mut answer = vec![0; 16 << 10];
        let mut read = stream.read(&mut answer).await?;
        let mut total = read;
        while read > 0 && total < MAX_ANSWER_BYTES {
            read = tokio::time::timeout(QUIET, stream.read(&mut answer)).await.unwrap_or(Ok(0))?;
            total += read;
        }
        Ok(())
    }
}

/// Everything that a stranger can reach. A short history, so that publications do not pile up, and a short hold: bytes
/// behind the request of a long poll hide that its client has closed its side.
fn config() -> Config {
    let max_hold = Duration::from_millis(1);
    let settings = Settings { allow_publish: true, history: 16, max_hold, ..Settings::default() };
    Config { allow_origins: vec!["https://lab.example".parse().unwrap()], ..settings.into() }
}
