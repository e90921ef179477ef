//! Everything that a cell is measured on: its servers, nginx in front of them, the lab proxy in front of that. All are
//! set up before the first client comes, and struck whatever happens.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use feedlab_experiment::Scenario;
use feedlab_experiment::plan::Cell;
use feedlab_experiment::scenario::{Fault, FaultKind, Network, Via};
use rustix::process::Signal;

use super::child::{Child, words};
use super::keys::Keys;
use super::server::Server;
use crate::command::{nginx, proxy};

/// The processes of a cell but for its load generator.
#[derive(Debug)]
pub(super) struct Stage {
    servers: Vec<Server>,
    nginx: Option<Child>,
    proxy: Option<Child>,
    /// Where clients connect.
    door: SocketAddr,
    /// The control API of the lab proxy.
    control: Option<SocketAddr>,
    /// When the feed's time began, µs of Unix time.
    feed_us: Option<u64>,
}

impl Stage {
    /// Starts what the cell needs, from the back to the front.
    pub(super) async fn set(scenario: &Scenario, cell: &Cell, keys: Option<&Keys>) -> anyhow::Result<Self> {
        let link = scenario.contenders[cell.contender].link;
        let first = Server::start(scenario, cell, keys).await?;
        let door = first.door();
        let mut stage = Self { servers: vec![first], nginx: None, proxy: None, door, control: None, feed_us: None };
        if let Err(error) = stage.set_front(scenario, cell, keys, link.via).await {
            stage.strike().await?;
            return Err(error);
        }
        Ok(stage)
    }

    async fn set_front(
        &mut self,
        scenario: &Scenario,
        cell: &Cell,
        keys: Option<&Keys>,
        via: Via,
    ) -> anyhow::Result<()> {
        if via.is_nginx() {
            for _ in 1..scenario.nginx.upstreams {
                self.servers.push(Server::start(scenario, cell, keys).await?);
            }
            let keys = keys.filter(|_| scenario.contenders[cell.contender].link.tls);
            let arguments = nginx_arguments(scenario, via, &self.servers, keys);
            let (nginx, nginx::Listening { listening }) = Child::serving("nginx", &arguments).await?;
            (self.nginx, self.door) = (Some(nginx), listening);
        }
        if needs_proxy(scenario) {
            let arguments = proxy_arguments(&scenario.network.unwrap_or_default(), self.door, cell.seed);
            let (proxy, proxy::Listening { listening, control }) = Child::serving("the lab proxy", &arguments).await?;
            (self.proxy, self.door, self.control) = (Some(proxy), listening, Some(control));
        }
        Ok(())
    }

    /// Where clients connect.
    pub(super) const fn door(&self) -> SocketAddr {
        self.door
    }

    /// Where servers are asked for their figures.
    pub(super) fn controls(&self) -> Vec<SocketAddr> {
        self.servers.iter().map(Server::control).collect()
    }

    /// Where faults of the lab proxy are ordered.
    pub(super) const fn proxy_control(&self) -> Option<SocketAddr> {
        self.control
    }

    /// Takes note of when the feed's time began.
    pub(super) const fn feed_began(&mut self, at_us: u64) {
        self.feed_us = Some(at_us);
    }

    /// Lets a fault happen to a process; those of the lab proxy are none of ours. Of several servers it hits the first.
    pub(super) fn let_happen(&mut self, fault: &Fault) {
        let first = self.servers.first_mut();
        match (fault.kind, first) {
            (FaultKind::Restart, Some(server)) => server.end(Signal::TERM, fault.length),
            (FaultKind::Kill, Some(server)) => server.end(Signal::KILL, fault.length),
            (FaultKind::ReloadNginx, _) => {
                if let Some(nginx) = &self.nginx {
                    nginx.signal(Signal::HUP);
                }
            }
            _ => {}
        }
    }

    /// When something is to be started again.
    pub(super) fn mend_at(&self) -> Option<Instant> {
        self.servers.iter().filter_map(Server::back_at).min()
    }

    /// Starts what is down again.
    pub(super) async fn mend(&mut self) -> anyhow::Result<()> {
        let feed_us = self.feed_us.unwrap_or_default();
        for server in self.servers.iter_mut().filter(|server| server.back_at().is_some()) {
            server.bring_back(feed_us).await?;
        }
        Ok(())
    }

    /// Waits for the end of a process that nobody ordered.
    pub(super) async fn died(&mut self) -> anyhow::Error {
        let Self { servers, nginx, proxy, .. } = self;
        let mut deaths: Vec<std::pin::Pin<Box<dyn Future<Output = anyhow::Error> + '_>>> = Vec::new();
        deaths.extend(servers.iter_mut().map(|server| Box::pin(server.died()) as _));
        let fronts = [nginx.as_mut(), proxy.as_mut()].into_iter().flatten();
        deaths.extend(fronts.map(|front| Box::pin(front.died()) as _));
        std::future::poll_fn(|cx| {
            let dead = deaths.iter_mut().map(|death| death.as_mut().poll(cx)).find(std::task::Poll::is_ready);
            dead.unwrap_or(std::task::Poll::Pending)
        })
        .await
    }

    /// Takes away what is in front of the servers, and says how many connections they still hold: every client has left,
    /// so that each is a leak.
    pub(super) async fn connections_left(&mut self) -> anyhow::Result<u64> {
        // nginx keeps connections to the servers for the requests that may come.
        self.strike_front().await?;
        let mut left = 0;
        for server in &self.servers {
            left += server.connections_left().await?;
        }
        Ok(left)
    }

    /// Ends everything, from the front to the back. Of several errors the first is told.
    pub(super) async fn strike(mut self) -> anyhow::Result<()> {
        let mut result = self.strike_front().await;
        for server in self.servers {
            result = result.and(server.stop().await);
        }
        result
    }

    async fn strike_front(&mut self) -> anyhow::Result<()> {
        let mut result = Ok(());
        for front in [self.proxy.take(), self.nginx.take()].into_iter().flatten() {
            result = result.and(front.stop().await);
        }
        result
    }
}

/// Whether a scenario needs the lab proxy.
pub(super) fn needs_proxy(scenario: &Scenario) -> bool {
    scenario.network.is_some() || scenario.faults.iter().any(|fault| fault.kind.is_proxys())
}

fn nginx_arguments(scenario: &Scenario, via: Via, servers: &[Server], keys: Option<&Keys>) -> Vec<OsString> {
    let style = match via {
        Via::NginxDefault => "default",
        Via::NginxBuffering => "buffering",
        Via::Nginx | Via::Direct => "streaming",
    };
    let timeout = micros(scenario.nginx.read_timeout);
    let mut line = format!("nginx --format json --exit-with-stdin --style {style} --read-timeout {timeout}");
    for server in servers {
        line += &format!(" --to {}", server.door());
    }
    let mut arguments = words(&line);
    arguments.extend(keys.into_iter().flat_map(Keys::arguments));
    arguments
}

fn proxy_arguments(network: &Network, to: SocketAddr, seed: u64) -> Vec<OsString> {
    let Network { rtt, jitter, bandwidth_bytes_per_s, idle_timeout, buffer_bytes } = *network;
    let mut line = format!(
        "proxy --format json --exit-with-stdin --listen 127.0.0.1:0 --control 127.0.0.1:0 --to {to} --seed {seed} \
         --rtt {} --jitter {}",
        micros(rtt),
        micros(jitter)
    );
    let more = [
        ("bandwidth", bandwidth_bytes_per_s.map(|bytes| bytes.to_string())),
        ("idle-timeout", idle_timeout.map(micros)),
        ("buffer", buffer_bytes.map(|bytes| bytes.to_string())),
    ];
    for (flag, value) in more {
        line += &value.map_or_else(String::new, |value| format!(" --{flag} {value}"));
    }
    words(&line)
}

fn micros(time: Duration) -> String {
    format!("{}us", time.as_micros())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lab_proxy_is_told_the_whole_network() {
        let network = Network {
            rtt: Duration::from_millis(100),
            jitter: Duration::from_millis(5),
            bandwidth_bytes_per_s: Some(125_000),
            idle_timeout: Some(Duration::from_secs(10)),
            buffer_bytes: None,
        };
        let line = proxy_arguments(&network, "127.0.0.1:9000".parse().unwrap(), 7);
        let line: Vec<_> = line.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        let line = line.join(" ");
        assert!(
            line.ends_with("--seed 7 --rtt 100000us --jitter 5000us --bandwidth 125000 --idle-timeout 10000000us"),
            "{line}"
        );
    }

    #[test]
    fn the_lab_proxy_knows_its_faults_by_the_names_of_scenarios() {
        let kinds = feedlab_proxy::FaultKind::ALL.map(|kind| serde_json::from_value(kind.name().into()));
        assert!(kinds.iter().all(|kind| kind.as_ref().is_ok_and(|kind: &FaultKind| kind.is_proxys())), "{kinds:?}");
        let schema = feedlab_experiment::scenario::written::json_schema();
        let named = schema["$defs"]["FaultKind"]["oneOf"].as_array().unwrap().iter().map(|one| &one["const"]);
        let of_processes = named.filter(|name| feedlab_proxy::FaultKind::named(name.as_str().unwrap()).is_none());
        assert_eq!(of_processes.collect::<Vec<_>>(), ["restart", "kill", "reload-nginx"]);
    }
}
