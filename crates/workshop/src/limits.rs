//! The limits on what visitors of a workshop can use up. Each limit is defined here once, with its reason; `feedlab
//! workshop --help` and docs/limits.md show [`TABLE`]. The bodies of orders are limited by the server that receives
//! them, in its own table.

use std::time::Duration;

use feedlab_experiment::class::{MAX_COUNT, MAX_FILE_BYTES, MAX_NAME, MAX_VOTES};
use feedlab_feed::limit::Limit;
use feedlab_feed::limit::Most::{Bytes, Count, Time};

/// The most labs at a time; `feedlab workshop --labs` can only lower it.
pub const MAX_LABS: usize = 32;
/// The most labs of one other machine at a time: a page that reloads needs two for a moment.
pub(crate) const MAX_LABS_PER_MACHINE: usize = 4;
/// The most labs that one other machine may open in a minute.
pub(crate) const MAX_LAB_OPENS_PER_MINUTE: u32 = 20;
/// The most machines whose opened labs are counted at a time.
pub(crate) const MAX_LAB_MACHINES: usize = 1024;
/// The most connections at each address of a lab that is open to other machines: a browser opens six, and a WebSocket
/// or a grid of streams a few more.
pub(crate) const MAX_SHARED_LAB_CONNECTIONS: usize = 64;
/// The most payload bytes per second of the feed of a lab that is open to other machines.
pub(crate) const MAX_SHARED_LAB_BYTES_PER_S: usize = 256 << 10;
/// How long a lab stays open without a request.
pub(crate) const LAB_IDLE_TIMEOUT: Duration = Duration::from_secs(3 * 60);
/// The most connections at each address of a lab.
pub(crate) const MAX_LAB_CONNECTIONS: usize = 512;
/// The most payload bytes in a tab's history, so that all tabs together fit into a laptop's memory.
pub(crate) const MAX_LAB_HISTORY_BYTES: usize = 4 << 20;
/// The most updates that a feed generates again after a change; beyond it, a new feed starts instead.
pub(crate) const MAX_REGENERATED_UPDATES: usize = 200_000;
/// The longest downtime in a restart of a tab's server.
pub(crate) const MAX_RESTART_DOWNTIME: Duration = Duration::from_secs(60);

/// The most people in a class, and so the most names in memory.
pub(crate) const MAX_PEOPLE: usize = 500;
/// The most wrong tokens from one machine in a minute.
pub(crate) const MAX_TOKEN_TRIES: u32 = 10;
/// The most machines whose wrong tokens are counted.
pub(crate) const MAX_TRYING_MACHINES: usize = 256;
/// The most votes in one request of a laptop that sends its votes to the class's server.
pub const MAX_FORWARDED_VOTES: usize = 20;

/// The most runs that a class remembers.
pub(crate) const MAX_RUNS: usize = 64;
/// How much of a run's standard output is read, bytes.
pub(crate) const MAX_RUN_OUTPUT_BYTES: u64 = 8 << 20;
/// How much of the end of a run's standard error is kept, bytes.
pub(crate) const MAX_RUN_STDERR_BYTES: usize = 4 << 10;
/// The largest file of a run that is served, bytes.
pub(crate) const MAX_RUN_FILE_BYTES: u64 = 32 << 20;

/// The longest query of the page of choices, bytes.
pub(crate) const MAX_CHOICE_QUERY_BYTES: usize = 1 << 10;
/// The most answers and maps of the page of choices that are computed at once.
pub(crate) const MAX_CHOICES_AT_ONCE: usize = 2;

/// All limits of a workshop.
pub const TABLE: [Limit; 26] = [
    Limit { name: "labs, one per browser tab", most: Count(MAX_LABS), why: "total memory and ports; beyond it 503" },
    Limit { name: "lab without a request", most: Time(LAB_IDLE_TIMEOUT), why: "memory and ports; then it ends" },
    Limit {
        name: "connections to an address of a lab",
        most: Count(MAX_LAB_CONNECTIONS),
        why: "descriptors; beyond it 503",
    },
    Limit {
        name: "history of a lab",
        most: Bytes(MAX_LAB_HISTORY_BYTES),
        why: "total memory; the oldest updates are dropped",
    },
    Limit {
        name: "updates that a lab generates again after a change",
        most: Count(MAX_REGENERATED_UPDATES),
        why: "CPU time; beyond it a new feed starts",
    },
    Limit {
        name: "ports of a lab",
        most: Count(crate::lab::PORTS),
        why: "one for each endpoint, one for all of them, one with TLS, and the server's own, on loopback",
    },
    Limit {
        name: "labs of one other machine, with --labs",
        most: Count(MAX_LABS_PER_MACHINE),
        why: "a lab for everybody; beyond it 503",
    },
    Limit {
        name: "labs that one other machine opens in a minute, with --labs",
        most: Count(MAX_LAB_OPENS_PER_MINUTE as usize),
        why: "CPU time; beyond it 429",
    },
    Limit {
        name: "machines whose labs are counted, with --labs",
        most: Count(MAX_LAB_MACHINES),
        why: "memory; beyond it 503 for new ones, for a minute",
    },
    Limit {
        name: "connections to an address of a lab, with --labs",
        most: Count(MAX_SHARED_LAB_CONNECTIONS),
        why: "descriptors; beyond it closed",
    },
    Limit {
        name: "payload of a lab's feed per second, with --labs",
        most: Bytes(MAX_SHARED_LAB_BYTES_PER_S),
        why: "bandwidth; a faster feed is refused",
    },
    Limit { name: "downtime of a lab's server", most: Time(MAX_RESTART_DOWNTIME), why: "ports; beyond it 400" },
    Limit { name: "characters in a voter's name", most: Count(MAX_NAME), why: "size of every page; beyond it 400" },
    Limit { name: "raised hands in one vote", most: Count(MAX_COUNT as usize), why: "typing errors; beyond it 400" },
    Limit { name: "votes of a class", most: Count(MAX_VOTES), why: "memory and size of every page; beyond it refused" },
    Limit { name: "file of votes", most: Bytes(MAX_FILE_BYTES as usize), why: "disk space; beyond it refused" },
    Limit { name: "people in a class", most: Count(MAX_PEOPLE), why: "memory; beyond it they are not counted" },
    Limit {
        name: "wrong tokens from one machine in a minute",
        most: Count(MAX_TOKEN_TRIES as usize),
        why: "guessing; beyond it 429",
    },
    Limit {
        name: "machines whose wrong tokens are counted",
        most: Count(MAX_TRYING_MACHINES),
        why: "memory; beyond it they are rejected, but not counted",
    },
    Limit {
        name: "votes in a request of another server",
        most: Count(MAX_FORWARDED_VOTES),
        why: "size of the request; beyond it 400",
    },
    Limit { name: "runs that a class remembers", most: Count(MAX_RUNS), why: "memory; the oldest are forgotten" },
    Limit {
        name: "standard output of a run that is read",
        most: Bytes(MAX_RUN_OUTPUT_BYTES as usize),
        why: "memory; the rest is dropped",
    },
    Limit { name: "standard error of a run", most: Bytes(MAX_RUN_STDERR_BYTES), why: "memory; only the end is kept" },
    Limit {
        name: "file of a run that is served",
        most: Bytes(MAX_RUN_FILE_BYTES as usize),
        why: "memory of a response; beyond it 404",
    },
    Limit {
        name: "query of the page of choices, also of `feedlab serve`",
        most: Bytes(MAX_CHOICE_QUERY_BYTES),
        why: "size of the page; beyond it 400",
    },
    Limit {
        name: "answers and maps of choices that are computed at once, also by `feedlab serve`",
        most: Count(MAX_CHOICES_AT_ONCE),
        why: "CPU time; beyond it 503",
    },
];
