//! The workshop's questions: each is asked by one chapter, and decided by a figure that a short scenario measures.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::read_to_string;
use std::path::{Path, PathBuf};

use feedlab_experiment::class::{Choice, Measured, Question, Questions};
use feedlab_experiment::metric::{TABLE, glossary_markdown};
use feedlab_experiment::{Scenario, predict};
use feedlab_testkit::docs;

/// The exercises, in the order of the course.
const EXERCISES: [&str; 9] = [
    "sse-parser",
    "poll-cursor",
    "long-poll-handler",
    "ids-and-replay",
    "keepalive",
    "reconnect",
    "bounded-queue",
    "clean-up",
    "fallback-ladder",
];
/// The presets of the live page.
const PRESETS: [&str; 7] = ["healthy", "far", "idle-proxy", "buffering-proxy", "deploy-503", "slow-client", "six-tabs"];
/// Questions whose answer no formula predicts, because it depends on the implementation.
const MEASURED_ALONE: [&str; 1] = ["stream-memory"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn questions() -> Vec<Question> {
    let text = read_to_string(root().join("docs/workshop/questions.toml")).unwrap();
    toml::from_str::<Questions>(&text).unwrap_or_else(|error| panic!("questions.toml: {error}")).question
}

/// Returns the chapters' names with their text.
fn chapters() -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(root().join("docs/workshop")).unwrap().map(|entry| entry.unwrap().path());
    let chapters = entries.filter(|path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with(|first: char| first.is_ascii_digit())
            && path.extension().is_some_and(|extension| extension == "md")
    });
    let named = |path: PathBuf| (path.file_stem().unwrap().to_str().unwrap().to_owned(), read_to_string(path).unwrap());
    chapters.map(named).collect()
}

/// Returns the names in the markers of a kind, in all chapters, as (chapter, name).
fn marked(kind: &str) -> Vec<(String, String)> {
    let start = format!("<!-- {kind}: ");
    let mut found = Vec::new();
    for (chapter, text) in chapters() {
        let names = text.lines().filter_map(|line| line.strip_prefix(&start)?.strip_suffix(" -->"));
        found.extend(names.map(|name| (chapter.clone(), name.to_owned())));
        assert_eq!(text.matches(&start).count(), found.iter().filter(|(of, _)| *of == chapter).count(), "{chapter}");
    }
    found
}

fn load(path: &str) -> Scenario {
    Scenario::load(&root().join(path)).unwrap_or_else(|error| panic!("{error}"))
}

fn workshop_scenarios() -> Vec<String> {
    let entries = std::fs::read_dir(root().join("scenarios/workshop")).unwrap();
    let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    entries.map(|entry| format!("scenarios/workshop/{}", name(entry))).collect()
}

#[test]
fn every_scenario_is_valid_and_run_by_the_chapter_it_names() {
    let runs: BTreeSet<_> = marked("run").into_iter().map(|(_, path)| path).collect();
    assert_eq!(runs, workshop_scenarios().into_iter().collect());
    for (chapter, path) in marked("run") {
        let scenario = load(&path);
        assert_eq!(Path::new(&path).file_stem().unwrap(), scenario.name.as_str());
        assert!(scenario.question.ends_with('?') && !scenario.thresholds.is_empty(), "{path}");
        let number = chapter.split('-').next().unwrap().trim_start_matches('0');
        let start = format!("# Chapter {number}. ");
        assert!(read_to_string(root().join(&path)).unwrap().starts_with(&start), "{path} starts with `{start}`");
    }
}

#[test]
fn every_question_is_asked_only_by_its_chapter() {
    let asked = marked("question");
    let questions = questions();
    let expected: Vec<_> = questions.iter().map(|q| (q.chapter.clone(), q.id.clone())).collect();
    assert_eq!(asked, expected, "markers in the chapters, questions in questions.toml, in the same order");
    let ids: BTreeSet<_> = questions.iter().map(|question| &question.id).collect();
    assert_eq!(ids.len(), questions.len());
}

/// Markers are invisible on GitHub, so the chapter repeats the question and its choices below them.
#[test]
fn every_chapter_repeats_its_questions() {
    let chapters = chapters();
    for question in questions() {
        let text = &chapters[&question.chapter];
        let rest = text.split(&format!("<!-- question: {} -->", question.id)).nth(1).unwrap();
        let rest = rest.split("<!--").next().unwrap();
        assert!(rest.contains(&format!("**{}**", question.text)), "{}: the question is another", question.id);
        let listed: Vec<_> = rest.lines().filter_map(|line| line.strip_prefix("- ")).collect();
        let choices: Vec<_> = question.choices.iter().map(|choice| choice.text.as_str()).collect();
        // The last question of a chapter is followed by the next section.
        assert!(listed.starts_with(&choices), "{}: {listed:?}", question.id);
    }
}

#[test]
fn every_question_can_be_answered_and_decided() {
    for question in questions() {
        let Question { id, text, choices, unit, measured, because, .. } = &question;
        assert!(text.ends_with('?') && because.ends_with('.'), "{id}");
        assert_eq!(unit.is_some(), measured.is_some(), "{id}: what is measured has a unit");
        assert!(!choices.is_empty() || measured.is_some(), "{id}: choices, or a number that is measured");
        assert!(choices.is_empty() || choices.len() >= 3, "{id}");
        let right = choices.iter().filter(|choice| choice.right).count();
        assert_eq!(right, usize::from(measured.is_none()), "{id}: a standard decides, or a measurement");
        if let Some(measured) = measured {
            decided(&question, measured);
        }
    }
}

fn decided(question: &Question, measured: &Measured) {
    let Question { id, choices, .. } = question;
    assert!(measured.scenario.starts_with("scenarios/workshop/") && measured.per > 0.0, "{id}");
    let scenario = load(&measured.scenario);
    assert!(scenario.contenders.iter().any(|c| c.label == measured.contender), "{id}: {}", measured.contender);
    bands(id, choices);
    let predictions = predict::of(&scenario);
    let prediction = predictions.iter().find(|prediction| prediction.label == measured.contender).unwrap();
    let value = prediction.predicted.metrics.get(&measured.metric).map(|value| value / measured.per);
    assert_eq!(value.is_none(), MEASURED_ALONE.contains(&id.as_str()), "{id}: {value:?}");
    let Some(value) = value else { return };
    for edge in choices.iter().filter_map(|choice| choice.from) {
        // A class should not see one choice predicted and an adjacent one measured.
        assert!((value - edge).abs() > 0.1 * edge, "{id}: {value} is predicted, too near to the edge at {edge}");
    }
}

/// Choices with ranges leave no gaps and do not overlap.
fn bands(id: &str, choices: &[Choice]) {
    let Some(first) = choices.first() else { return };
    assert!(first.from.is_none() && choices.last().unwrap().below.is_none(), "{id}");
    for pair in choices.windows(2) {
        assert!(pair[0].below.is_some() && pair[0].below == pair[1].from, "{id}: {:?}", pair[1].text);
    }
    let edges: Vec<_> = choices.iter().filter_map(|choice| choice.from).collect();
    assert!(edges.is_sorted(), "{id}");
}

#[test]
fn every_exercise_has_a_chapter_and_every_preset_exists() {
    let mut exercises: Vec<_> = marked("exercise").into_iter().map(|(_, name)| name).collect();
    exercises.sort();
    let mut expected = EXERCISES.to_vec();
    expected.sort_unstable();
    assert_eq!(exercises, expected);
    let presets: BTreeSet<_> = marked("page").into_iter().map(|(_, name)| name).collect();
    let expected: BTreeSet<_> = PRESETS.iter().map(|name| format!("preset={name}")).collect();
    assert_eq!(presets, expected);
}

#[test]
fn every_card_is_on_the_page_of_cards() {
    let page = read_to_string(root().join("docs/workshop/cards.md")).unwrap();
    let mut count = 0;
    for entry in std::fs::read_dir(root().join("scenarios/cards")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(page.contains(&format!("(../../scenarios/cards/{name})")), "{name} is not in cards.md");
        assert!(page.contains(&format!("feedlab predict scenarios/cards/{name}\n")), "{name}");
        count += 1;
    }
    assert_eq!(page.matches("\n## ").count(), count);
    let page = page.split_whitespace().collect::<Vec<_>>().join(" "); // lines end where they end
    for part in ["**Budget**", "**Delivery**", "**In view**"] {
        assert_eq!(page.matches(part).count(), count, "{part}");
    }
}

/// The terms of the glossary are written by hand; the metrics below them are the metric table.
#[test]
fn the_glossary_is_the_metric_table() {
    let page = docs::read("docs/workshop/glossary.md");
    let words = page.split("\n## ").next().unwrap();
    let metrics = glossary_markdown();
    let metrics = &metrics[metrics.find("\n## Freshness").unwrap()..];
    let expected = format!("{words}{metrics}");
    docs::assert_generated("docs/workshop/glossary.md", &expected);
    assert_eq!(expected.matches("\n| `").count(), TABLE.len());
}
