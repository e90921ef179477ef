//! `feedlab serve` as a process of its own, and what it says that it holds.

use std::net::SocketAddr;
use std::time::Duration;

use feedlab_feed::clock;
use feedlab_feed::stats::Stats;
use feedlab_testkit::{Feedlab, http};

/// How long the server may take to notice that its clients are gone.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Server {
    feedlab: Feedlab,
    pub(crate) door: SocketAddr,
}

/// Everything that a connection could leave behind and that can be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) open: u64,
    pub(crate) active: u64,
    pub(crate) waiting: u64,
    pub(crate) tasks: u64,
    pub(crate) descriptors: Option<u64>,
}

impl Counts {
    pub(crate) fn is_within(&self, baseline: Self) -> bool {
        let list = |counts: &Self| [counts.open, counts.active, counts.waiting, counts.tasks];
        let no_more = list(self).iter().zip(list(&baseline)).all(|(now, before)| *now <= before);
        no_more && self.descriptors <= baseline.descriptors
    }
}

impl Server {
    pub(crate) fn start(flags: &[&str]) -> Self {
        let arguments = [&["serve", "--control", "127.0.0.1:0", "--exit-with-stdin"], flags].concat();
        let feedlab = Feedlab::run(assert_cmd::cargo::cargo_bin!("feedlab"), &arguments);
        Self { door: feedlab.address(), feedlab }
    }

    fn stats(&self) -> Stats {
        serde_json::from_str(&http::get(self.feedlab.control(), "/stats").body).unwrap()
    }

    pub(crate) fn rss_bytes(&self) -> u64 {
        self.stats().process.rss_bytes.unwrap()
    }

    pub(crate) fn counts(&self) -> Counts {
        let stats = self.stats();
        Counts {
            open: stats.connections.open,
            active: stats.doors.values().map(|door| door.active).sum(),
            waiting: stats.feed.waiting,
            tasks: stats.tasks,
            descriptors: stats.process.open_fds,
        }
    }

    /// What there is without a client. The one that looked before may be about to leave: hence several looks.
    pub(crate) fn at_rest(&self) -> Counts {
        let looks = (0..20).map(|_| {
            std::thread::sleep(Duration::from_millis(20));
            self.counts()
        });
        looks.min_by_key(|counts| (counts.open, counts.tasks, counts.descriptors)).unwrap()
    }

    /// The counts once they are no more than a baseline, or the last ones if they never are.
    pub(crate) fn settled(&self, baseline: Counts) -> Counts {
        let deadline = clock::now() + PATIENCE;
        loop {
            let counts = self.counts();
            if counts.is_within(baseline) || clock::now() > deadline {
                return counts;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
