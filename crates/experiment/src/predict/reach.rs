//! The limits of the arithmetic: what would be a guess for a contender, and why.

use std::collections::BTreeSet;

use feedlab_feed::tcp;

use super::failure::idle::IdleEffect;
use super::injected;
use super::model::{Case, FeedModel, NotPredicted};
use super::simulated;
use super::transport::{Arithmetic, Passage};
use crate::scenario::{Http, ScheduleKind, Source};

/// The maximum size of a message head, bytes.
const HEAD: f64 = 1_500.0;

/// Returns why figures are not predicted, from the scenario and the contender's configuration.
pub(super) fn reasons(case: &Case<'_>, arithmetic: &dyn Arithmetic, feed: &FeedModel) -> BTreeSet<NotPredicted> {
    let Case { scenario, contender, .. } = *case;
    let (link, is_nginx) = (contender.link, contender.link.via.is_nginx());
    let ends = IdleEffect::of(case, arithmetic);
    // Streams that are closed because of their age reconnect at unknown times, as after a fault.
    let is_known = injected::is_known(case);
    let breaks = (!scenario.faults.is_empty() && !is_known) || contender.serving.max_connection_age.is_some();
    let has_bandwidth = has_bandwidth(case, arithmetic, feed);
    let is_delayed = is_known && (!scenario.faults.is_empty() || !has_bandwidth);
    let buffers = scenario.network.is_some_and(|network| network.buffer_bytes.is_some());
    let is_buffer_alone = contender.transport().is_push() && !contender.is_auto() && link.http == Http::V1 && !is_nginx;
    let is_held_up = matches!(ends, IdleEffect::WhenIdle | IdleEffect::Perhaps)
        || (!has_bandwidth && !is_known)
        || !is_open(case, arithmetic)
        || (contender.serving.coalesce.is_some() && !contender.transport().is_push())
        || (buffers && !is_buffer_alone);
    let met = [
        (link.tls || link.http == Http::V2 || is_nginx, NotPredicted::TlsHttp2OrNginx),
        (scenario.clients.slow.is_some(), NotPredicted::SlowReaders),
        (breaks, NotPredicted::Faults),
        (is_delayed, NotPredicted::Delayed),
        (matches!(scenario.feed.source, Source::Clients { .. }), NotPredicted::Publishing),
        // With faults, other reasons do not matter.
        (is_held_up && !breaks, NotPredicted::HeldUp),
        (buffers, NotPredicted::Buffered),
        (ends == IdleEffect::BeforeTheFeed, NotPredicted::IdleBefore),
        (is_nginx, NotPredicted::Proxied),
    ];
    let met = met.into_iter().filter_map(|(is_met, reason)| is_met.then_some(reason));
    let over_link = over_link(case, arithmetic, feed).filter(|_| !breaks);
    met.chain(arithmetic.may_lose(case, feed).filter(|_| !breaks)).chain(over_link).collect()
}

/// Returns what keeps a link from being only distance. With faults, that does not matter.
fn over_link(case: &Case<'_>, arithmetic: &dyn Arithmetic, feed: &FeedModel) -> impl Iterator<Item = NotPredicted> {
    let met = case.scenario.link.as_ref().map(|link| {
        let emulation = &link.emulation;
        let more = [
            (emulation.loss > 0.0, NotPredicted::PacketsLost),
            (link.is_limited(), NotPredicted::Queued),
            (!emulation.jitter.is_zero(), NotPredicted::LinkJitter),
            (!fits_initial_window(case, arithmetic, feed, emulation.mtu), NotPredicted::SlowStart),
        ];
        let mut met: Vec<_> = more.into_iter().filter_map(|(is_met, reason)| is_met.then_some(reason)).collect();
        // Whether a connection starts slowly again after a pause depends on it.
        let is_open = met.contains(&NotPredicted::SlowStart) && link.congestion.is_none();
        if !met.is_empty() && !is_open && simulated::is_known(case, arithmetic, feed) {
            met = vec![NotPredicted::Simulated];
        }
        met.push(NotPredicted::OverLink);
        met
    });
    met.into_iter().flatten()
}

/// Whether what is sent at once reaches the other side without an acknowledgement in between: in ten segments (RFC 6928),
/// to which Linux also returns after a pause (`tcp_slow_start_after_idle`).
fn fits_initial_window(case: &Case<'_>, arithmetic: &dyn Arithmetic, feed: &FeedModel, mtu: u32) -> bool {
    const SEGMENTS: f64 = 10.0;
    let burst = match case.scenario.feed.source {
        Source::Synthetic { schedule: ScheduleKind::Burst, burst_size, .. } => f64::from(burst_size),
        // Updates of a recording may fall due at the same time.
        Source::Replay { .. } => return false,
        _ => 1.0,
    };
    // A poll that is late finds twice as many; independent updates come in clusters.
    let updates = 2.0 * arithmetic.batch_size(feed.rate()).max(burst);
    let headers = (tcp::HEADERS_V4 + tcp::TIMESTAMPS) as f64;
    feed.sizes.chunk.max(feed.sizes.json) * updates + HEAD <= SEGMENTS * (f64::from(mtu) - headers)
}

/// Whether a message passes the network path in less than a millisecond.
fn has_bandwidth(case: &Case<'_>, arithmetic: &dyn Arithmetic, feed: &FeedModel) -> bool {
    let Some(bandwidth) = case.scenario.network.and_then(|network| network.bandwidth_bytes_per_s) else { return true };
    let update = feed.sizes.chunk.max(feed.sizes.json);
    (update * arithmetic.batch_size(feed.rate()) + HEAD) / bandwidth as f64 <= 0.001
}

/// Whether nginx, if used, forwards updates without delay.
fn is_open(case: &Case<'_>, arithmetic: &dyn Arithmetic) -> bool {
    let via = case.contender.link.via;
    let read_timeout = case.scenario.nginx.read_timeout.as_secs_f64();
    let times_out = via.is_nginx() && arithmetic.silence_of_answer() > 0.95 * read_timeout;
    !times_out && arithmetic.passage(via) == Passage::Open
}
