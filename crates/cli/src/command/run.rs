//! `feedlab run`: measures scenarios, cell by cell, each in processes of its own, and leaves a results folder.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum;
use feedlab_experiment::{Scenario, plan};

use crate::exit::{Exit, bad_input};
use crate::interrupt::{self, Interrupt};
use crate::junit::Junit;
use crate::output::Format;
use spread::{Spread, SpreadArgs};

mod cell;
pub(super) mod child;
pub(super) mod closing;
mod crew;
mod follow;
mod home;
mod keys;
pub(super) mod needs;
mod progress;
mod segment;
pub(super) mod series;
mod server;
mod site;
mod spread;
mod stage;
pub(super) mod table;
mod together;

/// Measure scenarios: one server, many clients, every transport in turn
///
/// For every cell (a contender, a number of clients, a repetition) a fresh server and a fresh load generator are
/// started as processes of their own. What was found goes into a folder of its own, and a page with charts beside it.
/// Ctrl-C stops gracefully and keeps the cells that are done; a second Ctrl-C stops at once.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  feedlab run scenarios/quick.toml
  feedlab run scenarios/ticker.toml scenarios/burst.toml --out /tmp/results
  feedlab run scenarios/quick.toml --format json | jq '.contenders[].metrics.age_p50_us'
  feedlab run scenarios/quick.toml --nats nats://127.0.0.1 --agents 2

Exit status:
    0  done, and every threshold met
    1  something failed
    2  wrong usage, or a scenario that cannot be read
    3  a threshold was missed
    4  the measurement is invalid: the report says why (with --fail-on suspect: or suspect)
  130  interrupted, partial results kept

Next:
  open the report.html that the run names at its end
  feedlab validate SCENARIO    how many cells, and how long it takes")]
pub(crate) struct Args {
    /// The scenario files; each gets a results folder of its own
    #[arg(required = true, value_name = "SCENARIO")]
    scenarios: Vec<PathBuf>,

    /// Folder in which the results folder is made
    #[arg(long, value_name = "DIR", default_value = "results")]
    out: PathBuf,

    /// From which verdict on a run ends with status 4. A suspect one has figures that must be read with care, as when the
    /// machine was busy; the report says why
    #[arg(long, value_enum, default_value_t = FailOn::Invalid, value_name = "VERDICT")]
    fail_on: FailOn,

    /// How the result is printed: a table, or summary.json; of several scenarios a line of JSON each (NDJSON)
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    /// Also write a JUnit report for CI systems: a test case for each threshold of each contender
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,

    #[command(flatten)]
    spread: SpreadArgs,

    /// Stop gracefully when standard input ends: whoever started this run holds the other end of it
    #[arg(long, hide = true)]
    exit_with_stdin: bool,
}

/// The verdict that a run must not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum FailOn {
    /// The figures do not measure the transports
    Invalid,
    /// Something speaks against the figures
    Suspect,
}

/// Runs all scenarios. What can be known to go wrong is told before the first is measured.
pub(crate) fn execute(args: &Args) -> anyhow::Result<Exit> {
    let scenarios = args.scenarios.iter().map(|file| load(file)).collect::<anyhow::Result<Vec<_>>>()?;
    let all: Vec<_> = scenarios.iter().map(|(scenario, _)| scenario).collect();
    let spread = args.spread.checked(&all).map_err(bad_input)?;
    needs::check_descriptors(all.into_iter(), spread.generators()).map_err(bad_input)?;
    scenarios.iter().for_each(|(scenario, _)| needs::tell_of_samples(scenario));
    let mut junit = args.junit.as_deref().map(Junit::create).transpose()?;
    // One thread: this process only waits and draws, and takes no core from what is measured.
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

/// What is to be run, and the text of its file: read once, for it may be a pipe.
fn load(file: &Path) -> anyhow::Result<(Scenario, String)> {
    let text = Scenario::text(file).map_err(bad_input)?;
    let scenario = Scenario::parse(&text, file).map_err(bad_input)?;
    Ok((scenario, text))
}

async fn run_all(
    args: &Args,
    spread: &Spread,
    scenarios: &[(Scenario, String)],
    junit: Option<&mut Junit>,
    interrupt: &Interrupt,
) -> anyhow::Result<Exit> {
    if let (Spread::Segment { segment, start_us, role }, [(scenario, text)]) = (spread, scenarios) {
        let assignment = segment::Assignment { segment: *segment, start_us: *start_us, role: *role };
        return segment::run((scenario, text), &args.out, assignment, &interrupt.stop).await;
    }
    let mut hands = match spread {
        Spread::Agents { .. } => match gather(spread, scenarios, interrupt).await? {
            Some(hands) => Some(hands),
            None => return Ok(Exit::Interrupted),
        },
        _ => None,
    };
    let result = run_each(args, scenarios, junit, interrupt, hands.as_mut()).await;
    if let Some(Hands { crew, .. }) = hands {
        crew.dismiss().await;
    }
    result
}

async fn run_each(
    args: &Args,
    scenarios: &[(Scenario, String)],
    mut junit: Option<&mut Junit>,
    interrupt: &Interrupt,
    mut hands: Option<&mut Hands>,
) -> anyhow::Result<Exit> {
    let mut worst = Exit::Done;
    for (index, (scenario, text)) in scenarios.iter().enumerate() {
        let later = scenarios[index + 1..].iter().map(|(scenario, _)| plan::duration(scenario)).sum();
        worst =
            worst.max(run(args, (scenario, text), later, junit.as_deref_mut(), interrupt, hands.as_deref_mut()).await?);
        if worst == Exit::Interrupted {
            break;
        }
    }
    Ok(worst)
}

/// The agents of a run, and where its servers are.
struct Hands {
    crew: crew::Crew,
    site: site::Site,
}

/// Waits for the agents; `None` if it was stopped.
async fn gather(
    spread: &Spread,
    scenarios: &[(Scenario, String)],
    interrupt: &Interrupt,
) -> anyhow::Result<Option<Hands>> {
    let Spread::Agents { address, agents, name, site } = spread else { return Ok(None) };
    let most = |(scenario, _): &(Scenario, String)| {
        let slow = scenario.clients.slow.map_or(0, |slow| slow.count);
        scenario.clients.count.iter().max().copied().unwrap_or_default() + slow
    };
    let clients = scenarios.iter().map(most).max().unwrap_or_default();
    let crew = crew::Crew::gather(address, name, (*agents, clients), &interrupt.stop).await?;
    Ok(crew.map(|crew| Hands { crew, site: site.clone() }))
}

/// One scenario, from the empty folder to the report; `later` is what those behind it take.
async fn run(
    args: &Args,
    (scenario, text): (&Scenario, &str),
    later: Duration,
    junit: Option<&mut Junit>,
    interrupt: &Interrupt,
    hands: Option<&mut Hands>,
) -> anyhow::Result<Exit> {
    let cell_time = match hands {
        None => plan::cell_duration(scenario),
        Some(_) => plan::parts_duration(scenario),
    };
    let mut series = series::Series::open(scenario, text, &args.out, (cell_time, later))?;
    let folder = args.out.join(series.folder.id());
    let end = series.measure(&interrupt.stop, hands).await;
    let telling =
        closing::Telling { format: args.format, is_one_of_many: args.scenarios.len() > 1, fail_on: args.fail_on };
    let exit = closing::close(series, end, telling);
    // Of two errors, the first.
    let told = junit.map_or(Ok(()), |junit| junit.add_run(scenario, &folder, &exit));
    exit.and_then(|exit| told.map(|()| exit))
}
