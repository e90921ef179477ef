//! The log of the servers, on standard error: feedlab's own events from level "info", a library's from "warning". At
//! most [`MOST`] events from the same place are shown per [`PERIOD`], because a peer may be able to trigger a library's
//! events.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use feedlab_feed::clock;
use tracing::callsite::Identifier;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::fmt::format::{Format, Full, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// The most events from the same place in the code that are shown in a period.
const MOST: u32 = 10;
const PERIOD: Duration = Duration::from_secs(60);

/// Starts the log.
pub(crate) fn begin() {
    let events =
        Limited { format: tracing_subscriber::fmt::format().without_time().with_target(false), seen: Mutex::default() };
    tracing_subscriber::fmt().with_writer(std::io::stderr).event_format(events).init();
}

struct Limited {
    format: Format<Full, ()>,
    /// One entry per place in the code that logs; a peer cannot add any.
    seen: Mutex<HashMap<Identifier, Seen>>,
}

/// The events of one place in the current period.
struct Seen {
    since: Instant,
    count: u32,
}

/// Whether to show an event.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Hide,
    /// Show it, preceded by the number of hidden events.
    Show {
        hidden: u32,
    },
}

impl Limited {
    fn judge(&self, metadata: &Metadata<'_>, now: Instant) -> Verdict {
        if *metadata.level() > Level::WARN && !metadata.target().starts_with("feedlab") {
            return Verdict::Hide;
        }
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let place = seen.entry(metadata.callsite()).or_insert(Seen { since: now, count: 0 });
        let mut hidden = 0;
        if now.saturating_duration_since(place.since) >= PERIOD {
            hidden = place.count.saturating_sub(MOST);
            *place = Seen { since: now, count: 0 };
        }
        place.count = place.count.saturating_add(1);
        if place.count > MOST { Verdict::Hide } else { Verdict::Show { hidden } }
    }
}

impl<S, N> FormatEvent<S, N> for Limited
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, ctx: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let Verdict::Show { hidden } = self.judge(event.metadata(), clock::now()) else { return Ok(()) };
        if hidden > 0 {
            writeln!(writer, "({hidden} more lines like the next were not shown)")?;
        }
        self.format.format_event(ctx, writer, event)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Arc;

    use tracing_subscriber::fmt::MakeWriter;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Lines {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    fn limited() -> Limited {
        Limited { format: tracing_subscriber::fmt::format().without_time().with_target(false), seen: Mutex::default() }
    }

    #[test]
    fn r2_repeated_events_of_a_library_are_shown_a_few_times() {
        let lines = Lines::default();
        let subscriber = tracing_subscriber::fmt().with_writer(lines.clone()).event_format(limited()).finish();
        tracing::subscriber::with_default(subscriber, || {
            for ping in 0..100_000 {
                tracing::warn!(target: "h2::proto::ping_pong", "received unexpected ping ack: {ping}");
                tracing::info!(target: "h2::server", "chatter");
            }
            tracing::info!(target: "feedlab_server", "our own");
        });
        let said = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert_eq!(said.lines().count(), MOST as usize + 1, "{said}");
        assert!(said.ends_with("our own\n"), "{said}");
    }

    #[test]
    fn r2_hidden_events_are_counted_after_their_period() {
        #[derive(Clone)]
        struct Caught(Arc<(Limited, Mutex<Vec<Verdict>>)>);
        impl<S: Subscriber> tracing_subscriber::Layer<S> for Caught {
            fn on_event(&self, event: &Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
                let (limited, seen) = &*self.0;
                let mut seen = seen.lock().unwrap();
                let later = if seen.len() < 15 { Duration::ZERO } else { PERIOD };
                let verdict = limited.judge(event.metadata(), clock::now() + later);
                seen.push(verdict);
            }
        }
        use tracing_subscriber::layer::SubscriberExt as _;
        let caught = Caught(Arc::new((limited(), Mutex::default())));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(caught.clone()), || {
            for _ in 0..16 {
                tracing::warn!("again");
            }
        });
        let seen = caught.0.1.lock().unwrap();
        assert_eq!((&seen[9], &seen[10]), (&Verdict::Show { hidden: 0 }, &Verdict::Hide));
        assert_eq!(seen[15], Verdict::Show { hidden: 5 });
    }
}
