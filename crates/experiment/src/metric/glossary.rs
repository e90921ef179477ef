//! Renders the metric table as a page: `docs/metrics.md`. A test checks that the page is up to date.

use std::fmt::Write as _;

use super::{Group, MetricInfo, Pooling, TABLE, Unit};

const HEAD: &str = "\
# Metrics

Every metric that feedlab measures, by its id in `summary.json` and `cells.ndjson`. An id includes its unit. A metric
that was not measured is absent, never zero.

The column \"repetitions\" says how the values of several repetitions become one: percentiles are never averaged; the
histograms of ages are merged. With two or more repetitions, each value has a 95% interval over them: the standard error
of a bootstrap that draws whole repetitions, times Student's t, which is large for few repetitions. A percentile with
fewer than 10 samples beyond it is not reported.

## What is counted

**Whose bytes.** Bytes, packets, connections and handshakes are those of the *clients' leg*, for every contender: what
the clients' own connections carry, below TLS. Where clients connect directly to the server, they are counted at the
server's sockets. Where nginx or the lab proxy is in between, they are counted at the clients' sockets, and the traffic
between the proxy and the server, the *server's leg*, has its own metrics. Behind nginx the parts of the clients' bytes
(headers, framing, keepalive) are absent: nginx writes its own headers, which are not counted. An emulated link ends no
connection: over a link, bytes and segments are counted at the server's sockets, and packets that the link lost on their
way to the server are not among them.

**Three levels of bytes, always named.** *Payload* is the data of the updates. *Socket* is every byte that was read from
or written to a TCP socket, counted in one place for all transports; it is the sum of payload, framing, HTTP headers and
keepalive. *Wire* is what IP carried: the socket bytes, those that the counting side retransmitted, and 52 bytes for
each segment in either direction (20 for IPv4, 20 for TCP, 12 for TCP timestamps; 20 more with IPv6, 12 fewer without
timestamps). SYN and SYN-ACK take 8 more (12 without timestamps) for their options. Handshakes, pure acknowledgements
and closes are included; link-layer headers, selective-acknowledgement options and the other side's retransmissions are
not.

Segment counts come from the kernel's own statistics of each connection (`TCP_INFO`: `tcpi_segs_in`, `tcpi_segs_out`,
`tcpi_bytes_sent`, `tcpi_bytes_received`, `tcpi_total_retrans`). They are read whenever the server is queried while the
connection is open, and for the last time just before its socket closes; what the close itself takes (one FIN and its
acknowledgement, after the client's) is added. On the clients' leg, a socket is kept for a tenth of a second instead and
read then. So a connection for a single poll is counted like one that was open for hours. A segment is what TCP counts
as one: on loopback up to 65,483 bytes, on Ethernet 1,448. `scripts/check-bytes` compares all of this with a packet
capture. Connections to no feed endpoint (`/stats`, for example) are not counted.

**Losses** are those that TCP repaired, counted where they were sent: a server's retransmissions are of what went down,
the clients' of what went up. A segment is *retransmitted* (`tcpi_total_retrans`) when three later ones or the time since
then show that it is lost, when a tail-loss probe sends the last one again, or when the retransmission timer fires. The
last is a *timeout* (`tcpi_total_rto`), which costs 200 ms and more, and a second for the SYN of a connection; before
Linux 6.7 the kernel does not report it, and it is absent. Tail-loss probes alone are not reported for a connection. A
connection that has ended keeps its counts. What is not counted: what was sent again after the last reading, at the end
of a close, and the SYNs of a connection that never opened. Some are spurious: nothing was lost, and an acknowledgement
was late.

**Amounts per update** are differences between two readings of the server's counters, at the start and at the end of the
measured time, divided by the updates that it delivered to clients between the same two readings; on the clients' leg
behind a proxy, by the updates that the clients received.

**Memory, kernel memory and descriptors of a connection** are slopes: while the clients of a cell connect to its fresh
server, the open connections and the usage are read ten times, and once more when all clients have settled; the metric
is the slope of the least-squares line, so the process's usage without clients is not part of it. It requires three
different counts and at least half of the clients connected at the same time. Resident memory is `Rss` of
`/proc/self/smaps_rollup`. Kernel memory requires `/proc/slabinfo`, which only root may read; otherwise it is absent.

**CPU** is the kernel's account of the process (`CLOCK_PROCESS_CPUTIME_ID`). The baseline rate, measured before the
first client connects, is subtracted. What the kernel does for the loopback outside of the process (softirq) is not
included; `other_cpu_cores` shows it together with everything else on the machine. nginx, the lab proxy and the
link emulator are processes of the run and have their own metrics (`/proc/PID`; for nginx the master with its workers,
including those that a reload has replaced): they are not included either.

**Recovery** is what clients see: a connection is lost when its client learns of it, and recovered with the next update.
Updates that were due in between and that the client receives after it reconnects are *replayed*; those that the server
reports it can no longer deliver are *reported lost*, and count as missed. A client has reconnected, in `reconnect_…`,
when the feed is served to it again: a readable answer to a poll, the response headers of an event stream, or an
upgrade. A 503, a 204 or an HTML page from whatever is in between does not count, except that a 204 to a long poll says
that there is nothing new and counts, whichever hop sent it. Before a run stops a server, it reads the server's counters
and adds them to those of the server's next process; where a server was restarted in another way, metrics that are
differences of its counters (requests, bytes, CPU) are absent.

**Resets.** A client that reconnects with a cursor of another epoch (of a feed that started over and cannot be
reproduced) is sent a reset, and receives what exists of the new epoch from its start. It is counted among the client
errors (`reset` under `failures` of `cells.ndjson`; \"feed that started over\" in the report), once for each client and
reset, and also where a client without a cursor detects it by itself. Updates of the old epoch that were due and did not
arrive stay missed, and no update of the new epoch is taken for a duplicate. Updates of the old epoch that were
published after the last one that any client received cannot be counted. Servers of a scenario keep their epoch when
they are killed or restarted, so none of their clients is sent a reset.

**Ages of the updates that arrived.** A contender that missed updates, or whose clients gave up, would look fresher the
more it lost. Its ages are shown, but not ranked against those of other contenders; it misses every threshold on ages,
whatever the threshold requires, and the result says so.

**Join probes** connect after the clients have left, one at a time, up to thirty: each connects, asks for the update
before the newest, receives it, and leaves.

This page is generated from the metric table in `crates/experiment/src/metric.rs`, and the text above from
`crates/experiment/src/metric/glossary.rs`; [CONTRIBUTING.md](../CONTRIBUTING.md) has the command.
";

/// Returns the page, with one section per group and one table row per metric.
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
    /// Returns the group's display name and what it is about.
    #[must_use]
    pub const fn title(self) -> (&'static str, &'static str) {
        match self {
            Self::Freshness => (
                "Freshness",
                "How stale the updates were when they arrived: the one latency that is comparable \
                               across all transports.",
            ),
            Self::Delivery => ("Delivery", "Which updates arrived and which did not."),
            Self::Requests => ("Requests", "How many requests the clients sent."),
            Self::Bandwidth => (
                "Bandwidth",
                "Traffic on the clients' sockets: payload is what the application wanted to send, socket is every \
                 byte written, and wire adds the headers of IP and TCP.",
            ),
            Self::ServerLeg => (
                "Server's leg",
                "Traffic on the sockets between a proxy and the server. Absent if clients connect directly to the \
                 server.",
            ),
            Self::ConnectionCost => ("Connection cost", "What a client costs before its first update."),
            Self::Cpu => ("CPU", "CPU time per update that is delivered to a client."),
            Self::Proxies => {
                ("Proxies", "Resources that the processes of nginx and the lab proxy used. Absent if there are none.")
            }
            Self::Recovery => ("Recovery", "How long clients were disconnected."),
            Self::Trust => ("Trust", "Whether the test harness itself kept up; the verdict is based on these."),
        }
    }
}

impl Unit {
    /// Returns the unit's symbol, which is empty for a count.
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
        feedlab_testkit::docs::assert_generated("docs/metrics.md", &glossary_markdown());
    }

    #[test]
    fn each_group_is_one_section() {
        let page = glossary_markdown();
        assert_eq!(page.matches("\n## ").count(), 10 + 1, "and what is counted");
        assert_eq!(page.matches("\n| `").count(), TABLE.len());
    }
}
