//! Tests of the picture: everything that it shows is in words too, and nothing leaves it.

use std::time::Duration;

use feedlab_experiment::choice::{Between, Input, Question};

use super::*;

fn map(question: &Question, x: Input, y: Input) -> Map {
    Map::of(question, x, y, (12, 8)).unwrap()
}

#[test]
fn every_region_and_every_line_is_in_the_picture_and_in_words() {
    let map = map(&Question::default(), Input::Rate, Input::Budget);
    for width in [MapWidth::Wide, MapWidth::Narrow] {
        let svg = map_chart(&map, width).unwrap();
        let (words, picture) = svg.split_once("</desc>").unwrap();
        assert!(words.contains("You are here: 1 updates per second and a budget of 2s. SSE and WebSocket are equal."));
        for region in &map.regions {
            assert!(words.contains(&format!("{}: ", region.outcome)), "{}", region.outcome);
        }
        for (index, kind) in key::lines_of(&map).iter().enumerate() {
            assert!(words.contains(&kind.text), "{}", kind.text);
            assert!(picture.contains(&format!(">\n{}\n<", index + 1)), "no number {}", index + 1);
        }
        assert!(picture.contains("you are here") && picture.contains("budget: how old an update may be"));
    }
}

/// A hatch tells a tie, and not color alone: it has lines in both colors.
#[test]
fn a_tie_is_hatched() {
    let map = map(&Question::default(), Input::Rate, Input::Budget);
    let hatched = |outcome: &Outcome| {
        let mut svg = String::new();
        let mut canvas = Canvas::new(&mut svg, 100.0, 100.0, false);
        let square = vec![(0.0, 0.0), (100.0, 0.0), (100.0, 100.0), (0.0, 100.0)];
        region::draw(&mut canvas, *outcome, &[square]).unwrap();
        canvas.finish().unwrap();
        svg.matches("<line").count()
    };
    for region in &map.regions {
        let expects = region.outcome.is_tie() || region.outcome.transports().is_empty();
        assert_eq!(hatched(&region.outcome) > 10, expects, "{}", region.outcome);
    }
}

#[test]
fn a_map_of_one_region_and_a_question_that_is_not_on_it_are_drawn_too() {
    let question = Question {
        between: vec![Between::CorporateProxy, Between::Nginx],
        budget: Duration::from_millis(300),
        ..Question::default()
    };
    let one = map(&question, Input::Clients, Input::Deploys);
    assert!(map_chart(&one, MapWidth::Narrow).unwrap().contains("Lines: none."));
    let svg = map_chart(&map(&question, Input::IdleTimeout, Input::Rate), MapWidth::Wide).unwrap();
    assert!(svg.contains("not on the map") && !svg.contains(">\nyou are here\n<"));
}
