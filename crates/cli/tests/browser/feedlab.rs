//! `feedlab serve` and `feedlab workshop`, for as long as a test lasts.

use feedlab_testkit::Feedlab;
use tempfile::TempDir;

use crate::nginx::Nginx;

pub(crate) struct Server {
    feedlab: Feedlab,
    /// The nginx in front of it, if any.
    front: Option<Nginx>,
    /// The folder of votes and results, removed after the process has exited.
    _votes: Option<TempDir>,
}

impl Server {
    /// Starts `feedlab serve` with a constant feed of `rate` updates per second.
    pub(crate) fn serve(rate: &str, more: &[&str]) -> Self {
        let arguments = [&["serve", "--feed", "synthetic", "--rate", rate], more].concat();
        Self { feedlab: start(&arguments), front: None, _votes: None }
    }

    /// Starts `feedlab workshop`, with a class's votes and results in a temporary folder.
    pub(crate) fn workshop() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [votes, results] = ["class.ndjson", "results"].map(|name| folder.path().join(name));
        let places = ["workshop", "--class", votes.to_str().unwrap(), "--out", results.to_str().unwrap()];
        Self { feedlab: start(&places), front: None, _votes: Some(folder) }
    }

    /// Puts the server behind a path prefix of nginx.
    pub(crate) fn behind_a_prefix(mut self) -> Self {
        self.front = Some(Nginx::before(self.feedlab.address()));
        self
    }

    pub(crate) fn url(&self) -> String {
        self.front.as_ref().map_or_else(|| format!("http://{}", self.feedlab.address()), Nginx::url)
    }
}

fn start(arguments: &[&str]) -> Feedlab {
    Feedlab::run(assert_cmd::cargo::cargo_bin!("feedlab"), &[arguments, &["--exit-with-stdin"]].concat())
}
