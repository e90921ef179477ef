//! The one timer behind all alarms: it rings once, at the moment to which it was set last.

use std::io;
use std::time::Instant;

#[cfg(target_os = "linux")]
pub(super) use linux::Bell;
#[cfg(not(target_os = "linux"))]
pub(super) use portable::Bell;

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

    /// A timer that is a descriptor (timerfd_create(2)): exact to some µs, and the runtime waits for it together with its
    /// sockets.
    #[derive(Debug)]
    pub(in super::super) struct Bell(AsyncFd<OwnedFd>);

    impl Bell {
        #[expect(
            deprecated,
            reason = "tokio means types that change or close their descriptor; an OwnedFd does not, and the way around is unsafe"
        )]
        pub(in super::super) fn new() -> io::Result<Self> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
            Ok(Self(AsyncFd::with_interest(timer, Interest::READABLE)?))
        }

        /// Lets it ring then, and not when it would have before.
        pub(in super::super) fn set(&self, at: Instant) {
            // Zero would turn it off.
            let time = at.saturating_duration_since(clock::now()).max(Duration::from_nanos(1));
            let never = Timespec { tv_sec: 0, tv_nsec: 0 };
            let it_value = Timespec::try_from(time).unwrap_or(Timespec { tv_sec: i64::from(i32::MAX), ..never });
            let once = Itimerspec { it_interval: never, it_value };
            let _ = timerfd_settime(self.0.get_ref(), TimerfdTimerFlags::empty(), &once);
        }

        /// Waits until it rings; one that nobody waited for counts.
        pub(in super::super) async fn rung(&self) {
            match self.0.readable().await {
                Ok(mut ready) => ready.clear_ready(),
                // The runtime is going down.
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
    pub(in super::super) struct Bell(watch::Sender<Option<Instant>>);

    impl Bell {
        pub(in super::super) fn new() -> io::Result<Self> {
            Ok(Self(watch::Sender::new(None)))
        }

        pub(in super::super) fn set(&self, at: Instant) {
            self.0.send_replace(Some(at));
        }

        pub(in super::super) async fn rung(&self) {
            let mut set = self.0.subscribe();
            loop {
                let at = *set.borrow_and_update();
                tokio::select! {
                    () = sleep_until(at) => break,
                    _ = set.changed() => {}
                }
            }
            // It rings once; but it may have been set again just now.
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

    macro_rules! rings_once_and_never_early {
        ($name:ident, $bell:ty) => {
            #[tokio::test]
            async fn $name() {
                let bell = <$bell>::new().unwrap();
                let began = clock::now();
                bell.set(began + Duration::from_secs(3600));
                bell.set(began + Duration::from_millis(20));
                bell.rung().await;
                assert!(began.elapsed() >= Duration::from_millis(20));
                assert!(tokio::time::timeout(Duration::from_millis(50), bell.rung()).await.is_err());
                bell.set(began);
                bell.rung().await;
            }
        };
    }

    rings_once_and_never_early!(the_bell_rings_once_and_never_early, Bell);
    rings_once_and_never_early!(the_portable_bell_rings_once_and_never_early, portable::Bell);
}
