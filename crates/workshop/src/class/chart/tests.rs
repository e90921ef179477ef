use feedlab_experiment::class::{Answer, Question, Round, Vote};

use super::super::tally::{Known, Tally};
use super::*;

fn vote(who: usize, answer: Answer) -> Vote {
    Vote { question: "q".into(), round: Round::Before, who: who.to_string(), answer, count: 1, at: 0 }
}

fn question(choices: &str) -> Question {
    let text = "id = \"q\"\nchapter = \"a\"\ntext = \"How <late>?\"\nunit = \"ms\"\nbecause = \"\"\n";
    toml::from_str(&format!("{text}choices = [{choices}]")).unwrap()
}

#[test]
fn bars_say_their_counts_and_texts_stay_texts() {
    let question = question("{id=\"a\",text=\"<b>A</b>\"},{id=\"b\",text=\"B\"}");
    let votes: Vec<Vote> = (0..3).map(|who| vote(who, Answer::Choice("a".into()))).collect();
    let svg = Tally::of(&question, &votes, None, None).svg;
    assert!(svg.contains(">3</text>") && svg.contains("&lt;b&gt;A") && !svg.contains("<b>"), "{svg}");
    assert!(!svg.contains('✓'), "nothing is known yet");
}

#[test]
fn every_number_is_a_dot_and_what_is_known_a_line() {
    let votes: Vec<Vote> = (0..40_u32).map(|who| vote(who as usize, Answer::Number(f64::from(who % 7)))).collect();
    let question = question("");
    let hidden = Tally::of(&question, &votes, None, None).svg;
    assert_eq!(hidden.matches("<circle").count(), 40);
    assert!(!hidden.contains("measured"), "{hidden}");
    let known: Known = Known {
        predicted: Some(500.0),
        measured: Some(515.2),
        from: None,
        report: None,
        right: None,
        because: String::new(),
    };
    let shown = Tally::of(&question, &votes, None, Some(known)).svg;
    assert!(shown.contains("predicted 500 ms") && shown.contains("measured 515 ms"), "{shown}");
}

#[test]
fn long_texts_are_broken_between_words() {
    assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
    assert_eq!(wrapped("", 7), [""]);
}
