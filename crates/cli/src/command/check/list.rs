//! The list of cases, with their rules and sources.

use std::io::IsTerminal as _;

use feedlab_check::contract::{Contract, Profile, Stage};
use feedlab_check::report;
use serde_json::json;

use super::{Args, Format};
use crate::exit::bad_input;
use crate::output;

/// Prints the selected stages and cases.
pub(super) fn print(args: &Args, contract: Contract) -> anyhow::Result<()> {
    let stages = selected(args, contract);
    match args.format {
        Format::Text => output::data(&report::list(&stages, std::io::stdout().is_terminal() && !output::no_color())),
        Format::Json => output::json_pretty(&json!({ "stages": stages.iter().map(of_stage).collect::<Vec<_>>() })),
        Format::Junit => {
            Err(bad_input(anyhow::anyhow!("--list has no verdicts to report as JUnit: use --format text or json")))
        }
    }
}

fn selected(args: &Args, contract: Contract) -> Vec<Stage> {
    let profile: Option<Profile> = args.profile.map(Into::into);
    let mut stages = contract.stages;
    stages.retain(|stage| args.stages.is_empty() || args.stages.contains(&stage.stage));
    for stage in &mut stages {
        stage.cases.retain(|case| {
            profile.is_none_or(|profile| case.profiles.contains(&profile))
                && (args.cases.is_empty() || args.cases.contains(&case.id))
        });
    }
    stages.retain(|stage| !stage.cases.is_empty());
    stages
}

fn of_stage(stage: &Stage) -> serde_json::Value {
    let cases = stage.cases.iter().map(|case| {
        json!({
            "id": case.id,
            "profiles": case.profiles,
            "level": case.level,
            "rule": case.rule,
            "source": case.source,
            "url": case.url,
            "fix": case.fix,
        })
    });
    json!({ "stage": stage.stage, "title": stage.title, "question": stage.question, "cases": cases.collect::<Vec<_>>() })
}
