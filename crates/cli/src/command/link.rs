//! `feedlab link`: a link of any quality between any two programs.

use std::ffi::OsString;
use std::io::Read as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use feedlab_feed::link::{Emulation, MTU, Queue, Rate, Trace, USUAL_MTU, parse_delay, parse_rate, parse_share};
use feedlab_feed::process::namespace::listens;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use super::emulate::Emulator;
use crate::exit::Exit;
use crate::interrupt::Interrupt;
use crate::network::{INSIDE, Network, Side, Space};
use crate::{network, output};

mod words;

/// How long a program may take to end.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a server may take until it listens.
const START: Duration = Duration::from_secs(60);

/// Put a slow, lossy or narrow link between any two programs
///
/// The server and the command run in network namespaces, with real TCP of this machine's kernel between them: packets are
/// delayed, queued and lost as on a real path, and the kernel retransmits them. It needs no root privileges where users may
/// create namespaces, and nothing of this machine's network is changed or can be reached from inside.
///
/// The server is at 10.77.1.1, and so is {server} in the command. The command starts when the server listens. `feedlab
/// proxy` is the simpler way if only distance is wanted: it needs no namespaces, but ends TCP in the middle.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  feedlab link --rtt 100ms --loss 1% --server 'feedlab serve --listen 0.0.0.0:8080' -- feedlab watch http://{server}:8080
  feedlab link --rate 10Mbit --queue 500ms --server 'node app.js' -- curl http://{server}:3000/events
  feedlab link --rtt 600ms --server 'python3 -m http.server' -- bash

Exit status:
  0  the command ended with status 0
  1  it did not, or something failed
  2  wrong usage, or no network namespaces here; `feedlab doctor` says why")]
pub(crate) struct Args {
    #[command(flatten)]
    link: LinkArgs,

    /// The server: a command line for the shell. It must listen on 0.0.0.0 or 10.77.1.1
    #[arg(long, value_name = "COMMAND")]
    server: String,

    /// The command on the side of the clients, and its arguments [default: your shell]
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// What the link is like.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Link")]
pub(super) struct LinkArgs {
    /// Round-trip time: half of it in each direction
    #[arg(long, value_name = "TIME", default_value = "0ms", value_parser = parse_delay)]
    rtt: Duration,

    /// Up to this much more each way, uniformly distributed
    #[arg(long, value_name = "TIME", default_value = "0ms", value_parser = parse_delay)]
    jitter: Duration,

    /// Let jitter change the order of packets
    #[arg(long)]
    reorder: bool,

    /// Share of the packets that is lost in each direction
    #[arg(long, value_name = "SHARE", default_value = "0%", value_parser = parse_share)]
    loss: f64,

    /// Mean number of packets that are lost in a row [default: each is lost independently]
    #[arg(long, value_name = "PACKETS", requires = "loss", value_parser = run_length)]
    loss_burst: Option<f64>,

    /// Rate from the server to the clients, bits per second [default: no limit]
    #[arg(long, value_name = "RATE", value_parser = parse_rate)]
    rate: Option<u64>,

    /// A recorded rate from the server to the clients, in Mahimahi's format: the times in ms at which 1,500 bytes can be sent
    #[arg(long, value_name = "FILE", conflicts_with = "rate", value_parser = trace)]
    trace: Option<Trace>,

    /// Rate from the clients to the server [default: the same]
    #[arg(long, value_name = "RATE", value_parser = parse_rate)]
    rate_up: Option<u64>,

    /// How much may wait for the rate: a time, bytes or packets
    #[arg(long, value_name = "LENGTH", default_value = "1000 packets")]
    queue: Queue,

    /// The largest packet, bytes
    #[arg(long, value_name = "BYTES", default_value_t = USUAL_MTU, value_parser = clap::value_parser!(u32).range(i64::from(*MTU.start())..=i64::from(*MTU.end())))]
    mtu: u32,

    /// Congestion control of both sides: cubic, bbr or reno, as far as the system allows users to choose [default: the
    /// system's]
    #[arg(long, value_name = "NAME", value_parser = algorithm)]
    congestion: Option<String>,

    /// Random seed for losses and jitter
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

/// The kernel knows which there are; a name is one word.
fn algorithm(text: &str) -> Result<String, String> {
    let is_name = (1..16).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    is_name.then(|| text.to_owned()).ok_or_else(|| "must be the name of a congestion control, such as cubic".to_owned())
}

fn trace(file: &str) -> Result<Trace, String> {
    /// A line for each packet of an hour at 50 Mbit/s.
    const MOST_BYTES: u64 = 256 << 20;
    let open = std::fs::File::open(file).map_err(|error| error.to_string())?;
    let mut text = String::new();
    let read = open.take(MOST_BYTES + 1).read_to_string(&mut text).map_err(|error| error.to_string())?;
    if read as u64 > MOST_BYTES {
        return Err(format!("it is longer than {} MiB", MOST_BYTES >> 20));
    }
    Trace::mahimahi(&text).map_err(|error| error.to_string())
}

fn run_length(text: &str) -> Result<f64, String> {
    let length = text.parse().ok().filter(|length: &f64| (1.0..=1e6).contains(length));
    length.ok_or_else(|| "must be a number of packets, 1 or more".to_owned())
}

impl LinkArgs {
    fn emulation(&self) -> Emulation {
        Emulation {
            rtt: self.rtt,
            jitter: self.jitter,
            reorder: self.reorder,
            loss: self.loss,
            loss_burst: self.loss_burst,
            rate: self.trace.clone().map(Rate::Trace).or(self.rate.map(Rate::Constant)),
            rate_up: self.rate_up.map(Rate::Constant),
            queue: self.queue,
            mtu: self.mtu,
        }
    }
}

/// Opens the link, runs both programs, and says what the link did.
pub(crate) fn execute(args: &Args) -> anyhow::Result<Exit> {
    // Before there is a second thread.
    network::enter()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run(args))
}

async fn run(args: &Args) -> anyhow::Result<Exit> {
    let interrupt = Interrupt::listen()?;
    let link = args.link.emulation();
    let network = Network::create(link.mtu)?;
    if let Some(name) = &args.link.congestion {
        [&network.server, &network.clients].into_iter().try_for_each(|side| side.set_congestion_control(name))?;
    }
    let mut emulator = Emulator::start(&network, &link, args.link.seed).await?;
    output::advice(&words::opened(&link));
    let mut server = shell(&network.server, &args.server)?;
    let result = tokio::select! {
        biased;
        () = interrupt.stop.cancelled() => Ok(None),
        error = emulator.died() => Err(error),
        result = both(&network, args, &mut server) => result.map(Some),
    };
    end(&mut server).await;
    let report = emulator.end().await;
    // A link that broke has no report, and this says why.
    let status = result?;
    output::advice(&words::report(&report?));
    match status {
        None => Ok(Exit::Interrupted),
        Some(status) if status.success() => Ok(Exit::Done),
        Some(status) => {
            output::advice(&format!("error: the command ended with {status}"));
            Ok(Exit::Failed)
        }
    }
}

/// Waits for the server, and runs the command to its end. Dropping this kills the command.
async fn both(network: &Network, args: &Args, server: &mut Child) -> anyhow::Result<std::process::ExitStatus> {
    tokio::select! {
        status = server.wait() => {
            let status = status.context("cannot wait for the server")?;
            anyhow::bail!("the server ended before it listened, with {status}");
        }
        result = until_it_listens(&network.server) => result?,
    }
    let mut command = command(&network.clients, &args.command)?;
    command.wait().await.context("cannot wait for the command")
}

/// Waits until a process of the namespace listens for TCP connections.
async fn until_it_listens(space: &Space) -> anyhow::Result<()> {
    let waited = timeout(START, async {
        while !listens(space.pid()) {
            sleep(Duration::from_millis(20)).await;
        }
    });
    waited.await.with_context(|| {
        format!(
            "the server does not listen after {} s; it must listen on 0.0.0.0 or {}",
            START.as_secs(),
            Side::Server.address()
        )
    })
}

fn shell(space: &Space, line: &str) -> anyhow::Result<Child> {
    let (program, words) = space.entrance(Path::new("/bin/sh"))?;
    let mut command = Command::new(program);
    // What it prints must not mix with the command's output. In a group of its own, it outlives Ctrl-C until it is asked to end.
    command.args(words).args(["-c", line]).stdin(Stdio::null()).stdout(std::io::stderr()).process_group(0);
    command.env_remove(INSIDE).kill_on_drop(true).spawn().context("cannot start the server")
}

fn command(space: &Space, words: &[OsString]) -> anyhow::Result<Child> {
    let server = Side::Server.address().to_string();
    let shell = || std::env::var_os("SHELL").unwrap_or_else(|| "/bin/sh".into());
    let name = words.first().cloned().unwrap_or_else(shell);
    let (program, enter) = space.entrance(Path::new(&name))?;
    let mut command = Command::new(program);
    let filled = words.iter().skip(1).map(|word| match word.to_str() {
        Some(text) => OsString::from(text.replace("{server}", &server)),
        None => word.clone(),
    });
    command.args(enter).args(filled).env("FEEDLAB_SERVER", &server).env_remove(INSIDE).kill_on_drop(true);
    command.spawn().context("cannot start the command")
}

/// Asks a program that leads a group, and all that it started in it, to end; kills what does not.
async fn end(child: &mut Child) {
    use rustix::process::{Pid, Signal, kill_process_group};
    let Some(group) = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) else { return };
    let _ = kill_process_group(group, Signal::TERM);
    if timeout(PATIENCE, child.wait()).await.is_err() {
        let _ = kill_process_group(group, Signal::KILL);
        let _ = child.wait().await;
    }
}
