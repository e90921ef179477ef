//! The load generator's input, the events that it emits, and its result.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use feedlab_experiment::plan::Cell;
use feedlab_experiment::record::{CellRecord, Second};
use feedlab_experiment::scenario::{Clients, Contender, Fault, LinkFault, Measure, Stall};
use serde::{Deserialize, Serialize};

use crate::target::JobTarget;
use crate::transport::upstream::Publishing;
use crate::transport::{LegStats, TlsError};

/// One cell to measure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// The address of a feedlab server that waits for its start and serves no other clients. Its figures are queried
    /// here, without TLS.
    pub server: SocketAddr,
    /// Further servers of the same feed behind the same endpoint. Their figures are added.
    #[serde(default)]
    pub more_servers: Vec<SocketAddr>,
    /// Where the clients connect, if not at `server`: the lab proxy, nginx, or the server's TLS port.
    #[serde(default)]
    pub endpoint: Option<SocketAddr>,
    /// Further endpoints of the same feed; clients are spread over all of them.
    #[serde(default)]
    pub more_endpoints: Vec<SocketAddr>,
    /// The certificate that the clients trust, as PEM. They use TLS if the contender's link says so.
    #[serde(default)]
    pub certificate: Option<String>,
    /// The control API of the lab proxy, which carries out the link faults.
    #[serde(default)]
    pub proxy: Option<SocketAddr>,
    /// The processes between the clients and the server.
    #[serde(default)]
    pub between: Between,
    /// Whether each client connects from its own address, by which nginx tells clients apart. Works only where the
    /// endpoint is on Linux's loopback.
    #[serde(default)]
    pub own_addresses: bool,
    /// The faults. Those of the lab proxy are ordered from it; each of the others is emitted as an [`Event::Fault`].
    #[serde(default)]
    pub faults: Vec<Fault>,
    /// What the clients publish, if they publish the feed themselves.
    #[serde(default)]
    pub publishing: Option<Publishing>,
    /// The target that is measured instead of feedlab's own server. Then `server` is the process that publishes to it
    /// and reports its figures, and `endpoint` is where the target itself listens, or a proxy in front of it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub target: Option<JobTarget>,
    /// The cell's id, number of clients, payload, repetition and seed.
    pub cell: Cell,
    /// The contender: the transport and its options.
    pub contender: Contender,
    /// The ramp, the headers and the other client settings. The number of clients is in `cell`.
    pub clients: Clients,
    /// The lengths of the phases.
    pub measure: Measure,
    /// The planned pause of the publisher, which does not count against the harness.
    #[serde(default)]
    pub stall: Option<Stall>,
    /// The file to write the ages to. An existing file is replaced.
    pub hlog: PathBuf,
}

/// The processes between the clients and the server, which are measured too. If there is a proxy, the clients' leg and the
/// server's leg are two different connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Between {
    /// The process id of nginx's master process.
    #[serde(default)]
    pub nginx: Option<u32>,
    /// The process id of the lab proxy.
    #[serde(default)]
    pub lab_proxy: Option<u32>,
    /// The process id of the link emulator, through which packets pass but which ends no connection.
    #[serde(default)]
    pub emulator: Option<u32>,
}

impl Between {
    /// Whether clients connect to the server itself, be it over a link.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        self.nginx.is_none() && self.lab_proxy.is_none()
    }
}

impl Job {
    /// A job without faults, whose clients connect to the server itself and publish nothing.
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
            between: Between { nginx: None, lab_proxy: None, emulator: None },
            own_addresses: false,
            faults: Vec::new(),
            publishing: None,
            target: None,
            cell,
            contender,
            clients,
            measure,
            stall: None,
            hlog,
        }
    }
}

/// The phases of a cell, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The clients connect, spread over the ramp.
    Connect,
    /// All clients are open and the feed has not started: what idle connections cost.
    Settle,
    /// The feed runs but is not counted yet.
    WarmUp,
    /// Updates that are due now are counted.
    Measure,
    /// Updates that were due may still arrive.
    Drain,
    /// The clients close their connections.
    Disconnect,
}

/// What the load generator reports while it works.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A phase starts.
    Phase {
        /// The phase.
        phase: Phase,
        /// Its planned length, s.
        seconds: f64,
    },
    /// The number of open clients, reported while they connect.
    Connected {
        /// The number of clients that have opened a connection so far.
        clients: u32,
    },
    /// A process that is one of several is ready, and waits for the start time.
    Ready,
    /// A second of the measured time has ended.
    Second(Second),
    /// A second of the measured time has ended in one of several processes. Holds its ages, to be merged with those of
    /// the others.
    Ages {
        /// The number of the second, from 0.
        second: u32,
        /// The histogram, encoded with [`feedlab_experiment::hlog::encode`].
        ages: String,
    },
    /// The feed has been started.
    FeedBegins {
        /// When its schedule starts, µs of Unix time.
        at_us: u64,
    },
    /// A fault is due. Faults of the lab proxy have already been ordered from it; the receiver of the event carries out
    /// the others, which includes those of an emulated link.
    Fault {
        /// The index of the fault in the job's list.
        index: usize,
    },
}

/// The result of a cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The cell's record.
    pub record: CellRecord,
    /// The seconds of the measured time.
    pub seconds: Vec<Second>,
    /// What the clients' sockets carried over the whole cell, including the join probe.
    pub leg: LegStats,
}

/// Why a cell could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The run was stopped from outside.
    #[error("stopped before the cell was measured")]
    Interrupted,
    /// All processes of a cell start at the same moment, and this one was ready too late.
    #[error("this process was ready {:.1} s after the common start: allow more time before it", by.as_secs_f64())]
    TooLate {
        /// How late it was.
        by: Duration,
    },
    /// The server's control API failed.
    #[error("cannot query the server at {server} for {what}: {why}")]
    Control {
        /// The address of the server.
        server: SocketAddr,
        /// The path that was requested.
        what: String,
        /// What went wrong.
        why: String,
    },
    /// The lab proxy did not carry out a fault.
    #[error("cannot order the fault {}: {why}", kind.name())]
    Fault {
        /// The kind of the fault.
        kind: LinkFault,
        /// What went wrong.
        why: String,
    },
    /// The job's clients could not read the feed of its target.
    #[error("cannot measure the target `{name}`: {why}")]
    Target {
        /// The name of the target.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// The job's certificate is missing or not valid.
    #[error("cannot trust the job's certificate: {0}")]
    Certificate(#[source] TlsError),
    /// The file of the ages cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Hlog {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: std::io::Error,
    },
    /// A thread, a timer or a socket could not be created.
    #[error("cannot start the load generator's workers: {0}")]
    Workers(#[source] std::io::Error),
    /// A worker ended before the cell did, which is a bug.
    #[error("a worker of the load generator ended before the cell did")]
    WorkerLost,
}
