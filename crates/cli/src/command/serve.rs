//! `feedlab serve`: serves one feed at four endpoints, until it is stopped.

use feedlab_feed::access::{HostName, Origin};
use feedlab_feed::settings::{Settings, SlowPolicy};
use feedlab_feed::source::{Recording, SourceConfig};
use feedlab_feed::{Epoch, process};
use feedlab_nats::Credentials;
use feedlab_server::tls::Identity;
use feedlab_server::{Config, Listeners, Server, ServerError};
use feedlab_workshop::choose;
use feedlab_workshop::lab::{Labs, MainFeed};
use tokio_util::sync::CancellationToken;

use crate::command::limits;
use crate::exit::{Exit, bad_input};
use crate::input::handed_over;
use crate::interrupt::{self, Interrupt};
use crate::log;
use crate::output::{self, Format};

pub(super) mod endpoints;
pub(super) mod feed;
pub(super) mod listen;
mod tls;

pub(crate) use endpoints::Listening;
use endpoints::ServerInfo;
use feed::FeedArgs;
use listen::Address;
use tls::TlsArgs;

const EXAMPLES: &str = "\
Examples:
  feedlab serve
  feedlab serve --feed synthetic --rate 50 --schedule poisson
  feedlab serve --feed replay:scenarios/feeds/earthquakes.ndjson --speed 1000 --repeat
  ping localhost | feedlab serve --feed stdin
  feedlab serve --feed none --allow-publish
  feedlab serve --feed nats://127.0.0.1/QUAKES --allow-publish

Next:
  paste one of the printed commands into another terminal, or open the page in a browser";

/// Serve one feed over short polling, long polling, SSE and WebSocket
///
/// Prints the URL of every endpoint with a command to try it. By default, it listens only on this machine and publishes
/// this machine's load once per second. Ctrl-C or SIGTERM shuts it down gracefully: streams get a close message, and
/// polls an answer.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = limits::of_a_server(EXAMPLES))]
pub(crate) struct Args {
    /// Address and port to listen on; port 0 picks a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: Address,

    /// A second address, only for /stats, /metrics, /healthz and /control/start; requests there are not counted
    #[arg(long, value_name = "ADDR")]
    control: Option<Address>,

    /// Output format for the address: text on standard error, or a line of JSON on standard output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    #[command(flatten)]
    feed: FeedArgs,

    #[command(flatten)]
    settings: Settings,

    /// Read the settings as a line of JSON from standard input instead of flags, and stop when standard input ends
    #[arg(long, hide = true, conflicts_with_all = ["FeedArgs", "Settings"])]
    settings_from_stdin: bool,

    /// Hold the feed back until POST /control/start sets its start time
    #[arg(long, help_heading = "Feed")]
    await_start: bool,

    /// When the feed's clock started, µs of Unix time, for a server that takes over from one that is gone
    #[arg(long, value_name = "UNIX_US", hide = true, help_heading = "Feed")]
    began_at: Option<u64>,

    /// The epoch of the feed, shared with the other servers of the same feed
    #[arg(long, value_name = "EPOCH", hide = true, help_heading = "Feed")]
    epoch: Option<Epoch>,

    /// Disable the page's lab: browser tabs get no addresses of their own, and no faults on request
    #[arg(long, help_heading = "Safety")]
    no_lab: bool,

    /// Let pages of this origin read the endpoints, open WebSockets and publish (repeatable)
    #[arg(long, value_name = "ORIGIN", help_heading = "Safety")]
    allow_origin: Vec<Origin>,

    /// Also accept requests for this host name, in addition to IP addresses, localhost and this machine's name
    /// (repeatable); with a token or TLS, any name is accepted
    #[arg(long, value_name = "NAME", help_heading = "Safety")]
    allow_host: Vec<HostName>,

    /// Require this token from every client; prefer FEEDLAB_TOKEN, because other users can see a command line
    #[arg(long, env = "FEEDLAB_TOKEN", hide_env_values = true, help_heading = "Safety",
          value_parser = clap::builder::NonEmptyStringValueParser::new())]
    token: Option<String>,

    #[command(flatten)]
    tls: TlsArgs,

    /// Stop when standard input ends; the process that started this server holds the other end
    #[arg(long, hide = true)]
    exit_with_stdin: bool,
}

/// Serves until a signal.
pub(crate) fn execute(args: Args) -> anyhow::Result<Exit> {
    let _ = process::raise_open_file_limit();
    log::begin();
    let settings = settings(&args).map_err(bad_input)?;
    check(&args, &settings).map_err(bad_input)?;
    let tls = args.tls.identity().map_err(bad_input)?;
    let credentials = match &settings.source {
        Some(SourceConfig::Stream(_)) => Credentials::from_env().map_err(bad_input)?,
        _ => Credentials::None,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(serve(args, settings, tls, credentials));
    // A source that waits for a line of standard input cannot be woken, and must not delay the exit.
    runtime.shutdown_background();
    result
}

fn settings(args: &Args) -> anyhow::Result<Settings> {
    if args.settings_from_stdin {
        return handed_over("line of settings");
    }
    Ok(Settings { source: args.feed.source()?, ..args.settings.clone() })
}

/// Reports foreseeable failures before anything listens, and rejects flags without effect: the server would not be the
/// one that the user asked for.
fn check(args: &Args, settings: &Settings) -> anyhow::Result<()> {
    if let Some(SourceConfig::Replay { file, .. }) = &settings.source {
        Recording::read(file)?;
    }
    let reads_stdin = settings.source == Some(SourceConfig::Stdin);
    anyhow::ensure!(
        !(args.stops_with_stdin() && reads_stdin),
        "standard input cannot be both the feed and the signal to stop"
    );
    anyhow::ensure!(
        args.began_at.is_none() || !reads_stdin,
        "--began-at needs a feed that can be replayed, which standard input cannot"
    );
    anyhow::ensure!(
        settings.slow_limit.is_none() || settings.slow_policy == SlowPolicy::Disconnect,
        "--slow-limit requires --slow-policy disconnect"
    );
    Ok(())
}

impl Args {
    const fn stops_with_stdin(&self) -> bool {
        self.exit_with_stdin || self.settings_from_stdin
    }
}

async fn serve(
    args: Args,
    settings: Settings,
    tls: Option<Identity>,
    credentials: Credentials,
) -> anyhow::Result<Exit> {
    let signals = Interrupt::listen()?;
    let (endpoints, address) = listen::bind("--listen", args.listen)?;
    let (control, control_address) = match args.control {
        Some(at) => listen::bind("--control", at).map(|(listener, address)| (Some(listener), Some(address)))?,
        None => (None, None),
    };
    if args.stops_with_stdin() {
        interrupt::stop_with_stdin(signals.stop.clone());
    }
    let source = settings.source.clone();
    let info = ServerInfo {
        address,
        control: control_address,
        source: source.as_ref(),
        publishes: settings.allow_publish,
        has_token: args.token.is_some(),
        security: args.tls.security(),
    };
    let certificate = tls.as_ref().map(|identity| identity.certificate.clone());
    let listening = Listening { listening: address, control: control_address, certificate };
    let (format, why_no_lab) = (args.format, why_no_lab(&args));
    let opening = signals.stop.run_until_cancelled(Server::new(config(args, settings, tls, credentials)));
    let Some(server) = opening.await.transpose().map_err(explain)? else { return Ok(Exit::Done) };
    // Only now is there a feed. If opening it had failed, the error would be the only output.
    match format {
        Format::Text => endpoints::print_endpoints(&info),
        Format::Json => output::json_line(&listening)?,
    }
    let labs = match why_no_lab {
        Some(why) => Labs::unavailable(why),
        None => Labs::new(Some(MainFeed { feed: server.feed(), allow_publish: info.publishes })),
    };
    tokio::select! {
        result = run(server, labs, Listeners { endpoints, control }, signals.stop) => result.map_err(explain)?,
        () = signals.at_once.cancelled() => {}
    }
    Ok(Exit::Done)
}

async fn run(server: Server, labs: Labs, listeners: Listeners, stop: CancellationToken) -> Result<(), ServerError> {
    let ended = async {
        stop.cancelled().await;
        labs.end().await;
    };
    let (result, ()) =
        tokio::join!(server.routes(labs.routes().merge(choose::routes())).run(listeners, stop.clone()), ended);
    result
}

/// Returns why the page has no lab, if it has none: a lab's addresses require no token and are plain HTTP.
const fn why_no_lab(args: &Args) -> Option<&'static str> {
    if args.no_lab {
        Some("this server was started with --no-lab")
    } else if args.token.is_some() {
        Some("this server requires a token, and the addresses of a lab would not")
    } else if args.tls.security().is_plain() {
        None
    } else {
        Some("this page came over TLS, and the addresses of a lab are plain HTTP")
    }
}

fn config(args: Args, settings: Settings, tls: Option<Identity>, credentials: Credentials) -> Config {
    Config {
        await_start: args.await_start,
        start_at: args.began_at,
        epoch: args.epoch,
        tls,
        allow_origins: args.allow_origin,
        allow_hosts: args.allow_host,
        token: args.token,
        credentials,
        ..settings.into()
    }
}

fn explain(error: ServerError) -> anyhow::Error {
    match error {
        ServerError::Source(error) => bad_input(error),
        other => other.into(),
    }
}
