//! Clients that publish (E27): a frame on the WebSocket, or a POST on a connection that is open already.

use super::ages::Ages;
use super::course::{Arrivals, Course};
use super::jitter;
use super::way::Way;
use crate::Metric;

/// What is predicted of publications: an acknowledgement takes a round trip, over either.
pub(super) fn metrics(course: &Course, way: &Way) -> Vec<(Metric, f64)> {
    let mut all = vec![(Metric::PayloadBytesPerUpdate, course.sizes.payload)];
    all.extend(way.is_far().then(|| (Metric::AckP50, way.round_trip() * 1e6)));
    all
}

/// Ages count from the moment at which a client was due to send: what goes up takes the way, too.
pub(super) fn ages(ages: Ages, way: &Way) -> Ages {
    let up = if way.jitter > 0.0 { jitter::extra(way.jitter, &Arrivals::Known(Vec::new())) } else { vec![0.0] };
    let up: Vec<f64> = up.into_iter().map(|extra| way.least() + extra).collect();
    match ages {
        Ages::Spread { least, at_least, width } if way.jitter == 0.0 => {
            Ages::Spread { least: least + way.least(), at_least, width }
        }
        ages => ages.later_by(&up),
    }
}
