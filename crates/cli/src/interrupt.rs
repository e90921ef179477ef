//! What asks a command to stop: Ctrl-C and SIGTERM (the first one gracefully, the second one immediately), and for a
//! child process the end of its standard input.

use feedlab_feed::process;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The signals received so far.
#[derive(Clone, Debug)]
pub(crate) struct Interrupt {
    /// Cancelled by the first signal.
    pub(crate) stop: CancellationToken,
    /// Cancelled by the second.
    pub(crate) at_once: CancellationToken,
}

impl Interrupt {
    /// Starts listening for signals. Must be called inside a runtime.
    pub(crate) fn listen() -> std::io::Result<Self> {
        Self::listen_to(None)
    }

    /// Like [`listen`](Self::listen), but treats a closed terminal (SIGHUP) like SIGTERM, unless SIGHUP is ignored, as
    /// by `nohup`.
    pub(crate) fn listen_with_hangup() -> std::io::Result<Self> {
        let hangup = if process::ignores_hangup() { None } else { Some(signal(SignalKind::hangup())?) };
        Self::listen_to(hangup)
    }

    fn listen_to(mut hangup: Option<Signal>) -> std::io::Result<Self> {
        let interrupt = Self { stop: CancellationToken::new(), at_once: CancellationToken::new() };
        let (mut int, mut term) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let signaled = interrupt.clone();
        tokio::spawn(async move {
            next(&mut int, &mut term, hangup.as_mut()).await;
            signaled.stop.cancel();
            next(&mut int, &mut term, hangup.as_mut()).await;
            signaled.at_once.cancel();
        });
        Ok(interrupt)
    }
}

async fn next(int: &mut Signal, term: &mut Signal, hangup: Option<&mut Signal>) {
    let hangup = async {
        match hangup {
            Some(hangup) => drop(hangup.recv().await),
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = hangup => {}
        _ = int.recv() => {}
        _ = term.recv() => {}
    }
}

/// Cancels when standard input ends: the process that started this one held the other end, and is gone or wants it to
/// stop.
pub(crate) fn stop_with_stdin(stop: CancellationToken) {
    // A thread, because only a blocking read works with every kind of standard input.
    std::thread::spawn(move || {
        wait_for_end_of_stdin();
        stop.cancel();
    });
}

/// Blocks until standard input ends.
pub(crate) fn wait_for_end_of_stdin() {
    let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
}
