//! Sentences about where one contender becomes cheaper than another. Each comes from a computed comparison; if
//! something was not compared, a sentence says so.

use std::fmt::Display;

use feedlab_experiment::predict::scale::{Panel, RateComparison};
use feedlab_report::human;

/// The most crossings of one kind to show: those nearest to the requested figure.
const MOST: usize = 6;

/// Returns all sentences, for a number of clients and a feed's rate in updates per second.
pub(super) fn lines(panels: &[Panel], by_rate: Option<&[RateComparison]>, (clients, rate): (f64, f64)) -> Vec<String> {
    let mut all = by_clients(panels, clients);
    match by_rate {
        Some(comparisons) => all.extend(along_rates(comparisons, rate)),
        None => all.push(
            "The rates at which another contender becomes cheaper were not computed: the clients publish this feed themselves."
                .to_owned(),
        ),
    }
    all
}

/// A crossing: where it is, and the sentence about it.
type CrossingLine = (f64, String);

fn by_clients(panels: &[Panel], most: f64) -> Vec<String> {
    let found = panels.iter().flat_map(|panel| {
        panel.crossings.iter().map(|crossing| {
            let count = format!("{} clients", human::rough(crossing.clients));
            (crossing.clients, sentence(&panel.title, &crossing.labels, &count))
        })
    });
    let compared = panels.iter().map(|panel| (&*panel.title, panel.curves.len())).collect::<Vec<_>>();
    nearest(found.collect(), &compared, most, &format!("from one client to {}", human::count(most)))
}

fn along_rates(comparisons: &[RateComparison], rate: f64) -> Vec<String> {
    let found = comparisons.iter().flat_map(|comparison| {
        comparison.crossings.iter().map(|crossing| {
            let rate = format!("{} updates/s", human::rough(crossing.updates_per_s));
            (crossing.updates_per_s, sentence(&comparison.cost, &crossing.labels, &rate))
        })
    });
    let compared = comparisons.iter().map(|comparison| (&*comparison.cost, comparison.contenders)).collect::<Vec<_>>();
    let (low, high) = comparisons.first().map_or((0.0, 0.0), |comparison| comparison.range);
    let range = format!("from {} to {} updates/s", human::rough(low), human::rough(high));
    nearest(found.collect(), &compared, rate, &range)
}

fn sentence(cost: &str, (below, above): &(String, String), from: &str) -> String {
    format!("{}: {above} is cheaper than {below} from about {from}.", capitalized(cost))
}

/// Returns the sentences of the crossings nearest to the requested figure, in ascending order. If there are none,
/// returns a sentence about what was compared.
fn nearest(mut found: Vec<CrossingLine>, compared: &[(&str, usize)], asked: f64, range: &str) -> Vec<String> {
    let all = found.len();
    found.sort_by(|a, b| far(a.0, asked).total_cmp(&far(b.0, asked)));
    found.truncate(MOST);
    found.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut lines: Vec<String> = found.into_iter().map(|(_, sentence)| sentence).collect();
    if all > MOST {
        lines.push(format!("({} more crossings {range}; --format json lists all.)", all - MOST));
    }
    if lines.is_empty() { vec![none(compared, range)] } else { lines }
}

/// Returns how far a figure is from the requested one, on a logarithmic axis.
fn far(figure: f64, asked: f64) -> f64 {
    (figure / asked).ln().abs()
}

fn none(compared: &[(&str, usize)], range: &str) -> String {
    let costs: Vec<&str> = compared.iter().filter(|(_, contenders)| *contenders > 1).map(|(cost, _)| *cost).collect();
    match costs.split_last() {
        None => format!("Nothing was compared {range}: fewer than two contenders have known costs."),
        Some((cost, [])) => format!("No contender becomes cheaper than another {range}, in {cost}."),
        Some((last, rest)) => {
            format!("No contender becomes cheaper than another {range}, in {} and {last}.", rest.join(", "))
        }
    }
}

fn capitalized(text: impl Display) -> String {
    let text = text.to_string();
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use feedlab_experiment::predict::scale::RateCrossing;

    use super::*;

    fn comparison(contenders: usize, rates: &[f64]) -> RateComparison {
        let crossing = |rate: &f64| RateCrossing {
            cost: "server CPU".to_owned(),
            updates_per_s: *rate,
            labels: ("SSE".to_owned(), "polls".to_owned()),
        };
        let crossings = rates.iter().map(crossing).collect();
        RateComparison { cost: "server CPU".to_owned(), range: (0.001, 1000.0), contenders, crossings }
    }

    #[test]
    fn h2_no_crossing_is_reported_only_if_something_was_compared() {
        let said = |by_rate: Option<&[RateComparison]>| lines(&[], by_rate, (10.0, 1.0)).pop().unwrap();
        assert!(said(None).contains("were not computed"), "{}", said(None));
        let alone = [comparison(1, &[])];
        assert!(said(Some(&alone)).starts_with("Nothing was compared from 0.001"), "{}", said(Some(&alone)));
        let two = [comparison(2, &[])];
        let expected = "No contender becomes cheaper than another from 0.001 to 1,000 updates/s, in server CPU.";
        assert_eq!(said(Some(&two)), expected);
    }

    #[test]
    fn crossings_are_few_and_sorted_and_nearest_to_the_request() {
        let many = [comparison(2, &[900.0, 0.01, 5.0, 2.0, 1.0, 3.0, 0.5, 4.0])];
        let lines = along_rates(&many, 1.0);
        let rate = |line: &String| {
            line.split_once("about ").and_then(|(_, rest)| rest.split_once(' ').map(|(n, _)| n.to_owned()))
        };
        let rates: Vec<String> = lines.iter().filter_map(rate).collect();
        assert_eq!(rates, ["0.5", "1", "2", "3", "4", "5"]);
        assert!(lines[6].starts_with("(2 more crossings"), "{lines:?}");
    }
}
