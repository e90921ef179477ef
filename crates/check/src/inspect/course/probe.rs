//! The short connections at the end: a request from another origin, a resume after an earlier event, a second poll, and
//! requests that may show why there was no response.

use std::time::Duration;

use hyper::Method;
use hyper::header::{IF_NONE_MATCH, ORIGIN};

use super::found::is_held;
use super::{Course, LAST_EVENT_ID};
use crate::inspect::Progress;
use crate::inspect::dial::Endpoint;
use crate::inspect::exchange::{Ask, Failure, Head, within};
use crate::inspect::open::open;
use crate::inspect::seen::{Found, Resumed, Seen};
use crate::inspect::watch::{Events, Session, watch};

/// An origin that no server knows.
pub(in crate::inspect) const ELSEWHERE: &str = "https://elsewhere.example";

/// Events after the one to resume from.
const KNOWN: usize = 2;

impl Course<'_> {
    /// The short connections at the end.
    pub(super) async fn probe(&self, endpoint: &Endpoint, ask: &Ask, seen: &mut Seen, progress: &mut dyn Progress) {
        if seen.is_post {
            seen.resumed = Resumed::NotTried("trying it would repeat the request".to_owned());
            return;
        }
        if matches!(seen.failure, Some(Failure::NoHead { bytes: 0, .. })) {
            progress.trying("a request without compression, then a HEAD");
            let until = within(self.options.probe);
            seen.identity = self.identity(endpoint, ask, until, self.stop).await.unwrap_or_default();
            if seen.identity.is_none() {
                let ask = Ask { method: Method::HEAD, ..ask.clone() };
                seen.without_body = self.head(endpoint, &ask).await;
            }
        }
        match seen.found {
            Found::Sse => {
                if seen.origin.is_none() {
                    progress.trying("a request from another origin");
                    seen.cors = self.head(endpoint, &ask.with(ORIGIN, ELSEWHERE)).await;
                }
                progress.trying("to resume after an earlier event");
                seen.resumed = self.resume(endpoint, ask, seen).await;
            }
            Found::Poll => {
                progress.trying("a second request");
                let etag = seen.first().and_then(|session| session.head.text("etag").map(str::to_owned));
                let ask = etag.map_or_else(|| ask.clone(), |etag| ask.with(IF_NONE_MATCH, &etag));
                seen.again = self.head(endpoint, &ask).await;
                if seen.again.as_ref().is_some_and(is_held) {
                    seen.found = Found::LongPoll;
                }
            }
            _ => {}
        }
    }

    async fn head(&self, endpoint: &Endpoint, ask: &Ask) -> Option<Head> {
        let opening = open(&self.dialer, endpoint, ask, (self.offer(), within(self.options.probe)));
        let opened = tokio::select! {
            () = self.stop.cancelled() => return None,
            opened = opening => opened.ok()?,
        };
        Some(opened.answer.ok()?.head)
    }

    /// Connects with the id of an earlier event.
    async fn resume(&self, endpoint: &Endpoint, ask: &Ask, seen: &Seen) -> Resumed {
        let not_tried = |why: &str| Resumed::NotTried(why.to_owned());
        let Some(last) = seen.best() else { return not_tried("there was no stream") };
        let framing = &last.record.framing;
        let recent: Vec<Known<'_>> = framing.recent.iter().map(|(hash, id)| (*hash, id.as_deref())).collect();
        let known: Vec<Known<'_>> = recent.into_iter().filter(|(_, id)| id.is_some()).collect();
        if known.is_empty() {
            return not_tried("no event has an id");
        }
        let from = known.len().saturating_sub(1 + KNOWN);
        if known.len() < 2 || known[from].1 == known[from + 1].1 {
            return not_tried("this needs two events with different ids, and there were none");
        }
        let Some(id) = known[from].1 else { return not_tried("no event has an id") };
        let (until, ask) = (within(self.options.probe), ask.with(LAST_EVENT_ID, id));
        let opened = match open(&self.dialer, endpoint, &ask, (self.offer(), until)).await {
            Ok(opened) => opened,
            Err(error) => return Resumed::NotTried(error.to_string()),
        };
        let answer = match opened.answer {
            Ok(answer) if answer.head.is_event_stream() => answer,
            Ok(answer) => return Resumed::Refused(answer.head.status),
            Err(failure) => return Resumed::NotTried(failure.to_string()),
        };
        let enough = (known.len() - from) as u64;
        let session = watch(answer, until, &mut Events(enough), self.stop).await;
        let after = &known[from + 1..];
        let of = |session: &Session| -> Vec<_> {
            session.record.framing.noted.iter().map(|event| (event.hash, event.id.clone())).collect()
        };
        let (noted, came) = (of(last), of(&session));
        // A greeting without an id is the same on each connection.
        let earlier: Vec<Known<'_>> =
            noted.iter().map(borrowed).filter(|event| event.1.is_some() && !after.contains(event)).collect();
        let came: Vec<Known<'_>> = came.iter().map(borrowed).collect();
        resumed(&earlier, after, &came, self.options.probe)
    }
}

type Known<'a> = (u64, Option<&'a str>);

fn borrowed((hash, id): &(u64, Option<String>)) -> Known<'_> {
    (*hash, id.as_deref())
}

/// Says where a stream started that was asked to continue after a known event.
fn resumed(earlier: &[Known<'_>], after: &[Known<'_>], came: &[Known<'_>], waited: Duration) -> Resumed {
    let known = after.len();
    // A resumed stream may begin with an event of its own, as a greeting.
    let first = came.iter().find(|event| earlier.contains(event) || after.contains(event));
    let arrived = after.iter().filter(|event| came.contains(event)).count();
    match first {
        Some(first) if earlier.contains(first) => Resumed::Earlier { came: came.len() },
        Some(first) if after.first() == Some(first) => Resumed::Next { known, came: arrived },
        Some(_) => Resumed::Later { known, came: arrived },
        None if came.is_empty() => Resumed::Nothing { known, waited },
        None => Resumed::Later { known, came: 0 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_stream_resumed_is_reported_apart() {
        let all: Vec<String> = (0..9).map(|n| n.to_string()).collect();
        let events: Vec<Known<'_>> = all.iter().enumerate().map(|(n, id)| (n as u64, Some(id.as_str()))).collect();
        let check = |came: &[Known<'_>]| resumed(&events[..3], &events[3..5], came, Duration::from_secs(1));
        assert_eq!(check(&events[3..7]), Resumed::Next { known: 2, came: 2 });
        assert_eq!(check(&events[4..7]), Resumed::Later { known: 2, came: 1 });
        assert_eq!(check(&events[5..7]), Resumed::Later { known: 2, came: 0 });
        assert_eq!(check(&events[2..7]), Resumed::Earlier { came: 5 });
        assert_eq!(check(&events[0..1]), Resumed::Earlier { came: 1 });
        assert_eq!(check(&[]), Resumed::Nothing { known: 2, waited: Duration::from_secs(1) });
        assert_eq!(check(&[(99, None), events[3], events[4]]), Resumed::Next { known: 2, came: 2 });
    }
}
