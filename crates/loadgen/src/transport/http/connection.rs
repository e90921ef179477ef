//! A connection of either HTTP version: how it was obtained, and the body of a response on it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ::h2::RecvStream;
use feedlab_experiment::scenario::Http as Version;
use hyper::body::{Body as _, Frame, Incoming};
use hyper::header::HeaderMap;
use hyper::http::response::Parts;
use url::Url;

use super::exchange::{Lost, MoveBytes, broken, refused};
use super::pool::{self, Pool};
use super::taken_over::TakenOver;
use super::{h1, h2};
use crate::observer::ClientError;
use crate::transport::buffer::Chunk;
use crate::transport::dial::{Dialed, Dialer, Times};

/// A connection of either HTTP version.
#[derive(Debug)]
pub(super) enum Connection {
    /// Boxed, because a stream is taken over from it.
    H1(Box<h1::Connection>),
    H2(h2::Connection),
}

/// How a connection was obtained.
#[derive(Clone, Copy, Debug)]
pub(super) enum Obtained {
    /// The client's existing connection is used again.
    Reused,
    /// It was opened for this request.
    New(Times),
    /// It is shared, and may have existed before.
    Shared(Times),
}

impl Obtained {
    pub(super) const fn is_new(&self) -> bool {
        matches!(self, Self::New(_))
    }
}

impl Connection {
    /// Opens a connection of the dialer's HTTP version, or gets a stream on a shared one.
    /// `is_kept` is whether an HTTP/1.1 connection is for more than one response.
    pub(super) async fn open(
        dialer: &Dialer,
        pool: Option<&Pool>,
        url: &Url,
        is_kept: bool,
    ) -> Result<(Self, Obtained), ClientError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refused(url, &"only http:// and https:// are supported here"));
        }
        match dialer.http {
            Version::V1 => {
                let Dialed { stream, times } = dialer.dial(url).await?;
                let connection = h1::Connection::new(stream, is_kept).await?;
                Ok((Self::H1(Box::new(connection)), Obtained::New(times)))
            }
            Version::V2 => {
                let (connection, times) = pool::connect(pool, dialer, url).await?;
                Ok((Self::H2(connection), if pool.is_some() { Obtained::Shared(times) } else { Obtained::New(times) }))
            }
        }
    }

    /// Sends a request and waits for the response head. With a body, the request is a POST.
    pub(super) async fn ask(
        &mut self,
        url: &Url,
        headers: &HeaderMap,
        body: Option<&str>,
    ) -> Result<(Parts, IncomingBody), Lost> {
        match self {
            Self::H1(connection) => {
                let (head, body) = connection.ask(url, headers, body).await?.into_parts();
                Ok((head, IncomingBody::H1(body)))
            }
            Self::H2(connection) => {
                let (head, body) = connection.ask(url, headers, body).await?.into_parts();
                Ok((head, IncomingBody::H2(body)))
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

/// A body that is read chunk by chunk.
#[derive(Debug)]
pub(super) enum IncomingBody {
    H1(Incoming),
    H2(RecvStream),
    /// The body of an event stream over HTTP/1.1; the connection is its own.
    TakenOver(TakenOver),
}

impl IncomingBody {
    pub(super) const fn is_h1(&self) -> bool {
        matches!(self, Self::H1(_) | Self::TakenOver(_))
    }

    /// Whether nothing of the body is to come.
    pub(super) fn has_ended(&self) -> bool {
        match self {
            Self::H1(incoming) => incoming.is_end_stream(),
            Self::H2(incoming) => incoming.is_end_stream(),
            Self::TakenOver(_) => false,
        }
    }

    /// Polls for the next chunk. Trailers are skipped.
    pub(super) fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Chunk, ClientError>>> {
        match self {
            Self::H1(incoming) => loop {
                let frame = ready!(Pin::new(&mut *incoming).poll_frame(cx));
                match frame.map(|frame| frame.map(Frame::into_data)) {
                    Some(Ok(Ok(data))) => return Poll::Ready(Some(Ok(Chunk::Owned(data)))),
                    Some(Ok(Err(_trailers))) => {}
                    Some(Err(error)) => return Poll::Ready(Some(Err(broken(&error)))),
                    None => return Poll::Ready(None),
                }
            },
            Self::H2(incoming) => h2::poll_data(incoming, cx).map_ok(Chunk::Owned).map_err(|error| broken(&error)),
            Self::TakenOver(body) => body.poll_chunk(cx),
        }
    }
}
