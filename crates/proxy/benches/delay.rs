//! How exact the delay is, and what it costs: 1,000 connections through the proxy to an echo server, a stamped message on
//! each every 100 ms.
//!
//! Clients, proxy and echo server are processes of their own, so that the proxy's CPU and memory are its own. What the
//! clients measure first without the proxy is taken off: of each round trip through it, the median of the direct ones
//! and the configured round-trip time. What is left is the proxy's error, and with it whatever made the clients
//! themselves late, which the direct spread shows.
//!
//! Ends with 1 if the error's 99th percentile is over 1 ms, or if anything came early.

#![expect(clippy::print_stdout, reason = "a bench prints its result")]

use std::error::Error;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use feedlab_feed::clock;
use feedlab_feed::link::Network;
use feedlab_feed::process::{self, Usage};
use feedlab_proxy::Config;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

const CONNECTIONS: u32 = 1000;
const INTERVAL: Duration = Duration::from_millis(100);
const RTT: Duration = Duration::from_millis(50);
const MEASURED: Duration = Duration::from_secs(10);
const ALLOWED_US: i64 = 1000;

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<ExitCode, Failure> {
    let _ = process::raise_open_file_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.first().map(String::as_str) {
        Some("echo") => runtime.block_on(echo()).map(|()| ExitCode::SUCCESS),
        Some("proxy") => runtime.block_on(proxy(words[1].parse()?)).map(|()| ExitCode::SUCCESS),
        _ => runtime.block_on(measure()),
    }
}

// The children.

async fn echo() -> Result<(), Failure> {
    let listener = feedlab_proxy::listen("127.0.0.1:0".parse()?)?;
    println!("{}", listener.local_addr()?);
    std::thread::spawn(answer_stdin);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(async move {
            let (mut from, mut to) = stream.into_split();
            tokio::io::copy(&mut from, &mut to).await
        });
    }
}

async fn proxy(upstream: SocketAddr) -> Result<(), Failure> {
    let listener = feedlab_proxy::listen("127.0.0.1:0".parse()?)?;
    println!("{}", listener.local_addr()?);
    std::thread::spawn(answer_stdin);
    let config = Config { settings: Network { rtt: RTT, ..Network::default() }.into(), seed: 1 };
    feedlab_proxy::run(listener, upstream, config, None, CancellationToken::new()).await?;
    Ok(())
}

/// Tells this process' CPU time and memory for each line of standard input, and ends the process with it.
#[expect(clippy::exit, reason = "a child of the bench has nothing to clean up")]
#[expect(clippy::disallowed_methods, reason = "as above")]
fn answer_stdin() {
    for _ in std::io::stdin().lines() {
        let usage = Usage::now();
        println!("{} {}", usage.cpu_us.unwrap_or(0), usage.rss_bytes.unwrap_or(0));
    }
    std::process::exit(0);
}

/// A child, which ends when this is dropped.
struct Role {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    address: SocketAddr,
}

impl Role {
    fn start(words: &[&str]) -> Result<Self, Failure> {
        let mut child =
            Command::new(std::env::current_exe()?).args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let stdin = child.stdin.take();
        let mut stdout = BufReader::new(child.stdout.take().ok_or("no output")?);
        let address = line(&mut stdout)?.parse()?;
        Ok(Self { child, stdin, stdout, address })
    }

    /// CPU time so far, µs, and memory, bytes.
    fn usage(&mut self) -> Result<(u64, u64), Failure> {
        self.stdin.as_mut().ok_or("no input")?.write_all(b"\n")?;
        let line = line(&mut self.stdout)?;
        let (cpu, rss) = line.split_once(' ').ok_or("two figures")?;
        Ok((cpu.parse()?, rss.parse()?))
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.child.wait();
    }
}

fn line(from: &mut BufReader<ChildStdout>) -> Result<String, Failure> {
    let mut line = String::new();
    from.read_line(&mut line)?;
    Ok(line.trim().to_owned())
}

// The clients.

async fn connect(to: SocketAddr) -> Result<Vec<TcpStream>, Failure> {
    let mut streams = Vec::new();
    for _ in 0..CONNECTIONS {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        streams.push(stream);
    }
    Ok(streams)
}

/// Round trips of all connections, µs, sorted.
async fn round_trips(streams: Vec<TcpStream>) -> Result<Vec<i64>, Failure> {
    let began = clock::now() + INTERVAL;
    let talks = streams.into_iter().zip(0..).map(|(stream, number)| {
        let first = began + INTERVAL * number / CONNECTIONS;
        tokio::spawn(talk(stream, first, began + MEASURED))
    });
    let mut all = Vec::new();
    for talk in talks.collect::<Vec<_>>() {
        all.append(&mut talk.await??);
    }
    all.sort_unstable();
    Ok(all)
}

async fn talk(mut stream: TcpStream, first: Instant, end: Instant) -> Result<Vec<i64>, Failure> {
    let mut times = Vec::new();
    let mut at = first;
    while at < end {
        tokio::time::sleep_until(at.into()).await;
        let sent = clock::now();
        let number = times.len().to_le_bytes();
        stream.write_all(&number).await?;
        let mut echo = number.map(|_| 0);
        stream.read_exact(&mut echo).await?;
        times.push(i64::try_from(sent.elapsed().as_micros())?);
        if echo != number {
            return Err("another message came back".into());
        }
        at += INTERVAL;
    }
    Ok(times)
}

// The result.

async fn measure() -> Result<ExitCode, Failure> {
    let echo = Role::start(&["echo"])?;
    let mut proxy = Role::start(&["proxy", &echo.address.to_string()])?;
    println!("{CONNECTIONS} connections, a message every {INTERVAL:?} on each, for {MEASURED:?}; rtt {RTT:?}\n");

    let direct = round_trips(connect(echo.address).await?).await?;
    println!("{}", row("direct round trip", &direct));

    let (_, empty) = proxy.usage()?;
    let streams = connect(proxy.address).await?;
    tokio::time::sleep(RTT * 4).await;
    let (cpu_before, open) = proxy.usage()?;
    let through = round_trips(streams).await?;
    let (cpu_after, busy) = proxy.usage()?;
    println!("{}", row("through the proxy", &through));

    let expected = percentile(&direct, 0.5) + i64::try_from(RTT.as_micros())?;
    let errors: Vec<i64> = through.iter().map(|time| time - expected).collect();
    println!("{}\n", row("error", &errors));
    let forwarded = 2 * through.len() as u64;
    let per_connection = |rss: u64| rss.saturating_sub(empty) / u64::from(CONNECTIONS);
    println!("CPU a forwarded message      {:.1} µs", (cpu_after - cpu_before) as f64 / forwarded as f64);
    println!("memory a connection, idle    {} bytes", per_connection(open));
    println!("memory a connection, busy    {} bytes", per_connection(busy));
    let early = through.first().is_none_or(|least| *least < RTT.as_micros() as i64);
    Ok(verdict(percentile(&errors, 0.99), early))
}

fn verdict(p99: i64, early: bool) -> ExitCode {
    if early {
        println!("FAILED: a message came back before its time");
        return ExitCode::FAILURE;
    }
    let within = p99 <= ALLOWED_US;
    let word = if within { "ok" } else { "FAILED" };
    println!("{word}: the error's p99 is {p99} µs, and {ALLOWED_US} µs are allowed");
    if within { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn row(name: &str, sorted: &[i64]) -> String {
    let at = |share| percentile(sorted, share);
    let (p50, p99, max) = (at(0.5), at(0.99), at(1.0));
    format!("{name:<20} p50 {p50:>6} µs   p99 {p99:>6} µs   max {max:>6} µs   ({} round trips)", sorted.len())
}

fn percentile(sorted: &[i64], share: f64) -> i64 {
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * share).round() as usize).copied().unwrap_or(i64::MAX)
}
