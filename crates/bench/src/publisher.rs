//! The one client that publishes: a POST per update over one connection, each at its time.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::clock::now_ns;
use crate::connect::{Target, head};
use crate::polls::Answer;
use crate::stamp;

/// What to publish.
#[derive(Args, Clone, Debug)]
pub struct Publication {
    /// Where updates are posted
    #[arg(long, default_value = "/feed")]
    pub publish_path: String,
    /// Updates per second; 0 publishes nothing: another process does
    #[arg(long, default_value_t = 0.0)]
    pub rate: f64,
    /// How long to publish
    #[arg(long, default_value_t = 5.0)]
    pub seconds: f64,
    /// Size of an update, bytes
    #[arg(long, default_value_t = 100)]
    pub size: usize,
}

/// A publisher at work.
#[derive(Debug)]
pub struct Publisher {
    sent: Arc<AtomicU64>,
    thread: JoinHandle<Result<()>>,
}

impl Publisher {
    /// Connects and begins to publish.
    pub fn start(addr: SocketAddr, what: Publication) -> Result<Self> {
        let target = Target { addr, path: what.publish_path.clone(), sources: 0, headers: Vec::new() };
        let connection = target.connect(0)?;
        let sent = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&sent);
        let thread = spawn(move || publish(&target, connection, &what, &counter));
        Ok(Self { sent, thread })
    }

    /// Returns how many updates the server has accepted, once it has accepted all.
    #[must_use]
    pub fn finished(&self) -> Option<u64> {
        self.thread.is_finished().then(|| self.sent.load(Ordering::Acquire))
    }

    /// Waits for the last update, and returns how many there were.
    pub fn join(self) -> Result<u64> {
        self.thread.join().ok().context("the publisher panicked")??;
        Ok(self.sent.load(Ordering::Acquire))
    }
}

#[expect(clippy::cast_precision_loss, reason = "a count of updates in some seconds")]
fn publish(target: &Target, mut connection: impl Read + Write, what: &Publication, sent: &AtomicU64) -> Result<()> {
    let start_ns = now_ns();
    let updates = (what.rate * what.seconds).round();
    let mut count = 0_u64;
    while (count as f64) < updates {
        let due = Duration::from_secs_f64(count as f64 / what.rate);
        sleep(due.saturating_sub(Duration::from_nanos(now_ns() - start_ns)));
        // One segment: the bare loop reads once.
        let body = stamp::message(now_ns(), what.size);
        let head_and_body = format!(
            "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{body}",
            target.path,
            target.addr,
            body.len(),
        );
        connection.write_all(head_and_body.as_bytes())?;
        accepted(&mut connection).context("publishing")?;
        count += 1;
        sent.store(count, Ordering::Release);
    }
    Ok(())
}

fn accepted(connection: &mut impl Read) -> Result<()> {
    let mut read = head(connection)?;
    let answer = loop {
        if let Some(answer) = Answer::parse(&read)? {
            break answer;
        }
        let mut piece = [0; 2048];
        let bytes = connection.read(&mut piece)?;
        ensure!(bytes > 0, "the server closed the connection");
        read.extend_from_slice(&piece[..bytes]);
    };
    ensure!(answer.status / 100 == 2, "refused: {}", String::from_utf8_lossy(&read));
    Ok(())
}
