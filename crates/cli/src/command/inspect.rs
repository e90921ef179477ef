//! `feedlab inspect`: reports what goes wrong between a live stream and its clients, from outside only.

use std::time::Duration;

use clap::ValueEnum;
use feedlab_check::inspect::{self, Mark, Options, Report, Target};

use super::{connection, limits, request};
use crate::exit::{Exit, bad_input};
use crate::interrupt::Interrupt;
use crate::output;

mod junit;
mod progress;
mod target;
mod text;
mod via;

use progress::Told;
use via::Via;

const EXAMPLES: &str = "\
Examples:
  feedlab inspect https://app.example/events
  feedlab inspect https://app.example/events --direct http://127.0.0.1:3000   the proxy, or the application?
  feedlab inspect https://app.example/events --find-timeout --for 5m          who cuts a silent stream, and when?
  feedlab inspect https://api.example/chat --method POST --body '{\"stream\":true}' --bearer-env API_KEY
  feedlab inspect http://127.0.0.1:8080/feed/sse --via nginx-buffering        what a buffer looks like

Exit status:
    0  no faults; there may be warnings
    1  the server is unreachable
    2  wrong usage
    3  a fault
  130  interrupted; what was seen until then is reported

Next:
  feedlab check URL    is the server itself right? checks it case by case
  feedlab watch URL    what arrives, as it arrives";

/// Find out why a stream stalls: buffering, compression, timeouts, resuming, caches
///
/// Watches one connection for a while, then opens a few short ones: at most ten in all. It publishes nothing. Each
/// finding is one line: what was measured, and what to change. Works with any event stream, WebSocket or poll, and with
/// streams that answer a POST. Your credentials are never printed.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = limits::of_an_inspection(EXAMPLES))]
pub(crate) struct Args {
    /// The stream: an http(s):// or ws(s):// URL; a user and password in it are sent (HTTP Basic)
    url: String,

    /// How long to watch [default: 30s; 2m with --find-timeout]
    #[arg(long = "for", value_name = "TIME", value_parser = super::some_time)]
    watch: Option<Duration>,

    /// Continue until a silent stream has been cut three times (a WebSocket once), or until the time is up
    #[arg(long)]
    find_timeout: bool,

    /// Also watch the same path at the application itself, such as http://127.0.0.1:3000, to tell whose fault it is
    #[arg(long, value_name = "URL", conflicts_with = "via")]
    direct: Option<String>,

    /// Put a faulty proxy in between, to see what a fault looks like; nginx-buffering requires an http:// URL
    #[arg(long, value_enum)]
    via: Option<Via>,

    /// The method; anything but GET is sent only once, plus once to --direct
    #[arg(long, value_name = "METHOD", default_value = "GET")]
    method: String,

    /// The body of the request; @FILE reads it from a file
    #[arg(long, value_name = "TEXT")]
    body: Option<String>,

    #[command(flatten)]
    request: request::Identity,

    #[command(flatten)]
    link: connection::Flags,

    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// The format of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For programs
    Json,
    /// For CI systems
    Junit,
}

/// A buffer of 4 KiB is full by then, if a small event comes every second.
const WATCH: Duration = Duration::from_secs(30);
const WATCH_FOR_TIMEOUT: Duration = Duration::from_secs(120);
/// How long each short connection may take.
const PROBE: Duration = Duration::from_secs(5);

/// Inspects the stream, until the time is over or Ctrl-C.
pub(crate) fn execute(args: Args) -> anyhow::Result<Exit> {
    let target = target::of(&args).map_err(bad_input)?;
    let default = if args.find_timeout { WATCH_FOR_TIMEOUT } else { WATCH };
    let options = Options { watch: args.watch.unwrap_or(default), find_timeout: args.find_timeout, probe: PROBE };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(run(args, target, options))
}

async fn run(args: Args, mut target: Target, options: Options) -> anyhow::Result<Exit> {
    let interrupt = Interrupt::listen()?;
    let between = match args.via {
        None => None,
        Some(via) => Some(via.start(&mut target).await?),
    };
    let mut told = Told::new(args.format == Format::Text);
    let result = tokio::select! {
        result = inspect::run(&target, &options, &mut told, &interrupt.stop) => result,
        () = interrupt.at_once.cancelled() => {
            told.end();
            return Ok(Exit::Interrupted);
        }
    };
    told.end();
    if let Some(between) = between {
        between.stop().await;
    }
    let report = result?;
    print(&report, args.format)?;
    Ok(exit(&report))
}

fn print(report: &Report, format: Format) -> anyhow::Result<()> {
    match format {
        Format::Text => output::data(&text::report(report, text::Colors::of_stdout())),
        Format::Json => output::json_pretty(report),
        Format::Junit => output::data(&junit::report(report)),
    }
}

fn exit(report: &Report) -> Exit {
    if report.interrupted {
        Exit::Interrupted
    } else if report.with(Mark::Bad).next().is_some() {
        Exit::ThresholdMissed
    } else {
        Exit::Done
    }
}
