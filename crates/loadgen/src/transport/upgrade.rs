//! Opens a WebSocket: by upgrading an HTTP/1.1 connection (RFC 6455, section 4), or as a stream of an HTTP/2 connection
//! (RFC 8441).

use feedlab_experiment::record::Failure;
use feedlab_experiment::scenario::Http;
use feedlab_feed::clock;
use feedlab_feed::wire::websocket::VERSION;
use hyper::header::{HeaderMap, HeaderValue, SEC_WEBSOCKET_VERSION};
use hyper::http::response::Parts;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use tokio_util::either::Either;
use url::Url;

use super::Client;
use super::dial::{Dialed, Dialer, Times};
use super::gate::Gate;
use super::http::h2::Connection;
use super::http::tunnel::Tunnel;
use super::http::{ANSWER_TIMEOUT, Lost, Pool, TRIES, connect, no_answer, unexpected};
use super::socket::{Pipe, Socket};
use super::websocket::Options;
use crate::observer::{ClientError, Opened};

/// The read buffer of tungstenite, bytes. It allocates it for each client at once, and more for a large frame.
const READ_BUFFER: usize = 32;

/// A WebSocket that was just opened.
pub(super) struct Opening {
    pub(super) socket: Box<Socket>,
    pub(super) opened: Opened,
    /// The head of the response that opened it.
    pub(super) head: Parts,
}

/// Opens the WebSockets of one client.
#[derive(Debug)]
pub(super) struct Upgrade {
    headers: HeaderMap,
    dialer: Dialer,
    pool: Option<Pool>,
    options: Options,
}

impl Upgrade {
    pub(super) fn new(client: &Client, options: Options) -> Self {
        let headers = client.headers.clone();
        Self { headers, dialer: Dialer::new(client), pool: client.link.pool.clone(), options }
    }

    /// Opens a WebSocket at a URL.
    pub(super) async fn open(&self, url: Url) -> Result<Opening, ClientError> {
        match self.dialer.http {
            Http::V1 => self.upgrade(url).await,
            Http::V2 => self.connect(&url).await,
        }
    }

    async fn upgrade(&self, mut url: Url) -> Result<Opening, ClientError> {
        let Dialed { stream, times } = self.dialer.dial(&url).await?;
        let stream = Gate::for_head(Either::Left(stream));
        let asked = clock::now();
        let scheme = if matches!(url.scheme(), "https" | "wss") { "wss" } else { "ws" };
        // Both schemes are "special", so the change always succeeds (WHATWG URL, section 4.4).
        let _ = url.set_scheme(scheme);
        let mut request = url.as_str().into_client_request().map_err(|error| client_error(&error))?;
        request.headers_mut().extend(self.headers.clone());
        let upgraded = timeout(ANSWER_TIMEOUT, client_async_with_config(request, stream, Some(self.config()))).await;
        let (socket, answer) =
            upgraded.map_err(|_| no_answer(ANSWER_TIMEOUT))?.map_err(|error| client_error(&error))?;
        let socket = Box::new(self.socket(socket));
        Ok(Opening { socket, opened: times.opened(asked), head: answer.into_parts().0 })
    }

    /// The configuration of tungstenite, which reads no data frame that is a whole message, unless it has a buffer of its
    /// own.
    fn config(&self) -> WebSocketConfig {
        let buffer = self.options.read_buffer.unwrap_or(READ_BUFFER);
        let config = WebSocketConfig::default().read_buffer_size(buffer).write_buffer_size(0);
        config.max_message_size(Some(self.options.max_message))
    }

    fn socket(&self, inner: WebSocketStream<Pipe>) -> Socket {
        let socket = Socket::new(inner, self.options.max_message);
        if self.options.read_buffer.is_some() { socket.with_its_own_buffer() } else { socket }
    }

    /// Sends an extended CONNECT, on another connection if the first does not accept it.
    async fn connect(&self, url: &Url) -> Result<Opening, ClientError> {
        let mut tries = 1..TRIES;
        loop {
            let (connection, times) = connect(self.pool.as_ref(), &self.dialer, url).await?;
            match self.tunnel(connection, times, url).await {
                Err(Lost::Request(_)) if self.pool.is_some() && tries.next().is_some() => {}
                Err(Lost::Request(error) | Lost::Answer(error)) => return Err(error),
                Ok(opening) => return Ok(opening),
            }
        }
    }

    async fn tunnel(&self, mut connection: Connection, times: Times, url: &Url) -> Result<Opening, Lost> {
        let mut headers = self.headers.clone();
        headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static(VERSION));
        let asked = clock::now();
        let answer = timeout(ANSWER_TIMEOUT, connection.connect("websocket", url, &headers)).await;
        let (response, outgoing) = answer.unwrap_or_else(|_| {
            connection.retire();
            Err(Lost::Answer(no_answer(ANSWER_TIMEOUT)))
        })?;
        let opened = connection.claim().unwrap_or(times).opened(asked);
        if !response.status().is_success() {
            return Err(Lost::Answer(unexpected(response.status())));
        }
        let (head, body) = response.into_parts();
        let stream = Gate::closed(Either::Right(Box::new(Tunnel::new(connection, body, outgoing))));
        let socket = WebSocketStream::from_raw_socket(stream, Role::Client, Some(self.config())).await;
        let socket = Box::new(self.socket(socket));
        Ok(Opening { socket, opened, head })
    }
}

/// Converts an error of tungstenite.
pub(super) fn client_error(error: &Error) -> ClientError {
    let failure = match error {
        Error::Http(response) => return unexpected(response.status()),
        Error::ConnectionClosed | Error::AlreadyClosed => Failure::Closed,
        Error::Io(_)
        | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake | ProtocolError::HandshakeIncomplete) => {
            Failure::Disconnected
        }
        _ => Failure::Malformed,
    };
    ClientError::new(failure, error)
}

#[cfg(test)]
mod tests;
