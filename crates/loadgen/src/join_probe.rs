//! The join probe: what joining costs a client, measured one client at a time after the fleet has left.
//!
//! The feed still runs, and each probe asks for the newest update but one, so that an update is ready for it: the time
//! to the first update covers the connect, the request and the response, and no wait for news. No other client uses the
//! endpoint, so all of its traffic belongs to the probes.
//!
//! A target cannot be asked for the newest update but one. Its probes leave as soon as the first response has arrived: only
//! what the handshake takes is measured.

use std::time::{Duration, Instant};

use feedlab_experiment::hlog;
use feedlab_experiment::scenario::Options;
use feedlab_feed::wire::{RawUpdate, Stamp};
use feedlab_feed::{Cursor, Gap, Reset, clock};
use futures_util::future::join_all;
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::clients::{client, link};
use crate::control::Control;
use crate::moments::{ClientSnapshot, Snapshot};
use crate::observer::{ClientError, Observer, Opened};
use crate::transport::{Leg, Link};
use crate::{Job, LoadError, transport};

/// The number of probes: a median needs ten samples on either side.
const PROBES: u32 = 30;
/// How long a probe may take, beyond the time in which a client of the fallback ladder finds a rung that works.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long all probes may take. Over a long distance, fewer clients join.
const TIME: Duration = Duration::from_secs(8);

/// The results of the join probe.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct JoinProbe {
    /// Times from the start of the TCP connect to the first update, µs.
    #[serde(with = "hlog::text")]
    pub(crate) first_updates: Histogram<u64>,
    /// Snapshots before the first probe, after the last, and once more directly afterwards: the difference of the last
    /// two is the cost of a snapshot.
    pub(crate) snapshots: Option<[Snapshot; 3]>,
}

/// Runs the probes. Without any update in the feed there is nothing to join for, and the result is empty.
pub(crate) async fn run(job: &Job, control: &Control, leg: &Leg, began: Instant) -> Result<JoinProbe, LoadError> {
    let snapshot = async || {
        control
            .snapshot()
            .await
            .map(|served| Snapshot::of_servers(served).and(&ClientSnapshot::now(0, leg, began), true))
    };
    let mut probe = JoinProbe { first_updates: hlog::new_histogram(), snapshots: None };
    let before = snapshot().await?;
    let previous = before.server.feed.head.checked_sub(1).or_else(|| job.target.is_some().then_some(0));
    let Some(previous) = previous else { return Ok(probe) };
    let previous = Cursor { epoch: before.server.feed.epoch, seq: previous };
    // Each probe has its own connection, even if the fleet shared them: the cost of a connection is what is measured.
    let link = Link { finds_heads: !job.between.is_nothing() || job.target.is_some(), ..link(job, leg.clone())? };
    if job.contender.is_auto() {
        // Most of the time is spent waiting for a timer, so the probes do not disturb each other.
        let all = join_all((0..PROBES).map(|index| join(job, &link, index, previous))).await;
        all.into_iter().flatten().for_each(|first_us| probe.first_updates.saturating_record(first_us));
    } else {
        one_by_one(job, &link, previous, &mut probe.first_updates).await;
    }
    probe.snapshots = Some([before, snapshot().await?, snapshot().await?]);
    Ok(probe)
}

async fn one_by_one(job: &Job, link: &Link, after: Cursor, first_updates: &mut Histogram<u64>) {
    let began = clock::now();
    for index in 0..PROBES {
        if let Some(first_us) = join(job, link, index, after).await {
            first_updates.saturating_record(first_us);
        }
        if began.elapsed() > TIME {
            break;
        }
    }
}

/// Joins, waits for the first update, and leaves. Returns the time to the first update, µs.
async fn join(job: &Job, link: &Link, index: u32, after: Cursor) -> Option<u64> {
    let mut client = client(job, link, job.cell.clients.saturating_add(index))?;
    client.after = Some(after);
    // Whatever the contender's reconnect policy: without the cursor there would be nothing to join for.
    client.reconnect.with_cursor = true;
    // A client of the ladder may have tried a rung before the one that opens.
    let connect_began = job.contender.is_auto().then(clock::now);
    let leaves_open = job.target.is_some();
    let mut observer = ProbeObserver { stop: CancellationToken::new(), connect_began, first_us: None, leaves_open };
    let stop = observer.stop.clone();
    let _ =
        timeout(patience(&job.contender.options), transport::run(client, &job.contender.options, &mut observer, &stop))
            .await;
    observer.first_us
}

fn patience(options: &Options) -> Duration {
    match *options {
        Options::Auto { watchdog, hold, interval, .. } => PATIENCE + 2 * watchdog + hold + interval,
        _ => PATIENCE,
    }
}

/// Observes one probe, and stops it at its first update.
struct ProbeObserver {
    stop: CancellationToken,
    connect_began: Option<Instant>,
    first_us: Option<u64>,
    /// Whether it leaves as soon as it is open.
    leaves_open: bool,
}

impl Observer for ProbeObserver {
    fn opened(&mut self, opened: Opened) {
        if self.leaves_open {
            self.stop.cancel();
        }
        let began = clock::now().checked_sub(Duration::from_micros(opened.open_us));
        self.connect_began = self.connect_began.or(began);
    }

    fn update(&mut self, _stamp: Stamp, _raw: RawUpdate<'_>, _received_at_us: u64) {
        if self.first_us.is_none() && !self.leaves_open {
            self.first_us = self.connect_began.map(|began| clock::micros(began.elapsed()));
        }
        self.stop.cancel();
    }

    fn gap(&mut self, _gap: Gap, _resume: Cursor) {}

    fn reset(&mut self, _reset: Reset) {}

    fn failure(&mut self, _error: &ClientError) {}

    fn reconnect(&mut self) {}

    fn has_enough(&self) -> bool {
        self.first_us.is_some()
    }
}
