//! How far the arithmetic reaches: what of a contender would be a guess, and why.

use std::collections::BTreeSet;

use super::failure::idle::Ends;
use super::model::{Case, Course, Unknown};
use super::transport::{Arithmetic, Passage};
use crate::scenario::{Http, Source};

/// What is not known, because of what the scenario asks for and how the contender is set up.
pub(super) fn unknown(case: &Case<'_>, arithmetic: &dyn Arithmetic, course: &Course) -> BTreeSet<Unknown> {
    let Case { scenario, contender, .. } = *case;
    let (link, is_nginx) = (contender.link, contender.link.via.is_nginx());
    let ends = Ends::of(case, arithmetic);
    // Streams that end of age come back at moments that nobody knows, as if something broke.
    let breaks = !scenario.faults.is_empty() || contender.serving.max_connection_age.is_some();
    let buffers = scenario.network.is_some_and(|network| network.buffer_bytes.is_some());
    let is_buffer_alone = contender.transport().is_push() && !contender.is_auto() && link.http == Http::V1 && !is_nginx;
    let is_held_up = matches!(ends, Ends::WhenQuiet | Ends::Perhaps)
        || !is_wide(case, arithmetic, course)
        || !is_open(case, arithmetic)
        || (contender.serving.coalesce.is_some() && !contender.transport().is_push())
        || (buffers && !is_buffer_alone);
    let met = [
        (link.tls || link.http == Http::V2 || is_nginx, Unknown::Sealed),
        (scenario.clients.slow.is_some(), Unknown::SlowReaders),
        (breaks, Unknown::Breaks),
        (matches!(scenario.feed.source, Source::Clients { .. }), Unknown::Publishing),
        // Nothing else matters where something breaks.
        (is_held_up && !breaks, Unknown::HeldUp),
        (buffers, Unknown::Buffered),
        (ends == Ends::BeforeTheFeed, Unknown::IdleBefore),
        (is_nginx, Unknown::Proxied),
    ];
    let met = met.into_iter().filter_map(|(is_met, unknown)| is_met.then_some(unknown));
    met.chain(arithmetic.forgets(case, course).filter(|_| !breaks)).collect()
}

/// Whether what is said passes the way in less than a millisecond.
fn is_wide(case: &Case<'_>, arithmetic: &dyn Arithmetic, course: &Course) -> bool {
    /// What a head has at most, bytes.
    const HEAD: f64 = 1_500.0;
    let Some(bandwidth) = case.scenario.network.and_then(|network| network.bandwidth_bytes_per_s) else { return true };
    let update = course.sizes.chunk.max(course.sizes.json);
    (update * arithmetic.at_once(course.rate()) + HEAD) / bandwidth as f64 <= 0.001
}

/// Whether nginx, if there is one, lets updates through as they come.
fn is_open(case: &Case<'_>, arithmetic: &dyn Arithmetic) -> bool {
    let via = case.contender.link.via;
    let read_timeout = case.scenario.nginx.read_timeout.as_secs_f64();
    let is_quiet = via.is_nginx() && arithmetic.silence_of_answer() > 0.95 * read_timeout;
    !is_quiet && arithmetic.passes(via) == Passage::Open
}
