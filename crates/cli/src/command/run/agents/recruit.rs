//! How a run finds its agents: it calls for free agents until there are enough, and assigns a segment to each.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;
use feedlab_experiment::Segment;
use feedlab_feed::clock;
use feedlab_nats::Name;
use tokio::time::interval;

use super::{Agent, Agents};
use crate::agents::{AGENTS, AgentMessage, Call, FromAgent, MAX_OFFERS, Order, read, written};
use crate::build;
use crate::command::run::needs::BESIDES;
use crate::output;

/// Interval between calls for free agents.
const CALL: Duration = Duration::from_millis(500);

/// A free agent.
#[derive(Clone, Debug)]
struct Free {
    instance: u64,
    descriptors: Option<u64>,
}

impl Agents {
    pub(super) async fn recruit(&mut self, count: u32, clients: u32) -> anyhow::Result<()> {
        let mut free = BTreeMap::new();
        while self.agents.len() < count as usize {
            self.call(&mut free, count).await?;
            // In order of their names, so that the same agents get the same segments when you repeat a run.
            let open = self.agents.len() as u32 + 1;
            for (index, (name, Free { instance, descriptors })) in (open..=count).zip(std::mem::take(&mut free)) {
                let segment = Segment::new(index, count).context("too many agents for one run")?;
                check_descriptors(&name, descriptors, segment.size(clients))?;
                let order = Order::Join { run: self.id.clone(), instance, segment };
                self.order(&name, &order).await?;
                self.agents.push(Agent { name, segment, heard: clock::now(), lost: None, is_compared: false });
            }
        }
        output::advice(&format!("{count} agents: {}", self.names().join(", ")));
        Ok(())
    }

    /// Calls until enough agents are free.
    async fn call(&mut self, free: &mut BTreeMap<String, Free>, count: u32) -> anyhow::Result<()> {
        let mut call = interval(CALL);
        while free.len() + self.agents.len() < count as usize {
            tokio::select! {
                _ = call.tick() => {
                    self.room.say(AGENTS, written(&Call::WhoIsThere { run: self.id.clone() })).await?;
                }
                letter = self.inbox.next(&self.room) => {
                    let letter = letter.context("the connection to the broker is lost")?;
                    if let Some(FromAgent { agent, message }) = read(&letter.payload)
                        && let AgentMessage::Here { instance, feedlab, descriptors } = message
                        && free.len() < MAX_OFFERS
                        && agent.parse::<Name>().is_ok()
                    {
                        check_version(&agent, &feedlab)?;
                        let before = free.insert(agent.clone(), Free { instance, descriptors });
                        anyhow::ensure!(
                            before.is_none_or(|before| before.instance == instance),
                            "two agents are called {agent}: give each a different --name"
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
        "agent {agent} is feedlab {feedlab}, but this is {}: their results would not be comparable; use one version",
        build::ALL
    );
    Ok(())
}

fn check_descriptors(agent: &str, allowed: Option<u64>, clients: u32) -> anyhow::Result<()> {
    let needed = u64::from(clients) + BESIDES;
    anyhow::ensure!(
        allowed.is_none_or(|allowed| allowed >= needed),
        "agent {agent} needs {needed} descriptors for its {clients} clients, but its shell allows {}: raise the limit with \
         `ulimit -n {needed}`, or use more agents",
        allowed.unwrap_or_default()
    );
    Ok(())
}
