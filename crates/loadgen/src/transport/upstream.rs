//! Upstream: clients that publish the feed themselves.
//!
//! Open loop, as a feed's own schedule is: a client is due to publish at moments that do not depend on how fast
//! anything is. Each publication starts with that moment, from which its age counts. A publication that is lost on the
//! way is not sent again, because the client cannot know whether the server received it.

use std::collections::VecDeque;
use std::time::Duration;

use feedlab_experiment::clients::publication;
use feedlab_experiment::headers::TEXT;
use feedlab_feed::transport::PUBLISH_PATH;
use feedlab_feed::wire::{RawUpdate, publication_json};
use feedlab_feed::{Data, Transport, clock};
use hyper::StatusCode;
use hyper::header::{HeaderValue, ORIGIN};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;

use super::http::{ANSWER_TIMEOUT, Connections, Http, unexpected};
use super::{Client, set};
use crate::observer::ClientError;
use crate::recorder::Window;

/// The most unacknowledged publications per client. It sends no more until one of them is acknowledged.
const MAX_UNACKNOWLEDGED: usize = 256;

/// What the clients publish.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Publishing {
    /// Updates per second of all clients together, independent of each other.
    pub updates_per_s: f64,
    /// The payload of an update, bytes.
    pub payload_bytes: usize,
}

/// What one client publishes, and when.
#[derive(Clone, Debug)]
pub(crate) struct Publications {
    /// The mean time between two publications, s.
    gap_s: f64,
    payload_bytes: usize,
    /// The measured time, once it is known; the feed starts earlier by the warm-up.
    window: watch::Receiver<Option<Window>>,
    warm_up: Duration,
    /// When the next publication is due, µs of Unix time.
    due_us: Option<u64>,
    /// When the unacknowledged publications were due, µs of Unix time, oldest first.
    unacknowledged: VecDeque<u64>,
    rng: ChaCha8Rng,
}

impl Publications {
    /// One client's share of what `clients` clients publish together, from the warm-up on.
    pub(crate) fn new(
        publishing: Publishing,
        clients: u32,
        warm_up: Duration,
        window: watch::Receiver<Option<Window>>,
        rng: ChaCha8Rng,
    ) -> Self {
        let gap_s = f64::from(clients) / publishing.updates_per_s;
        let payload_bytes = publishing.payload_bytes;
        Self { gap_s, payload_bytes, window, warm_up, due_us: None, unacknowledged: VecDeque::new(), rng }
    }

    /// Tests only: everything that is published, from a moment on and without end.
    #[cfg(test)]
    pub(super) fn alone(publishing: Publishing, start_us: u64, rng: ChaCha8Rng) -> Self {
        let (_, window) = watch::channel(Some(Window { start_us, end_us: u64::MAX }));
        let (gap_s, payload_bytes) = (1.0 / publishing.updates_per_s, publishing.payload_bytes);
        Self {
            gap_s,
            payload_bytes,
            window,
            warm_up: Duration::ZERO,
            due_us: None,
            unacknowledged: VecDeque::new(),
            rng,
        }
    }

    /// Waits until the next publication is due, and returns when that was; waits forever after the last. Cancel safe.
    pub(crate) async fn next(&mut self) -> u64 {
        let Some(window) = self.window.wait_for(Option::is_some).await.ok().and_then(|window| *window) else {
            return std::future::pending().await;
        };
        let due_us = match self.due_us {
            Some(due_us) => due_us,
            None => window.start_us.saturating_sub(clock::micros(self.warm_up)).saturating_add(self.gap_us()),
        };
        self.due_us = Some(due_us);
        if due_us >= window.end_us {
            return std::future::pending().await;
        }
        sleep_until(clock::instant_of(due_us).into()).await;
        self.due_us = Some(due_us.saturating_add(self.gap_us()));
        due_us
    }

    /// Returns the next gap, µs: exponential, as for people who act independently.
    fn gap_us(&mut self) -> u64 {
        let gap_s = -self.gap_s * (1.0 - self.rng.random::<f64>()).ln();
        (gap_s * 1e6) as u64
    }

    /// Whether another publication may be sent before one is acknowledged.
    pub(crate) fn has_room(&self) -> bool {
        self.unacknowledged.len() < MAX_UNACKNOWLEDGED
    }

    /// Returns the text frame of the publication that was due at `due_us`, and counts it as unacknowledged.
    pub(crate) fn frame(&mut self, due_us: u64) -> String {
        self.unacknowledged.push_back(due_us);
        publication_json(&publication(due_us, self.payload_bytes))
    }

    /// Records an acknowledgement, and returns when its publication was due. Acknowledgements arrive in the order of
    /// the publications.
    pub(crate) fn acknowledged(&mut self) -> Option<u64> {
        self.unacknowledged.pop_front()
    }

    /// Records the loss of the connection, and of the outstanding acknowledgements.
    pub(crate) fn lost(&mut self) {
        self.unacknowledged.clear();
    }
}

/// Posts publications until `stop` is cancelled, on a connection that is kept open for them. Reports when each
/// publication was due and when its acknowledgement arrived, both in µs of Unix time.
pub(crate) async fn post(
    mut client: Client,
    mut publications: Publications,
    stop: &CancellationToken,
    mut report: impl FnMut(Result<(u64, u64), ClientError>),
) {
    // The cost counts for the client's transport, as that of publications over a WebSocket does.
    let endpoint = Transport::of_path(client.url.path()).map(Transport::publish_query);
    client.url.set_path(PUBLISH_PATH);
    client.url.set_query(endpoint.as_deref());
    let mut http = Http::new(&client, Connections::Kept);
    set(http.headers_mut(), TEXT);
    // A browser sends the page's origin with every POST.
    if let Ok(origin) = HeaderValue::from_str(&client.url.origin().ascii_serialization()) {
        http.headers_mut().insert(ORIGIN, origin);
    }
    while let Some(due_us) = stop.run_until_cancelled(publications.next()).await {
        let body = publication(due_us, publications.payload_bytes);
        let answer = http.post(&client.url, body, ANSWER_TIMEOUT);
        let Some(status) = stop.run_until_cancelled(answer).await else { return };
        report(match status {
            Ok(StatusCode::ACCEPTED) => Ok((due_us, clock::unix_us())),
            Ok(status) => Err(unexpected(status)),
            Err(error) => Err(error),
        });
    }
}

/// Returns when an update that a client published was due, µs of Unix time.
pub(crate) fn due_us(raw: RawUpdate<'_>) -> Option<u64> {
    let update = raw.update().ok()?;
    let Data::Text(text) = &update.data else { return None };
    text.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use feedlab_experiment::record::Failure;
    use feedlab_feed::wire::Publication;
    use rand::SeedableRng as _;

    use super::*;
    use crate::transport::script::run_script;

    /// One of 10 clients that together publish 1,000 updates per second; the feed started a while ago.
    fn publications(length_us: u64) -> (u64, Publications) {
        let start_us = clock::unix_us() - 5_000_000;
        let (_, window) = watch::channel(Some(Window { start_us: start_us + 1_000, end_us: start_us + length_us }));
        let (warm_up, rng) = (Duration::from_millis(1), ChaCha8Rng::seed_from_u64(7));
        let (gap_s, payload_bytes, unacknowledged) = (0.01, 40, VecDeque::new());
        (start_us, Publications { gap_s, payload_bytes, window, warm_up, due_us: None, unacknowledged, rng })
    }

    #[tokio::test]
    async fn publications_are_due_independently_of_each_other_until_the_end() {
        let (start_us, mut publications) = publications(4_000_000);
        let mut due = Vec::new();
        while let Ok(next) = tokio::time::timeout(Duration::from_millis(200), publications.next()).await {
            due.push(next);
        }
        assert!(due.is_sorted() && due[0] >= start_us && *due.last().unwrap() < start_us + 4_000_000);
        assert!((320..480).contains(&due.len()), "{} of about 400", due.len());
        let gaps: Vec<f64> = due.windows(2).map(|pair| (pair[1] - pair[0]) as f64).collect();
        let short = gaps.iter().filter(|gap| **gap < 10_000.0 * std::f64::consts::LN_2).count() as f64;
        assert!((0.4..0.6).contains(&(short / gaps.len() as f64)), "half of them are shorter than the median");
    }

    #[tokio::test]
    async fn a_late_publication_is_still_due() {
        let (_, mut publications) = publications(4_000_000);
        let first = publications.next().await;
        assert!(tokio::time::timeout(Duration::ZERO, publications.next()).await.is_ok_and(|next| next > first));
    }

    #[test]
    fn a_frame_is_a_publication_and_starts_with_its_time() {
        let (_, mut publications) = publications(1);
        let frame = publications.frame(1_767_225_600_000_000);
        let publication = Publication::from_json(frame.as_bytes()).unwrap();
        let Data::Text(text) = publication.data else { panic!("no text") };
        assert!(text.starts_with("1767225600000000 x") && text.len() == 40, "{text}");
        let json = format!(r#"{{"seq":1,"at":2,"type":"message","data":"{text}"}}"#);
        assert_eq!(due_us(RawUpdate::Json(json.as_bytes())), Some(1_767_225_600_000_000));
        assert_eq!(due_us(RawUpdate::Json(br#"{"seq":1,"at":2,"type":"m","data":"hello"}"#)), None);
    }

    #[test]
    fn acknowledgements_are_in_order_and_none_follows_a_loss() {
        let (_, mut publications) = publications(1);
        for due_us in 1..=MAX_UNACKNOWLEDGED as u64 {
            assert!(publications.has_room());
            publications.frame(due_us);
        }
        assert!(!publications.has_room());
        assert_eq!([publications.acknowledged(), publications.acknowledged()], [Some(1), Some(2)]);
        publications.lost();
        assert_eq!(publications.acknowledged(), None);
    }

    #[tokio::test]
    async fn posts_are_sent_one_after_the_other_on_one_connection_and_never_repeated() {
        let mut reports = Vec::new();
        let (_, publications) = publications(u64::MAX / 2);
        let author = async |client, _: &mut _, stop: &CancellationToken| {
            post(client, publications, stop, |publication| reports.push(publication)).await;
        };
        run_script("/feed/sse?after=3", author, async |server| {
            let mut peer = server.accept().await;
            let mut bodies = Vec::new();
            for status in ["202 Accepted", "503 Full", "202 Accepted"] {
                let request = peer.request().await;
                assert!(request.starts_with("post /feed?from=sse http/1.1\r\n"), "{request}");
                assert!(request.contains("content-type: text/plain\r\n") && request.contains("content-length: 40\r\n"));
                assert!(request.contains("origin: http://127.0.0.1:"));
                bodies.push(peer.receive().await);
                peer.answer(status, "", "{\"seq\":1}").await;
            }
            assert!(bodies.iter().all(|body| body.len() == 40 && body.is_ascii()) && bodies.is_sorted());
            peer.request().await;
        })
        .await;
        let reports: Vec<_> = reports.into_iter().map(|report| report.map_err(|error| error.failure)).collect();
        assert!(
            matches!(reports[..3], [Ok((a, at)), Err(Failure::Status), Ok((b, _))] if a < b && a < at),
            "{reports:?}"
        );
    }
}
