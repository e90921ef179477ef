//! The first connection: the stream is opened, as a WebSocket if the URL says so or if a GET is refused.

use std::time::Instant;

use super::Course;
use crate::inspect::dial::{Endpoint, Offer};
use crate::inspect::exchange::Ask;
use crate::inspect::open::{Opened, open};
use crate::inspect::seen::{Found, Seen};
use crate::inspect::{InspectError, websocket};

impl Course<'_> {
    /// Opens the stream, as a WebSocket if the URL says so or if the answer is none.
    pub(super) async fn open_first(
        &self,
        endpoint: &Endpoint,
        ask: &Ask,
        until: Instant,
        seen: &mut Seen,
    ) -> Result<Opened, InspectError> {
        if self.target.is_websocket {
            return self.upgrade(endpoint, ask, until, seen).await;
        }
        let mut opened = open(&self.dialer, endpoint, ask, (self.offer(), until)).await?;
        seen.hops = std::mem::take(&mut opened.hops);
        seen.lost = opened.lost;
        let may_be_websocket =
            opened.answer.as_ref().is_ok_and(|answer| matches!(answer.head.status, 400 | 404 | 405 | 426 | 501));
        if may_be_websocket && !seen.is_post {
            let upgraded = self.upgrade(&opened.endpoint, &opened.ask, until, seen).await?;
            if upgraded.answer.as_ref().is_ok_and(|answer| answer.head.status == 101) {
                return Ok(upgraded);
            }
        }
        Ok(opened)
    }

    async fn upgrade(
        &self,
        endpoint: &Endpoint,
        ask: &Ask,
        until: Instant,
        seen: &mut Seen,
    ) -> Result<Opened, InspectError> {
        let (upgrade, accept) = websocket::handshake(ask, &endpoint.url.origin().ascii_serialization());
        let opened = open(&self.dialer, endpoint, &upgrade, (Offer::Http1, until)).await?;
        seen.upgrade = opened.answer.as_ref().ok().map(|answer| answer.head.status);
        if opened.answer.as_ref().is_ok_and(|answer| websocket::is_open(answer, &accept)) {
            seen.found = Found::WebSocket;
        }
        Ok(opened)
    }
}
