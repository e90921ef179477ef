//! The response body of both polling transports. A poll of a target reads it whole, and as it is.

use feedlab_experiment::record::Failure;
use feedlab_feed::wire::RawUpdate;
use feedlab_feed::wire::poll::Body;
use feedlab_feed::{Cursor, clock};
use tokio::time::timeout;

use super::http::{self, ANSWER_TIMEOUT, no_answer};
use super::stamp;
use crate::observer::{ClientError, Observer};

/// The size limit of a body, bytes. Reading stops there.
const LIMIT: usize = 64 << 20;

/// Reads the response body and passes its updates to the observer. `cursor` follows each update, so that after a body
/// that turns out to be malformed, the client asks again only from there.
pub(super) async fn receive(
    body: http::Body<'_>,
    cursor: &mut Option<Cursor>,
    observer: &mut dyn Observer,
) -> Result<(), ClientError> {
    let body = whole(body).await?;
    let received_at_us = clock::unix_us();
    let body = match Body::parse(&body) {
        Ok(body) => body,
        Err(_) if observer.foreign(RawUpdate::Json(&body)) => return Ok(()),
        Err(error) => return Err(malformed(error)),
    };
    if let Some(reset) = body.reset {
        observer.reset(reset);
        *cursor = Some(reset.resume);
    }
    if let Some(gap) = body.gap {
        // A gap of updates that never existed ends beyond the position at which the feed continues.
        observer.gap(gap, if body.updates.is_empty() { body.next } else { body.next.at(gap.to) });
    }
    for raw in body.raw_updates() {
        let stamp = stamp::read(raw, body.next.epoch).map_err(malformed)?;
        observer.update(stamp, raw, received_at_us);
        *cursor = Some(body.next.at(stamp.seq));
    }
    *cursor = Some(body.next);
    observer.placed(body.next);
    Ok(())
}

/// Reads a response body to its end.
pub(super) async fn whole(body: http::Body<'_>) -> Result<Vec<u8>, ClientError> {
    timeout(ANSWER_TIMEOUT, read(body)).await.map_err(|_| no_answer(ANSWER_TIMEOUT))?
}

async fn read(mut incoming: http::Body<'_>) -> Result<Vec<u8>, ClientError> {
    let mut body = Vec::new();
    while let Some(chunk) = incoming.chunk().await.transpose()? {
        if body.len() + chunk.len() > LIMIT {
            return Err(malformed(format_args!("the body is larger than {LIMIT} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn malformed(why: impl std::fmt::Display) -> ClientError {
    ClientError::new(Failure::Malformed, why)
}
