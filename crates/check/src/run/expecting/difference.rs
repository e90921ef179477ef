//! How the updates that arrived differ from those that were expected, as a sentence.

use std::time::Duration;

use super::listed;
use crate::run::case::Published;

/// An update of the case that arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Arrival {
    /// Its index in the case.
    pub(super) update: usize,
    /// When it arrived, since the case started.
    pub(super) at: Duration,
}

/// How what arrived differs from what is expected.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Difference {
    /// It does not.
    None,
    /// Whatever follows.
    Now(String),
    /// As long as nothing follows.
    Maybe(String),
}

pub(super) fn differ(updates: &[Published], wanted: &[usize], arrivals: &[Arrival]) -> Difference {
    let name = |update: usize| updates[update].name.as_str();
    let times = |update: usize| arrivals.iter().filter(move |arrival| arrival.update == update);
    if let Some(arrival) = arrivals.iter().find(|arrival| times(arrival.update).count() > 1) {
        let all: Vec<String> = times(arrival.update).map(|arrival| ms(since(updates, *arrival))).collect();
        let often = if all.len() == 2 { "twice".to_owned() } else { format!("{} times", all.len()) };
        let when = listed(all.iter().map(String::as_str), "and");
        return Difference::Now(format!("{} {often}: {when} after it was published", name(arrival.update)));
    }
    if let Some(arrival) = arrivals.iter().find(|arrival| !wanted.contains(&arrival.update)) {
        return Difference::Now(format!("{} too, {}", name(arrival.update), after(updates, *arrival)));
    }
    let place = |update: usize| wanted.iter().position(|&other| other == update);
    if let Some(pair) = arrivals.windows(2).find(|pair| place(pair[0].update) > place(pair[1].update)) {
        return Difference::Now(format!("{} before {}", name(pair[0].update), name(pair[1].update)));
    }
    let is_there = |update: &usize| times(*update).next().is_some();
    let (there, missing): (Vec<usize>, Vec<usize>) = wanted.iter().partition(|update| is_there(update));
    let names = |updates: &[usize], last| listed(updates.iter().map(|&update| name(update)), last);
    match (there.as_slice(), missing.as_slice()) {
        (_, []) => Difference::None,
        ([], missing) => Difference::Maybe(format!("no update {}", names(missing, "or"))),
        (there, missing) => Difference::Maybe(format!("{}, but not {}", names(there, "and"), names(missing, "or"))),
    }
}

/// How long after it was published an update arrived.
fn since(updates: &[Published], arrival: Arrival) -> Duration {
    arrival.at.saturating_sub(updates[arrival.update].at)
}

pub(super) fn after(updates: &[Published], arrival: Arrival) -> String {
    format!("{} after it was published", ms(since(updates, arrival)))
}

fn ms(duration: Duration) -> String {
    format!("{} ms", duration.as_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(wanted: &[usize], arrived: &[(usize, u64)], difference: &Difference) {
        let update = |index: usize| Published {
            name: ["a", "b", "c"][index].to_owned(),
            number: index as u64,
            text: String::new(),
            data: String::new(),
            at: Duration::from_millis(10),
        };
        let arrivals: Vec<Arrival> =
            arrived.iter().map(|&(update, ms)| Arrival { update, at: Duration::from_millis(ms) }).collect();
        assert_eq!(differ(&[update(0), update(1), update(2)], wanted, &arrivals), *difference);
    }

    #[test]
    fn a_difference_is_a_sentence() {
        check(&[0, 1], &[(0, 11), (1, 12)], &Difference::None);
        check(&[], &[], &Difference::None);
        check(&[0], &[(0, 22), (0, 25)], &Difference::Now("a twice: 12 ms and 15 ms after it was published".into()));
        check(&[0], &[(0, 22), (1, 13)], &Difference::Now("b too, 3 ms after it was published".into()));
        check(&[0, 1], &[(1, 22), (0, 25)], &Difference::Now("b before a".into()));
        check(&[0, 1], &[], &Difference::Maybe("no update a or b".into()));
        check(&[0, 1, 2], &[(0, 11), (2, 12)], &Difference::Maybe("a and c, but not b".into()));
    }
}
