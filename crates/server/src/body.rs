//! Reads request bodies: complete, in time and within the size limit, or not at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::{StatusCode, header};
use bytes::Bytes;
use feedlab_feed::body::{self, BodyError};
use futures_util::FutureExt as _;
use hyper::body::Body as _;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use crate::limits::{BODY_OVERHEAD_BYTES, MAX_BODIES_BYTES};
use crate::meter::Meters;
use crate::rejection::Rejection;

/// The request bodies that the server waits for, over all connections.
#[derive(Debug)]
pub(crate) struct Bodies {
    /// Bytes of the limit that are still free.
    room: Semaphore,
    deadline: Duration,
    meters: Arc<Meters>,
    has_warned: AtomicBool,
}

impl Bodies {
    /// Creates it with the time that each body may take.
    pub(crate) fn new(deadline: Duration, meters: Arc<Meters>) -> Self {
        let room = Semaphore::new(MAX_BODIES_BYTES);
        Self { room, deadline, meters, has_warned: AtomicBool::new(false) }
    }

    /// Reads a body. Callers first refuse requests that they would refuse whatever the body says.
    ///
    /// # Errors
    /// 413 if it has more than `most` bytes, 408 if it does not arrive in time, 400 if it is incomplete, 503 if the
    /// server would have to wait for it and already waits for too many.
    pub(crate) async fn read(&self, body: Body, most: usize) -> Result<Bytes, Rejection> {
        let announced = body.size_hint().upper().map_or(most, |bytes| most.min(bytes as usize));
        let mut collected = std::pin::pin!(body::collect(body, most));
        // A body that arrived with the head does not count.
        let come = collected.as_mut().now_or_never();
        let whole = match come {
            Some(whole) => whole,
            None => {
                let _room = self.wait_for(announced)?;
                timeout(self.deadline, collected).await.map_err(|_| self.late())?
            }
        };
        whole.map(Bytes::from).map_err(refused)
    }

    fn wait_for(&self, bytes: usize) -> Result<SemaphorePermit<'_>, Rejection> {
        let bytes = bytes.saturating_add(BODY_OVERHEAD_BYTES).min(MAX_BODIES_BYTES) as u32;
        self.room.try_acquire_many(bytes).map_err(|_| {
            self.meters.bodies_refused.add(1);
            if !self.has_warned.swap(true, Ordering::Relaxed) {
                let most = MAX_BODIES_BYTES >> 20;
                tracing::warn!("refusing requests: the limit of {most} MiB for incomplete request bodies is reached");
            }
            let message = "the server is waiting for too many request bodies; retry in a moment";
            Rejection::unavailable(message).with(header::RETRY_AFTER, "1").closing()
        })
    }

    fn late(&self) -> Rejection {
        let message = format!("the body did not arrive within {} s", self.deadline.as_secs_f64());
        Rejection::new(StatusCode::REQUEST_TIMEOUT, message).closing()
    }
}

fn refused(error: BodyError) -> Rejection {
    let status = if error == BodyError::Broken { StatusCode::BAD_REQUEST } else { StatusCode::PAYLOAD_TOO_LARGE };
    Rejection::new(status, error.to_string()).closing()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use hyper::body::Frame;

    use super::*;

    /// A body that arrives one byte at a time, each in its own buffer, and may never end.
    struct Drips {
        left: usize,
        ends: bool,
    }

    impl hyper::body::Body for Drips {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            match self.left.checked_sub(1) {
                None if self.ends => Poll::Ready(None),
                None => Poll::Pending,
                Some(left) => {
                    self.left = left;
                    Poll::Ready(Some(Ok(Frame::data(Bytes::from(vec![b'x'; 4096]).slice(..1)))))
                }
            }
        }
    }

    const DEADLINE: Duration = Duration::from_secs(30);

    async fn read(bodies: &Bodies, most: usize, (left, ends): (usize, bool)) -> Result<usize, StatusCode> {
        let read = bodies.read(Body::new(Drips { left, ends }), most).await;
        read.map(|body| body.len()).map_err(|rejection| rejection.status())
    }

    async fn status(left: usize, ends: bool) -> Result<usize, StatusCode> {
        read(&Bodies::new(DEADLINE, Arc::default()), 100, (left, ends)).await
    }

    #[tokio::test(start_paused = true)]
    async fn r1_awaited_bodies_share_a_limit_and_complete_ones_need_none() {
        const MOST: usize = 1 << 20;
        let bodies = Bodies::new(DEADLINE, Arc::default());
        let waits = || read(&bodies, MOST, (1, false));
        let mut waiting: Vec<_> = (0..MAX_BODIES_BYTES / MOST).map(|_| Box::pin(waits())).collect();
        let ends: Vec<_> = waiting.iter_mut().map(|body| body.as_mut().now_or_never()).collect();
        let (last, others) = ends.split_last().unwrap();
        assert_eq!(*last, Some(Err(StatusCode::SERVICE_UNAVAILABLE)), "each counts with its overhead");
        assert!(others.iter().all(Option::is_none));
        assert_eq!(bodies.meters.bodies_refused.get(), 1);
        assert_eq!(read(&bodies, MOST, (100, true)).await, Ok(100));
        drop(waiting);
        assert_eq!(waits().await, Err(StatusCode::REQUEST_TIMEOUT), "there is room again");
    }

    #[tokio::test(start_paused = true)]
    async fn r3_a_late_or_too_large_body_is_refused() {
        assert_eq!(status(100, true).await, Ok(100));
        assert_eq!(status(101, true).await, Err(StatusCode::PAYLOAD_TOO_LARGE));
        assert_eq!(status(100, false).await, Err(StatusCode::REQUEST_TIMEOUT));
    }
}
