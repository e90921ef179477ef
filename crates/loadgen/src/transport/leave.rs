//! Runs a client until it should leave.
//!
//! A client is polled for every update that it receives, and hardly ever to leave. The future of a token would take a lock
//! and change a list at each of these polls, in memory of the client that nothing else needs then. So it is polled once, to
//! leave the client's waker there, and then the token is only asked: clients of a thread share it, so it stays in the cache.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};

/// Runs a client until it ends or `stop` is cancelled. It reads what has arrived by then first.
pub(super) async fn until_told(stop: &CancellationToken, mut client: Pin<&mut impl Future<Output = ()>>) {
    let mut order = Order { stop, notice: Box::pin(stop.cancelled()), waker: None };
    std::future::poll_fn(|cx| if client.as_mut().poll(cx).is_ready() { Poll::Ready(()) } else { order.poll(cx) }).await;
}

/// The order to leave.
struct Order<'a> {
    stop: &'a CancellationToken,
    notice: Pin<Box<WaitForCancellationFuture<'a>>>,
    /// The waker that `notice` has.
    waker: Option<Waker>,
}

impl Order<'_> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            return if self.stop.is_cancelled() { Poll::Ready(()) } else { Poll::Pending };
        }
        self.waker = Some(cx.waker().clone());
        self.notice.as_mut().poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn the_last_waker_is_woken_and_the_client_leaves() {
        let (stop, wakers) = (CancellationToken::new(), [(); 2].map(|()| Arc::new(Count::default())));
        let client = pin!(std::future::pending());
        let mut told = pin!(until_told(&stop, client));
        let mut poll = |waker: &Arc<Count>| told.as_mut().poll(&mut Context::from_waker(&waker.clone().into()));
        for waker in [&wakers[0], &wakers[0], &wakers[1], &wakers[1]] {
            assert!(poll(waker).is_pending());
        }
        stop.cancel();
        assert_eq!(wakers.each_ref().map(|waker| waker.0.load(Ordering::Relaxed)), [0, 1]);
        assert!(poll(&wakers[1]).is_ready());
    }

    #[tokio::test]
    async fn a_client_is_polled_before_it_leaves_and_may_end_by_itself() {
        let stop = CancellationToken::new();
        until_told(&stop, pin!(async {})).await;
        stop.cancel();
        let mut has_run = false;
        let client = pin!(async {
            has_run = true;
            std::future::pending::<()>().await;
        });
        until_told(&stop, client).await;
        assert!(has_run);
    }
}
