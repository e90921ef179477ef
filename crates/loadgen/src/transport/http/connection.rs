//! A connection of either version of HTTP, and what brings an answer over it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ::h2::RecvStream;
use feedlab_experiment::record::Failure;
use hyper::body::{Body as _, Bytes, Frame, Incoming};
use hyper::header::HeaderMap;
use hyper::http::response::Parts;
use reqwest::Url;

use super::{broken, h1, h2};
use crate::observer::Trouble;

/// A connection of either version.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "most clients speak HTTP/1.1, and a box would be one allocation more")]
pub(super) enum Connection {
    H1(h1::Connection),
    H2(h2::Connection),
}

impl Connection {
    /// Sends a request and waits for the head of its answer. With a body it is a POST.
    pub(super) async fn ask(
        &mut self,
        url: &Url,
        headers: &HeaderMap,
        body: Option<&str>,
    ) -> Result<(Parts, Piecemeal), Lost> {
        match self {
            Self::H1(connection) => {
                let (head, body) = connection.ask(url, headers, body).await?.into_parts();
                Ok((head, Piecemeal::H1(body)))
            }
            Self::H2(connection) => {
                let (head, body) = connection.ask(url, headers, body).await?.into_parts();
                Ok((head, Piecemeal::H2(body)))
            }
        }
    }
}

impl MoveBytes for Connection {
    fn move_bytes(&mut self, cx: &mut Context<'_>) {
        match self {
            Self::H1(connection) => connection.wire.move_bytes(cx),
            Self::H2(connection) => connection.move_bytes(cx),
        }
    }
}

/// What came of a request that brought no answer.
#[derive(Debug)]
pub(in crate::transport) enum Lost {
    /// It did not go out, or the server has not looked at it: it may be sent again.
    Request(Trouble),
    /// It may have been answered.
    Answer(Trouble),
}

/// A body as its connection brings it.
#[derive(Debug)]
pub(super) enum Piecemeal {
    H1(Incoming),
    H2(RecvStream),
}

impl Piecemeal {
    pub(super) const fn is_h1(&self) -> bool {
        matches!(self, Self::H1(_))
    }

    /// The next piece; trailers are none.
    pub(super) fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Trouble>>> {
        match self {
            Self::H1(incoming) => loop {
                let frame = ready!(Pin::new(&mut *incoming).poll_frame(cx));
                match frame.map(|frame| frame.map(Frame::into_data)) {
                    Some(Ok(Ok(data))) => return Poll::Ready(Some(Ok(data))),
                    Some(Ok(Err(_trailers))) => {}
                    Some(Err(error)) => return Poll::Ready(Some(Err(broken(&error)))),
                    None => return Poll::Ready(None),
                }
            },
            Self::H2(incoming) => h2::poll_data(incoming, cx).map_err(|error| h2::broken(&error)),
        }
    }
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

/// A URL that cannot be asked for.
pub(super) fn refused(url: &Url, why: &dyn std::fmt::Display) -> Trouble {
    Trouble::new(Failure::Connect, format_args!("cannot ask for {url}: {why}"))
}

/// Host and port, as a request names them: without the scheme's own port.
pub(super) fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}
