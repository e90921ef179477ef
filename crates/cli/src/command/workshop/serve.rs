//! The workshop's server: one address for the chapters, the class and the live page.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;
use feedlab_feed::access::HostName;
use feedlab_feed::process;
use feedlab_feed::schedule::Schedule;
use feedlab_feed::settings;
use feedlab_feed::source::SourceConfig;
use feedlab_server::{Config, Server};
use feedlab_workshop::lab::{Labs, Shared};
use feedlab_workshop::limits::MAX_LABS;
use feedlab_workshop::{Class, ClassSettings};
use serde::Serialize;
use tokio::net::TcpListener;

use super::exercise;
use crate::command::serve::endpoints::reachable;
use crate::command::serve::listen::{self, Address};
use crate::exit::{Exit, bad_input};
use crate::interrupt::{self, Interrupt};
use crate::log;
use crate::output::{self, Format};

/// The flags of the server.
#[derive(Debug, clap::Args)]
pub(super) struct ServeArgs {
    /// Address and port to listen on; port 0 picks a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: Address,

    /// File to append the class's votes to
    #[arg(long, value_name = "FILE", default_value = "feedlab-class.ndjson")]
    class: PathBuf,

    /// Folder for the results folders of measurements, new and earlier ones
    #[arg(long, value_name = "DIR", default_value = "results")]
    out: PathBuf,

    /// Also accept requests for this host name, in addition to IP addresses, localhost and this machine's name
    /// (repeatable)
    #[arg(long, value_name = "NAME")]
    allow_host: Vec<HostName>,

    /// Open the labs of the live page to other machines too, at most this many at a time (1 to 32). Each is a server of
    /// its own, for one browser tab, on free ports of the address of --listen
    #[arg(long, value_name = "N", value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=MAX_LABS as u64))]
    labs: Option<usize>,

    /// Output format for the address: text on standard error, or a line of JSON on standard output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    /// Stop when standard input ends; the process that started this server holds the other end
    #[arg(long, hide = true)]
    exit_with_stdin: bool,
}

/// Serves until a signal.
pub(super) fn execute(args: ServeArgs) -> anyhow::Result<Exit> {
    let _ = process::raise_open_file_limit();
    log::begin();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(serve(args));
    runtime.shutdown_background();
    result
}

async fn serve(args: ServeArgs) -> anyhow::Result<Exit> {
    let signals = Interrupt::listen()?;
    let (listener, address) = listen::bind("--listen", args.listen)?;
    let class = Class::open(ClassSettings {
        votes: args.class.clone(),
        out: args.out.clone(),
        binary: process::this_binary().context("cannot find the feedlab binary")?,
        stop: signals.stop.clone(),
    })
    .map_err(bad_input)?;
    if args.exit_with_stdin {
        interrupt::stop_with_stdin(signals.stop.clone());
    }
    print_address(&args, address)?;
    // A program that starts this server does not go on to the exercises.
    let is_for_people = matches!(args.format, Format::Text);
    let build = is_for_people.then(|| exercise::build_in_background(signals.stop.clone()));
    tokio::select! {
        result = run(listener, &args, &class, &signals) => result?,
        () = signals.at_once.cancelled() => {}
    }
    if let Some(build) = build {
        let _ = build.await;
    }
    Ok(Exit::Done)
}

async fn run(listener: TcpListener, args: &ServeArgs, class: &Class, signals: &Interrupt) -> anyhow::Result<()> {
    let settings = settings::Settings { source: Some(feed()), ..settings::Settings::default() };
    let (allow_hosts, page_uses_other_ports) = (args.allow_host.clone(), args.labs.is_some());
    let server = Server::new(Config { allow_hosts, page_uses_other_ports, ..settings.into() }).await?;
    let routes = labs(args, &listener)?.routes().merge(class.router());
    server.routes(routes).run(listener, signals.stop.clone()).await?;
    class.close().await;
    Ok(())
}

/// Returns the labs: for browsers on this machine, or with `--labs` for others too.
fn labs(args: &ServeArgs, listener: &TcpListener) -> anyhow::Result<Labs> {
    let labs = Labs::new(None);
    let Some(most) = args.labs else { return Ok(labs) };
    let ip = listener.local_addr().context("the listener has no address")?.ip();
    Ok(labs.shared(Shared { ip, most, allow_hosts: args.allow_host.clone() }))
}

/// The feed for pages without a lab: slow enough to read, fast enough to notice.
const fn feed() -> SourceConfig {
    SourceConfig::Synthetic { rate: 10.0, schedule: Schedule::Constant, payload_bytes: 100, binary: false }
}

/// The line of JSON for programs.
#[derive(Serialize)]
struct Listening<'a> {
    listening: SocketAddr,
    votes: &'a PathBuf,
}

fn print_address(args: &ServeArgs, address: SocketAddr) -> anyhow::Result<()> {
    match args.format {
        Format::Text => {
            output::advice(banner(args, address).trim_end());
            Ok(())
        }
        Format::Json => output::json_line(&Listening { listening: address, votes: &args.class }),
    }
}

fn banner(args: &ServeArgs, address: SocketAddr) -> String {
    let mut text = String::new();
    if !address.ip().is_loopback() {
        let labs = args.labs.map_or_else(
            || {
                "the lab of the live page is available only in browsers on this machine (--labs N opens it to others)"
                    .to_owned()
            },
            |most| format!("it can also open labs, on other ports: {most} at most at a time"),
        );
        let _ = writeln!(
            text,
            "warning: every machine that reaches {address} can vote and start the chapters' measurements; {labs}"
        );
    }
    let here = reachable(address);
    let _ = writeln!(text, "feedlab workshop: open http://{here}/workshop in a browser (Ctrl-C stops)\n");
    for (what, place) in [
        ("chapters", format!("http://{here}/workshop")),
        ("class", format!("http://{here}/workshop/class (for the projector)")),
        ("live page", format!("http://{here}/")),
        ("votes", args.class.display().to_string()),
        ("results", args.out.display().to_string()),
    ] {
        let _ = writeln!(text, "  {what:<12}{place}");
    }
    text
}
