//! Many clients on one thread, driven by `scripts/bench-server` over standard input and output: `{"ready":N}`, then a line
//! from the script, and at the end a report. The script looks at the server's CPU and memory in between.

use std::io::{Write, stdin, stdout};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;
use clap::{Parser, Subcommand};
use feedlab_bench::connect::{Stream, Target};
use feedlab_bench::hold::{Kind, Opener};
use feedlab_bench::polls::Polls;
use feedlab_bench::publisher::Publication;
use feedlab_bench::report::Report;
use feedlab_bench::streams::Streams;
use rustix::process::{Resource, getrlimit, setrlimit};
use serde_json::json;

/// Read from many connections on one thread, and report as JSON
///
/// Prints {"ready":N} when all clients are connected and waits for a line on standard input; prints its figures at the end.
#[derive(Debug, Parser)]
struct Args {
    #[command(subcommand)]
    mode: Mode,
}

#[derive(Debug, Subcommand)]
enum Mode {
    /// Subscribers to a stream
    Streams {
        #[command(flatten)]
        target: Target,
        #[arg(long)]
        kind: Stream,
        #[arg(long)]
        clients: usize,
        #[command(flatten)]
        publication: Publication,
    },
    /// Long polls that follow a feed
    LongPolls {
        #[command(flatten)]
        target: Target,
        #[arg(long)]
        clients: usize,
        #[command(flatten)]
        publication: Publication,
    },
    /// Short polls over kept connections, each asking again as soon as it is answered
    Polls {
        #[command(flatten)]
        target: Target,
        #[arg(long)]
        clients: usize,
        /// How long to ask
        #[arg(long, default_value_t = 4.0)]
        seconds: f64,
        /// The status of each answer
        #[arg(long, default_value_t = 200)]
        status: u16,
    },
    /// Idle connections: first the smaller number, then the next
    Hold {
        #[command(flatten)]
        target: Target,
        #[arg(long)]
        kind: Kind,
        /// How many, in steps
        #[arg(long, value_delimiter = ',')]
        clients: Vec<usize>,
        /// The server's certificate (PEM)
        #[arg(long)]
        certificate: Option<PathBuf>,
    },
}

fn main() -> Result<()> {
    let args = Args::parse();
    raise_descriptor_limit();
    match args.mode {
        Mode::Streams { target, kind, clients, publication } => {
            let streams = Streams::open(target, kind, clients)?;
            ready(clients)?;
            report(&streams.measure(publication, &stop_with_stdin())?)
        }
        Mode::LongPolls { target, clients, publication } => {
            let polls = Polls::connect(target, clients, true)?;
            ready(clients)?;
            report(&polls.follow(publication, &stop_with_stdin())?)
        }
        Mode::Polls { target, clients, seconds, status } => {
            let polls = Polls::connect(target, clients, false)?;
            ready(clients)?;
            report(&polls.repeat(seconds, status)?)
        }
        Mode::Hold { target, kind, clients, certificate } => {
            let opener = Opener::new(kind, target, certificate.as_deref())?;
            let mut held = Vec::new();
            for clients in clients {
                for index in held.len()..clients {
                    held.push(opener.open(index)?);
                }
                ready(clients)?;
            }
            Ok(())
        }
    }
}

/// Says that this many clients are connected, and waits until the script has looked at the server.
fn ready(clients: usize) -> Result<()> {
    writeln!(stdout(), "{}", json!({ "ready": clients }))?;
    stdin().read_line(&mut String::new())?;
    Ok(())
}

fn report(report: &Report) -> Result<()> {
    writeln!(stdout(), "{}", serde_json::to_string(report)?)?;
    Ok(())
}

/// Becomes true when the next line arrives, or standard input ends. Only a reader that does not publish itself looks.
fn stop_with_stdin() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let raised = Arc::clone(&stop);
    std::thread::spawn(move || {
        let _ = stdin().read_line(&mut String::new());
        raised.store(true, Ordering::Release);
    });
    stop
}

/// A soft limit of 1,024 is usual, and a connection is a descriptor. If the hard limit is too low as well, connecting says so.
fn raise_descriptor_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit);
}
