//! An HTTP/2 connection, or a stream on a shared one, with the h2 library, which hyper is built on too.
//!
//! h2 is used directly because it can do what hyper's client cannot: a connection is one future, which the client
//! itself drives as it does its HTTP/1.1 connection, and an error says whether the server has processed the request.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use feedlab_experiment::record::Failure;
use h2::client::SendRequest;
use h2::{Reason, RecvStream, SendStream};
use hyper::header::{CONNECTION, HOST, HeaderMap, TE, TRANSFER_ENCODING, UPGRADE};
use hyper::{Method, Request, Response, Version};
use url::Url;

use super::exchange::{Lost, MoveBytes, authority, broken, catch_up, drive, refused};
use super::shared_connection::{ConnectionFuture, EarlyRequest, SharedConnection, connect, has_settings};
use crate::observer::ClientError;
use crate::transport::dial::{Dialer, Times};

/// A connection, or a client's use of a shared one.
#[derive(Debug)]
pub(in crate::transport) struct Connection {
    requests: SendRequest<Bytes>,
    wire: Wire,
}

/// What moves the bytes.
#[derive(Debug)]
enum Wire {
    /// The client itself; `None` once the connection has ended.
    Own(Option<Box<ConnectionFuture>>),
    /// The task of a shared connection.
    Shared(Arc<SharedConnection>),
}

impl Connection {
    /// Dials a connection for one client only.
    pub(super) async fn dial(dialer: &Dialer, url: &Url) -> Result<(Self, Times), ClientError> {
        let (requests, wire, times) = connect(dialer, url).await?;
        Ok((Self { requests, wire: Wire::Own(Some(Box::new(wire))) }, times))
    }

    pub(super) const fn shared(requests: SendRequest<Bytes>, shared: Arc<SharedConnection>) -> Self {
        Self { requests, wire: Wire::Shared(shared) }
    }

    /// Takes the times of the connect, which the first client that gets a response on a shared connection reports.
    pub(in crate::transport) fn claim(&self) -> Option<Times> {
        match &self.wire {
            Wire::Own(_) => None,
            Wire::Shared(shared) => shared.claim(),
        }
    }

    /// Takes the connection out of the pool, because the server does not respond on it.
    pub(in crate::transport) fn retire(&self) {
        if let Wire::Shared(shared) = &self.wire {
            shared.retire();
        }
    }

    /// Sends a request and waits for the response head. With a body, the request is a POST.
    pub(super) async fn ask(
        &mut self,
        url: &Url,
        headers: &HeaderMap,
        body: Option<&str>,
    ) -> Result<Response<RecvStream>, Lost> {
        let method = if body.is_some() { Method::POST } else { Method::GET };
        let request = request(method, url, headers).map_err(Lost::Answer)?;
        let upload = body.map_or(Upload::None, |body| Upload::Whole(Bytes::copy_from_slice(body.as_bytes())));
        self.exchange(request, upload).await.map(|(response, _)| response)
    }

    /// Opens a bidirectional stream with an extended CONNECT (RFC 8441, section 4).
    pub(in crate::transport) async fn connect(
        &mut self,
        protocol: &'static str,
        url: &Url,
        headers: &HeaderMap,
    ) -> Result<(Response<RecvStream>, SendStream<Bytes>), Lost> {
        self.wait_for_settings().await?;
        if !self.requests.is_extended_connect_protocol_enabled() {
            let why = "the server does not support WebSocket over HTTP/2 (RFC 8441)";
            return Err(Lost::Answer(ClientError::new(Failure::Status, why)));
        }
        let mut request = request(Method::CONNECT, url, headers).map_err(Lost::Answer)?;
        request.extensions_mut().insert(h2::ext::Protocol::from_static(protocol));
        self.exchange(request, Upload::Open).await
    }

    async fn exchange(
        &mut self,
        request: Request<()>,
        upload: Upload,
    ) -> Result<(Response<RecvStream>, SendStream<Bytes>), Lost> {
        let Self { requests, wire } = self;
        catch_up(wire).await;
        drive(wire, |cx| requests.poll_ready(cx)).await.map_err(|error| wire.unsent(&error))?;
        let early = wire.early_request(requests);
        let ends = matches!(upload, Upload::None);
        let (mut response, mut stream) = requests.send_request(request, ends).map_err(|error| wire.unsent(&error))?;
        if let Upload::Whole(body) = upload {
            stream.send_data(body, true).map_err(|error| wire.unsent(&error))?;
        }
        let answer = tokio::select! {
            biased;
            answer = drive(wire, |cx| Pin::new(&mut response).poll(cx)) => answer,
            () = exceeded_limit(early, requests) => return Err(full()),
        };
        match answer {
            Ok(response) => Ok((response, stream)),
            Err(error) if is_unheard(&error) => Err(wire.unsent(&error)),
            Err(error) => Err(Lost::Answer(broken(&error))),
        }
    }

    /// Waits for the server's SETTINGS, its first frame, which says whether it supports the extended CONNECT.
    async fn wait_for_settings(&mut self) -> Result<(), Lost> {
        let Self { requests, wire } = self;
        if let Wire::Shared(shared) = wire {
            return shared.wait_for_settings().await.map_err(Lost::Request);
        }
        let mut arrived = |cx: &mut Context<'_>| match requests.poll_ready(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            _ if has_settings(requests) => Poll::Ready(Ok(())),
            _ => Poll::Pending,
        };
        drive(wire, &mut arrived).await.map_err(|error| wire.unsent(&error))
    }
}

impl MoveBytes for Connection {
    fn move_bytes(&mut self, cx: &mut Context<'_>) {
        self.wire.move_bytes(cx);
    }
}

impl MoveBytes for Wire {
    fn move_bytes(&mut self, cx: &mut Context<'_>) {
        if let Self::Own(wire) = self
            && wire.as_mut().is_some_and(|wire| Pin::new(&mut **wire).poll(cx).is_ready())
        {
            *wire = None;
        }
    }
}

impl Wire {
    /// Registers a request that is sent before the server's SETTINGS have arrived.
    fn early_request(&self, requests: &SendRequest<Bytes>) -> Option<EarlyRequest> {
        match self {
            Self::Shared(shared) if !has_settings(requests) => Some(shared.early_request()),
            _ => None,
        }
    }

    /// Returns the error for a request that was not sent, and retires a shared connection that accepts no requests.
    fn unsent(&self, error: &h2::Error) -> Lost {
        if let Self::Shared(shared) = self
            && error.reason() != Some(Reason::REFUSED_STREAM)
        {
            shared.retire();
        }
        Lost::Request(broken(error))
    }
}

/// Completes if the server turns out to allow fewer streams than were sent before its SETTINGS arrived. h2 would queue
/// the excess ones until others end, and a stream of a feed does not end.
async fn exceeded_limit(early: Option<EarlyRequest>, requests: &SendRequest<Bytes>) {
    if let Some(early) = early
        && early.exceeds_limit(|| requests.current_max_send_streams()).await
    {
        return;
    }
    std::future::pending::<()>().await;
}

/// What follows the head of a request.
enum Upload {
    None,
    Whole(Bytes),
    /// A stream that is written to later.
    Open,
}

fn full() -> Lost {
    Lost::Request(ClientError::new(Failure::Disconnected, "the server allows no further stream on the connection"))
}

/// Builds a request. Its target is an absolute URL, from which h2 makes the pseudo headers. Headers about a connection
/// are not allowed in HTTP/2 (RFC 9113, section 8.2.2).
fn request(method: Method, url: &Url, headers: &HeaderMap) -> Result<Request<()>, ClientError> {
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    let scheme = if matches!(url.scheme(), "https" | "wss") { "https" } else { "http" };
    let target = format!("{scheme}://{}{}{query}", authority(url, headers), url.path());
    let request = Request::builder().method(method).uri(target).version(Version::HTTP_2).body(());
    let mut request = request.map_err(|why| refused(url, &why))?;
    *request.headers_mut() = headers.clone();
    for name in [CONNECTION, HOST, TE, TRANSFER_ENCODING, UPGRADE] {
        request.headers_mut().remove(name);
    }
    Ok(request)
}

/// Whether the server says that it has not processed the request, so that it may be sent again (RFC 9113, section 8.7).
fn is_unheard(error: &h2::Error) -> bool {
    error.is_remote() && (error.is_go_away() || error.reason() == Some(Reason::REFUSED_STREAM))
}

/// Polls for the next chunk of a response, and gives its size back to the flow control window.
pub(super) fn poll_data(body: &mut RecvStream, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, h2::Error>>> {
    let data = std::task::ready!(body.poll_data(cx));
    if let Some(Ok(data)) = &data {
        // Fails only if more is released than was received.
        let _ = body.flow_control().release_capacity(data.len());
    }
    Poll::Ready(data)
}
