//! The testbed of a cell: its feed, its servers, nginx in front of them, and the lab proxy in front of nginx, or a link
//! between the two sides. All of it starts before the first client connects, and is stopped whatever happens.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use feedlab_experiment::Scenario;
use feedlab_experiment::plan::Cell;
use feedlab_experiment::scenario::{Fault, FaultKind, LinkFault, PORT, ProcessFault, Target, Via};
use feedlab_feed::{Epoch, clock};
use feedlab_link::emulator::Report;
use feedlab_loadgen::{Between, JobTarget};
use rustix::process::Signal;

use super::child::{Child, words};
use super::feed::Feed;
use super::keys::Keys;
use super::link::CellLink;
use super::server::{Place, Server};
use super::site::{ANYWHERE, Namespace, Site};
use crate::command::{nginx, proxy};

/// How long a server may need to notice that a client has closed its connection, and how long beyond a link, on which the
/// last packets may be lost.
const NOTICE: Duration = Duration::from_secs(1);
const NOTICE_BEYOND_LINK: Duration = Duration::from_secs(10);

/// The processes of a cell, except its load generator.
#[derive(Debug)]
pub(super) struct Testbed {
    feed: Feed,
    /// What clients must know of the target, if its server is one.
    target: Option<JobTarget>,
    servers: Vec<Server>,
    /// Whether nginx forwards requests to each server, in the order of `servers`.
    rotation: Vec<bool>,
    nginx: Option<Child>,
    proxy: Option<Child>,
    link: Option<CellLink>,
    /// The address that clients connect to.
    endpoint: SocketAddr,
    /// The process ids of nginx, the lab proxy and the link emulator.
    between: Between,
    /// The address of the lab proxy's control API.
    control: Option<SocketAddr>,
}

impl Testbed {
    /// Starts what the cell needs, from the feed to the lab proxy.
    pub(super) async fn start(
        scenario: &Scenario,
        cell: &Cell,
        keys: Option<&Keys>,
        site: &Site,
    ) -> anyhow::Result<Self> {
        let link = match &scenario.link {
            Some(link) => Some(CellLink::open(link, cell.seed).await?),
            None => None,
        };
        let site = link.as_ref().map_or_else(|| Ok(site.clone()), CellLink::site)?;
        let feed = Feed::start(scenario, cell, site.behind()).await?;
        let between = Between { emulator: link.as_ref().and_then(CellLink::pid), ..Between::default() };
        let (servers, rotation) = (Vec::new(), Vec::new());
        let (endpoint, control) = (site.listen, None);
        let mut testbed =
            Self { feed, target: None, servers, rotation, nginx: None, proxy: None, link, endpoint, between, control };
        if let Err(error) = testbed.start_all(scenario, cell, keys, &site).await {
            testbed.stop().await?;
            return Err(error);
        }
        Ok(testbed)
    }

    async fn start_all(
        &mut self,
        scenario: &Scenario,
        cell: &Cell,
        keys: Option<&Keys>,
        site: &Site,
    ) -> anyhow::Result<()> {
        let contender = &scenario.contenders[cell.contender];
        let link = contender.link;
        // The servers behind nginx must know the origin of the pages that it serves over TLS.
        let front = (link.via.is_nginx() && link.tls).then(nginx::free_address).transpose()?;
        let front = front.map(|free| SocketAddr::new(site.listen.ip(), free.port()));
        match scenario.target(contender) {
            None => self.start_servers(scenario, cell, keys, front, site).await?,
            Some(target) => {
                let epoch = Epoch::random();
                let server = Server::of_target(scenario, cell, target, epoch).await?;
                self.target = Some(job_target(target, epoch, server.endpoint()));
                self.servers.push(server);
                self.rotation.push(true);
            }
        }
        self.endpoint = self.servers.first().map_or(self.endpoint, Server::endpoint);
        self.start_front(scenario, cell, keys, front.unwrap_or(site.listen), site.of_nginx()).await
    }

    /// Starts feedlab's own servers. Those that a fault adds later also run from the start, so that no client waits for
    /// one to start.
    async fn start_servers(
        &mut self,
        scenario: &Scenario,
        cell: &Cell,
        keys: Option<&Keys>,
        front: Option<SocketAddr>,
        site: &Site,
    ) -> anyhow::Result<()> {
        let link = scenario.contenders[cell.contender].link;
        let is_outermost = !link.via.is_nginx() && !needs_proxy(scenario);
        for number in 0..scenario.servers(link.via) {
            let namespace = site.of_server(number as usize).cloned();
            let listen = match &namespace {
                Some(namespace) => SocketAddr::new(namespace.address(), 0),
                None if is_outermost && number == 0 => site.listen,
                None if is_outermost => SocketAddr::new(site.listen.ip(), 0),
                None => ANYWHERE,
            };
            let place = Place { listen, front, namespace };
            let server = Server::start(scenario, cell, self.feed.location(), keys, place).await?;
            self.servers.push(server);
            self.rotation.push(number < scenario.nginx.upstreams);
        }
        Ok(())
    }

    /// Starts nginx and the lab proxy, if the cell needs them. The first of them listens at `outermost`.
    async fn start_front(
        &mut self,
        scenario: &Scenario,
        cell: &Cell,
        keys: Option<&Keys>,
        outermost: SocketAddr,
        namespace: Option<&Namespace>,
    ) -> anyhow::Result<()> {
        let link = scenario.contenders[cell.contender].link;
        if link.via.is_nginx() {
            let keys = keys.filter(|_| link.tls);
            let listen = if needs_proxy(scenario) { ANYWHERE } else { outermost };
            let arguments = nginx_arguments(scenario, link.via, &self.in_rotation(), keys, listen);
            let (nginx, nginx::Listening { listening, pid }) =
                Child::serving_within(namespace, "nginx", &arguments).await?;
            self.between.nginx = pid;
            (self.nginx, self.endpoint) = (Some(nginx), listening);
        }
        if needs_proxy(scenario) {
            let (to, seed) = (self.endpoint, cell.seed);
            let line = format!("proxy --format json --network-from-stdin --listen {outermost} --to {to} --seed {seed}");
            let network = scenario.network.unwrap_or_default();
            let proxy = Child::working("the lab proxy", &words(&line), &network).await?;
            let (proxy, proxy::Listening { listening, control }) = proxy.listening().await?;
            self.between.lab_proxy = proxy.pid();
            (self.proxy, self.endpoint, self.control) = (Some(proxy), listening, Some(control));
        }
        Ok(())
    }

    /// Returns what clients must know of the target, if the server is one.
    pub(super) fn target(&self) -> Option<JobTarget> {
        self.target.clone()
    }

    /// Returns the namespace of the clients, if it is not the run's own.
    pub(super) fn clients(&self) -> anyhow::Result<Option<Namespace>> {
        self.link.as_ref().map(CellLink::clients).transpose()
    }

    /// Returns the address that clients connect to.
    pub(super) const fn endpoint(&self) -> SocketAddr {
        self.endpoint
    }

    /// Returns the addresses of the other servers, if clients connect to several servers directly.
    pub(super) fn more_endpoints(&self) -> Vec<SocketAddr> {
        let is_direct = self.nginx.is_none() && self.proxy.is_none();
        self.servers.iter().skip(1).filter(|_| is_direct).map(Server::endpoint).collect()
    }

    /// Returns the control addresses of the servers, which report their figures.
    pub(super) fn controls(&self) -> Vec<SocketAddr> {
        self.servers.iter().map(Server::control).collect()
    }

    /// Returns the processes between the clients and the servers.
    pub(super) const fn between(&self) -> Between {
        self.between
    }

    /// Returns the address of the lab proxy's control API, which triggers its faults.
    pub(super) const fn proxy_control(&self) -> Option<SocketAddr> {
        self.control
    }

    /// Starts the feed's clock at `at_us`, µs of Unix time.
    pub(super) async fn start_feed(&mut self, at_us: u64) -> anyhow::Result<()> {
        self.feed.begin(at_us).await
    }

    /// Injects a fault into a process or the link. The lab proxy injects the faults of connections itself.
    pub(super) async fn inject(&mut self, fault: &Fault) -> anyhow::Result<()> {
        if let (FaultKind::Link(LinkFault::BlackHole), Some(link)) = (fault.kind, &mut self.link) {
            return link.go_out_for(fault.length).await;
        }
        let Some(kind) = fault.kind.process() else { return Ok(()) };
        let index = (fault.node as usize).saturating_sub(1);
        match kind {
            ProcessFault::ReloadNginx => {
                self.nginx.iter().for_each(|nginx| nginx.signal(Signal::HUP));
                return Ok(());
            }
            ProcessFault::Add => return self.rotate(index, true).await,
            ProcessFault::Drain | ProcessFault::Remove => self.rotate(index, false).await?,
            ProcessFault::Restart | ProcessFault::Kill => {}
        }
        let Some(server) = self.servers.get_mut(index) else { return Ok(()) };
        match kind {
            ProcessFault::Kill => server.end(Signal::KILL, fault.length),
            ProcessFault::Remove => server.remove(),
            _ => server.end(Signal::TERM, fault.length),
        }
        Ok(())
    }

    /// Adds a server to nginx's rotation or removes it, and reconfigures nginx if that changes anything.
    async fn rotate(&mut self, index: usize, is_in: bool) -> anyhow::Result<()> {
        let changes = self.rotation.get_mut(index).is_some_and(|was| std::mem::replace(was, is_in) != is_in);
        let servers = self.in_rotation();
        match &mut self.nginx {
            // nginx cannot have an empty list of servers, so it keeps the last one.
            Some(nginx) if changes && !servers.is_empty() => nginx.tell(&servers).await,
            _ => Ok(()),
        }
    }

    fn in_rotation(&self) -> Vec<SocketAddr> {
        self.servers
            .iter()
            .zip(&self.rotation)
            .filter(|(_, is_in)| **is_in)
            .map(|(server, _)| server.endpoint())
            .collect()
    }

    /// Returns when the next server is due to restart.
    pub(super) fn restart_at(&self) -> Option<Instant> {
        self.servers.iter().filter_map(Server::back_at).min()
    }

    /// Restarts the servers that are down and due to restart.
    pub(super) async fn restart_due(&mut self) -> anyhow::Result<()> {
        let feed_us = self.feed.began_us();
        for index in 0..self.servers.len() {
            let server = &mut self.servers[index];
            if server.back_at().is_some_and(|back_at| back_at <= clock::now()) {
                server.restart(feed_us).await?;
                self.rotate(index, true).await?;
            }
        }
        Ok(())
    }

    /// Waits until a process exits unexpectedly, and returns the reason.
    pub(super) async fn died(&mut self) -> anyhow::Error {
        let Self { feed, servers, nginx, proxy, link, .. } = self;
        let mut deaths: Vec<std::pin::Pin<Box<dyn Future<Output = anyhow::Error> + '_>>> = Vec::new();
        deaths.extend(servers.iter_mut().map(|server| Box::pin(server.died()) as _));
        let others = feed.processes().chain([nginx.as_mut(), proxy.as_mut()].into_iter().flatten());
        deaths.extend(others.map(|other| Box::pin(other.died()) as _));
        deaths.extend(link.iter_mut().map(|link| Box::pin(link.died()) as _));
        std::future::poll_fn(|cx| {
            let dead = deaths.iter_mut().map(|death| death.as_mut().poll(cx)).find(std::task::Poll::is_ready);
            dead.unwrap_or(std::task::Poll::Pending)
        })
        .await
    }

    /// Stops nginx and the lab proxy, and returns how many connections the servers still hold. Every client has left,
    /// so each one is a leak.
    pub(super) async fn connections_left(&mut self) -> anyhow::Result<u64> {
        // nginx keeps idle connections to the servers for later requests.
        self.stop_front().await?;
        let patience = if self.link.is_some() { NOTICE_BEYOND_LINK } else { NOTICE };
        let mut left = 0;
        for server in self.servers.iter().filter(|server| !server.is_gone()) {
            left += server.connections_left(patience).await?;
        }
        Ok(left)
    }

    /// Stops all processes, from the lab proxy to the feed and the link. Returns what the link did, or the first error.
    pub(super) async fn stop(mut self) -> anyhow::Result<Option<Report>> {
        let mut result = self.stop_front().await;
        for server in self.servers {
            result = result.and(server.stop().await);
        }
        result = result.and(self.feed.end().await);
        let report = match self.link {
            Some(link) => link.close().await.map(Some),
            None => Ok(None),
        };
        result.and(report)
    }

    async fn stop_front(&mut self) -> anyhow::Result<()> {
        let mut result = Ok(());
        for front in [self.proxy.take(), self.nginx.take()].into_iter().flatten() {
            result = result.and(front.stop().await);
        }
        result
    }
}

/// Returns what clients must know of a target that listens at an address.
pub(super) fn job_target(target: &Target, epoch: Epoch, listening: SocketAddr) -> JobTarget {
    let url = target.url.replace(PORT, &listening.port().to_string());
    let publishes = target.publish.is_some();
    JobTarget { target: Target { url, ..target.clone() }, epoch: publishes.then_some(epoch), publishes }
}

/// Returns whether a scenario needs the lab proxy.
pub(super) fn needs_proxy(scenario: &Scenario) -> bool {
    scenario.link.is_none() && needs_delay_or_faults(scenario)
}

fn needs_delay_or_faults(scenario: &Scenario) -> bool {
    scenario.network.is_some() || scenario.faults.iter().any(|fault| fault.kind.is_of_link())
}

/// Returns the arguments of `feedlab nginx`, which takes flags rather than JSON because people use it too.
fn nginx_arguments(
    scenario: &Scenario,
    via: Via,
    servers: &[SocketAddr],
    keys: Option<&Keys>,
    listen: SocketAddr,
) -> Vec<OsString> {
    let style = match via {
        Via::NginxDefault => "default",
        Via::NginxBuffering => "buffering",
        Via::Nginx | Via::Direct => "streaming",
    };
    let set = &scenario.nginx;
    let (balance, timeout, shutdown) =
        (set.balance.name(), set.read_timeout.as_micros(), set.shutdown_timeout.as_micros());
    let mut line = format!(
        "nginx --format json --exit-with-stdin --listen {listen} --style {style} --balance {balance} \
         --read-timeout {timeout}us --shutdown-timeout {shutdown}us"
    );
    for server in servers {
        line += &format!(" --to {server}");
    }
    let mut arguments = words(&line);
    arguments.extend(keys.into_iter().flat_map(Keys::arguments));
    arguments
}
