//! `feedlab workshop check --url URL`: a learner's own server, in any language, judged stage by stage. Before each stage
//! the learner predicts; the first stage that does not pass ends the check, so that there is one thing to do next.

use std::io::{BufRead as _, IsTerminal as _, Read as _};
use std::time::Duration;

use feedlab_check::connection::Dialer;
use feedlab_check::contract::{Contract, Profile, Stage};
use feedlab_check::outcome::{CaseResult, CheckError, Progress, Report, Verdict};
use feedlab_check::report::{self, Style};
use feedlab_check::run;
use feedlab_feed::clock;
use feedlab_feed::text::visible;
use feedlab_loadgen::transport::Url;
use tokio_util::sync::CancellationToken;

use crate::exit::{Exit, bad_input};
use crate::interrupt::Interrupt;
use crate::output;

/// The longest answer that is read from the terminal, bytes.
const MAX_ANSWER: u64 = 100;

/// Checks the server at a URL: one stage, or all of them in order.
pub(super) fn check(url: &str, only: Option<u8>) -> anyhow::Result<Exit> {
    let url = address(url).map_err(bad_input)?;
    let contract = Contract::ours()?;
    let stages = stages(&contract, only).map_err(bad_input)?;
    let style = Style::of(&stages, std::io::stdout().is_terminal() && !output::no_color());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let lesson = Lesson { url, contract, style };
    let exit = runtime.block_on(async {
        let interrupt = Interrupt::listen()?;
        tokio::select! {
            exit = lesson.check(&stages, &interrupt.stop) => exit,
            () = interrupt.at_once.cancelled() => Ok(Exit::Interrupted),
        }
    });
    // A thread may still wait for an answer from the terminal.
    runtime.shutdown_background();
    exit
}

/// Parses the address of a server on this machine or network. It needs no certificate and no login.
fn address(text: &str) -> anyhow::Result<Url> {
    let is_plain = |url: &Url| url.scheme() == "http" && url.has_host() && url.username().is_empty();
    let url = Url::parse(text).ok().filter(|url| is_plain(url) && url.password().is_none());
    url.ok_or_else(|| anyhow::anyhow!("--url takes the address of your server, as in http://127.0.0.1:8070"))
}

/// Returns the stages that apply to a server of the wire contract.
fn stages(contract: &Contract, only: Option<u8>) -> anyhow::Result<Vec<Stage>> {
    let applies = |stage: &&Stage| stage.cases.iter().any(|case| case.profiles.contains(&Profile::Feedlab));
    let all: Vec<&Stage> = contract.stages.iter().filter(applies).collect();
    let wanted = |stage: &&&Stage| only.is_none_or(|only| only == stage.stage);
    let stages: Vec<Stage> = all.iter().filter(wanted).copied().cloned().collect();
    if let (true, Some(only), [first, .., last]) = (stages.is_empty(), only, &all[..]) {
        anyhow::bail!("there is no stage {only}: they are {} to {}", first.stage, last.stage);
    }
    Ok(stages)
}

/// A server that is checked in stages.
struct Lesson {
    url: Url,
    contract: Contract,
    style: Style,
}

impl Lesson {
    async fn check(&self, stages: &[Stage], stop: &CancellationToken) -> anyhow::Result<Exit> {
        // A learner should not have to predict for a server that is unreachable.
        drop(Dialer::to(&self.url, None)?.open(clock::now()).await?);
        for stage in stages {
            output::data(&report::stage_heading(stage.stage, &stage.title, &stage.question, self.style))?;
            let prediction = tokio::select! {
                prediction = predict() => prediction,
                () = stop.cancelled() => return Ok(Exit::Interrupted),
            };
            let report = self.judge(stage, stop).await;
            if stop.is_cancelled() {
                return Ok(Exit::Interrupted);
            }
            let report = report?;
            let outcome = Outcome::of(&report);
            output::data(&self.told(&report, outcome, prediction))?;
            if outcome == Outcome::Fails {
                output::data(&self.again(stage))?;
                return Ok(Exit::Failed);
            }
        }
        output::data(&self.after(stages))?;
        Ok(Exit::Done)
    }

    async fn judge(&self, stage: &Stage, stop: &CancellationToken) -> anyhow::Result<Report> {
        let options = run::Options {
            profile: Some(Profile::Feedlab),
            stages: vec![stage.stage],
            ..run::Options::new(self.url.clone(), self.contract.clone())
        };
        let stop = stop.child_token();
        let mut lines = Lines { style: self.style, stop: stop.clone(), error: None };
        let report = run::check(options, &mut lines, &stop).await.map_err(|error| match error {
            CheckError::BadInput(_) => bad_input(error),
            CheckError::Unreachable(_) => error.into(),
        });
        lines.error.map_or(report, Err)
    }

    /// Returns the first failure, and the prediction beside the outcome.
    fn told(&self, report: &Report, outcome: Outcome, prediction: Option<bool>) -> String {
        let failed = report.cases().find(|case| case.is_failure());
        let failure = failed.map_or_else(String::new, |case| match &case.verdict {
            Verdict::Failed(failure) => {
                let text = report::failure_text(case, failure, self.style);
                format!("\n  {}:\n{}\n", visible(&case.id), text.trim_end())
            }
            Verdict::Passed | Verdict::NotTried { .. } => String::new(),
        });
        format!("{failure}\n{}\n", beside(prediction, outcome))
    }

    fn again(&self, stage: &Stage) -> String {
        format!("\n  again  feedlab workshop check --url {} --stage {}\n", self.shown(), stage.stage)
    }

    /// Returns what to do after these stages.
    fn after(&self, passed: &[Stage]) -> String {
        let last = passed.last().map_or(0, |stage| stage.stage);
        match self.contract.stages.iter().find(|stage| stage.stage > last) {
            Some(Stage { stage, title, .. }) => format!(
                "\nNext: stage {stage}, {title}\n\n  check  feedlab workshop check --url {} --stage {stage}\n",
                self.shown()
            ),
            None => {
                format!("\nNo stage fails.\n\n  all    feedlab check {}    every case in one report\n", self.shown())
            }
        }
    }

    /// Returns the address as a learner would write it.
    fn shown(&self) -> &str {
        self.url.as_str().trim_end_matches('/')
    }
}

/// What came out of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Passes,
    Fails,
    /// Every case needs something that is not there, such as a way to restart the server.
    NotTried,
}

impl Outcome {
    fn of(report: &Report) -> Self {
        let is_tried = |case: &CaseResult| !matches!(case.verdict, Verdict::NotTried { .. });
        if report.cases().any(CaseResult::is_failure) {
            Self::Fails
        } else if report.cases().any(is_tried) {
            Self::Passes
        } else {
            Self::NotTried
        }
    }
}

/// Returns the prediction beside the outcome.
fn beside(prediction: Option<bool>, outcome: Outcome) -> String {
    let came = match outcome {
        Outcome::Passes => "it passes",
        Outcome::Fails => "it does not pass yet",
        Outcome::NotTried => "none of its cases could be tried",
    };
    match prediction {
        Some(passes) => {
            let predicted = if passes { "it passes" } else { "it does not" };
            format!("you predicted: {predicted}    outcome: {came}")
        }
        None => format!("outcome: {came}"),
    }
}

/// Asks on the terminal whether the stage will pass. Returns `None` without a terminal, or for any answer but yes and no.
async fn predict() -> Option<bool> {
    if !std::io::stdin().is_terminal() {
        return None;
    }
    output::prompt("\nWill your server pass? y, n, or Enter to skip: ");
    let line = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().lock().take(MAX_ANSWER).read_line(&mut line).map(|_| line)
    });
    answer(&line.await.ok()?.ok()?)
}

fn answer(line: &str) -> Option<bool> {
    match line.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Some(true),
        "n" | "no" => Some(false),
        _ => None,
    }
}

/// Prints a line for each case as soon as it has a verdict.
struct Lines {
    style: Style,
    stop: CancellationToken,
    /// The error that ends the check.
    error: Option<anyhow::Error>,
}

impl Progress for Lines {
    fn stage(&mut self, _: u8, _: &str, _: &str, _: usize) {}

    fn case(&mut self, result: &CaseResult) {
        if self.error.is_none()
            && let Err(error) = output::data(&report::case_line(result, false, self.style))
        {
            self.error = Some(error);
            self.stop.cancel();
        }
    }

    fn waiting(&mut self, what: &str, at_most: Duration) {
        output::advice(&format!("{}; this takes up to {:.0} s", visible(what), at_most.as_secs_f64().ceil()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_plain_http() {
        assert_eq!(address("http://127.0.0.1:8070").unwrap().port(), Some(8070));
        for text in ["127.0.0.1:8070", "localhost:8070", "https://127.0.0.1", "http://user:pw@127.0.0.1", "", "http://"]
        {
            let error = address(text).unwrap_err().to_string();
            assert!(error.contains("http://127.0.0.1:8070"), "{text}: {error}");
        }
    }

    #[test]
    fn the_stages_are_those_of_the_wire_contract_or_the_one_that_is_asked_for() {
        let contract = Contract::ours().unwrap();
        let all = stages(&contract, None).unwrap();
        assert!(all.len() >= 9 && all.is_sorted_by_key(|stage| stage.stage));
        let third: Vec<u8> = stages(&contract, Some(3)).unwrap().iter().map(|stage| stage.stage).collect();
        assert_eq!(third, [3]);
        let error = stages(&contract, Some(77)).unwrap_err().to_string();
        assert!(error.starts_with("there is no stage 77: they are 1 to "), "{error}");
    }

    #[test]
    fn a_prediction_is_shown_beside_the_outcome() {
        for (line, predicted) in [("y\n", Some(true)), (" No\r\n", Some(false)), ("\n", None), ("skip\n", None)] {
            assert_eq!(answer(line), predicted, "{line:?}");
        }
        let missed = beside(Some(true), Outcome::Fails);
        assert_eq!(missed, "you predicted: it passes    outcome: it does not pass yet");
        assert_eq!(beside(None, Outcome::Passes), "outcome: it passes");
    }
}
