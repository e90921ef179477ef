//! JoinProbe: what joining costs a client, measured one at a time after the fleet has left.
//!
//! The feed still runs, and each newcomer asks for the update before the newest, so that one is there for it: the time
//! to the first update is that of the connect, the request and the answer, and not that of waiting for news. With
//! nobody else at the endpoint, what passes it is the newcomers' alone.

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

/// How many join: a median wants ten on either side.
const PROBES: u32 = 30;
/// How long one may take beyond the time in which a client of the ladder finds out what works.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long all of them may take: over a long way fewer join.
const TIME: Duration = Duration::from_secs(8);

/// What was seen of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct JoinProbe {
    /// From the start of the TCP connect to the first update, µs.
    #[serde(with = "hlog::text")]
    pub(crate) first_updates: Histogram<u64>,
    /// What had been counted before the first came, and after the last had left: two looks right behind each other, whose
    /// difference is what a look costs.
    #[serde(rename = "looks")]
    pub(crate) snapshots: Option<[Snapshot; 3]>,
}

/// Lets them join. Without any update in the feed there is nothing to join for.
pub(crate) async fn run(job: &Job, control: &Control, leg: &Leg, began: Instant) -> Result<JoinProbe, LoadError> {
    let snapshot = async || {
        control
            .snapshot()
            .await
            .map(|served| Snapshot::of_servers(served).and(&ClientSnapshot::now(0, leg, began), true))
    };
    let mut probe = JoinProbe { first_updates: hlog::new_histogram(), snapshots: None };
    let before = snapshot().await?;
    let Some(previous) = before.server.feed.head.checked_sub(1) else { return Ok(probe) };
    let previous = Cursor { epoch: before.server.feed.epoch, seq: previous };
    // Each has a connection of its own, even if the fleet shared: it is the connection whose cost is looked for.
    let link = Link { finds_heads: !job.between.is_nothing(), ..link(job, leg.clone())? };
    if job.contender.is_auto() {
        // What takes the time is a timer, which nobody disturbs.
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

/// Joins, waits for the first update, and leaves.
async fn join(job: &Job, link: &Link, index: u32, after: Cursor) -> Option<u64> {
    let mut client = client(job, link, job.cell.clients.saturating_add(index))?;
    client.after = Some(after);
    // However the fleet comes back: without the cursor there would be nothing to join for.
    client.reconnect.with_cursor = true;
    // A client of the ladder may have tried a rung before the one that opens.
    let connect_began = job.contender.is_auto().then(clock::now);
    let mut observer = ProbeObserver { stop: CancellationToken::new(), connect_began, first_us: None };
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

/// Watches one newcomer, and sends it home with its first update.
struct ProbeObserver {
    stop: CancellationToken,
    connect_began: Option<Instant>,
    first_us: Option<u64>,
}

impl Observer for ProbeObserver {
    fn opened(&mut self, opened: Opened) {
        let began = clock::now().checked_sub(Duration::from_micros(opened.open_us));
        self.connect_began = self.connect_began.or(began);
    }

    fn update(&mut self, _stamp: Stamp, _raw: RawUpdate<'_>, _received_at_us: u64) {
        if self.first_us.is_none() {
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
