//! Bodies of requests, which come whole, in time, and no larger than they may be, or not at all.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use feedlab_feed::body::{self, BodyError};
use tokio::time::timeout;

use crate::refusal::Refusal;

/// Reads a body. Whoever calls has refused before what is refused whatever the body says.
///
/// # Errors
/// 413 when it has more than `most` bytes, 408 when it has not come by `deadline`, 400 when it never will.
pub(crate) async fn read(body: Body, most: usize, deadline: Duration) -> Result<Bytes, Refusal> {
    let late = |_| {
        let message = format!("the body did not come within {} s", deadline.as_secs_f64());
        Refusal::new(StatusCode::REQUEST_TIMEOUT, message).closing()
    };
    let refused = |error: BodyError| {
        let status = if error == BodyError::Broken { StatusCode::BAD_REQUEST } else { StatusCode::PAYLOAD_TOO_LARGE };
        Refusal::new(status, error.to_string()).closing()
    };
    timeout(deadline, body::collect(body, most)).await.map_err(late)?.map(Bytes::from).map_err(refused)
}

/// Reads the orders to the routes that others add, before these see them.
pub(crate) async fn read_order(request: Request, next: Next) -> Result<Response, Refusal> {
    if request.method().is_safe() {
        return Ok(next.run(request).await);
    }
    let (head, body) = request.into_parts();
    let body = read(body, body::MAX_ORDER_BYTES, body::TIMEOUT).await?;
    Ok(next.run(Request::from_parts(head, body.into())).await)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use hyper::body::Frame;

    use super::*;

    /// A body that comes a byte at a time, each in a buffer of its own, and perhaps never ends.
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

    async fn status(left: usize, ends: bool) -> Result<usize, StatusCode> {
        let read = read(Body::new(Drips { left, ends }), 100, Duration::from_secs(30)).await;
        read.map(|body| body.len()).map_err(|refusal| refusal.status())
    }

    #[tokio::test(start_paused = true)]
    async fn r3_a_body_comes_in_time_and_within_its_bound_or_is_refused() {
        assert_eq!(status(100, true).await, Ok(100));
        assert_eq!(status(101, true).await, Err(StatusCode::PAYLOAD_TOO_LARGE));
        assert_eq!(status(100, false).await, Err(StatusCode::REQUEST_TIMEOUT));
    }
}
