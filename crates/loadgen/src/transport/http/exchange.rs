//! What an exchange over either version of HTTP shares: the name of its server, who moves its bytes, and what came of it.
//!
//! Below both versions; knows neither of them.

use std::fmt::Display;
use std::task::{Context, Poll};
use std::time::Duration;

use feedlab_experiment::record::Failure;
use hyper::StatusCode;
use url::Url;

use crate::observer::ClientError;
use crate::transport::shown;

/// What came of a request that brought no answer.
#[derive(Debug)]
pub(in crate::transport) enum Lost {
    /// It did not go out, or the server has not looked at it: it may be sent again.
    Request(ClientError),
    /// It may have been answered.
    Answer(ClientError),
}

/// Something that moves bytes when it is polled. How it ended, the request or the body that it was to bring tells.
pub(super) trait MoveBytes {
    fn move_bytes(&mut self, cx: &mut Context<'_>);
}

/// Waits for what a connection is to bring, and moves its bytes meanwhile.
pub(super) async fn drive<T>(wire: &mut impl MoveBytes, mut wanted: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
    std::future::poll_fn(|cx| {
        // Asked first, since asking for the next piece is what makes the connection read it.
        if let Poll::Ready(brought) = wanted(cx) {
            return Poll::Ready(brought);
        }
        wire.move_bytes(cx);
        wanted(cx)
    })
    .await
}

/// Takes note of what happened to a connection while nobody asked.
pub(super) async fn catch_up(wire: &mut impl MoveBytes) {
    std::future::poll_fn(|cx| {
        wire.move_bytes(cx);
        Poll::Ready(())
    })
    .await;
}

/// Host and port, as a request names them: without the scheme's own port.
pub(super) fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// A URL that cannot be asked for.
pub(super) fn refused(url: &Url, why: &dyn Display) -> ClientError {
    ClientError::new(Failure::Connect, format_args!("cannot ask for {}: {why}", shown(url)))
}

/// What an error of hyper or h2 is to a client.
pub(super) fn broken(error: &dyn std::error::Error) -> ClientError {
    ClientError::new(Failure::Disconnected, with_causes(error))
}

pub(in crate::transport) fn no_answer(patience: Duration) -> ClientError {
    ClientError::new(Failure::Disconnected, format_args!("no whole answer within {} s", patience.as_secs()))
}

/// An answer with a status that does not belong to the endpoint.
pub(in crate::transport) fn unexpected(status: StatusCode) -> ClientError {
    ClientError::new(Failure::Status, format_args!("the server answered {status}"))
}

/// An error and what caused it, on one line: the library's own words name the request, its cause says what happened.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
