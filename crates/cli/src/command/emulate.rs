//! `feedlab emulate`, hidden: the emulator of a link, as a process, and the handle by which `feedlab link` and `feedlab run`
//! start and end it.
//!
//! It reads a [`Task`] from its standard input, says that the link is [`Open`], and obeys [`Order`]s, one per line. When
//! standard input ends, which also happens when the process that started it is killed, it ends everything that still runs
//! in the two namespaces, prints a [`Report`] and exits. So a link leaves nothing behind.

use std::io;
use std::os::fd::AsFd as _;
use std::time::Duration;

use anyhow::Context as _;
use feedlab_feed::clock;
use feedlab_feed::link::Emulation;
use feedlab_feed::process::Namespace;
use feedlab_link::emulator::{Link, Report};
use serde::{Deserialize, Serialize};

use self::orders::Lines;
use super::run::child::Child;
use crate::exit::Exit;
use crate::network::{INTERFACES, Network};
use crate::output;

mod orders;

/// Emulate a link between two interfaces: read the link from standard input, write a report at the end
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// What to emulate, and where.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Task {
    /// The interface to the clients, and that to the server.
    interfaces: [String; 2],
    /// The namespaces on both sides.
    namespaces: [Namespace; 2],
    /// The link.
    link: Emulation,
    /// The seed of losses and jitter.
    seed: u64,
}

/// What the link is to do from now on.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Order {
    /// Let nothing pass for a time, µs.
    OutForUs(u64),
}

/// The first line: the link is open.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Open {}

/// Emulates until standard input ends.
pub(crate) fn execute(_args: &Args) -> anyhow::Result<Exit> {
    let stdin = io::stdin();
    let mut lines = Lines::default();
    let line = lines.wait(stdin.as_fd()).context("cannot read the link")?.context("standard input has no link")?;
    let task =
        serde_json::from_slice(&line).context("the link on standard input is invalid; `feedlab link` writes it")?;
    let Task { interfaces: [clients, server], namespaces, link, seed } = task;
    let opened = Link::open([&clients, &server], &link, seed);
    let mut link = opened.with_context(|| format!("cannot open a link between {clients} and {server}"))?;
    output::json_line(&Open {})?;
    let mut obeyed = obey(&mut lines, &mut link);
    if obeyed.is_ok() {
        obeyed = link.run(stdin.as_fd(), |link| {
            let goes_on = lines.read(stdin.as_fd())?;
            obey(&mut lines, link)?;
            Ok(goes_on)
        });
    }
    namespaces.iter().for_each(Namespace::end_all);
    obeyed.context("the link broke")?;
    output::json_line(&link.report())?;
    Ok(Exit::Done)
}

/// Obeys all orders that have come whole.
fn obey(lines: &mut Lines, link: &mut Link) -> io::Result<()> {
    while let Some(line) = lines.next() {
        let order = serde_json::from_slice(&line);
        let unknown = |_| io::Error::other(format!("unknown order: {}", String::from_utf8_lossy(&line).trim()));
        match order.map_err(unknown)? {
            Order::OutForUs(time) => link.go_out_for(Duration::from_micros(time)),
        }
    }
    Ok(())
}

/// A link that is open.
#[derive(Debug)]
pub(super) struct Emulator(Child);

impl Emulator {
    /// Opens a link between both sides of a network.
    ///
    /// # Errors
    /// If the interfaces cannot be read.
    pub(super) async fn start(network: &Network, link: &Emulation, seed: u64) -> anyhow::Result<Self> {
        let task = Task {
            interfaces: INTERFACES.map(str::to_owned),
            namespaces: [network.clients.namespace(), network.server.namespace()],
            link: link.clone(),
            seed,
        };
        let child = Child::working("the link", &["emulate".into()], &task).await?;
        let (child, Open {}) = child.listening().await?;
        Ok(Self(child))
    }

    /// Returns its process id; `None` once it has exited.
    pub(super) fn pid(&self) -> Option<u32> {
        self.0.pid()
    }

    /// Lets nothing pass for a time.
    pub(super) async fn go_out_for(&mut self, time: Duration) -> anyhow::Result<()> {
        self.0.tell(&Order::OutForUs(clock::micros(time))).await
    }

    /// Closes the link, after it has ended what still runs on both sides. Returns what it did.
    pub(super) async fn end(self) -> anyhow::Result<Report> {
        self.0.last().await
    }

    /// Waits until it exits unexpectedly, and returns the reason.
    pub(super) async fn died(&mut self) -> anyhow::Error {
        self.0.died().await
    }
}
