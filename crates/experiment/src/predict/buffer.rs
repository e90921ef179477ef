//! A buffering proxy (E14): it holds back what the server pushes until so many bytes have come together, and raises no
//! error.

use super::ages::Ages;
use super::course::{Arrivals, Course};
use super::way::Way;
use crate::scenario::{Contender, Options};

/// What TLS 1.3 adds to a write: the record's header, its type, and the tag (RFC 8446, section 5.2).
const RECORD: f64 = 22.0;

/// Updates of a stream that are held back together: so many make the buffer full. It is emptied as a whole, so that with
/// updates of one size it is the same number each time. `None` for polls.
fn held_together(contender: &Contender, course: &Course, buffer: u64) -> Option<usize> {
    let framed = match contender.options {
        Options::Sse { .. } => course.sizes.chunk,
        Options::WebSocket { .. } => course.sizes.frame,
        Options::ShortPolling { .. } | Options::LongPolling { .. } | Options::Auto { .. } => return None,
    };
    let sealed = if contender.link.tls { RECORD } else { 0.0 };
    Some((buffer as f64 / (framed + sealed)).ceil().max(1.0) as usize)
}

/// The ages over a stream whose updates wait until a buffer is full: each for the last of its heap, so that they are
/// spread over the time `B/(λ·size)` that it takes to fill, and then take the way. Where in the stream a heap begins is
/// taken as random.
pub(super) fn ages(contender: &Contender, course: &Course, buffer: u64, way: &Way) -> Option<Ages> {
    let heap = held_together(contender, course, buffer)?;
    let due = match &course.arrivals {
        Arrivals::Poisson(_) => course.due.as_slice().into(),
        Arrivals::Constant(_) | Arrivals::Known(_) => course.due_until(course.whole.to),
    };
    let [first, end] = [course.measured.from, course.measured.to].map(|time| due.partition_point(|due| *due < time));
    let each = (end - first).div_ceil(MOST_UPDATES).max(1);
    let mut ages = Vec::new();
    for index in (first..end).step_by(each) {
        // It may be the last of its heap, the first, or any between.
        let places = (0..heap).step_by(heap.div_ceil(MOST_PLACES));
        let released = places.map_while(|place| due.get(index + place));
        ages.extend(released.map(|released| released - due[index] + way.transit()));
    }
    ages.sort_by(f64::total_cmp);
    (!ages.is_empty()).then_some(Ages::Sample(ages))
}

/// Updates, and places of each in a heap, that stand for all.
const MOST_UPDATES: usize = 4096;
const MOST_PLACES: usize = 64;

#[cfg(test)]
mod tests {
    use super::super::tests::{contender, course};
    use super::*;

    #[test]
    fn a_buffer_spreads_ages_over_the_time_that_it_takes_to_fill() {
        let sse = contender(Options::Sse { keepalive: std::time::Duration::from_secs(15) });
        let mut course = course(Arrivals::Constant(0.1), 1000.0);
        course.sizes.chunk = 400.0;
        // Ten updates of 400 B fill 4,000 B: the first waits for nine others.
        let ages = ages(&sse, &course, 4000, &Way { rtt: 0.1, ..Way::default() }).unwrap();
        let near = |a: f64, b: f64| assert!((a - b).abs() < 0.005, "{a} {b}");
        near(ages.quantile(0.0), 0.05);
        near(ages.quantile(1.0), 0.95);
        near(ages.mean(), 0.05 + 0.45);
        assert_eq!(held_together(&sse, &course, 4001), Some(11));
        assert_eq!(held_together(&sse, &course, 1), Some(1), "what is larger than the buffer is not held back");
    }

    #[test]
    fn polls_through_a_buffer_have_no_formula() {
        let polls = Options::LongPolling { hold: std::time::Duration::from_secs(25), keep_alive: true };
        assert_eq!(ages(&contender(polls), &course(Arrivals::Constant(0.1), 10.0), 4000, &Way::default()), None);
    }
}
