//! What both HTTP versions share: the authority of a URL, driving a connection, and the errors of an exchange.
//!
//! Used by both versions; knows neither of them.

use std::fmt::Display;
use std::task::{Context, Poll};
use std::time::Duration;

use feedlab_experiment::record::Failure;
use hyper::StatusCode;
use hyper::header::{HOST, HeaderMap};
use url::Url;

use crate::observer::ClientError;
use crate::transport::shown;

/// Why a request has no response.
#[derive(Debug)]
pub(in crate::transport) enum Lost {
    /// The request was not sent, or the server has not processed it: it may be sent again.
    Request(ClientError),
    /// The server may have processed the request.
    Answer(ClientError),
}

/// Something that moves bytes when it is polled. Its errors show up in the request or the body that it carries.
pub(super) trait MoveBytes {
    fn move_bytes(&mut self, cx: &mut Context<'_>);
}

/// Waits for something that a connection brings, and moves the connection's bytes meanwhile.
pub(super) async fn drive<T>(wire: &mut impl MoveBytes, mut wanted: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
    std::future::poll_fn(|cx| poll_driven(wire, &mut wanted, cx)).await
}

/// Polls for something that a connection brings, and moves the connection's bytes.
pub(super) fn poll_driven<T>(
    wire: &mut impl MoveBytes,
    mut wanted: impl FnMut(&mut Context<'_>) -> Poll<T>,
    cx: &mut Context<'_>,
) -> Poll<T> {
    // Polled first, because asking for the next chunk is what makes the connection read it.
    if let Poll::Ready(brought) = wanted(cx) {
        return Poll::Ready(brought);
    }
    wire.move_bytes(cx);
    wanted(cx)
}

/// Processes what happened to a connection while it was not polled.
pub(super) async fn catch_up(wire: &mut impl MoveBytes) {
    std::future::poll_fn(|cx| {
        wire.move_bytes(cx);
        Poll::Ready(())
    })
    .await;
}

/// Returns host and port as a request names them: those of the headers, or those of the URL without the scheme's default
/// port.
pub(super) fn authority(url: &Url, headers: &HeaderMap) -> String {
    if let Some(host) = headers.get(HOST).and_then(|host| host.to_str().ok()) {
        return host.to_owned();
    }
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Returns the error for a URL that cannot be requested.
pub(super) fn refused(url: &Url, why: &dyn Display) -> ClientError {
    ClientError::new(Failure::Connect, format_args!("cannot request {}: {why}", shown(url)))
}

/// Converts an error of hyper or h2.
pub(super) fn broken(error: &dyn std::error::Error) -> ClientError {
    ClientError::new(Failure::Disconnected, with_causes(error))
}

pub(in crate::transport) fn no_answer(patience: Duration) -> ClientError {
    ClientError::new(Failure::Disconnected, format_args!("no complete response within {} s", patience.as_secs()))
}

/// Returns the error for a status that does not belong to the endpoint.
pub(in crate::transport) fn unexpected(status: StatusCode) -> ClientError {
    ClientError::new(Failure::Status, format_args!("the server answered {status}"))
}

/// Formats an error and its causes on one line: the library's message names the request, the cause says what happened.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
