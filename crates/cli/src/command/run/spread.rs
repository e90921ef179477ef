//! The flags of a run that several processes measure: agents that a broker tells, or segments that are started by hand.

use std::net::SocketAddr;

use feedlab_experiment::{Scenario, Segment};
use feedlab_feed::clock;
use feedlab_feed::source::BrokerAddress;
use feedlab_nats::Name;

use super::site::{self, ANYWHERE, Site};
use super::stage::needs_proxy;

/// How long before its first client a segment must be told: it starts a server and threads.
const LEAST_NOTICE_US: u64 = 5_000_000;

#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "More than one process")]
pub(super) struct SpreadArgs {
    /// Let agents drive the clients that wait at this broker (`feedlab agent --nats …`, on any machine)
    #[arg(long, value_name = "nats://HOST", requires = "agents", conflicts_with = "segment")]
    nats: Option<BrokerAddress>,

    /// How many agents share the clients; the run begins when all are there
    #[arg(long, value_name = "N", requires = "nats", value_parser = clap::value_parser!(u32).range(1..=i64::from(Segment::MOST)))]
    agents: Option<u32>,

    /// The name under which run and agents find each other; one run has it at a time
    #[arg(long = "as", value_name = "NAME", default_value = "feedlab", requires = "nats")]
    name: Name,

    /// Without a broker: drive this share of the clients alone; `feedlab merge` puts the segments together
    #[arg(long, value_name = "I/N", requires = "start_at")]
    segment: Option<Segment>,

    /// When the segments begin, the same for all: seconds of Unix time, as `date +%s` gives, or 2026-11-21T12:00:30Z
    #[arg(long, value_name = "TIME", requires = "segment", value_parser = moment)]
    start_at: Option<u64>,

    /// Where the clients find the server: an address of this machine that the others reach, and a port
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,

    /// Start each server in a network namespace of its own (`ip netns`), at the address that it has there; the feed's broker
    /// listens where --listen says, which they must reach
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', requires_all = ["nats", "listen"])]
    namespaces: Vec<site::Name>,

    /// Of all segments but the first: where that serves
    #[arg(long, value_name = "ADDR", requires = "segment", conflicts_with = "listen")]
    server: Option<SocketAddr>,
}

/// How a run is measured.
#[derive(Clone, Debug)]
pub(super) enum Spread {
    /// By one load generator.
    Alone,
    /// By agents.
    Agents { address: BrokerAddress, agents: u32, name: Name, site: Site },
    /// A share of it, by one load generator.
    Segment { segment: Segment, start_us: u64, role: Role },
}

impl Spread {
    /// How many load generators share the clients.
    pub(super) const fn generators(&self) -> u32 {
        match self {
            Self::Alone => 1,
            Self::Agents { agents, .. } => *agents,
            Self::Segment { segment, .. } => segment.of(),
        }
    }
}

/// What a segment does besides.
#[derive(Clone, Copy, Debug)]
pub(super) enum Role {
    /// It serves, asks the servers and joins the newcomers.
    Leads { listen: SocketAddr },
    /// It only has clients.
    Follows { server: SocketAddr },
}

impl SpreadArgs {
    /// What was asked for, if it can be done.
    pub(super) fn checked(&self, scenarios: &[&Scenario]) -> anyhow::Result<Spread> {
        let listen = self.listen.unwrap_or(ANYWHERE);
        scenarios.iter().try_for_each(|scenario| check_listen(scenario, listen))?;
        match (&self.nats, self.agents, self.segment, self.start_at) {
            (Some(address), Some(agents), ..) => {
                let site = self.site(scenarios, listen)?;
                Ok(Spread::Agents { address: address.clone(), agents, name: self.name.clone(), site })
            }
            (None, _, Some(segment), Some(start_us)) => self.segment(scenarios, segment, start_us),
            _ => {
                anyhow::ensure!(self.listen.is_none(), "--listen belongs to --nats or --segment");
                Ok(Spread::Alone)
            }
        }
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
                "{name} has {servers} servers, and --namespaces names {}: give as many, or change `servers` of its [feed]",
                names.len()
            );
        }
        Site::within(listen, names)
    }

    fn segment(&self, scenarios: &[&Scenario], segment: Segment, start_us: u64) -> anyhow::Result<Spread> {
        anyhow::ensure!(
            scenarios.len() == 1,
            "--segment measures one scenario: start each by its own command and time"
        );
        let speaks_tls = scenarios.iter().flat_map(|scenario| &scenario.contenders).any(|one| one.link.tls);
        anyhow::ensure!(
            !speaks_tls,
            "--segment cannot measure TLS: every run has a certificate of its own, which its agents are told (--nats)"
        );
        anyhow::ensure!(
            scenarios.iter().all(|scenario| scenario.feed.servers == 1),
            "--segment is told of one server; several are for agents, which the run tells (--nats)"
        );
        let role = match (self.listen, self.server) {
            (Some(listen), None) if segment.index() == 1 => Role::Leads { listen },
            (None, Some(server)) if segment.index() > 1 => Role::Follows { server },
            _ if segment.index() == 1 => anyhow::bail!(
                "segment {segment} serves: say where, as in --listen 192.0.2.1:7000, and give the others --server 192.0.2.1:7000"
            ),
            _ => anyhow::bail!(
                "segment {segment} must be told where the first one serves, as in --server 192.0.2.1:7000"
            ),
        };
        if let Role::Leads { listen } = role {
            anyhow::ensure!(listen.port() != 0, "--listen needs a port, which the other segments are told");
        }
        let notice = start_us.saturating_sub(clock::unix_us());
        anyhow::ensure!(
            notice >= LEAST_NOTICE_US,
            "--start-at must be 5 seconds ahead at least, and is {:.1}: segments get ready before",
            notice as f64 / 1e6
        );
        Ok(Spread::Segment { segment, start_us, role })
    }
}

/// What stands before a server listens to this machine alone.
fn check_listen(scenario: &Scenario, listen: SocketAddr) -> anyhow::Result<()> {
    anyhow::ensure!(
        !listen.ip().is_unspecified(),
        "--listen {listen} is every address of this machine: give the one that the others reach"
    );
    let is_fronted = needs_proxy(scenario) || scenario.contenders.iter().any(|one| one.link.via.is_nginx());
    anyhow::ensure!(
        listen.ip().is_loopback() || !is_fronted,
        "{}: the lab proxy and nginx listen to this machine alone; leave --listen out, and drive it from here",
        scenario.name
    );
    Ok(())
}

/// A moment, as µs of Unix time.
fn moment(text: &str) -> Result<u64, String> {
    let seconds = text.parse::<u64>().ok().and_then(|seconds| seconds.checked_mul(1_000_000));
    let written = || humantime::parse_rfc3339(text).ok()?.duration_since(std::time::UNIX_EPOCH).ok().map(clock::micros);
    seconds.or_else(written).ok_or_else(|| "a time is seconds of Unix time, or 2026-11-21T12:00:30Z".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_in_two_ways() {
        assert_eq!(moment("1795910000"), Ok(1_795_910_000_000_000));
        assert_eq!(moment("1970-01-01T00:00:02.5Z"), Ok(2_500_000));
        for wrong in ["", "now", "-1", "12:00", "99999999999999999999"] {
            assert!(moment(wrong).is_err(), "{wrong}");
        }
    }
}
