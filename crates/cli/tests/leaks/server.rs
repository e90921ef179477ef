//! `feedlab serve` as a separate process, and the resources that it reports.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use feedlab_feed::stats::Stats;
use feedlab_feed::{Transport, clock};
use feedlab_testkit::{Feedlab, http};

/// How long the server may take to notice that its clients are gone.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Server {
    feedlab: Feedlab,
    pub(crate) endpoint: SocketAddr,
    /// Its standard error.
    log: tempfile::NamedTempFile,
}

/// Everything countable that a connection could leave behind.
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
        let mut command = Feedlab::command(assert_cmd::cargo::cargo_bin!("feedlab"), &arguments);
        let log = tempfile::NamedTempFile::new().unwrap();
        command.stderr(log.reopen().unwrap());
        let feedlab = Feedlab::start(command);
        Self { endpoint: feedlab.address(), feedlab, log }
    }

    fn stats(&self) -> Stats {
        serde_json::from_str(&http::get(self.feedlab.control(), "/stats").body).unwrap()
    }

    /// Returns `VmRSS` from the kernel, without involving the server.
    pub(crate) fn rss_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.feedlab.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() << 10
    }

    pub(crate) fn head(&self) -> u64 {
        self.stats().feed.head
    }

    /// Returns the number of answered short polls.
    pub(crate) fn polls(&self) -> u64 {
        self.stats().endpoints[&Transport::ShortPolling].requests
    }

    pub(crate) fn logged_bytes(&self) -> u64 {
        self.log.as_file().metadata().unwrap().len()
    }

    /// Reads the whole history with a poll, so that each update is encoded.
    pub(crate) fn read_history(&self) {
        let mut stream = TcpStream::connect(self.endpoint).unwrap();
        stream.write_all(b"GET /feed/poll?after=0 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        assert!(bytes.starts_with(b"HTTP/1.1 200") && bytes.ends_with(b"}"));
    }

    pub(crate) fn counts(&self) -> Counts {
        let stats = self.stats();
        Counts {
            open: stats.connections.open,
            active: stats.endpoints.values().map(|endpoint| endpoint.active).sum(),
            waiting: stats.feed.waiting,
            tasks: stats.tasks,
            descriptors: stats.process.open_fds,
        }
    }

    /// Returns the counts without a client. A previous query's connection may still be closing, so it samples several
    /// times.
    pub(crate) fn at_rest(&self) -> Counts {
        let samples = (0..20).map(|_| {
            std::thread::sleep(Duration::from_millis(20));
            self.counts()
        });
        samples.min_by_key(|counts| (counts.open, counts.tasks, counts.descriptors)).unwrap()
    }

    /// Waits until the counts are within a baseline, and returns them; returns the last ones if that takes too long.
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
