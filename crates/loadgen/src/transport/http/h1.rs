//! An HTTP/1.1 connection: hyper's, driven by the client itself.

use std::pin::{Pin, pin};
use std::task::Context;

use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderMap, HeaderValue};
use hyper::{Method, Request, Response, Uri};
use hyper_util::rt::TokioIo;
use url::Url;

use super::exchange::{Lost, MoveBytes, authority, broken, catch_up, drive, refused};
use super::taken_over::TakenOver;
use crate::observer::ClientError;
use crate::transport::gate::Gate;
use crate::transport::stream::Stream;

/// A connection and its two halves in hyper: one accepts requests, the other moves bytes when it is polled.
#[derive(Debug)]
pub(super) struct Connection {
    requests: http1::SendRequest<String>,
    /// `None` once the connection has ended.
    pub(super) wire: Option<Wire>,
    /// The URL of the last request, as the request names it: a poll asks for the same until there is news.
    last: Option<Target>,
}

#[derive(Debug)]
struct Target {
    url: String,
    path: Uri,
    host: HeaderValue,
}

type Wire = http1::Connection<TokioIo<Gate<Stream>>, String>;

impl Connection {
    /// A connection that is kept, or one that is taken over after the head of its response.
    pub(super) async fn new(stream: Stream, is_kept: bool) -> Result<Self, ClientError> {
        let gate = if is_kept { Gate::wide(stream) } else { Gate::for_head(stream) };
        let (requests, wire) = http1::handshake(TokioIo::new(gate)).await.map_err(|error| broken(&error))?;
        Ok(Self { requests, wire: Some(wire), last: None })
    }

    /// Takes the body of the response with these headers over from hyper; `None` if the connection has ended.
    pub(super) fn take_over(self, headers: &HeaderMap) -> Option<TakenOver> {
        let gate = self.wire?.into_parts().io.into_inner();
        Some(TakenOver::new(gate, headers))
    }

    /// Sends a request and waits for the response head. With a body, the request is a POST.
    pub(super) async fn ask(
        &mut self,
        url: &Url,
        headers: &HeaderMap,
        body: Option<&str>,
    ) -> Result<Response<Incoming>, Lost> {
        let request = self.request(url, headers, body).map_err(Lost::Answer)?;
        self.settle().await;
        let mut answer = pin!(self.requests.try_send_request(request));
        let answer = drive(&mut self.wire, |cx| answer.as_mut().poll(cx)).await;
        answer.map_err(|mut error| match error.take_message() {
            Some(_unsent) => Lost::Request(broken(error.error())),
            None => Lost::Answer(broken(error.error())),
        })
    }

    fn request(&mut self, url: &Url, headers: &HeaderMap, body: Option<&str>) -> Result<Request<String>, ClientError> {
        let last = self.last.take().filter(|last| last.url == url.as_str());
        let target = self.last.insert(last.map_or_else(|| Target::new(url), Ok)?);
        let mut request = Request::new(body.unwrap_or_default().to_owned());
        *request.method_mut() = if body.is_some() { Method::POST } else { Method::GET };
        *request.uri_mut() = target.path.clone();
        *request.headers_mut() = headers.clone();
        if !headers.contains_key(HOST) {
            request.headers_mut().insert(HOST, target.host.clone());
        }
        Ok(request)
    }

    /// Waits until the last response is finished. An error of the connection shows up in the next request.
    async fn settle(&mut self) {
        let Self { requests, wire, .. } = self;
        catch_up(wire).await;
        let _ = drive(wire, |cx| requests.poll_ready(cx)).await;
    }
}

impl MoveBytes for Option<Wire> {
    fn move_bytes(&mut self, cx: &mut Context<'_>) {
        if self.as_mut().is_some_and(|wire| Pin::new(wire).poll(cx).is_ready()) {
            *self = None;
        }
    }
}

impl Target {
    fn new(url: &Url) -> Result<Self, ClientError> {
        let path = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let path = path.try_into().map_err(|why| refused(url, &why))?;
        let host = authority(url, &HeaderMap::new()).try_into().map_err(|why| refused(url, &why))?;
        Ok(Self { url: url.as_str().to_owned(), path, host })
    }
}
