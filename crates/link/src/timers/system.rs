//! The one timer behind all timers: it fires once, at the time to which it was last set.

use std::io;
use std::time::Instant;

#[cfg(target_os = "linux")]
pub(super) use linux::SystemTimer;
#[cfg(not(target_os = "linux"))]
pub(super) use portable::SystemTimer;

#[cfg(target_os = "linux")]
mod linux {
    use std::os::fd::OwnedFd;
    use std::time::Duration;

    use feedlab_feed::clock;
    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
    };
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    use super::{Instant, io};

    /// A timer that is a descriptor (timerfd_create(2)): it is exact to a few µs, and the runtime waits for it together
    /// with its sockets.
    #[derive(Debug)]
    pub(in super::super) struct SystemTimer(AsyncFd<OwnedFd>);

    impl SystemTimer {
        #[expect(
            deprecated,
            reason = "the deprecation concerns types that change or close their descriptor; an OwnedFd does neither"
        )]
        pub(in super::super) fn new() -> io::Result<Self> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
            Ok(Self(AsyncFd::with_interest(timer, Interest::READABLE)?))
        }

        /// Sets the timer to fire at `at`, instead of when it was set to fire before.
        pub(in super::super) fn set(&self, at: Instant) {
            // Zero would disarm it.
            let time = at.saturating_duration_since(clock::now()).max(Duration::from_nanos(1));
            let never = Timespec { tv_sec: 0, tv_nsec: 0 };
            let it_value = Timespec::try_from(time).unwrap_or(Timespec { tv_sec: i64::from(i32::MAX), ..never });
            let once = Itimerspec { it_interval: never, it_value };
            let _ = timerfd_settime(self.0.get_ref(), TimerfdTimerFlags::empty(), &once);
        }

        /// Waits until the timer fires, or returns immediately if it has fired unobserved.
        pub(in super::super) async fn fired(&self) {
            match self.0.readable().await {
                Ok(mut ready) => ready.clear_ready(),
                // The runtime is shutting down.
                Err(_) => std::future::pending().await,
            }
        }
    }
}

#[cfg(any(test, not(target_os = "linux")))]
mod portable {
    use tokio::sync::watch;

    use super::{Instant, io};

    /// The runtime's own timer, which counts whole milliseconds and rounds up.
    #[derive(Debug)]
    pub(in super::super) struct SystemTimer(watch::Sender<Option<Instant>>);

    impl SystemTimer {
        pub(in super::super) fn new() -> io::Result<Self> {
            Ok(Self(watch::Sender::new(None)))
        }

        pub(in super::super) fn set(&self, at: Instant) {
            self.0.send_replace(Some(at));
        }

        pub(in super::super) async fn fired(&self) {
            let mut set = self.0.subscribe();
            loop {
                let at = *set.borrow_and_update();
                tokio::select! {
                    () = sleep_until(at) => break,
                    _ = set.changed() => {}
                }
            }
            // It fires once, but it may have been set again just now.
            self.0.send_if_modified(|at| at.take_if(|at| *at <= feedlab_feed::clock::now()).is_some());
        }
    }

    async fn sleep_until(at: Option<Instant>) {
        match at {
            Some(at) => tokio::time::sleep_until(at.into()).await,
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use feedlab_feed::clock;

    use super::*;

    macro_rules! fires_once_and_never_early {
        ($name:ident, $timer:ty) => {
            #[tokio::test]
            async fn $name() {
                let timer = <$timer>::new().unwrap();
                let began = clock::now();
                timer.set(began + Duration::from_secs(3600));
                timer.set(began + Duration::from_millis(20));
                timer.fired().await;
                assert!(began.elapsed() >= Duration::from_millis(20));
                assert!(tokio::time::timeout(Duration::from_millis(50), timer.fired()).await.is_err());
                timer.set(began);
                timer.fired().await;
            }
        };
    }

    fires_once_and_never_early!(the_system_timer_fires_once_and_never_early, SystemTimer);
    fires_once_and_never_early!(the_portable_timer_fires_once_and_never_early, portable::SystemTimer);
}
