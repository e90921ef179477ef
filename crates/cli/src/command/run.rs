//! `feedlab run`: measures scenarios cell by cell, each cell in separate processes, and writes a results folder.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum;
use feedlab_experiment::plan;
use feedlab_experiment::results::Unfinished;

use super::changes::{ChangeArgs, Changed};
use super::limits;
use crate::exit::{Exit, bad_input};
use crate::interrupt::{self, Interrupt};
use crate::junit::Junit;
use crate::network;
use crate::output::Format;
use spread::{Spread, SpreadArgs};

mod agents;
pub(super) mod alone;
mod cell;
pub(super) mod child;
pub(super) mod closing;
mod feed;
mod follow;
mod keys;
mod link;
pub(super) mod needs;
mod neighbors;
pub(super) mod precise;
mod progress;
mod resume;
mod segment;
pub(super) mod series;
mod server;
mod site;
mod spread;
pub(super) mod table;
mod target;
mod testbed;
mod together;
mod trial;

/// Measure scenarios: one server, many clients, every transport in turn
///
/// Each cell (one contender at one client count, in one repetition) gets a fresh server and a fresh load generator,
/// each in a separate process. The results, and a page with charts, go into a new folder. Ctrl-C stops gracefully and
/// keeps the cells that are done; a second Ctrl-C stops immediately.
#[derive(Debug, clap::Args)]
#[command(after_help = limits::of_targets("\
Examples:
  feedlab run scenarios/quick.toml
  feedlab run scenarios/ticker.toml scenarios/burst.toml --out /tmp/results
  feedlab run scenarios/quick.toml --format json | jq '.contenders[].metrics.age_p50_us'
  feedlab run scenarios/quick.toml --nats nats://127.0.0.1 --agents 2
  feedlab run scenarios/quick.toml --target nchan
  feedlab run scenarios/quick.toml --target my-server.toml
  feedlab run scenarios/quick.toml --target http://127.0.0.1:9000
  feedlab run scenarios/quick.toml --only sse --set measure.duration=2s --repetitions 5
  feedlab run --resume results/20261121T120030Z-ticker

Exit status:
    0  done, and every threshold met
    1  something failed
    2  wrong usage, a scenario that cannot be read, or one with a link where this system gives no network namespaces
    3  a threshold was missed
    4  the measurement is invalid (with --fail-on suspect: or suspect); the report says why
  130  interrupted, partial results kept

Next:
  open the report.html whose path the run prints at the end
  feedlab validate SCENARIO    show how many cells a scenario has and how long it takes"))]
pub(crate) struct Args {
    /// Scenario files; each gets its own results folder
    #[arg(required_unless_present = "resume", value_name = "SCENARIO")]
    scenarios: Vec<PathBuf>,

    /// Measure the missing cells of a run that was interrupted, failed or killed. Cells that are done stay as they are. A
    /// SCENARIO is not needed: the folder has it; one that is given must be the same
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["out", "target", "nats", "segment"])]
    resume: Option<PathBuf>,

    /// Folder to create the results folder in
    #[arg(long, value_name = "DIR", default_value = "results")]
    out: PathBuf,

    /// The mildest verdict that makes the run exit with status 4. Read the figures of a suspect run with care: the
    /// machine may have been busy, for example; the report says why
    #[arg(long, value_enum, default_value_t = FailOn::Invalid, value_name = "VERDICT")]
    fail_on: FailOn,

    /// Output format of the result: a table, or summary.json; with several scenarios, one line of JSON each (NDJSON)
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    /// Also write a JUnit report for CI systems, with one test case per threshold and contender
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,

    /// Measure somebody else's server instead of feedlab's: a [target.NAME] of the scenario or of
    /// scenarios/peers/targets/NAME.toml, a file with one, or the URL of a running server with feedlab's own endpoints.
    /// Contenders whose transport it does not have are left out. Before anything is measured, one update must arrive over
    /// each transport
    #[arg(long, value_name = "NAME|FILE|URL")]
    target: Option<String>,

    #[command(flatten)]
    changes: ChangeArgs,

    #[command(flatten)]
    spread: SpreadArgs,

    /// Stop gracefully when standard input ends; the process that started this run holds the other end
    #[arg(long, hide = true)]
    exit_with_stdin: bool,
}

/// The mildest verdict that makes a run fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum FailOn {
    /// The figures do not measure the transports
    Invalid,
    /// The figures are in doubt
    Suspect,
}

/// What to measure.
#[derive(Debug)]
struct Asked {
    changed: Changed,
    /// The run of which to measure the rest; `None` for a new one.
    unfinished: Option<Unfinished>,
}

/// Runs all scenarios. Reports foreseeable problems before it measures the first one.
pub(crate) fn execute(args: &Args) -> anyhow::Result<Exit> {
    let scenarios = match &args.resume {
        Some(folder) => vec![resume::asked(folder, &args.scenarios, &args.changes)?],
        None => args.scenarios.iter().map(|file| load(args, file)).collect::<anyhow::Result<Vec<_>>>()?,
    };
    let all: Vec<_> = scenarios.iter().map(|one| &one.changed.scenario).collect();
    let spread = args.spread.checked(&all).map_err(bad_input)?;
    all.iter().try_for_each(|scenario| link::check(scenario)).map_err(bad_input)?;
    if all.iter().any(|scenario| scenario.link.is_some()) {
        // Before there is a second thread, and before anything is printed that would be printed again.
        network::enter()?;
    }
    needs::check_descriptors(all.iter().copied(), spread.generators()).map_err(bad_input)?;
    scenarios.iter().for_each(|one| needs::warn_of_few_samples(&one.changed.scenario));
    if matches!(spread, Spread::Alone) {
        needs::warn_of_load(all.into_iter());
    }
    let mut junit = args.junit.as_deref().map(Junit::create).transpose()?;
    // One thread: this process only waits and draws, and must not take a core from the measured processes.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let interrupt = Interrupt::listen_with_hangup()?;
        if args.exit_with_stdin {
            interrupt::stop_with_stdin(interrupt.stop.clone());
        }
        tokio::select! {
            result = run_all(args, &spread, &scenarios, junit.as_mut(), &interrupt) => result,
            () = interrupt.at_once.cancelled() => Ok(Exit::Interrupted),
        }
    })
}

/// Returns a scenario with its changes, and with its target if one is chosen.
fn load(args: &Args, file: &Path) -> anyhow::Result<Asked> {
    let mut changed = args.changes.load(file)?;
    if let Some(target) = args.target.as_deref() {
        changed.scenario = target::measured_by(&changed.scenario, target).map_err(bad_input)?;
    }
    Ok(Asked { changed, unfinished: None })
}

async fn run_all(
    args: &Args,
    spread: &Spread,
    scenarios: &[Asked],
    junit: Option<&mut Junit>,
    interrupt: &Interrupt,
) -> anyhow::Result<Exit> {
    if let (Spread::Segment { segment, start_us, role }, [one]) = (spread, scenarios) {
        let assignment = segment::Assignment { segment: *segment, start_us: *start_us, role: *role };
        let Changed { scenario, text, .. } = &one.changed;
        return segment::run((scenario, text), &args.out, assignment, &interrupt.stop).await;
    }
    let mut setup = match spread {
        Spread::Agents { .. } => match gather(spread, scenarios, interrupt).await? {
            Some(setup) => Some(setup),
            None => return Ok(Exit::Interrupted),
        },
        _ => None,
    };
    let result = run_each(args, scenarios, junit, interrupt, setup.as_mut()).await;
    if let Some(AgentSetup { agents, .. }) = setup {
        agents.dismiss().await;
    }
    result
}

async fn run_each(
    args: &Args,
    scenarios: &[Asked],
    mut junit: Option<&mut Junit>,
    interrupt: &Interrupt,
    mut setup: Option<&mut AgentSetup>,
) -> anyhow::Result<Exit> {
    let mut worst = Exit::Done;
    for (index, one) in scenarios.iter().enumerate() {
        let later = scenarios[index + 1..].iter().map(|one| plan::duration(&one.changed.scenario)).sum();
        worst = worst.max(run(args, one, later, junit.as_deref_mut(), interrupt, setup.as_deref_mut()).await?);
        if worst == Exit::Interrupted {
            break;
        }
    }
    Ok(worst)
}

/// The agents of a run, and the site of its servers.
struct AgentSetup {
    agents: agents::Agents,
    site: site::Site,
}

/// Waits for the agents; returns `None` if the run was stopped.
async fn gather(spread: &Spread, scenarios: &[Asked], interrupt: &Interrupt) -> anyhow::Result<Option<AgentSetup>> {
    let Spread::Agents { address, agents, name, site } = spread else { return Ok(None) };
    let most = |Asked { changed: Changed { scenario, .. }, .. }: &Asked| {
        let slow = scenario.clients.slow.map_or(0, |slow| slow.count);
        scenario.clients.count.iter().max().copied().unwrap_or_default() + slow
    };
    let clients = scenarios.iter().map(most).max().unwrap_or_default();
    let agents = agents::Agents::gather(address, name, (*agents, clients), &interrupt.stop).await?;
    Ok(agents.map(|agents| AgentSetup { agents, site: site.clone() }))
}

/// Runs one scenario, from the empty folder to the report. `later` is the planned time of the scenarios after it.
async fn run(
    args: &Args,
    Asked { changed, unfinished }: &Asked,
    later: Duration,
    junit: Option<&mut Junit>,
    interrupt: &Interrupt,
    setup: Option<&mut AgentSetup>,
) -> anyhow::Result<Exit> {
    let scenario = &changed.scenario;
    let cell_time = match setup {
        None => plan::cell_duration(scenario),
        Some(_) => plan::parts_duration(scenario),
    };
    let mut series = match unfinished {
        Some(unfinished) => series::Series::resume(scenario, unfinished, cell_time)?,
        None => series::Series::open(changed, &args.out, (cell_time, later))?,
    };
    let folder = series.folder.path().with_file_name(series.folder.id());
    let end = series.measure(&interrupt.stop, setup).await;
    let options =
        closing::PrintOptions { format: args.format, is_one_of_many: args.scenarios.len() > 1, fail_on: args.fail_on };
    let exit = closing::close(series, end, options);
    // If both fail, return the first error.
    let reported = junit.map_or(Ok(()), |junit| junit.add_run(scenario, &folder, &exit));
    exit.and_then(|exit| reported.map(|()| exit))
}
