//! How a run finds its agents: it calls who is free until they are enough, and gives each a segment.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;
use feedlab_experiment::Segment;
use feedlab_feed::clock;
use feedlab_nats::Name;
use tokio::time::interval;

use super::{Agent, Crew};
use crate::agents::{AGENTS, Call, MAX_OFFERS, News, Order, Told, read, written};
use crate::build;
use crate::command::run::needs::BESIDES;
use crate::output;

/// How often the free agents are called.
const CALL: Duration = Duration::from_millis(500);

/// Who is free.
#[derive(Clone, Debug)]
struct Free {
    instance: u64,
    descriptors: Option<u64>,
}

impl Crew {
    pub(super) async fn hire(&mut self, count: u32, clients: u32) -> anyhow::Result<()> {
        let mut free = BTreeMap::new();
        while self.agents.len() < count as usize {
            self.call(&mut free, count).await?;
            // By name, so that the same agents have the same segments when a run is repeated.
            let open = self.agents.len() as u32 + 1;
            for (index, (name, Free { instance, descriptors })) in (open..=count).zip(std::mem::take(&mut free)) {
                let segment = Segment::new(index, count).context("more agents than share a run")?;
                check_descriptors(&name, descriptors, segment.size(clients))?;
                let order = Order::Join { run: self.id.clone(), instance, segment };
                self.order(&name, &order).await?;
                self.agents.push(Agent { name, segment, heard: clock::now(), lost: None, is_compared: false });
            }
        }
        output::advice(&format!("{count} agents: {}", self.names().join(", ")));
        Ok(())
    }

    /// Calls until enough are free.
    async fn call(&mut self, free: &mut BTreeMap<String, Free>, count: u32) -> anyhow::Result<()> {
        let mut call = interval(CALL);
        while free.len() + self.agents.len() < count as usize {
            tokio::select! {
                _ = call.tick() => {
                    self.room.say(AGENTS, written(&Call::WhoIsThere { run: self.id.clone() })).await?;
                }
                letter = self.inbox.next(&self.room) => {
                    let letter = letter.context("the broker is gone")?;
                    if let Some(Told { agent, news: News::Here { instance, feedlab, descriptors } }) = read(&letter.payload)
                        && free.len() < MAX_OFFERS
                        && agent.parse::<Name>().is_ok()
                    {
                        check_version(&agent, &feedlab)?;
                        let before = free.insert(agent.clone(), Free { instance, descriptors });
                        anyhow::ensure!(
                            before.is_none_or(|before| before.instance == instance),
                            "two agents are called {agent}: give each a name of its own with --name"
                        );
                    }
                }
            }
        }
        Ok(())
    }
}

fn check_version(agent: &str, feedlab: &str) -> anyhow::Result<()> {
    anyhow::ensure!(
        feedlab == build::ALL,
        "agent {agent} is feedlab {feedlab}, and this is {}: they would not measure the same; use one version",
        build::ALL
    );
    Ok(())
}

fn check_descriptors(agent: &str, allowed: Option<u64>, clients: u32) -> anyhow::Result<()> {
    let needed = u64::from(clients) + BESIDES;
    anyhow::ensure!(
        allowed.is_none_or(|allowed| allowed >= needed),
        "agent {agent} needs {needed} descriptors for its {clients} clients, and its shell allows {}: raise the limit with \
         `ulimit -n {needed}`, or use more agents",
        allowed.unwrap_or_default()
    );
    Ok(())
}
