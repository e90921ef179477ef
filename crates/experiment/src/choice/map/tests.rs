//! Tests of the map: it agrees with the answers at its points and on both sides of its lines.

use std::time::Duration;

use super::*;
use crate::choice::Between;
use crate::choice::Input::{Budget, IdleTimeout, PollInterval, Rate, Rtt, Sends};

const SMALL: (usize, usize) = (12, 8);

fn map(x: Input, y: Input) -> Map {
    Map::of(&Question::default(), x, y, SMALL).unwrap()
}

fn asked(map: &Map, at: Spot) -> Outcome {
    Outcome::of(answer(&map.question_at(at)).as_ref())
}

/// Not only where the map has asked: also where it has concluded from neighbors.
#[test]
fn it_agrees_with_the_answer_at_every_point_of_its_grid() {
    for (x, y) in [(Rate, Rtt), (Rate, Budget), (PollInterval, Rate)] {
        let map = map(x, y);
        for row in 0..=SMALL.1 {
            for column in 0..=SMALL.0 {
                let outcome = map.outcomes[row * (SMALL.0 + 1) + column];
                assert_eq!(outcome, asked(&map, map.spot((column, row))), "{x:?} {y:?} at {column}, {row}");
            }
        }
    }
}

/// A line is where the answer changes: at the two ends of the last bisection, the answers are those
/// that the line names.
#[test]
fn it_agrees_with_the_answer_on_both_sides_of_each_line() {
    /// Half of what is left of a cell after seven bisections.
    const HALF: f64 = 1.0 / 256.0 + 1e-6;
    let map = map(Rate, Budget);
    assert!(map.boundaries.len() >= 4, "{}", map.boundaries.len());
    let mut checked = 0;
    for boundary in &map.boundaries {
        for at in &boundary.line {
            let is_on = |share: f64, count: usize| (share * count as f64 - (share * count as f64).round()).abs() < 1e-9;
            let step = match (is_on(at.1, SMALL.1), is_on(at.0, SMALL.0)) {
                (true, false) => (HALF / SMALL.0 as f64, 0.0),
                (false, true) => (0.0, HALF / SMALL.1 as f64),
                // The middle of a cell in which more than two regions meet.
                _ => continue,
            };
            let [a, b] = [1.0, -1.0].map(|side| asked(&map, (at.0 + side * step.0, at.1 + side * step.1)));
            assert_eq!((a.min(b), a.max(b)), boundary.between, "at {at:?}");
            checked += 1;
        }
    }
    assert!(checked > 20, "{checked}");
}

/// Short polling and a push cost equally many bytes there, whatever the criteria after that say.
#[test]
fn a_line_says_by_what_the_answer_changes() {
    let map = map(Rate, Budget);
    let reason = |a: &str, b: &str| {
        let is_it = |line: &&Boundary| (&*line.between.0.key(), &*line.between.1.key()) == (a, b);
        map.boundaries.iter().find(is_it).map(|line| &*line.because)
    };
    assert_eq!(reason("short-polling", "sse"), Some("by bytes"));
    assert_eq!(reason("sse", "none: distance"), Some("the way alone takes longer than the budget"));
}

/// The outlines of all regions together cover the map, each place once.
#[test]
fn the_regions_cover_the_map_once() {
    for (x, y) in [(Rate, Rtt), (Rate, Budget), (PollInterval, Rate)] {
        let map = map(x, y);
        let area = |outline: &Vec<Spot>| {
            let next = outline.iter().cycle().skip(1);
            outline.iter().zip(next).map(|(a, b)| (a.0 * b.1 - b.0 * a.1) / 2.0).sum::<f64>()
        };
        let all: f64 = map.regions.iter().flat_map(|region| &region.outlines).map(area).sum();
        assert!((all - 1.0).abs() < 1e-6, "{x:?} {y:?}: {all}");
        for region in &map.regions {
            let own: f64 = region.outlines.iter().map(area).sum();
            assert!(own > 0.0, "{}", region.outcome);
        }
    }
}

#[test]
fn a_tie_is_a_region_of_its_own() {
    let map = map(Rate, Budget);
    let here = map.here.clone().unwrap();
    assert!(here.outcome.is_tie() && here.outcome.to_string() == "SSE = WebSocket", "{}", here.outcome);
    assert!(map.regions.iter().any(|region| region.outcome == here.outcome));
    assert_eq!(here.outcome.key(), "sse=websocket");
    let sentences = map.sentences();
    assert!(sentences[0].ends_with("SSE and WebSocket are equal."), "{sentences:?}");
    assert!(map.regions.iter().any(|region| region.outcome == Outcome::TooFar), "a budget of 10 ms at 40 ms");
}

#[test]
fn the_question_is_at_its_values_and_has_the_nearest_change_along_each_axis() {
    let map = map(Rate, Budget);
    let here = map.here.unwrap();
    assert_eq!(here.values, (1.0, 2.0));
    assert!((map.x.value(here.at.0) - 1.0).abs() < 1e-9 && (map.y.value(here.at.1) - 2.0).abs() < 1e-9);
    let answer = answer(&Question::default()).unwrap();
    assert_eq!(here.nearest, [answer.nearest(Rate), answer.nearest(Budget)]);
}

#[test]
fn a_question_without_a_value_is_not_on_the_map_unless_the_value_follows() {
    assert_eq!(map(IdleTimeout, Rate).here, None);
    let interval = map(PollInterval, Rate).here.unwrap().values.0;
    assert!((1.9..2.0).contains(&interval), "what a budget of 2 s permits: {interval}");
    let silent = map(Sends, Rtt).here.unwrap();
    assert_eq!((silent.values.0, silent.at.0), (0.0, 0.0), "zero is at the edge");
}

#[test]
fn an_axis_includes_the_value_of_the_question() {
    let question = Question { rate: 5_000.0, payload_bytes: 100, ..Question::default() };
    let map = Map::of(&question, Rate, Rtt, (2, 2)).unwrap();
    assert_eq!((map.x.low, map.x.high), (0.001, 5_000.0));
    assert_eq!(map.here.unwrap().at.0, 1.0);
}

#[test]
fn what_is_no_map_is_refused() {
    let refused = |question: &Question, x, y| Map::of(question, x, y, (2, 2)).unwrap_err().to_string();
    let question = Question::default();
    assert!(refused(&question, Rate, Rate).contains("two different inputs"));
    let chat = Question { chat: true, sends: 0.1, ..question.clone() };
    assert!(refused(&chat, Rate, Rtt).contains("use `sends`"));
    let twice = Question { between: vec![Between::Nginx; 2], ..question.clone() };
    assert!(refused(&twice, Rate, Rtt).contains("named twice"));
    let far = Question { rtt: Duration::from_secs(5), ..question.clone() };
    assert_eq!(Map::of(&far, Rate, Budget, SMALL).unwrap().here.unwrap().outcome, Outcome::TooFar);
    let outside = Question { clients: 0, ..question };
    assert!(refused(&outside, Rate, Rtt).contains("`clients` is 0"));
}

#[test]
fn axes_and_values_are_read_as_people_write_them() {
    assert_eq!(parse_axes("rate, rtt"), Ok((Rate, Rtt)));
    assert_eq!(parse_axes("idle timeout,poll-interval"), Ok((IdleTimeout, PollInterval)));
    assert!(parse_axes("rate").is_err() && parse_axes("rate,pigeons").unwrap_err().contains("poll_interval"));
    assert_eq!(
        (Rate.parse("30/min"), Rtt.parse("40ms"), Input::Clients.parse("10k")),
        (Ok(0.5), Ok(0.04), Ok(10_000.0))
    );
    for (input, text) in [(Rate, "NaN"), (Rtt, "1e99s"), (Input::Clients, "-3"), (Input::Deploys, "inf")] {
        assert!(input.parse(text).is_err(), "{input:?} {text}");
    }
}
