//! How the clients are spread over several servers, sampled during the measured time. The phases call this. It knows
//! nothing of the clients, whose connections end at a proxy.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use feedlab_experiment::record::{NodeLoad, NodesAt};
use feedlab_feed::clock;
use feedlab_feed::stats::Stats;
use tokio::task::JoinSet;
use tokio::time::sleep_until;

use crate::control::Control;
use crate::recorder::Window;

/// The most samples after the first. A longer time is sampled less often.
const MAX_SAMPLES: u32 = 120;

/// The samples of a running cell. Dropping it stops the sampling.
#[derive(Debug)]
pub(crate) struct Watch {
    samples: Arc<Mutex<Vec<NodesAt>>>,
    _watcher: JoinSet<()>,
}

impl Watch {
    /// Starts sampling, from the start of the measured time.
    pub(crate) fn start(control: Control, window: Window) -> Self {
        let samples = Arc::<Mutex<Vec<NodesAt>>>::default();
        let mut watcher = JoinSet::new();
        watcher.spawn(watch(control, window, samples.clone()));
        Self { samples, _watcher: watcher }
    }

    /// Stops and returns the samples.
    pub(crate) fn end(self) -> Vec<NodesAt> {
        std::mem::take(&mut self.samples.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn watch(control: Control, window: Window, samples: Arc<Mutex<Vec<NodesAt>>>) {
    let mut before = control.each().await;
    let step = window.seconds().div_ceil(MAX_SAMPLES).max(1);
    for second in (0..=window.seconds()).step_by(step as usize) {
        let at_us = window.end_us.min(window.start_us + clock::micros(Duration::from_secs(second.into())));
        sleep_until(clock::instant_of(at_us).into()).await;
        let now = control.each().await;
        let loads = now.iter().zip(&before).map(|(now, before)| load(now.as_ref()?, before.as_ref())).collect();
        samples.lock().unwrap_or_else(PoisonError::into_inner).push(NodesAt { second, loads });
        before = now;
    }
}

/// Returns a server's load. The request rate is 0 if the server was not there at the sample before, or was another
/// process.
fn load(now: &Stats, before: Option<&Stats>) -> Option<NodeLoad> {
    let requests = |stats: &Stats| stats.endpoints.values().map(|endpoint| endpoint.requests).sum::<u64>();
    let before = before.filter(|before| before.instance == now.instance && before.at < now.at);
    let requests_per_s = before.map_or(0, |before| {
        let (answered, us) = (requests(now).saturating_sub(requests(before)), now.at - before.at);
        (answered as f64 * 1e6 / us as f64).round() as u64
    });
    Some(NodeLoad { clients: now.endpoints.values().map(|endpoint| endpoint.active).sum(), requests_per_s })
}

#[cfg(test)]
mod tests {
    use super::*;
    use feedlab_feed::Transport;
    use feedlab_feed::stats::EndpointStats;

    fn stats(instance: u64, at: u64, active: u64, requests: u64) -> Stats {
        let endpoint = EndpointStats { active, requests, ..EndpointStats::nothing() };
        Stats { instance, at, endpoints: [(Transport::Sse, endpoint)].into(), ..Stats::default() }
    }

    #[test]
    fn requests_are_a_rate_since_the_last_sample_of_the_same_process() {
        let seen = |before: Option<&Stats>| load(&stats(7, 3_000_000, 5, 130), before).unwrap();
        let rate = |clients, requests_per_s| NodeLoad { clients, requests_per_s };
        assert_eq!(seen(Some(&stats(7, 1_000_000, 9, 30))), rate(5, 50));
        assert_eq!(seen(Some(&stats(8, 1_000_000, 9, 30))), rate(5, 0));
        assert_eq!(seen(None), rate(5, 0));
    }
}
