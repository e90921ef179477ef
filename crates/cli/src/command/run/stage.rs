//! Everything that a cell is measured on: its servers, nginx in front of them, the lab proxy in front of that. All are
//! set up before the first client comes, and struck whatever happens.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Instant;

use feedlab_experiment::Scenario;
use feedlab_experiment::plan::Cell;
use feedlab_experiment::scenario::{Fault, FaultKind, ProcessFault, Via};
use feedlab_feed::Epoch;
use feedlab_loadgen::Between;
use rustix::process::Signal;

use super::child::{Child, words};
use super::keys::Keys;
use super::server::Server;
use crate::command::{nginx, proxy};

/// This machine alone, on a port that is free.
pub(super) const ANYWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// The processes of a cell but for its load generator.
#[derive(Debug)]
pub(super) struct Stage {
    servers: Vec<Server>,
    /// The life of the feed that they all have.
    epoch: Epoch,
    nginx: Option<Child>,
    proxy: Option<Child>,
    /// Where clients connect.
    door: SocketAddr,
    /// The processes of nginx and the lab proxy.
    between: Between,
    /// The control API of the lab proxy.
    control: Option<SocketAddr>,
    /// When the feed's time began, µs of Unix time.
    feed_us: Option<u64>,
}

impl Stage {
    /// Starts what the cell needs, from the back to the front. `listen` is where the clients are to find it.
    pub(super) async fn set(
        scenario: &Scenario,
        cell: &Cell,
        keys: Option<&Keys>,
        listen: SocketAddr,
    ) -> anyhow::Result<Self> {
        let link = scenario.contenders[cell.contender].link;
        let epoch = Epoch::random();
        // Pages that nginx serves over TLS have an origin that the servers behind it must be told.
        let front = (link.via.is_nginx() && link.tls).then(nginx::free_address).transpose()?;
        let is_outermost = !link.via.is_nginx() && !needs_proxy(scenario);
        let at = if is_outermost { listen } else { ANYWHERE };
        let first = Server::start(scenario, cell, epoch, keys, front, at).await?;
        let door = first.door();
        let mut servers = vec![first];
        for _ in 1..scenario.feed.servers {
            let at = SocketAddr::new(listen.ip(), 0);
            servers.push(Server::start(scenario, cell, epoch, keys, front, at).await?);
        }
        let between = Between::default();
        let mut stage = Self { servers, epoch, nginx: None, proxy: None, between, door, control: None, feed_us: None };
        if let Err(error) = stage.set_front(scenario, cell, keys, link.via, (front, listen)).await {
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
        (front, listen): (Option<SocketAddr>, SocketAddr),
    ) -> anyhow::Result<()> {
        let outermost = front.unwrap_or(listen);
        if via.is_nginx() {
            for _ in 1..scenario.nginx.upstreams {
                self.servers.push(Server::start(scenario, cell, self.epoch, keys, front, ANYWHERE).await?);
            }
            let keys = keys.filter(|_| scenario.contenders[cell.contender].link.tls);
            let listen = if needs_proxy(scenario) { ANYWHERE } else { outermost };
            let arguments = nginx_arguments(scenario, via, &self.servers, keys, listen);
            let (nginx, nginx::Listening { listening, pid }) = Child::serving("nginx", &arguments).await?;
            self.between.nginx = pid;
            (self.nginx, self.door) = (Some(nginx), listening);
        }
        if needs_proxy(scenario) {
            let (to, seed) = (self.door, cell.seed);
            let line = format!("proxy --format json --network-from-stdin --listen {outermost} --to {to} --seed {seed}");
            let network = scenario.network.unwrap_or_default();
            let proxy = Child::working("the lab proxy", &words(&line), &network).await?;
            let (proxy, proxy::Listening { listening, control }) = proxy.listening().await?;
            self.between.lab_proxy = proxy.pid();
            (self.proxy, self.door, self.control) = (Some(proxy), listening, Some(control));
        }
        Ok(())
    }

    /// Where clients connect.
    pub(super) const fn door(&self) -> SocketAddr {
        self.door
    }

    /// Where others of them connect, if nothing lies before several servers.
    pub(super) fn more_doors(&self) -> Vec<SocketAddr> {
        let is_direct = self.nginx.is_none() && self.proxy.is_none();
        self.servers.iter().skip(1).filter(|_| is_direct).map(Server::door).collect()
    }

    /// Where servers are asked for their figures.
    pub(super) fn controls(&self) -> Vec<SocketAddr> {
        self.servers.iter().map(Server::control).collect()
    }

    /// What lies between the clients and the servers.
    pub(super) const fn between(&self) -> Between {
        self.between
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
            (FaultKind::Process(ProcessFault::Restart), Some(server)) => server.end(Signal::TERM, fault.length),
            (FaultKind::Process(ProcessFault::Kill), Some(server)) => server.end(Signal::KILL, fault.length),
            (FaultKind::Process(ProcessFault::ReloadNginx), _) => {
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
    scenario.network.is_some() || scenario.faults.iter().any(|fault| fault.kind.is_of_link())
}

/// It is a command for people with three flags, which is how it is told here, too.
fn nginx_arguments(
    scenario: &Scenario,
    via: Via,
    servers: &[Server],
    keys: Option<&Keys>,
    listen: SocketAddr,
) -> Vec<OsString> {
    let style = match via {
        Via::NginxDefault => "default",
        Via::NginxBuffering => "buffering",
        Via::Nginx | Via::Direct => "streaming",
    };
    let timeout = scenario.nginx.read_timeout.as_micros();
    let mut line =
        format!("nginx --format json --exit-with-stdin --listen {listen} --style {style} --read-timeout {timeout}us");
    for server in servers {
        line += &format!(" --to {}", server.door());
    }
    let mut arguments = words(&line);
    arguments.extend(keys.into_iter().flat_map(Keys::arguments));
    arguments
}
