//! `feedlab check`: judges any server, case by case, over the network alone.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use clap::ValueEnum;
use feedlab_check::contract::{Contract, Profile};
use feedlab_check::outcome::{CaseResult, CheckError, Report};
use feedlab_check::report::{self, Baseline, Style};
use feedlab_check::run;
use feedlab_feed::{Transport, bounded};

use super::{connection, limits, request};
use crate::exit::{Exit, bad_input};
use crate::interrupt::Interrupt;
use crate::junit;
use crate::output;

mod list;
mod live;
mod options;
mod suite;

use live::Live;

const EXAMPLES: &str = "\
Examples:
  feedlab check http://127.0.0.1:8080                       a feedlab server: every stage
  feedlab check http://127.0.0.1:3000/events                any event stream
  feedlab check http://127.0.0.1:3000/events --publish 'POST /messages {\"text\":\"$UPDATE\"}'
  feedlab check ws://127.0.0.1:3000/chat --publish-command 'redis-cli publish chat \"$UPDATE\"'
  feedlab check http://127.0.0.1:3000/list --items /list --cursor last:/id --after 'since=$CURSOR'
  feedlab check http://127.0.0.1:8080 --stage 4 --stage 5   only two stages
  feedlab check --list --profile sse                        the rules, and where they are written

Exit status:
    0  every case that was tried passed; there may be advice
    1  the server is unreachable
    2  wrong usage: an unknown case, a mapping that finds nothing, a way to publish that fails
    3  a case failed, or an entry of --expect-failures is stale
  130  interrupted; the cases tried until then are reported

Next:
  feedlab inspect URL    what happens to a stream on its way: buffering, compression, timeouts
  feedlab watch URL      what the server sends, as it arrives";

/// Judge any server that sends updates: is it right?
///
/// Tries the cases of a contract in learning order, each with a rule and its source: polling and cursors, long polling,
/// event streams, resuming, WebSockets, slow and vanished clients, restarts, costs. For a failure, it shows the
/// shortest exchange that reproduces it: a sequence diagram, the bytes, the rule, and what to change. It needs only the
/// server's address. With a way to publish (--publish), it also judges what happens to updates; without one, it only
/// listens.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = limits::of_a_check(EXAMPLES))]
pub(crate) struct Args {
    /// The server, or one of its endpoints; a user and password in it are sent (HTTP Basic)
    #[arg(required_unless_present = "list")]
    url: Option<String>,

    /// What kind of server it is [default: detected]
    #[arg(long, value_enum)]
    profile: Option<Kind>,

    /// How to publish an update: a request in which $UPDATE stands for its text
    #[arg(long, value_name = "REQUEST", help_heading = "Publishing", conflicts_with = "publish_command")]
    publish: Option<String>,

    /// Also send this header with --publish (repeatable)
    #[arg(long, value_name = "NAME: VALUE", help_heading = "Publishing", requires = "publish")]
    publish_header: Vec<String>,

    /// How to publish an update: a shell command that finds its text in the environment variable UPDATE
    #[arg(long, value_name = "COMMAND", help_heading = "Publishing")]
    publish_command: Option<String>,

    /// How to restart the server: a shell command that ends it gracefully, starts it again, and returns
    #[arg(long, value_name = "COMMAND", help_heading = "Publishing")]
    restart_command: Option<String>,

    /// Where the items are in a poll's response, as a JSON pointer [default: the first array]
    #[arg(long, value_name = "POINTER", help_heading = "Polls")]
    items: Option<String>,

    /// Where the cursor for the next poll is in the response, as a JSON pointer; last:POINTER looks in the last item,
    /// and header:NAME in a header field
    #[arg(long, value_name = "POINTER", help_heading = "Polls")]
    cursor: Option<String>,

    /// How the next poll sends the cursor: a query in which $CURSOR stands for it
    #[arg(long, value_name = "QUERY", help_heading = "Polls")]
    after: Option<String>,

    /// Try only this stage (repeatable)
    #[arg(long = "stage", value_name = "N", help_heading = "Selection")]
    stages: Vec<u8>,

    /// Try only this case, regardless of the cases that it requires (repeatable)
    #[arg(long = "case", value_name = "ID", help_heading = "Selection")]
    cases: Vec<String>,

    /// A list of cases that are known to fail, one per line; an entry that no longer fails is a failure too
    #[arg(long, value_name = "FILE", help_heading = "Selection")]
    expect_failures: Option<PathBuf>,

    /// List the stages and cases with their rules and sources, and exit
    #[arg(long, help_heading = "Selection")]
    list: bool,

    /// How long to wait for something that must happen
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = super::some_time)]
    timeout: Duration,

    #[command(flatten)]
    identity: request::Identity,

    #[command(flatten)]
    trust: connection::Trust,

    /// Output format: text while the check runs, or a JSON or JUnit report at the end
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// The profiles on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// A feedlab server: the whole contract of docs/wire.md
    Feedlab,
    /// Any event stream
    Sse,
    /// Any WebSocket that sends updates
    Websocket,
    /// Any poll that answers JSON
    Poll,
}

impl From<Kind> for Profile {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Feedlab => Self::Feedlab,
            Kind::Sse => Self::Sse,
            Kind::Websocket => Self::Websocket,
            Kind::Poll => Self::Poll,
        }
    }
}

/// The format of the verdicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For CI systems.
    Junit,
}

/// The JSON of a check: the report, and how it compares with the cases that are known to fail.
#[derive(serde::Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    report: &'a Report,
    /// The cases that may fail.
    #[serde(rename = "expected_failures")]
    expected: Vec<&'a str>,
    /// What is no longer true of that list, a line per entry.
    #[serde(rename = "stale_expected_failures")]
    stale: &'a [String],
}

/// Judges the server and prints the verdicts.
pub(crate) fn execute(args: &Args) -> anyhow::Result<Exit> {
    let contract = Contract::ours()?;
    options::check_selection(args, &contract).map_err(bad_input)?;
    if args.list {
        list::print(args, contract)?;
        return Ok(Exit::Done);
    }
    let baseline = args.expect_failures.as_deref().map(baseline).transpose().map_err(bad_input)?.unwrap_or_default();
    let options = options::of(args, contract.clone()).map_err(bad_input)?;
    let style = Style::of(&contract.stages, std::io::stdout().is_terminal() && !output::no_color());
    let Some(report) = judge(args, options, &baseline, style)? else { return Ok(Exit::Interrupted) };
    check_chosen(&report).map_err(bad_input)?;
    let stale: Vec<String> = baseline.stale(&report, &contract).iter().map(ToString::to_string).collect();
    print(args, &report, (&baseline, &stale), style)?;
    for entry in &stale {
        let file = args.expect_failures.as_deref().unwrap_or_else(|| Path::new("")).display();
        output::advice(&format!("error: {file}: {entry}"));
    }
    Ok(exit(&report, &baseline, &stale))
}

fn baseline(file: &Path) -> anyhow::Result<Baseline> {
    let text =
        bounded::read_text(file, bounded::TEXT_BYTES).with_context(|| format!("cannot read {}", file.display()))?;
    Baseline::parse(&text).with_context(|| file.display().to_string())
}

/// Makes sure that some case was to be tried: a check of nothing would pass whatever the server does.
fn check_chosen(report: &Report) -> anyhow::Result<()> {
    let profile = report.profile;
    anyhow::ensure!(
        report.interrupted || report.cases().any(CaseResult::is_chosen),
        "none of the selected cases applies to this server (--profile {profile}): feedlab check --list --profile {profile} lists those that do"
    );
    Ok(())
}

/// Runs the check. Returns `None` if a signal ended it before the first case, or a second one at once.
fn judge(args: &Args, options: run::Options, baseline: &Baseline, style: Style) -> anyhow::Result<Option<Report>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        let interrupt = Interrupt::listen()?;
        let stop = interrupt.stop.child_token();
        let mut live = Live::new(args.format == Format::Text, baseline, style, stop.clone());
        let report = tokio::select! {
            report = run::check(options, &mut live, &stop) => Some(report),
            () = interrupt.at_once.cancelled() => None,
        };
        live.end()?;
        match report {
            Some(Err(CheckError::Unreachable(_))) if interrupt.stop.is_cancelled() => Ok(None),
            Some(Err(error @ CheckError::BadInput(_))) => Err(bad_input(error)),
            report => Ok(report.transpose()?),
        }
    });
    // A command that publishes may still run.
    runtime.shutdown_background();
    result
}

fn print(args: &Args, report: &Report, (baseline, stale): (&Baseline, &[String]), style: Style) -> anyhow::Result<()> {
    match args.format {
        Format::Json => output::json_pretty(&Document { report, expected: baseline.ids(), stale }),
        Format::Junit => output::data(&junit::document(&[suite::of(report, baseline, stale)])),
        Format::Text => {
            output::data(&report::summary(report, baseline, style))?;
            output::data(&next(report, baseline))
        }
    }
}

/// Returns the commands to go on with.
fn next(report: &Report, baseline: &Baseline) -> String {
    let mut lines = Vec::new();
    if let Some(case) = report.cases().find(|case| baseline.is_surprise(case)) {
        lines.push((format!("the same with --case {}", case.id), "only this case, after a change"));
    }
    if report.publisher.is_none() {
        lines.push(("the same with --publish REQUEST".to_owned(), "also judge what happens to updates"));
    }
    lines.push((format!("feedlab inspect {}", stream_of(report)), "what happens to the stream on its way"));
    let width = lines.iter().map(|(command, _)| command.chars().count()).max().unwrap_or(0);
    let lines: String = lines.iter().map(|(command, why)| format!("  {command:<width$}    {why}\n")).collect();
    format!("\nNext:\n{lines}")
}

/// The URL of a stream of the server.
fn stream_of(report: &Report) -> String {
    match report.profile {
        Profile::Feedlab => format!("{}{}", report.url.trim_end_matches('/'), Transport::Sse.path()),
        Profile::Sse | Profile::Websocket | Profile::Poll => report.url.clone(),
    }
}

fn exit(report: &Report, baseline: &Baseline, stale: &[String]) -> Exit {
    match report.cases().any(|case| baseline.is_surprise(case)) {
        _ if report.interrupted => Exit::Interrupted,
        failed if failed || !stale.is_empty() => Exit::ThresholdMissed,
        _ => Exit::Done,
    }
}
