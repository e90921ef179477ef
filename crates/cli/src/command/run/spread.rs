//! The flags for a run that several processes measure: agents at a broker, or segments that you start by hand.

use std::net::SocketAddr;

use feedlab_experiment::{Scenario, Segment};
use feedlab_feed::clock;
use feedlab_feed::source::BrokerAddress;
use feedlab_nats::Name;

use super::site::{self, ANYWHERE, Site};
use super::testbed::needs_proxy;

/// The least time between the start of a segment and its first client, µs: it has to start a server and threads.
const LEAST_NOTICE_US: u64 = 5_000_000;

#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "More than one process")]
pub(super) struct SpreadArgs {
    /// Let the agents at this broker drive the clients (`feedlab agent --nats …`, on any machine)
    #[arg(long, value_name = "nats://HOST", requires = "agents", conflicts_with = "segment")]
    nats: Option<BrokerAddress>,

    /// Number of agents that share the clients; the run starts when all have joined
    #[arg(long, value_name = "N", requires = "nats", value_parser = clap::value_parser!(u32).range(1..=i64::from(Segment::MOST)))]
    agents: Option<u32>,

    /// Name by which the run and its agents find each other; only one run can use it at a time
    #[arg(long = "as", value_name = "NAME", default_value = "feedlab", requires = "nats")]
    name: Name,

    /// Drive only this share of the clients, without a broker; `feedlab merge` merges the segments
    #[arg(long, value_name = "I/N", requires = "start_at")]
    segment: Option<Segment>,

    /// Start time, the same for all segments: seconds of Unix time, as from `date +%s`, or 2026-11-21T12:00:30Z
    #[arg(long, value_name = "TIME", requires = "segment", value_parser = moment)]
    start_at: Option<u64>,

    /// Where clients connect to the server: an address of this machine that the other machines can reach, and a port
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,

    /// Start each server in its own network namespace (`ip netns`), at its address there; the feed's broker listens on
    /// the address of --listen, which the namespaces must be able to reach
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', requires_all = ["nats", "listen"])]
    namespaces: Vec<site::Name>,

    /// Where the first segment serves; for all segments except the first
    #[arg(long, value_name = "ADDR", requires = "segment", conflicts_with = "listen")]
    server: Option<SocketAddr>,
}

/// Which processes measure a run.
#[derive(Clone, Debug)]
pub(super) enum Spread {
    /// One load generator.
    Alone,
    /// Agents at a broker.
    Agents { address: BrokerAddress, agents: u32, name: Name, site: Site },
    /// One load generator, for one segment of the clients. It starts at `start_us`, µs of Unix time.
    Segment { segment: Segment, start_us: u64, role: Role },
}

impl Spread {
    /// Returns how many load generators share the clients.
    pub(super) const fn generators(&self) -> u32 {
        match self {
            Self::Alone => 1,
            Self::Agents { agents, .. } => *agents,
            Self::Segment { segment, .. } => segment.of(),
        }
    }
}

/// What a segment does in addition to driving its clients.
#[derive(Clone, Copy, Debug)]
pub(super) enum Role {
    /// It serves, queries the servers and starts the join probes.
    Leads { listen: SocketAddr },
    /// It only drives clients.
    Follows { server: SocketAddr },
}

impl SpreadArgs {
    /// Returns which processes measure the run.
    ///
    /// # Errors
    /// If the flags or the scenarios do not allow it.
    pub(super) fn checked(&self, scenarios: &[&Scenario]) -> anyhow::Result<Spread> {
        let listen = self.listen.unwrap_or(ANYWHERE);
        scenarios.iter().try_for_each(|scenario| check_listen(scenario, listen))?;
        self.check_precision(scenarios)?;
        if self.nats.is_some() || self.segment.is_some() {
            scenarios.iter().try_for_each(|scenario| check_targets(scenario))?;
            scenarios.iter().try_for_each(|scenario| check_link(scenario))?;
        }
        match (&self.nats, self.agents, self.segment, self.start_at) {
            (Some(address), Some(agents), ..) => {
                let site = self.site(scenarios, listen)?;
                Ok(Spread::Agents { address: address.clone(), agents, name: self.name.clone(), site })
            }
            (None, _, Some(segment), Some(start_us)) => self.segment(scenarios, segment, start_us),
            _ => {
                anyhow::ensure!(self.listen.is_none(), "--listen requires --nats or --segment");
                Ok(Spread::Alone)
            }
        }
    }

    /// Segments do not communicate, so they cannot agree on another repetition.
    fn check_precision(&self, scenarios: &[&Scenario]) -> anyhow::Result<()> {
        let precise = scenarios.iter().find(|scenario| self.segment.is_some() && scenario.precision.is_some());
        let Some(Scenario { name, .. }) = precise else { return Ok(()) };
        anyhow::bail!(
            "{name} asks for a precision, but segments do not communicate and cannot agree on further repetitions; use \
             agents at a broker (--nats, --agents), or give `repetitions` instead of `precision`"
        )
    }

    fn site(&self, scenarios: &[&Scenario], listen: SocketAddr) -> anyhow::Result<Site> {
        let names = &self.namespaces;
        if names.is_empty() {
            return Ok(Site::here(listen));
        }
        for scenario in scenarios {
            let (servers, name) = (scenario.feed.servers as usize, &scenario.name);
            anyhow::ensure!(
                servers == names.len(),
                "{name} has {servers} servers, but --namespaces has {} names: give the same number, or change `servers` in its [feed]",
                names.len()
            );
        }
        Site::within(listen, names)
    }

    fn segment(&self, scenarios: &[&Scenario], segment: Segment, start_us: u64) -> anyhow::Result<Spread> {
        anyhow::ensure!(
            scenarios.len() == 1,
            "--segment measures one scenario: start each with its own command and time"
        );
        let speaks_tls = scenarios.iter().flat_map(|scenario| &scenario.contenders).any(|one| one.link.tls);
        anyhow::ensure!(
            !speaks_tls,
            "--segment cannot measure TLS: each run has its own certificate, which only agents receive (--nats)"
        );
        anyhow::ensure!(
            scenarios.iter().all(|scenario| scenario.feed.servers == 1),
            "--segment supports only one server; use agents for several (--nats)"
        );
        let role = match (self.listen, self.server) {
            (Some(listen), None) if segment.index() == 1 => Role::Leads { listen },
            (None, Some(server)) if segment.index() > 1 => Role::Follows { server },
            _ if segment.index() == 1 => anyhow::bail!(
                "segment {segment} serves: add --listen 192.0.2.1:7000, for example, and --server 192.0.2.1:7000 to the others"
            ),
            _ => anyhow::bail!(
                "segment {segment} needs the address where the first one serves, as in --server 192.0.2.1:7000"
            ),
        };
        if let Role::Leads { listen } = role {
            anyhow::ensure!(listen.port() != 0, "--listen needs a fixed port, because the other segments must know it");
        }
        let notice = start_us.saturating_sub(clock::unix_us());
        anyhow::ensure!(
            notice >= LEAST_NOTICE_US,
            "--start-at must be at least 5 seconds ahead, but is {:.1}: segments need time to prepare",
            notice as f64 / 1e6
        );
        Ok(Spread::Segment { segment, start_us, role })
    }
}

/// Checks that no target is measured: only the process that starts one knows how its clients read its feed.
fn check_targets(scenario: &Scenario) -> anyhow::Result<()> {
    let named = scenario.contenders.iter().find_map(|contender| contender.target.as_deref());
    match named {
        None => Ok(()),
        Some(target) => anyhow::bail!(
            "{}: the target {target} can be measured only by one process: omit --nats and --segment",
            scenario.name
        ),
    }
}

/// Checks that no link is emulated: it joins two namespaces of this machine.
fn check_link(scenario: &Scenario) -> anyhow::Result<()> {
    anyhow::ensure!(
        scenario.link.is_none(),
        "{}: a link joins servers and clients of one process, on one machine: omit --nats and --segment, or use \
         `model = \"proxy\"` in [network]",
        scenario.name
    );
    Ok(())
}

/// Checks `--listen`: nginx and the lab proxy, which are in front of the servers, listen on this machine only.
fn check_listen(scenario: &Scenario, listen: SocketAddr) -> anyhow::Result<()> {
    anyhow::ensure!(
        !listen.ip().is_unspecified(),
        "--listen {listen} means every address of this machine: give the one that the others can reach"
    );
    let is_fronted = needs_proxy(scenario) || scenario.contenders.iter().any(|one| one.link.via.is_nginx());
    anyhow::ensure!(
        listen.ip().is_loopback() || !is_fronted,
        "{}: the lab proxy and nginx listen only on this machine; omit --listen, and run all clients here",
        scenario.name
    );
    Ok(())
}

/// Parses a time and returns it as µs of Unix time.
fn moment(text: &str) -> Result<u64, String> {
    let seconds = text.parse::<u64>().ok().and_then(|seconds| seconds.checked_mul(1_000_000));
    let written = || humantime::parse_rfc3339(text).ok()?.duration_since(std::time::UNIX_EPOCH).ok().map(clock::micros);
    seconds
        .or_else(written)
        .ok_or_else(|| "must be seconds of Unix time, or a time such as 2026-11-21T12:00:30Z".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_two_formats() {
        assert_eq!(moment("1795910000"), Ok(1_795_910_000_000_000));
        assert_eq!(moment("1970-01-01T00:00:02.5Z"), Ok(2_500_000));
        for wrong in ["", "now", "-1", "12:00", "99999999999999999999"] {
            assert!(moment(wrong).is_err(), "{wrong}");
        }
    }
}
