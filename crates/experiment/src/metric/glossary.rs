//! The metric table as a page: `docs/metrics.md` is what this makes, and a test keeps it so.

use std::fmt::Write as _;

use super::{Group, MetricInfo, Pooling, TABLE, Unit};

const HEAD: &str = "\
# Metrics

Every metric that feedlab knows, by the id under which it stands in `summary.json` and `cells.ndjson`. An id carries
its unit. A metric that was not measured is absent, never zero.

\"Repetitions\" says how the value of several repetitions is made: percentiles are never averaged, the histograms of ages
are merged. With two repetitions and more, each value has a 95 % interval over them: the standard error of a bootstrap
that draws whole repetitions, times Student's t, which is large for few. A percentile with fewer than 10 samples beyond it
is not told.

## What is counted

**Whose bytes.** Bytes, packets, connections and handshakes are those of the *clients' leg*, for every contender: what
clients' own connections carry, below TLS. Where clients reach the server itself, they are counted at the server's
sockets. Where nginx or the lab proxy lies between, they are counted at the clients' sockets, and what passes between the
proxy and the server, the *server's leg*, has figures of its own. Behind nginx the parts of the clients' bytes (headers,
framing, keepalive) are absent: nginx writes heads of its own, and nobody counts them.

**Three levels of bytes, always named.** *Payload* is the data of the updates. *Socket* is every byte that was read from
or written to a TCP socket, counted in one place for all transports; it is the sum of payload, framing, HTTP headers
and keepalive. *Wire* is what IP carried: socket bytes, sent again where the counting side had to, and 52 bytes for each segment
in either direction (20 of IPv4, 20 of TCP, 12 of TCP timestamps; 20 more with IPv6, 12 fewer without timestamps). SYN
and SYN-ACK take 8 more (12 without timestamps) for their options. Handshakes, pure acknowledgements and closes are in
it; link-layer headers, selective-acknowledgement options and what the other side sent again are not.

Segments come from the kernel's own account of each connection (`TCP_INFO`: `tcpi_segs_in`, `tcpi_segs_out`,
`tcpi_bytes_sent`, `tcpi_bytes_received`, `tcpi_total_retrans`), read while it is open whenever the server is asked, and
for the last time in the moment before its socket closes; what the close still takes (one FIN and its acknowledgement,
after the client's) is added. On the clients' leg a socket is kept for a tenth of a second instead, and asked then. So a
connection of a single poll counts like one that lived for hours. A segment is what TCP counts as one: on loopback up to
65,483 bytes, on Ethernet 1,448. `scripts/check-bytes` holds all of this against a packet capture. Connections that come for no endpoint (`/stats`, say) are counted nowhere.

**Amounts for each update** are differences between two looks at the server, at the start and at the end of the measured
time, divided by the updates that it handed to clients between the same two looks; on the clients' leg behind a proxy, by
those that clients were handed.

**Memory, kernel memory and descriptors of a connection** are slopes: while the clients of a cell connect to its fresh
server, ten looks are taken at what is open and what is used, and one when all have settled; the metric is the slope of
the least-squares line, so that what the process takes without any client is no part of it. It needs three different
counts and half of the clients connected at a time. Resident memory is `Rss` of `/proc/self/smaps_rollup`. Kernel memory
needs `/proc/slabinfo`, which only root may read; it is absent otherwise.

**CPU** is the kernel's account of the process (`CLOCK_PROCESS_CPUTIME_ID`). The rate of a quiet time before the first
client is subtracted. What the kernel does for the loopback outside of the process (softirq) is not in it; `other_cpu_cores`
shows it together with everything else on the machine. nginx and the lab proxy are processes of the run and have figures
of their own (`/proc/PID`; of nginx the master with its workers, those that a reload has ended too): they are no part of it.

**Recovery** is what clients see: a connection is lost when its client learns so, and recovered with the next update. What
was due meanwhile and is given to the client when it comes back is *replayed*; what the server says it can no longer give is
*reported lost*, and is part of what was missed. A client is back, in `reconnect_…`, when it is served the feed again: a poll's
answer that could be read, the head of an event stream, an upgrade; a 503, a 204 or a page of HTML of whatever lies between
is none of these, except that a 204 to a long poll says that there is nothing new and counts, whoever sent it. A run asks
a server that it is about to end for its counters, and adds them to those of its next life; where a server was started again
otherwise, what is a difference of its counters (requests, bytes, CPU) is absent.

**Resets.** A client that comes back with a cursor of another epoch (of a feed that began again, and cannot be had again) is told
a reset, and given what there is of the new one from its start. It is counted with what went wrong for clients (`reset` under
`failures` of `cells.ndjson`; \"feed that began again\" in the report), once for each client and reset, and also where a client
without a cursor sees it by itself. What was due of the old feed and did not arrive stays missed, and of the new one nothing is
taken for a duplicate. What was published of the old feed after the last update that any client has of it, nobody can count.
Servers of a scenario keep their epoch when they are killed or restarted, so that none of their clients is told a reset.

**Ages of what was left.** A contender that missed updates, or whose clients gave up, would look the fresher the more it lost. Its
ages are shown, and ranked beside nobody's; a threshold on ages is missed by it, and says so, whatever it requires.

**Newcomers** come after the fleet has left, one at a time, up to thirty: each connects, asks for the update before the
newest, takes it, and leaves.

This page is made from the metric table in `crates/experiment/src/metric.rs`; `UPDATE_DOCS=1 cargo test -p
feedlab-experiment` writes it again.
";

/// The page: a section a group, a line a metric.
#[must_use]
pub fn glossary_markdown() -> String {
    let mut page = HEAD.to_owned();
    let mut group = None;
    for row in TABLE {
        if group.replace(row.group) != Some(row.group) {
            let (title, about) = row.group.title();
            page += &format!(
                "\n## {title}\n\n{about}\n\n| id | name | unit | repetitions | meaning |\n|---|---|---|---|---|\n"
            );
        }
        page += &line(row);
    }
    page
}

fn line(row: &MetricInfo) -> String {
    let mut line = String::new();
    for cell in [&format!("`{}`", row.id), row.label, row.unit.symbol(), row.pooling.words(), row.meaning] {
        let _ = write!(line, "| {cell} ");
    }
    line + "|\n"
}

impl Group {
    /// The group's name for people, and what it is about.
    #[must_use]
    pub const fn title(self) -> (&'static str, &'static str) {
        match self {
            Self::Freshness => {
                ("Freshness", "How stale a client's knowledge was: the one latency that all transports share.")
            }
            Self::Delivery => ("Delivery", "What arrived, and what did not."),
            Self::Requests => ("Requests", "How often clients asked."),
            Self::Bandwidth => (
                "Bandwidth",
                "What went over the clients' sockets: payload is what the application wanted to say, socket all that was \
                 written, wire what IP and TCP made of it.",
            ),
            Self::ServerLeg => (
                "Server's leg",
                "What went over the sockets between a proxy and the server. Absent where nothing lies between clients and \
                 server.",
            ),
            Self::ConnectionCost => ("Connection cost", "What a client costs before the first update."),
            Self::Cpu => ("CPU", "What an update costs that is delivered to a client."),
            Self::Proxies => {
                ("Proxies", "What nginx and the lab proxy took, as processes. Absent where there are none.")
            }
            Self::Recovery => ("Recovery", "How long a client was cut off."),
            Self::Trust => ("Trust", "Whether the harness itself kept up; the verdict is made of these."),
        }
    }
}

impl Unit {
    /// The unit's symbol; empty for a count.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Microseconds => "µs",
            Self::Bytes => "B",
            Self::Count => "",
        }
    }
}

impl Pooling {
    const fn words(self) -> &'static str {
        match self {
            Self::AgeQuantile(_) | Self::AgeMean | Self::AgeMax => "merged",
            Self::Max => "largest",
            Self::Sum => "sum",
            Self::Mean => "mean",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_in_docs_is_the_table() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/metrics.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(file, glossary_markdown()).unwrap();
        }
        let committed = std::fs::read_to_string(file).unwrap();
        assert_eq!(committed, glossary_markdown(), "run `UPDATE_DOCS=1 cargo test -p feedlab-experiment`");
    }

    #[test]
    fn each_group_is_one_section() {
        let page = glossary_markdown();
        assert_eq!(page.matches("\n## ").count(), 10 + 1, "and what is counted");
        assert_eq!(page.matches("\n| `").count(), TABLE.len());
    }
}
