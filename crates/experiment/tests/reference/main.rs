//! The reference pages in `docs` and the JSON Schemas next to them are generated from the code.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod tables;

use std::path::Path;

use feedlab_experiment::scenario::Target;
use feedlab_experiment::{Scenario, scenario, summary};
use feedlab_testkit::docs::{self, assert_generated, assert_part_generated, read};
use serde_json::Value;

fn json(schema: &Value) -> String {
    serde_json::to_string_pretty(schema).unwrap() + "\n"
}

#[test]
fn the_published_schemas_are_those_of_the_code() {
    assert_generated("docs/schemas/scenario.schema.json", &json(&scenario::written::json_schema()));
    assert_generated("docs/schemas/summary.schema.json", &json(&summary::json_schema()));
}

#[test]
fn the_page_of_the_scenario_file_has_every_key() {
    assert_part_generated("docs/scenario-file.md", &tables::scenario(&scenario::written::json_schema()));
}

#[test]
fn the_page_of_the_results_folder_has_every_field_of_the_summary() {
    assert_part_generated("docs/results-folder.md", &tables::summary(&summary::json_schema()));
}

/// The examples may be indented, as in a list.
#[test]
fn the_examples_of_scenarios_are_valid() {
    for page in ["docs/scenario-file.md", "docs/measure.md"] {
        let text = read(page);
        let example = text.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        let example: Vec<&str> = example.lines().map(str::trim_start).collect();
        if let Err(error) = Scenario::parse(&example.join("\n"), Path::new(page)) {
            panic!("{error}");
        }
    }
}

#[test]
fn the_example_of_a_target_is_valid() {
    let page = read("docs/scenario-file.md");
    let (_, example) = page.split_once("```toml\nschema = 1\n\n[target.").unwrap();
    let example = format!("[target.{}", example.split("```").next().unwrap());
    let target = Target::parse(&example, Path::new("mine.toml")).unwrap();
    assert_eq!((target.name.as_str(), target.endpoints.len()), ("mine", 3));
}

/// Every summary in the repository: the sample run and the recorded runs of the workshop.
#[test]
fn committed_summaries_match_the_published_schema() {
    let schema: Value = serde_json::from_str(&read("docs/schemas/summary.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut seen = 0;
    for folder in ["results", "docs/workshop/recorded"] {
        for run in std::fs::read_dir(docs::path(folder)).unwrap() {
            let file = run.unwrap().path().join("summary.json");
            let Ok(text) = std::fs::read_to_string(&file) else { continue };
            let summary: Value = serde_json::from_str(&text).unwrap();
            let errors: Vec<String> = validator.iter_errors(&summary).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{}: {errors:#?}", file.display());
            seen += 1;
        }
    }
    assert!(seen > 5, "{seen} summaries");
}

#[test]
fn a_summary_that_is_wrong_does_not_match() {
    let schema: Value = serde_json::from_str(&read("docs/schemas/summary.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let verdict = serde_json::json!({ "status": "valid", "reasons": [] });
    let with =
        |contenders| serde_json::json!({ "schema": 1, "run": "r", "verdict": verdict, "contenders": contenders });
    assert!(validator.is_valid(&with(serde_json::json!([]))));
    let entry = |value| serde_json::json!([{ "label": "SSE", "transport": "sse", "clients": 1, "metrics": { "age_p50_us": value } }]);
    assert!(validator.is_valid(&with(entry(serde_json::json!({ "value": 1.5, "low": null, "high": null })))));
    for wrong in [serde_json::json!(1.5), serde_json::json!({ "value": "1.5" }), serde_json::json!({ "low": 1.0 })] {
        assert!(!validator.is_valid(&with(entry(wrong.clone()))), "{wrong}");
    }
}
