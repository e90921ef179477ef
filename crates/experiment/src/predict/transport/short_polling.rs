//! Short polling: a client sends a request every `interval`, whether or not there are updates.

use feedlab_feed::Transport;
use feedlab_feed::wire::poll;

use super::polling::{self, Heads};
use super::{
    Ages, Arithmetic, Bytes, Carriage, Case, FeedModel, NetworkPath, NotPredicted, Sizes, Span, Traffic, Wire, heads,
};
use crate::predict::model::{Arrivals, CLOSE, DELAYED_ACK, OPEN, acks, period, segments, wire};
use crate::scenario::Headers;

const THIS: Transport = Transport::ShortPolling;

/// The options of short polling.
#[derive(Clone, Copy, Debug)]
pub(super) struct ShortPolling {
    /// The time from one request to the next, s.
    pub(super) interval: f64,
    /// Whether one connection is used for all requests.
    pub(super) keep_alive: bool,
    /// Whether the answer "nothing new" is a 304.
    pub(super) conditional: bool,
}

impl Arithmetic for ShortPolling {
    // Requests.
    fn request_pattern(&self) -> &'static str {
        "A client polls at a fixed rate, with its own random phase, independent of the feed; if a poll is still in \
         flight when the next one is due, the next one is skipped."
    }

    fn traffic(&self, case: &Case<'_>, feed: &FeedModel, span: Span) -> Traffic {
        let cycle = self.cycle(&case.path);
        let traffic = match per_second(cycle, &feed.arrivals_in(span)) {
            Some(per_second) => counted(per_second.times(span.length()), feed, span, (cycle, self.churn(case))),
            None => polled(feed, span, cycle),
        };
        // Slots that are skipped because a poll is in flight.
        let traffic = Traffic { skipped: (1.0 / self.interval - 1.0 / cycle) * span.length(), ..traffic };
        match self.churn(case) {
            0.0 => traffic,
            churn => {
                let changed = self.changed(traffic, churn, span.length());
                // After a connection is replaced, slots are counted from the answer to its first poll.
                let requests = changed.requests - changed.changes * (case.path.open_time() / cycle).min(1.0);
                with_changes(Traffic { requests, ..changed }, &feed.arrivals_in(span), cycle, churn)
            }
        }
    }

    fn churn(&self, case: &Case<'_>) -> f64 {
        polling::churn(case, self.keep_alive)
    }

    /// A client that reconnects polls immediately, and then with a new phase.
    fn changed(&self, traffic: Traffic, churn: f64, time: f64) -> Traffic {
        polling::changed(traffic, churn * time)
    }

    fn may_lose(&self, case: &Case<'_>, feed: &FeedModel) -> Option<NotPredicted> {
        let gap = polling::gap(&case.path, self.keep_alive);
        polling::may_lose(case, feed, self.interval.max(gap))
    }

    /// Without a history, a poll never finds an update.
    fn lossy_traffic(
        &self,
        _: &Case<'_>,
        _: &FeedModel,
        why: NotPredicted,
    ) -> Result<(Option<f64>, f64), NotPredicted> {
        if why == NotPredicted::NoHistory { Ok((None, 0.0)) } else { Err(why) }
    }

    // Ages.
    /// An update waits until the next request arrives, and the answer takes the one-way delay `d` (E01). Requests have
    /// a fixed rate and a random phase for each client, which is independent of the feed, so the wait is uniform on
    /// `[0, T]` whatever the schedule of the updates: mean and median `T/2 + d`, p95 `0.95 T + d`, standard deviation
    /// `T/√12`. A client that slept *after* each answer would have the cycle `T + R` instead of `T`.
    ///
    /// With evenly spaced updates, a client's ages repeat if `T` is a multiple of the period; only the random phases of
    /// many clients cover the interval.
    ///
    /// If connections are replaced at the rate `c`, the next poll is the next slot or the next replacement, whichever
    /// comes first.
    fn ages(&self, case: &Case<'_>, _: &FeedModel) -> Result<Ages, NotPredicted> {
        let (least, cycle) = (case.path.min_delay(), self.cycle(&case.path));
        let ages = match self.churn(case) {
            0.0 => Ages::Spread { least, at_least: 0.0, width: cycle },
            churn => Ages::from_samples(waits(cycle, churn).map(|wait| least + wait).collect())?,
        };
        Ok(polling::jittered(ages, &case.path))
    }

    fn carriage(&self, case: &Case<'_>, feed: &FeedModel) -> Option<Carriage> {
        let heads = self.heads(case.scenario.clients.headers, &feed.sizes);
        let (request, answer) = (heads.request, polling::answer_size(&heads, &feed.sizes));
        Some(Carriage::Polled { interval: self.interval, request, answer })
    }

    fn phase_error(&self, case: &Case<'_>) -> Option<String> {
        let period = period(&case.scenario.feed.source)?;
        let phases = case.clients * f64::from(case.scenario.measure.repetitions);
        let scatter = scatter(self.cycle(&case.path), period, phases).filter(|scatter| *scatter > 0.01)?;
        Some(format!(
            "Updates are synchronized with the polls, so the ages depend on {phases} random phases: by chance, the \
             mean of a run deviates by about {:.0}%.",
            100.0 * scatter
        ))
    }

    // Headers and bodies.
    /// The first empty answer to a conditional request has a body, because the URL has changed with the cursor; the
    /// following ones are 304 (RFC 9110, section 15.4.5), and their requests contain the entity tag.
    fn bytes(&self, headers: Headers, sizes: &Sizes, traffic: &Traffic) -> Bytes {
        let Traffic { empty, empty_again, .. } = *traffic;
        let (bodies, conditional) = if self.conditional { (empty - empty_again, empty) } else { (empty, 0.0) };
        polling::bytes(&self.heads(headers, sizes), bodies, conditional, sizes, traffic)
    }

    fn handshake(&self, headers: Headers, sizes: &Sizes) -> f64 {
        polling::handshake(&self.heads(headers, sizes), sizes)
    }

    /// All updates that fell due since the last poll.
    fn batch_size(&self, rate: f64) -> f64 {
        (rate * self.interval).max(1.0)
    }

    // Packets.
    /// A request that is answered immediately needs no pure acknowledgement; the answer needs one, unless the next
    /// request is sent before the delayed-acknowledgement time is over.
    fn wire(&self, path: &NetworkPath, traffic: &Traffic, bytes: &Bytes) -> Wire {
        if !self.keep_alive {
            return polling::one_connection_per_request(traffic, bytes);
        }
        let full = segments(bytes.answer);
        let saved = f64::from(u8::from(self.cycle(path) < DELAYED_ACK));
        let answers = traffic.with_updates() * (full + acks(full) - saved) + traffic.empty * (2.0 - saved);
        wire(traffic.requests + answers + traffic.changes * (OPEN + CLOSE), traffic.changes, bytes)
    }

    // Idle time.
    fn idle(&self, path: &NetworkPath, time: f64) -> Traffic {
        polling::idle(time / self.cycle(path))
    }

    fn silence(&self) -> f64 {
        self.interval
    }

    fn silence_of_answer(&self) -> f64 {
        0.0
    }

    // Connecting and reconnecting.
    /// One, or one per request; a client starts with a request for its cursor.
    fn connections(&self, before: f64, answered: f64) -> f64 {
        if self.keep_alive { 1.0 } else { 1.0 + before + answered }
    }

    fn keeps_connections(&self) -> bool {
        self.keep_alive
    }

    /// At the next poll.
    fn time_to_notice(&self) -> f64 {
        self.interval
    }
}

impl ShortPolling {
    /// Returns the time between two polls: the interval, unless a poll takes longer. Slots are skipped while a request
    /// is in flight, so the time between polls is always a multiple of the interval.
    fn cycle(&self, path: &NetworkPath) -> f64 {
        self.interval * (polling::gap(path, self.keep_alive) / self.interval).ceil().max(1.0)
    }

    /// Returns the sizes of requests and responses, with cursors in the URL and in the entity tag of every response.
    pub(super) fn heads(&self, headers: Headers, sizes: &Sizes) -> Heads {
        let more = sizes.digits - 1.0;
        let tag = heads::tag();
        let request = |tag: Option<&str>| {
            polling::request(THIS, &heads::resume(THIS), self.keep_alive, tag, headers).len() as f64 + more
        };
        let validators = [("etag", &*tag), ("cache-control", poll::SHORT_CACHE_CONTROL)];
        let answer = |status, own: &[(&str, &str)]| {
            polling::answer(status, [own, &validators].concat(), self.keep_alive).len() as f64 + more
        };
        Heads {
            request: request(None),
            conditional: request(Some(&tag)) + more,
            body: answer("200 OK", &[("content-type", poll::CONTENT_TYPE), ("content-length", "")]),
            bodiless: answer("304 Not Modified", &[]),
        }
    }
}

/// Returns the traffic of short polling per second (E02). A poll is empty if no update fell due since the previous one:
/// with independent updates, this has the probability `e^(−λT)` (the Poisson distribution at 0), whatever the phase of
/// the client, which is independent of the updates. With an update every `p` s, each update has its own poll if
/// `p ≥ T`, and every poll has an update if `p ≤ T`. Consecutive polls are empty if there is no update for `2T`.
fn per_second(cycle: f64, arrivals: &Arrivals) -> Option<Traffic> {
    let polls = 1.0 / cycle;
    let (empty, empty_again, rate) = match *arrivals {
        Arrivals::Poisson(rate) => {
            let none = (-rate * cycle).exp();
            (none * polls, none * none * polls, rate)
        }
        Arrivals::Constant(period) => {
            let empty = (polls - 1.0 / period).max(0.0);
            let first = ((period - cycle) / cycle).clamp(0.0, 1.0) / period;
            (empty, empty - first, 1.0 / period)
        }
        Arrivals::DueTimes(_) => return None,
    };
    Some(Traffic { requests: polls, empty, empty_again, updates: rate, ..Traffic::default() })
}

/// Returns the traffic including the polls after a connection is replaced: an update is in the same answer as the one
/// that fell due `x` s earlier unless there is a poll of either kind between them. Both kinds are independent of the
/// feed, so there is none with the probability [`no_poll_probability`] of `x`, and the number of answers with updates
/// grows by the ratio of the shares with and without replacements.
fn with_changes(traffic: Traffic, arrivals: &Arrivals, cycle: f64, churn: f64) -> Traffic {
    let [kept, changed] = [0.0, churn].map(|churn| 1.0 - batched_share(arrivals, cycle, churn));
    let before = traffic.empty - traffic.changes;
    let full = traffic.with_updates() * if kept > 0.0 { changed / kept } else { 1.0 };
    let empty = traffic.requests - full;
    let again = if before > 0.0 { (traffic.empty_again - traffic.changes) / before } else { 0.0 };
    Traffic { empty, empty_again: empty * again, ..traffic }
}

/// Returns the probability that there is no poll within `x` s: no slot, `1 − x/T`, and no replacement, `e^(−cx)`.
fn no_poll_probability(x: f64, cycle: f64, churn: f64) -> f64 {
    (1.0 - x / cycle).max(0.0) * (-churn * x).exp()
}

/// Returns the mean time until the next poll: the integral of [`no_poll_probability`].
fn mean_wait(cycle: f64, churn: f64) -> f64 {
    if churn == 0.0 { cycle / 2.0 } else { (1.0 + f64::exp_m1(-churn * cycle) / (churn * cycle)) / churn }
}

/// Returns the share of the updates that are in the same answer as the previous one. The time between independent
/// updates is exponential; over it, the mean of [`no_poll_probability`] is `λ/s · (1 − (1 − e^(−sT))/(sT))` with
/// `s = λ + c`.
fn batched_share(arrivals: &Arrivals, cycle: f64, churn: f64) -> f64 {
    match arrivals {
        Arrivals::Poisson(rate) => {
            let sum = rate + churn;
            if sum > 0.0 { rate / sum * (1.0 + f64::exp_m1(-sum * cycle) / (sum * cycle)) } else { 0.0 }
        }
        Arrivals::Constant(period) => no_poll_probability(*period, cycle, churn),
        Arrivals::DueTimes(due) => {
            let along: f64 = due.windows(2).map(|two| no_poll_probability(two[1] - two[0], cycle, churn)).sum();
            along / due.len().max(1) as f64
        }
    }
}

/// Returns representative waits for the next poll, ascending: the times at which [`no_poll_probability`] falls to
/// evenly spaced values.
fn waits(cycle: f64, churn: f64) -> impl Iterator<Item = f64> {
    /// The number of waits, and of bisection steps to find each.
    const WAITS: u32 = 1_024;
    const HALVINGS: u32 = 40;
    (0..WAITS).rev().map(move |step| {
        let left = (f64::from(step) + 0.5) / f64::from(WAITS);
        let halve = |(low, high): (f64, f64), _| {
            let middle = (low + high) / 2.0;
            if no_poll_probability(middle, cycle, churn) > left { (middle, high) } else { (low, middle) }
        };
        (0..HALVINGS).fold((0.0, cycle), halve).0
    })
}

/// Returns the traffic for a feed with known due times, averaged over the phases of the clients. It iterates over
/// updates and not over polls, of which there may be millions if updates are rare.
fn polled(feed: &FeedModel, span: Span, cycle: f64) -> Traffic {
    let (due, phases) = (feed.due_until(span.to), phases(cycle, span.to));
    phases
        .iter()
        .map(|phase| polled_in_phase(&due, span, cycle, *phase))
        .sum::<Traffic>()
        .times(1.0 / phases.len() as f64)
}

fn polled_in_phase(due: &[f64], span: Span, cycle: f64, phase: f64) -> Traffic {
    // The number of the first poll at or after a time.
    let poll = |time: f64| ((time - phase) / cycle).ceil().max(0.0);
    let (first, end) = (poll(span.from), poll(span.to));
    let mut traffic = Traffic { requests: end - first, ..Traffic::default() };
    let (mut with_updates, mut after_updates, mut last) = (0.0, 0.0, f64::NAN);
    let mut rest = due;
    while let Some(time) = rest.first() {
        let poll = poll(*time);
        // All updates due by then are sent together.
        let together = rest.partition_point(|time| *time <= phase + poll * cycle).max(1);
        rest = &rest[together..];
        let is_another = poll != last;
        after_updates += f64::from(u8::from(is_another && poll != last + 1.0 && (first..end).contains(&(last + 1.0))));
        last = poll;
        if (first..end).contains(&poll) {
            traffic.updates += together as f64;
            with_updates += f64::from(u8::from(is_another));
        }
    }
    after_updates += f64::from(u8::from((first..end).contains(&(last + 1.0))));
    traffic.empty = traffic.requests - with_updates;
    Traffic { empty_again: (traffic.empty - after_updates).max(0.0), ..traffic }
}

/// Sets the number of updates, which is known exactly from the schedule.
fn counted(traffic: Traffic, feed: &FeedModel, span: Span, (cycle, churn): (f64, f64)) -> Traffic {
    if span != feed.measured {
        return traffic;
    }
    let updates = fetched(feed, span.to, cycle, churn) - fetched(feed, span.from, cycle, churn);
    match feed.arrivals {
        // Each update has its own poll.
        Arrivals::Constant(period) if period >= cycle => {
            Traffic { updates, empty: (traffic.requests - updates).max(0.0), ..traffic }
        }
        _ if traffic.with_updates() > 0.0 => Traffic { updates, ..traffic },
        _ => Traffic { updates: 0.0, ..traffic },
    }
}

/// Returns the expected number of updates that polls have delivered by a time. Without replaced connections, an update
/// is delivered at a uniformly distributed time within the interval `T` after its due time; polls within an interval of
/// the feed's start deliver less. Evenly spaced updates are calculated as if no connection were replaced: the
/// difference at the edges is less than one update.
fn fetched(feed: &FeedModel, time: f64, cycle: f64, churn: f64) -> f64 {
    match feed.arrivals {
        _ if !feed.due.is_empty() => {
            let due = feed.due.iter().take_while(|due| **due <= time);
            due.map(|due| 1.0 - no_poll_probability(time - due, cycle, churn)).sum()
        }
        Arrivals::Poisson(rate) if time >= cycle => rate * (time - mean_wait(cycle, churn)),
        Arrivals::Poisson(rate) => rate * time * time / (2.0 * cycle),
        Arrivals::Constant(period) => {
            // The updates due by then, and those of them that clients of every phase have received.
            let due = (time / period).floor() + 1.0;
            let fetched = (((time - cycle) / period).floor() + 1.0).max(0.0);
            let under_way = due - fetched;
            fetched + under_way * (time - period * (due + fetched - 1.0) / 2.0) / cycle
        }
        Arrivals::DueTimes(_) => 0.0,
    }
}

/// Returns the start times of representative clients, whose phases are random.
pub(super) fn phases(cycle: f64, until: f64) -> Vec<f64> {
    /// The maximum number of phases, and of polls of all of them together.
    const PHASES: f64 = 32.0;
    const POLLS: f64 = 1e6;
    let phases = ((PHASES * (POLLS * cycle / until / PHASES).clamp(0.0, 1.0)) as u32).max(1);
    (0..phases).map(|phase| cycle * (f64::from(phase) + 0.5) / f64::from(phases)).collect()
}

/// Returns the scatter of the mean age of short-polling clients around the prediction, as a share of it, if updates are
/// published every `period` s in sync with the polls: then all ages of a client follow from its phase. If updates and
/// polls coincide again after `k` updates, a client's mean age is uniform over `T/k`, with standard deviation
/// `T/(k√12)`. `None` if they do not coincide soon.
pub(super) fn scatter(cycle: f64, period: f64, clients: f64) -> Option<f64> {
    const SOON: u32 = 50;
    let coincide = |k: &u32| {
        let turns = f64::from(*k) * period / cycle;
        (turns - turns.round()).abs() < 0.005
    };
    let k = (1..=SOON).find(coincide)?;
    Some(2.0 / (f64::from(k) * 12f64.sqrt() * clients.sqrt()))
}

#[cfg(test)]
mod tests {
    use feedlab_feed::schedule::Schedule;

    use super::super::polling::Poller;
    use super::*;
    use crate::predict::tests::feed;

    /// Compares the closed forms for clients that replace their connections with sums over small steps.
    #[test]
    fn the_closed_forms_with_churn_equal_numerical_sums() {
        const STEPS: u32 = 100_000;
        let sum = |of: &dyn Fn(f64) -> f64, to: f64| {
            let step = to / f64::from(STEPS);
            (0..STEPS).map(|i| of((f64::from(i) + 0.5) * step) * step).sum::<f64>()
        };
        for (rate, cycle, churn) in [(5.0, 1.0, 0.2), (0.3, 4.0, 1.0), (2.0, 1.0, 0.0), (10.0, 0.1, 0.003)] {
            let gap = |x: f64| rate * (-rate * x).exp() * no_poll_probability(x, cycle, churn);
            let along = batched_share(&Arrivals::Poisson(rate), cycle, churn);
            assert!((along - sum(&gap, cycle)).abs() < 1e-6, "{along}");
            let mean = sum(&|x| no_poll_probability(x, cycle, churn), cycle);
            assert!((mean_wait(cycle, churn) - mean).abs() < 1e-6, "{mean}");
            let waits: Vec<f64> = waits(cycle, churn).collect();
            assert!(waits.is_sorted() && (waits.iter().sum::<f64>() / waits.len() as f64 - mean).abs() < 1e-3 * cycle);
        }
        assert_eq!(batched_share(&Arrivals::Poisson(0.0), 1.0, 0.5), 0.0);
    }

    #[test]
    fn counting_by_updates_equals_counting_by_polls() {
        let bursts = Schedule::Burst { size: 4 }.due_times(0.8);
        let apart = Schedule::Poisson { seed: 3 }.due_times(0.8);
        for due in [bursts, apart] {
            let due = due.map(|time| time.as_secs_f64()).take_while(|time| *time < 60.0).collect();
            let feed = feed(Arrivals::DueTimes(due), 60.0);
            for (span, cycle) in [((7.0, 50.0), 1.0), ((0.5, 60.0), 0.3), ((20.0, 41.5), 7.0)] {
                let span = Span { from: span.0, to: span.1 };
                let simulated = {
                    let at_once = Poller { hold: 0.0, gap: cycle };
                    polling::simulated_traffic(&feed, span, at_once, &phases(cycle, span.to))
                };
                let counted = Traffic { unacknowledged: simulated.unacknowledged, ..polled(&feed, span, cycle) };
                for (name, a, b) in [
                    ("requests", counted.requests, simulated.requests),
                    ("empty", counted.empty, simulated.empty),
                    ("empty again", counted.empty_again, simulated.empty_again),
                    ("updates", counted.updates, simulated.updates),
                ] {
                    assert!((a - b).abs() < 0.07, "{name} in {span:?} every {cycle}: {a} {b}");
                }
            }
        }
    }
}
