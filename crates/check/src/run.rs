//! A check: the cases of a contract, tried on a server one after the other. The CLI calls [`check`]; `docs/contract/README.md`
//! says what each step means, and the files below carry it out: `case.rs` one case, `sending.rs` what it does,
//! `expecting.rs` what it expects.

use std::collections::HashSet;
use std::time::Duration;

use feedlab_feed::clock;
use tokio_util::sync::CancellationToken;

use crate::contract::{Case, Stage};
use crate::outcome::{CaseResult, CheckError, NOT_CHOSEN, Progress, Report, StageResult, Verdict};
use crate::target::{Search, Target, find};

use case::{CaseRun, Context};
use needs::Abilities;
use options::{check_choice, is_chosen, needs_publisher};
use token::Tokens;

mod budget;
mod case;
mod exchange;
mod expecting;
mod needs;
mod observed;
mod opening;
mod options;
mod sending;
mod token;
mod trace;

pub use options::Options;

/// Tries the cases of a contract on a server. When `stop` is cancelled, the report has the cases so far.
///
/// # Errors
/// When there is nothing to try, or the server cannot be reached.
pub async fn check(
    options: Options,
    progress: &mut dyn Progress,
    stop: &CancellationToken,
) -> Result<Report, CheckError> {
    check_choice(&options)?;
    let search = Search {
        url: options.url.clone(),
        profile: options.profile,
        headers: options.headers.clone(),
        tls: options.tls.clone(),
        mapping: options.mapping.clone(),
        within: options.timeout,
    };
    let mut tokens = Tokens::new();
    let prepared = async {
        let (target, reason) = find(&search).await?;
        let abilities =
            Abilities::find(&options, &target, &mut tokens, needs_publisher(&options, target.profile)).await?;
        Ok((target, reason, abilities))
    };
    let Some(prepared) = stop.run_until_cancelled(prepared).await else {
        return Err(CheckError::Unreachable("interrupted before the first case".to_owned()));
    };
    let (target, profile_reason, mut abilities) = prepared?;
    let mut report = Report {
        url: target.shown(),
        profile: target.profile,
        profile_reason,
        publisher: abilities.publisher.describe(),
        stages: Vec::new(),
        interrupted: false,
    };
    progress.begins(&report);
    let mut run = Run { options: &options, target: &target, tokens, failed: HashSet::new(), broken: None };
    for stage in &options.contract.stages {
        run.stage(stage, &mut abilities, &mut report, progress, stop).await;
        if let Some(what) = run.broken {
            return Err(CheckError::BadInput(what));
        }
    }
    Ok(report)
}

/// A run over the stages.
struct Run<'a> {
    options: &'a Options,
    target: &'a Target,
    tokens: Tokens,
    /// The cases that failed, and those that could not be tried because of them.
    failed: HashSet<&'a str>,
    /// What is wrong with a command of the user's, which ends the check.
    broken: Option<String>,
}

impl<'a> Run<'a> {
    async fn stage(
        &mut self,
        stage: &'a Stage,
        abilities: &mut Abilities,
        report: &mut Report,
        progress: &mut dyn Progress,
        stop: &CancellationToken,
    ) {
        let cases: Vec<&Case> =
            stage.cases.iter().filter(|case| case.profiles.contains(&self.target.profile)).collect();
        if cases.is_empty() || report.interrupted {
            return;
        }
        let chosen = cases.iter().filter(|case| is_chosen(self.options, stage, case)).count();
        if chosen > 0 {
            progress.stage(stage.stage, &stage.title, &stage.question, chosen);
        }
        let mut results = Vec::with_capacity(cases.len());
        for case in cases {
            if !is_chosen(self.options, stage, case) {
                results.push(result(case, Duration::ZERO, Verdict::NotTried { reason: NOT_CHOSEN.to_owned() }));
                continue;
            }
            let began = clock::now();
            let Some(verdict) = stop.run_until_cancelled(self.case(case, abilities, progress)).await else {
                report.interrupted = true;
                break;
            };
            if matches!(verdict, Verdict::Failed(_)) || self.failed_requirement(case).is_some() {
                self.failed.insert(&case.id);
            }
            let result = result(case, began.elapsed(), verdict);
            progress.case(&result);
            results.push(result);
            if self.broken.is_some() {
                break;
            }
        }
        let (title, question) = (stage.title.clone(), stage.question.clone());
        report.stages.push(StageResult { stage: stage.stage, title, question, cases: results });
    }

    /// The first case that has to pass before this one, and failed or could not be tried because of one that failed. One
    /// that was not tried for another reason says nothing about the server.
    fn failed_requirement<'c>(&self, case: &'c Case) -> Option<&'c str> {
        case.requires.iter().map(String::as_str).find(|id| self.failed.contains(id))
    }

    async fn case(&mut self, case: &Case, abilities: &mut Abilities, progress: &mut dyn Progress) -> Verdict {
        if let Some(required) = self.failed_requirement(case) {
            return Verdict::NotTried { reason: format!("needs {required}, which did not pass") };
        }
        let publisher = abilities.publisher.clone();
        let mut context = Context {
            target: self.target,
            publisher: &publisher,
            restart: self.options.restart_command.as_deref(),
            patience: self.options.timeout,
            tokens: &mut self.tokens,
            progress,
            broken: &mut self.broken,
        };
        if let Some(reason) = abilities.lack(case, &mut context).await {
            return Verdict::NotTried { reason };
        }
        let failure = CaseRun::all_sizes(&mut context, case).await;
        match (&self.broken, failure) {
            (Some(reason), _) => Verdict::NotTried { reason: reason.clone() },
            (None, Some(failure)) => Verdict::Failed(Box::new(failure)),
            (None, None) => Verdict::Passed,
        }
    }
}

fn result(case: &Case, took: Duration, verdict: Verdict) -> CaseResult {
    CaseResult {
        id: case.id.clone(),
        rule: case.rule.clone(),
        source: case.source.clone(),
        url: case.url.clone(),
        fix: case.fix.clone(),
        level: case.level,
        took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        verdict,
    }
}

#[cfg(test)]
mod tests;
