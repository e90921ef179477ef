//! What the load generator is asked for, what it tells on the way, and what it answers.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use feedlab_experiment::plan::Cell;
use feedlab_experiment::record::{CellRecord, Second};
use feedlab_experiment::scenario::{Clients, Contender, Fault, LinkFault, Measure, Stall};
use serde::{Deserialize, Serialize};

use crate::transport::upstream::Publishing;
use crate::transport::{LegStats, TlsError};

/// One cell to measure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// A feedlab server that was told to wait for its start, and serves nobody else: where it is asked for its figures,
    /// without TLS.
    pub server: SocketAddr,
    /// Further servers of the same feed behind the same endpoint; their figures are added.
    #[serde(default)]
    pub more_servers: Vec<SocketAddr>,
    /// Where the clients connect, if not at the server: the lab proxy, nginx, or the server's TLS port.
    #[serde(default)]
    pub endpoint: Option<SocketAddr>,
    /// Further endpoints of the same feed, over which the clients are spread.
    #[serde(default)]
    pub more_endpoints: Vec<SocketAddr>,
    /// The certificate, PEM, that the clients trust; they speak TLS if the contender's link says so.
    #[serde(default)]
    pub certificate: Option<String>,
    /// The control API of the lab proxy, where its faults are ordered.
    #[serde(default)]
    pub proxy: Option<SocketAddr>,
    /// What lies between the clients and the server.
    #[serde(default)]
    pub between: Between,
    /// Each client comes from an address of its own, by which nginx tells them apart; only where the endpoint is on Linux's
    /// loopback.
    #[serde(default)]
    pub own_addresses: bool,
    /// What breaks. Faults of the lab proxy are ordered from it; of the others an [`Event::Fault`] tells.
    #[serde(default)]
    pub faults: Vec<Fault>,
    /// The clients publish the feed themselves.
    #[serde(default)]
    pub publishing: Option<Publishing>,
    /// Which cell.
    pub cell: Cell,
    /// The transport and its options.
    pub contender: Contender,
    /// Ramp and headers; how many clients there are is the cell's to say.
    pub clients: Clients,
    /// The lengths of the phases.
    pub measure: Measure,
    /// The pause that the publisher was told to make; it is no fault of the harness.
    #[serde(default)]
    pub stall: Option<Stall>,
    /// Where the ages are written to; an older file is replaced.
    pub hlog: PathBuf,
}

/// What lies between the clients and the server, as processes that are measured. Where anything does, the clients' leg
/// and the server's leg are two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Between {
    /// The process id of nginx's master.
    #[serde(default)]
    pub nginx: Option<u32>,
    /// That of the lab proxy.
    #[serde(default)]
    pub lab_proxy: Option<u32>,
}

impl Between {
    /// Whether clients reach the server itself.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        self.nginx.is_none() && self.lab_proxy.is_none()
    }
}

impl Job {
    /// A job in which nothing breaks, and whose clients go to the server itself and publish nothing.
    #[must_use]
    pub const fn new(
        server: SocketAddr,
        cell: Cell,
        contender: Contender,
        clients: Clients,
        measure: Measure,
        hlog: PathBuf,
    ) -> Self {
        Self {
            server,
            more_servers: Vec::new(),
            endpoint: None,
            more_endpoints: Vec::new(),
            certificate: None,
            proxy: None,
            between: Between { nginx: None, lab_proxy: None },
            own_addresses: false,
            faults: Vec::new(),
            publishing: None,
            cell,
            contender,
            clients,
            measure,
            stall: None,
            hlog,
        }
    }
}

/// The phases of a cell, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The clients connect, spread over the ramp.
    Connect,
    /// All are open, and the feed has not begun: what a connection costs when nothing happens.
    Settle,
    /// The feed runs and is not counted yet.
    WarmUp,
    /// Updates that fall due now are counted.
    Measure,
    /// What fell due may still arrive.
    Drain,
    /// The clients leave.
    Disconnect,
}

/// What the load generator tells while it works.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A phase begins.
    Phase {
        /// Which.
        phase: Phase,
        /// How long it is meant to last, s.
        seconds: f64,
    },
    /// How many clients are open, told while they connect.
    Connected {
        /// So many.
        clients: u32,
    },
    /// One process among several can begin: it waits to be told when.
    Ready,
    /// A second of the measured time is over.
    Second(Second),
    /// The same of one process among several: its ages, to be merged with those of the others.
    Ages {
        /// Which second, counted from 0.
        second: u32,
        /// The histogram, as [`feedlab_experiment::hlog::encode`] writes it.
        ages: String,
    },
    /// The feed has been told to begin.
    FeedBegins {
        /// When its time begins, µs of Unix time.
        at_us: u64,
    },
    /// A fault is due. Those of the lab proxy have been ordered; whoever reads this does the others.
    Fault {
        /// Which, as an index into the job's faults.
        index: usize,
    },
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The cell.
    pub record: CellRecord,
    /// Its seconds.
    pub seconds: Vec<Second>,
    /// What the clients' sockets carried over the whole cell, newcomers included.
    pub leg: LegStats,
}

/// Why a cell could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Stopped from outside.
    #[error("stopped before the cell was measured")]
    Interrupted,
    /// All of the processes begin at one moment, and this one heard of it too late.
    #[error("the start was {:.1} s ago when this process was ready: give them more time", by.as_secs_f64())]
    TooLate {
        /// By how much.
        by: Duration,
    },
    /// The server does not do what a server under test must.
    #[error("cannot ask the server at {server} for {what}: {why}")]
    Control {
        /// Who was asked.
        server: SocketAddr,
        /// The path.
        what: String,
        /// What came instead.
        why: String,
    },
    /// What was to break could not be broken.
    #[error("cannot order the fault {}: {why}", kind.name())]
    Fault {
        /// What.
        kind: LinkFault,
        /// Why not.
        why: String,
    },
    /// The clients of an encrypted link have nobody to trust.
    #[error("cannot trust the job's certificate: {0}")]
    Certificate(#[source] TlsError),
    /// The ages cannot be kept.
    #[error("cannot write {}: {source}", path.display())]
    Hlog {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The machine gave no thread, no timer or no socket to work with.
    #[error("cannot start the load generator's workers: {0}")]
    Workers(#[source] std::io::Error),
    /// A worker ended before its time, which is a bug.
    #[error("a worker of the load generator ended before the cell did")]
    WorkerLost,
}
