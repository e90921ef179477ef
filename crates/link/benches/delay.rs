//! Measures how exact the delay is and what it costs: 1,000 connections through the proxy to an echo server, with a
//! numbered message on each every 100 ms.
//!
//! The clients, the proxy and the echo server are separate processes, so that the proxy's CPU time and memory can be
//! measured alone. The clients first measure without the proxy. From each round trip through the proxy, the median of
//! the direct round trips and the configured round-trip time are subtracted. The rest is the proxy's error plus any
//! delay in the clients themselves, which the spread of the direct round trips shows.
//!
//! Exits with 1 if the 99th percentile of the error exceeds 1 ms, or if any message arrived early.

#![expect(clippy::print_stdout, reason = "a bench prints its result")]

use std::error::Error;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use feedlab_feed::clock;
use feedlab_feed::link::Network;
use feedlab_feed::process::{self, Usage};
use feedlab_link::Config;
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
    let listener = feedlab_link::listen("127.0.0.1:0".parse()?)?;
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
    let listener = feedlab_link::listen("127.0.0.1:0".parse()?)?;
    println!("{}", listener.local_addr()?);
    std::thread::spawn(answer_stdin);
    let config = Config { settings: Network { rtt: RTT, ..Network::default() }.into(), seed: 1 };
    feedlab_link::run(listener, upstream, config, None, CancellationToken::new()).await?;
    Ok(())
}

/// Prints the CPU time and the memory of this process for each line of standard input, and exits at its end.
#[expect(clippy::exit, reason = "a child of the bench has nothing to clean up")]
#[expect(clippy::disallowed_methods, reason = "as above")]
fn answer_stdin() {
    for _ in std::io::stdin().lines() {
        let usage = Usage::now();
        println!("{} {}", usage.cpu_us.unwrap_or(0), usage.rss_bytes.unwrap_or(0));
    }
    std::process::exit(0);
}

/// A child process. It ends when this is dropped.
struct ChildProcess {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    address: SocketAddr,
}

impl ChildProcess {
    fn start(words: &[&str]) -> Result<Self, Failure> {
        let mut child =
            Command::new(std::env::current_exe()?).args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let stdin = child.stdin.take();
        let mut stdout = BufReader::new(child.stdout.take().ok_or("no output")?);
        let address = line(&mut stdout)?.parse()?;
        Ok(Self { child, stdin, stdout, address })
    }

    /// Returns the CPU time so far, µs, and the memory, bytes.
    fn usage(&mut self) -> Result<(u64, u64), Failure> {
        self.stdin.as_mut().ok_or("no input")?.write_all(b"\n")?;
        let line = line(&mut self.stdout)?;
        let (cpu, rss) = line.split_once(' ').ok_or("two figures")?;
        Ok((cpu.parse()?, rss.parse()?))
    }
}

impl Drop for ChildProcess {
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

/// Measures the round trips of all connections, and returns them sorted, µs.
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
            return Err("the echo differs from the message".into());
        }
        at += INTERVAL;
    }
    Ok(times)
}

// The result.

async fn measure() -> Result<ExitCode, Failure> {
    let echo = ChildProcess::start(&["echo"])?;
    let mut proxy = ChildProcess::start(&["proxy", &echo.address.to_string()])?;
    println!("{CONNECTIONS} connections, one message per {INTERVAL:?} on each, for {MEASURED:?}; rtt {RTT:?}\n");

    let direct = round_trips(connect(echo.address).await?).await?;
    println!("{}", summary("direct round trip", &direct));

    let (_, empty) = proxy.usage()?;
    let streams = connect(proxy.address).await?;
    tokio::time::sleep(RTT * 4).await;
    let (cpu_before, open) = proxy.usage()?;
    let through = round_trips(streams).await?;
    let (cpu_after, busy) = proxy.usage()?;
    println!("{}", summary("through the proxy", &through));

    let expected = percentile(&direct, 0.5) + i64::try_from(RTT.as_micros())?;
    let errors: Vec<i64> = through.iter().map(|time| time - expected).collect();
    println!("{}\n", summary("error", &errors));
    let forwarded = 2 * through.len() as u64;
    let per_connection = |rss: u64| rss.saturating_sub(empty) / u64::from(CONNECTIONS);
    println!("CPU per forwarded message    {:.1} µs", (cpu_after - cpu_before) as f64 / forwarded as f64);
    println!("memory per idle connection   {} bytes", per_connection(open));
    println!("memory per busy connection   {} bytes", per_connection(busy));
    let early = through.first().is_none_or(|least| *least < RTT.as_micros() as i64);
    Ok(verdict(percentile(&errors, 0.99), early))
}

fn verdict(p99: i64, early: bool) -> ExitCode {
    if early {
        println!("FAILED: a message arrived early");
        return ExitCode::FAILURE;
    }
    let within = p99 <= ALLOWED_US;
    let word = if within { "ok" } else { "FAILED" };
    println!("{word}: the p99 of the error is {p99} µs; at most {ALLOWED_US} µs are allowed");
    if within { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn summary(name: &str, sorted: &[i64]) -> String {
    let at = |share| percentile(sorted, share);
    let (p50, p99, max) = (at(0.5), at(0.99), at(1.0));
    format!("{name:<20} p50 {p50:>6} µs   p99 {p99:>6} µs   max {max:>6} µs   ({} round trips)", sorted.len())
}

fn percentile(sorted: &[i64], share: f64) -> i64 {
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * share).round() as usize).copied().unwrap_or(i64::MAX)
}
