//! `feedlab run --target`: measures somebody else's server with a scenario of feedlab's own.

use std::path::{Path, PathBuf};

use feedlab_experiment::Scenario;
use feedlab_experiment::scenario::{ScenarioError, Target};

use crate::output;

/// Where the files of known targets are.
const KNOWN: &str = "scenarios/peers/targets";

/// Returns the scenario with a target instead of feedlab's server. Says which contenders are left out.
///
/// # Errors
/// If there is no such target, or the scenario cannot measure it.
pub(super) fn measured_by(scenario: &Scenario, target: &str) -> anyhow::Result<Scenario> {
    let target = find(target, scenario)?;
    let name = target.name.clone();
    let (scenario, left_out) = scenario.with_target(target)?;
    for label in left_out {
        output::advice(&format!("note: {}: {label} is left out: it cannot be measured with {name}", scenario.name));
    }
    Ok(scenario)
}

/// Finds a target by the URL of a running server, a name in the scenario, a file, or the name of a known one.
fn find(text: &str, scenario: &Scenario) -> anyhow::Result<Target> {
    if text.contains("://") {
        return at_url(text);
    }
    if let Some(target) = scenario.targets.iter().find(|target| target.name == text) {
        return Ok(target.clone());
    }
    let is_path = text.ends_with(".toml") || text.contains('/');
    let file = if is_path { PathBuf::from(text) } else { Path::new(KNOWN).join(format!("{text}.toml")) };
    if is_path || file.is_file() {
        return Ok(Target::load(&file)?);
    }
    let mut names: Vec<String> = scenario.targets.iter().map(|target| target.name.clone()).chain(known()).collect();
    names.sort();
    names.dedup();
    let names = if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) };
    anyhow::bail!(
        "there is no target `{}`: --target takes the name of one in the scenario or in {KNOWN}{names}, a file with one \
         [target.NAME], or the URL of a running server",
        text.escape_debug()
    )
}

/// Returns the names of the known targets.
fn known() -> impl Iterator<Item = String> {
    let entries = std::fs::read_dir(KNOWN).into_iter().flatten().flatten().map(|entry| entry.path());
    let files = entries.filter(|file| file.extension().is_some_and(|extension| extension == "toml"));
    files.filter_map(|file| Some(file.file_stem()?.to_str()?.to_owned()))
}

/// Returns a target that has feedlab's own endpoints at a URL.
fn at_url(url: &str) -> anyhow::Result<Target> {
    // A JSON string is a TOML string, too.
    let quoted = serde_json::to_string(url.trim_end_matches('/'))?;
    let text = include_str!("target/own.toml").replace("\"$URL\"", &quoted);
    Target::parse(&text, Path::new(url)).map_err(|error| match error {
        ScenarioError::Invalid { problem, .. } => anyhow::anyhow!(
            "--target {}: {problem}. A URL stands for a running server with feedlab's own endpoints; any other needs a \
             file with a [target.NAME]: feedlab schema",
            url.escape_debug()
        ),
        other => other.into(),
    })
}
