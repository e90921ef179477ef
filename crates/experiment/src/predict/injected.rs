//! Ages when the scenario itself delays messages at known times: a stall of the publisher, black holes and ramps of the
//! lab proxy, and a link that carries less than is published. Each update is followed from its due time to the client,
//! so that the result is the truth that a measurement must reproduce: nothing in it was measured.
//!
//! The lab proxy's rules are those of `feedlab-link`: in a black hole nothing is read and nothing delivered; what is in
//! flight then arrives at its end. Nothing overtakes what was sent before it.

use feedlab_feed::link::{LinkFault, RAMP_FACTOR};

use super::model::{Ages, Case, FeedModel};
use super::transport::{Arithmetic, Carriage};
use crate::scenario::{AgeFrom, Connections, FaultKind, Http, Source};

mod link;

use link::Link;

/// The most updates and requests that are followed, over all representative clients.
const MOST: f64 = 4e6;
/// The number of clients that represent the random phases of all.
const PHASES: u32 = 128;

/// Whether the scenario delays messages only at known times, so that ages can be computed although it has faults or a
/// slow link.
pub(super) fn is_known(case: &Case<'_>) -> bool {
    let Case { scenario, contender, .. } = *case;
    let network = scenario.network.unwrap_or_default();
    let link = contender.link;
    let delays = |kind| matches!(kind, FaultKind::Link(LinkFault::BlackHole | LinkFault::Ramp));
    scenario.faults.iter().all(|fault| delays(fault.kind) && fault.share >= 1.0)
        // On a link, what an outage drops is sent again after a timeout of the kernel.
        && scenario.link.is_none()
        && !matches!(scenario.feed.source, Source::Clients { .. })
        && (scenario.clients.churn.is_none() && scenario.clients.slow.is_none())
        && (network.jitter.is_zero() && network.buffer_bytes.is_none() && network.idle_timeout.is_none())
        && (link.http == Http::V1 && link.connections == Connections::PerClient && !link.via.is_nginx() && !link.tls)
        && (contender.serving.coalesce.is_none() && contender.serving.max_connection_age.is_none())
        && (contender.reconnect.with_cursor && !contender.is_auto())
}

/// Returns the ages, if something delays messages at known times and nothing else does.
pub(super) fn ages(case: &Case<'_>, arithmetic: &dyn Arithmetic, feed: &FeedModel) -> Option<Ages> {
    let is_limited = case.scenario.network.is_some_and(|network| network.bandwidth_bytes_per_s.is_some());
    let is_stalled = case.scenario.feed.stall.is_some();
    if (case.scenario.faults.is_empty() && !is_limited && !is_stalled) || !is_known(case) {
        return None;
    }
    let carriage = arithmetic.carriage(case, feed).filter(|_| arithmetic.keeps_connections())?;
    let updates = published(case, feed);
    let (phases, every) = match carriage {
        Carriage::Polled { interval, .. } => (PHASES, interval),
        Carriage::Held { hold, .. } => (PHASES / 4, hold),
        Carriage::Pushed { .. } => (1, f64::INFINITY),
    };
    let steps = (updates.len() as f64 + feed.whole.to / every) * f64::from(phases);
    // A feed that is too long is known only in part.
    let measured = updates.iter().filter(|update| feed.measured.contains(update.due)).count();
    if updates.is_empty() || steps > MOST || measured as f64 != feed.updates {
        return None;
    }
    let ages: Vec<f64> = (0..phases)
        .flat_map(|phase| arrivals(case, feed, carriage, &updates, (f64::from(phase) + 0.5) / f64::from(phases)))
        .collect();
    let oldest = ages.iter().copied().fold(0.0, f64::max);
    feed.fits(case.history(), oldest).then(|| Ages::from_samples(ages).ok()).flatten()
}

/// An update: the time from which its age counts, and when it is published, s.
#[derive(Clone, Copy, Debug)]
struct Published {
    due: f64,
    since: f64,
    at: f64,
}

/// Returns the updates until the end of the drain, with the publisher's stall.
fn published(case: &Case<'_>, feed: &FeedModel) -> Vec<Published> {
    let stall = case.scenario.feed.stall.map(|stall| {
        let from = feed.measured.from + stall.after.as_secs_f64();
        from..from + stall.length.as_secs_f64()
    });
    let publish = |&due: &f64| {
        let at = stall.as_ref().filter(|stall| stall.contains(&due)).map_or(due, |stall| stall.end);
        let since = if case.contender.age_from == AgeFrom::Due { due } else { at };
        Published { due, since, at }
    };
    feed.due_until(feed.whole.to).iter().map(publish).collect()
}

/// Returns the ages of the updates of the measured time at one client.
fn arrivals(case: &Case<'_>, feed: &FeedModel, carriage: Carriage, updates: &[Published], phase: f64) -> Vec<f64> {
    let mut client = Client::new(case, feed.measured.from);
    let mut ages = Vec::new();
    let mut receive = |updates: &[Published], arrived: f64| {
        let measured = updates.iter().filter(|update| feed.measured.contains(update.due));
        ages.extend(measured.map(|update| arrived - update.since));
    };
    match carriage {
        Carriage::Pushed { update: size } => {
            for update in updates {
                receive(std::slice::from_ref(update), client.down.pass(update.at, size));
            }
        }
        Carriage::Polled { interval, request, answer } => {
            client.poll(updates, (interval, phase * interval), request, answer, receive);
        }
        Carriage::Held { hold, request, answer } => {
            let moved = (feed.measured.from, phase * case.path.mean_round_trip());
            client.long_poll(updates, (hold, moved), request, answer, receive);
        }
    }
    ages
}

/// The two directions of a client's connection.
#[derive(Debug)]
struct Client {
    up: Link,
    down: Link,
}

/// The size of an answer, bytes: that of one without updates, and what each update adds.
pub(super) type AnswerSize = (f64, f64);

impl Client {
    fn new(case: &Case<'_>, start: f64) -> Self {
        let mut holes = Vec::new();
        let mut ramps = Vec::new();
        for fault in &case.scenario.faults {
            let length = fault.length.as_secs_f64();
            let spans = fault.times(case.scenario.measure.duration).map(|at| start + at.as_secs_f64());
            let spans = spans.map(|from| from..from + length);
            if fault.kind == FaultKind::Link(LinkFault::Ramp) { ramps.extend(spans) } else { holes.extend(spans) }
        }
        holes.sort_by(|a, b| a.start.total_cmp(&b.start));
        ramps.sort_by(|a, b| a.start.total_cmp(&b.start));
        let bandwidth = case.scenario.network.and_then(|network| network.bandwidth_bytes_per_s);
        let rate = bandwidth.map(|bytes| bytes as f64);
        let up = Link::new(case.path.min_delay(), f64::from(RAMP_FACTOR), rate, holes, ramps);
        Self { down: up.clone(), up }
    }

    /// Polls at every slot at which no answer is pending.
    fn poll(
        &mut self,
        updates: &[Published],
        (interval, phase): (f64, f64),
        request: f64,
        (empty, each): AnswerSize,
        mut receive: impl FnMut(&[Published], f64),
    ) {
        let (mut slot, mut next) = (phase, 0);
        while next < updates.len() {
            let asked = self.up.pass(slot, request);
            let count = updates[next..].iter().take_while(|update| update.at <= asked).count();
            let arrived = self.down.pass(asked, empty + each * count as f64);
            receive(&updates[next..next + count], arrived);
            next += count;
            slot += interval * ((arrived - slot) / interval).ceil().max(1.0);
        }
    }

    /// Sends the next request as soon as it has an answer; the server answers when there are updates, or the hold
    /// expires. If updates are more frequent than requests, a client's phase depends on everything that happened
    /// before, so the first request after a time is moved by a given time.
    fn long_poll(
        &mut self,
        updates: &[Published],
        (hold, (from, by)): (f64, (f64, f64)),
        request: f64,
        (empty, each): AnswerSize,
        mut receive: impl FnMut(&[Published], f64),
    ) {
        let (mut asked, mut next, mut is_moved) = (0.0, 0, false);
        while next < updates.len() {
            if asked >= from && !std::mem::replace(&mut is_moved, true) {
                asked += by;
            }
            let answered = updates[next].at.clamp(asked, asked + hold);
            let count = updates[next..].iter().take_while(|update| update.at <= answered).count();
            let arrived = self.down.pass(answered, empty + each * count as f64);
            receive(&updates[next..next + count], arrived);
            next += count;
            asked = self.up.pass(arrived, request);
        }
    }
}

#[cfg(test)]
mod tests;
