//! The connections next to the long one: the stream without compression, and at its origin.

use std::time::Instant;

use hyper::header::ACCEPT_ENCODING;
use tokio_util::sync::CancellationToken;

use super::Course;
use crate::inspect::dial::Endpoint;
use crate::inspect::exchange::Ask;
use crate::inspect::open::open;
use crate::inspect::watch::{Events, Session, Unseen, watch};
use crate::inspect::{InspectError, websocket};

/// Events that show that a stream has some.
const ENOUGH: u64 = 10;
impl Course<'_> {
    /// Watches the stream without compression, until it shows that events are there.
    pub(super) async fn identity(
        &self,
        endpoint: &Endpoint,
        ask: &Ask,
        until: Instant,
        done: &CancellationToken,
    ) -> Result<Option<Session>, InspectError> {
        let ask = ask.with(ACCEPT_ENCODING, "identity");
        let opened = tokio::select! {
            () = done.cancelled() => return Ok(None),
            opened = open(&self.dialer, endpoint, &ask, (self.offer(), until)) => opened?,
        };
        let Ok(answer) = opened.answer else { return Ok(None) };
        Ok(Some(watch(answer, until, &mut Events(ENOUGH), done).await))
    }

    /// Watches the stream at the origin.
    pub(super) async fn direct(
        &self,
        until: Instant,
        done: &CancellationToken,
    ) -> Result<Option<Session>, InspectError> {
        let Some(direct) = &self.target.direct else { return Ok(None) };
        let (endpoint, mut ask) = (Endpoint { url: direct.clone(), address: None }, Ask::of(self.target));
        if self.target.is_websocket {
            ask = websocket::handshake(&ask, &direct.origin().ascii_serialization()).0;
        }
        let opened = tokio::select! {
            () = done.cancelled() => return Ok(None),
            opened = open(&self.dialer, &endpoint, &ask, (self.offer(), until)) => opened?,
        };
        match opened.answer {
            Err(_) => Ok(None),
            Ok(answer) if answer.head.status == 101 => {
                Ok(Some(websocket::watch(answer, until, &mut Unseen, done).await))
            }
            Ok(answer) => Ok(Some(watch(answer, until, &mut Unseen, done).await)),
        }
    }
}
