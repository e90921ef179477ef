//! What bounds whatever a workshop's guests decide: each bound with its reason, once, and [`TABLE`], which `feedlab workshop
//! --help` and docs/limits.md show. Bodies of orders are bounded by the server that takes them, with its own table.

use std::time::Duration;

use feedlab_experiment::class::{MAX_COUNT, MAX_FILE_BYTES, MAX_NAME, MAX_VOTES};
use feedlab_feed::limit::Limit;
use feedlab_feed::limit::Most::{Bytes, Count, Time};

/// Labs that there may be at once.
pub const MAX_LABS: usize = 32;
/// A lab that nobody has asked for so long ends.
pub(crate) const LAB_PATIENCE: Duration = Duration::from_secs(3 * 60);
/// Connections that a tab may have at each address.
pub(crate) const MAX_LAB_CONNECTIONS: usize = 512;
/// Payload bytes that a tab's history may hold, so that all tabs together fit into a laptop.
pub(crate) const MAX_LAB_HISTORY_BYTES: usize = 4 << 20;
/// A feed that would have to make more updates than this again is followed by another instead.
pub(crate) const MAX_AGAIN: usize = 200_000;
/// The longest that a tab's server can stay away.
pub(crate) const MAX_DOWN: Duration = Duration::from_secs(60);

/// Runs of a class that are remembered.
pub(crate) const MAX_RUNS: usize = 64;
/// How much of what a run prints is read, bytes.
pub(crate) const MAX_RUN_OUTPUT_BYTES: u64 = 8 << 20;
/// How much of what it says is kept, bytes: its last.
pub(crate) const MAX_RUN_WORDS_BYTES: usize = 4 << 10;
/// The largest file of a run that is handed out, bytes.
pub(crate) const MAX_RUN_FILE_BYTES: u64 = 32 << 20;

/// All of them.
pub const TABLE: [Limit; 14] = [
    Limit { name: "labs, one a browser tab", most: Count(MAX_LABS), why: "memory and ports of all; beyond it 503" },
    Limit { name: "lab that nobody asks for", most: Time(LAB_PATIENCE), why: "memory and ports; then it ends" },
    Limit {
        name: "connections to an address of a lab",
        most: Count(MAX_LAB_CONNECTIONS),
        why: "descriptors; beyond it 503",
    },
    Limit { name: "history of a lab", most: Bytes(MAX_LAB_HISTORY_BYTES), why: "memory of all; the oldest updates go" },
    Limit {
        name: "updates that a lab makes again after a change",
        most: Count(MAX_AGAIN),
        why: "processor time; beyond it a new feed begins",
    },
    Limit { name: "absence of a lab's server", most: Time(MAX_DOWN), why: "ports; beyond it 400" },
    Limit { name: "characters of a voter's name", most: Count(MAX_NAME), why: "every page; beyond it 400" },
    Limit { name: "hands of one vote", most: Count(MAX_COUNT as usize), why: "a slip of the finger; beyond it 400" },
    Limit { name: "votes of a class", most: Count(MAX_VOTES), why: "memory and every page; beyond it refused" },
    Limit { name: "file of votes", most: Bytes(MAX_FILE_BYTES as usize), why: "the disk; beyond it refused" },
    Limit { name: "runs that a class remembers", most: Count(MAX_RUNS), why: "memory; the oldest are forgotten" },
    Limit {
        name: "output of a run that is read",
        most: Bytes(MAX_RUN_OUTPUT_BYTES as usize),
        why: "memory; the rest is dropped",
    },
    Limit { name: "last words of a run", most: Bytes(MAX_RUN_WORDS_BYTES), why: "memory; the earlier go" },
    Limit {
        name: "file of a run that is handed out",
        most: Bytes(MAX_RUN_FILE_BYTES as usize),
        why: "memory of an answer; beyond it 404",
    },
];
