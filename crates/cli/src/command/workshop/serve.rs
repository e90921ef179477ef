//! The workshop's server: one address for the chapters, the class and the live page.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use feedlab_feed::access::HostName;
use feedlab_feed::process;
use feedlab_feed::schedule::Schedule;
use feedlab_feed::settings;
use feedlab_feed::source::SourceConfig;
use feedlab_server::{Config, Server};
use feedlab_workshop::lab::{Labs, Shared};
use feedlab_workshop::limits::MAX_LABS;
use feedlab_workshop::{Audience, Class, ClassSettings, Token, choose};
use serde::Serialize;
use tokio::net::TcpListener;

use super::exercise;
use crate::command::serve::endpoints::reachable;
use crate::command::serve::listen::{self, Address};
use crate::exit::{Exit, bad_input};
use crate::interrupt::{self, Interrupt};
use crate::log;
use crate::output::{self, Format};

mod forward;
mod place;
mod reach;

use place::Place;

/// The flags of the server.
#[derive(Debug, clap::Args)]
pub(super) struct ServeArgs {
    /// Address and port to listen on; port 0 picks a free one, and the address 0.0.0.0 lets others join
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: Address,

    /// File to append the class's votes to, or the address of the class's server, as in http://192.168.1.5:8080, to
    /// send this machine's votes there too
    #[arg(long, value_name = "FILE|URL", default_value = "feedlab-class.ndjson")]
    class: Place,

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
    let audience = audience(&args.class.file(), address)?;
    let class = Class::open(ClassSettings {
        votes: args.class.file(),
        out: args.out.clone(),
        binary: process::this_binary().context("cannot find the feedlab binary")?,
        stop: signals.stop.clone(),
        audience: audience.clone(),
    })
    .map_err(bad_input)?;
    if args.exit_with_stdin {
        interrupt::stop_with_stdin(signals.stop.clone());
    }
    if let Place::Server(to) = &args.class {
        tokio::spawn(forward::forward(class.clone(), to.clone(), signals.stop.clone()));
    }
    print_address(&args, address, &audience)?;
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
    let routes = labs(args, &listener)?.routes().merge(class.router()).merge(choose::routes());
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

/// Returns who can take part. The token is kept next to the votes.
fn audience(votes: &Path, address: SocketAddr) -> anyhow::Result<Audience> {
    let token = Token::beside(votes).map_err(|error| {
        bad_input(anyhow::anyhow!(
            "cannot keep the instructor's token next to {}: {error}; choose another place for the votes with --class",
            votes.display()
        ))
    })?;
    Ok(Audience { token, is_open: !address.ip().is_loopback(), join: reach::join_urls(address) })
}

/// The feed for pages without a lab: slow enough to read, fast enough to notice.
const fn feed() -> SourceConfig {
    SourceConfig::Synthetic { rate: 10.0, schedule: Schedule::Constant, payload_bytes: 100, binary: false }
}

/// The line of JSON for programs.
#[derive(Serialize)]
struct Listening<'a> {
    listening: SocketAddr,
    votes: PathBuf,
    /// The addresses at which learners join, the best one first.
    join: &'a [String],
    /// The class page with the instructor's token.
    instructor: String,
}

fn print_address(args: &ServeArgs, address: SocketAddr, audience: &Audience) -> anyhow::Result<()> {
    match args.format {
        Format::Text => {
            output::advice(banner(args, address, audience).trim_end());
            Ok(())
        }
        Format::Json => output::json_line(&Listening {
            listening: address,
            votes: args.class.file(),
            join: &audience.join,
            instructor: instructor(address, &audience.token),
        }),
    }
}

/// Returns the class page that leads. The token is in the fragment, which browsers send to no server.
fn instructor(address: SocketAddr, token: &Token) -> String {
    format!("http://{}/workshop/class#token={}", reachable(address), token.secret())
}

fn banner(args: &ServeArgs, address: SocketAddr, audience: &Audience) -> String {
    let mut text = String::new();
    if audience.is_open {
        let _ = writeln!(text, "{}", warning(args, address));
    }
    let here = reachable(address);
    let _ = writeln!(text, "feedlab workshop: open http://{here}/workshop in a browser (Ctrl-C stops)\n");
    let votes = match &args.class {
        Place::File(file) => file.display().to_string(),
        Place::Server(to) => format!("{}, and sent to {to}", args.class.file().display()),
    };
    for (what, place) in [
        ("chapters", format!("http://{here}/workshop")),
        ("class", format!("http://{here}/workshop/class (for the projector)")),
        ("instructor", format!("{} (leads the class; keep it to yourself)", instructor(address, &audience.token))),
        ("join", audience.join.join(" or ")),
        ("live page", format!("http://{here}/")),
        ("choose", format!("http://{here}/choose (which transport, and when that changes)")),
        ("votes", votes),
        ("results", args.out.display().to_string()),
    ] {
        let _ = writeln!(text, "  {what:<12}{place}");
    }
    text
}

/// What to know when other machines can reach the workshop, and what to do when they cannot.
fn warning(args: &ServeArgs, address: SocketAddr) -> String {
    let labs = args.labs.map_or_else(
        || {
            "the lab of the live page is available only in browsers on this machine (--labs N opens it to others)"
                .to_owned()
        },
        |most| format!("it can also open labs, on other ports: {most} at most at a time"),
    );
    format!(
        "warning: every machine that reaches {address} can vote; only the instructor's address below reveals answers and \
         starts measurements; {labs}. If others cannot open the address to join: allow port {} in this machine's \
         firewall, and use a network that does not isolate its clients, as guest Wi-Fi often does (a phone's hotspot \
         works)",
        address.port()
    )
}
