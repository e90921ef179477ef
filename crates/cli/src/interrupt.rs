//! What asks a command to stop: Ctrl-C and SIGTERM (the first in good order, the second at once), and for a child
//! process the end of its standard input.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// What the user has asked for so far.
#[derive(Clone, Debug)]
pub(crate) struct Interrupt {
    /// Cancelled by the first signal.
    pub(crate) stop: CancellationToken,
    /// Cancelled by the second.
    pub(crate) at_once: CancellationToken,
}

impl Interrupt {
    /// Listens from now on. Must be called inside a runtime.
    pub(crate) fn listen() -> std::io::Result<Self> {
        let interrupt = Self { stop: CancellationToken::new(), at_once: CancellationToken::new() };
        let (mut int, mut term) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let told = interrupt.clone();
        tokio::spawn(async move {
            next(&mut int, &mut term).await;
            told.stop.cancel();
            next(&mut int, &mut term).await;
            told.at_once.cancel();
        });
        Ok(interrupt)
    }
}

async fn next(int: &mut Signal, term: &mut Signal) {
    tokio::select! {
        _ = int.recv() => {}
        _ = term.recv() => {}
    }
}

/// Cancels when standard input ends: whoever started this process held the other end, and is gone or wants no more.
pub(crate) fn stop_with_stdin(stop: CancellationToken) {
    // A thread, because a blocking read is the one that every kind of standard input supports.
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        stop.cancel();
    });
}
